// SPDX-License-Identifier: BSD-3-Clause
// The router that the stateful target drives: the fixture's three interfaces, and a dozen policies
// of which the input's first byte chooses one and later ones another.
#pragma once

#include "tests/unit/dataplane_fixture.h"

enum {
	WORLD_POLICIES = 12,
	WORLD_INTERFACES = FIXTURE_LAN2 + 1,
	WORLD_SMALL_TABLE = 64, // flows: eviction is an everyday matter
	WORLD_TABLE = 2048,
	WORLD_BANS = 0, // the timed set
};

struct world {
	struct fixture fixture;
	unsigned policy;
	bool hides4, hides6; // what the inside sends leaves by the WAN with addresses of ours
	uint16_t mtu[WORLD_INTERFACES];
	uint16_t changed; // bits: what world_change was asked
};

// Its room is used again by the next call.
const struct dp_policy *world_policy(unsigned which);

void world_open(struct world *world);
// Empties it: no flows, full budgets, the fixture's addresses, that policy and table.
void world_begin(struct world *world, uint8_t choice);
void world_set_policy(struct world *world, unsigned policy);
// One change by control, as the byte says: addresses, MTU, neighbours, routes, bans, schedules.
void world_change(struct world *world, uint8_t what);
void world_pass_time(struct world *world, uint32_t ms);
