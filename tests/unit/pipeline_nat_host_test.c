// SPDX-License-Identifier: BSD-3-Clause
// The router's own host stack beside a translation: what it sends, and what it says of what it got.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "tests/unit/house_fixture.h"

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

static struct dp_nat server_nat(const char *inside)
{
	struct dp_nat server = fixture_masquerade(FIXTURE_WAN);

	server.kind = DP_NAT_ONE_TO_ONE;
	assert_int_equal(ip_prefix_parse("203.0.113.10/32", &server.outside), 0);
	assert_int_equal(ip_prefix_parse(inside, &server.inside), 0);
	return server;
}

static void name_server(struct fixture *f, const char *inside)
{
	struct dp_nat server = server_nat(inside);

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

// The kernel gets no error about a packet of its own.
static void the_routers_own_packet_is_dropped_by_name_when_nobody_answers(void **state)
{
	struct fixture *f = *state;

	name_server(f, "198.18.0.50/32");
	fixture_host(f, frame_build(f, &own_to_server), FIXTURE_WAN);
	assert_int_equal(f->w->n_held, 1);
	f->w->now_ms += HOLD_TIMEOUT_MS;
	hold_tick(f->w);
	assert_int_equal(f->w->n_held, 0);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NO_NEIGHBOUR), 1);
	assert_int_equal(fixture_counter(f, COUNTER_ICMP_SENT), 0);
	assert_null(fixture_punted(f));
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

// What cuts a connection resets both its ends: the one inside, which the kernel thinks is outside.
static void the_server_it_is_translated_to_is_reset_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct frame own = own_to_server, answer;
	struct house h;
	struct rte_mbuf *m;

	house_init(&h);
	h.nats[0] = server_nat("198.18.0.7/32");
	house_apply(&h, f);
	own.protocol = IPPROTO_TCP;
	own.tcp_flags = RTE_TCP_SYN_FLAG;
	own.payload_bytes = 0;
	rte_pktmbuf_free(answer_to_own(f, &own, FIXTURE_LAN, &answer));
	own = frame_answer_again(&own);
	fixture_host(f, frame_build(f, &own), FIXTURE_WAN);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);

	house_add(&h, 1 << DP_ZONE_ROUTER, 0, DP_REJECT);
	house_apply(&h, f);
	fixture_host(f, frame_build(f, &own), FIXTURE_WAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_true(((struct rte_tcp_hdr *)(packet_ip4(m) + 1))->tcp_flags & RTE_TCP_RST_FLAG);
	rte_pktmbuf_free(m);
	m = fixture_punted(f); // and the kernel's
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

int main(void)
{
#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		NAT(the_router_itself_shares_the_table_and_its_ports),
		NAT(nobody_speaks_for_the_router_to_a_server_it_is_translated_to),
		NAT(the_routers_own_packet_waits_for_the_server_it_is_translated_to),
		NAT(the_routers_own_packet_is_dropped_by_name_when_nobody_answers),
		NAT(the_routers_own_refusal_is_about_what_was_sent),
		NAT(the_routers_own_refusal_of_an_answer_names_the_port_outside),
		NAT(the_routers_own_refusal_goes_where_the_answer_came_from),
		NAT(the_routers_own_error_about_a_stranger_is_sent_as_it_is),
		NAT(the_server_it_is_translated_to_is_reset_where_it_is),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
