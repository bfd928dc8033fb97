// SPDX-License-Identifier: BSD-3-Clause
// What a daemon begins with: the file, or the last good one of the history.
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
#include <sys/stat.h>
#include <unistd.h>

#include "control/apply/start.h"
#include "control/state_db.h"
#include "tests/unit/recording_dataplane.h"

#define FOLDER "/var/tmp/start_test.XXXXXX"

static char folder[] = FOLDER, file[64], state_file[64];
static struct start start;

static int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/router.yaml", folder);
	snprintf(state_file, sizeof(state_file), "%s/state.db", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	start_fini(&start);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void write_file(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

// A config known by its only route.
static const char *text_of(const char *route)
{
	static char text[512];

	snprintf(text, sizeof(text),
		"ports: {p: {driver: 'null'}}\ninterfaces: {lan: {port: p, addresses: "
		"198.18.0.1/24}}\nroutes: [{to: %s, type: blackhole}]\nstate: {file: %s}\n",
		route, state_file);
	return text;
}

static int begin(void)
{
	start_fini(&start);
	return start_choose(&start, file, state_file);
}

static void assert_begins_with(const char *route)
{
	char text[ADDR_STR_BYTES];

	assert_int_equal(begin(), 0);
	assert_string_equal(ip_prefix_str(&start.source.config->routes[0].to, text), route);
}

// What a daemon that ran with `route` leaves in the history, the file being what it is.
static int64_t ran_with(const char *route, enum revision_state as)
{
	struct cfg_errors errors = {0};
	struct error err = {0};
	const char *text = text_of(route);
	struct source source;
	struct revision revision = {.who = "test", .why = "", .file = file, .state = as};
	int64_t number;

	if (start.history == NULL)
		assert_int_equal(begin(), 0);
	revision.file_hash = source_hash_file(file);
	assert_int_equal(source_parse(&source, "x", text, strlen(text), &errors), 0);
	assert_int_equal(
		history_add(start.history, &revision, source.text, source.bytes, &number, &err), 0);
	source_fini(&source);
	cfg_errors_free(&errors);
	return number;
}

static void the_first_time_it_is_the_file(void **state)
{
	write_file(text_of("192.0.2.0/24"));
	assert_begins_with("192.0.2.0/24");
	assert_int_equal(start.present, 0);
	assert_string_equal(start.note.text, "");
	assert_int_equal(access(state_file, F_OK), 0);
}

static void a_broken_file_without_a_history_is_nothing_to_begin_with(void **state)
{
	write_file("ports: [\n");
	assert_int_equal(begin(), -1);
	assert_int_equal(access(state_file, F_OK), -1); // and makes none
	assert_int_equal(unlink(file), 0);
	assert_int_equal(begin(), -1);
}

static void a_file_that_is_as_it_was_is_the_same_revision(void **state)
{
	int64_t number;

	write_file(text_of("192.0.2.0/24"));
	number = ran_with("192.0.2.0/24", REVISION_GOOD);
	assert_begins_with("192.0.2.0/24");
	assert_int_equal(start.present, number);
	assert_string_equal(start.note.text, "");
	assert_string_equal(start.source.config->file, file);
}

static void a_file_that_somebody_has_changed_is_meant(void **state)
{
	write_file(text_of("192.0.2.0/24"));
	ran_with("192.0.2.0/24", REVISION_GOOD);
	write_file(text_of("198.51.100.0/24"));
	assert_begins_with("198.51.100.0/24");
	assert_int_equal(start.present, 0);
	assert_string_equal(start.note.text, "");
}

static void what_the_router_was_given_since_is_in_force(void **state)
{
	int64_t number;

	write_file(text_of("192.0.2.0/24"));
	ran_with("192.0.2.0/24", REVISION_GOOD);
	number = ran_with("203.0.113.0/24", REVISION_GOOD);
	for (int i = 0; i < 2; i++) {
		assert_begins_with("203.0.113.0/24");
		assert_int_equal(start.present, number);
		assert_non_null(strstr(start.note.text, "nobody has changed since"));
	}
}

static void a_broken_file_gives_way_to_the_last_good_one(void **state)
{
	int64_t number = 0;

	write_file(text_of("192.0.2.0/24"));
	ran_with("192.0.2.0/24", REVISION_GOOD);
	write_file("ports: [\n");
	for (int i = 0; i < 3; i++) {
		assert_begins_with("192.0.2.0/24");
		assert_non_null(strstr(start.note.text, "cannot be taken"));
		// noted once, however often it starts
		assert_true(number == 0 || start.present == number);
		number = start.present;
	}
	assert_int_equal(unlink(file), 0);
	assert_begins_with("192.0.2.0/24");
	write_file(text_of("198.51.100.0/24"));
	assert_begins_with("198.51.100.0/24");
}

static void what_was_on_trial_is_not_taken(void **state)
{
	int64_t trial;

	write_file(text_of("192.0.2.0/24"));
	ran_with("192.0.2.0/24", REVISION_GOOD);
	write_file(text_of("198.51.100.0/24"));
	trial = ran_with("198.51.100.0/24", REVISION_TRIAL);
	assert_begins_with("192.0.2.0/24");
	assert_non_null(strstr(start.note.text, "was not confirmed"));
	assert_int_equal(history_newest(start.history, REVISION_TRIAL), 0);
	assert_true(start.present > trial);
	for (int i = 0; i < 2; i++) // and not the next time
		assert_begins_with("192.0.2.0/24");
}

static void what_was_on_trial_and_changed_since_is_meant(void **state)
{
	write_file(text_of("192.0.2.0/24"));
	ran_with("192.0.2.0/24", REVISION_GOOD);
	ran_with("198.51.100.0/24", REVISION_TRIAL);
	write_file(text_of("203.0.113.0/24"));
	assert_begins_with("203.0.113.0/24");
	assert_int_equal(history_newest(start.history, REVISION_TRIAL), 0);
}

// It ended after it was confirmed, and was tried and taken back before.
static void an_old_trial_means_nothing(void **state)
{
	int64_t good;

	write_file(text_of("192.0.2.0/24"));
	ran_with("198.51.100.0/24", REVISION_TRIAL);
	good = ran_with("192.0.2.0/24", REVISION_GOOD);
	assert_begins_with("192.0.2.0/24");
	assert_int_equal(start.present, good);
	assert_string_equal(start.note.text, "");
	assert_int_equal(history_newest(start.history, REVISION_TRIAL), 0);
}

static void a_history_that_this_release_cannot_read_is_left_alone(void **state)
{
	struct revision revision = {.who = "", .why = "", .file = file};
	struct error err = {0};
	int64_t number;

	write_file(text_of("192.0.2.0/24"));
	assert_int_equal(begin(), 0);
	assert_int_equal(
		history_add(start.history, &revision, "nonsense: 1\n", 12, &number, &err), 0);
	write_file("ports: [\n");
	assert_int_equal(begin(), -1);
}

static void a_pipe_is_not_waited_for(void **state)
{
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(begin(), -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_time_it_is_the_file),
		TEST(a_broken_file_without_a_history_is_nothing_to_begin_with),
		TEST(a_file_that_is_as_it_was_is_the_same_revision),
		TEST(a_file_that_somebody_has_changed_is_meant),
		TEST(what_the_router_was_given_since_is_in_force),
		TEST(a_broken_file_gives_way_to_the_last_good_one),
		TEST(what_was_on_trial_is_not_taken),
		TEST(what_was_on_trial_and_changed_since_is_meant),
		TEST(an_old_trial_means_nothing),
		TEST(a_history_that_this_release_cannot_read_is_left_alone),
		TEST(a_pipe_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
