// SPDX-License-Identifier: BSD-3-Clause
// Flows that a helper expects: announced in the data of another one, from one address to one port,
// for a minute, once. Shared by all workers, for the first packet of what is expected may come to
// another than the one that read of it. One lock of many is taken when something is announced, and
// for a first packet only where something with 16 bits of its hash is expected. Bounded: in all, by
// host, and of all callers from outside together, who may have invented their addresses.
#pragma once

#include "dataplane/helper_control.h"

enum {
	EXPECT_MAX = 1024,
	EXPECT_PER_HOST = 32, // whose control connections announce it; IPv6: of its /64
	EXPECT_OUTSIDE = EXPECT_MAX / 4,
	EXPECT_SEC = 60,
	EXPECT_NONE = UINT16_MAX,
};

struct expectation {
	struct ip_addr src, dst; // of the packet to come: from any port of `src`
	uint16_t dport_be;
	uint8_t protocol;
	struct ip_addr to; // what its destination becomes: the host that announced it
	uint16_t to_port_be;
	uint64_t owner; // the flow that it was read in, never 0
	struct helper_control control;
	uint32_t epoch;	      // of the policy and routes that it was announced under
	bool is_from_outside; // that is
	uint32_t until_sec;
};

struct expect_table;

// One for the life of the dataplane; `seeds` are secret. NULL without memory.
struct expect_table *expect_table_new(const uint64_t seeds[2]);
void expect_table_free(struct expect_table *table); // NULL is fine
uint64_t expect_table_bytes(void);

// --- workers ---

// Gives its place, or -EEXIST: the same is expected by another owner (by the same one it is
// renewed), -ENOSPC: no room, -EDQUOT: the host, or those outside, expect as much
// as they may.
int expect_add(struct expect_table *table, const struct expectation *expected, uint32_t now_sec);
// Nothing happens when it is the owner's no more.
void expect_forget(struct expect_table *table, uint16_t place, uint64_t owner);
// A first packet: is it expected? `out` is written if it is.
bool expect_find(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	struct expectation *out);
// The same, and it is so no more.
bool expect_take(struct expect_table *table, const struct flow_tuple *packet, uint32_t now_sec,
	struct expectation *out);
