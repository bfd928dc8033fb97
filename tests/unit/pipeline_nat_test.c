// SPDX-License-Identifier: BSD-3-Clause
// Translation as packets meet it, through the pipeline: there and back, and errors about it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/packet.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"

static void masquerade_translates_there_and_back(void **state)
{
	struct fixture *f = *state;
	struct frame tcp = fixture_udp_out;
	const struct frame *cases[] = {&fixture_udp_out, &tcp};

	tcp.protocol = IPPROTO_TCP;
	tcp.tcp_flags = RTE_TCP_SYN_FLAG;
	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = fixture_send(f, cases[i], FIXTURE_WAN);
		struct frame answer;

		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
		assert_int_equal(frame_sport(m), 5000); // kept: it was free
		assert_int_equal(packet_ip4(m)->time_to_live, 63);
		answer = frame_answer(m, cases[i], FIXTURE_WAN);
		rte_pktmbuf_free(m);

		m = fixture_send(f, &answer, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_src(m), FIXTURE_SERVER);
		assert_int_equal(frame_dst(m), FIXTURE_PC);
		assert_int_equal(frame_dport(m), 5000);
		assert_memory_equal(
			packet_eth(m)->dst_addr.addr_bytes, "\x02\x01\x00\x00\x01\x07", 6);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(f->w->flows.n_used, 2);
}

static void two_hosts_with_one_port_get_two_ports_of_one_bucket(void **state)
{
	struct fixture *f = *state;
	struct frame second = fixture_udp_out;
	struct rte_mbuf *a = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	struct rte_mbuf *b;

	second.src = FIXTURE_PC2;
	b = fixture_send(f, &second, FIXTURE_WAN);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(frame_sport(a), 5000);
	assert_int_not_equal(frame_sport(b), 5000);
	assert_true(frame_sport(b) >= 1024);
	assert_int_equal(steering_bucket(frame_sport(b)), steering_bucket(5000));
	assert_true(frame_is_sound(b));
	rte_pktmbuf_free(a);
	rte_pktmbuf_free(b);
}

static void the_ports_towards_one_remote_are_used_up_before_anybody_goes_without(void **state)
{
	struct fixture *f = *state;
	static uint8_t seen[65536];
	unsigned n = 0;

	memset(seen, 0, sizeof(seen));
	// a host each, for none gets more than its share; they all try the same thousand ports
	for (unsigned i = 0; i < 64513; i++) {
		struct frame frame = fixture_udp_out;
		struct rte_mbuf *m;

		frame.src = IP(198, 18, 2, 0) + i;
		frame.sport = (uint16_t)(2000 + i % 1024);
		m = fixture_send(f, &frame, FIXTURE_WAN);
		if (m == NULL)
			break;
		assert_false(seen[frame_sport(m)]);
		seen[frame_sport(m)] = 1;
		n++;
		rte_pktmbuf_free(m);
	}
	// nearly every flow had to change its port, which takes another place in the table
	assert_in_range(n, 64512 * 98 / 100, 64512);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_NO_PORT) +
				 fixture_counter(f, COUNTER_DROP_FLOW_TABLE_FULL),
		1);
}

static void udp_without_checksum_stays_without(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	frame.no_udp_checksum = true;
	m = fixture_send(f, &frame, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
	assert_int_equal(rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, 34)->dgram_cksum, 0);
	rte_pktmbuf_free(m);
}

static void a_message_of_zeroes_keeps_a_right_checksum(void **state)
{
	struct fixture *f = *state;
	struct frame ping = fixture_udp_out, pong;
	struct rte_mbuf *m;

	ping.protocol = IPPROTO_ICMP;
	ping.icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	ping.sport = 0;
	ping.payload_bytes = 0;
	m = fixture_send(f, &ping, FIXTURE_WAN);
	assert_non_null(m);
	pong = frame_answer(m, &ping, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	pong.icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	pong.sport = 0;
	m = fixture_send(f, &pong, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	rte_pktmbuf_free(m);
}

static void ping_is_told_apart_by_its_identifier(void **state)
{
	struct fixture *f = *state;
	struct frame ping = fixture_udp_out;
	struct rte_mbuf *a, *b;
	struct frame pong;
	uint16_t id;

	ping.protocol = IPPROTO_ICMP;
	ping.icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	ping.sport = 77;
	a = fixture_send(f, &ping, FIXTURE_WAN);
	ping.src = FIXTURE_PC2;
	b = fixture_send(f, &ping, FIXTURE_WAN);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(frame_icmp_id(a), 77);
	id = frame_icmp_id(b);
	assert_int_not_equal(id, 77);
	assert_true(frame_is_sound(b));

	pong = frame_answer(b, &ping, FIXTURE_WAN);
	pong.icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	pong.sport = id;
	rte_pktmbuf_free(a);
	rte_pktmbuf_free(b);
	a = fixture_send(f, &pong, FIXTURE_LAN);
	assert_non_null(a);
	assert_true(frame_is_sound(a));
	assert_int_equal(frame_dst(a), FIXTURE_PC2);
	assert_int_equal(frame_icmp_id(a), 77);
	rte_pktmbuf_free(a);
}

static void nobody_outside_reaches_past_the_nat(void **state)
{
	struct fixture *f = *state;
	struct frame in = {
		.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_PC,
		.sport = 53,
		.dport = 5000,
		.protocol = IPPROTO_UDP,
	};

	assert_null(fixture_send(f, &in, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_UNSOLICITED), 1);
	assert_int_equal(f->w->flows.n_used, 0);
}

static void a_closed_port_answers_the_host_behind_the_nat(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *out = fixture_send(f, &fixture_udp_out, FIXTURE_WAN), *m;
	struct frame error = frame_refusal(out, FIXTURE_SERVER, FIXTURE_WAN);
	struct rte_ipv4_hdr *inner;
	struct rte_udp_hdr *udp;

	m = fixture_send(f, &error, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_int_equal(frame_src(m), FIXTURE_SERVER);
	inner = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 42);
	udp = (struct rte_udp_hdr *)(inner + 1);
	assert_int_equal(rte_be_to_cpu_32(inner->src_addr), FIXTURE_PC);
	assert_int_equal(rte_be_to_cpu_16(udp->src_port), 5000);
	assert_int_equal(rte_raw_cksum(inner, 20), 0xffff);
	rte_pktmbuf_free(out);
	// the quoted checksum is the one that the host had sent
	out = frame_build(f, &fixture_udp_out);
	assert_int_equal(udp->dgram_cksum,
		rte_pktmbuf_mtod_offset(out, struct rte_udp_hdr *, 34)->dgram_cksum);
	rte_pktmbuf_free(out);
	rte_pktmbuf_free(m);
}

// An answer of the server's as the host behind the NAT has it.
static struct rte_mbuf *arrived_answer(struct fixture *f)
{
	struct rte_mbuf *out = fixture_send(f, &fixture_udp_out, FIXTURE_WAN), *m;
	struct frame answer = frame_answer(out, &fixture_udp_out, FIXTURE_WAN);

	rte_pktmbuf_free(out);
	m = fixture_send(f, &answer, FIXTURE_LAN);
	assert_non_null(m);
	return m;
}

// RFC 5508 REQ-5: it leaves with our address, which does not make its source a bad one.
static void a_closed_port_behind_the_nat_answers_the_server(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *in = arrived_answer(f), *m;
	struct frame error = frame_refusal(in, FIXTURE_PC, FIXTURE_LAN);
	struct rte_ipv4_hdr *inner;

	m = fixture_send(f, &error, FIXTURE_WAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
	assert_int_equal(frame_dst(m), FIXTURE_SERVER);
	inner = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 42);
	assert_int_equal(rte_be_to_cpu_32(inner->dst_addr), FIXTURE_OWN_WAN);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), 0);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(in);
}

static void an_error_from_behind_the_nat_by_our_address_is_nobodys(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *in = arrived_answer(f);
	struct frame error = frame_refusal(in, FIXTURE_OWN_WAN, FIXTURE_LAN);

	assert_false(fixture_passes(f, &error, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), 1);
	rte_pktmbuf_free(in);
}

static void icmp_errors_about_no_flow_or_with_a_bad_checksum_end_here(void **state)
{
	struct fixture *f = *state;
	struct frame error = {
		.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.protocol = IPPROTO_ICMP,
		.icmp_type = 3,
		.payload_bytes = 28,
	};
	struct rte_mbuf *m = frame_build(f, &error);

	rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, 34)->icmp_cksum ^= 1;
	fixture_rx(f, m, FIXTURE_WAN);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_CHECKSUM), 1);
	fixture_rx(f, frame_build(f, &error), FIXTURE_WAN); // the quote is not even IPv4
	assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_INNER), 1);
	assert_null(fixture_sent(f, FIXTURE_LAN));
	assert_null(fixture_punted(f));
}

static void an_error_about_a_damaged_header_ends_here(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *out = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	struct frame error = frame_refusal(out, FIXTURE_SERVER, FIXTURE_WAN);

	packet_ip4(out)->hdr_checksum ^= 0x0100;
	assert_false(fixture_passes(f, &error, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_INNER), 1);
	rte_pktmbuf_free(out);
}

static void masquerade_follows_the_address_of_its_interface(void **state)
{
	struct fixture *f = *state;
	struct ip_prefix moved = {{.family = IP_V4, .bytes = {203, 0, 113, 77}}, 24};
	struct rte_mbuf *m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);

	assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
	rte_pktmbuf_free(m);
	assert_int_equal(dataplane_interface_set_addresses(f->dp, FIXTURE_WAN, &moved, 1), 0);
	m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(frame_src(m), IP(203, 0, 113, 77));
	assert_true(frame_is_sound(m));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
	assert_int_equal(f->w->flows.n_used, 1);
	rte_pktmbuf_free(m);
}

// It cannot go on from another address, and who speaks hears of it.
static void a_connection_whose_address_goes_is_reset(void **state)
{
	struct fixture *f = *state;
	struct ip_prefix moved = {{.family = IP_V4, .bytes = {203, 0, 113, 77}}, 24};
	struct frame syn = fixture_udp_out, answer, ack;
	const struct rte_tcp_hdr *tcp;
	struct rte_mbuf *m;

	syn.protocol = IPPROTO_TCP;
	syn.tcp_flags = RTE_TCP_SYN_FLAG;
	syn.payload_bytes = 0;
	m = fixture_send(f, &syn, FIXTURE_WAN);
	assert_non_null(m);
	answer = frame_answer(m, &syn, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	ack = frame_answer_again(&syn);
	assert_true(fixture_passes(f, &ack, FIXTURE_WAN));
	assert_int_equal(dataplane_interface_set_addresses(f->dp, FIXTURE_WAN, &moved, 1), 0);
	fixture_rx(f, frame_build(f, &ack), FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	tcp = (const struct rte_tcp_hdr *)(packet_ip4(m) + 1);
	assert_true(tcp->tcp_flags & RTE_TCP_RST_FLAG);
	assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), ack.tcp_ack);
	assert_int_equal(frame_src(m), FIXTURE_SERVER);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_TCP_NEW), 1);
	assert_int_equal(f->w->flows.n_used, 0);
}

static void a_route_change_keeps_the_flow_and_its_port(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);

	rte_pktmbuf_free(m);
	dataplane_routes_commit(f->dp);
	m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 1);
	rte_pktmbuf_free(m);
}

int main(void)
{
#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		NAT(masquerade_translates_there_and_back),
		NAT(two_hosts_with_one_port_get_two_ports_of_one_bucket),
		NAT(the_ports_towards_one_remote_are_used_up_before_anybody_goes_without),
		NAT(udp_without_checksum_stays_without),
		NAT(a_message_of_zeroes_keeps_a_right_checksum),
		NAT(ping_is_told_apart_by_its_identifier),
		NAT(nobody_outside_reaches_past_the_nat),
		NAT(a_closed_port_answers_the_host_behind_the_nat),
		NAT(a_closed_port_behind_the_nat_answers_the_server),
		NAT(an_error_from_behind_the_nat_by_our_address_is_nobodys),
		NAT(icmp_errors_about_no_flow_or_with_a_bad_checksum_end_here),
		NAT(an_error_about_a_damaged_header_ends_here),
		NAT(masquerade_follows_the_address_of_its_interface),
		NAT(a_connection_whose_address_goes_is_reset),
		NAT(a_route_change_keeps_the_flow_and_its_port),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
