// SPDX-License-Identifier: BSD-3-Clause
// A disk that takes its time, for a program that has this preloaded: each sync of a file lasts as
// many milliseconds longer as the file says that SLOW_DISK names. See slow_disk.py.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MS_PER_SEC = 1000, NS_PER_MS = 1000000 };

int fsync(int fd);
int fdatasync(int fd);

static long told_ms(void)
{
	const char *path = getenv("SLOW_DISK");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static void rest(void)
{
	long ms = told_ms();
	const struct timespec time = {ms / MS_PER_SEC, ms % MS_PER_SEC * NS_PER_MS};

	if (ms > 0)
		nanosleep(&time, NULL);
}

int fsync(int fd)
{
	rest();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	rest();
	return (int)syscall(SYS_fdatasync, fd);
}
