// SPDX-License-Identifier: BSD-3-Clause
// Stands for the workers and the ports in control's tests: remembers what it was told, says what
// the test wants said. One for the process.
#pragma once

#include "dataplane/dataplane.h"

enum { RECORDED_MAX = 1024 };

struct recorded_neighbour {
	int interface;
	struct ip_addr addr;
	struct mac_addr mac;
};

struct recorded_interface {
	bool is_used, is_up;
	struct dp_interface told;
	struct ip_prefix addresses[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n_addresses;
};

struct recording {
	struct dp_route routes[RECORDED_MAX];
	unsigned n_routes;
	bool only_counts;	 // routes are then not kept
	unsigned route_capacity; // 0: no limit; of kept routes
	bool is_refusing;	 // every route, also a change of one
	unsigned n_route_sets, n_route_deletes, n_commits;
	struct recorded_neighbour neighbours[RECORDED_MAX];
	unsigned n_neighbours;
	unsigned n_neighbour_deletes;
	struct recorded_interface interfaces[DP_INTERFACES_MAX];
	struct recorded_neighbour used[RECORDED_MAX]; // answers dataplane_neighbours_used
	unsigned n_used;
	// the port that interfaces sit on
	struct port_link link;
	uint16_t port_mtu, port_mtu_max;
};

extern struct recording recording;

struct dataplane *recording_reset(void);
// The route that the workers have for it, or NULL.
const struct dp_route *recorded_route(const char *prefix);
const struct recorded_neighbour *recorded_neighbour(int interface, const char *addr);
