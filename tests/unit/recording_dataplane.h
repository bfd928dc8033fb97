// SPDX-License-Identifier: BSD-3-Clause
// Stands for the workers and the ports in control's tests: remembers what it was told, says what
// the test wants said. One for the process.
#pragma once

#include "dataplane/dataplane.h"
#include "dataplane/forecast.h"

enum {
	RECORDED_MAX = 1024,
	RECORDED_COUNTERS = 2,
	RECORDED_FLOWS_MAX = 128,
	RECORDED_ENDS_ROOM = 8, // that wait for the workers
};

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

enum { RECORDED_RULES_MAX = 64 };

struct recorded_timed_set {
	uint32_t capacity; // 0: not opened; a test may make it smaller
	struct dp_timed_entry *entries;
	uint32_t n;
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
	// the policy in force, copied; what it counts is what the test says
	struct dp_policy policy;
	unsigned n_policies;
	bool is_refusing_policies;
	int cores[DP_WORKERS_MAX];
	unsigned n_cores, n_core_sets;
	bool is_refusing_cores;
	struct dp_count rule_counts[RECORDED_RULES_MAX], named_counts[RECORDED_RULES_MAX];
	struct dp_count default_counts[DP_HOOK_COUNT];
	uint64_t schedules;
	unsigned n_schedule_sets;
	struct recorded_timed_set timed[DP_TIMED_SETS_MAX];
	// what was counted, and the flows that live, as the test says; those that are to end
	uint64_t counters[RECORDED_COUNTERS];
	struct dp_interface_stats stats[DP_INTERFACES_MAX];
	struct port_stats port_stats;
	struct dp_flow flows[RECORDED_FLOWS_MAX], ends[RECORDED_FLOWS_MAX];
	bool ends_reset[RECORDED_FLOWS_MAX];
	unsigned n_flows, n_ends, n_ended;
	bool is_stalled; // they end nothing
	// what is foreseen, each of the last of so many flows; asks for them so far
	struct dp_foreseen foreseen[RECORDED_FLOWS_MAX];
	unsigned n_foreseen, n_living, n_forecasts, n_forecast_parts;
	uint64_t forecast_interfaces;
	// the ports that interfaces sit on: all have this link; what MTU they have unless they are
	// told, and what any was told last
	struct port_link link;
	uint16_t port_mtu, port_mtu_set, port_mtu_max;
	unsigned n_port_vlans; // that they were asked for and not told to forget
	uint16_t vlan_refused; // by all; 0: none
};

extern struct recording recording;

struct dataplane *recording_reset(void);
// The route that the workers have for it, or NULL.
const struct dp_route *recorded_route(const char *prefix);
const struct recorded_neighbour *recorded_neighbour(int interface, const char *addr);
// What the workers have of it, or NULL.
const struct dp_timed_entry *recorded_timed(unsigned timed, const char *prefix);
