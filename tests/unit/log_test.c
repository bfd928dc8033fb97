// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "cfg/base/log_limit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- what came out ---

static char said[64 << 10];

// What `fn` writes to stderr.
static const char *stderr_of(void (*fn)(void))
{
	int before = dup(STDERR_FILENO), file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	ssize_t n;

	assert_true(before >= 0 && file >= 0);
	dup2(file, STDERR_FILENO);
	fn();
	dup2(before, STDERR_FILENO);
	n = pread(file, said, sizeof(said) - 1, 0);
	assert_in_range(n, 0, sizeof(said) - 2);
	said[n] = '\0';
	close(file);
	close(before);
	return said;
}

// Behind the time, "2026-11-22T19:04:45.123+01:00 ".
static const char *without_time(const char *line)
{
	int year, month, day, hour, min, sec, ms, zone_hour, zone_min, len = 0;
	char sign;

	assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c%2d:%2d %n", &year, &month,
				 &day, &hour, &min, &sec, &ms, &sign, &zone_hour, &zone_min, &len),
		10);
	assert_true(year >= 2026 && (sign == '+' || sign == '-'));
	assert_int_equal(len, 30);
	return line + len;
}

static struct {
	unsigned n;
	struct log_line last;
	char object[LOG_OBJECT_BYTES], text[LOG_TEXT_BYTES];
	bool refuses;
} sink;

static bool take_line(const struct log_line *line)
{
	if (sink.refuses)
		return false;
	sink.n++;
	sink.last = *line;
	snprintf(sink.object, sizeof(sink.object), "%s", line->object);
	snprintf(sink.text, sizeof(sink.text), "%s", line->text);
	return true;
}

static int setup(void **state)
{
	memset(&sink, 0, sizeof(sink));
	for (unsigned i = 0; i < LOG_PARTS; i++) {
		log_clear_by_hand((enum log_part)i);
		log_set_configured((enum log_part)i, LOG_LEVEL_INFO);
	}
	log_set_sink(take_line);
	return 0;
}

// --- text from anybody ---

static void a_line_stays_one_line_whatever_is_in_it(void **state)
{
	log_warning("set a\nb", "host %s is odd", "\n<0>kernel: root logged in");
	assert_string_equal(sink.object, "set a\\x0ab");
	assert_string_equal(sink.text, "host \\x0a<0>kernel: root logged in is odd");
	log_warning("set a", "%05000d", 1);
	assert_int_equal(strlen(sink.text), LOG_TEXT_BYTES - 1);
	assert_string_equal(sink.text + LOG_TEXT_BYTES - 4, "...");
}

// --- parts and levels ---

static void the_first_word_of_an_object_tells_its_part(void **state)
{
	static const struct {
		const char *object;
		enum log_part part;
	} rows[] = {
		{"control", LOG_PART_CONTROL},
		{"port wan", LOG_PART_DRIVERS},
		{"drivers", LOG_PART_DRIVERS},
		{"dpdk", LOG_PART_DPDK},
		{"dhcp lan", LOG_PART_DHCP},
		{"worker 1", LOG_PART_DATAPLANE},
		{"flows", LOG_PART_DATAPLANE},
		{"set banned", LOG_PART_FIREWALL},
		{"interface lan", LOG_PART_INTERFACES},
		{"route 0.0.0.0/0", LOG_PART_ROUTES},
		{"nat", LOG_PART_NAT},
		{"nations", LOG_PART_CONTROL},
		{"something else", LOG_PART_CONTROL},
		{"", LOG_PART_CONTROL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		log_info(rows[i].object, "x");
		assert_int_equal(sink.last.part, rows[i].part);
		assert_string_equal(sink.object, rows[i].object);
	}
	for (unsigned i = 0; i < LOG_PARTS; i++)
		assert_int_equal(log_part_find(log_part_name((enum log_part)i)), i);
	for (unsigned i = 0; i < LOG_LEVELS; i++)
		assert_int_equal(log_level_find(log_level_name((enum log_level)i)), i);
	assert_int_equal(log_part_find("nothing"), -1);
	assert_int_equal(log_level_find("warn"), -1);
}

static bool is_said(const char *object, enum log_level level)
{
	unsigned before = sink.n;

	switch (level) {
	case LOG_LEVEL_ERROR:
		log_error(object, "said");
		break;
	case LOG_LEVEL_WARNING:
		log_warning(object, "said");
		break;
	case LOG_LEVEL_INFO:
		log_info(object, "said");
		break;
	case LOG_LEVEL_DEBUG:
		log_debug(object, "said");
		break;
	}
	assert_true(sink.n == before || sink.last.level == level);
	return sink.n > before;
}

static void each_part_has_a_level_of_its_own(void **state)
{
	struct log_part_state drivers;

	assert_false(is_said("port wan", LOG_LEVEL_DEBUG));
	log_set_configured(LOG_PART_DRIVERS, LOG_LEVEL_DEBUG);
	assert_true(is_said("port wan", LOG_LEVEL_DEBUG));
	assert_false(is_said("control", LOG_LEVEL_DEBUG));
	assert_true(is_said("control", LOG_LEVEL_INFO));

	log_set_by_hand(LOG_PART_DRIVERS, LOG_LEVEL_ERROR);
	log_set_configured(LOG_PART_DRIVERS, LOG_LEVEL_INFO); // by hand goes before it
	assert_false(is_said("port wan", LOG_LEVEL_WARNING));
	assert_true(is_said("port wan", LOG_LEVEL_ERROR));
	log_part_state(LOG_PART_DRIVERS, &drivers);
	assert_true(drivers.is_by_hand && drivers.level == LOG_LEVEL_ERROR);

	log_clear_by_hand(LOG_PART_DRIVERS);
	assert_true(is_said("port wan", LOG_LEVEL_INFO));
	assert_false(is_said("port wan", LOG_LEVEL_DEBUG));
	log_part_state(LOG_PART_DRIVERS, &drivers);
	assert_true(!drivers.is_by_hand && drivers.level == LOG_LEVEL_INFO);
}

// --- limits ---

// Two places with one format, as "%s" is: each its own.
static void flood(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_error("nat", "%s %u", "too much of", i);
}

static void trickle(void)
{
	log_error("nat", "%s %u", "another of", 1u);
}

static void a_place_that_says_too_much_is_cut_short_and_it_is_said(void **state)
{
	enum { SAID = LOG_LIMIT_BURST + 37 };
	struct log_part_state before, after;
	unsigned n_said, n_left_out, n_told = 0;

	log_tell_left_out(true);
	sink.n = 0;
	log_part_state(LOG_PART_NAT, &before);
	flood(SAID);
	n_said = sink.n;
	assert_in_range(n_said, LOG_LIMIT_BURST, SAID - 2); // a slow machine earns a few more
	n_left_out = SAID - n_said;
	trickle();
	assert_int_equal(sink.n, n_said + 1);
	log_tell_left_out(false); // too early
	assert_int_equal(sink.n, n_said + 1);
	log_tell_left_out(true);
	assert_int_equal(sink.n, n_said + 2);
	assert_string_equal(sink.object, "nat");
	assert_int_equal(sscanf(sink.text, "%u similar lines were left out, the first: too much of",
				 &n_told),
		1);
	assert_int_equal(n_told, n_left_out);
	assert_non_null(strstr(sink.text, ", the first: too much of 1"));
	assert_int_equal(sink.last.level, LOG_LEVEL_ERROR);
	log_part_state(LOG_PART_NAT, &after);
	assert_int_equal(after.n_left_out - before.n_left_out, n_left_out);
	assert_int_equal(after.n_lines - before.n_lines, n_said + 2);
	log_tell_left_out(true);
	assert_int_equal(sink.n, n_said + 2);
}

// --- where it goes ---

static void say_some(void)
{
	log_info("port wan", "driver %s", "af_xdp");
	log_debug("port wan", "unheard");
	log_error("control", "no\nway");
}

static void stderr_has_time_level_and_object(void **state)
{
	const char *rest, *second;

	log_set_sink(NULL);
	rest = without_time(stderr_of(say_some));
	second = strchr(rest, '\n') + 1;
	assert_memory_equal(rest, "info    port wan: driver af_xdp\n", second - rest);
	assert_string_equal(without_time(second), "error   control: no\\x0away\n");
}

static void what_a_sink_takes_is_not_on_stderr_too(void **state)
{
	assert_string_equal(stderr_of(say_some), "");
	assert_int_equal(sink.n, 2);
}

static void what_a_sink_refuses_has_the_level_in_front(void **state)
{
	sink.refuses = true;
	assert_string_equal(
		stderr_of(say_some), "<6>port wan: driver af_xdp\n<3>control: no\\x0away\n");
}

// Somebody who reads nothing: each line that has no room is lost at once, and that is said when
// there is some again.
static void who_does_not_read_holds_nobody_up(void **state)
{
	enum { LINES = 4000 };
	int before = dup(STDERR_FILENO), ends[2];
	ssize_t got;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDERR_FILENO);
	log_set_sink(NULL);
	alarm(20); // it would wait for ever
	for (unsigned i = 0; i < LINES; i++)
		log_packet("rule input/1", "a packet of which a rule wants to tell");
	alarm(0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while ((got = read(ends[0], said, sizeof(said))) > 0)
		;
	log_tell_left_out(false);
	got = read(ends[0], said, sizeof(said) - 1);
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[0]);
	close(ends[1]);
	assert_true(got > 0);
	said[got] = '\0';
	if (strstr(said, "lines were lost") == NULL)
		fail_msg("%s", said);
	assert_in_range(strtol(without_time(said) + strlen("warning control: "), NULL, 10),
		LINES / 4, LINES - 1);
}

static void say_last_words(void)
{
	for (unsigned i = 0; i < 2 * LOG_LIMIT_BURST; i++)
		log_last_words("no card %s", "x\n");
}

static void the_last_words_are_never_left_out(void **state)
{
	char expected[128];
	unsigned n = 0;

	snprintf(expected, sizeof(expected), "%s: no card x\\x0a\n", program_invocation_short_name);
	for (unsigned i = 0; i < LOG_PARTS; i++)
		log_set_by_hand((enum log_part)i, LOG_LEVEL_ERROR);
	log_set_sink(NULL);
	for (const char *at = stderr_of(say_last_words); *at != '\0'; at = strchr(at, '\n') + 1) {
		assert_memory_equal(at, expected, strlen(expected));
		n++;
	}
	assert_int_equal(n, 2 * LOG_LIMIT_BURST);
	log_set_sink(take_line);
	say_last_words();
	assert_int_equal(sink.n, 2 * LOG_LIMIT_BURST);
	assert_int_equal(sink.last.level, LOG_LEVEL_ERROR);
}

// --- several at a time ---

enum { THREADS = 4, LINES_EACH = 100 };

static void *say_many(void *arg)
{
	const char *object = arg;

	for (unsigned i = 0; i < LINES_EACH; i++) {
		log_packet(object, "abcdefghijklmnopqrstuvwxyz");
		log_set_by_hand(LOG_PART_NAT, i % 2 == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
		log_warning("nat", "%s", object);
		log_tell_left_out(false);
	}
	return NULL;
}

static void run_threads(void)
{
	static char objects[THREADS][8] = {"rule a", "rule b", "rule c", "rule d"};
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, say_many, objects[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void lines_of_several_threads_do_not_mix(void **state)
{
	unsigned n = 0;

	log_set_sink(NULL);
	for (const char *at = stderr_of(run_threads); *at != '\0'; at = strchr(at, '\n') + 1) {
		const char *line = without_time(at);
		char object;

		if (strncmp(line, "info    rule ", 13) != 0)
			continue;
		object = line[13];
		assert_in_range(object, 'a', 'd');
		assert_memory_equal(line + 14, ": abcdefghijklmnopqrstuvwxyz\n", 29);
		n++;
	}
	assert_int_equal(n, THREADS * LINES_EACH);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_stays_one_line_whatever_is_in_it),
		TEST(the_first_word_of_an_object_tells_its_part),
		TEST(each_part_has_a_level_of_its_own),
		TEST(a_place_that_says_too_much_is_cut_short_and_it_is_said),
		TEST(stderr_has_time_level_and_object),
		TEST(what_a_sink_takes_is_not_on_stderr_too),
		TEST(what_a_sink_refuses_has_the_level_in_front),
		TEST(who_does_not_read_holds_nobody_up),
		TEST(the_last_words_are_never_left_out),
		TEST(lines_of_several_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
