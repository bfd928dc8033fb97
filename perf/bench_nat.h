// SPDX-License-Identifier: BSD-3-Clause
// A LAN, an uplink and the flows between them: for the cases that keep state, and for the file of
// frames that any router can be given.
#pragma once

#include "perf/bench_policy.h"
#include "perf/bench_world.h"

enum {
	LAN = 0, // interface ids and streams alike
	WAN = 1,
	NAT_LAN_HOSTS = 250,
	NAT_GATEWAY_HOST = 1000, // its MAC's number
	NAT_POOL_LEN = 18,
};

#define NAT_LAN_NET	RTE_IPV4(198u, 18, 0, 0)
#define NAT_REMOTE_NET	RTE_IPV4(198u, 19, 0, 0)
#define NAT_PUBLIC_ADDR RTE_IPV4(203u, 0, 113, 1)
#define NAT_POOL_NET	RTE_IPV4(10u, 64, 0, 0) // a /18, routed here

// Addresses and ports in host order.
struct nat_flow {
	uint32_t client, remote, public_addr;
	uint16_t sport, dport;
	uint16_t public_port; // as the router chose
	uint8_t protocol;
};

struct nat_world {
	struct bench_world world; // first
	enum bench_translation translation;
	bool is_ip6; // the same hosts and flows, with addresses of IPv6
	struct nat_flow *flows;
	uint32_t n_flows;
	void (*choose_port)(uint16_t *port); // moves a client's port to one that suits; or NULL
};

// The i-th flow, to a random remote. Client, port and protocol follow from `i` alone.
struct nat_flow nat_flow_make(uint32_t i, uint64_t *seed);
// The flow's packet from the LAN or the WAN, as the router meets it or, translated, as it leaves.
void nat_frame(const struct nat_flow *flow, uint32_t i, unsigned from, bool is_translated,
	uint8_t tcp_flags, struct bench_frame *out);
// Interfaces, routes, neighbours and policy. The ports may be NULL.
int nat_network_make(struct bench_world *world, struct port *lan_port, struct port *wan_port,
	const struct bench_policy *policy, struct error *err);

// A table for `n_live` flows on each worker and room to remember `n_flows` of them, first in
// `bytes` that are zero otherwise. NULL with the reason; nat_world_free it when the target is done
// with.
struct nat_world *nat_world_new(size_t bytes, uint32_t n_flows, uint32_t n_live, unsigned n_workers,
	enum bench_translation translation, struct error *err);
void nat_world_free(struct bench_target *t);
// Flows begin: first packet, answer, answer's answer.
int nat_world_begin(struct nat_world *nat, struct error *err);
// A stream from the LAN and one from the WAN, a frame of each flow in each.
int nat_world_add_streams(struct nat_world *nat, struct error *err);
// What must come out of them.
void nat_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out);
