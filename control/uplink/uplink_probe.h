// SPDX-License-Identifier: BSD-3-Clause
// Sockets by which one uplink is probed: bound to its interface, so that what they send leaves by
// it whatever the routes say. Times by the kernel's stamps: a loop that is busy makes no answer
// late. Control thread.
#pragma once

#include "cfg/base/addr.h"
#include "control/uplink/uplink_echo.h"

enum { UPLINK_PROBE_FAMILIES = 2 };

struct uplink_probe {
	int fds[UPLINK_PROBE_FAMILIES]; // of IPv4 and IPv6, non-blocking; -1: none
	uint16_t id;			// of our questions
};

struct uplink_probe_answer {
	struct ip_addr from;
	uint16_t sequence;
	int64_t time_us; // since 1970, when it came in
};

// Opens both families, or one where the machine has no other. 0 or -errno.
int uplink_probe_open(struct uplink_probe *probe, const char *interface);
void uplink_probe_close(struct uplink_probe *probe); // safe twice

// 0 or -errno.
int uplink_probe_ask(const struct uplink_probe *probe, const struct ip_addr *to, uint16_t sequence);
// 1: an answer to us; 0: nothing is there; what is for others is skipped, some of it a call.
int uplink_probe_hear(
	const struct uplink_probe *probe, uint8_t family, struct uplink_probe_answer *answer);

int64_t uplink_probe_now_us(void); // on the clock of the stamps
