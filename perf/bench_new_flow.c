// SPDX-License-Identifier: BSD-3-Clause
// First packets: each is a SYN from the LAN that walks the long way (hygiene, route, twenty rules,
// a port) and begins a flow. The table is at its steady state: nobody answers, so each flow ends
// after its timeout, and as many end as begin. Time is the table's own: it goes on by as much as
// the flows that have begun, so that their number stays what the case says, however fast this
// machine is. The worker's expiry is inside the timed region.
#include <stdlib.h>
#include <string.h>

#include "dataplane/memory.h"
#include "dataplane/pipeline.h"
#include "perf/bench_many_rules.h"
#include "perf/bench_nat.h"

enum {
	TIMEOUT_SEC = 20,
	FRAMES_PER_FLOW_QUARTERS = 10, // a tuple comes again when its flow is long gone
	POOL_FROM = 50000,	       // more would not fit behind one address
	PORT_FIRST = 1024,
	PORTS = 60000,
	PORT_STEP = 29,
};

struct new_flow_world {
	struct nat_world nat; // first; its flows are those of all frames
	uint32_t n_live;
};

static uint64_t counter(const struct new_flow_world *world, enum counter counter)
{
	return world->nat.world.worker->counters[counter];
}

static void new_flow_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct worker *w = ((struct bench_world *)t)->worker;

	pipeline_rx(w, iface, pkts, n);
	worker_expire(w, n);
}

static void new_flow_turn(struct bench_target *t)
{
	struct new_flow_world *world = (struct new_flow_world *)t;
	struct worker *w = world->nat.world.worker;
	uint64_t begun = counter(world, COUNTER_FLOW_CREATED);

	bench_world_turn(t);
	w->now_ms = begun * TIMEOUT_SEC * 1000 / world->n_live;
	w->now_sec = (uint32_t)(w->now_ms / 1000);
}

// The port is the router's choice where many share one; behind one address with few flows it must
// be the client's own.
static void new_flow_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out)
{
	const struct nat_world *nat = (const struct nat_world *)t;
	struct nat_flow flow = nat->flows[i];
	const struct rte_ipv4_hdr *sent =
		(const struct rte_ipv4_hdr *)(out->frame.bytes + RTE_ETHER_HDR_LEN);
	uint32_t addr = rte_be_to_cpu_32(sent->src_addr);

	if (nat->translation == BENCH_POOL &&
		addr >> (32 - NAT_POOL_LEN) == NAT_POOL_NET >> (32 - NAT_POOL_LEN)) {
		flow.public_addr = addr;
		flow.public_port =
			rte_be_to_cpu_16(((const struct rte_tcp_hdr *)(sent + 1))->src_port);
	}
	out->iface = WAN;
	nat_frame(&flow, i, LAN, true, RTE_TCP_SYN_FLAG, &out->frame);
}

// Each packet began a flow, none had to share a port or was pushed out, and the table holds what
// it should, within the two seconds that the timer is coarse.
static int new_flow_verify(struct bench_target *t, uint64_t n_offered, struct error *err)
{
	const struct new_flow_world *world = (const struct new_flow_world *)t;
	uint64_t created = counter(world, COUNTER_FLOW_CREATED);
	uint64_t expired = counter(world, COUNTER_FLOW_EXPIRED);
	uint32_t live = world->nat.world.worker->flows.n_used;
	uint32_t slack = world->n_live / TIMEOUT_SEC * 2 + 2 * BENCH_POOL_PKTS;

	if (created - expired != live || counter(world, COUNTER_FLOW_EVICTED) != 0 ||
		counter(world, COUNTER_NAT_OVERLOADED) != 0)
		return error_set(err, "%llu flows began, %llu expired, %u live: not a steady state",
			(unsigned long long)created, (unsigned long long)expired, live);
	if (live + slack < world->n_live || live > world->n_live + slack)
		return error_set(err, "%u flows live, not about %u", live, world->n_live);
	if (created < n_offered)
		return error_set(err, "%llu packets, but %llu flows", (unsigned long long)n_offered,
			(unsigned long long)created);
	return 0;
}

static bool new_flow_note(struct bench_target *t, char *text, unsigned text_bytes)
{
	const struct new_flow_world *world = (const struct new_flow_world *)t;

	snprintf(text, text_bytes, "%u flows live; %llu begun, %llu expired; no policy route",
		world->nat.world.worker->flows.n_used,
		(unsigned long long)counter(world, COUNTER_FLOW_CREATED),
		(unsigned long long)counter(world, COUNTER_FLOW_EXPIRED));
	return false;
}

static const struct bench_target_ops new_flow_ops = {
	.rx = new_flow_rx,
	.take_sent = bench_world_take_sent,
	.turn = new_flow_turn,
	.expect = new_flow_expect,
	.verify_counts = new_flow_verify,
	.note = new_flow_note,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

static int frames_make(struct new_flow_world *world, struct error *err)
{
	struct nat_world *nat = &world->nat;
	uint64_t seed = 88172645463325252;

	if (bench_world_add_stream(&nat->world, LAN, FRAME4_BYTES, nat->n_flows, err) < 0)
		return -1;
	for (uint32_t i = 0; i < nat->n_flows; i++) {
		struct nat_flow *flow = &nat->flows[i];

		*flow = nat_flow_make(i, &seed);
		flow->protocol = IPPROTO_TCP;
		if (nat->translation == BENCH_MASQUERADE) // no two that live want the same port
			flow->sport = (uint16_t)(PORT_FIRST + (uint64_t)i * PORT_STEP % PORTS);
		else // no two of a host
			flow->sport =
				(uint16_t)(PORT_FIRST + i / NAT_LAN_HOSTS * PORT_STEP % PORTS);
		flow->public_port = flow->sport;
		nat_frame(flow, i, LAN, false, RTE_TCP_SYN_FLAG,
			&nat->world.target.streams[0].frames[i]);
	}
	return 0;
}

// As many flows as are to live, and those of another quarter, so that the first have ended.
static int fill_up(struct new_flow_world *world, struct error *err)
{
	struct bench_stream *s = &world->nat.world.target.streams[0];
	uint32_t n_begin = world->n_live + world->n_live / 4;
	struct bench_sent sent;

	while (s->next < n_begin) {
		unsigned n = RTE_MIN((uint32_t)BURST, n_begin - s->next);

		if (bench_offer(&world->nat.world.target, LAN, &s->frames[s->next], n, FRAME4_BYTES,
			    &sent, err) < 0)
			return -1;
		s->next += n;
	}
	return 0;
}

struct bench_target *bench_new_flow_make(const struct bench_case *c, struct error *err)
{
	enum bench_translation translation = c->n_flows > POOL_FROM ? BENCH_POOL : BENCH_MASQUERADE;
	uint32_t n_frames = c->n_flows / 4 * FRAMES_PER_FLOW_QUARTERS;
	struct new_flow_world *world = (struct new_flow_world *)nat_world_new(
		sizeof(*world), n_frames, c->n_flows + c->n_flows / 4, 1, translation, err);
	struct bench_policy policy;

	if (world == NULL)
		return NULL;
	world->n_live = c->n_flows;
	world->nat.world.target.ops = &new_flow_ops;
	world->nat.world.target.never_rewinds = true;
	bench_policy_init(&policy, translation);
	policy.policy.timeouts.tcp_unreplied = TIMEOUT_SEC;
	if (bench_network_with_rules(&world->nat.world, &policy, c->n_routes, err) < 0 ||
		frames_make(world, err) < 0 || fill_up(world, err) < 0) {
		nat_world_free(&world->nat.world.target);
		return NULL;
	}
	return &world->nat.world.target;
}
