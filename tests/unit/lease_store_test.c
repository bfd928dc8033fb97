// SPDX-License-Identifier: BSD-3-Clause
// Leases on the disk: what was put is there again, in its last state.
#include "tests/unit/lease_store_fixture.h"

static void what_was_put_is_there_again(void **state)
{
	struct lease_store *store = open_store();
	struct lease_row row = row_of(0xc6120064, 1, DHCP4_LEASE_BOUND);
	struct found found;

	assert_int_equal(lease_store_put(store, &row), 1);
	wait_until(store, 1);
	lease_store_close(store);
	store = open_store();
	read_all(store, &found);
	lease_store_close(store);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.rows[0].lease.address, 0xc6120064);
	assert_int_equal(found.rows[0].lease.network, 0xc6120000);
	assert_int_equal(found.rows[0].lease.state, DHCP4_LEASE_BOUND);
	assert_true(dhcp4_client_is_equal(&found.rows[0].lease.client, &row.lease.client));
	assert_int_equal(found.rows[0].lease.mac.bytes[5], 1);
	assert_true(found.rows[0].lease.origin == UINT64_MAX - 1);
	assert_int_equal(found.rows[0].lease.since, 1700000000);
	assert_int_equal(found.rows[0].ends_at, 1700003600);
	assert_string_equal(found.rows[0].lease.host_name, "host1");
}

static void the_last_word_of_an_address_counts(void **state)
{
	struct lease_store *store = open_store();
	struct lease_row rows[] = {
		row_of(7, 1, DHCP4_LEASE_BOUND),
		row_of(8, 2, DHCP4_LEASE_BOUND),
		row_of(7, 3, DHCP4_LEASE_BOUND),
		row_of(8, 2, DHCP4_LEASE_FREE),
	};
	struct found found;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(lease_store_put(store, &rows[i]), i + 1);
	rows[3].lease.client.n = 0; // nobody's
	assert_int_equal(lease_store_put(store, &rows[3]), 5);
	lease_store_close(store); // writes what is queued
	store = open_store();
	read_all(store, &found);
	lease_store_close(store);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.rows[0].lease.address, 7);
	assert_int_equal(found.rows[0].lease.mac.bytes[5], 3);
}

static void one_process_has_the_file(void **state)
{
	struct lease_store *store = open_store();
	struct error err = {0};

	assert_null(lease_store_open(path, &err));
	assert_non_null(strstr(err.text, "another process has it"));
	lease_store_close(store);
}

static void a_full_queue_says_so(void **state)
{
	struct lease_store *store = open_store();
	struct lease_row row = row_of(7, 1, DHCP4_LEASE_BOUND);
	uint64_t n = 0, number = 1;

	// the thread takes them out meanwhile, a queue at a time
	while (n < 1000 * (uint64_t)LEASE_STORE_QUEUE_MAX && number != 0) {
		number = lease_store_put(store, &row);
		if (number != 0)
			assert_int_equal(number, ++n);
	}
	assert_int_equal(number, 0);
	assert_true(n >= LEASE_STORE_QUEUE_MAX);
	wait_until(store, n);
	assert_int_equal(lease_store_put(store, &row), n + 1); // there is room again
	lease_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_put_is_there_again, make_path, remove_path),
		cmocka_unit_test_setup_teardown(
			the_last_word_of_an_address_counts, make_path, remove_path),
		cmocka_unit_test_setup_teardown(one_process_has_the_file, make_path, remove_path),
		cmocka_unit_test_setup_teardown(a_full_queue_says_so, make_path, remove_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
