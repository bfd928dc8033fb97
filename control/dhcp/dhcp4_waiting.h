// SPDX-License-Identifier: BSD-3-Clause
// Questions that wait until it is known whether somebody has the address that they would get:
// bounded, in the order of their deadlines, which are all equally far. Control thread.
#pragma once

#include <sys/queue.h>

#include "control/dhcp/dhcp4_server.h"

struct dhcp4_waiting_one {
	TAILQ_ENTRY(dhcp4_waiting_one) entry;
	uint32_t address;
	uint64_t ends_ms;
	struct dhcp4_rx rx; // its bytes are below
	char interface[16];
	uint8_t bytes[DHCP4_BYTES_MAX];
};

struct dhcp4_waiting {
	TAILQ_HEAD(dhcp4_waiting_head, dhcp4_waiting_one) list;
	unsigned n;
};

void dhcp4_waiting_init(struct dhcp4_waiting *waiting);
void dhcp4_waiting_fini(struct dhcp4_waiting *waiting);

// A copy of the message waits. False: too many do, or no memory.
bool dhcp4_waiting_add(struct dhcp4_waiting *waiting, uint32_t address, const struct dhcp4_rx *rx,
	uint64_t ends_ms);
// Takes out the one that waits for the address, or NULL; the caller frees it.
struct dhcp4_waiting_one *dhcp4_waiting_take(struct dhcp4_waiting *waiting, uint32_t address);
// The same of the first whose time has come.
struct dhcp4_waiting_one *dhcp4_waiting_take_due(struct dhcp4_waiting *waiting, uint64_t now_ms);
bool dhcp4_waiting_has(const struct dhcp4_waiting *waiting, uint32_t address);
uint64_t dhcp4_waiting_deadline(const struct dhcp4_waiting *waiting); // UINT64_MAX: none
