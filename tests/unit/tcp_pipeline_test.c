// SPDX-License-Identifier: BSD-3-Clause
// TCP that is tracked, through the pipeline: drops by name, ends that begin anew, a full table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/packet.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/tcp_flags.h"

static void what_no_end_sent_is_dropped_by_its_name(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t seq, ack;
		enum counter counter;
	} rows[] = {
		{ACK, 0x40000000, 0, COUNTER_DROP_TCP_WINDOW},
		{FIN | ACK, 0, 0x40000000, COUNTER_DROP_TCP_WINDOW},
		{RST, 0x40000000, 0, COUNTER_DROP_TCP_RESET},
		{SYN | ACK, 0, 0x40000000, COUNTER_DROP_TCP_STATE},
		{FIN, 0, 0, COUNTER_DROP_TCP_STATE},
	};
	struct fixture *f = *state;
	struct frame answer, frame = fixture_udp_out, bad;

	fixture_connect(f, &frame, &answer);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t before = fixture_counter(f, rows[i].counter);

		bad = answer;
		bad.tcp_flags = rows[i].flags;
		bad.tcp_seq += rows[i].seq;
		bad.tcp_ack += rows[i].ack;
		assert_false(fixture_passes(f, &bad, FIXTURE_LAN));
		assert_int_equal(fixture_counter(f, rows[i].counter), before + 1);
	}
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_int_equal(f->w->flows.n_used, 1);
}

static void a_reset_connection_may_be_opened_again_at_once(void **state)
{
	struct fixture *f = *state;
	struct frame answer, frame = fixture_udp_out;

	fixture_connect(f, &frame, &answer);
	frame.tcp_flags = RST;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	fixture_connect(f, &frame, &answer);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 2);
	assert_int_equal(f->w->flows.n_used, 1);
}

// Past a translation, a SYN from outside for a closed connection is a new one: to the router.
static void a_closed_connection_is_no_way_in(void **state)
{
	struct fixture *f = *state;
	struct frame answer, frame = fixture_udp_out;
	struct rte_mbuf *m;

	fixture_connect(f, &frame, &answer);
	frame.tcp_flags = RST;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	answer.tcp_flags = SYN;
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
	m = fixture_punted(f);
	assert_non_null(m);
	assert_int_equal(frame_dst(m), FIXTURE_OWN_WAN);
	rte_pktmbuf_free(m);
}

static void half_open_connections_give_way_in_a_full_table(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	uint32_t capacity = f->w->flows.capacity;

	frame.protocol = IPPROTO_TCP;
	frame.payload_bytes = 0;
	frame.tcp_flags = SYN;
	for (uint32_t i = 0; i < capacity + 100; i++) {
		struct frame answer;

		frame.dst = FIXTURE_SERVER + 1 + i;
		assert_true(fixture_exchange(f, &frame, &answer));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 100);
}

static void an_error_about_a_segment_nobody_sent_ends_here(void **state)
{
	struct fixture *f = *state;
	struct frame answer, frame = fixture_udp_out;

	fixture_connect(f, &frame, &answer);
	for (unsigned is_forged = 0; is_forged < 2; is_forged++) {
		struct rte_mbuf *about = fixture_send(f, &frame, FIXTURE_WAN);
		struct frame error;

		assert_non_null(about);
		if (is_forged)
			((struct rte_tcp_hdr *)(packet_ip4(about) + 1))->sent_seq ^= 0xff;
		error = frame_refusal(about, FIXTURE_GATEWAY, FIXTURE_WAN);
		assert_int_equal(fixture_passes(f, &error, FIXTURE_LAN), !is_forged);
		rte_pktmbuf_free(about);
		assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_SEQUENCE), is_forged);
	}
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(what_no_end_sent_is_dropped_by_its_name),
		NAT(a_reset_connection_may_be_opened_again_at_once),
		NAT(a_closed_connection_is_no_way_in),
		NAT(half_open_connections_give_way_in_a_full_table),
		NAT(an_error_about_a_segment_nobody_sent_ends_here),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
