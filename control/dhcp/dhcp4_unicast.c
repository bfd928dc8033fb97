// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_unicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_up(int fd, const char *interface, const struct ip_addr *addr)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog filter = {.len = 1, .filter = nothing};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(DHCP4_CLIENT_PORT)};
	int on = 1;

	memcpy(&at.sin_addr, addr->v4, sizeof(at.sin_addr));
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface)) == 0 &&
	       bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}

int dhcp4_unicast_open(const char *interface, const struct ip_addr *addr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd >= 0 && set_up(fd, interface, addr))
		return fd;
	rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

int dhcp4_unicast_send(int fd, const struct dhcp4_outgoing *message)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(DHCP4_SERVER_PORT)};

	if (fd < 0)
		return -ENOTCONN;
	memcpy(&to.sin_addr, message->dst.v4, sizeof(to.sin_addr));
	return sendto(fd, message->bytes, message->n_bytes, 0, (struct sockaddr *)&to, sizeof(to)) <
			       0
		       ? -errno
		       : 0;
}
