// SPDX-License-Identifier: BSD-3-Clause
// What another policy would say of the flows that live: part of the door (dataplane.h). Each is
// judged as its next packet would have it judged again, by the same functions and by a worker that
// has no part in anything (rehearsal.h), so nothing changes and no worker waits. Routes, addresses
// and interfaces are those of now. Control thread; a part at a time.
#pragma once

#include "dataplane/dataplane.h"

enum dp_foresight {
	DP_FORESEEN_REFUSED = 0, // its packets are turned away: see `reason`
	DP_FORESEEN_INTERFACE,	 // goes, and its flows with it
	DP_FORESEEN_ANEW, // it is translated otherwise: its next packet begins another one, if it
			  // may
};

struct dp_foreseen { // a flow that ends
	struct dp_flow flow;
	enum dp_foresight what;
	const char *reason, *help; // of DP_FORESEEN_REFUSED: the counter's; static
	bool is_by_firewall;
	enum dp_hook hook; // the same: that was asked
	int64_t rule;	   // of the other policy; -1: its hook's default
};

struct dp_forecast;

struct dp_forecast_of {
	struct compiled_policy *policy; // must outlive it
	uint64_t active_schedules;	// bits, as in dp_policy
	uint64_t interfaces_gone;	// bits 1 << id
};
// One at a time. NULL: no memory.
struct dp_forecast *dataplane_forecast_new(struct dataplane *dp, const struct dp_forecast_of *of);
void dataplane_forecast_free(struct dp_forecast *forecast); // NULL is fine

// Judges some more flows, a bounded part, and writes those that end. How many it has judged is
// added to *judged. 1: there is more; 0: that was the last; -ENOMEM.
enum { DP_FORECAST_LOOKS = 64 };
int dataplane_forecast_some(struct dp_forecast *forecast, struct dp_foreseen out[DP_FORECAST_LOOKS],
	unsigned *n, uint64_t *judged);
