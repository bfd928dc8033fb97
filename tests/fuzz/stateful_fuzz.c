// SPDX-License-Identifier: BSD-3-Clause
// Connections through a router with state: packets, answers, errors, time and changes by control,
// one step after the other, under a policy that the first byte chooses. What leaves must be sound,
// every packet must end exactly once, and the flow table must stay of one piece.
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/conntrack.h"
#include "dataplane/pipeline.h"
#include "tests/fuzz/ip_view.h"
#include "tests/fuzz/stateful_checks.h"

enum {
	STEPS_MAX = 200,
	CHECK_EACH_STEP = 64, // flows ever used up to which the table is looked at each time
	ALL_HELD_IS_OVER_MS = 4000,
	ROUNDS_OF_HOLDING = 3,
	MANY = 40,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;
static struct kept_frames kept[KEPT_WAYS];
static struct doubts doubts;
static uint64_t n_given, n_sent, n_punted;
static bool has_fragments; // one packet is several, then

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_open(&world);
	return 0;
}

// --- out ---

static void read_frame(struct rte_mbuf *m, uint8_t iface, struct wire_frame *out)
{
	const void *data;

	memset(out, 0, offsetof(struct wire_frame, data));
	rte_mbuf_sanity_check(m, 1);
	assert(m->pkt_len <= sizeof(out->data));
	out->iface = iface;
	out->bytes = (uint16_t)m->pkt_len;
	data = rte_pktmbuf_read(m, 0, m->pkt_len, out->data);
	assert(data != NULL);
	if (data != out->data)
		memcpy(out->data, data, m->pkt_len);
	rte_pktmbuf_free(m);
}

static void keep_punted(const struct wire_frame *frame)
{
	struct ip_view v;

	if (frame->bytes > RTE_ETHER_HDR_LEN &&
		ip_view(frame->data + RTE_ETHER_HDR_LEN, frame->bytes - RTE_ETHER_HDR_LEN, false,
			&v))
		kept_add(&kept[KEPT_PUNTED], frame);
}

static void take_out_all(void)
{
	static struct wire_frame frame;
	struct rte_mbuf *m;

	for (uint8_t i = 0; i < WORLD_INTERFACES; i++)
		while ((m = fixture_sent(&world.fixture, i)) != NULL) {
			read_frame(m, i, &frame);
			check_sent(&world, &frame, doubts);
			kept_add(&kept[KEPT_SENT], &frame);
			n_sent++;
		}
	while ((m = fixture_punted(&world.fixture)) != NULL) {
		if (m->pkt_len > sizeof(frame.data)) { // put together from fragments
			rte_pktmbuf_free(m);
		} else {
			read_frame(m, (uint8_t)m->port, &frame);
			check_punted(&frame, doubts);
			keep_punted(&frame);
		}
		n_punted++;
	}
}

// A packet put together from fragments waits in the worker's own inbox.
static void drain(void)
{
	struct worker *w = world.fixture.w;
	struct dp_event event;
	void *m;

	take_out_all();
	while (rte_ring_dequeue(w->inbox, &m) == 0) {
		pipeline_whole(w, (uint8_t)((struct rte_mbuf *)m)->port, m);
		take_out_all();
	}
	while (dataplane_event_next(world.fixture.dp, &event))
		assert(event.interface >= -1 && event.interface < WORLD_INTERFACES);
}

// --- in ---

static void feed(const struct wire_frame *frame)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
	struct ip_view v;
	uint8_t *to;

	assert(m != NULL); // a leak would end here
	to = (uint8_t *)rte_pktmbuf_append(m, frame->bytes);
	assert(to != NULL);
	memcpy(to, frame->data, frame->bytes);
	doubts.sums |= frame->is_spoilt;
	doubts.from_host |= frame->from_host;
	if (!ip_view(frame->data + RTE_ETHER_HDR_LEN, frame->bytes - RTE_ETHER_HDR_LEN, true, &v))
		has_fragments = true; // for all we know
	else if (frame->iface == FIXTURE_WAN && is_inside(v.src, v.is_ip6))
		doubts.forged = true;
	has_fragments |= v.is_fragment;
	n_given++;
	if (frame->from_host)
		fixture_host(&world.fixture, m, frame->iface);
	else
		fixture_rx(&world.fixture, m, frame->iface);
	drain();
}

static void feed_pieces(const struct wire_frame *whole, uint8_t order)
{
	static struct wire_frame piece;

	for (unsigned i = 0; i < 2; i++)
		if (frame_cut(whole, i != (order & 1u), &piece))
			feed(&piece);
}

// A scan, or a network that wakes up.
static void feed_many(struct wire_frame *frame, bool is_neighbour)
{
	for (unsigned i = 0; i < MANY; i++) {
		feed(frame);
		if (!frame_next(frame, is_neighbour))
			return;
	}
}

// A change of a quote is none that its sender's checksums tell of; pieces carry a whole's.
static void mutate(struct input *in, struct wire_frame *frame)
{
	struct ip_view v;

	frame_mutate(in, frame);
	if (!ip_view(frame->data + RTE_ETHER_HDR_LEN, frame->bytes - RTE_ETHER_HDR_LEN, true, &v))
		return;
	doubts.sums |= v.is_fragment;
	doubts.quotes |= v.protocol == IPPROTO_ICMP || v.protocol == IPPROTO_ICMPV6;
}

static void pass_time(uint8_t how)
{
	static const uint32_t steps_ms[8] = {1, 100, 1000, 3000, 31000, 61000, 301000, 8000000};

	world_pass_time(&world, steps_ms[how & 7]);
	drain();
}

static void step(struct input *in)
{
	static struct wire_frame frame;
	uint8_t op = input_byte(in);
	bool there = true;

	switch (op % 16) {
	case 12:
		pass_time(input_byte(in));
		return;
	case 13:
		world_change(&world, input_byte(in));
		drain(); // what waited for a neighbour
		return;
	case 14:
		world_set_policy(&world, input_byte(in));
		return;
	case 7:
	case 8:
	case 9:
		there = frame_reply(in, kept, &frame);
		break;
	case 10:
	case 11:
		there = frame_icmp_error(in, kept, &frame);
		break;
	default:
		frame_fresh(in, &frame);
		break;
	}
	if (!there)
		return;
	if (op >= 0xe0)
		mutate(in, &frame);
	if (op % 16 == 15)
		feed_pieces(&frame, op >> 4);
	else if (op < 0xe0 && op >= 0xc0 && op % 16 < 7)
		feed_many(&frame, op & 0x10);
	else
		feed(&frame);
}

// --- the end ---

static void check_balance(void)
{
	const struct worker *w = world.fixture.w;
	uint64_t in = n_given + w->counters[COUNTER_ICMP_SENT] + w->counters[COUNTER_RESET_SENT];
	uint64_t out = n_sent + n_punted + w->n_held;

	if (has_fragments || w->counters[COUNTER_FRAGMENTED] > 0)
		return;
	for (unsigned i = 0; i < COUNTER_PUNT_ARP; i++)
		out += w->counters[i];
	assert(in == out);
}

static void check_is_empty(const struct flow_index *index)
{
	for (uint32_t b = 0; b < index->n_buckets; b++) {
		assert(index->buckets[b].n_away == 0);
		for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
			assert(index->buckets[b].tags[slot] == 0);
	}
}

static void end_all(void)
{
	struct worker *w = world.fixture.w;

	for (uint32_t i = 0; i < w->flows.n_touched; i++)
		if (w->flows.flows[i].state.state != FLOW_FREE)
			conntrack_end(w, &w->flows.flows[i]);
	check_table(&w->flows);
	assert(w->flows.n_used == 0);
	check_is_empty(&w->flows.keys);
	check_is_empty(&w->flows.endpoints);
	for (unsigned c = 0; c < NAT_COUNT_COLUMNS; c++)
		assert(w->nat.counts[0][c] == 0 && w->nat.counts[1][c] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct worker *w = world.fixture.w;

	world_begin(&world, input_byte(&in));
	kept[KEPT_SENT].n = kept[KEPT_PUNTED].n = 0;
	doubts = (struct doubts){0};
	n_given = n_sent = n_punted = 0;
	has_fragments = false;
	for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
		step(&in);
		check_balance();
		if (w->flows.n_touched <= CHECK_EACH_STEP)
			check_table(&w->flows);
	}
	check_table(&w->flows);
	// an error about what was held may have to wait itself
	for (unsigned i = 0; i < ROUNDS_OF_HOLDING; i++) {
		world_pass_time(&world, ALL_HELD_IS_OVER_MS);
		drain();
	}
	assert(w->n_held == 0);
	check_balance();
	end_all();
	assert(rte_mempool_in_use_count(drivers_pool()) == 0);
	return 0;
}
