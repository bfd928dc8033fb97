// SPDX-License-Identifier: BSD-3-Clause
// Which of several routes the workers have.
#include <errno.h>

#include "tests/unit/rib_fixture.h"

static void the_lowest_metric_wins_whatever_the_order(void **state)
{
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_PREPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_PREPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	add("203.0.113.0/24", 30, "198.18.0.3@0", RIB_PREPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	assert_int_equal(recording.n_route_sets, 2);
}

static void the_next_best_takes_over_when_the_best_goes(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	assert_int_equal(del("203.0.113.0/24", 10, "198.18.0.1@0"), 0);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
	assert_int_equal(recording.n_route_deletes, 0); // replaced, never absent
	assert_int_equal(del("203.0.113.0/24", 20, "198.18.0.2@0"), 0);
	assert_null(workers_have("203.0.113.0/24"));
	assert_int_equal(count(), 0);
}

// Two uplinks' routes step back, one after the other, and the first stays the best.
static void of_one_batch_the_workers_see_the_default_route_that_is_left(void **state)
{
	add("0.0.0.0/0", 100, "198.18.0.1@0", RIB_PREPEND);
	add("0.0.0.0/0", 110, "198.18.1.1@1", RIB_PREPEND);
	add("::/0", 100, "2001:db8::1@0", RIB_APPEND);
	assert_true(rib_take_changed(rib));
	rib_batch_start(rib);
	add("0.0.0.0/0", 200, "198.18.0.1@0", RIB_PREPEND);
	assert_int_equal(del("0.0.0.0/0", 100, "198.18.0.1@0"), 0);
	assert_string_equal(workers_have("0.0.0.0/0"), "198.18.0.1@0");
	add("0.0.0.0/0", 210, "198.18.1.1@1", RIB_PREPEND);
	assert_int_equal(del("0.0.0.0/0", 110, "198.18.1.1@1"), 0);
	add("203.0.113.0/24", 10, "198.18.1.1@1",
		RIB_PREPEND); // these are many, and wait for nothing
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.1.1@1");
	assert_int_equal(del("::/0", 100, "2001:db8::1@0"), 0);
	rib_batch_end(rib);
	assert_string_equal(workers_have("0.0.0.0/0"), "198.18.0.1@0");
	assert_null(workers_have("::/0"));
	assert_true(rib_take_changed(rib));
	rib_batch_end(rib);
	assert_false(rib_take_changed(rib));
}

static void what_comes_and_goes_within_a_batch_changes_nothing(void **state)
{
	add("0.0.0.0/0", 100, "198.18.0.1@0", RIB_PREPEND);
	assert_true(rib_take_changed(rib));
	rib_batch_start(rib);
	add("0.0.0.0/0", 50, "198.18.1.1@1", RIB_PREPEND);
	assert_int_equal(del("0.0.0.0/0", 50, "198.18.1.1@1"), 0);
	rib_batch_end(rib);
	assert_string_equal(workers_have("0.0.0.0/0"), "198.18.0.1@0");
	assert_false(rib_take_changed(rib));
}

static void removing_a_spare_route_does_not_touch_the_workers(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	assert_true(rib_take_changed(rib));
	assert_int_equal(del("203.0.113.0/24", 20, "198.18.0.2@0"), 0);
	assert_false(rib_take_changed(rib));
	assert_int_equal(recording.n_route_sets, 1);
}

static uint64_t alternatives(const char *to)
{
	const struct dp_route *route = recorded_route(to);

	assert_non_null(route);
	return route->alternatives;
}

static void who_asks_is_told_where_else_a_prefix_could_be_reached(void **state)
{
	rib_tell_alternatives(rib);
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	assert_int_equal(alternatives("203.0.113.0/24"), 0);
	add("203.0.113.0/24", 20, "198.18.1.1@1", RIB_APPEND); // worse: still the first is used
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 1);
	add("203.0.113.0/24", 5, "198.18.2.1@2 198.18.3.1@3", RIB_APPEND); // better
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.2.1@2 198.18.3.1@3");
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 0 | 1 << 1);
	add("203.0.113.128/25", 5, "198.18.4.1@4", RIB_APPEND); // another prefix
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 0 | 1 << 1);
	assert_int_equal(del("203.0.113.0/24", 20, "198.18.1.1@1"), 0);
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 0);
	add("203.0.113.0/24", 10, "198.18.5.1@5", RIB_REPLACE);
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 5);
	assert_int_equal(del("203.0.113.0/24", 5, "198.18.2.1@2 198.18.3.1@3"), 0);
	assert_int_equal(alternatives("203.0.113.0/24"), 0);
}

static void a_dump_and_a_displacement_take_alternatives_away(void **state)
{
	struct rib_route gone = make("203.0.113.0/24", 20, "198.18.1.1@1");

	rib_tell_alternatives(rib);
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.1.1@1", RIB_APPEND);
	add("203.0.113.0/24", 30, "198.18.2.1@2", RIB_APPEND);
	add("203.0.113.0/24", 40, "@p", RIB_APPEND); // another device is no interface of ours
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 1 | 1 << 2);
	rib_displace(rib, &gone);
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 2);
	rib_sync_start(rib);
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	rib_sync_end(rib);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	assert_int_equal(alternatives("203.0.113.0/24"), 0);
}

static void who_asks_later_is_told_of_what_is_there(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.1.1@1", RIB_APPEND);
	add("198.51.100.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	assert_int_equal(alternatives("203.0.113.0/24"), 0);
	recording.n_route_sets = 0;
	rib_tell_alternatives(rib);
	assert_int_equal(alternatives("203.0.113.0/24"), 1 << 1);
	assert_int_equal(recording.n_route_sets, 1); // those without a choice stay alone
	rib_tell_alternatives(rib);
	assert_int_equal(recording.n_route_sets, 1);
}

static void nobody_else_is_told_of_alternatives(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.1.1@1", RIB_APPEND);
	assert_int_equal(alternatives("203.0.113.0/24"), 0);
	assert_int_equal(recording.n_route_sets, 1);
}

static void an_unknown_route_is_not_removed(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	assert_int_equal(del("203.0.113.0/25", 10, "198.18.0.1@0"), -ENOENT);
	assert_int_equal(del("203.0.113.0/24", 11, "198.18.0.1@0"), -ENOENT);
	assert_int_equal(del("203.0.113.0/24", 10, "198.18.0.9@0"), -ENOENT);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
}

static void table_local_goes_before_main(void **state)
{
	struct rib_route local = make("203.0.113.1/32", 50, "@0");

	local.is_local_table = true;
	local.route.kind = DP_ROUTE_LOCAL;
	add("203.0.113.1/32", 0, "198.18.0.1@0", RIB_APPEND);
	assert_int_equal(rib_add(rib, &local, RIB_APPEND), 0);
	assert_int_equal(recorded_route("203.0.113.1/32")->kind, DP_ROUTE_LOCAL);
}

static void ipv4_prepends_unless_told_to_append(void **state)
{
	add("203.0.113.0/24", 0, "198.18.0.1@0", RIB_PREPEND);
	add("203.0.113.0/24", 0, "198.18.0.2@0", RIB_APPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	add("203.0.113.0/24", 0, "198.18.0.3@0", RIB_PREPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.3@0");
	assert_int_equal(count(), 3);
}

static void replace_takes_the_place_of_the_same_metric_only(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	add("203.0.113.0/24", 10, "198.18.0.9@1", RIB_REPLACE);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.9@1");
	assert_int_equal(count(), 2);
	add("203.0.113.0/24", 20, "198.18.0.8@1", RIB_REPLACE);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.9@1");
	assert_int_equal(count(), 2);
}

static void replace_changes_the_kind_too(void **state)
{
	struct rib_route blackhole = make("203.0.113.0/24", 0, "");

	blackhole.route.kind = DP_ROUTE_BLACKHOLE;
	add("203.0.113.0/24", 0, "198.18.0.1@0", RIB_APPEND);
	assert_int_equal(rib_add(rib, &blackhole, RIB_REPLACE), 0);
	assert_int_equal(recorded_route("203.0.113.0/24")->kind, DP_ROUTE_BLACKHOLE);
	assert_int_equal(count(), 1);
}

static void a_replacement_that_is_not_for_us_takes_ours_away(void **state)
{
	struct rib_route elsewhere = make("203.0.113.0/24", 10, "");

	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	rib_displace(rib, &elsewhere);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
	rib_displace(rib, &elsewhere); // no such metric any more
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
}

static void an_ipv6_route_grows_and_shrinks_by_nexthops(void **state)
{
	add("2001:db8:9::/48", 1024, "2001:db8::2@0", RIB_APPEND);
	add("2001:db8:9::/48", 1024, "2001:db8::3@0 2001:db8::2@0", RIB_APPEND);
	assert_string_equal(workers_have("2001:db8:9::/48"), "2001:db8::3@0 2001:db8::2@0");
	assert_int_equal(count(), 1);
	assert_int_equal(del("2001:db8:9::/48", 1024, "2001:db8::2@0"), 0);
	assert_string_equal(workers_have("2001:db8:9::/48"), "2001:db8::3@0");
	assert_int_equal(del("2001:db8:9::/48", 1024, "2001:db8::3@0"), 0);
	assert_null(workers_have("2001:db8:9::/48"));
}

static void ipv6_routes_that_share_no_nexthop_stand_side_by_side(void **state)
{
	add("2001:db8:9::/64", 256, "@0", RIB_APPEND);
	add("2001:db8:9::/64", 256, "@1", RIB_APPEND);
	assert_int_equal(count(), 2);
	assert_string_equal(workers_have("2001:db8:9::/64"), "@0");
	assert_int_equal(del("2001:db8:9::/64", 256, "@0"), 0);
	assert_string_equal(workers_have("2001:db8:9::/64"), "@1");
}

static void an_ipv4_route_goes_whole_although_a_nexthop_had_died(void **state)
{
	add("203.0.113.0/24", 0, "198.18.0.1@0", RIB_APPEND); // of two, one was dead
	assert_int_equal(del("203.0.113.0/24", 0, "198.18.0.1@0 198.18.1.1@1"), 0);
	assert_null(workers_have("203.0.113.0/24"));
}

static void nexthops_of_a_dead_link_step_aside(void **state)
{
	add("203.0.113.0/24", 0, "198.18.0.1@0 198.18.1.1@1", RIB_APPEND);
	rib_set_link(rib, 1, false);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	rib_set_link(rib, 1, true);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0 198.18.1.1@1");
}

static void a_worse_metric_serves_while_the_link_of_the_best_is_dead(void **state)
{
	add("0.0.0.0/0", 10, "198.18.0.1@0", RIB_APPEND);
	add("0.0.0.0/0", 20, "198.18.1.1@1", RIB_APPEND);
	rib_set_link(rib, 0, false);
	assert_string_equal(workers_have("0.0.0.0/0"), "198.18.1.1@1");
	rib_set_link(rib, 0, true);
	assert_string_equal(workers_have("0.0.0.0/0"), "198.18.0.1@0");
}

// Packets for a LAN whose cable is out must not follow the default route to the internet.
static void the_only_route_stays_when_its_link_dies(void **state)
{
	add("198.18.1.0/24", 0, "@1", RIB_APPEND);
	add("0.0.0.0/0", 0, "198.18.0.1@0", RIB_APPEND);
	rib_set_link(rib, 1, false);
	assert_string_equal(workers_have("198.18.1.0/24"), "@1");
	add("203.0.113.0/24", 0, "198.18.1.9@1", RIB_APPEND); // also one that comes meanwhile
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.1.9@1");
}

static void an_address_on_the_loopback_names_no_interface(void **state)
{
	struct rib_route local = make("203.0.113.1/32", 0, "");

	local.route.kind = DP_ROUTE_LOCAL;
	local.route.n_nexthops = 1;
	local.route.nexthops[0].interface = rib_device(1);
	assert_int_equal(rib_add(rib, &local, RIB_APPEND), 0);
	assert_int_equal(recorded_route("203.0.113.1/32")->n_nexthops, 0);
}

static bool is_local(const char *to)
{
	const struct dp_route *route = recorded_route(to);

	return route != NULL && route->kind == DP_ROUTE_LOCAL && route->n_nexthops == 0;
}

static void what_leads_over_another_device_goes_up_to_the_kernel(void **state)
{
	struct rib_route seen;
	struct rib_cursor cursor = {0};
	bool is_active;

	add("203.0.113.0/24", 0, "198.18.0.1@p", RIB_PREPEND);
	assert_true(is_local("203.0.113.0/24"));
	assert_true(rib_next(rib, &cursor, &seen, &is_active));
	assert_true(is_active && rib_route_is_kernels(&seen));
	assert_true(rib_uses_device(rib, 'p' - '0'));
	assert_false(rib_uses_device(rib, 'q' - '0'));
	rib_set_link(rib, 0, false); // nothing to it
	assert_true(is_local("203.0.113.0/24"));
	assert_int_equal(del("203.0.113.0/24", 0, "198.18.0.1@p"), 0);
	assert_null(recorded_route("203.0.113.0/24"));
}

static void two_devices_of_one_network_are_told_apart(void **state)
{
	add("203.0.113.0/24", 0, "@p", RIB_APPEND);
	add("203.0.113.0/24", 0, "@q", RIB_APPEND);
	assert_int_equal(del("203.0.113.0/24", 0, "@p"), 0);
	assert_true(is_local("203.0.113.0/24"));
	assert_int_equal(del("203.0.113.0/24", 0, "@q"), 0);
	assert_null(recorded_route("203.0.113.0/24"));
}

static void another_devices_default_route_is_never_used(void **state)
{
	add("0.0.0.0/0", 0, "198.18.0.1@p", RIB_PREPEND);
	assert_null(recorded_route("0.0.0.0/0"));
	add("0.0.0.0/0", 100, "203.0.113.1@1", RIB_PREPEND);
	assert_string_equal(workers_have("0.0.0.0/0"), "203.0.113.1@1");
	rib_set_link(rib, 1, false); // its packets die here
	assert_string_equal(workers_have("0.0.0.0/0"), "203.0.113.1@1");
	assert_int_equal(del("0.0.0.0/0", 100, "203.0.113.1@1"), 0);
	assert_null(recorded_route("0.0.0.0/0"));
}

// The kernel's first of a metric is what it replaces, whatever the workers use.
static void of_equal_metric_one_of_ours_goes_before_another_devices(void **state)
{
	add("203.0.113.0/24", 5, "@p", RIB_PREPEND);
	add("203.0.113.0/24", 5, "198.18.0.1@0", RIB_APPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	add("203.0.113.0/24", 5, "@q", RIB_REPLACE);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.1@0");
	assert_int_equal(del("203.0.113.0/24", 5, "198.18.0.1@0"), 0);
	assert_true(is_local("203.0.113.0/24"));
	add("203.0.113.0/24", 6, "198.18.0.1@0", RIB_PREPEND);
	assert_true(is_local("203.0.113.0/24"));
	add("203.0.113.0/24", 4, "198.18.0.2@0", RIB_PREPEND);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
	rib_set_link(rib, 0, false);
	assert_true(is_local("203.0.113.0/24"));
}

static void of_a_route_over_both_the_workers_take_their_own(void **state)
{
	add("2001:db8:5::/48", 5, "2001:db8::1@0 2001:db8::2@p", RIB_APPEND);
	assert_string_equal(workers_have("2001:db8:5::/48"), "2001:db8::1@0");
	rib_set_link(rib, 0, false);
	assert_true(is_local("2001:db8:5::/48"));
	rib_set_link(rib, 0, true);
	assert_string_equal(workers_have("2001:db8:5::/48"), "2001:db8::1@0");
	assert_int_equal(del("2001:db8:5::/48", 5, "2001:db8::1@0"), 0);
	assert_true(is_local("2001:db8:5::/48"));
	assert_int_equal(del("2001:db8:5::/48", 5, "2001:db8::2@p"), 0);
	assert_null(recorded_route("2001:db8:5::/48"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_lowest_metric_wins_whatever_the_order),
		TEST(the_next_best_takes_over_when_the_best_goes),
		TEST(of_one_batch_the_workers_see_the_default_route_that_is_left),
		TEST(what_comes_and_goes_within_a_batch_changes_nothing),
		TEST(removing_a_spare_route_does_not_touch_the_workers),
		TEST(who_asks_is_told_where_else_a_prefix_could_be_reached),
		TEST(a_dump_and_a_displacement_take_alternatives_away),
		TEST(who_asks_later_is_told_of_what_is_there),
		TEST(nobody_else_is_told_of_alternatives),
		TEST(an_unknown_route_is_not_removed),
		TEST(table_local_goes_before_main),
		TEST(ipv4_prepends_unless_told_to_append),
		TEST(replace_takes_the_place_of_the_same_metric_only),
		TEST(replace_changes_the_kind_too),
		TEST(a_replacement_that_is_not_for_us_takes_ours_away),
		TEST(an_ipv6_route_grows_and_shrinks_by_nexthops),
		TEST(ipv6_routes_that_share_no_nexthop_stand_side_by_side),
		TEST(an_ipv4_route_goes_whole_although_a_nexthop_had_died),
		TEST(nexthops_of_a_dead_link_step_aside),
		TEST(a_worse_metric_serves_while_the_link_of_the_best_is_dead),
		TEST(the_only_route_stays_when_its_link_dies),
		TEST(an_address_on_the_loopback_names_no_interface),
		TEST(what_leads_over_another_device_goes_up_to_the_kernel),
		TEST(two_devices_of_one_network_are_told_apart),
		TEST(another_devices_default_route_is_never_used),
		TEST(of_equal_metric_one_of_ours_goes_before_another_devices),
		TEST(of_a_route_over_both_the_workers_take_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
