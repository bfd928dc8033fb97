// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group != NULL)
		*gid = group->gr_gid;
	return group != NULL;
}

void peer_groups_find(struct peer_groups *groups)
{
	*groups = (struct peer_groups){0};
	groups->has_readers = find_group(PEER_READERS, &groups->readers);
	groups->has_admins = find_group(PEER_ADMINS, &groups->admins);
}

enum peer_right peer_right_of(const struct peer_groups *groups, uid_t uid, uid_t daemon_uid,
	const gid_t *gids, size_t n_gids)
{
	enum peer_right right = PEER_NOTHING;

	if (uid == 0 || uid == daemon_uid)
		return PEER_WRITES;
	for (size_t i = 0; i < n_gids; i++) {
		if (groups->has_admins && gids[i] == groups->admins)
			return PEER_WRITES;
		if (groups->has_readers && gids[i] == groups->readers)
			right = PEER_READS;
	}
	return right;
}

// The group that it runs as, and then those that its user is in besides. NULL: not to be had.
static gid_t *read_gids(int fd, gid_t own, size_t *n_gids)
{
	socklen_t bytes = 0;
	gid_t *gids;

	// what is too small is told how much it takes
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &bytes) != 0 && errno != ERANGE)
		return NULL;
	gids = malloc(sizeof(*gids) + bytes);
	if (gids == NULL)
		return NULL;
	gids[0] = own;
	if (bytes > 0 && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids + 1, &bytes) != 0) {
		free(gids);
		return NULL;
	}
	*n_gids = 1 + bytes / sizeof(*gids);
	return gids;
}

enum peer_right peer_right(const struct peer_groups *groups, int fd)
{
	enum peer_right right = PEER_NOTHING;
	struct ucred cred;
	socklen_t bytes = sizeof(cred);
	size_t n_gids;
	gid_t *gids;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) != 0)
		return PEER_NOTHING;
	gids = read_gids(fd, cred.gid, &n_gids);
	if (gids != NULL)
		right = peer_right_of(groups, cred.uid, geteuid(), gids, n_gids);
	free(gids);
	return right;
}

void peer_who(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return;
	*uid = peer.uid;
	*pid = peer.pid;
}
