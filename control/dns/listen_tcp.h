// SPDX-License-Identifier: BSD-3-Clause
// Questions by TCP (RFC 7766) on one interface and family: several on a connection at a time, each
// answered when its answer is there, in whatever order. Connections, and what is under way on each,
// are bounded; who is idle is let go. DNS thread.
#pragma once

#include "control/dns/front.h"

struct listen_tcp;

// Takes the socket, bound and listening. NULL: no memory, and the socket is closed.
struct listen_tcp *listen_tcp_new(
	struct front *front, struct event_base *base, struct dns_stats *stats, int fd);
void listen_tcp_free(struct listen_tcp *listen); // and its connections; NULL is fine
