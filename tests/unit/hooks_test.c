// SPDX-License-Identifier: BSD-3-Clause
// Programs that are told what happens: what they are given, their order, and those that hang, die
// or are too many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/eventfd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_hook.h"
#include "control/hooks.h"
#include "tests/unit/program_folder.h"

enum { LIMIT_MS = 20000 };

static struct program_folder folder;
static struct hooks *hooks;

static int set_up(void **state)
{
	hooks = hooks_new();
	return hooks == NULL ? -1 : program_folder_make(&folder);
}

static int tear_down(void **state)
{
	hooks_free(hooks);
	return program_folder_remove(&folder);
}

static void write_script(const char *script)
{
	char text[1024];

	snprintf(text, sizeof(text), "told=%s\n%s", folder.told, script);
	assert_int_equal(program_folder_write(&folder, text), 0);
}

static void begin(struct hook_call *call)
{
	hook_call_begin(call, folder.program);
}

static uint64_t n_ended(void)
{
	struct hook_counts counts;

	hooks_count(hooks, &counts);
	return counts.done + counts.failed + counts.timed_out + counts.refused;
}

static void wait_for_ends(uint64_t n)
{
	uint64_t until_ms = clock_now_ms() + LIMIT_MS;

	while (n_ended() < n) {
		assert_true(clock_now_ms() < until_ms);
		usleep(1000);
	}
}

static const char *told(void)
{
	static char text[1 << 16];
	FILE *file = fopen(folder.told, "r");
	size_t n;

	if (file == NULL)
		return "";
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void expect_told(const char *what)
{
	if (strstr(told(), what) == NULL)
		fail_msg("`%s` is not in:\n%s", what, told());
}

static void a_program_has_its_words_and_nothing_else_of_ours(void **state)
{
	struct hook_call call;
	int open_fd = eventfd(0, 0); // not closed on exec

	write_script("echo \"$# $1 $2\" > $told; env >> $told; ls /proc/self/fd >> $told\n"
		     "pwd >> $told; cat >> $told");
	setenv("SECRET_OF_OURS", "1", 1);
	begin(&call);
	hook_call_argument(&call, "a b;c");
	hook_call_argument(&call, "$(d)");
	hook_call_set(&call, "MILLRACE_X", "%d %s", 7, "e");
	assert_true(hooks_add(hooks, "dhcp lan", &call));
	wait_for_ends(1);
	close(open_fd);
	expect_told("2 a b;c $(d)\n");
	expect_told("MILLRACE_X=7 e\n");
	expect_told("PATH=/");
	expect_told("\n/\n");	       // its folder
	expect_told("\n0\n1\n2\n3\n"); // the last is that of `ls`
	assert_null(strstr(told(), "\n4\n"));
	assert_null(strstr(told(), "SECRET"));
}

static void they_run_one_after_the_other_in_order(void **state)
{
	struct hook_call call;
	char number[16], expected[8192];
	size_t len = 0;

	write_script(
		"echo begin $1 >> $told; [ $(($1 % 50)) = 0 ] && sleep 0.1; echo end $1 >> $told");
	for (unsigned i = 0; i < 200; i++) {
		begin(&call);
		snprintf(number, sizeof(number), "%u", i);
		hook_call_argument(&call, number);
		assert_true(hooks_add(hooks, "dhcp lan", &call));
		len += (size_t)snprintf(
			expected + len, sizeof(expected) - len, "begin %u\nend %u\n", i, i);
	}
	wait_for_ends(200);
	assert_string_equal(told(), expected);
}

static bool is_alive(pid_t pid)
{
	char path[32], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	fclose(file);
	return text[0] != '\0' && strstr(text, ") Z ") == NULL;
}

static void who_takes_too_long_is_killed_with_all_that_it_started(void **state)
{
	int stop_fd = eventfd(0, EFD_CLOEXEC);
	char *arguments[] = {folder.program, NULL}, *environment[] = {"PATH=/usr/bin:/bin", NULL};
	struct hook_process process = {.object = "dhcp lan",
		.program = folder.program,
		.arguments = arguments,
		.environment = environment,
		.stop_fd = stop_fd,
		.limit_ms = 300};
	uint64_t began_ms = clock_now_ms(), until_ms = began_ms + LIMIT_MS;
	pid_t pid;

	write_script("sleep 1000 & echo $! > $told; trap '' TERM; wait");
	assert_int_equal(hook_process_run(&process), HOOK_TIMED_OUT);
	assert_true(clock_now_ms() - began_ms >= 300);
	pid = atoi(told());
	assert_true(pid > 1);
	while (is_alive(pid)) {
		assert_true(clock_now_ms() < until_ms);
		usleep(1000);
	}
	close(stop_fd);
}

static void one_that_runs_does_not_hold_up_the_end(void **state)
{
	struct hook_call call;
	uint64_t began_ms, until_ms = clock_now_ms() + LIMIT_MS;

	write_script("echo here > $told; sleep 1000");
	for (unsigned i = 0; i < 3; i++) {
		begin(&call);
		assert_true(hooks_add(hooks, "dhcp lan", &call));
	}
	while (told()[0] == '\0') {
		assert_true(clock_now_ms() < until_ms);
		usleep(1000);
	}
	began_ms = clock_now_ms();
	hooks_free(hooks);
	hooks = NULL;
	assert_in_range(clock_now_ms() - began_ms, 0, HOOK_LIMIT_MS / 2);
}

static void what_goes_wrong_is_counted(void **state)
{
	static const char *const scripts[] = {"exit 3", "kill -9 $$", "sleep 2 & exit 0"};
	struct hook_counts counts;
	struct hook_call call;

	for (unsigned i = 0; i < 3; i++) {
		write_script(scripts[i]);
		begin(&call);
		assert_true(hooks_add(hooks, "dhcp lan", &call));
		wait_for_ends(i + 1); // the last has ended, though what it started holds its pipe
	}
	hook_call_begin(&call, "/absent/hook");
	assert_true(hooks_add(hooks, "dhcp lan", &call));
	wait_for_ends(4);
	assert_int_equal(chmod(folder.program, 0777), 0);
	begin(&call);
	assert_true(hooks_add(hooks, "dhcp lan", &call));
	wait_for_ends(5);
	hooks_count(hooks, &counts);
	assert_int_equal(counts.done, 1);
	assert_int_equal(counts.failed, 2);
	assert_int_equal(counts.refused, 2);
	assert_int_equal(counts.timed_out, 0);
	assert_int_equal(counts.dropped, 0);
}

static void what_finds_no_room_is_dropped_and_counted(void **state)
{
	struct hook_counts counts;
	struct hook_call call;
	unsigned n = 0;
	char long_text[HOOKS_BYTES_MAX + 1];

	write_script("sleep 1000");
	begin(&call);
	while (n < 2 * HOOKS_WAITING_MAX && hooks_add(hooks, "dhcp lan", &call))
		n++;
	assert_in_range(n, HOOKS_WAITING_MAX, HOOKS_WAITING_MAX + 1); // one of them runs
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	begin(&call);
	hook_call_argument(&call, long_text);
	assert_false(hooks_add(hooks, "dhcp lan", &call)); // rather none than half
	hooks_count(hooks, &counts);
	assert_int_equal(counts.dropped, 2);
}

static unsigned n_lines;

static void note_line(void *ctx, const struct log_line *line)
{
	if (strcmp(line->object, "dhcp words") != 0)
		return;
	n_lines++;
	assert_int_equal(line->part, LOG_PART_DHCP);
	assert_non_null(
		strstr(line->text, n_lines <= HOOK_LINES_MAX ? "hook: line" : "5 lines more"));
}

static void what_it_says_is_in_the_log_up_to_a_number_of_lines(void **state)
{
	struct log_query query = {.level = LOG_LEVEL_INFO, .has_part = true, .part = LOG_PART_DHCP};
	struct hook_call call;

	write_script("for i in $(seq 25); do echo line $i; done >&2");
	begin(&call);
	assert_true(hooks_add(hooks, "dhcp words", &call));
	wait_for_ends(1);
	log_recent(&query, 200, note_line, NULL);
	assert_int_equal(n_lines, HOOK_LINES_MAX + 1);
}

static void a_lease_is_told_in_words_that_a_script_can_trust(void **state)
{
	static const struct {
		enum dhcp4_event event;
		const char *action, *name;
	} rows[] = {
		{DHCP4_GIVEN, "add", "given"},
		{DHCP4_RENEWED, "old", "renewed"},
		{DHCP4_RELEASED, "del", "released"},
		{DHCP4_EXPIRED, "del", "expired"},
		{DHCP4_WAS_DECLINED, "del", "declined"},
	};
	struct cfg_dhcp_subnet subnet = {
		.name = "home", .interface = "lan", .hook = folder.program};
	struct dhcp4_scope scope = {.config = &subnet};
	struct dhcp4_lease lease = {.address = 0xc6120064,
		.mac = {{2, 0, 0x5e, 0, 0x53, 7}},
		.client = {.bytes = {1, 0xff, 0x0a}, .n = 3},
		.host_name = "-John's $(reboot) Mac",
		.since = 1700000000};
	struct hook_call call;
	char expected[128];

	write_script("echo \"$1 $2 $3 $4\" >> $told; env | grep MILLRACE_ >> $told");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dhcp4_hook_call_server(&call, rows[i].event, &scope, &lease, 3600);
		assert_true(hooks_add(hooks, "dhcp home", &call));
		wait_for_ends(i + 1);
		snprintf(expected, sizeof(expected),
			"%s 02:00:5e:00:53:07 198.18.0.100 john-s-reboot-mac\n", rows[i].action);
		expect_told(expected);
		snprintf(expected, sizeof(expected), "MILLRACE_EVENT=%s\n", rows[i].name);
		expect_told(expected);
	}
	expect_told("MILLRACE_SUBNET=home\n");
	expect_told("MILLRACE_INTERFACE=lan\n");
	expect_told("MILLRACE_ADDRESS=198.18.0.100\n");
	expect_told("MILLRACE_MAC=02:00:5e:00:53:07\n");
	expect_told("MILLRACE_CLIENT_ID=ff0a\n");
	expect_told("MILLRACE_NAME=john-s-reboot-mac\n");
	expect_told("MILLRACE_DOMAIN=\n");
	expect_told("MILLRACE_LEFT_SEC=3600\n");
	expect_told("MILLRACE_SINCE=1700000000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_program_has_its_words_and_nothing_else_of_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			they_run_one_after_the_other_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_takes_too_long_is_killed_with_all_that_it_started, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_runs_does_not_hold_up_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_goes_wrong_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_finds_no_room_is_dropped_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_it_says_is_in_the_log_up_to_a_number_of_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_lease_is_told_in_words_that_a_script_can_trust, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
