// SPDX-License-Identifier: BSD-3-Clause
// The kernel's routes on their way to the workers: tables main and local, whoever wrote them,
// through the RIB. What a router does not forward by (multicast, TOS, source-specific routes)
// stays behind. What leads over the machine's other devices is the kernel's to forward; its
// addresses there are ours as well. Control thread.
#pragma once

#include "control/interfaces.h"
#include "control/rib.h"

struct routes {
	struct rib *rib;
	struct interfaces *interfaces;
	struct netlink *netlink;
	// A default route came or went, used or not. May be NULL.
	void (*heard_default)(void *ctx);
	void *heard_ctx;
	bool is_default_heard;
	bool is_full_logged;
	bool is_refused_logged;
};

void routes_init(struct routes *routes, struct rib *rib, struct interfaces *interfaces,
	struct netlink *netlink);

// An interface's link, or someone's hand on it, changed.
void routes_interface_changed(
	struct routes *routes, const struct interface *interface, bool was_by_hand);
// One that is new, before routes lead there; one that goes, before the workers lose it.
void routes_interface_came(struct routes *routes, const struct interface *interface);
void routes_interface_goes(struct routes *routes, const struct interface *interface);
// A device that is none of ours went down, or away.
void routes_device_went(struct routes *routes, int ifindex);
// Every few seconds: another attempt with those that the workers had no room for.
void routes_retry(struct routes *routes);

// For netlink: RTM_NEWROUTE and RTM_DELROUTE.
struct netlink_handler routes_handler(struct routes *routes);
