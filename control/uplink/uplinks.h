// SPDX-License-Identifier: BSD-3-Clause
// The uplinks of the config at work: each is probed (uplink_probe.h), judged (uplink_health.h) and
// has its ways in the kernel (uplink_routes.h); which are used is chosen anew whenever anything of
// that changes (uplink_choice.h), and the resolvers and flows hear of it. Control thread.
#pragma once

#include "control/router.h"
#include "control/uplink/uplink_choice.h"

struct uplinks;

// For those of the router's config. NULL with the reason.
struct uplinks *uplinks_new(struct router *router, struct error *err);
// Takes back what it gave to the kernel. NULL is fine.
void uplinks_free(struct uplinks *uplinks);

// Another config is in force: uplinks of before keep their condition. NULL is fine, as in all that
// follow.
void uplinks_follow(struct uplinks *uplinks, const struct config *config);
// An interface came up, went down, or has other addresses; or there is one more.
void uplinks_interface_changed(struct uplinks *uplinks);
// It is about to go, with its id.
void uplinks_interface_goes(struct uplinks *uplinks, const struct interface *interface);

// What is known of one, for people.
struct uplink_view {
	const char *name, *interface; // until the next call that changes something
	const struct cfg_uplink *config;
	const struct uplink_health *health;
	struct ip_addr targets[UPLINK_TARGETS_MAX]; // of health->targets
	bool asks_neighbours;			    // by ARP and ND, not ICMP
	bool has_way[2];			    // of IPv4 and IPv6
	struct ip_addr via[2];
	uint32_t shares[2]; // of the flows; 0: it is not used
	uint32_t all_shares[2];
	const char *why_not[2]; // it is not used; NULL: it is
};
unsigned uplinks_count(const struct uplinks *uplinks);
bool uplinks_view(const struct uplinks *uplinks, unsigned index, struct uplink_view *out);
uint64_t uplinks_flows_ended(const struct uplinks *uplinks);
