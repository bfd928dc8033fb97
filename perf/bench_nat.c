// SPDX-License-Identifier: BSD-3-Clause
// Masquerading: 250 hosts of a LAN, TCP and UDP in equal parts, each flow to a random host of the
// internet. Flows begin as they do on a wire: a first packet from the LAN, the answer, the answer's
// answer. Then minimal frames of all of them arrive in random order, a burst from the LAN, a burst
// from the WAN.
#include <stdlib.h>
#include <string.h>

#include "dataplane/memory.h"
#include "perf/bench_nat.h"

enum {
	GATEWAY_HOST = 1000,
	PORT_FIRST = 1024,
	PORTS = 60000,
	PORT_STEP = 29, // no common factor with PORTS: a host's flows have ports of their own
};

#define LAN_NET	     RTE_IPV4(198u, 18, 0, 0)
#define REMOTE_NET   RTE_IPV4(198u, 19, 0, 0)
#define PUBLIC_ADDR  RTE_IPV4(203u, 0, 113, 1)
#define GATEWAY_ADDR RTE_IPV4(203u, 0, 113, 254)

struct nat_world {
	struct bench_world world; // first
	struct nat_flow *flows;
	uint32_t n_flows;
};

static uint32_t host_of(uint32_t flow)
{
	return flow % NAT_LAN_HOSTS;
}

static uint32_t host_addr(uint32_t host)
{
	return LAN_NET + 2 + host;
}

struct nat_flow nat_flow_make(uint32_t i, uint64_t *seed)
{
	static const uint16_t services[] = {443, 80, 53, 123};
	uint32_t nth = i / NAT_LAN_HOSTS;

	return (struct nat_flow){
		.client = host_addr(host_of(i)),
		.remote = REMOTE_NET | (bench_random(seed) & 0xffff),
		.sport = (uint16_t)(PORT_FIRST + (nth / 2 * PORT_STEP + host_of(i)) % PORTS),
		.dport = services[bench_random(seed) % RTE_DIM(services)],
		.protocol = nth % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP,
	};
}

// The flow's packet from the LAN or the WAN, as the router meets it or, translated, as it leaves.
void nat_frame(const struct nat_flow *flow, uint32_t i, unsigned from, bool is_translated,
	uint8_t tcp_flags, struct bench_frame *out)
{
	bool is_inside = (from == LAN) != is_translated; // the side of the wire it is seen on
	struct mac_addr router = bench_mac_of_interface(is_inside ? LAN : WAN);
	struct mac_addr peer = bench_mac_of_host(is_inside ? host_of(i) : GATEWAY_HOST);
	uint32_t ours = is_inside ? flow->client : PUBLIC_ADDR;
	uint16_t our_port = is_inside ? flow->sport : flow->public_port;
	const struct frame4_tuple tuple = {
		.src = from == LAN ? ours : flow->remote,
		.dst = from == LAN ? flow->remote : ours,
		.sport = from == LAN ? our_port : flow->dport,
		.dport = from == LAN ? flow->dport : our_port,
		.protocol = flow->protocol,
		.tcp_flags = tcp_flags,
		.ttl = (uint8_t)(is_translated ? FRAME_TTL - 1 : FRAME_TTL),
	};

	frame4_write(out, is_translated ? &router : &peer, is_translated ? &peer : &router, &tuple);
}

static void nat_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out)
{
	const struct nat_world *nat = (const struct nat_world *)t;
	uint32_t flow = nat->world.owner_of[stream][i];

	out->iface = stream == LAN ? WAN : LAN;
	nat_frame(&nat->flows[flow], flow, stream, true, RTE_TCP_ACK_FLAG, &out->frame);
}

static void nat_free(struct bench_target *t)
{
	struct nat_world *nat = (struct nat_world *)t;

	memory_unmap(nat->flows, nat->n_flows * sizeof(*nat->flows));
	bench_world_free(t);
}

static const struct bench_target_ops nat_ops = {
	.rx = bench_world_rx,
	.take_sent = bench_world_take_sent,
	.turn = bench_world_turn,
	.expect = nat_expect,
	.describe_drops = bench_world_describe_drops,
	.free = nat_free,
};

int nat_network_make(
	struct bench_world *world, struct port *lan_port, struct port *wan_port, struct error *err)
{
	const struct ip_prefix lan = {bench_ip4(LAN_NET + 1), 16};
	const struct ip_prefix wan = {bench_ip4(PUBLIC_ADDR), 24};
	const struct ip_prefix lan_net = {bench_ip4(LAN_NET), 16};
	const struct ip_prefix all = {bench_ip4(0), 0};
	const struct ip_addr gateway = bench_ip4(GATEWAY_ADDR);
	const struct ip_addr on_link = {.family = IP_NONE};
	const struct mac_addr gateway_mac = bench_mac_of_host(GATEWAY_HOST);
	const struct dp_match_set any = {.set = DP_INDEX_NONE};
	const struct dp_nat masquerade = {
		.family = IP_V4,
		.interface = WAN,
		.source = any,
		.destination = any,
		.protocol = any,
	};
	const struct dp_policy policy = {
		.hooks = {DP_INDEX_NONE, DP_INDEX_NONE, DP_INDEX_NONE},
		.nats = &masquerade,
		.n_nats = 1,
		.picks_up = true,
	};

	if (bench_world_add_interface(world, "lan", &lan, lan_port, err) < 0 ||
		bench_world_add_interface(world, "wan", &wan, wan_port, err) < 0 ||
		bench_world_add_route(world, &all, WAN, &gateway, err) < 0 ||
		bench_world_add_route(world, &lan_net, LAN, &on_link, err) < 0 ||
		bench_world_add_neighbour(world, WAN, &gateway, &gateway_mac, err) < 0)
		return -1;
	for (uint32_t h = 0; h < NAT_LAN_HOSTS; h++) {
		struct ip_addr addr = bench_ip4(host_addr(h));
		struct mac_addr mac = bench_mac_of_host(h);

		if (bench_world_add_neighbour(world, LAN, &addr, &mac, err) < 0)
			return -1;
	}
	dataplane_routes_commit(world->dp);
	return dataplane_policy_set(world->dp, &policy, err) != 0 ? -1 : 0;
}

// One packet of each of some flows, all from one side. From the LAN's first, the router's choice
// of ports is learnt.
static int offer_flows(struct nat_world *nat, uint32_t first, unsigned n, unsigned from,
	uint8_t tcp_flags, struct error *err)
{
	struct bench_frame frames[BURST];
	struct bench_sent sent;

	for (unsigned i = 0; i < n; i++)
		nat_frame(&nat->flows[first + i], first + i, from, false, tcp_flags, &frames[i]);
	if (bench_offer(&nat->world.target, (uint8_t)from, frames, n, FRAME4_BYTES, &sent, err) < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = packet_ip4(sent.pkts[i]);
		const struct rte_tcp_hdr *l4 = (const struct rte_tcp_hdr *)(ip + 1);
		uint32_t flow = first + sent.frame_of[i];

		if (sent.ifaces[i] != (from == LAN ? WAN : LAN) ||
			(from == LAN && ip->src_addr != rte_cpu_to_be_32(PUBLIC_ADDR)))
			return error_set(err, "flow %u was not translated from the %s", flow,
				from == LAN ? "LAN" : "WAN");
		if (from == LAN)
			nat->flows[flow].public_port = rte_be_to_cpu_16(l4->src_port);
	}
	return 0;
}

static int flows_begin(struct nat_world *nat, struct error *err)
{
	uint64_t seed = 88172645463325252;

	for (uint32_t i = 0; i < nat->n_flows; i++)
		nat->flows[i] = nat_flow_make(i, &seed);
	for (uint32_t first = 0; first < nat->n_flows; first += BURST) {
		unsigned n = RTE_MIN((uint32_t)BURST, nat->n_flows - first);

		if (offer_flows(nat, first, n, LAN, RTE_TCP_SYN_FLAG, err) < 0 ||
			offer_flows(nat, first, n, WAN, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, err) <
				0 ||
			offer_flows(nat, first, n, LAN, RTE_TCP_ACK_FLAG, err) < 0)
			return -1;
	}
	return 0;
}

static int streams_make(struct nat_world *nat, struct error *err)
{
	uint64_t seed = 362436069362436069;

	for (unsigned from = LAN; from <= WAN; from++) {
		uint32_t *order;

		if (bench_world_add_stream(
			    &nat->world, (uint8_t)from, FRAME4_BYTES, nat->n_flows, err) < 0)
			return -1;
		order = nat->world.owner_of[from];
		bench_shuffle(order, nat->n_flows, &seed);
		for (uint32_t i = 0; i < nat->n_flows; i++)
			nat_frame(&nat->flows[order[i]], order[i], from, false, RTE_TCP_ACK_FLAG,
				&nat->world.target.streams[from].frames[i]);
	}
	return 0;
}

struct bench_target *bench_nat_make(const struct bench_case *c, struct error *err)
{
	struct nat_world *nat = malloc(sizeof(*nat));

	if (nat == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	if (bench_world_init(&nat->world, c->n_flows, 0, err) < 0) {
		free(nat);
		return NULL;
	}
	nat->world.target.ops = &nat_ops;
	nat->n_flows = c->n_flows;
	nat->flows = memory_map(c->n_flows * sizeof(*nat->flows));
	if (nat->flows == NULL) {
		error_set(err, "no memory for %u flows", c->n_flows);
	} else if (nat_network_make(&nat->world, NULL, NULL, err) == 0 &&
		   flows_begin(nat, err) == 0 && streams_make(nat, err) == 0) {
		return &nat->world.target;
	}
	nat_free(&nat->world.target);
	return NULL;
}
