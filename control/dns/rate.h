// SPDX-License-Identifier: BSD-3-Clause
// How many answers a second one client gets by UDP: who forges a victim's address gets no more of
// it through to the victim than that. Of the rest, every second is an invitation to TCP, which a
// victim never accepts and a client does. A fixed table of fingerprints. DNS thread.
#pragma once

#include <stdint.h>

#include "cfg/base/addr.h"

struct rate;

enum rate_verdict {
	RATE_ANSWER = 0,
	RATE_CUT, // "ask again by TCP"
	RATE_DROP,
};

struct rate *rate_new(void); // NULL: no memory
void rate_free(struct rate *rate);

// `per_sec` 0: no limit.
enum rate_verdict rate_take(
	struct rate *rate, const struct ip_addr *client, uint32_t per_sec, uint64_t now_ms);
