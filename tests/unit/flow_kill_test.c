// SPDX-License-Identifier: BSD-3-Clause
// Flows that control ends, through the pipeline: both directions, the right one, both ends told.
#include "dataplane/flow_kill.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>

#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/resets.h"

static struct dp_flow only_flow(const struct fixture *f)
{
	struct dp_flow flows[2];
	uint64_t cursor = 0;
	unsigned n;

	dataplane_flows(f->dp, &cursor, flows, 2, &n);
	assert_int_equal(n, 1);
	return flows[0];
}

// The worker's millisecond.
static void turn(struct fixture *f)
{
	flow_kill_run(f->w, f->w->kills);
}

static uint64_t n_ended(struct fixture *f, bool is_done)
{
	uint64_t n;

	assert_int_equal(dataplane_flows_ended(f->dp, &n), is_done);
	return n;
}

static void a_flow_ends_in_both_directions(void **state)
{
	struct fixture *f = *state;
	struct frame answer;
	struct dp_flow flow;

	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	flow = only_flow(f);
	assert_int_equal(n_ended(f, true), 0);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, false), 0);
	assert_int_equal(n_ended(f, false), 0);
	turn(f);
	assert_int_equal(n_ended(f, true), 1);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_KILLED), 1);
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN)); // it may begin again
}

static void another_flow_in_its_place_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct frame other = fixture_udp_out, answer;
	struct dp_flow flow;

	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	flow = only_flow(f);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, false), 0);
	turn(f);
	other.sport++;
	assert_true(fixture_exchange(f, &other, &answer));
	assert_int_equal(only_flow(f).place, flow.place);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, false), 0);
	turn(f);
	assert_int_equal(n_ended(f, true), 1);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
}

static void both_ends_of_tcp_are_reset_by_what_they_expect_next(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out, answer;
	struct dp_flow flow;

	frame.tcp_seq = 5000;
	fixture_connect(f, &frame, &answer);
	flow = only_flow(f);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, true), 0);
	turn(f);
	assert_reset(f, FIXTURE_WAN, RST | ACK, frame.tcp_seq);
	assert_reset(f, FIXTURE_LAN, RST | ACK, answer.tcp_seq);
	assert_int_equal(fixture_counter(f, COUNTER_RESET_SENT), 2);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(n_ended(f, true), 1);
}

// As it is when an uplink is not used any more: both ends are told by the ways that the flow had.
static void both_ends_are_told_although_the_route_has_moved(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_LAN2)};
	struct dp_route other = {.to = {.addr = {.family = IP_V4}}, .n_nexthops = 1};
	struct dp_nexthop gateway = {.interface = FIXTURE_WAN};
	struct frame frame = fixture_udp_out, answer;
	struct dp_flow flow;

	assert_int_equal(ip_addr_parse("203.0.113.1", &gateway.via), 0);
	assert_int_equal(dataplane_reply_way_set(f->dp, FIXTURE_WAN, IP_V4, &gateway), 0);
	fixture_translate(f, nats, 2);
	fixture_connect(f, &frame, &answer);
	flow = only_flow(f);
	other.nexthops[0].interface = FIXTURE_LAN2;
	assert_int_equal(ip_addr_parse("198.18.1.9", &other.nexthops[0].via), 0);
	assert_int_equal(dataplane_route_set(f->dp, &other), 0);
	dataplane_routes_commit(f->dp);
	dataplane_worker(f->dp, 0);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, true), 0);
	turn(f);
	assert_reset(f, FIXTURE_LAN, RST | ACK, answer.tcp_seq);
	assert_reset(f, FIXTURE_WAN, RST | ACK, frame.tcp_seq);
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(f->w->flows.n_used, 0);
}

static void without_reset_nobody_is_told(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out, answer;
	struct dp_flow flow;

	fixture_connect(f, &frame, &answer);
	flow = only_flow(f);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, false), 0);
	turn(f);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_null(fixture_sent(f, FIXTURE_LAN));
	assert_int_equal(f->w->flows.n_used, 0);
}

static void a_worker_takes_so_many_at_a_time_and_no_more_wait(void **state)
{
	struct fixture *f = *state;
	struct dp_flow flow;
	struct frame answer;
	uint64_t n;

	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	flow = only_flow(f);
	for (unsigned i = 0; i < FLOW_KILLS_MAX; i++)
		assert_int_equal(dataplane_flow_end(f->dp, &flow, false), 0);
	assert_int_equal(dataplane_flow_end(f->dp, &flow, false), -EAGAIN);
	for (unsigned i = 0; i < FLOW_KILLS_MAX / FLOW_KILLS_PER_MS; i++) {
		assert_false(dataplane_flows_ended(f->dp, &n));
		turn(f);
	}
	assert_int_equal(n_ended(f, true), 1); // the others were that one, too
}

int main(void)
{
#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_flow_ends_in_both_directions),
		TEST(another_flow_in_its_place_is_left_alone),
		TEST(both_ends_of_tcp_are_reset_by_what_they_expect_next),
		TEST(both_ends_are_told_although_the_route_has_moved),
		TEST(without_reset_nobody_is_told),
		TEST(a_worker_takes_so_many_at_a_time_and_no_more_wait),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
