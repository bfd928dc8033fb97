// SPDX-License-Identifier: BSD-3-Clause
// Flows that have several ways out, and whose way goes and comes, through the pipeline.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/resets.h"
#include "tests/unit/text_addr.h"

static void a_flow_stays_with_its_uplink_when_it_is_answered(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2)};
	struct dp_route both = {.to = prefix("0.0.0.0/0"), .n_nexthops = 2};
	unsigned n_by[3] = {0};

	both.nexthops[0] = (struct dp_nexthop){FIXTURE_WAN, address("203.0.113.1")};
	both.nexthops[1] = (struct dp_nexthop){FIXTURE_LAN2, address("198.18.1.9")};
	assert_int_equal(dataplane_route_set(f->dp, &both), 0);
	fixture_translate(f, nats, 2);
	for (uint16_t i = 0; i < 200; i++) {
		struct frame out = fixture_udp_out, answer;
		uint8_t by = FIXTURE_WAN;
		struct rte_mbuf *m;

		out.sport = 5000 + i;
		m = fixture_send(f, &out, FIXTURE_WAN);
		if (m == NULL) {
			by = FIXTURE_LAN2;
			m = fixture_sent(f, by);
		}
		assert_non_null(m);
		n_by[by]++;
		answer = frame_answer(m, &out, by);
		rte_pktmbuf_free(m);
		assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
		assert_true(fixture_passes(f, &out, by));
	}
	assert_true(n_by[FIXTURE_WAN] > 50 && n_by[FIXTURE_LAN2] > 50);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
}

// Which of the two uplinks' next routers, by bits 1 << interface, have the default route.
static void route_by(struct fixture *f, unsigned interfaces)
{
	struct dp_route route = {.to = prefix("0.0.0.0/0")};

	if ((interfaces >> FIXTURE_WAN & 1) != 0)
		route.nexthops[route.n_nexthops++] =
			(struct dp_nexthop){FIXTURE_WAN, address("203.0.113.1")};
	if ((interfaces >> FIXTURE_LAN2 & 1) != 0)
		route.nexthops[route.n_nexthops++] =
			(struct dp_nexthop){FIXTURE_LAN2, address("198.18.1.9")};
	assert_int_equal(dataplane_route_set(f->dp, &route), 0);
	dataplane_routes_commit(f->dp);
}

// Whoever joins the one that it goes by, or leaves, does not move it; that one's end does.
static void a_flow_keeps_its_uplink_while_it_is_among_those_used(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2)};
	struct frame out = fixture_udp_out;
	const unsigned both = 1 << FIXTURE_WAN | 1 << FIXTURE_LAN2;

	fixture_translate(f, nats, 2);
	for (uint16_t i = 0; i < 50; i++) {
		out.sport = 5000 + i;
		assert_true(fixture_passes(f, &out, FIXTURE_WAN));
	}
	route_by(f, both);
	for (uint16_t i = 0; i < 50; i++) {
		out.sport = 5000 + i;
		assert_true(fixture_passes(f, &out, FIXTURE_WAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	route_by(f, 1 << FIXTURE_LAN2);
	for (uint16_t i = 0; i < 50; i++) {
		out.sport = 5000 + i;
		assert_true(fixture_passes(f, &out, FIXTURE_LAN2));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 50);
}

// A call from outside by the uplink that is not used: its answer.
static bool answers_by(struct fixture *f, uint8_t iface, uint16_t sport)
{
	struct frame call = fixture_udp_out, answer;
	struct rte_mbuf *m;

	call.iface = FIXTURE_LAN2;
	call.src = FIXTURE_SERVER;
	call.dst = IP(198, 18, 1, 1);
	call.sport = sport;
	m = fixture_send(f, &call, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	answer = frame_answer(m, &call, FIXTURE_LAN);
	rte_pktmbuf_free(m);
	return fixture_passes(f, &answer, iface);
}

static void answers_leave_by_the_uplink_that_was_called(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2),
		fixture_masquerade(FIXTURE_LAN2)};
	struct dp_nexthop ways[] = {
		{FIXTURE_WAN, address("203.0.113.1")}, {FIXTURE_LAN2, address("198.18.1.9")}};

	nats[0].kind = DP_NAT_FORWARD;
	nats[0].outside = prefix("198.18.1.1/32");
	nats[0].inside = prefix("198.18.0.7/32");
	nats[1] = fixture_masquerade(FIXTURE_WAN);
	fixture_translate(f, nats, 3);
	assert_true(answers_by(f, FIXTURE_WAN, 6000)); // by the routes
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			dataplane_reply_way_set(f->dp, ways[i].interface, IP_V4, &ways[i]), 0);
	dataplane_routes_commit(f->dp);
	assert_true(answers_by(f, FIXTURE_LAN2, 6001));
	assert_true(answers_by(f, FIXTURE_LAN2, 6000)); // one that is under way, too
	assert_int_equal(dataplane_reply_way_set(f->dp, FIXTURE_LAN2, IP_V4, NULL), 0);
	dataplane_routes_commit(f->dp);
	assert_true(answers_by(f, FIXTURE_WAN, 6002));
	assert_int_equal(dataplane_reply_way_set(f->dp, FIXTURE_WAN, IP_V4, NULL), 0);
	ways[0].interface = DP_INTERFACES_MAX - 1; // nobody's
	assert_int_equal(dataplane_reply_way_set(f->dp, FIXTURE_WAN, IP_V4, &ways[0]), -ENODEV);
	assert_int_equal(
		dataplane_reply_way_set(f->dp, DP_INTERFACES_MAX, IP_V4, &ways[0]), -ENODEV);
}

static void commit_default_route(struct fixture *f, bool is_there)
{
	struct dp_route route = {.to = prefix("0.0.0.0/0"), .n_nexthops = 1};

	route.nexthops[0] = (struct dp_nexthop){FIXTURE_WAN, address("203.0.113.1")};
	if (is_there)
		assert_int_equal(dataplane_route_set(f->dp, &route), 0);
	else
		assert_int_equal(dataplane_route_delete(f->dp, &route.to), 0);
	dataplane_routes_commit(f->dp);
}

// An uplink that comes and goes: its connections wait for it, as they are.
static void a_route_that_is_gone_for_a_moment_costs_no_flow(void **state)
{
	struct fixture *f = *state;
	struct frame twin = fixture_udp_out, answer;
	struct rte_mbuf *m;
	uint16_t port;

	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	twin.src = FIXTURE_PC2;
	m = fixture_send(f, &twin, FIXTURE_WAN);
	port = frame_sport(m);
	assert_int_not_equal(port, twin.sport); // its own is taken
	answer = frame_answer(m, &twin, FIXTURE_WAN);
	rte_pktmbuf_free(m);

	commit_default_route(f, false);
	assert_null(fixture_send(f, &twin, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NO_ROUTE), 1);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m); // and its sender is told
	assert_int_equal(frame_dst(m), FIXTURE_PC2);
	rte_pktmbuf_free(m);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN)); // was under way

	commit_default_route(f, true);
	m = fixture_send(f, &twin, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(frame_sport(m), port);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 2);
}

// A connection by the WAN, whose house has gone over to its other uplink since.
static void connect_and_move(
	struct fixture *f, struct frame *frame, struct frame *answer, bool has_own_ways)
{
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2)};
	struct dp_nexthop ways[] = {
		{FIXTURE_WAN, address("203.0.113.1")}, {FIXTURE_LAN2, address("198.18.1.9")}};

	for (unsigned i = 0; has_own_ways && i < 2; i++)
		assert_int_equal(
			dataplane_reply_way_set(f->dp, ways[i].interface, IP_V4, &ways[i]), 0);
	fixture_translate(f, nats, 2);
	*frame = fixture_udp_out;
	fixture_connect(f, frame, answer);
	assert_true(fixture_passes(f, answer, FIXTURE_LAN));
	route_by(f, 1 << FIXTURE_LAN2);
}

static void assert_cut(struct fixture *f)
{
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_null(fixture_sent(f, FIXTURE_LAN));
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_TCP_NEW), 1);
	assert_int_equal(f->w->flows.n_used, 0);
}

// Whoever of both speaks first. The far end is told from the address that it knows, by the uplink
// that has it.
static void both_ends_hear_that_their_uplink_is_not_used_any_more(void **state)
{
	struct fixture *f = *state;
	struct frame frame, answer;

	connect_and_move(f, &frame, &answer, true);
	frame.payload_bytes = 5;
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_reset(f, FIXTURE_LAN, RST, frame.tcp_ack);
	assert_reset(f, FIXTURE_WAN, RST | ACK, frame.tcp_seq);
	assert_cut(f);
}

// Else he who asked would ask again for minutes: nobody knows his connection any more.
static void an_answer_that_comes_first_after_a_failover_resets_who_waits_for_it(void **state)
{
	struct fixture *f = *state;
	struct frame frame, answer;

	connect_and_move(f, &frame, &answer, true);
	answer.payload_bytes = 5;
	fixture_rx(f, frame_build(f, &answer), FIXTURE_WAN);
	assert_reset(f, FIXTURE_LAN, RST | ACK, answer.tcp_seq);
	assert_reset(f, FIXTURE_WAN, RST, answer.tcp_ack);
	assert_cut(f);
}

// By no other way: another provider would see an address that is not its own.
static void a_far_end_that_no_uplink_of_its_own_leads_to_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct frame frame, answer;

	connect_and_move(f, &frame, &answer, false);
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_reset(f, FIXTURE_LAN, RST, frame.tcp_ack);
	assert_cut(f);
}

static void set_wan_address(struct fixture *f, unsigned n)
{
	struct ip_prefix own = {{.family = IP_V4, .bytes = {203, 0, 113, 2}}, 24};

	assert_int_equal(dataplane_interface_set_addresses(f->dp, FIXTURE_WAN, &own, n), 0);
}

// As a route that is gone: its lease is renewed late, or its prefix length changes.
static void an_address_that_is_gone_for_a_moment_costs_no_flow(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out, answer;

	fixture_connect(f, &frame, &answer);
	set_wan_address(f, 0);
	assert_false(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_NO_ADDRESS), 2);
	set_wan_address(f, 1);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 1);
}

static void who_waited_for_an_address_hears_of_another_uplink(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2)};
	struct frame frame = fixture_udp_out, answer;

	fixture_translate(f, nats, 2);
	fixture_connect(f, &frame, &answer);
	set_wan_address(f, 0);
	assert_false(fixture_passes(f, &frame, FIXTURE_WAN));
	route_by(f, 1 << FIXTURE_LAN2);
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_reset(f, FIXTURE_LAN, RST, frame.tcp_ack);
	assert_cut(f);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(a_flow_stays_with_its_uplink_when_it_is_answered),
		NAT(a_flow_keeps_its_uplink_while_it_is_among_those_used),
		NAT(answers_leave_by_the_uplink_that_was_called),
		NAT(a_route_that_is_gone_for_a_moment_costs_no_flow),
		NAT(both_ends_hear_that_their_uplink_is_not_used_any_more),
		NAT(an_answer_that_comes_first_after_a_failover_resets_who_waits_for_it),
		NAT(a_far_end_that_no_uplink_of_its_own_leads_to_is_not_told),
		NAT(an_address_that_is_gone_for_a_moment_costs_no_flow),
		NAT(who_waited_for_an_address_hears_of_another_uplink),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
