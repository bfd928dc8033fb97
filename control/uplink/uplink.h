// SPDX-License-Identifier: BSD-3-Clause
// One of the uplinks: its probes on the loop, and what of it is in the kernel. For uplinks.c alone.
// Control thread.
#pragma once

#include <event2/event.h>

#include "control/router.h"
#include "control/uplink/uplink_health.h"
#include "control/uplink/uplink_probe.h"
#include "control/uplink/uplink_routes.h"

struct uplink {
	struct router *router;
	void (*changed)(struct uplink *uplink, enum uplink_state before);
	void *changed_ctx;
	unsigned number; // of its table
	struct cfg_uplink config;
	char name[CFG_NAME_MAX + 1], interface[CFG_NAME_MAX + 1];
	bool is_wanted; // by the config that is being followed

	struct uplink_health health;
	struct ip_addr targets[UPLINK_TARGETS_MAX];
	int64_t asked_us[UPLINK_TARGETS_MAX];
	bool asks_neighbours;
	struct uplink_probe probe;
	bool is_probe_open;
	struct event *readable[UPLINK_PROBE_FAMILIES], *timer;

	// of IPv4 and of IPv6
	bool has_way[2], has_spare[2];
	struct uplink_way ways[2];
	int reply_id[2]; // of the interface that the workers were told a way back for; -1: none
	struct ip_addr ruled[DP_INTERFACE_ADDRESSES_MAX]; // addresses that rules are about
	unsigned n_ruled;
};

// NULL: no memory.
struct uplink *uplink_new(struct router *router, const struct cfg_uplink *config, unsigned number,
	void (*changed)(struct uplink *uplink, enum uplink_state before), void *changed_ctx);
void uplink_free(struct uplink *uplink); // gives back what it has in the kernel; NULL is fine

// Thresholds, probes, priority: as another config says it.
void uplink_configure(struct uplink *uplink, const struct cfg_uplink *config);
// Its interface, next routers and addresses as they are now, in the kernel and at the workers.
void uplink_refresh(struct uplink *uplink);
// The interface goes, or is not this uplink's any more.
void uplink_forget_ways(struct uplink *uplink);

const struct interface *uplink_interface(const struct uplink *uplink); // NULL: absent
