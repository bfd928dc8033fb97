// SPDX-License-Identifier: BSD-3-Clause
// The network that is masqueraded and its flows: for the cases that translate, and for the file of
// frames that any router can be given.
#pragma once

#include "perf/bench_world.h"

enum {
	LAN = 0, // interface ids and streams alike
	WAN = 1,
	NAT_LAN_HOSTS = 250,
};

// Addresses and ports in host order.
struct nat_flow {
	uint32_t client, remote;
	uint16_t sport, dport;
	uint16_t public_port; // as the router chose
	uint8_t protocol;
};

// The i-th flow, to a random remote. Client, port and protocol follow from `i` alone.
struct nat_flow nat_flow_make(uint32_t i, uint64_t *seed);
// The flow's packet from the LAN or the WAN, as the router meets it or, translated, as it leaves.
void nat_frame(const struct nat_flow *flow, uint32_t i, unsigned from, bool is_translated,
	uint8_t tcp_flags, struct bench_frame *out);
// Interfaces, routes, neighbours and masquerading. The ports may be NULL.
int nat_network_make(
	struct bench_world *world, struct port *lan_port, struct port *wan_port, struct error *err);
