// SPDX-License-Identifier: BSD-3-Clause
// What the kernel sends in pieces: one packet to rules, flows and translation, and on the wire the
// pieces that the kernel made.
#include "dataplane/owner.h"
#include "dataplane/pipeline.h"
#include "tests/unit/house_fixture.h"

enum { FIRST = 704, SECOND = 304, FRAGMENT_HEADER = 8, IDENTIFIER = 7 };

static const uint8_t fragment6[2][FRAGMENT_HEADER] = {
	{0, 0, 0, 1, 0xca, 0xfe, 0, 1}, {0, 0, FIRST >> 8, FIRST & 0xff, 0xca, 0xfe, 0, 1}};

// The first or the second piece of a packet of FIRST + SECOND bytes above IP.
static struct rte_mbuf *piece(struct fixture *f, const struct frame *whole, bool is_second)
{
	struct rte_mbuf *m = frame_build(f, whole);
	bool is_ip6 = whole->src6 != NULL;
	uint16_t headers =
		L3_OFFSET + (is_ip6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr));
	uint8_t *l4 = rte_pktmbuf_mtod_offset(m, uint8_t *, headers), *frame;
	uint16_t bytes = is_second ? SECOND : FIRST;

	assert_int_equal(m->pkt_len, headers + FIRST + SECOND);
	if (is_second)
		memmove(l4, l4 + FIRST, SECOND);
	rte_pktmbuf_trim(m, (uint16_t)(FIRST + SECOND - bytes));
	if (is_ip6) {
		frame = (uint8_t *)rte_pktmbuf_prepend(m, FRAGMENT_HEADER);
		memmove(frame, frame + FRAGMENT_HEADER, headers);
		memcpy(frame + headers, fragment6[is_second], FRAGMENT_HEADER);
		frame[headers] = packet_ip6(m)->proto;
		packet_ip6(m)->proto = IPPROTO_FRAGMENT;
		packet_ip6(m)->payload_len = rte_cpu_to_be_16(FRAGMENT_HEADER + bytes);
	} else {
		packet_ip4(m)->total_length = rte_cpu_to_be_16(headers - L3_OFFSET + bytes);
		packet_ip4(m)->fragment_offset =
			rte_cpu_to_be_16(is_second ? FIRST / 8 : RTE_IPV4_HDR_MF_FLAG);
		packet_ip4(m)->hdr_checksum = 0;
		packet_ip4(m)->hdr_checksum = rte_ipv4_cksum(packet_ip4(m));
	}
	return m;
}

// Both pieces from the TAP, the later one first, and the inbox's turn.
static void host_sends(struct fixture *f, const struct frame *whole)
{
	struct rte_mbuf *m = NULL;

	fixture_host(f, piece(f, whole, true), whole->iface);
	fixture_host(f, piece(f, whole, false), whole->iface);
	while (rte_ring_dequeue(f->w->inbox, (void **)&m) == 0) {
		assert_int_equal(m->packet_type, INBOX_HOST);
		fixture_host(f, m, (uint8_t)m->port);
	}
}

static void check_left(struct fixture *f, const struct frame *whole, bool is_second)
{
	struct rte_mbuf *want = piece(f, whole, is_second), *m = fixture_sent(f, whole->iface);

	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, want->pkt_len);
	assert_memory_equal(
		rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(want, void *), want->pkt_len);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(want);
}

static const struct frame pings[] = {
	{.iface = FIXTURE_WAN,
		.src = FIXTURE_OWN_WAN,
		.dst = FIXTURE_SERVER,
		.sport = IDENTIFIER,
		.protocol = IPPROTO_ICMP,
		.icmp_type = RTE_IP_ICMP_ECHO_REQUEST,
		.payload_bytes = FIRST + SECOND - 8},
	{.iface = FIXTURE_WAN,
		.src6 = FIXTURE_OWN_WAN6,
		.dst6 = FIXTURE_SERVER6,
		.sport = IDENTIFIER,
		.protocol = IPPROTO_ICMPV6,
		.icmp_type = ICMP6_ECHO_REQUEST,
		.payload_bytes = FIRST + SECOND - 8},
};

static void they_leave_as_the_kernel_cut_them_and_the_answer_comes_in(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_lan_to_wan(&h, f);
	for (unsigned i = 0; i < RTE_DIM(pings); i++) {
		struct frame answer = pings[i];

		answer.src = pings[i].dst;
		answer.dst = pings[i].src;
		answer.src6 = pings[i].dst6;
		answer.dst6 = pings[i].src6;
		answer.icmp_type = i == 0 ? RTE_IP_ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
		assert_false(fixture_reaches_host(f, &answer));
		host_sends(f, &pings[i]);
		check_left(f, &pings[i], false);
		check_left(f, &pings[i], true);
		assert_null(fixture_sent(f, FIXTURE_WAN));
		assert_true(fixture_reaches_host(f, &answer));
	}
	assert_int_equal(fixture_counter(f, COUNTER_HOST_SENT), 4);
	assert_int_equal(f->w->flows.n_used, 2);
}

static void what_output_forbids_leaves_in_no_piece(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_lan_to_wan(&h, f);
	h.policy.defaults[DP_HOOK_OUTPUT] = DP_DROP;
	house_apply(&h, f);
	for (unsigned i = 0; i < RTE_DIM(pings); i++) {
		host_sends(f, &pings[i]);
		assert_null(fixture_sent(f, FIXTURE_WAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 2);
}

static void the_answer_of_a_redirect_has_the_address_that_was_asked(void **state)
{
	struct fixture *f = *state;
	struct frame query = fixture_udp_out, answer = query;
	struct dp_nat redirect = fixture_masquerade(FIXTURE_LAN);
	struct rte_mbuf *m = NULL;

	redirect.kind = DP_NAT_REDIRECT;
	redirect.outside = (struct ip_prefix){.addr.family = IP_V4};
	redirect.first_port = redirect.last_port = query.dport;
	fixture_translate(f, &redirect, 1);
	assert_true(fixture_reaches_host(f, &query));
	answer.src = FIXTURE_OWN_LAN;
	answer.dst = query.src;
	answer.sport = query.dport;
	answer.dport = query.sport;
	answer.payload_bytes = FIRST + SECOND - 8;
	host_sends(f, &answer);
	for (unsigned i = 0; i < 2; i++) {
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_int_equal(frame_src(m), FIXTURE_SERVER);
		assert_int_equal(rte_raw_cksum(packet_ip4(m), sizeof(struct rte_ipv4_hdr)), 0xffff);
		rte_pktmbuf_free(m);
	}
}

// Whoever knows the kernel's next identification gains nothing by it.
static void a_piece_from_a_wire_is_none_of_the_kernels(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m = NULL;
	struct house h;

	house_lan_to_wan(&h, f);
	for (unsigned i = 0; i < RTE_DIM(pings); i++) {
		fixture_rx(f, piece(f, &pings[i], true), FIXTURE_WAN);
		fixture_host(f, piece(f, &pings[i], false), FIXTURE_WAN);
		assert_true(rte_ring_empty(f->w->inbox));
		fixture_host(f, piece(f, &pings[i], true), FIXTURE_WAN);
		assert_int_equal(rte_ring_count(f->w->inbox), 1);
		assert_int_equal(rte_ring_dequeue(f->w->inbox, (void **)&m), 0);
		rte_pktmbuf_free(m);
	}
}

static void the_whole_goes_to_the_owner_of_its_flow(void **state)
{
	struct fixture *f = *state;
	unsigned n[2] = {0};

	for (uint16_t id = 1; id < 64; id++) {
		struct frame ping = pings[id % 2];
		struct packet p = {0};
		struct rte_mbuf *m = NULL;
		uint16_t owner;

		ping.sport = (uint16_t)(id * 1000);
		p.m = frame_build(f, &ping);
		assert_true(packet_parse_from_host(&p));
		owner = owner_of(&p, true, true, 2);
		rte_pktmbuf_free(p.m);
		fixture_host(f, piece(f, &ping, false), FIXTURE_WAN);
		fixture_host(f, piece(f, &ping, true), FIXTURE_WAN);
		assert_int_equal(rte_ring_dequeue(f->dp->workers[owner].inbox, (void **)&m), 0);
		assert_int_equal(m->packet_type, INBOX_HOST);
		assert_int_equal(m->port, FIXTURE_WAN);
		rte_pktmbuf_free(m);
		n[owner]++;
	}
	assert_in_range(n[0], 8, 56);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup_plain, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(they_leave_as_the_kernel_cut_them_and_the_answer_comes_in),
		WITH(what_output_forbids_leaves_in_no_piece),
		WITH(the_answer_of_a_redirect_has_the_address_that_was_asked),
		WITH(a_piece_from_a_wire_is_none_of_the_kernels),
		cmocka_unit_test_setup_teardown(the_whole_goes_to_the_owner_of_its_flow,
			fixture_setup_nat_of_two, fixture_teardown),
	};
#undef WITH

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
