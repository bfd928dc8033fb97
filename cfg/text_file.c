// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM_MIN = 64 * 1024 };

static int read_all(int fd, size_t bytes_max, struct text_file *out)
{
	size_t room = ROOM_MIN;
	size_t used = 0;
	char *buffer = malloc(room);

	while (buffer != NULL) {
		ssize_t got = read(fd, buffer + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno; // EISDIR of a directory

			free(buffer);
			return error;
		}
		used += (size_t)got;
		if (got == 0 || used > bytes_max) {
			out->text = buffer;
			out->bytes = used;
			return 0;
		}
		if (used == room) {
			char *larger = realloc(buffer, room * 2);

			if (larger == NULL)
				free(buffer);
			buffer = larger;
			room *= 2;
		}
	}
	return -ENOMEM;
}

// Nobody waits for the other end of a pipe that should be a file.
int text_file_read(const char *path, bool must_be_regular, size_t bytes_max, struct text_file *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (must_be_regular ? O_NONBLOCK : 0));
	struct stat info;
	int result;

	*out = (struct text_file){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) != 0) {
		result = -errno;
	} else if (must_be_regular && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
		result = -EINVAL;
	} else {
		out->device = info.st_dev;
		out->inode = info.st_ino;
		result = read_all(fd, bytes_max, out);
	}
	close(fd);
	return result;
}

const char *text_file_why_not(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such file";
	case -EACCES:
		return "no permission to read it";
	case -EISDIR:
		return "it is a directory, not a file";
	case -EINVAL:
		return "it is no regular file";
	default:
		return strerror(-error);
	}
}
