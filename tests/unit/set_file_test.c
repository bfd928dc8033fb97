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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/set_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct set_elements elements;
static struct set_file_faults faults;

static int parse_bytes(enum cfg_set_kind kind, const char *text, size_t len)
{
	set_elements_fini(&elements);
	elements.kind = kind;
	return set_file_parse("list", text, len, &elements, &faults);
}

static int parse(enum cfg_set_kind kind, const char *text)
{
	return parse_bytes(kind, text, strlen(text));
}

static int teardown(void **state)
{
	set_elements_fini(&elements);
	return 0;
}

static void assert_prefix(unsigned i, const char *expected)
{
	char text[ADDR_STR_BYTES];

	assert_string_equal(ip_prefix_str(&elements.prefixes[i], text), expected);
}

static void comments_blanks_and_line_ends_do_not_count(void **state)
{
	assert_int_equal(parse(CFG_SET_ADDRESSES, "# a list\r\n"
						  "\n"
						  "  198.51.100.7\t # somebody\r\n"
						  "2001:db8::/32#else\n"
						  "\t \n"
						  "203.0.113.4-203.0.113.5"),
		0);
	assert_int_equal(elements.n, 3);
	assert_prefix(0, "198.51.100.7/32");
	assert_prefix(1, "2001:db8::/32");
	assert_prefix(2, "203.0.113.4/31");
}

static void each_kind_is_read(void **state)
{
	assert_int_equal(parse(CFG_SET_PORTS, "443\n8000-8099\nhttps\n"), 0);
	assert_int_equal(elements.n, 3);
	assert_int_equal(elements.ranges[1].last, 8099);
	assert_int_equal(parse(CFG_SET_MACS, "02:00:00:00:00:01\n"), 0);
	assert_int_equal(elements.macs[0].bytes[5], 1);
	assert_int_equal(parse(CFG_SET_INTERFACES, "lan\nabcdefghijklmno\n"), 0);
	assert_string_equal(elements.names[1].text, "abcdefghijklmno");
	assert_int_equal(parse(CFG_SET_ICMP, "echo-request\n"), 0);
	assert_int_equal(elements.ranges[0].first, 8 << 8);
	assert_int_equal(parse(CFG_SET_PROTOCOLS, ""), 0);
	assert_int_equal(elements.n, 0);
}

static void every_fault_has_its_line_and_nothing_is_taken(void **state)
{
	assert_int_equal(
		parse(CFG_SET_ADDRESSES, "198.51.100.1\n198.51.100.256\n# fine\n10.0.0.1/8\nx"),
		-1);
	assert_int_equal(elements.n, 0);
	assert_int_equal(faults.n, 3);
	assert_int_equal(faults.list[0].line, 2);
	assert_int_equal(faults.list[1].line, 4);
	assert_int_equal(faults.list[2].line, 5);
	assert_string_equal(faults.list[2].file, "list");
}

static void only_the_first_faults_are_kept_and_the_others_counted(void **state)
{
	char text[2 * 1000 + 1];

	for (int i = 0; i < 1000; i++)
		memcpy(text + 2 * i, "?\n", 3);
	assert_int_equal(parse(CFG_SET_PORTS, text), -1);
	assert_int_equal(faults.n, SET_FILE_FAULTS_MAX);
	assert_int_equal(faults.n_more, 1000 - SET_FILE_FAULTS_MAX);
}

static void what_is_no_text_is_a_fault(void **state)
{
	static const char nul[] = "198.51.100.1\n198.51.\0.2\n";
	char line[SET_FILE_LINE_MAX + 3];

	assert_int_equal(parse_bytes(CFG_SET_ADDRESSES, nul, sizeof(nul) - 1), -1);
	assert_int_equal(faults.list[0].line, 2);
	memset(line, '1', sizeof(line));
	assert_int_equal(parse_bytes(CFG_SET_PORTS, line, SET_FILE_LINE_MAX + 1), -1);
	assert_non_null(strstr(faults.list[0].text, "longer"));
	// blanks and comments may be as long as they like
	memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = '7';
	assert_int_equal(parse_bytes(CFG_SET_PORTS, line, sizeof(line)), 0);
	assert_int_equal(elements.n, 1);
}

static void a_set_holds_so_many_and_no_more(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	for (int i = 0; i < DP_SET_ELEMENTS_MAX; i++)
		fputs("1\n", out);
	fflush(out);
	assert_int_equal(parse_bytes(CFG_SET_PORTS, text, bytes), 0);
	assert_int_equal(elements.n, DP_SET_ELEMENTS_MAX);
	fputs("1\n", out);
	fclose(out);
	assert_int_equal(parse_bytes(CFG_SET_PORTS, text, bytes), -1);
	assert_int_equal(elements.n, 0);
	assert_int_equal(faults.list[0].line, DP_SET_ELEMENTS_MAX + 1);
	free(text);
}

// Sanitizers and a machine with much else to do are slower than what is promised.
static void a_million_lines_take_no_time(void **state)
{
	enum { LINES = 1000000, PATIENCE_MS = 10000 };
	char path[] = "/var/tmp/set_file_test.XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");
	uint64_t start_ms;
	struct stat st;

	for (unsigned i = 0; i < LINES; i++)
		fprintf(out, "198.%u.%u.%u/32 # entry\n", 18 + (i >> 16 & 1), i >> 8 & 255,
			i & 255);
	fclose(out);
	elements.kind = CFG_SET_ADDRESSES;
	start_ms = clock_now_ms();
	assert_int_equal(set_file_read(path, &elements, &st, &faults), 0);
	print_message("%u ms\n", (unsigned)(clock_now_ms() - start_ms));
	assert_true(clock_now_ms() - start_ms < PATIENCE_MS);
	assert_int_equal(elements.n, LINES);
	unlink(path);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	char folder[] = "/var/tmp/set_file_test.XXXXXX";
	char fifo[64], large[64], none[64];
	struct stat st;

	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	snprintf(large, sizeof(large), "%s/large", folder);
	snprintf(none, sizeof(none), "%s/none", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(close(open(large, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(truncate(large, SET_FILE_BYTES_MAX + 1L), 0);
	assert_int_equal(set_file_read(folder, &elements, &st, &faults), -1);
	assert_int_equal(set_file_read(fifo, &elements, &st, &faults), -1);
	assert_int_equal(set_file_read(large, &elements, &st, &faults), -1);
	assert_int_equal(set_file_read(none, &elements, &st, &faults), -1);
	assert_int_equal(faults.n, 1);
	assert_non_null(strstr(faults.list[0].text, strerror(ENOENT)));
	unlink(fifo);
	unlink(large);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(comments_blanks_and_line_ends_do_not_count, teardown),
		cmocka_unit_test_teardown(each_kind_is_read, teardown),
		cmocka_unit_test_teardown(every_fault_has_its_line_and_nothing_is_taken, teardown),
		cmocka_unit_test_teardown(
			only_the_first_faults_are_kept_and_the_others_counted, teardown),
		cmocka_unit_test_teardown(what_is_no_text_is_a_fault, teardown),
		cmocka_unit_test_teardown(a_set_holds_so_many_and_no_more, teardown),
		cmocka_unit_test_teardown(a_million_lines_take_no_time, teardown),
		cmocka_unit_test_teardown(what_is_no_regular_file_is_refused_at_once, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
