// SPDX-License-Identifier: BSD-3-Clause
// State: 250 hosts of a LAN, TCP and UDP in equal parts, each flow to a random host of the
// internet. Flows begin as they do on a wire: a first packet from the LAN, the answer, the answer's
// answer. Then minimal frames of all of them arrive in random order, a burst from the LAN, a burst
// from the WAN.
#include "perf/bench_nat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/flow_table.h"
#include "dataplane/memory.h"
#include "perf/bench_many_rules.h"

enum {
	PORT_FIRST = 1024,
	PORTS = 60000,
	PORT_STEP = 29, // no common factor with PORTS: a host's flows have ports of their own
	ROUTES_MAX = 4096,
};

#define GATEWAY_ADDR RTE_IPV4(203u, 0, 113, 254)

// The table of ten million flows: GiB.
static const double table_goal_gib = 2.5;

static uint32_t host_of(uint32_t flow)
{
	return flow % NAT_LAN_HOSTS;
}

static uint32_t host_addr(uint32_t host)
{
	return NAT_LAN_NET + 2 + host;
}

struct nat_flow nat_flow_make(uint32_t i, uint64_t *seed)
{
	static const uint16_t services[] = {443, 80, 53, 123};
	uint32_t nth = i / NAT_LAN_HOSTS;

	return (struct nat_flow){
		.client = host_addr(host_of(i)),
		.public_addr = NAT_PUBLIC_ADDR,
		.remote = NAT_REMOTE_NET | (bench_random(seed) & 0xffff),
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
	struct mac_addr peer = bench_mac_of_host(is_inside ? host_of(i) : NAT_GATEWAY_HOST);
	uint32_t ours = is_inside ? flow->client : flow->public_addr;
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

// 2001:db8:NET::ADDR.
static struct ip_addr ip6_of(uint16_t net, uint32_t addr)
{
	struct ip_addr ip = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}};
	uint16_t net_be = rte_cpu_to_be_16(net);
	uint32_t addr_be = rte_cpu_to_be_32(addr);

	memcpy(&ip.v6[4], &net_be, sizeof(net_be));
	memcpy(&ip.v6[12], &addr_be, sizeof(addr_be));
	return ip;
}

enum { NET6_LAN = 1, NET6_WAN = 2, NET6_REMOTE = 3 };

static void nat_frame6(const struct nat_flow *flow, uint32_t i, unsigned from, bool is_forwarded,
	uint8_t tcp_flags, struct bench_frame *out)
{
	bool is_inside = (from == LAN) != is_forwarded;
	struct mac_addr router = bench_mac_of_interface(is_inside ? LAN : WAN);
	struct mac_addr peer = bench_mac_of_host(is_inside ? host_of(i) : NAT_GATEWAY_HOST);
	struct ip_addr client = ip6_of(NET6_LAN, flow->client);
	struct ip_addr remote = ip6_of(NET6_REMOTE, flow->remote);
	const struct frame6_tuple tuple = {
		.src = from == LAN ? client : remote,
		.dst = from == LAN ? remote : client,
		.sport = from == LAN ? flow->sport : flow->dport,
		.dport = from == LAN ? flow->dport : flow->sport,
		.protocol = flow->protocol,
		.tcp_flags = tcp_flags,
		.ttl = (uint8_t)(is_forwarded ? FRAME_TTL - 1 : FRAME_TTL),
	};

	frame6_write_tuple(
		out, is_forwarded ? &router : &peer, is_forwarded ? &peer : &router, &tuple);
}

static void frame_of(const struct nat_world *nat, uint32_t flow, unsigned from, bool is_translated,
	uint8_t tcp_flags, struct bench_frame *out)
{
	if (nat->is_ip6)
		nat_frame6(&nat->flows[flow], flow, from, is_translated, tcp_flags, out);
	else
		nat_frame(&nat->flows[flow], flow, from, is_translated, tcp_flags, out);
}

static uint16_t frame_bytes(const struct nat_world *nat)
{
	return nat->is_ip6 ? FRAME6_TCP_BYTES : FRAME4_BYTES;
}

void nat_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out)
{
	const struct nat_world *nat = (const struct nat_world *)t;

	out->iface = stream == LAN ? WAN : LAN;
	frame_of(nat, nat->world.owner_of[stream][i], stream, true, RTE_TCP_ACK_FLAG, &out->frame);
}

static bool nat_note(struct bench_target *t, char *text, unsigned text_bytes)
{
	const struct nat_world *nat = (const struct nat_world *)t;
	const struct flow_table *flows = &nat->world.worker->flows;
	double gib = (double)flow_table_bytes(flows->capacity) / (1u << 30);

	snprintf(text, text_bytes, "flow table %.2f GiB for %u flows, %.0f bytes each%s", gib,
		flows->capacity, gib * (1u << 30) / flows->capacity,
		gib > table_goal_gib ? ": over" : "");
	return gib > table_goal_gib;
}

void nat_world_free(struct bench_target *t)
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
	.note = nat_note,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

// Of one family, all that the hosts and the gateway need.
static int family_make(struct bench_world *world, bool is_ip6, struct error *err)
{
	const struct ip_prefix all = {.addr.family = is_ip6 ? IP_V6 : IP_V4};
	const struct ip_prefix lan_net = {
		is_ip6 ? ip6_of(NET6_LAN, 0) : bench_ip4(NAT_LAN_NET), is_ip6 ? 64 : 16};
	const struct ip_addr lan = is_ip6 ? ip6_of(NET6_LAN, 1) : bench_ip4(NAT_LAN_NET + 1);
	const struct ip_addr wan = is_ip6 ? ip6_of(NET6_WAN, 1) : bench_ip4(NAT_PUBLIC_ADDR);
	const struct ip_addr gateway = is_ip6 ? ip6_of(NET6_WAN, 2) : bench_ip4(GATEWAY_ADDR);
	const struct ip_addr on_link = {.family = IP_NONE};
	const struct mac_addr gateway_mac = bench_mac_of_host(NAT_GATEWAY_HOST);

	if (bench_world_add_route(world, &all, WAN, &gateway, err) < 0 ||
		bench_world_add_route(world, &lan_net, LAN, &on_link, err) < 0 ||
		bench_world_add_local(world, &lan, err) < 0 ||
		bench_world_add_local(world, &wan, err) < 0 ||
		bench_world_add_neighbour(world, WAN, &gateway, &gateway_mac, err) < 0)
		return -1;
	for (uint32_t h = 0; h < NAT_LAN_HOSTS; h++) {
		struct ip_addr addr =
			is_ip6 ? ip6_of(NET6_LAN, host_addr(h)) : bench_ip4(host_addr(h));
		struct mac_addr mac = bench_mac_of_host(h);

		if (bench_world_add_neighbour(world, LAN, &addr, &mac, err) < 0)
			return -1;
	}
	return 0;
}

int nat_network_make(struct bench_world *world, struct port *lan_port, struct port *wan_port,
	const struct bench_policy *policy, struct error *err)
{
	const struct ip_prefix lan[] = {
		{bench_ip4(NAT_LAN_NET + 1), 16}, {ip6_of(NET6_LAN, 1), 64}};
	const struct ip_prefix wan[] = {
		{bench_ip4(NAT_PUBLIC_ADDR), 24}, {ip6_of(NET6_WAN, 1), 64}};

	if (bench_world_add_interface(world, "lan", lan, lan_port, err) < 0 ||
		bench_world_add_uplink(world, "wan", wan, wan_port, err) < 0)
		return -1;
	if (dataplane_interface_set_addresses(world->dp, LAN, lan, RTE_DIM(lan)) != 0 ||
		dataplane_interface_set_addresses(world->dp, WAN, wan, RTE_DIM(wan)) != 0)
		return error_set(err, "the interfaces take no second address");
	if (family_make(world, false, err) < 0 || family_make(world, true, err) < 0)
		return -1;
	dataplane_routes_commit(world->dp);
	return dataplane_policy_set(world->dp, &policy->policy, err) != 0 ? -1 : 0;
}

static bool is_public(const struct nat_world *nat, uint32_t addr)
{
	if (nat->translation == BENCH_POOL)
		return addr >> (32 - NAT_POOL_LEN) == NAT_POOL_NET >> (32 - NAT_POOL_LEN);
	return addr == NAT_PUBLIC_ADDR;
}

// One packet of each of some flows, all from one side. From the LAN's first, the router's choice
// of ports is learnt.
static int offer_flows(struct nat_world *nat, uint32_t first, unsigned n, unsigned from,
	uint8_t tcp_flags, struct error *err)
{
	struct bench_frame frames[BURST];
	struct bench_sent sent;

	for (unsigned i = 0; i < n; i++)
		frame_of(nat, first + i, from, false, tcp_flags, &frames[i]);
	if (bench_offer(
		    &nat->world.target, (uint8_t)from, frames, n, frame_bytes(nat), &sent, err) < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = packet_ip4(sent.pkts[i]);
		const struct rte_tcp_hdr *l4 = (const struct rte_tcp_hdr *)(ip + 1);
		struct nat_flow *flow = &nat->flows[first + sent.frame_of[i]];

		if (sent.ifaces[i] != (from == LAN ? WAN : LAN))
			return error_set(err, "flow %u came back where it came from",
				first + sent.frame_of[i]);
		if (from != LAN || nat->translation == BENCH_NO_NAT)
			continue;
		flow->public_addr = rte_be_to_cpu_32(ip->src_addr);
		flow->public_port = rte_be_to_cpu_16(l4->src_port);
		if (!is_public(nat, flow->public_addr))
			return error_set(err, "flow %u was not translated to an address of ours",
				first + sent.frame_of[i]);
	}
	return 0;
}

int nat_world_begin(struct nat_world *nat, struct error *err)
{
	uint64_t seed = 88172645463325252;

	for (uint32_t i = 0; i < nat->n_flows; i++) {
		struct nat_flow *flow = &nat->flows[i];

		*flow = nat_flow_make(i, &seed);
		if (nat->choose_port != NULL)
			nat->choose_port(&flow->sport);
		if (nat->translation == BENCH_NO_NAT) {
			flow->public_addr = flow->client;
			flow->public_port = flow->sport;
		}
	}
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

int nat_world_add_streams(struct nat_world *nat, struct error *err)
{
	uint64_t seed = 362436069362436069;

	for (unsigned from = LAN; from <= WAN; from++) {
		uint32_t *order;

		if (bench_world_add_stream(
			    &nat->world, (uint8_t)from, frame_bytes(nat), nat->n_flows, err) < 0)
			return -1;
		order = nat->world.owner_of[from];
		bench_shuffle(order, nat->n_flows, &seed);
		for (uint32_t i = 0; i < nat->n_flows; i++)
			frame_of(nat, order[i], from, false, RTE_TCP_ACK_FLAG,
				&nat->world.target.streams[from].frames[i]);
	}
	return 0;
}

struct nat_world *nat_world_new(size_t bytes, uint32_t n_flows, uint32_t n_live, unsigned n_workers,
	enum bench_translation translation, struct error *err)
{
	// cores are for threads, and none is started
	const struct dataplane_options options = {
		.n_workers = n_workers,
		.is_busy = true,
		.flow_capacity = n_workers * (n_live + n_live / 16 + 1024),
		.routes4_max = ROUTES_MAX,
		.routes6_max = ROUTES_MAX,
	};
	struct nat_world *nat = calloc(1, bytes);

	if (nat == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	if (bench_world_init_with(&nat->world, &options, err) < 0) {
		free(nat);
		return NULL;
	}
	nat->world.target.ops = &nat_ops;
	nat->translation = translation;
	nat->n_flows = n_flows;
	nat->flows = memory_map(n_flows * sizeof(*nat->flows));
	if (nat->flows == NULL) {
		error_set(err, "no memory for %u flows", n_flows);
		bench_world_free(&nat->world.target);
		return NULL;
	}
	return nat;
}

static struct bench_target *make(const struct bench_case *c, enum bench_translation translation,
	bool is_ip6, bool is_open, struct error *err)
{
	struct nat_world *nat =
		nat_world_new(sizeof(*nat), c->n_flows, c->n_flows, 1, translation, err);
	struct bench_policy policy;

	if (nat == NULL)
		return NULL;
	nat->is_ip6 = is_ip6;
	bench_policy_init(&policy, translation);
	if (is_open)
		bench_policy_open(&policy);
	if (bench_network_with_rules(&nat->world, &policy, c->n_routes, err) < 0 ||
		nat_world_begin(nat, err) < 0 || nat_world_add_streams(nat, err) < 0) {
		nat_world_free(&nat->world.target);
		return NULL;
	}
	return &nat->world.target;
}

struct bench_target *bench_nat_make(const struct bench_case *c, struct error *err)
{
	return make(c, BENCH_MASQUERADE, false, false, err);
}

struct bench_target *bench_nat_open_make(const struct bench_case *c, struct error *err)
{
	return make(c, BENCH_MASQUERADE, false, true, err);
}

struct bench_target *bench_nat_pool_make(const struct bench_case *c, struct error *err)
{
	return make(c, BENCH_POOL, false, false, err);
}

struct bench_target *bench_flow4_make(const struct bench_case *c, struct error *err)
{
	return make(c, BENCH_NO_NAT, false, false, err);
}

struct bench_target *bench_flow6_make(const struct bench_case *c, struct error *err)
{
	return make(c, BENCH_NO_NAT, true, false, err);
}
