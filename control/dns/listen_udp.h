// SPDX-License-Identifier: BSD-3-Clause
// Questions by UDP on one interface and family: many a system call, and each answered from the
// address that was asked. DNS thread.
#pragma once

#include "control/dns/front.h"

struct listen_udp;

// Takes the socket, bound. NULL: no memory, and the socket is closed.
struct listen_udp *listen_udp_new(
	struct front *front, struct event_base *base, struct dns_stats *stats, int fd);
// Takes no more; what waits for answers ends by itself. NULL is fine.
void listen_udp_free(struct listen_udp *listen);
