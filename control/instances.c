// SPDX-License-Identifier: BSD-3-Clause
#include "control/instances.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { INSTANCES_MAX = 16 };

// Abstract addresses belong to a network namespace and end with their socket: just what it takes
// to know who else lives here. -1: taken.
static int claim_name(unsigned i)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "millraced/%u", i);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int instances_claim(void)
{
	int fd = -1;

	for (unsigned i = 0; i < INSTANCES_MAX && fd < 0; i++)
		fd = claim_name(i);
	return fd;
}

bool instances_has_other(int claim)
{
	unsigned n = 0;

	for (unsigned i = 0; i < INSTANCES_MAX; i++) {
		int fd = claim_name(i);

		if (fd < 0)
			n++;
		else
			close(fd);
	}
	return n > (claim >= 0 ? 1 : 0);
}
