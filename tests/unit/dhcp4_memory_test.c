// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/dhcp/dhcp4_memory.h"
#include "control/state_db.h"
#include "tests/unit/full_disk.h"
#include "tests/unit/held_writer.h"
#include "tests/unit/loop_statements.h"
#include "tests/unit/text_addr.h"

// On a disk, not in memory: /tmp may be a tmpfs.
#define FOLDER "/var/tmp/dhcp4_memory_test.XXXXXX"

enum { NOW = 1700000000, HOUR = 3600 };

static char folder[] = FOLDER, file[64];
static struct event_base *base;
static struct state_writer *writer;
static sqlite3 *state_db;
static struct dhcp4_memory *memory;
static const struct dhcp4_identity us = {.client_id = {1, 2, 3}, .n_client_id = 3},
				   others = {.client_id = {1, 2, 4}, .n_client_id = 3};

static void open_memory(void)
{
	struct error err = {0};

	base = event_base_new();
	writer = state_writer_new(base);
	state_db = state_db_open(file, &err);
	memory = state_db == NULL ? NULL : dhcp4_memory_open(state_db, writer, &err);
	if (memory == NULL)
		fail_msg("%s", err.text);
	watch_statements(state_db);
}

static void close_memory(void)
{
	dhcp4_memory_close(memory);
	state_writer_free(writer);
	event_base_free(base);
	state_db_close(state_db);
}

static void restart(void)
{
	close_memory();
	open_memory();
}

static int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/state.db", folder);
	open_memory();
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	release_writer();
	close_memory();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put(const char *interface, const char *text, int64_t ends_at)
{
	struct ip_addr given = address(text);

	dhcp4_memory_put(memory, interface, &us, &given, ends_at);
}

// "" where there is none.
static const char *get(const char *interface, const struct dhcp4_identity *client, int64_t now)
{
	static char text[ADDR_STR_BYTES];
	struct ip_addr addr = dhcp4_memory_get(memory, interface, client, now);

	return addr.family == IP_NONE ? "" : ip_addr_str(&addr, text);
}

static void a_lease_is_remembered_for_whom_it_was_and_as_long_as_it_lasts(void **state)
{
	put("wan", "203.0.113.5", NOW + HOUR);
	put("lte", "198.51.100.5", INT64_MAX);
	for (unsigned round = 0; round < 2; round++) {
		assert_string_equal(get("wan", &us, NOW), "203.0.113.5");
		assert_string_equal(get("wan", &us, NOW + HOUR), "");
		assert_string_equal(get("wan", &others, NOW), "");
		assert_string_equal(get("lte", &us, NOW + HOUR), "198.51.100.5");
		assert_string_equal(get("lan", &us, NOW), "");
		restart();
	}
}

static void what_is_given_back_is_forgotten(void **state)
{
	put("wan", "203.0.113.5", NOW + HOUR);
	restart();
	dhcp4_memory_forget(memory, "wan");
	assert_string_equal(get("wan", &us, NOW), "");
	restart();
	assert_string_equal(get("wan", &us, NOW), "");
	put("wan", "203.0.113.6", NOW + HOUR);
	restart();
	assert_string_equal(get("wan", &us, NOW), "203.0.113.6");
}

static void the_loop_neither_reads_nor_writes_and_leases_share_a_commit(void **state)
{
	char name[CFG_NAME_MAX + 1];

	hold_writer(writer);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "wan%u", i);
		put(name, "203.0.113.5", NOW + HOUR);
		put("lte", "198.51.100.5", NOW + i);
	}
	assert_string_equal(get("wan19", &us, NOW), "203.0.113.5");
	release_writer();
	state_writer_wait(writer);
	assert_int_equal(n_commits, 2); // the first went by itself
	assert_int_equal(n_loop_statements, 0);
	restart();
	assert_string_equal(get("wan19", &us, NOW), "203.0.113.5");
	assert_string_equal(get("lte", &us, NOW + 18), "198.51.100.5");
	assert_string_equal(get("lte", &us, NOW + 19), "");
}

static void rows_that_are_not_ours_are_left_alone(void **state)
{
	put("wan", "203.0.113.5", NOW + HOUR);
	state_writer_wait(writer);
	assert_int_equal(sqlite3_exec(state_db,
				 "INSERT INTO dhcp4_client VALUES ('a', x'010203', 'nowhere', 2e9),"
				 "('b', zeroblob(999), '203.0.113.7', 2000000000),"
				 "('c', x'010203', '2001:db8::1', 2000000000),"
				 "(printf('%.99c', 'd'), x'010203', '203.0.113.8', 2000000000)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	restart();
	assert_string_equal(get("a", &us, NOW), "");
	assert_string_equal(get("b", &us, NOW), "");
	assert_string_equal(get("c", &us, NOW), "");
	assert_string_equal(get("wan", &us, NOW), "203.0.113.5");
}

static void of_too_many_those_that_end_last_are_remembered(void **state)
{
	char name[CFG_NAME_MAX + 1];

	for (unsigned i = 0; i <= DHCP4_MEMORY_MAX; i++) {
		snprintf(name, sizeof(name), "wan%u", i);
		put(name, "203.0.113.5", NOW + HOUR + i);
		state_writer_wait(writer);
	}
	for (unsigned round = 0; round < 2; round++) {
		assert_string_equal(get("wan0", &us, NOW), "");
		assert_string_equal(get("wan1", &us, NOW), "203.0.113.5");
		assert_string_equal(get(name, &us, NOW), "203.0.113.5");
		restart();
	}
}

static void on_a_full_disk_it_is_remembered_until_the_end(void **state)
{
	put("wan", "203.0.113.5", NOW + HOUR);
	state_writer_wait(writer);
	let_files_grow(false);
	put("wan", "203.0.113.6", NOW + HOUR);
	state_writer_wait(writer);
	let_files_grow(true);
	assert_string_equal(get("wan", &us, NOW), "203.0.113.6");
	put("lte", "198.51.100.5", NOW + HOUR); // the next one is written again
	restart();
	assert_string_equal(get("wan", &us, NOW), "203.0.113.5");
	assert_string_equal(get("lte", &us, NOW), "198.51.100.5");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_lease_is_remembered_for_whom_it_was_and_as_long_as_it_lasts),
		TEST(what_is_given_back_is_forgotten),
		TEST(the_loop_neither_reads_nor_writes_and_leases_share_a_commit),
		TEST(rows_that_are_not_ours_are_left_alone),
		TEST(of_too_many_those_that_end_last_are_remembered),
		TEST(on_a_full_disk_it_is_remembered_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
