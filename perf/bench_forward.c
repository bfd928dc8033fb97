// SPDX-License-Identifier: BSD-3-Clause
// Plain forwarding: frames of random sources to random destinations behind random routes, each by
// one of sixteen resolved gateways on two interfaces.
#include "perf/bench_forward.h"

#include <stdlib.h>
#include <string.h>

enum {
	FORWARD_FRAMES = 8192,
	GATEWAYS = 16,
	IN = 0, // interface ids: the order in which they are added
	OUT_A = 1,
	GATEWAY_HOST = 10,
	ROUTES_MAX = 4096,
};

// The route's prefix. An odd factor spreads them over the whole of 10/8 and 2001:db8::/32, so
// that each has a cache line, and as good as each a page, of the lookup table to itself.
static uint16_t route_bits(uint32_t route)
{
	return (uint16_t)(route * 40503u);
}

static unsigned gateway_of(uint32_t route)
{
	return route % GATEWAYS;
}

static uint8_t interface_of(unsigned gateway)
{
	return (uint8_t)(OUT_A + gateway % 2);
}

static struct ip_addr gateway4(unsigned gateway)
{
	uint32_t net = gateway % 2 == 0 ? RTE_IPV4(203u, 0, 113, 0) : RTE_IPV4(198u, 51, 100, 0);

	return bench_ip4(net + GATEWAY_HOST + gateway);
}

static struct ip_addr ip6(uint16_t a, uint16_t b, uint64_t host)
{
	struct ip_addr ip = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}};

	ip.v6[4] = (uint8_t)(a >> 8);
	ip.v6[5] = (uint8_t)a;
	ip.v6[6] = (uint8_t)(b >> 8);
	ip.v6[7] = (uint8_t)b;
	host = rte_cpu_to_be_64(host);
	memcpy(&ip.v6[8], &host, sizeof(host));
	return ip;
}

static struct ip_addr gateway6(unsigned gateway)
{
	return ip6(0, interface_of(gateway), GATEWAY_HOST + gateway);
}

// One route covers everything, several have a length that providers announce.
static struct ip_prefix prefix4(uint32_t route, uint32_t n_routes)
{
	if (n_routes == 1)
		return (struct ip_prefix){bench_ip4(RTE_IPV4(10, 0, 0, 0)), 8};
	return (struct ip_prefix){
		bench_ip4(RTE_IPV4(10, 0, 0, 0) | (uint32_t)route_bits(route) << 8), 24};
}

static struct ip_prefix prefix6(uint32_t route, uint32_t n_routes)
{
	if (n_routes == 1)
		return (struct ip_prefix){ip6(0, 0, 0), 32};
	return (struct ip_prefix){ip6(route_bits(route), 0, 0), 48};
}

// Somewhere behind the route.
static struct ip_addr destination4(uint32_t route, uint32_t n_routes, uint64_t *seed)
{
	uint32_t net = n_routes == 1 ? bench_random(seed) & 0xffff : route_bits(route);

	return bench_ip4(RTE_IPV4(10, 0, 0, 0) | net << 8 | (bench_random(seed) & 0xff));
}

static struct ip_addr destination6(uint32_t route, uint32_t n_routes, uint64_t *seed)
{
	uint16_t net = n_routes == 1 ? (uint16_t)bench_random(seed) : route_bits(route);

	return ip6(net, (uint16_t)bench_random(seed), bench_random(seed));
}

static void frame4(struct bench_frame *frame, const struct ip_addr *dst_ip, uint64_t *seed)
{
	const struct mac_addr src = bench_mac_of_host(0);
	const struct mac_addr dst = bench_mac_of_interface(IN);
	uint32_t dst_be;
	struct frame4_tuple tuple = {
		.src = RTE_IPV4(198u, 18, 0, 0) | (bench_random(seed) & 0xffff),
		.sport = (uint16_t)(1024 + bench_random(seed) % 60000),
		.dport = 443,
		.protocol = bench_random(seed) & 1 ? IPPROTO_TCP : IPPROTO_UDP,
		.tcp_flags = RTE_TCP_ACK_FLAG,
		.ttl = FRAME_TTL,
	};

	memcpy(&dst_be, dst_ip->v4, sizeof(dst_be));
	tuple.dst = rte_be_to_cpu_32(dst_be);
	frame4_write(frame, &src, &dst, &tuple);
}

static void frame6(struct bench_frame *frame, const struct ip_addr *dst, uint64_t *seed)
{
	const struct mac_addr src_mac = bench_mac_of_host(0);
	const struct mac_addr dst_mac = bench_mac_of_interface(IN);
	struct ip_addr src = ip6(0xffff, 0, bench_random(seed));

	frame6_write(frame, &src_mac, &dst_mac, src.v6, dst->v6, FRAME_TTL);
}

void bench_forward_frame(struct bench_world *world, uint32_t i, uint32_t r,
	const struct ip_addr *dst, uint64_t *seed)
{
	struct bench_frame *frame = &world->target.streams[0].frames[i];

	world->owner_of[0][i] = r;
	if (dst->family == IP_V6)
		frame6(frame, dst, seed);
	else
		frame4(frame, dst, seed);
}

static void forward_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out)
{
	const struct bench_world *world = (const struct bench_world *)t;
	unsigned gateway = gateway_of(world->owner_of[stream][i]);
	struct mac_addr dst = bench_mac_of_host(gateway + 1);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)out->frame.bytes;
	void *l3 = eth + 1;

	out->iface = interface_of(gateway);
	out->frame = t->streams[stream].frames[i];
	memcpy(&eth->dst_addr, &dst, sizeof(dst));
	memcpy(&eth->src_addr, &world->worker->snap->interfaces[out->iface].mac, sizeof(dst));
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		struct rte_ipv4_hdr *ip = l3;

		ip->time_to_live--;
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	} else {
		((struct rte_ipv6_hdr *)l3)->hop_limits--;
	}
}

static const struct bench_target_ops forward_ops = {
	.rx = bench_world_rx,
	.take_sent = bench_world_take_sent,
	.turn = bench_world_turn,
	.expect = forward_expect,
	.note = bench_world_note,
	.describe_drops = bench_world_describe_drops,
	.free = bench_world_free,
};

static int add_interfaces(struct bench_world *world, bool is_ip6, struct error *err)
{
	static const char *const names[] = {"in", "a", "b"};
	const struct ip_prefix addresses4[] = {
		{bench_ip4(RTE_IPV4(198u, 18, 0, 1)), 16},
		{bench_ip4(RTE_IPV4(203u, 0, 113, 1)), 24},
		{bench_ip4(RTE_IPV4(198u, 51, 100, 1)), 24},
	};

	for (unsigned i = 0; i < RTE_DIM(names); i++) {
		struct ip_prefix address6 = {ip6(0, (uint16_t)i, 1), 64};

		if (bench_world_add_interface(
			    world, names[i], is_ip6 ? &address6 : &addresses4[i], NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int add_gateways(struct bench_world *world, struct error *err)
{
	for (unsigned g = 0; g < GATEWAYS; g++) {
		struct ip_addr addrs[] = {gateway4(g), gateway6(g)};
		struct mac_addr mac = bench_mac_of_host(g + 1);

		for (unsigned i = 0; i < RTE_DIM(addrs); i++)
			if (bench_world_add_neighbour(
				    world, interface_of(g), &addrs[i], &mac, err) < 0)
				return -1;
	}
	return 0;
}

int bench_forward_add_route(
	struct bench_world *world, const struct ip_prefix *to, uint32_t r, struct error *err)
{
	unsigned g = gateway_of(r);
	struct ip_addr via = to->addr.family == IP_V6 ? gateway6(g) : gateway4(g);

	return bench_world_add_route(world, to, interface_of(g), &via, err);
}

struct bench_world *bench_forward_new(
	const struct dataplane_options *options, bool is_ip6, uint32_t n_frames, struct error *err)
{
	struct bench_world *world = malloc(sizeof(*world));

	if (world == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	if (bench_world_init_with(world, options, err) < 0) {
		free(world);
		return NULL;
	}
	world->target.ops = &forward_ops;
	if (add_interfaces(world, is_ip6, err) < 0 || add_gateways(world, err) < 0 ||
		bench_world_add_stream(
			world, IN, is_ip6 ? FRAME6_BYTES : FRAME4_BYTES, n_frames, err) < 0) {
		bench_world_free(&world->target);
		return NULL;
	}
	return world;
}

static struct bench_target *forward_make(const struct bench_case *c, bool is_ip6, struct error *err)
{
	const struct dataplane_options options = {
		.n_workers = 1,
		.is_busy = true,
		.routes4_max = ROUTES_MAX,
		.routes6_max = ROUTES_MAX,
	};
	struct bench_world *world = bench_forward_new(&options, is_ip6, FORWARD_FRAMES, err);
	uint64_t seed = 88172645463325252;

	if (world == NULL)
		return NULL;
	for (uint32_t r = 0; r < c->n_routes; r++) {
		struct ip_prefix to = is_ip6 ? prefix6(r, c->n_routes) : prefix4(r, c->n_routes);

		if (bench_forward_add_route(world, &to, r, err) < 0) {
			bench_world_free(&world->target);
			return NULL;
		}
	}
	dataplane_routes_commit(world->dp);
	for (uint32_t i = 0; i < FORWARD_FRAMES; i++) {
		uint32_t r = bench_random(&seed) % c->n_routes;
		struct ip_addr dst = is_ip6 ? destination6(r, c->n_routes, &seed)
					    : destination4(r, c->n_routes, &seed);

		bench_forward_frame(world, i, r, &dst, &seed);
	}
	return &world->target;
}

struct bench_target *bench_forward4_make(const struct bench_case *c, struct error *err)
{
	return forward_make(c, false, err);
}

struct bench_target *bench_forward6_make(const struct bench_case *c, struct error *err)
{
	return forward_make(c, true, err);
}
