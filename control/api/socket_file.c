// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/log.h"

static bool is_served(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		return true;
	// EAGAIN: someone's queue of clients is full, which is an answer too
	is_refused =
		connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 && errno != EAGAIN;
	close(fd);
	return !is_refused;
}

static int remove_stale(const struct sockaddr_un *addr, struct error *err)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? 0
				       : error_set(err, "cannot look at %s: %s", addr->sun_path,
						 strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, "%s is there and is no socket", addr->sun_path);
	if (is_served(addr))
		return error_set(err, "another millraced answers on %s", addr->sun_path);
	if (unlink(addr->sun_path) != 0)
		return error_set(err,
			"cannot remove the socket %s that an earlier millraced left: %s",
			addr->sun_path, strerror(errno));
	return 0;
}

// Two groups may connect, and a file has one: the other stands in its access list.
static int add_group(const char *path, gid_t gid)
{
	char text[80];
	acl_t acl;
	int rc;

	snprintf(text, sizeof(text), "u::rw,g::rw,g:%u:rw,m::rw,o::-", gid);
	acl = acl_from_text(text);
	if (acl == NULL)
		return -1;
	rc = acl_set_file(path, ACL_TYPE_ACCESS, acl);
	acl_free(acl);
	return rc;
}

static int open_to_groups(const char *path, const struct peer_groups *groups, struct error *err)
{
	gid_t gid = groups->has_readers ? groups->readers : groups->admins;

	if (!groups->has_readers && !groups->has_admins)
		return 0;
	if (chown(path, (uid_t)-1, gid) != 0 || chmod(path, 0660) != 0)
		return error_set(err, "cannot give %s to its group: %s", path, strerror(errno));
	if (groups->has_readers && groups->has_admins && add_group(path, groups->admins) != 0)
		log_warning("control",
			"%s has no access list (%s): who is in the group " PEER_ADMINS
			" must be in " PEER_READERS " too",
			path, strerror(errno));
	return 0;
}

static int bind_and_listen(const struct sockaddr_un *addr, int backlog,
	const struct peer_groups *groups, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int rc;

	if (fd < 0)
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	old = umask(0177); // nobody else's from the first moment
	rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	umask(old);
	if (rc != 0) {
		error_set(err, "cannot listen on %s: %s", addr->sun_path, strerror(errno));
	} else {
		rc = open_to_groups(addr->sun_path, groups, err);
		if (rc == 0 && listen(fd, backlog) != 0)
			rc = error_set(
				err, "cannot listen on %s: %s", addr->sun_path, strerror(errno));
		if (rc != 0)
			unlink(addr->sun_path);
	}
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

// Waits a little, since nobody holds it for long; who does has no business with it.
static int lock_folder(int fd)
{
	static const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < 50; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -1;
}

// The folder is locked meanwhile: of two daemons that start at the same moment one must see the
// other's socket as it is when all is done.
int socket_file_take(
	const char *path, int backlog, const struct peer_groups *groups, struct error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char folder[sizeof(addr.sun_path)];
	const char *parent;
	int lock, fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return error_set(err, "the socket's path is too long (%zu bytes at most): %s",
			sizeof(addr.sun_path) - 1, path);
	memcpy(addr.sun_path, path, strlen(path));
	memcpy(folder, addr.sun_path, sizeof(folder));
	parent = dirname(folder);
	if (mkdir(parent, 0755) != 0 && errno != EEXIST)
		return error_set(err, "cannot make the folder %s: %s", parent, strerror(errno));
	lock = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return error_set(err, "cannot open the folder %s: %s", parent, strerror(errno));
	if (lock_folder(lock) != 0)
		error_set(err, "cannot lock the folder %s: %s", parent, strerror(errno));
	else if (remove_stale(&addr, err) == 0)
		fd = bind_and_listen(&addr, backlog, groups, err);
	close(lock);
	return fd;
}
