// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/rule_counts.h"
#include "tests/unit/policy_fixture.h"

#define FOLDER "/var/tmp/policy_change_test.XXXXXX"
#define NOW    POLICY_FIXTURE_NOW

static char folder[] = FOLDER, list[64];

static int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(list, sizeof(list), "%s/list", folder);
	setenv("TZ", "UTC0", 1);
	return 0;
}

static int teardown(void **state)
{
	policy_fixture_close();
	unlink(list);
	return rmdir(folder);
}

static void open_text(const char *text)
{
	struct error err = {0};

	if (policy_fixture_open(text, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

// --- files of sets ---

// As if it had been written at `when`.
static void write_list(const char *text, int64_t when)
{
	struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
	FILE *out = fopen(list, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(utimensat(AT_FDCWD, list, times, 0), 0);
}

static void open_with_list(void)
{
	char text[1024];

	snprintf(text, sizeof(text),
		LAN_AND_WAN "sets: {black: {addresses: 198.51.100.1, file: %s}}\n"
			    "firewall: {forward: [{source: black, action: drop}]}\n",
		list);
	open_text(text);
}

static const char *what_is_black(void)
{
	return policy_fixture_set(recording.policy.rules[0].source.set);
}

// As control/apply/job.c does it while the loop goes on.
static int read_files(struct set_files_wish wish, int64_t now, struct error *err)
{
	struct firewall *firewall = &fixture.firewall;
	struct firewall_next next;
	int rc;

	*err = (struct error){0};
	assert_int_equal(firewall_next_init(firewall, fixture.config, &next, err), 0);
	next.wish = wish;
	rc = firewall_prepare(firewall, &next, err);
	if (rc == 0)
		rc = firewall_exchange(firewall, &next, now, err);
	firewall_next_fini(&next);
	firewall_next_over(firewall, now);
	return rc;
}

static int reload(struct error *err)
{
	return read_files((struct set_files_wish){.set = "black"}, NOW, err);
}

static void next_minute(int64_t now)
{
	struct error err;

	if (firewall_every_minute(&fixture.firewall, now))
		assert_int_equal(read_files((struct set_files_wish){.how = SET_FILES_ANEW,
						    .now = (time_t)now},
					 now, &err),
			0);
}

static void a_changed_file_is_taken_at_the_next_minute(void **state)
{
	write_list("203.0.113.0/24\n", NOW - 1000);
	open_with_list();
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/24]");
	next_minute(NOW);
	assert_int_equal(recording.n_policies, 1); // it has not changed

	write_list("203.0.113.0/25\n", NOW - 1);
	next_minute(NOW);
	assert_int_equal(recording.n_policies, 1); // perhaps it is being written
	next_minute(NOW + 60);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/25]");
	assert_int_equal(recording.n_policies, 2);
}

static void a_change_that_keeps_size_and_time_is_taken(void **state)
{
	write_list("203.0.113.0/24\n", NOW - 1000);
	open_with_list();
	usleep(50000); // longer than the tick that a file's times are in
	write_list("203.0.112.0/24\n", NOW - 1000);
	next_minute(NOW);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.112.0/24]");
	next_minute(NOW + 60);
	assert_int_equal(recording.n_policies, 2);
}

static void a_bad_file_leaves_what_was_there_and_is_not_tried_again(void **state)
{
	struct error err;

	write_list("203.0.113.0/24\n", NOW - 1000);
	open_with_list();
	write_list("203.0.113.0/24\nwhat?\n", NOW - 100);
	next_minute(NOW);
	next_minute(NOW + 60);
	assert_int_equal(recording.n_policies, 1);
	assert_int_equal(reload(&err), -1);
	assert_int_equal(firewall_update(&fixture.firewall, NOW, &err), 0);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/24]");

	unlink(list);
	next_minute(NOW + 120);
	assert_int_equal(reload(&err), -1);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/24]");
}

static void a_file_that_comes_late_is_taken_then(void **state)
{
	open_with_list();
	assert_string_equal(what_is_black(), "[198.51.100.1/32]");
	write_list("203.0.113.0/24\n", NOW - 100);
	next_minute(NOW);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/24]");
}

static void reload_does_not_wait(void **state)
{
	struct error err;

	write_list("203.0.113.0/24\n", NOW);
	open_with_list();
	write_list("203.0.113.9\n", NOW);
	assert_int_equal(reload(&err), 0);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.9/32]");
}

static void what_the_workers_refuse_is_not_taken_the_next_time_either(void **state)
{
	struct error err;

	write_list("203.0.113.0/24\n", NOW);
	open_with_list();
	write_list("203.0.113.9\n", NOW);
	recording.is_refusing_policies = true;
	assert_int_equal(reload(&err), -1);
	assert_non_null(strstr(err.text, "as you wish"));
	recording.is_refusing_policies = false;
	assert_int_equal(firewall_update(&fixture.firewall, NOW, &err), 0);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.0/24]");
	assert_int_equal(reload(&err), 0);
	assert_string_equal(what_is_black(), "[198.51.100.1/32 203.0.113.9/32]");
}

static void a_set_without_a_file_cannot_be_reloaded(void **state)
{
	struct error err;

	open_text(LAN_AND_WAN "sets: {black: {addresses: 198.51.100.1}}\n");
	assert_int_equal(reload(&err), -1);
	assert_non_null(strstr(err.text, "no file"));
}

// --- schedules ---

static void schedules_follow_the_minutes(void **state)
{
	const int64_t midnight = NOW - NOW % 86400;

	open_text(LAN_AND_WAN "firewall: {forward: [{time: '12:00-13:00', action: drop},"
			      " {time: '22:00-23:00', action: drop}]}\n"); // NOW is 22:13
	assert_int_equal(recording.schedules, 2);
	assert_int_equal(recording.n_schedule_sets, 0); // they came with the policy
	next_minute(midnight + 22 * 3600 + 59 * 60);
	assert_int_equal(recording.n_schedule_sets, 0); // live flows are judged again at each
	next_minute(midnight + 23 * 3600);
	assert_int_equal(recording.schedules, 0);
	next_minute(midnight + 12 * 3600);
	assert_int_equal(recording.schedules, 1);
	assert_int_equal(recording.n_schedule_sets, 2);
}

// --- counts ---

static void counts_go_on_when_the_policy_changes(void **state)
{
	struct error err;

	open_text(LAN_AND_WAN "firewall: {forward: [{count: a, action: drop}, {count: b}]}\n");
	recording.rule_counts[1] = (struct dp_count){10, 1000};
	recording.named_counts[1] = (struct dp_count){11, 1100};
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(firewall_update(&fixture.firewall, NOW, &err), 0);
		assert_int_equal(recording.rule_counts[0].packets, 0);
		assert_int_equal(recording.rule_counts[1].packets, 10 + i);
		assert_int_equal(recording.rule_counts[1].bytes, 1000);
		assert_int_equal(recording.named_counts[0].packets, 0);
		assert_int_equal(recording.named_counts[1].bytes, 1100);
		recording.rule_counts[1].packets++;
	}
}

static void a_rule_that_stays_counts_on_wherever_it_moves(void **state)
{
	static const char before[] =
		LAN_AND_WAN "firewall: {input: [{port: 1, action: drop}, {port: 2, action: drop},"
			    " {port: 2, action: drop}, {port: 3, count: c, action: drop}],"
			    " output: [{port: 2, action: drop}]}\n";
	static const char after[] =
		LAN_AND_WAN "firewall: {input: [{count: d}, {port: 3, count: c, action: drop},"
			    " {port: 2, action: drop}, {port: 1, action: accept},"
			    " {port: 2, action: drop, comment: new}, {port: 2, action: drop}]}\n";
	enum { NONE = DP_RULES_MAX };
	static const uint32_t expected[] = {NONE, 3, 1, NONE, 2, NONE};
	struct cfg_errors errors = {0};
	struct policy_input input;
	struct config *config;
	struct policy *policy;
	struct error err;

	open_text(before);
	config = config_parse("next.yaml", after, strlen(after), &errors);
	assert_non_null(config);
	cfg_errors_free(&errors);
	input = fixture.firewall.input;
	input.config = config;
	policy = policy_new(&input, &err);
	assert_non_null(policy);
	assert_int_equal(rule_counts_go_on(fixture.firewall.policy, policy), 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(policy->dp.rules_before[i], expected[i]);
	assert_int_equal(policy->dp.counters_before[0], DP_INDEX_NONE);
	assert_int_equal(policy->dp.counters_before[1], 0);
	policy_free(policy);
	config_free(config);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_changed_file_is_taken_at_the_next_minute),
		TEST(a_change_that_keeps_size_and_time_is_taken),
		TEST(a_bad_file_leaves_what_was_there_and_is_not_tried_again),
		TEST(a_file_that_comes_late_is_taken_then),
		TEST(reload_does_not_wait),
		TEST(what_the_workers_refuse_is_not_taken_the_next_time_either),
		TEST(a_set_without_a_file_cannot_be_reloaded),
		TEST(schedules_follow_the_minutes),
		TEST(counts_go_on_when_the_policy_changes),
		TEST(a_rule_that_stays_counts_on_wherever_it_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
