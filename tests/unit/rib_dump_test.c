// SPDX-License-Identifier: BSD-3-Clause
// Dumps of all routes, walks over them, and tables that are full or large.
#include <errno.h>
#include <malloc.h>

#include "tests/unit/rib_fixture.h"

static void a_dump_confirms_known_routes_in_silence(void **state)
{
	add("203.0.113.0/24", 0, "198.18.0.1@0", RIB_PREPEND);
	add("2001:db8:9::/48", 1024, "2001:db8::3@0 2001:db8::2@0", RIB_APPEND);
	rib_take_changed(rib);
	rib_sync_start(rib);
	add("203.0.113.0/24", 0, "198.18.0.1@0", RIB_APPEND);
	add("2001:db8:9::/48", 1024, "2001:db8::2@0 2001:db8::3@0", RIB_APPEND);
	rib_sync_end(rib);
	assert_false(rib_take_changed(rib));
	assert_int_equal(recording.n_route_sets, 2);
	assert_int_equal(count(), 2);
}

static void a_dump_removes_what_it_does_not_tell(void **state)
{
	add("203.0.113.0/24", 10, "198.18.0.1@0", RIB_APPEND);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	add("198.51.100.0/24", 0, "198.18.0.1@0", RIB_APPEND);
	rib_sync_start(rib);
	add("203.0.113.0/24", 20, "198.18.0.2@0", RIB_APPEND);
	rib_sync_end(rib);
	assert_string_equal(workers_have("203.0.113.0/24"), "198.18.0.2@0");
	assert_null(workers_have("198.51.100.0/24"));
	assert_int_equal(count(), 1);
}

static void what_comes_as_news_during_a_dump_survives_it(void **state)
{
	rib_sync_start(rib);
	add("198.51.100.0/24", 0, "198.18.0.1@0", RIB_PREPEND);
	rib_sync_end(rib);
	assert_string_equal(workers_have("198.51.100.0/24"), "198.18.0.1@0");
}

static void what_did_not_fit_is_offered_again_when_there_is_room(void **state)
{
	struct rib_counts counts;

	recording.route_capacity = 2;
	add("198.51.100.0/26", 0, "198.18.0.1@0", RIB_APPEND);
	add("198.51.100.64/26", 0, "198.18.0.1@0", RIB_APPEND);
	add("198.51.100.128/26", 0, "198.18.0.1@0", RIB_APPEND);
	assert_null(workers_have("198.51.100.128/26"));
	rib_counts(rib, &counts);
	assert_int_equal(counts.refused, 1);
	rib_retry_refused(rib); // no room has been made: not even tried
	assert_int_equal(recording.n_route_sets, 3);
	assert_int_equal(del("198.51.100.0/26", 0, "198.18.0.1@0"), 0);
	rib_retry_refused(rib);
	assert_non_null(workers_have("198.51.100.128/26"));
	rib_counts(rib, &counts);
	assert_int_equal(counts.refused, 0);
}

// A route that no longer fits in its new form must not stay in the old one.
static void a_route_whose_change_is_refused_is_taken_back(void **state)
{
	struct rib_counts counts;

	add("198.51.100.0/26", 10, "198.18.0.1@0", RIB_APPEND);
	recording.is_refusing = true;
	add("198.51.100.0/26", 10, "198.18.0.2@0", RIB_REPLACE);
	assert_null(workers_have("198.51.100.0/26"));
	rib_counts(rib, &counts);
	assert_int_equal(counts.refused, 1);
	recording.is_refusing = false;
	assert_int_equal(del("198.51.100.0/26", 10, "198.18.0.2@0"), 0);
	rib_counts(rib, &counts);
	assert_int_equal(counts.refused, 0);
}

static void the_walk_sees_each_route_once(void **state)
{
	struct rib_cursor cursor = {0};
	struct rib_route route;
	unsigned n = 0, n_active = 0;
	bool is_active;

	for (unsigned i = 0; i < 100; i++) {
		char to[32];

		snprintf(to, sizeof(to), "198.18.%u.0/24", i);
		add(to, 10, "203.0.113.1@0", RIB_APPEND);
		add(to, 20, "203.0.113.2@0", RIB_APPEND);
	}
	while (rib_next(rib, &cursor, &route, &is_active)) {
		n++;
		n_active += is_active;
		assert_int_equal(is_active, route.metric == 10);
	}
	assert_int_equal(n, 200);
	assert_int_equal(n_active, 100);
}

static struct rib_route numbered(uint32_t i)
{
	struct rib_route route = make("0.0.0.0/24", 0, "203.0.113.1@0");

	route.route.to.addr.v4[0] = (uint8_t)(i >> 16);
	route.route.to.addr.v4[1] = (uint8_t)(i >> 8);
	route.route.to.addr.v4[2] = (uint8_t)i;
	return route;
}

static void a_million_routes_take_80_bytes_each_and_are_swept(void **state)
{
	enum { ROUTES = 1000000 };
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct rib_route route;

	recording.only_counts = true;
	for (uint32_t i = 0; i < ROUTES; i++) {
		route = numbered(i);
		assert_int_equal(rib_add(rib, &route, RIB_PREPEND), 0);
	}
	assert_int_equal(recording.n_route_sets, ROUTES);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd - before < (size_t)ROUTES * 80);
	rib_sync_start(rib);
	for (uint32_t i = 0; i < ROUTES; i += 2) {
		route = numbered(i);
		assert_int_equal(rib_add(rib, &route, RIB_APPEND), 0);
	}
	rib_sync_end(rib);
	assert_int_equal(count(), ROUTES / 2);
	assert_int_equal(recording.n_route_deletes, ROUTES / 2);
	assert_int_equal(recording.n_route_sets, ROUTES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_dump_confirms_known_routes_in_silence),
		TEST(a_dump_removes_what_it_does_not_tell),
		TEST(what_comes_as_news_during_a_dump_survives_it),
		TEST(what_did_not_fit_is_offered_again_when_there_is_room),
		TEST(a_route_whose_change_is_refused_is_taken_back),
		TEST(the_walk_sees_each_route_once),
		TEST(a_million_routes_take_80_bytes_each_and_are_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
