// SPDX-License-Identifier: BSD-3-Clause
// The router under stress: a WAN and two LANs by wires, small flow tables, and a control that never
// rests. world_control is called by a thread of its own, all else by the main one.
#pragma once

#include <stdatomic.h>

#include "dataplane/dataplane.h"
#include "tests/stress/talk.h"
#include "tests/stress/wire.h"

struct world {
	struct dataplane *dp;
	struct wire wires[TALK_INTERFACES];
	unsigned n_workers;
	unsigned n_policies;	  // that control has set
	_Atomic unsigned n_moves; // how often it gave the workers other cores
	_Atomic bool is_calm;	  // control changes nothing
	_Atomic bool must_stop;
};

void world_start(void); // once for the process
void world_open(struct world *world, unsigned n_workers);
void world_close(struct world *world);
// What control does next, by a number that counts up.
void world_control(struct world *world, unsigned i);
