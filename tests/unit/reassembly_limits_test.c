// SPDX-License-Identifier: BSD-3-Clause
// How long pieces wait for the others, how many do, and who goes when there is no room.
#include "tests/unit/reassembly_fixture.h"

static void the_identifier_of_a_dead_packet_serves_again_after_its_time(void **state)
{
	assert_null(add_part(3, 0, 800, true));
	assert_null(add_part(3, 400, 1200, true)); // overlaps
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 2);
	assert_null(add_part(3, 0, 800, true));
	assert_null(add_part(3, 800, 1000, false));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 4);
	worker.now_ms += REASSEMBLY_TIMEOUT_MS;
	assert_null(add_part(3, 0, 800, true));
	check_whole(add_part(3, 800, 1000, false), 3, 1000);
}

static void more_pieces_than_anyone_needs_end_the_packet(void **state)
{
	for (uint32_t i = 0; i < REASSEMBLY_PIECES_MAX; i++)
		assert_null(add_part(3, 16 * i, 16 * i + 8, true));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
	assert_null(add_part(3, 16 * REASSEMBLY_PIECES_MAX, 16 * REASSEMBLY_PIECES_MAX + 8, true));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), REASSEMBLY_PIECES_MAX + 1);
}

static void what_stays_incomplete_is_dropped_after_its_time(void **state)
{
	assert_null(add_part(1, 0, 800, true));
	worker.now_ms += REASSEMBLY_TIMEOUT_MS / 2;
	assert_null(add_part(2, 0, 800, true));
	assert_null(add_part(1, 800, 1600, true)); // does not buy the first more time
	worker.now_ms += REASSEMBLY_TIMEOUT_MS / 2 - 1;
	reassembly_tick(&worker);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
	worker.now_ms++;
	reassembly_tick(&worker);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 2);
	assert_null(add_part(1, 1600, 1700, false)); // too late
	check_whole(add_part(2, 800, 900, false), 2, 900);
	worker.now_ms += REASSEMBLY_TIMEOUT_MS;
	reassembly_tick(&worker);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 3);
}

static void a_late_piece_does_not_join_what_timed_out_without_a_tick(void **state)
{
	assert_null(add_part(1, 0, 800, true));
	worker.now_ms += REASSEMBLY_TIMEOUT_MS;
	assert_null(add_part(1, 800, 900, false));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 1);
}

static void a_flood_of_first_pieces_pushes_out_the_oldest_only(void **state)
{
	// not more buffers than the share: the places run out first or the buffers do
	unsigned room = RTE_MIN(REASSEMBLY_MAX, POOL_SIZE / 8);

	for (unsigned i = 0; i < room; i++)
		assert_null(add_part((uint16_t)i, 0, 800, true));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
	for (unsigned i = room; i < room + 100; i++)
		assert_null(add_part((uint16_t)i, 0, 800, true));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 100);
	for (unsigned i = 0; i < 100; i++) // gone: these begin anew, and push out a hundred more
		assert_null(add_part((uint16_t)i, 800, 900, false));
	for (unsigned i = 200; i < room + 100; i++)
		check_whole(add_part((uint16_t)i, 800, 900, false), (uint16_t)i, 900);
}

static void buffers_that_wait_are_a_bounded_share_of_the_pool(void **state)
{
	for (unsigned i = 0; i < 400; i++)
		for (uint32_t at = 0; at < 40; at++)
			assert_null(add_part((uint16_t)i, at * 16, at * 16 + 8, true));
	assert_in_range(rte_mempool_in_use_count(worker.pool), POOL_SIZE / 8 - 64, POOL_SIZE / 8);
	// one that comes at once still gets through
	assert_null(add_part(999, 0, 800, true));
	check_whole(add_part(999, 800, 900, false), 999, 900);
}

enum { FLOODER = 0xc6120001, OTHERS = 0xc6130000 };

static bool add_half(uint32_t source, uint16_t id, bool is_first)
{
	struct ip4_packet p = is_first ? part(id, 0, 800, true) : part(id, 800, 900, false);
	struct rte_mbuf *m;

	p.source = source;
	m = add(&p);
	if (m == NULL)
		return false;
	rte_pktmbuf_free(m);
	return true;
}

// First with single pieces, which take places, then with many of each packet, which take buffers.
static void who_floods_pushes_only_itself_out(void **state)
{
	enum { HOSTS = 40 };

	for (unsigned pieces = 1; pieces <= 60; pieces += 59) {
		unsigned n_whole = 0;

		for (unsigned i = 0; i < HOSTS; i++)
			assert_false(add_half(OTHERS + i, (uint16_t)pieces, true));
		for (unsigned i = 0; i < 20000; i++) {
			struct ip4_packet p = part(
				(uint16_t)(i / pieces), i % pieces * 16, i % pieces * 16 + 8, true);

			p.source = FLOODER;
			assert_null(add(&p));
		}
		for (unsigned i = 0; i < HOSTS; i++)
			n_whole += add_half(OTHERS + i, (uint16_t)pieces, false);
		// all but those that share a lane with it
		assert_in_range(n_whole, HOSTS - 3, HOSTS);
		worker.now_ms += REASSEMBLY_TIMEOUT_MS;
		reassembly_tick(&worker);
	}
}

// Each forged source has one packet under way, and is modest beside a host that has three.
static void a_flood_from_forged_sources_leaves_time_to_finish(void **state)
{
	for (unsigned i = 0; i < 5000; i++)
		assert_false(add_half(random32() | 1, 1, true));
	for (uint16_t id = 0; id < 3; id++)
		assert_false(add_half(FLOODER, id, true));
	for (unsigned i = 0; i < 300; i++)
		assert_false(add_half(random32() | 1, 1, true));
	for (uint16_t id = 0; id < 3; id++)
		assert_true(add_half(FLOODER, id, false));
}

static void freeing_gives_back_what_waits(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		assert_null(add_part((uint16_t)i, 0, 800, true));
	reassembly_fini(&worker);
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_identifier_of_a_dead_packet_serves_again_after_its_time),
		TEST(more_pieces_than_anyone_needs_end_the_packet),
		TEST(what_stays_incomplete_is_dropped_after_its_time),
		TEST(a_late_piece_does_not_join_what_timed_out_without_a_tick),
		TEST(a_flood_of_first_pieces_pushes_out_the_oldest_only),
		TEST(buffers_that_wait_are_a_bounded_share_of_the_pool),
		TEST(who_floods_pushes_only_itself_out),
		TEST(a_flood_from_forged_sources_leaves_time_to_finish),
		TEST(freeing_gives_back_what_waits),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
