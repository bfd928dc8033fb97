// SPDX-License-Identifier: BSD-3-Clause
// Translation as packets meet it, through the pipeline: there and back, errors about it, the
// router's own flows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"
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

static void the_router_itself_shares_the_table_and_its_ports(void **state)
{
	struct fixture *f = *state;
	struct frame own = {
		.iface = FIXTURE_WAN,
		.src = FIXTURE_OWN_WAN,
		.dst = FIXTURE_SERVER,
		.sport = 5000,
		.dport = 53,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 10,
	};
	struct rte_mbuf *pc = fixture_send(f, &fixture_udp_out, FIXTURE_WAN); // takes 5000 first
	struct rte_mbuf *m = frame_build(f, &own);
	struct frame answer;

	packet_eth(m)->dst_addr.addr_bytes[0] = 2;
	fixture_host(f, m, FIXTURE_WAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(packet_ip4(m)->time_to_live, 64); // the kernel's packet, not forwarded
	assert_int_not_equal(frame_sport(m), 5000);
	answer = frame_answer(m, &own, FIXTURE_WAN);
	rte_pktmbuf_free(pc);
	rte_pktmbuf_free(m);

	assert_null(fixture_send(f, &answer, FIXTURE_LAN));
	m = fixture_punted(f);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_dport(m), 5000);
	rte_pktmbuf_free(m);
}

// The router's own, to a server inside by its public name.
static const struct frame own_to_server = {
	.iface = FIXTURE_WAN,
	.src = FIXTURE_OWN_WAN,
	.dst = IP(203, 0, 113, 10),
	.sport = 5000,
	.dport = 53,
	.protocol = IPPROTO_UDP,
	.payload_bytes = 10,
};

static void name_server(struct fixture *f, const char *inside)
{
	struct dp_nat server = fixture_masquerade(FIXTURE_WAN);

	server.kind = DP_NAT_ONE_TO_ONE;
	assert_int_equal(ip_prefix_parse("203.0.113.10/32", &server.outside), 0);
	assert_int_equal(ip_prefix_parse(inside, &server.inside), 0);
	fixture_translate(f, &server, 1);
}

static void nobody_speaks_for_the_router_to_a_server_it_is_translated_to(void **state)
{
	struct fixture *f = *state;
	struct frame answer;
	struct rte_mbuf *m;

	name_server(f, "198.18.0.7/32");
	for (unsigned i = 0; i < 3; i++) {
		fixture_host(f, frame_build(f, &own_to_server), FIXTURE_WAN);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_dst(m), FIXTURE_PC);
		assert_int_equal(packet_ip4(m)->time_to_live, 63);
		answer = frame_answer(m, &own_to_server, FIXTURE_LAN);
		rte_pktmbuf_free(m);
		assert_null(fixture_send(f, &answer, FIXTURE_WAN));
		m = fixture_punted(f);
		assert_non_null(m);
		assert_int_equal(frame_src(m), own_to_server.dst);
		rte_pktmbuf_free(m);
		assert_null(fixture_send(f, &own_to_server, FIXTURE_LAN));
		assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), i + 1);
	}
}

// One that it has not spoken to for long. Nothing is lost.
static void the_routers_own_packet_waits_for_the_server_it_is_translated_to(void **state)
{
	struct ip_addr addr = {.family = IP_V4, .bytes = {198, 18, 0, 50}};
	struct mac_addr mac = {{2, 9, 9, 9, 9, 9}};
	struct fixture *f = *state;
	struct rte_mbuf *m;

	name_server(f, "198.18.0.50/32");
	m = frame_build(f, &own_to_server);
	packet_eth(m)->dst_addr.addr_bytes[0] = 6; // as the kernel thinks: somebody outside
	fixture_host(f, m, FIXTURE_WAN);
	assert_int_equal(f->w->n_held, 1);
	assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN, &addr, &mac), 0);
	dataplane_worker(f->dp, 0);
	hold_tick(f->w);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_dst(m), IP(198, 18, 0, 50));
	assert_memory_equal(packet_eth(m)->dst_addr.addr_bytes, mac.bytes, 6);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_HOST_SENT), 1);
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

// Does the error quote that datagram, to its header's last checksum?
static void assert_quotes(struct rte_mbuf *m, const struct frame *sent)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 42);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

	assert_int_equal(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
	assert_int_equal(rte_be_to_cpu_32(ip->src_addr), sent->src);
	assert_int_equal(rte_be_to_cpu_32(ip->dst_addr), sent->dst);
	assert_int_equal(rte_be_to_cpu_16(udp->src_port), sent->sport);
	assert_int_equal(rte_be_to_cpu_16(udp->dst_port), sent->dport);
}

// What answers the router's own packet, as the kernel gets it; it came in by `iface` as `answer`.
static struct rte_mbuf *answer_to_own(
	struct fixture *f, const struct frame *own, uint8_t iface, struct frame *answer)
{
	struct rte_mbuf *m;

	fixture_host(f, frame_build(f, own), own->iface);
	m = fixture_sent(f, iface);
	assert_non_null(m);
	*answer = frame_answer(m, own, iface);
	rte_pktmbuf_free(m);
	fixture_rx(f, frame_build(f, answer), iface);
	m = fixture_punted(f);
	assert_non_null(m);
	return m;
}

// The kernel refuses what it got by `iface`, and nobody else is told; what leaves by `out`.
static struct rte_mbuf *refusal_by_kernel(
	struct fixture *f, struct rte_mbuf *about, uint32_t src, uint8_t iface, uint8_t out)
{
	struct frame error = frame_refusal(about, src, iface);
	struct rte_mbuf *m;

	fixture_host(f, frame_build(f, &error), iface);
	m = fixture_sent(f, out);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_null(fixture_sent(f, FIXTURE_LAN));
	return m;
}

// What the kernel says of what it got by a redirect: to the port that nobody listens on.
static void the_routers_own_refusal_is_about_what_was_sent(void **state)
{
	struct fixture *f = *state;
	struct dp_nat redirect = fixture_masquerade(FIXTURE_LAN);
	struct rte_mbuf *m, *arrived;

	redirect.kind = DP_NAT_REDIRECT;
	redirect.outside = (struct ip_prefix){.addr.family = IP_V4};
	redirect.first_port = redirect.last_port = fixture_udp_out.dport;
	redirect.inside_port = 5300;
	fixture_translate(f, &redirect, 1);
	fixture_rx(f, frame_build(f, &fixture_udp_out), FIXTURE_LAN);
	arrived = fixture_punted(f);
	assert_non_null(arrived);
	assert_int_equal(frame_dport(arrived), 5300);
	m = refusal_by_kernel(f, arrived, FIXTURE_OWN_LAN, FIXTURE_LAN, FIXTURE_LAN);
	rte_pktmbuf_free(arrived);
	assert_int_equal(frame_src(m), FIXTURE_SERVER);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_quotes(m, &fixture_udp_out);
	rte_pktmbuf_free(m);
}

// An answer that comes when its socket has gone: its sender knows the port that we left by, and the
// one that the socket had is somebody else's.
static void the_routers_own_refusal_of_an_answer_names_the_port_outside(void **state)
{
	struct fixture *f = *state;
	struct frame own = fixture_udp_out, answer;
	struct rte_mbuf *m, *arrived;

	own.iface = FIXTURE_WAN;
	own.src = FIXTURE_OWN_WAN;
	rte_pktmbuf_free(fixture_send(f, &fixture_udp_out, FIXTURE_WAN)); // has the port
	arrived = answer_to_own(f, &own, FIXTURE_WAN, &answer);
	assert_int_not_equal(answer.dport, own.sport);
	assert_int_equal(frame_dport(arrived), own.sport);
	m = refusal_by_kernel(f, arrived, FIXTURE_OWN_WAN, FIXTURE_WAN, FIXTURE_WAN);
	rte_pktmbuf_free(arrived);
	assert_int_equal(frame_dst(m), FIXTURE_SERVER);
	assert_quotes(m, &answer);
	rte_pktmbuf_free(m);
}

// It spoke to a host inside by its name outside, and thinks that this is where the answer came
// from.
static void the_routers_own_refusal_goes_where_the_answer_came_from(void **state)
{
	struct fixture *f = *state;
	struct dp_nat forward = fixture_masquerade(FIXTURE_WAN);
	struct frame own = fixture_udp_out, answer;
	struct rte_mbuf *m, *arrived;

	forward.kind = DP_NAT_FORWARD;
	forward.outside = (struct ip_prefix){{.family = IP_V4, .v4 = {203, 0, 113, 50}}, 32};
	forward.inside = (struct ip_prefix){{.family = IP_V4, .v4 = {198, 18, 0, 7}}, 32};
	fixture_translate(f, &forward, 1);
	own.iface = FIXTURE_WAN;
	own.src = FIXTURE_OWN_WAN;
	own.dst = IP(203, 0, 113, 50);
	arrived = answer_to_own(f, &own, FIXTURE_LAN, &answer);
	assert_int_equal(frame_src(arrived), own.dst);
	m = refusal_by_kernel(f, arrived, FIXTURE_OWN_WAN, FIXTURE_WAN, FIXTURE_LAN);
	rte_pktmbuf_free(arrived);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_quotes(m, &answer);
	rte_pktmbuf_free(m);
}

// Of no flow of ours: as the kernel made it.
static void the_routers_own_error_about_a_stranger_is_sent_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct frame stranger = fixture_udp_out;
	struct rte_mbuf *about, *m;

	stranger.dst = FIXTURE_OWN_LAN;
	about = frame_build(f, &stranger);
	m = refusal_by_kernel(f, about, FIXTURE_OWN_LAN, FIXTURE_LAN, FIXTURE_LAN);
	rte_pktmbuf_free(about);
	assert_int_equal(frame_src(m), FIXTURE_OWN_LAN);
	assert_quotes(m, &stranger);
	rte_pktmbuf_free(m);
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
		NAT(the_router_itself_shares_the_table_and_its_ports),
		NAT(nobody_speaks_for_the_router_to_a_server_it_is_translated_to),
		NAT(the_routers_own_packet_waits_for_the_server_it_is_translated_to),
		NAT(the_routers_own_refusal_is_about_what_was_sent),
		NAT(the_routers_own_refusal_of_an_answer_names_the_port_outside),
		NAT(the_routers_own_refusal_goes_where_the_answer_came_from),
		NAT(the_routers_own_error_about_a_stranger_is_sent_as_it_is),
		NAT(masquerade_follows_the_address_of_its_interface),
		NAT(a_route_change_keeps_the_flow_and_its_port),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
