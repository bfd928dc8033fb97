// SPDX-License-Identifier: BSD-3-Clause
// Workers with nothing but a flow table, and flows begun in them as conntrack does it. Include it
// in one file of a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/nat.h"
#include "dataplane/nat_port.h"
#include "drivers/steering.h"
#include "tests/unit/eal.h"
#include "tests/unit/random.h"
#include "tests/unit/text_addr.h"

enum { TABLES_MAX = 4, CAPACITY = 16384 };

static struct dataplane dp;
static struct worker *workers;
static unsigned n_tables;

static inline void open_workers(unsigned n, uint16_t n_workers)
{
	static const uint64_t seeds[2] = {0x1234567890abcdefu, 0xfedcba0987654321u};

	n_tables = n;
	memset(workers, 0, TABLES_MAX * sizeof(workers[0]));
	for (unsigned i = 0; i < n; i++) {
		workers[i].dp = &dp;
		workers[i].index = (uint16_t)i;
		workers[i].n_workers = n_workers;
		workers[i].random = 0x9e3779b97f4a7c15 + i;
		workers[i].now_ms = 1000;
		workers[i].now_sec = 100;
		assert_int_equal(flow_table_init(&workers[i].flows, CAPACITY, seeds), 0);
	}
}

static inline void assert_index_is_empty(const struct flow_index *index)
{
	for (uint32_t b = 0; b < index->n_buckets; b++) {
		assert_int_equal(index->buckets[b].n_away, 0);
		for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
			assert_int_equal(index->buckets[b].tags[slot], 0);
	}
}

// Nothing is left of flows that have all ended.
static inline void close_workers(void)
{
	for (unsigned i = 0; i < n_tables; i++) {
		struct worker *w = &workers[i];

		assert_int_equal(w->flows.n_used, 0);
		assert_index_is_empty(&w->flows.keys);
		assert_index_is_empty(&w->flows.endpoints);
		for (unsigned c = 0; c < NAT_COUNT_COLUMNS; c++)
			assert_true(w->nat.counts[0][c] == 0 && w->nat.counts[1][c] == 0);
		flow_table_fini(&w->flows);
	}
	while (rte_ring_count(dp.events) > 0) {
		struct dp_event event;

		rte_ring_sc_dequeue_elem(dp.events, &event, sizeof(event));
	}
}

static inline uint16_t be(uint16_t port)
{
	return rte_cpu_to_be_16(port);
}

static inline struct flow_tuple tuple(
	struct ip_addr src, uint16_t sport, struct ip_addr dst, uint16_t dport, uint8_t protocol)
{
	struct flow_tuple t = {.src = src,
		.dst = dst,
		.sport_be = be(sport),
		.dport_be = be(dport),
		.protocol = protocol};

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		t.kind = FLOW_KEY_QUERY;
		t.dport_be = t.sport_be;
	} else if (!protocol_has_ports(protocol)) {
		t.sport_be = t.dport_be = 0;
	}
	return t;
}

// As conntrack_open does. NULL: no port.
static inline struct flow *begin_translated(struct worker *w, const struct flow_tuple *original,
	const struct flow_tuple *packet, const struct nat_source *source)
{
	struct nat_choice choice;
	struct flow *flow;

	if (!nat_choose(w, packet, source, &choice))
		return NULL;
	assert_null(flow_find(&w->flows, &choice.reply.key));
	flow = flow_alloc(&w->flows);
	assert_non_null(flow);
	flow_fill(flow, original, &choice.reply.key);
	flow_set_phase(&w->flows, flow, FLOW_UNREPLIED);
	flow->state.protocol = original->protocol;
	assert_true(flow_enter(&w->flows, flow, FLOW_NAME_ORIGINAL));
	assert_true(flow_enter(&w->flows, flow, FLOW_NAME_REPLY));
	nat_flow_entered(w, flow, source, &choice);
	return flow;
}

static inline struct flow *begin(
	struct worker *w, const struct flow_tuple *original, const struct nat_source *source)
{
	return begin_translated(w, original, original, source);
}

static inline void end(struct worker *w, struct flow *flow)
{
	nat_flow_ending(w, flow);
	flow_remove(&w->flows, flow);
}

static inline void end_all(struct worker *w)
{
	for (uint32_t i = 0; i < w->flows.n_touched; i++)
		if (w->flows.flows[i].state.state != FLOW_FREE)
			end(w, &w->flows.flows[i]);
}

// Once for the process. False: it does not start.
static inline bool fixture_start(void)
{
	if (eal_start("64") != 0)
		return false;
	workers = aligned_alloc(64, TABLES_MAX * sizeof(workers[0]));
	dp.event_fd = eventfd(0, EFD_NONBLOCK);
	dp.events = rte_ring_create_elem(
		"events", sizeof(struct dp_event), EVENT_RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
	return workers != NULL && dp.event_fd >= 0 && dp.events != NULL;
}
