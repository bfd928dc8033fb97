// SPDX-License-Identifier: BSD-3-Clause
// How large everything will be, settled before anything is allocated and told in one line:
// tables never grow while the router runs.
#pragma once

#include "cfg/config.h"
#include "control/cores.h"
#include "control/neighbour_limits.h"
#include "dataplane/dataplane.h"

struct budget {
	struct dataplane_options dataplane;
	struct drivers_options drivers;
	uint64_t dataplane_bytes;
	uint64_t packet_bytes;
	uint32_t neighbours4_max, neighbours6_max;
	uint32_t timed_entries_max; // of all sets with a timeout
};

void budget_make(struct budget *budget, const struct config *config, const struct cores *cores,
	const struct neighbour_limits *neighbours);
void budget_log(const struct budget *budget, const struct cores *cores);
