// SPDX-License-Identifier: BSD-3-Clause
// A set that rules ask: addresses of both families, numbers (ports, ICMP, protocols, interfaces)
// or MACs. Compiled by control when a policy is published, read by workers, never written again.
// A rule wants to know whether, not by what, so no trie and no table of 2^24: what overlaps is
// merged, and a member has an odd number of range ends at or below it. See set.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"
#include "dataplane/policy.h"

enum { SET_ELEMENTS_MAX = DP_SET_ELEMENTS_MAX }; // before merging

struct set;

// NULL with the reason in `err`: too many elements, one that makes no sense, or no memory. `from`
// stays the caller's. Its timed set is not looked at: who asks for an address asks that one too.
struct set *set_new(const struct dp_set *from, struct error *err);
void set_free(struct set *set); // NULL is fine

// All that it takes of memory.
uint64_t set_bytes(const struct set *set);

// What a set is, to be put together with others: its bounds in ascending order. It begins at the
// even ones and ends before the odd ones; without an odd one the last range goes on to the end.
enum set_space {
	SET_SPACE_NUMBERS = 0,
	SET_SPACE_IP4, // in host order
	SET_SPACE_IP6,
};

uint32_t set_n_bounds(const struct set *set, enum set_space space);
unsigned __int128 set_bound(const struct set *set, enum set_space space, uint32_t i);

// Workers. A set of another kind has none of what is asked for.
bool set_has4(const struct set *set, uint32_t addr_be);
bool set_has6(const struct set *set, const uint8_t addr[16]);
bool set_has_number(const struct set *set, uint32_t number); // in host order
bool set_has_mac(const struct set *set, const struct mac_addr *mac);
