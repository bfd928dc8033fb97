// SPDX-License-Identifier: BSD-3-Clause
// What the state file keeps of the configs that a router was given.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/history.h"
#include "control/state_db.h"

#define FOLDER "/var/tmp/history_test.XXXXXX"

static char folder[] = FOLDER, file[64];
static sqlite3 *db;
static struct history *history;

static void open_history(const char *origin)
{
	struct error err = {0};

	if (db == NULL)
		db = state_db_open(file, &err);
	history = db == NULL ? NULL : history_open(db, origin, &err);
	if (history == NULL)
		fail_msg("%s", err.text);
}

static void close_history(void)
{
	history_close(history);
	state_db_close(db);
	history = NULL;
	db = NULL;
}

static int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/state.db", folder);
	open_history("/etc/millrace.yaml");
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	close_history();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int64_t add(enum revision_state as, const char *text)
{
	struct revision revision = {.at = 1700000000,
		.state = as,
		.uid = 1000,
		.who = "millrace[7]",
		.why = "because",
		.file = "/home/op/new.yaml",
		.file_hash = 0xfedcba9876543210};
	struct error err = {0};
	int64_t number;

	if (history_add(history, &revision, text, strlen(text), &number, &err) != 0)
		fail_msg("%s", err.text);
	return number;
}

static unsigned n_seen;
static struct revision seen; // without its texts
static char seen_who[128], seen_why[512], seen_file[128];

static void look(void *ctx, const struct revision *revision)
{
	if (n_seen++ > 0)
		return;
	seen = *revision;
	snprintf(seen_who, sizeof(seen_who), "%s", revision->who);
	snprintf(seen_why, sizeof(seen_why), "%s", revision->why);
	snprintf(seen_file, sizeof(seen_file), "%s", revision->file);
}

// How many there are; the newest is in `seen`.
static unsigned count(int64_t number)
{
	n_seen = 0;
	history_each(history, number, look, NULL);
	return n_seen;
}

static void assert_text(int64_t number, const char *text)
{
	struct error err = {0};
	size_t bytes;
	char *got = history_text(history, number, &bytes, &err);

	assert_non_null(got);
	assert_int_equal(bytes, strlen(text));
	assert_string_equal(got, text);
	free(got);
}

static void what_was_given_is_there_after_a_restart(void **state)
{
	int64_t first = add(REVISION_GOOD, "one"), second = add(REVISION_TRIAL, "two");

	close_history();
	open_history("/etc/millrace.yaml");
	assert_int_equal(count(0), 2);
	assert_int_equal(seen.number, second);
	assert_int_equal(seen.at, 1700000000);
	assert_int_equal(seen.state, REVISION_TRIAL);
	assert_int_equal(seen.uid, 1000);
	assert_true(seen.file_hash == 0xfedcba9876543210);
	assert_string_equal(seen_who, "millrace[7]");
	assert_string_equal(seen_why, "because");
	assert_string_equal(seen_file, "/home/op/new.yaml");
	assert_text(first, "one");
	assert_text(second, "two");
	assert_int_equal(count(first), 1);
	assert_int_equal(seen.number, first);
}

static void what_stood_its_test_is_good_and_what_did_not_is_not(void **state)
{
	int64_t first = add(REVISION_GOOD, "one"), second = add(REVISION_TRIAL, "two");
	struct error err = {0};

	assert_int_equal(history_newest(history, REVISION_GOOD), first);
	assert_int_equal(history_newest(history, REVISION_TRIAL), second);
	assert_int_equal(history_settle(history, second, REVISION_GOOD, &err), 0);
	assert_int_equal(history_newest(history, REVISION_TRIAL), 0);
	assert_int_equal(history_newest(history, REVISION_GOOD), second);
	assert_int_equal(history_before(history, second), first);
	assert_int_equal(history_before(history, first), 0);
	assert_int_equal(history_settle(history, second, REVISION_UNDONE, &err), 0);
	assert_int_equal(history_newest(history, REVISION_GOOD), first);
	assert_int_equal(history_forget(history, second, &err), 0);
	assert_int_equal(count(0), 1);
}

static void a_number_is_never_given_twice(void **state)
{
	int64_t first = add(REVISION_TRIAL, "one");
	struct error err = {0};

	assert_int_equal(history_forget(history, first, &err), 0);
	assert_true(add(REVISION_GOOD, "two") > first);
}

static void one_that_is_not_there_is_named(void **state)
{
	struct error err = {0};
	size_t bytes;

	assert_null(history_text(history, 77, &bytes, &err));
	assert_non_null(strstr(err.text, "77"));
}

static void daemons_that_start_from_different_files_do_not_meet(void **state)
{
	int64_t first = add(REVISION_GOOD, "one");
	struct error err = {0};
	size_t bytes;

	history_close(history);
	open_history("/etc/other.yaml");
	assert_int_equal(count(0), 0);
	assert_int_equal(history_newest(history, REVISION_GOOD), 0);
	assert_null(history_text(history, first, &bytes, &err));
}

static void the_oldest_go_and_the_good_one_stays(void **state)
{
	int64_t good = add(REVISION_GOOD, "good"), last = 0;

	for (int i = 0; i < HISTORY_KEPT + 20; i++)
		last = add(REVISION_UNDONE, "bad");
	assert_int_equal(count(0), HISTORY_KEPT + 1);
	assert_int_equal(seen.number, last);
	assert_text(good, "good");
	assert_int_equal(count(good + 1), 0);
}

static void large_texts_are_fewer(void **state)
{
	enum { BYTES = HISTORY_BYTES_MAX / 4 };
	char *text = malloc(BYTES + 1);

	assert_non_null(text);
	memset(text, 'x', BYTES);
	text[BYTES] = '\0';
	for (int i = 0; i < 7; i++)
		add(REVISION_GOOD, text);
	free(text);
	assert_int_equal(count(0), 4);
}

static void words_that_are_too_long_are_cut_between_characters(void **state)
{
	char why[HISTORY_WHY_MAX + 40], who[HISTORY_WHO_MAX + 40];
	struct revision revision = {.who = who, .why = why, .file = ""};
	struct error err = {0};
	int64_t number;

	memset(who, 'w', sizeof(who));
	who[sizeof(who) - 1] = '\0';
	memset(why, 'y', sizeof(why));
	memcpy(why + HISTORY_WHY_MAX - 1, "\xc3\xa4", 2); // half of it would be no text
	why[sizeof(why) - 1] = '\0';
	assert_int_equal(history_add(history, &revision, "", 0, &number, &err), 0);
	assert_text(number, "");
	assert_int_equal(count(0), 1);
	assert_int_equal(strlen(seen_who), HISTORY_WHO_MAX);
	assert_int_equal(strlen(seen_why), HISTORY_WHY_MAX - 1);
}

static void a_file_that_takes_nothing_says_so_and_stays_whole(void **state)
{
	struct revision revision = {.who = "", .why = "", .file = ""};
	struct error err = {0};
	int64_t number;

	add(REVISION_GOOD, "one");
	assert_int_equal(state_db_run(db, "PRAGMA query_only = 1", &err), 0);
	assert_int_equal(history_add(history, &revision, "two", 3, &number, &err), -1);
	assert_non_null(strstr(err.text, "history"));
	assert_int_equal(history_settle(history, 1, REVISION_UNDONE, &err), -1);
	assert_int_equal(state_db_run(db, "PRAGMA query_only = 0", &err), 0);
	assert_int_equal(count(0), 1);
	add(REVISION_GOOD, "three");
	assert_int_equal(count(0), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_given_is_there_after_a_restart),
		TEST(what_stood_its_test_is_good_and_what_did_not_is_not),
		TEST(a_number_is_never_given_twice),
		TEST(one_that_is_not_there_is_named),
		TEST(daemons_that_start_from_different_files_do_not_meet),
		TEST(the_oldest_go_and_the_good_one_stays),
		TEST(large_texts_are_fewer),
		TEST(words_that_are_too_long_are_cut_between_characters),
		TEST(a_file_that_takes_nothing_says_so_and_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
