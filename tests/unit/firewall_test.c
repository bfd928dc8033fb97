// SPDX-License-Identifier: BSD-3-Clause
// The firewall as packets meet it, through the pipeline: hooks, answers, resets, and what no rule
// may break by accident.
#include <unistd.h>

#include "dataplane/conntrack.h"
#include "dataplane/packet.h"
#include "tests/unit/house_fixture.h"

// --- forwarding ---

static void answers_pass_and_what_begins_outside_does_not(void **state)
{
	struct fixture *f = *state;
	struct frame in = answer6(&out6), stranger = in;
	struct house h;

	house_lan_to_wan(&h, f);
	assert_false(fixture_passes(f, &in, FIXTURE_LAN)); // nobody has asked yet
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 1);
	assert_true(fixture_passes(f, &out6, FIXTURE_WAN));
	assert_true(fixture_passes(f, &in, FIXTURE_LAN));
	stranger.sport++;
	assert_false(fixture_passes(f, &stranger, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 2);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN)); // IPv4 by the same rule
}

static void within_a_zone_everything_passes_unless_a_rule_forbids(void **state)
{
	struct fixture *f = *state;
	struct frame near = fixture_udp_out;
	struct house h;

	near.dst = FIXTURE_FAR_LAN;
	house_init(&h);
	house_apply(&h, f);
	assert_true(fixture_passes(f, &near, FIXTURE_LAN2));
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_LAN, DP_DROP);
	house_apply(&h, f);
	assert_false(fixture_passes(f, &near, FIXTURE_LAN2)); // and the flow is cut
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
}

// --- what the sender is told ---

static void rejected_tcp_is_reset_by_the_host_it_spoke_to(void **state)
{
	struct fixture *f = *state;
	struct frame syn = out6, ack = out6;
	const struct rte_tcp_hdr *tcp;
	struct house h;
	struct rte_mbuf *m;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_REJECT);
	house_apply(&h, f);
	syn.tcp_seq = 1000;
	m = fixture_send(f, &syn, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(packet_ip6(m)->hop_limits, 64);
	assert_memory_equal(packet_eth(m)->dst_addr.addr_bytes, "\2\1\0\0\1\7", 6);
	tcp = (const struct rte_tcp_hdr *)(packet_ip6(m) + 1);
	assert_int_equal(tcp->tcp_flags, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
	assert_int_equal(rte_be_to_cpu_32(tcp->recv_ack), 1001);
	assert_int_equal(rte_be_to_cpu_16(tcp->src_port), 443);
	assert_true(frame_is_sound(m));
	rte_pktmbuf_free(m);

	ack.tcp_flags = RTE_TCP_ACK_FLAG;
	ack.tcp_ack = 77777;
	m = fixture_send(f, &ack, FIXTURE_LAN);
	assert_non_null(m);
	tcp = (const struct rte_tcp_hdr *)(packet_ip6(m) + 1);
	assert_int_equal(tcp->tcp_flags, RTE_TCP_RST_FLAG);
	assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), 77777);
	rte_pktmbuf_free(m);

	ack.tcp_flags = RTE_TCP_RST_FLAG; // a reset is never answered by one
	assert_false(fixture_passes(f, &ack, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REJECTED), 3);
	assert_int_equal(fixture_counter(f, COUNTER_RESET_SENT), 2);
}

static void resets_are_limited_in_rate(void **state)
{
	struct fixture *f = *state;
	struct frame syn = out6;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_REJECT);
	house_apply(&h, f);
	for (unsigned i = 0; i < 300; i++) {
		syn.sport++;
		fixture_passes(f, &syn, FIXTURE_LAN);
	}
	assert_int_equal(fixture_counter(f, COUNTER_RESET_SENT), 200);
	assert_int_equal(fixture_counter(f, COUNTER_RESET_LIMITED), 100);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REJECTED), 300);
}

static void other_rejections_are_icmp_errors_of_the_kind_asked_for(void **state)
{
	static const struct {
		enum dp_reject reject;
		uint8_t code4, code6;
	} rows[] = {
		{DP_REJECT_AUTO, 3, 4},
		{DP_REJECT_RST, 13, 1}, // no TCP to reset
		{DP_REJECT_PORT, 3, 4},
		{DP_REJECT_HOST, 1, 3},
		{DP_REJECT_NET, 0, 0},
		{DP_REJECT_PROHIBITED, 13, 1},
	};
	struct fixture *f = *state;
	struct frame datagram6 = out6;
	struct house h;

	datagram6.protocol = IPPROTO_UDP;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		const uint8_t *icmp;
		struct rte_mbuf *m;

		house_init(&h);
		house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_REJECT)->reject = rows[i].reject;
		house_apply(&h, f);
		m = fixture_send(f, &fixture_udp_out, FIXTURE_LAN);
		assert_non_null(m);
		icmp = (const uint8_t *)(packet_ip4(m) + 1);
		assert_int_equal(icmp[0], 3);
		assert_int_equal(icmp[1], rows[i].code4);
		rte_pktmbuf_free(m);
		m = fixture_send(f, &datagram6, FIXTURE_LAN);
		assert_non_null(m);
		icmp = (const uint8_t *)(packet_ip6(m) + 1);
		assert_int_equal(icmp[0], 1);
		assert_int_equal(icmp[1], rows[i].code6);
		rte_pktmbuf_free(m);
	}
}

// --- to and from the router ---

static void only_what_rules_open_reaches_the_router_from_outside(void **state)
{
	struct fixture *f = *state;
	struct frame ssh = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 999,
		.dport = 22,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG};
	struct frame telnet = ssh, inside = fixture_udp_out;
	struct house h;

	telnet.dport = 23;
	inside.dst = FIXTURE_OWN_LAN;
	house_lan_to_wan(&h, f);
	assert_false(fixture_reaches_host(f, &ssh));
	house_add(&h, 1 << ZONE_WAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT)->destination_port =
		house_numbers(&h, DP_SET_PORTS, 22, 22);
	house_apply(&h, f);
	assert_true(fixture_reaches_host(f, &ssh));
	assert_false(fixture_reaches_host(f, &telnet));
	assert_true(fixture_reaches_host(f, &inside));
}

static void what_the_router_sends_is_judged_and_its_answers_pass(void **state)
{
	struct fixture *f = *state;
	struct frame query = {.iface = FIXTURE_WAN,
		.src = FIXTURE_OWN_WAN,
		.dst = FIXTURE_SERVER,
		.sport = 1234,
		.dport = 53,
		.protocol = IPPROTO_UDP};
	struct frame answer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 53,
		.dport = 1234,
		.protocol = IPPROTO_UDP};
	struct house h;
	struct rte_mbuf *m;

	house_lan_to_wan(&h, f);
	fixture_host(f, frame_build(f, &query), FIXTURE_WAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_true(fixture_reaches_host(f, &answer));

	house_add(&h, 1 << DP_ZONE_ROUTER, 0, DP_DROP)->protocol =
		house_numbers(&h, DP_SET_PROTOCOLS, IPPROTO_UDP, IPPROTO_UDP);
	house_apply(&h, f);
	fixture_host(f, frame_build(f, &query), FIXTURE_WAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_false(fixture_reaches_host(f, &answer));
}

// --- what is asked of every packet ---

static void odd_flags_are_refused_in_the_middle_of_a_connection_too(void **state)
{
	struct fixture *f = *state;
	struct frame odd = out6;
	struct house h;

	house_lan_to_wan(&h, f);
	h.policy.hygiene[FIXTURE_LAN] = DP_HYGIENE_TCP_FLAGS;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &out6, FIXTURE_WAN));
	odd.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG;
	assert_false(fixture_passes(f, &odd, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_TCP_SYN_FIN), 1);
	assert_int_equal(f->w->flows.n_used, 1);
}

static void a_segment_without_ack_is_refused_in_an_established_connection(void **state)
{
	static const struct {
		uint8_t flags;
		enum counter end; // COUNTER_COUNT: it passes
	} rows[] = {
		{RTE_TCP_ACK_FLAG, COUNTER_COUNT},
		{0, COUNTER_DROP_TCP_NO_FLAGS},
		{RTE_TCP_PSH_FLAG, COUNTER_DROP_TCP_STATE},
		{RTE_TCP_URG_FLAG | RTE_TCP_PSH_FLAG, COUNTER_DROP_TCP_STATE},
		{RTE_TCP_ECE_FLAG | RTE_TCP_CWR_FLAG, COUNTER_DROP_TCP_NO_FLAGS},
		{RTE_TCP_ACK_FLAG | RTE_TCP_URG_FLAG | RTE_TCP_PSH_FLAG, COUNTER_COUNT},
		{RTE_TCP_ACK_FLAG | RTE_TCP_ECE_FLAG, COUNTER_COUNT},
	};
	struct fixture *f = *state;
	struct frame said = out6, answer;
	struct house h;

	house_lan_to_wan(&h, f);
	h.policy.hygiene[FIXTURE_LAN] = DP_HYGIENE_TCP_FLAGS;
	house_apply(&h, f);
	said.tcp_seq = 1000;
	assert_true(fixture_passes(f, &said, FIXTURE_WAN));
	answer = answer6(&said);
	answer.tcp_seq = 9000;
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	said.tcp_seq = 1001;
	said.tcp_ack = 9001;
	said.tcp_flags = RTE_TCP_ACK_FLAG;
	assert_true(fixture_passes(f, &said, FIXTURE_WAN));
	said.payload_bytes = 10;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t before = 0;

		if (rows[i].end != COUNTER_COUNT)
			before = fixture_counter(f, rows[i].end);
		said.tcp_flags = rows[i].flags;
		assert_int_equal(
			fixture_passes(f, &said, FIXTURE_WAN), rows[i].end == COUNTER_COUNT);
		if (rows[i].end != COUNTER_COUNT)
			assert_int_equal(fixture_counter(f, rows[i].end), before + 1);
	}
}

static void private_destinations_towards_the_internet_are_rejected(void **state)
{
	struct fixture *f = *state;
	struct frame lost = fixture_udp_out;
	struct house h;
	struct rte_mbuf *m;

	lost.dst = IP(10, 1, 2, 3);
	house_lan_to_wan(&h, f);
	h.policy.hygiene[FIXTURE_WAN] = DP_HYGIENE_PRIVATE_OUT;
	house_apply(&h, f);
	m = fixture_send(f, &lost, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(*(const uint8_t *)(packet_ip4(m) + 1), 3);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_PRIVATE_OUT), 1);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
}

static void timeouts_are_those_of_the_policy(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_lan_to_wan(&h, f);
	h.policy.timeouts.udp_unreplied = 7;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	f->w->now_sec += 6;
	conntrack_expire(f->w, UINT32_MAX);
	assert_int_equal(f->w->flows.n_used, 1);
	f->w->now_sec += 1;
	conntrack_expire(f->w, UINT32_MAX);
	assert_int_equal(f->w->flows.n_used, 0);
}

static void an_icmp_type_that_is_let_in_lets_in_no_other(void **state)
{
	struct fixture *f = *state;
	struct frame query = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 9,
		.protocol = IPPROTO_ICMP,
		.icmp_type = 13};
	struct frame query6 = {.iface = FIXTURE_WAN,
		.src6 = FIXTURE_SERVER6,
		.dst6 = FIXTURE_OWN_WAN6,
		.protocol = IPPROTO_ICMPV6,
		.icmp_type = 144};
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_WAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT)->icmp =
		house_numbers(&h, DP_SET_ICMP, 13 << 8, 13 << 8 | 255);
	house_add(&h, 1 << ZONE_WAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT)->icmp6 =
		house_numbers(&h, DP_SET_ICMP6, 144 << 8, 144 << 8 | 255);
	house_apply(&h, f);
	assert_true(fixture_reaches_host(f, &query));
	query.icmp_type = 17; // the same identifier
	assert_false(fixture_reaches_host(f, &query));
	assert_true(fixture_reaches_host(f, &query6));
	query6.icmp_type = 146;
	assert_false(fixture_reaches_host(f, &query6));
}

static void a_rate_of_icmp_means_packets_not_flows(void **state)
{
	static const struct dp_rate five = {.packets = 5, .per_sec = 1, .burst = 5};
	struct fixture *f = *state;
	struct frame ping = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 9,
		.protocol = IPPROTO_ICMP,
		.icmp_type = RTE_IP_ICMP_ECHO_REQUEST};
	unsigned n = 0;
	struct house h;

	house_init(&h);
	h.policy.rates = &five;
	h.policy.n_rates = 1;
	house_add(&h, 1 << ZONE_WAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT)->rate = 0;
	house_apply(&h, f);
	for (unsigned i = 0; i < 50; i++)
		n += fixture_reaches_host(f, &ping);
	assert_int_equal(n, 5);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 45);
	f->w->now_ms += 1000;
	assert_true(fixture_reaches_host(f, &ping));
}

static void a_timestamp_is_answered_through_the_nat(void **state)
{
	struct fixture *f = *state;
	struct frame query = fixture_udp_out, answer;
	struct house h;
	struct rte_mbuf *m;

	house_lan_to_wan(&h, f);
	query.protocol = IPPROTO_ICMP;
	query.icmp_type = 13;
	query.sport = 77;
	m = fixture_send(f, &query, FIXTURE_WAN);
	assert_non_null(m);
	answer = query;
	answer.iface = FIXTURE_WAN;
	answer.icmp_type = 14;
	answer.src = FIXTURE_SERVER;
	answer.dst = frame_src(m);
	answer.sport = frame_icmp_id(m);
	rte_pktmbuf_free(m);
	m = fixture_send(f, &answer, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(frame_icmp_id(m), 77);
	assert_true(frame_is_sound(m));
	rte_pktmbuf_free(m);
	answer.icmp_type = 0; // an echo's answer is none of it
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
}

// Knowing a flow's addresses and ports is not being its sender.
static void a_packet_of_a_flow_by_another_interface_is_asked_where_it_comes_from(void **state)
{
	static const struct {
		uint8_t from;
		uint16_t hygiene;
		bool passes;
	} rows[] = {
		{FIXTURE_LAN, DP_HYGIENE_RPF_STRICT, true},
		{FIXTURE_LAN2, DP_HYGIENE_RPF_STRICT, false},
		{FIXTURE_WAN, DP_HYGIENE_RPF_STRICT, false},
		{FIXTURE_LAN2, DP_HYGIENE_RPF_FEASIBLE, false},
		{FIXTURE_LAN2, DP_HYGIENE_RPF_LOOSE, true},
		{FIXTURE_LAN2, 0, true},
	};
	struct fixture *f = *state;
	struct frame flows[] = {fixture_udp_out, out6};
	struct house h;

	flows[1].protocol = IPPROTO_UDP;
	for (unsigned i = 0; i < RTE_DIM(rows) * RTE_DIM(flows); i++) {
		struct frame frame = flows[i / RTE_DIM(rows)];
		uint16_t hygiene = rows[i % RTE_DIM(rows)].hygiene;
		bool passes = rows[i % RTE_DIM(rows)].passes;
		uint64_t n_dropped = fixture_counter(f, COUNTER_DROP_REVERSE_PATH);

		house_lan_to_wan(&h, f);
		for (unsigned k = 0; k < 3; k++)
			h.policy.hygiene[k] = hygiene;
		house_apply(&h, f);
		assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
		frame.iface = rows[i % RTE_DIM(rows)].from;
		assert_int_equal(fixture_passes(f, &frame, FIXTURE_WAN), passes);
		assert_int_equal(
			fixture_counter(f, COUNTER_DROP_REVERSE_PATH) - n_dropped, !passes);
	}
}

static void an_answer_may_come_by_another_uplink_but_not_from_inside(void **state)
{
	struct fixture *f = *state;
	struct frame answer;
	struct house h;

	house_lan_to_wan(&h, f);
	for (unsigned i = 0; i < 3; i++)
		h.policy.hygiene[i] = DP_HYGIENE_RPF_STRICT;
	house_apply(&h, f);
	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	answer.iface = FIXTURE_LAN2;
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
	fixture_make_uplink(f, FIXTURE_LAN2);
	h.policy.zones[FIXTURE_LAN2] = ZONE_WAN;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup_plain, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(answers_pass_and_what_begins_outside_does_not),
		WITH(within_a_zone_everything_passes_unless_a_rule_forbids),
		WITH(rejected_tcp_is_reset_by_the_host_it_spoke_to),
		WITH(resets_are_limited_in_rate),
		WITH(other_rejections_are_icmp_errors_of_the_kind_asked_for),
		WITH(only_what_rules_open_reaches_the_router_from_outside),
		WITH(what_the_router_sends_is_judged_and_its_answers_pass),
		WITH(odd_flags_are_refused_in_the_middle_of_a_connection_too),
		WITH(a_segment_without_ack_is_refused_in_an_established_connection),
		WITH(private_destinations_towards_the_internet_are_rejected),
		WITH(timeouts_are_those_of_the_policy),
		WITH(an_icmp_type_that_is_let_in_lets_in_no_other),
		WITH(a_rate_of_icmp_means_packets_not_flows),
		WITH(a_timestamp_is_answered_through_the_nat),
		WITH(a_packet_of_a_flow_by_another_interface_is_asked_where_it_comes_from),
		WITH(an_answer_may_come_by_another_uplink_but_not_from_inside),
	};
#undef WITH

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
