// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/bans.h"
#include "control/state_db.h"
#include "tests/unit/recording_dataplane.h"
#include "tests/unit/text_addr.h"

// On a disk, not in memory: /tmp may be a tmpfs.
#define FOLDER "/var/tmp/bans_test.XXXXXX"

enum { NOW = 1700000000, DAY = 86400 };

static const char sets[] = "sets: {banned: {addresses: [], timeout: 1d},"
			   " plain: {addresses: []}, slow: {addresses: [], timeout: 10s}}\n";

static char folder[] = FOLDER, file[64];
static struct dataplane *dp;
static struct config *config;
static struct bans bans;

static struct config *parse(const char *text)
{
	struct cfg_errors errors = {0};
	struct config *parsed = config_parse("test.yaml", text, strlen(text), &errors);

	if (parsed == NULL)
		fail_msg("%s", errors.list[0].text);
	cfg_errors_free(&errors);
	parsed->state_file = file;
	return parsed;
}

static void open_bans(const char *text, int64_t now)
{
	struct error err = {0};

	dp = recording_reset();
	config = parse(text);
	if (bans_open(&bans, config, dp, now, &err) != 0)
		fail_msg("%s", err.text);
}

static void close_bans(int64_t now)
{
	bans_close(&bans, now);
	config_free(config);
	config = NULL;
}

// Ends it and begins it anew, with nothing in the workers.
static void restart(int64_t now)
{
	close_bans(now);
	open_bans(sets, now);
}

static int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/made/state.db", folder);
	open_bans(sets, NOW);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	if (config != NULL)
		close_bans(NOW);
	recording_reset();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void ban(uint16_t timed, const char *text, uint32_t for_sec, int64_t now)
{
	struct ip_prefix address = prefix(text);
	struct error err = {0}, unkept;

	if (bans_add(&bans, timed, &address, for_sec, now, &unkept, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(unkept.text, "");
}

static void note(uint16_t timed, const char *text, uint32_t for_sec, int64_t now)
{
	struct ip_prefix noted = prefix(text);

	bans_note(&bans, timed, &noted, for_sec, now);
}

// -1: not there.
static int64_t left(unsigned timed, const char *text)
{
	const struct dp_timed_entry *entry = recorded_timed(timed, text);

	return entry == NULL ? -1 : (int64_t)entry->left_sec;
}

// --- what people ask for ---

static void a_ban_is_there_after_a_restart_for_the_rest_of_its_time(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	ban(0, "2001:db8::/32", DP_FOREVER, NOW);
	ban(1, "198.51.100.7/32", 10, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	restart(NOW + 100);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY - 100);
	assert_int_equal(left(0, "2001:db8::/32"), DP_FOREVER);
	assert_int_equal(left(1, "198.51.100.7/32"), -1); // has ended meanwhile
}

static void a_ban_replaces_what_was_there_even_by_less(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	ban(0, "198.51.100.7/32", 60, NOW);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), 60);
}

static void host_bits_do_not_make_another_entry(void **state)
{
	struct ip_prefix address = prefix("198.51.100.9/24");
	struct error err, unkept;

	ban(0, "198.51.100.7/24", DAY, NOW);
	assert_int_equal(recording.timed[0].n, 1);
	assert_int_equal(left(0, "198.51.100.0/24"), DAY);
	assert_int_equal(bans_remove(&bans, 0, &address, &unkept, &err), 0);
	assert_int_equal(recording.timed[0].n, 0);
}

static void what_is_unbanned_stays_so(void **state)
{
	struct ip_prefix address = prefix("198.51.100.7/32");
	struct error err, unkept;

	ban(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.8/32", DAY, NOW);
	assert_int_equal(bans_remove(&bans, 0, &address, &unkept, &err), 0);
	assert_string_equal(unkept.text, "");
	address = prefix("198.51.100.8/32"); // which the file does not have yet
	assert_int_equal(bans_remove(&bans, 0, &address, &unkept, &err), 0);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 0);
	assert_int_equal(bans_remove(&bans, 0, &address, &unkept, &err), -1);
	assert_non_null(strstr(err.text, "not in the set banned"));
}

static void a_full_set_refuses_and_nothing_is_kept(void **state)
{
	struct ip_prefix address = prefix("198.51.100.8/32");
	struct error err, unkept;

	recording.timed[0].capacity = 1;
	ban(0, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(bans_add(&bans, 0, &address, DAY, NOW, &unkept, &err), -1);
	assert_non_null(strstr(err.text, "full"));
	note(0, "198.51.100.9/32", DAY, NOW);
	assert_int_equal(bans.n_refused[0], 1);
	assert_false(bans_turn(&bans, NOW));
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 1);
}

static void each_set_has_the_room_that_the_file_gives_it(void **state)
{
	struct ip_prefix address = prefix("198.51.100.8/32");
	struct error err, unkept;

	close_bans(NOW);
	open_bans("sets: {a: {addresses: [], timeout: 1d, capacity: 2},"
		  " b: {addresses: [], timeout: 1d}}\n",
		NOW);
	assert_int_equal(recording.timed[0].capacity, 2);
	assert_int_equal(recording.timed[1].capacity, 65536);
	ban(0, "198.51.100.6/32", DAY, NOW);
	ban(0, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(bans_add(&bans, 0, &address, DAY, NOW, &unkept, &err), -1);
	assert_non_null(strstr(err.text, "the set a is full: it has room for 2"));
}

static void a_set_that_the_config_no_longer_has_keeps_its_entries(void **state)
{
	ban(0, "198.51.100.7/32", DAY, NOW);
	close_bans(NOW);
	open_bans("sets: {slow: {addresses: [], timeout: 10s}}\n", NOW);
	assert_int_equal(recording.timed[0].n, 0);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
}

// --- what rules ask for ---

static void a_rules_additions_are_written_in_turns(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.7/32", DAY, NOW + 1);
	note(1, "2001:db8::7/128", 10, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY); // at once
	assert_int_equal(bans.queue.n, 2);
	assert_true(bans_turn(&bans, NOW + 1));
	assert_false(bans_turn(&bans, NOW + 1));
	restart(NOW + 2);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY - 1);
	assert_int_equal(left(1, "2001:db8::7/128"), 8);
}

static void a_network_that_a_rule_adds_is_one_entry_for_all_of_it(void **state)
{
	struct ip_prefix host = prefix("2001:db8::7/128"), network = prefix("2001:db8::/64");
	struct error err = {0}, unkept;

	note(0, "2001:db8::/64", DAY, NOW);
	note(0, "2001:db8::/128", DAY, NOW); // not the same
	assert_int_equal(bans.queue.n, 2);
	assert_true(bans_turn(&bans, NOW));
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 2);
	assert_int_equal(left(0, "2001:db8::/64"), DAY);
	assert_int_equal(bans_remove(&bans, 0, &host, &unkept, &err), -1);
	assert_string_equal(err.text, "2001:db8::7/128 is in the set banned as part of "
				      "2001:db8::/64: take that out");
	assert_int_equal(bans_remove(&bans, 0, &network, &unkept, &err), 0);
	assert_int_equal(bans_remove(&bans, 0, &host, &unkept, &err), -1);
	assert_string_equal(err.text, "2001:db8::7/128 is not in the set banned");
}

static void a_network_taken_out_before_it_was_written_stays_out(void **state)
{
	struct ip_prefix network = prefix("2001:db8::/64");
	struct error err, unkept;

	note(0, "2001:db8::/64", DAY, NOW);
	assert_int_equal(bans_remove(&bans, 0, &network, &unkept, &err), 0);
	bans_turn(&bans, NOW);
	restart(NOW);
	assert_int_equal(recording.timed[0].n, 0);
}

static void what_was_just_added_is_not_added_again(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	recording.timed[0].n = 0; // so that another one would be seen
	note(0, "198.51.100.7/32", DAY, NOW);
	note(0, "198.51.100.7/32", 10, NOW);
	assert_int_equal(recording.timed[0].n, 0);
	note(0, "198.51.100.7/32", DAY, NOW + 1);
	assert_int_equal(recording.timed[0].n, 1);
}

static void an_address_seen_again_and_again_is_not_written_each_time(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	bans_turn(&bans, NOW);
	for (int i = 1; i <= 61; i++) {
		note(0, "198.51.100.7/32", DAY, NOW + i);
		bans_turn(&bans, NOW + i);
		if (i == 60)
			assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	}
	restart(NOW + 61);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY); // the last one was over a minute later
}

static void what_does_not_fit_into_the_queue_is_kept_all_the_same(void **state)
{
	enum { MANY = 3 * BAN_QUEUE_MAX };
	unsigned turns = 0;

	for (unsigned i = 0; i < MANY; i++) {
		struct ip_prefix host = {
			{.family = IP_V4, .bytes = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}}, 32};

		bans_note(&bans, 0, &host, DAY, NOW);
	}
	while (bans_turn(&bans, NOW))
		turns++;
	assert_true(turns > 3); // no turn did it all
	restart(NOW);
	assert_int_equal(recording.timed[0].n, MANY);
}

static void an_event_for_a_set_that_is_none_is_ignored(void **state)
{
	note(2, "198.51.100.7/32", DAY, NOW);
	note(DP_INDEX_NONE, "198.51.100.7/32", DAY, NOW);
	assert_int_equal(bans.queue.n, 0);
}

// --- the clock ---

// A machine without a battery: it boots in the past, and then somebody tells it the time.
static void a_clock_that_is_set_right_loses_nothing(void **state)
{
	const int64_t wrong = NOW - 1000 * (int64_t)DAY, by = 1000 * (int64_t)DAY + 30;

	ban(0, "198.51.100.1/32", DAY, NOW);
	ban(0, "198.51.100.2/32", 20, NOW);
	close_bans(NOW);

	open_bans(sets, wrong);
	assert_true(left(0, "198.51.100.1/32") > DAY);
	ban(0, "198.51.100.3/32", DAY, wrong);
	note(0, "198.51.100.4/32", DAY, wrong);
	bans_turn(&bans, wrong);
	note(0, "198.51.100.5/32", DAY, wrong);

	bans_clock_jumped(&bans, by, wrong + by); // = NOW + 30
	assert_int_equal(left(0, "198.51.100.1/32"), DAY - 30);
	assert_int_equal(left(0, "198.51.100.2/32"), -1);
	assert_int_equal(left(0, "198.51.100.3/32"), DAY); // it counts no time by the wall
	restart(NOW + 30);
	assert_int_equal(recording.timed[0].n, 4);
	assert_int_equal(left(0, "198.51.100.3/32"), DAY);
	assert_int_equal(left(0, "198.51.100.4/32"), DAY);
	assert_int_equal(left(0, "198.51.100.5/32"), DAY);
}

static void what_has_ended_leaves_the_file_after_a_day(void **state)
{
	ban(0, "198.51.100.7/32", 10, NOW);
	ban(0, "198.51.100.8/32", DP_FOREVER, NOW);
	bans_every_minute(&bans, NOW + DAY);
	restart(NOW); // a clock that was wrong
	assert_int_equal(left(0, "198.51.100.7/32"), 10);
	bans_every_minute(&bans, NOW + DAY + 11);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), -1);
	assert_int_equal(left(0, "198.51.100.8/32"), DP_FOREVER);
}

// --- the file ---

static void without_a_state_file_bans_hold_until_the_end(void **state)
{
	struct ip_prefix address = prefix("198.51.100.7/32");
	struct error err, unkept;

	close_bans(NOW);
	snprintf(file, sizeof(file), "%s/not/made/state.db", folder);
	open_bans(sets, NOW);
	assert_int_equal(bans_add(&bans, 0, &address, DAY, NOW, &unkept, &err), 0);
	assert_string_not_equal(unkept.text, "");
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	note(0, "198.51.100.8/32", DAY, NOW);
	assert_false(bans_turn(&bans, NOW));
	assert_int_equal(bans_remove(&bans, 0, &address, &unkept, &err), 0);
}

static void a_second_process_does_not_get_the_file(void **state)
{
	int status;
	pid_t child;

	ban(0, "198.51.100.7/32", DAY, NOW);
	child = fork();
	if (child == 0) {
		struct error err = {0};
		struct ban_store *second = ban_store_open(file, &err);

		_exit(second == NULL && strstr(err.text, "another") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
	static const char text[] = "this is somebody's letter, and by no means a database\n";
	char read_back[sizeof(text)] = "";
	struct error err = {0};
	FILE *letter;

	close_bans(NOW);
	snprintf(file, sizeof(file), "%s/letter", folder);
	letter = fopen(file, "w");
	fputs(text, letter);
	fclose(letter);
	assert_null(ban_store_open(file, &err));
	letter = fopen(file, "r");
	assert_non_null(fgets(read_back, sizeof(read_back), letter));
	fclose(letter);
	assert_string_equal(read_back, text);
}

// A real database that cannot grow, as on a full disk.
static void let_files_grow(bool may)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = may ? limit.rlim_max : 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_a_full_disk_refused_is_written_once_there_is_room(void **state)
{
	enum { TURNS = 100 };
	unsigned n_tries = 0, n_left = 0;

	note(0, "198.51.100.7/32", DAY, NOW);
	note(1, "198.51.100.8/32", 600, NOW);
	let_files_grow(false);
	for (unsigned i = 0; i < TURNS; i++) {
		n_tries += bans_turn(&bans, NOW);
		if (i == TURNS / 2)
			note(0, "198.51.100.9/32", DAY, NOW);
	}
	assert_in_range(n_tries, 2, 5); // it goes on, but does not wear out the disk
	assert_true(bans.is_failing);
	let_files_grow(true);
	for (unsigned i = 0; i < TURNS; i++)
		n_left += bans_turn(&bans, NOW);
	assert_in_range(n_left, 1, 5);
	assert_false(bans.is_failing);
	// what the end of the router would write is not what is looked for
	ban_store_close(bans.store);
	bans.store = NULL;
	close_bans(NOW);
	open_bans(sets, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	assert_int_equal(left(0, "198.51.100.9/32"), DAY);
	assert_int_equal(left(1, "198.51.100.8/32"), 600);
}

static void an_end_on_a_full_disk_is_an_end(void **state)
{
	note(0, "198.51.100.7/32", DAY, NOW);
	let_files_grow(false);
	close_bans(NOW);
	let_files_grow(true);
	open_bans(sets, NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), -1);
}

static void a_newer_releases_file_is_left_alone(void **state)
{
	struct error err = {0};
	sqlite3 *db;

	close_bans(NOW);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_null(ban_store_open(file, &err));
	assert_non_null(strstr(err.text, "newer"));
}

static void each_commit_is_on_the_disk_before_it_is_acknowledged(void **state)
{
	sqlite3_stmt *statement;
	struct error err;
	sqlite3 *db;

	close_bans(NOW);
	db = state_db_open(file, &err);
	assert_non_null(db);
	assert_int_equal(
		sqlite3_prepare_v2(db, "PRAGMA synchronous", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 2); // FULL
	sqlite3_finalize(statement);
	assert_int_equal(
		sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(statement, 0), "wal");
	sqlite3_finalize(statement);
	state_db_close(db);
}

// Writes for ever, and says after each commit how far it is: bans one by one, and what rules add
// sixteen at a time.
static void write_until_killed(int to)
{
	for (uint32_t i = 0;; i++) {
		struct ip_prefix address = {.addr = {.family = IP_V4}, .len = 32};
		struct error err, unkept;

		address.addr.v4[0] = 198;
		address.addr.v4[1] = 18;
		address.addr.v4[2] = (uint8_t)(i >> 8);
		address.addr.v4[3] = (uint8_t)i;
		if (i % 17 == 0) {
			if (bans_add(&bans, 0, &address, DAY, NOW, &unkept, &err) != 0 ||
				unkept.text[0] != '\0')
				_exit(1);
		} else {
			bans_note(&bans, 0, &address, DAY, NOW);
			if (i % 17 != 16)
				continue;
			bans_turn(&bans, NOW);
		}
		if (write(to, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void what_was_acknowledged_outlives_kill_9(void **state)
{
	close_bans(NOW);
	for (unsigned round = 0; round < 10; round++) {
		uint32_t last = 0, got;
		int pipe_fds[2];
		pid_t child;

		assert_int_equal(pipe(pipe_fds), 0);
		child = fork();
		if (child == 0) {
			close(pipe_fds[0]);
			open_bans(sets, NOW);
			write_until_killed(pipe_fds[1]);
		}
		close(pipe_fds[1]);
		// let it come to a different place each time, then end it in the middle
		while (read(pipe_fds[0], &got, sizeof(got)) == sizeof(got) && got < 40 + 30 * round)
			last = got;
		last = got;
		kill(child, SIGKILL);
		while (read(pipe_fds[0], &got, sizeof(got)) == sizeof(got))
			last = got;
		close(pipe_fds[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(last >= 40);

		open_bans(sets, NOW);
		for (uint32_t i = 0; i <= last; i++) {
			char text[ADDR_STR_BYTES];

			snprintf(text, sizeof(text), "198.18.%u.%u/32", i >> 8, i & 255);
			if (left(0, text) != DAY)
				fail_msg("%s of %u is lost", text, last);
		}
		close_bans(NOW);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_ban_is_there_after_a_restart_for_the_rest_of_its_time),
		TEST(a_ban_replaces_what_was_there_even_by_less),
		TEST(host_bits_do_not_make_another_entry),
		TEST(what_is_unbanned_stays_so),
		TEST(a_full_set_refuses_and_nothing_is_kept),
		TEST(each_set_has_the_room_that_the_file_gives_it),
		TEST(a_set_that_the_config_no_longer_has_keeps_its_entries),
		TEST(a_rules_additions_are_written_in_turns),
		TEST(a_network_that_a_rule_adds_is_one_entry_for_all_of_it),
		TEST(a_network_taken_out_before_it_was_written_stays_out),
		TEST(what_was_just_added_is_not_added_again),
		TEST(an_address_seen_again_and_again_is_not_written_each_time),
		TEST(what_does_not_fit_into_the_queue_is_kept_all_the_same),
		TEST(an_event_for_a_set_that_is_none_is_ignored),
		TEST(a_clock_that_is_set_right_loses_nothing),
		TEST(what_has_ended_leaves_the_file_after_a_day),
		TEST(without_a_state_file_bans_hold_until_the_end),
		TEST(a_second_process_does_not_get_the_file),
		TEST(a_file_that_is_no_database_is_left_alone),
		TEST(what_a_full_disk_refused_is_written_once_there_is_room),
		TEST(an_end_on_a_full_disk_is_an_end),
		TEST(a_newer_releases_file_is_left_alone),
		TEST(each_commit_is_on_the_disk_before_it_is_acknowledged),
		TEST(what_was_acknowledged_outlives_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
