// SPDX-License-Identifier: BSD-3-Clause
// All routes the kernel has told us of, and the choice among them: of each prefix the workers get
// one, the best. Table local goes before main, then the lower metric, then one of ours before one
// over the machine's other devices, then the older; a route with no link left stands behind one
// that has some. What leads out by another device goes up to the kernel, but for its default
// routes, which the workers never use. No I/O beyond dataplane_route_*, so it is tested on plain
// data. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dataplane.h"

enum {
	RIB_ROUTES_MAX = 4 << 20,
	// A nexthop's interface from here on is a device of the machine that is none of ours. Two
	// that share a number are told apart by their gateways, or not at all.
	RIB_DEVICE_BASE = DP_INTERFACES_MAX,
	RIB_DEVICES = 256 - RIB_DEVICE_BASE,
};

struct rib;

// One route of the kernel. Host bits in route.to do not count.
struct rib_route {
	struct dp_route route;
	uint32_t metric;
	bool is_local_table; // of table local, not main
	uint8_t protocol;    // RTPROT_*, for people
};

enum rib_how {
	RIB_APPEND = 0, // behind those of the same metric
	RIB_PREPEND,	// before them, as IPv4 does without NLM_F_APPEND
	RIB_REPLACE,	// instead of the first of the same metric
};

static inline int rib_device(int ifindex)
{
	return RIB_DEVICE_BASE + ifindex % RIB_DEVICES;
}

// A unicast route that has no nexthop on an interface of ours.
bool rib_route_is_kernels(const struct rib_route *route);

struct rib *rib_new(struct dataplane *dp); // NULL: no memory
// Hands in with each route which interfaces the others to its prefix lead to, from now on.
void rib_tell_alternatives(struct rib *rib);
void rib_free(struct rib *rib); // leaves the workers' routes alone

// A route the kernel has. Known ones are recognised, so a dump may be fed at any time.
// 0, -ENOSPC (RIB_ROUTES_MAX) or -ENOMEM.
int rib_add(struct rib *rib, const struct rib_route *route, enum rib_how how);
// The whole route, or of an IPv6 route some of its nexthops. -ENOENT when unknown.
int rib_remove(struct rib *rib, const struct rib_route *route);
// The first of this metric was replaced by something that is not for the workers.
void rib_displace(struct rib *rib, const struct rib_route *route);

// What is not added between the two is removed by the second: a full dump goes in between.
void rib_sync_start(struct rib *rib);
void rib_sync_end(struct rib *rib);

// What is said between the two is one change: of default routes the best is chosen at the end. The
// kernel tells of them one by one, and whose flow is looked at meanwhile would be judged by a route
// that nobody has meant. Started again, it goes on; ended without a start, it does nothing.
void rib_batch_start(struct rib *rib);
void rib_batch_end(struct rib *rib);

// Routes over a dead link step back behind others. All links are up until said otherwise.
void rib_set_link(struct rib *rib, int interface, bool is_up);

// It goes, and so does what leads there: the kernel says of few of these that they have gone. Its
// id may then be another's.
void rib_forget_interface(struct rib *rib, int interface);

// The route to that very prefix which the workers use. False: they have none.
bool rib_find_active(const struct rib *rib, const struct ip_prefix *prefix, struct rib_route *out);
// Whether any route has a nexthop over that device (rib_device).
bool rib_uses_device(const struct rib *rib, int device);

// Offers the workers what they had no room for, if room may have been made since.
void rib_retry_refused(struct rib *rib);

// True once after anything changed for the workers: dataplane_routes_commit is then due.
bool rib_take_changed(struct rib *rib);

struct rib_counts {
	uint32_t routes4, routes6; // as the kernel has them, all metrics
	uint32_t refused;	   // prefixes the workers have no room for
};
void rib_counts(const struct rib *rib, struct rib_counts *out);

// Walks all routes in no order. `cursor` starts at 0; false at the end. A change in between may
// repeat or miss some. `is_active`: this is the one the workers use.
struct rib_cursor {
	uint32_t bucket;
	uint32_t position;
};
bool rib_next(
	const struct rib *rib, struct rib_cursor *cursor, struct rib_route *out, bool *is_active);

// All routes to an address, the most specific first, of one prefix the best first. How many, `max`
// at most.
struct rib_found {
	struct rib_route route;
	bool is_active;
};
unsigned rib_find(
	const struct rib *rib, const struct ip_addr *addr, struct rib_found *out, unsigned max);
