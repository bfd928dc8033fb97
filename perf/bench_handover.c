// SPDX-License-Identifier: BSD-3-Clause
// Packets that a card delivers to the wrong one of two workers, who hands them over by ring. One
// thread is both workers in turn, so that either's part can be timed alone: what a cache line takes
// from one core to the other is not in it.
//
//   home   each packet at the worker who has its flow, who asks whose it is, for no card has
//   give   the wrong worker's part: parse, ask whose it is, into the ring
//   take   the owner's: out of the ring, then all that home does
#include <stdlib.h>
#include <string.h>

#include "dataplane/owner.h"
#include "dataplane/pipeline.h"
#include "drivers/steering.h"
#include "perf/bench_nat.h"

enum { WORKERS = 2, GIVER = 0, TAKER = 1 };

static struct worker *worker_at(struct bench_target *t, unsigned i)
{
	return &((struct bench_world *)t)->dp->workers[i];
}

static void handover_turn(struct bench_target *t)
{
	struct worker *taker = worker_at(t, TAKER), *giver = worker_at(t, GIVER);

	bench_world_turn(t);
	worker_refresh(giver);
	giver->now_ms = taker->now_ms;
	giver->now_sec = taker->now_sec;
}

static void give(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	pipeline_rx(worker_at(t, GIVER), iface, pkts, n);
	owner_flush(worker_at(t, GIVER));
}

// As worker_poll_inbox, without the flush at its end.
static void take(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct worker *w = worker_at(t, TAKER);
	struct rte_mbuf *got[BURST];
	unsigned n_got = rte_ring_sc_dequeue_burst(w->inbox, (void **)got, n, NULL);
	unsigned end;

	for (unsigned i = 0; i < n_got; i = end) {
		uint32_t kind = got[i]->packet_type;
		uint16_t in = got[i]->port;

		end = i + 1;
		while (end < n_got && got[end]->packet_type == kind && got[end]->port == in)
			end++;
		pipeline_owned(w, (uint8_t)in, got + i, end - i, kind == INBOX_HOME);
	}
}

// What is in the ring has been given; nothing of it may have been sent already.
static unsigned given(struct bench_target *t, struct bench_sent *out)
{
	struct rte_mbuf *pkts[BURST];
	unsigned n =
		rte_ring_sc_dequeue_burst(worker_at(t, TAKER)->inbox, (void **)pkts, BURST, NULL);

	for (unsigned i = 0; out != NULL && i < n; i++) {
		out->pkts[i] = pkts[i];
		out->ifaces[i] = (uint8_t)pkts[i]->port;
	}
	return worker_at(t, GIVER)->tx_pending == 0 ? n : 0;
}

// As it came, from the interface it came by.
static void give_expect(
	const struct bench_target *t, unsigned stream, uint32_t i, struct bench_expected *out)
{
	out->iface = t->streams[stream].iface;
	out->frame = t->streams[stream].frames[i];
}

static const struct bench_target_ops home_ops = {
	.rx = bench_world_rx,
	.take_sent = bench_world_take_sent,
	.turn = handover_turn,
	.expect = nat_expect,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

static const struct bench_target_ops give_ops = {
	.rx = give,
	.take_sent = given,
	.turn = handover_turn,
	.expect = give_expect,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

static const struct bench_target_ops take_ops = {
	.prepare = give,
	.rx = take,
	.take_sent = bench_world_take_sent,
	.turn = handover_turn,
	.expect = nat_expect,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

// Flows whose owner is the taker: by the client's port, which the router keeps or exchanges for
// another of the same bucket.
static void port_choose(uint16_t *port)
{
	while (steering_worker(steering_bucket(*port), WORKERS) != TAKER)
		(*port)++;
}

static struct bench_target *make(
	const struct bench_case *c, const struct bench_target_ops *ops, struct error *err)
{
	struct nat_world *nat =
		nat_world_new(sizeof(*nat), c->n_flows, c->n_flows, WORKERS, BENCH_MASQUERADE, err);
	struct bench_policy policy;

	if (nat == NULL)
		return NULL;
	nat->world.worker = worker_at(&nat->world.target, TAKER);
	nat->world.target.ops = &home_ops;
	nat->choose_port = port_choose;
	bench_policy_init(&policy, BENCH_MASQUERADE);
	if (nat_network_make(&nat->world, NULL, NULL, &policy, err) < 0 ||
		nat_world_begin(nat, err) < 0 || nat_world_add_streams(nat, err) < 0) {
		nat_world_free(&nat->world.target);
		return NULL;
	}
	nat->world.target.ops = ops;
	return &nat->world.target;
}

struct bench_target *bench_handover_home_make(const struct bench_case *c, struct error *err)
{
	return make(c, &home_ops, err);
}

struct bench_target *bench_handover_give_make(const struct bench_case *c, struct error *err)
{
	return make(c, &give_ops, err);
}

struct bench_target *bench_handover_take_make(const struct bench_case *c, struct error *err)
{
	return make(c, &take_ops, err);
}
