// SPDX-License-Identifier: BSD-3-Clause
// The key `uplinks`: ways to the internet that stand in for each other or share its flows. Part of
// struct config: plain data in its arena. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/place.h"

enum {
	CFG_UPLINKS_MAX = 16,
	CFG_UPLINK_PROBES_MAX = 8,
	CFG_UPLINK_VIA_MAX = 2, // one of each family
	CFG_UPLINK_WEIGHT_MAX = 16,
};

struct cfg_uplink {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	const char *interface;
	uint32_t priority;			// of those that work the lowest is used
	uint32_t weight;			// its share among those of the same priority
	struct ip_addr via[CFG_UPLINK_VIA_MAX]; // none: the default routes of the interface
	unsigned n_via;
	struct ip_addr probes[CFG_UPLINK_PROBES_MAX]; // none: the next routers, by ARP and ND
	unsigned n_probes;
	uint32_t interval_sec; // between two questions to each
	uint32_t lost;	       // so many in a row unanswered, by each of them: it is down
	uint32_t answered;     // so many in a row answered, by one of them: it works again
	uint32_t hold_sec;     // so long before it is used again; more when it fails often
	uint32_t loss_percent; // from here on it is used only if no other works
};
