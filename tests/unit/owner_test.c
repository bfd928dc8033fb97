// SPDX-License-Identifier: BSD-3-Clause
// Flows that live at another worker than their packets' ports lead to: the packets follow them
// there, and later ones never overtake them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/owner.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"

enum { HERE, HOME, STRANGERS = 2000 };

static struct worker *home_of(struct fixture *f)
{
	return dataplane_worker(f->dp, HOME);
}

// From one LAN to the other, by a port that leads here.
static struct frame across(void)
{
	struct frame frame = fixture_udp_out;

	frame.dst = FIXTURE_FAR_LAN;
	while (steering_worker(steering_bucket(frame.sport), 2) != HERE)
		frame.sport++;
	return frame;
}

static struct flow_dir *flow_at(struct worker *w, const struct frame *frame)
{
	struct flow_tuple tuple = {
		.src = ip4_addr_of(rte_cpu_to_be_32(frame->src)),
		.dst = ip4_addr_of(rte_cpu_to_be_32(frame->dst)),
		.sport_be = rte_cpu_to_be_16(frame->sport),
		.dport_be = rte_cpu_to_be_16(frame->dport),
		.protocol = frame->protocol,
	};

	return flow_find(&w->flows, &tuple);
}

static void begin_at_home(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);

	pipeline_owned(home_of(f), frame->iface, &m, 1, true);
	assert_non_null(flow_at(home_of(f), frame));
}

static void end_at_home(struct fixture *f, const struct frame *frame)
{
	conntrack_end(home_of(f), flow_of(flow_at(home_of(f), frame)));
}

static void arrives(struct fixture *f, const struct frame *frame)
{
	fixture_rx(f, frame_build(f, frame), frame->iface);
}

static unsigned n_in_inbox(struct fixture *f)
{
	return rte_ring_count(home_of(f)->inbox);
}

static void packets_follow_their_flow(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across();

	begin_at_home(f, &frame);
	arrives(f, &frame);
	assert_int_equal(n_in_inbox(f), 1);
	assert_int_equal(worker_poll_inbox(home_of(f)), 1);
	// both left there: this world's interfaces have no ports
	assert_int_equal(home_of(f)->counters[COUNTER_DROP_INTERFACE_DOWN], 2);
	assert_null(flow_at(f->w, &frame));
}

static void none_overtakes_those_on_their_way_to_a_flow_that_ended(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across();

	begin_at_home(f, &frame);
	arrives(f, &frame);
	end_at_home(f, &frame);
	arrives(f, &frame);
	assert_null(flow_at(f->w, &frame));
	assert_int_equal(n_in_inbox(f), 2);
	worker_poll_inbox(home_of(f));
	assert_non_null(flow_at(home_of(f), &frame)); // there it began anew
}

// Both are in one burst: the first is not even in the inbox yet.
static void none_overtakes_those_that_are_still_to_be_handed_over(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across();
	struct rte_mbuf *m = frame_build(f, &frame);

	begin_at_home(f, &frame);
	dataplane_worker(f->dp, HERE);
	pipeline_rx(f->w, frame.iface, &m, 1);
	end_at_home(f, &frame);
	assert_int_equal(n_in_inbox(f), 0);
	arrives(f, &frame);
	assert_null(flow_at(f->w, &frame));
	assert_int_equal(n_in_inbox(f), 2);
	worker_poll_inbox(home_of(f));
}

static void when_all_are_through_the_next_begins_the_flow_where_it_arrives(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across();

	begin_at_home(f, &frame);
	arrives(f, &frame);
	worker_poll_inbox(home_of(f));
	end_at_home(f, &frame);
	arrives(f, &frame);
	assert_int_equal(n_in_inbox(f), 0);
	assert_non_null(flow_at(f->w, &frame));
	rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN2));
}

// Strangers' first packets, whatever is on its way for others.
static void others_begin_where_they_arrive(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(), other = frame;

	begin_at_home(f, &frame);
	arrives(f, &frame);
	for (unsigned i = 0; i < STRANGERS; i++) {
		other.dport++;
		arrives(f, &other);
		rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN2));
	}
	assert_int_equal(n_in_inbox(f), 1);
	assert_int_equal(f->w->flows.n_used, STRANGERS);
	worker_poll_inbox(home_of(f));
}

// The kernel's word about a packet that it got.
static struct rte_mbuf *refusal_of(struct fixture *f, const struct frame *got)
{
	const struct frame error = {
		.iface = got->iface,
		.src = got->dst,
		.dst = got->src,
		.protocol = IPPROTO_ICMP,
		.icmp_type = 3,
		.payload_bytes = 28,
	};
	struct rte_mbuf *m = frame_build(f, &error), *about = frame_build(f, got);

	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 42), packet_ip4(about), 28);
	rte_pktmbuf_free(about);
	return m;
}

static void what_the_kernel_says_of_a_packet_goes_where_that_came_from(void **state)
{
	struct fixture *f = *state;
	const struct frame answer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 53,
		.protocol = IPPROTO_UDP};
	struct frame rows[] = {answer, fixture_udp_out};

	for (uint16_t i = 0; i < 256; i++) {
		rows[0].dport = rows[1].sport = (uint16_t)(5000 + i);
		for (unsigned k = 0; k < RTE_DIM(rows); k++) {
			struct packet p = {.m = refusal_of(f, &rows[k]), .iface = rows[k].iface};

			assert_true(packet_parse_from_host(&p));
			assert_int_equal(owner_of(&p, rows[k].iface == FIXTURE_WAN, true, 2),
				steering_worker(steering_bucket((uint16_t)(5000 + i)), 2));
			rte_pktmbuf_free(p.m);
		}
	}
}

int main(void)
{
#define TWO(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat_of_two, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TWO(packets_follow_their_flow),
		TWO(none_overtakes_those_on_their_way_to_a_flow_that_ended),
		TWO(none_overtakes_those_that_are_still_to_be_handed_over),
		TWO(when_all_are_through_the_next_begins_the_flow_where_it_arrives),
		TWO(others_begin_where_they_arrive),
		TWO(what_the_kernel_says_of_a_packet_goes_where_that_came_from),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
