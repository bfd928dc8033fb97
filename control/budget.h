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
	uint64_t dataplane_bytes; // with timed_bytes
	uint64_t timed_bytes;	  // of sets with a timeout
	uint64_t packet_bytes;
	uint64_t rings_bytes;  // and buffers that ports have to themselves
	uint32_t flows_wanted; // by the file or by default; the machine may allow fewer
	uint32_t neighbours4_max, neighbours6_max;
	uint32_t timed_entries_max; // of all sets with a timeout
};

// 0, or -1 and an error when the machine is too small for it. machine_bytes 0: it is not known.
int budget_make(struct budget *budget, const struct config *config, const struct cores *cores,
	const struct neighbour_limits *neighbours, uint64_t machine_bytes, struct error *err);
void budget_log(const struct budget *budget, const struct cores *cores);
