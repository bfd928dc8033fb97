// SPDX-License-Identifier: BSD-3-Clause
// How many answers a second one client gets by UDP: who forges a victim's address gets no more of
// it through to the victim than that. Of the rest, every second is an invitation to TCP, which a
// victim never accepts and a client does. A fixed table of fingerprints. DNS thread.
#pragma once

#include <stdint.h>

#include "cfg/base/addr.h"

struct client_rate;

enum client_rate_verdict {
	CLIENT_RATE_ANSWER = 0,
	CLIENT_RATE_CUT, // "ask again by TCP"
	CLIENT_RATE_DROP,
};

struct client_rate *client_rate_new(void); // NULL: no memory
void client_rate_free(struct client_rate *rate);

// `per_sec` 0: no limit.
enum client_rate_verdict client_rate_take(
	struct client_rate *rate, const struct ip_addr *client, uint32_t per_sec, uint64_t now_ms);
