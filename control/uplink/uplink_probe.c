// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_probe.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED_MAX = 64, PACKET_BYTES = 256 };

static unsigned index_of(uint8_t family)
{
	return family == IP_V6;
}

// Answers alone: everybody else's come in here too.
static int filter4(int fd)
{
	struct icmp_filter filter = {.data = ~(1u << ICMP_ECHOREPLY)};

	return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
}

static int filter6(int fd)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

static int open_one(uint8_t family, const char *interface)
{
	const int on = 1;
	int fd = socket(family == IP_V6 ? AF_INET6 : AF_INET,
		SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		family == IP_V6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	int rc;

	if (fd < 0)
		return -errno;
	if ((family == IP_V6 ? filter6(fd) : filter4(fd)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
			(socklen_t)strlen(interface)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int uplink_probe_open(struct uplink_probe *probe, const char *interface)
{
	*probe = (struct uplink_probe){.fds = {-1, -1}};
	if (getrandom(&probe->id, sizeof(probe->id), 0) != sizeof(probe->id))
		return -EIO;
	probe->fds[0] = open_one(IP_V4, interface);
	probe->fds[1] = open_one(IP_V6, interface);
	return probe->fds[0] < 0 && probe->fds[1] < 0 ? probe->fds[0] : 0;
}

void uplink_probe_close(struct uplink_probe *probe)
{
	for (unsigned i = 0; i < UPLINK_PROBE_FAMILIES; i++) {
		if (probe->fds[i] >= 0)
			close(probe->fds[i]);
		probe->fds[i] = -1;
	}
}

int uplink_probe_ask(const struct uplink_probe *probe, const struct ip_addr *to, uint16_t sequence)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	struct uplink_echo echo = {probe->id, sequence};
	uint8_t bytes[UPLINK_ECHO_BYTES];
	size_t n = uplink_echo_write(to->family, &echo, bytes);
	bool is_ip6 = to->family == IP_V6;
	int fd = probe->fds[index_of(to->family)];

	if (fd < 0)
		return -EAFNOSUPPORT;
	memcpy(&to4.sin_addr, to->v4, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, to->v6, sizeof(to6.sin6_addr));
	if (sendto(fd, bytes, n, 0, is_ip6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		    is_ip6 ? sizeof(to6) : sizeof(to4)) < 0)
		return -errno;
	return 0;
}

int64_t uplink_probe_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t stamp_of(struct msghdr *message)
{
	struct timespec at;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
	}
	return uplink_probe_now_us();
}

static struct ip_addr address_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in *from4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *from6 = (const struct sockaddr_in6 *)from;
	struct ip_addr addr = {.family = from->ss_family == AF_INET6 ? IP_V6 : IP_V4};

	if (addr.family == IP_V6)
		memcpy(addr.v6, &from6->sin6_addr, sizeof(addr.v6));
	else
		memcpy(addr.v4, &from4->sin_addr, sizeof(addr.v4));
	return addr;
}

int uplink_probe_hear(
	const struct uplink_probe *probe, uint8_t family, struct uplink_probe_answer *answer)
{
	int fd = probe->fds[index_of(family)];

	for (unsigned i = 0; i < SKIPPED_MAX && fd >= 0; i++) {
		uint8_t bytes[PACKET_BYTES], control[CMSG_SPACE(sizeof(struct timespec))];
		struct sockaddr_storage from = {0};
		struct iovec to = {bytes, sizeof(bytes)};
		struct msghdr message = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &to,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		struct uplink_echo echo;
		ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			continue; // of an earlier question, such as a host that is down
		if (n < 0)
			return 0;
		if (!uplink_echo_read(family, bytes, (size_t)n, &echo) || echo.id != probe->id)
			continue;
		answer->from = address_of(&from);
		answer->sequence = echo.sequence;
		answer->time_us = stamp_of(&message);
		return 1;
	}
	return 0;
}
