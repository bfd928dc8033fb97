// SPDX-License-Identifier: BSD-3-Clause
// The packets that a rule of the firewall is about, with zones, interfaces and sets resolved, so
// that it can be told whether another rule is about all of them. Part of the checks (cfg/check.h),
// for a config without errors. Control thread.
#pragma once

#include "cfg/check_scope.h"

struct extent {
	const struct cfg_rule *rule;
	uint64_t in, out; // bits by index of interface
	bool in_router, out_router;
	bool is_sure; // exactly these packets; else it may be fewer
	bool may_be[SCOPE_FAMILIES];
	// ICMP that passes if nobody names it, and which only some rules are asked about: of it, it
	// may say something; it may take it all
	bool sees_essential[SCOPE_FAMILIES], takes_essential[SCOPE_FAMILIES];
	uint64_t protocols[4]; // bits
	struct scope_match source, destination, source_port, port, mac, icmp[SCOPE_FAMILIES];
};

struct extents {
	const struct check *check;
	struct scopes scopes;
	uint8_t *lists; // by index: whether one names ICMP types, 0: not yet
	uint64_t zones[CFG_ZONES_MAX], no_zone; // interfaces of each, as bits
};

// `arena` holds what it finds out. False: no memory for it.
bool extents_init(struct extents *extents, const struct check *check, struct arena *arena);

// `hook` is CFG_HOOK_COUNT for the rules of lists with a name.
void extent_of(struct extents *extents, enum cfg_hook hook, const struct cfg_rule *rule,
	struct extent *out);

// No packet at all.
bool extent_is_empty(const struct extent *extent);

// `outer` is about every packet of the family that `inner` is about. `cost`, which is added to,
// counts ranges looked at.
bool extent_covers(
	const struct extent *outer, const struct extent *inner, int family, uint64_t *cost);
