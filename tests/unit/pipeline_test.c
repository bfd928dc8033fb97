// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"
#include "tests/unit/dataplane_fixture.h"

static void plain_router_forwards_and_counts_ttl_down(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);

	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_src(m), FIXTURE_PC);
	assert_int_equal(packet_ip4(m)->time_to_live, 63);
	assert_memory_equal(packet_eth(m)->dst_addr.addr_bytes, "\x02\x01\x00\x00\x00\x01", 6);
	assert_memory_equal(packet_eth(m)->src_addr.addr_bytes, "\x02\x00\x00\x00\x00\x00", 6);
	assert_int_equal(f->w->flows.n_used, 0);
	rte_pktmbuf_free(m);
}

static void ttl_of_one_is_answered_and_costs_no_flow(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	frame.ttl = 1;
	assert_null(fixture_send(f, &frame, FIXTURE_WAN));
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_src(m), FIXTURE_OWN_LAN);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_type, 11);
	assert_int_equal(f->w->flows.n_used, 0);
	rte_pktmbuf_free(m);
}

static void packets_to_the_router_go_up_and_its_answers_down(void **state)
{
	struct fixture *f = *state;
	struct frame in = {
		.iface = FIXTURE_LAN,
		.src = FIXTURE_PC,
		.dst = FIXTURE_OWN_LAN,
		.sport = 4000,
		.dport = 22,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG,
	};
	struct frame answer = {
		.iface = FIXTURE_LAN,
		.src = FIXTURE_OWN_LAN,
		.dst = FIXTURE_PC,
		.sport = 22,
		.dport = 4000,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG,
		.tcp_ack = 1,
	};
	struct rte_mbuf *m;

	assert_null(fixture_send(f, &in, FIXTURE_LAN));
	m = fixture_punted(f);
	assert_non_null(m);
	assert_int_equal(packet_ip4(m)->time_to_live, 64);
	rte_pktmbuf_free(m);
	fixture_host(f, frame_build(f, &answer), FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(f->w->flows.n_used, 1);
	rte_pktmbuf_free(m);
	// somebody on the LAN who claims to be us is not us
	assert_null(fixture_send(f, &answer, FIXTURE_LAN));
	assert_null(fixture_punted(f));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), 1);
}

static void an_unknown_neighbour_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct ip_addr addr = {.family = IP_V4, .bytes = {198, 18, 1, 50}};
	struct mac_addr mac = {{2, 9, 9, 9, 9, 9}};
	struct dp_event event;
	struct rte_mbuf *m;

	frame.dst = IP(198, 18, 1, 50);
	assert_null(fixture_send(f, &frame, FIXTURE_LAN2));
	assert_int_equal(f->w->n_held, 1);
	assert_true(dataplane_event_next(f->dp, &event));
	assert_int_equal(event.kind, DP_EVENT_NEIGHBOUR_WANTED);
	assert_int_equal(event.interface, FIXTURE_LAN2);
	assert_true(ip_addr_equal(&event.addr, &addr));
	assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN2, &addr, &mac), 0);
	f->w->now_ms += 5;
	dataplane_worker(f->dp, 0);
	hold_tick(f->w);
	m = fixture_sent(f, FIXTURE_LAN2);
	assert_non_null(m);
	assert_memory_equal(packet_eth(m)->dst_addr.addr_bytes, mac.bytes, 6);
	assert_int_equal(packet_ip4(m)->time_to_live, 63);
	rte_pktmbuf_free(m);
}

static void late_neighbour_answers(struct fixture *f)
{
	const struct ip_addr addr = {.family = IP_V4, .bytes = {198, 18, 1, 50}};
	const struct mac_addr mac = {{2, 9, 9, 9, 9, 9}};

	assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN2, &addr, &mac), 0);
}

// The n-th packet to a neighbour that is not known at first.
static struct rte_mbuf *to_late_neighbour(struct fixture *f, uint16_t n)
{
	struct frame frame = fixture_udp_out;

	frame.dst = IP(198, 18, 1, 50);
	frame.payload_bytes = (uint16_t)(frame.payload_bytes + n);
	return frame_build(f, &frame);
}

static void assert_sent_in_order(struct fixture *f, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = fixture_sent(f, FIXTURE_LAN2);

		assert_non_null(m);
		assert_int_equal(m->pkt_len, 42 + fixture_udp_out.payload_bytes + i);
		rte_pktmbuf_free(m);
	}
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(f->w->n_held, 0);
}

static void none_overtakes_those_that_waited_for_its_neighbour(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < 3; i++)
		fixture_rx(f, to_late_neighbour(f, i), FIXTURE_LAN);
	late_neighbour_answers(f);
	fixture_rx(f, to_late_neighbour(f, 3), FIXTURE_LAN);
	assert_sent_in_order(f, 4);
}

// Control may write while the worker is in the middle of a burst.
static void a_neighbour_that_answers_in_a_turn_is_known_in_the_next(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m;

	fixture_rx(f, to_late_neighbour(f, 0), FIXTURE_LAN);
	late_neighbour_answers(f);
	m = to_late_neighbour(f, 1);
	pipeline_rx(f->w, FIXTURE_LAN, &m, 1);
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(f->w->n_held, 2);
	worker_refresh(f->w);
	assert_sent_in_order(f, 2);
}

static void a_neighbour_that_never_answers_is_reported_unreachable(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	frame.dst = IP(198, 18, 1, 51);
	assert_null(fixture_send(f, &frame, FIXTURE_LAN2));
	f->w->now_ms += HOLD_TIMEOUT_MS;
	hold_tick(f->w);
	assert_int_equal(f->w->n_held, 0);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_type, 3);
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_code, 1);
	rte_pktmbuf_free(m);
}

static void a_scan_cannot_hold_more_than_its_room(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 100; i++) { // one neighbour takes a few places
		struct frame frame = fixture_udp_out;

		frame.dst = IP(198, 18, 1, 60);
		frame.sport = (uint16_t)(6000 + i);
		fixture_send(f, &frame, FIXTURE_LAN2);
	}
	assert_int_equal(f->w->n_held, HOLD_PER_NEIGHBOUR);
	for (unsigned i = 0; i < 2000; i++) { // one sender takes some
		struct frame frame = fixture_udp_out;

		frame.dst = IP(198, 18, 1, 0) + 100 + i % 150;
		frame.sport = (uint16_t)(9000 + i);
		fixture_send(f, &frame, FIXTURE_LAN2);
	}
	assert_int_equal(f->w->n_held, HOLD_PER_SOURCE);
	for (unsigned i = 0; i < 2000; i++) { // all together take what there is
		struct frame frame = fixture_udp_out;

		frame.src = IP(198, 18, 0, 0) + 100 + i % 100;
		frame.dst = IP(198, 18, 1, 0) + 100 + i % 150;
		frame.sport = (uint16_t)(9000 + i);
		fixture_send(f, &frame, FIXTURE_LAN2);
	}
	assert_int_equal(f->w->n_held, HOLD_MAX);
	assert_true(fixture_counter(f, COUNTER_DROP_HOLD_FULL) > 0);
}

// Traffic that never pauses is the case: there is always one that waits when the next one comes.
static void a_neighbour_is_asked_for_each_second_while_packets_wait(void **state)
{
	struct fixture *f = *state;
	struct dp_event event;
	unsigned n_asked = 0;

	for (unsigned i = 0; i < 100; i++) { // ten seconds
		struct frame frame = fixture_udp_out;

		frame.dst = IP(198, 18, 1, 61);
		frame.sport = (uint16_t)(6000 + i);
		fixture_send(f, &frame, FIXTURE_LAN2);
		f->w->now_ms += 100;
		hold_tick(f->w);
		while (dataplane_event_next(f->dp, &event))
			n_asked +=
				event.kind == DP_EVENT_NEIGHBOUR_WANTED && event.addr.v4[3] == 61;
		rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN));
	}
	assert_in_range(n_asked, 9, 11);
}

static void expire_at(struct fixture *f, uint32_t now_sec)
{
	f->w->now_sec = now_sec;
	conntrack_expire(f->w, UINT32_MAX);
}

static void flows_end_by_their_timeouts(void **state)
{
	static const struct {
		struct frame frame;
		bool is_answered;
		uint32_t alive_sec;
	} rows[] = {
		{{.protocol = IPPROTO_UDP}, false, TIMEOUT_UDP_UNREPLIED_SEC},
		{{.protocol = IPPROTO_UDP}, true, TIMEOUT_UDP_ASSURED_SEC},
		{{.protocol = IPPROTO_TCP, .tcp_flags = RTE_TCP_SYN_FLAG}, false,
			TIMEOUT_TCP_UNREPLIED_SEC},
		{{.protocol = IPPROTO_TCP, .tcp_flags = RTE_TCP_SYN_FLAG}, true,
			TIMEOUT_TCP_ESTABLISHED_SEC},
	};
	struct fixture *f = *state;
	uint32_t now = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct frame frame = rows[i].frame, answer;
		struct rte_mbuf *m;

		frame.iface = FIXTURE_LAN;
		frame.src = FIXTURE_PC;
		frame.dst = FIXTURE_SERVER;
		frame.sport = (uint16_t)(3000 + i);
		frame.dport = 80;
		f->w->now_sec = now;
		m = fixture_send(f, &frame, FIXTURE_WAN);
		assert_non_null(m);
		answer = frame_answer(m, &frame, FIXTURE_WAN);
		rte_pktmbuf_free(m);
		if (rows[i].is_answered) {
			m = fixture_send(f, &answer, FIXTURE_LAN);
			assert_non_null(m);
			rte_pktmbuf_free(m);
			frame = frame_answer_again(&frame);
			assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
		}
		now += rows[i].alive_sec - 1;
		expire_at(f, now);
		assert_int_equal(f->w->flows.n_used, 1);
		now += 2;
		expire_at(f, now);
		assert_int_equal(f->w->flows.n_used, 0);
	}
}

static void tcp_that_has_closed_goes_soon(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out, answer;

	fixture_connect(f, &frame, &answer);
	frame.tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	expire_at(f, TIMEOUT_TCP_CLOSING_SEC - 1);
	assert_int_equal(f->w->flows.n_used, 1);
	answer.tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG;
	answer.tcp_seq = FIXTURE_SERVER_SEQ + 1;
	answer.tcp_ack = frame.tcp_seq + 1;
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	frame.tcp_flags = RTE_TCP_ACK_FLAG;
	frame.tcp_seq++;
	frame.tcp_ack++;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	expire_at(f, f->w->now_sec + TIMEOUT_TCP_CLOSED_SEC + 1);
	assert_int_equal(f->w->flows.n_used, 0);
}

// RFC 5961 3.2: its receiver asks; who is not there any more answers with a reset that fits.
static void a_reset_that_may_be_forged_shortens_no_life(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out, answer;

	fixture_connect(f, &frame, &answer);
	answer.tcp_flags = RTE_TCP_RST_FLAG;
	answer.tcp_seq = FIXTURE_SERVER_SEQ + 3000;
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN)); // the challenge
	expire_at(f, TIMEOUT_TCP_ESTABLISHED_SEC - 1);
	assert_int_equal(f->w->flows.n_used, 1);
	answer.tcp_seq = FIXTURE_SERVER_SEQ + 1;
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	expire_at(f, f->w->now_sec + TIMEOUT_TCP_CLOSED_SEC + 1);
	assert_int_equal(f->w->flows.n_used, 0);
}

static void df_and_too_big_names_the_mtu_and_without_df_it_is_cut(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;
	unsigned n = 0;

	assert_int_equal(dataplane_interface_set_mtu(f->dp, FIXTURE_WAN, 600), 0);
	frame.payload_bytes = 1000;
	frame.fragment = RTE_IPV4_HDR_DF_FLAG;
	assert_null(fixture_send(f, &frame, FIXTURE_WAN));
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_code, 4);
	assert_int_equal(
		rte_be_to_cpu_16(
			rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_seq_nb),
		600);
	rte_pktmbuf_free(m);
	frame.fragment = 0;
	for (m = fixture_send(f, &frame, FIXTURE_WAN); m != NULL;
		m = fixture_sent(f, FIXTURE_WAN)) {
		assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
		assert_true(m->pkt_len <= 614);
		rte_pktmbuf_free(m);
		n++;
	}
	assert_int_equal(n, 2);
}

static void between_two_lans_nothing_is_translated(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	frame.dst = FIXTURE_FAR_LAN;
	m = fixture_send(f, &frame, FIXTURE_LAN2);
	assert_non_null(m);
	assert_int_equal(frame_src(m), FIXTURE_PC);
	assert_true(frame_is_sound(m));
	rte_pktmbuf_free(m);
}

int main(void)
{
#define NAT(name)   cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, fixture_setup_plain, fixture_teardown)
	const struct CMUnitTest tests[] = {
		PLAIN(plain_router_forwards_and_counts_ttl_down),
		NAT(ttl_of_one_is_answered_and_costs_no_flow),
		NAT(packets_to_the_router_go_up_and_its_answers_down),
		NAT(an_unknown_neighbour_is_waited_for),
		NAT(none_overtakes_those_that_waited_for_its_neighbour),
		PLAIN(none_overtakes_those_that_waited_for_its_neighbour),
		NAT(a_neighbour_that_answers_in_a_turn_is_known_in_the_next),
		PLAIN(a_neighbour_that_answers_in_a_turn_is_known_in_the_next),
		NAT(a_neighbour_that_never_answers_is_reported_unreachable),
		NAT(a_scan_cannot_hold_more_than_its_room),
		NAT(a_neighbour_is_asked_for_each_second_while_packets_wait),
		NAT(flows_end_by_their_timeouts),
		NAT(tcp_that_has_closed_goes_soon),
		NAT(a_reset_that_may_be_forged_shortens_no_life),
		NAT(df_and_too_big_names_the_mtu_and_without_df_it_is_cut),
		NAT(between_two_lans_nothing_is_translated),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
