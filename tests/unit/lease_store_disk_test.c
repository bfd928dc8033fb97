// SPDX-License-Identifier: BSD-3-Clause
// What leases cost a disk, and what a power cut leaves of them.
#include "tests/unit/lease_store_fixture.h"

#include "cfg/base/clock.h"
#include "tests/unit/cut_disk.h"
#include "tests/unit/draw.h"

enum {
	CUTS = 100,
	ADDRESSES = LEASES_FOUND_MAX,
	STEPS_MAX = 120, // writes and syncs until the power fails
	LIMIT_MS = 10000,
	EMPTYING_SYNCS = 4, // the log, the database, the log's new head, the first of its pages
};

static int use_disk(void **state)
{
	cut_disk_use();
	cut_disk_clear();
	return make_path(state);
}

static int clear_disk(void **state)
{
	cut_disk_clear();
	return remove_path(state);
}

static void put_and_wait(struct lease_store *store, uint32_t address)
{
	struct lease_row row = row_of(address, 1, DHCP4_LEASE_BOUND);
	uint64_t number = lease_store_put(store, &row);

	assert_true(number > 0);
	wait_until(store, number);
}

static void a_lease_costs_one_sync_of_a_file_that_does_not_grow(void **state)
{
	struct lease_store *store = open_store();
	struct cut_disk_counts before = cut_disk_counts(), after;
	unsigned n_emptied;

	for (unsigned i = 1; i <= 20; i++) {
		put_and_wait(store, i);
		after = cut_disk_counts();
		// a machine that is busy elsewhere may leave the store idle meanwhile
		n_emptied = after.database_syncs - before.database_syncs;
		assert_int_equal(after.syncs - before.syncs, i + n_emptied * EMPTYING_SYNCS);
	}
	assert_int_equal(after.log_growths, before.log_growths);
	lease_store_close(store);
}

// The pages go into the database when no lease has come for a while, and the next one costs no more
// than any other.
static void an_idle_store_empties_its_log_and_begins_it_anew(void **state)
{
	struct lease_store *store = open_store();
	struct cut_disk_counts before = cut_disk_counts(), after;
	uint64_t until_ms = clock_now_ms() + LIMIT_MS;

	for (unsigned round = 0; round < 2; round++) {
		put_and_wait(store, round + 1);
		do {
			assert_true(clock_now_ms() < until_ms);
			usleep(1000);
			after = cut_disk_counts();
		} while (after.database_syncs == before.database_syncs ||
			 after.syncs < before.syncs + 1 + EMPTYING_SYNCS);
		assert_int_equal(after.syncs, before.syncs + 1 + EMPTYING_SYNCS);
		before = after;
	}
	lease_store_close(store);
}

static void a_log_that_is_never_idle_stays_in_its_room(void **state)
{
	struct lease_store *store = open_store();
	struct cut_disk_counts before = cut_disk_counts(), after;

	for (unsigned i = 0; i < 3000; i++)
		put_and_wait(store, i);
	after = cut_disk_counts();
	assert_int_equal(after.log_growths, before.log_growths);
	assert_in_range(after.database_syncs - before.database_syncs, 2, 20);
	lease_store_close(store);
	store = open_store(); // its room is still there
	put_and_wait(store, 1);
	assert_int_equal(cut_disk_counts().log_growths, before.log_growths);
	lease_store_close(store);
}

// --- power cuts ---

// What each address was given last, as the numbers that `since` counts: told to its client, or
// under way.
struct given {
	int64_t told[ADDRESSES], put[ADDRESSES];
};

static void put_until_power_fails(struct given *given, int64_t *count, uint64_t *seed)
{
	struct lease_store *store = open_store();
	uint32_t address_of[STEPS_MAX * 64];
	int64_t count_of[STEPS_MAX * 64];
	uint64_t n = 0, n_told;
	struct error err;

	cut_disk_fail_after(1 + (unsigned)(draw(seed) % STEPS_MAX));
	while (!cut_disk_is_off()) {
		for (unsigned i = (unsigned)(draw(seed) % 6); i-- > 0 && n < COUNT(count_of);) {
			uint32_t address = (uint32_t)(draw(seed) % ADDRESSES);
			struct lease_row row = row_of(address, (uint8_t)address, DHCP4_LEASE_BOUND);

			row.lease.since = given->put[address] = ++*count;
			address_of[n] = address;
			count_of[n++] = *count;
			assert_int_equal(lease_store_put(store, &row), n);
		}
		usleep((useconds_t)(draw(seed) % 100));
	}
	n_told = lease_store_committed(store, &err);
	assert_in_range(n_told, 0, n);
	for (uint64_t i = 0; i < n_told; i++)
		given->told[address_of[i]] = count_of[i];
	lease_store_close(store);
}

static void check_what_is_left(struct given *given)
{
	int64_t found_at[ADDRESSES] = {0};
	struct lease_store *store = open_store();
	struct found found;

	read_all(store, &found);
	lease_store_close(store);
	for (unsigned i = 0; i < found.n; i++)
		found_at[found.rows[i].lease.address] = found.rows[i].lease.since;
	for (unsigned i = 0; i < ADDRESSES; i++) {
		if (found_at[i] < given->told[i] || found_at[i] > given->put[i])
			fail_msg("address %u: %ld is there, %ld was told, %ld put", i,
				(long)found_at[i], (long)given->told[i], (long)given->put[i]);
		given->told[i] = given->put[i] = found_at[i];
	}
}

static void a_power_cut_takes_nothing_that_was_told(void **state)
{
	struct given given = {0};
	uint64_t seed = 20261122;
	int64_t count = 0;

	lease_store_close(open_store());
	for (unsigned cut = 0; cut < CUTS; cut++) {
		put_until_power_fails(&given, &count, &seed);
		cut_disk_on(draw(&seed));
		check_what_is_left(&given);
	}
	assert_true(count > CUTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_lease_costs_one_sync_of_a_file_that_does_not_grow, use_disk, clear_disk),
		cmocka_unit_test_setup_teardown(
			an_idle_store_empties_its_log_and_begins_it_anew, use_disk, clear_disk),
		cmocka_unit_test_setup_teardown(
			a_log_that_is_never_idle_stays_in_its_room, use_disk, clear_disk),
		cmocka_unit_test_setup_teardown(
			a_power_cut_takes_nothing_that_was_told, use_disk, clear_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
