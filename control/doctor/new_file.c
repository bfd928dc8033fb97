// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			text += done;
			len -= (size_t)done;
		}
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

// Under its own name from now on: a link is refused where there is something already.
static int put_in_place(const char *temporary, const char *path, bool replaces)
{
	if (replaces)
		return rename(temporary, path) == 0 ? 0 : -errno;
	return link(temporary, path) == 0 ? 0 : -errno;
}

int new_file_write(const char *path, const char *text, bool replaces, struct error *err)
{
	char *temporary = NULL;
	mode_t mask = umask(0);
	int fd = -1, rc;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return error_set(err, "no memory to write %s", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error_set(err, "cannot write %s: %s", path, strerror(errno));
		free(temporary);
		return -1;
	}
	rc = write_all(fd, text);
	if (rc == 0 && fchmod(fd, 0666 & ~mask) != 0)
		rc = -errno;
	close(fd);
	if (rc == 0)
		rc = put_in_place(temporary, path, replaces);
	unlink(temporary); // gone already where it was renamed
	free(temporary);
	if (rc == -EEXIST)
		return error_set(err, "%s is there already; --force replaces it", path);
	return rc == 0 ? 0 : error_set(err, "cannot write %s: %s", path, strerror(-rc));
}
