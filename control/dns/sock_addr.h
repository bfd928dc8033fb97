// SPDX-License-Identifier: BSD-3-Clause
// Addresses of sockets as those of the router. Plain values. Any thread.
#pragma once

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "cfg/base/addr.h"

static inline void sock_addr_get(const struct sockaddr_storage *from, struct ip_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		out->family = IP_V4;
		memcpy(out->v4, &in.sin_addr, sizeof(out->v4));
	} else if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, from, sizeof(in));
		out->family = IP_V6;
		memcpy(out->v6, &in.sin6_addr, sizeof(out->v6));
	}
}
