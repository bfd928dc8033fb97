// SPDX-License-Identifier: BSD-3-Clause
// The file that bans are kept in: whose it is, what a full disk does to it, what a crash does not.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/state_db.h"
#include "tests/unit/bans_fixture.h"
#include "tests/unit/full_disk.h"

static void without_a_state_file_bans_hold_until_the_end(void **state)
{
	struct error err, unkept;

	close_bans(NOW);
	snprintf(file, sizeof(file), "%s/not/made/state.db", folder);
	open_bans(sets, NOW);
	assert_int_equal(try_ban(0, "198.51.100.7/32", DAY, NOW, &unkept, &err), 0);
	assert_string_not_equal(unkept.text, "");
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	note(0, "198.51.100.8/32", DAY, NOW);
	assert_false(turn(NOW));
	assert_int_equal(try_unban(0, "198.51.100.7/32", &unkept, &err), 0);
}

static void a_second_process_does_not_get_the_file(void **state)
{
	int status;
	pid_t child;

	ban(0, "198.51.100.7/32", DAY, NOW);
	child = fork();
	if (child == 0) {
		struct error err = {0};
		sqlite3 *second = state_db_open(file, &err);

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
	assert_null(state_db_open(file, &err));
	letter = fopen(file, "r");
	assert_non_null(fgets(read_back, sizeof(read_back), letter));
	fclose(letter);
	assert_string_equal(read_back, text);
}

static void a_ban_that_a_full_disk_refuses_holds_and_the_answer_says_so(void **state)
{
	struct error err, unkept;

	let_files_grow(false);
	assert_int_equal(try_ban(0, "198.51.100.7/32", DAY, NOW, &unkept, &err), 0);
	assert_non_null(strstr(unkept.text, "the state file"));
	assert_int_equal(left(0, "198.51.100.7/32"), DAY);
	let_files_grow(true);
	ban(0, "198.51.100.7/32", 60, NOW);
	restart(NOW);
	assert_int_equal(left(0, "198.51.100.7/32"), 60);
}

static void what_a_full_disk_refused_is_written_once_there_is_room(void **state)
{
	enum { TURNS = 100 };
	unsigned n_tries = 0, n_left = 0;

	note(0, "198.51.100.7/32", DAY, NOW);
	note(1, "198.51.100.8/32", 600, NOW);
	let_files_grow(false);
	for (unsigned i = 0; i < TURNS; i++) {
		n_tries += turn(NOW);
		if (i == TURNS / 2)
			note(0, "198.51.100.9/32", DAY, NOW);
	}
	assert_in_range(n_tries, 2, 5); // it goes on, but does not wear out the disk
	assert_true(bans.is_failing);
	let_files_grow(true);
	for (unsigned i = 0; i < TURNS; i++)
		n_left += turn(NOW);
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
	assert_null(state_db_open(file, &err));
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
			struct ban_asked *asked = bans_add(&bans, 0, &address, DAY, NOW, &err);

			if (wait_for(asked, &unkept, &err) != 0 || unkept.text[0] != '\0')
				_exit(1);
		} else {
			bans_note(&bans, 0, &address, DAY, NOW);
			if (i % 17 != 16)
				continue;
			turn(NOW);
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
	const struct CMUnitTest tests[] = {
		TEST(without_a_state_file_bans_hold_until_the_end),
		TEST(a_second_process_does_not_get_the_file),
		TEST(a_file_that_is_no_database_is_left_alone),
		TEST(a_ban_that_a_full_disk_refuses_holds_and_the_answer_says_so),
		TEST(what_a_full_disk_refused_is_written_once_there_is_room),
		TEST(an_end_on_a_full_disk_is_an_end),
		TEST(a_newer_releases_file_is_left_alone),
		TEST(each_commit_is_on_the_disk_before_it_is_acknowledged),
		TEST(what_was_acknowledged_outlives_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
