// SPDX-License-Identifier: BSD-3-Clause
// What a match of a rule can hold for, with its sets resolved, and whether another one holds for
// all of that. Part of the checks (cfg/check.h), for a config without errors. Control thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/check.h"
#include "cfg/spans.h"

enum { SCOPE_IP4 = 0, SCOPE_IP6, SCOPE_FAMILIES };

// What a match names, before its `not`.
struct scope {
	struct spans known[SCOPE_FAMILIES];   // numbers and MAC addresses: in the first
	const struct cfg_set *const *unknown; // sets with more than the file says
	unsigned n_unknown;
	bool is_vague; // too large to look into: nothing is known of it
};

struct scope_match {
	const struct scope *scope; // NULL: nothing is said
	bool is_negated;
};

struct scopes {
	const struct check *check;
	struct arena *arena;	     // for scopes
	const struct scope **by_set; // NULL: not yet
};

// False: no memory for it.
bool scopes_init(struct scopes *scopes, const struct check *check, struct arena *arena);

struct scope_match scope_of(
	struct scopes *scopes, const struct cfg_match *match, enum cfg_set_kind kind);

// It may hold for addresses of the family.
bool scope_may_be(const struct scope_match *match, int family);

// The outer one holds for all that the inner one may hold for, of 0 to `max`. `cost`, which is
// added to, counts ranges looked at.
bool scope_covers(const struct scope_match *outer, const struct scope_match *inner, int family,
	unsigned __int128 max, uint64_t *cost);
