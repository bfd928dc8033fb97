// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/dns/block_store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct block_store *store;
static struct stat st;

static int setup(void **state)
{
	store = block_store_new();
	return store == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	block_store_free(store);
	return 0;
}

static void add(unsigned list, uint32_t line, const char *text)
{
	assert_int_equal(block_store_add_line(store, list, line, text, strlen(text)), 0);
}

static bool find(const char *text, uint32_t lists, struct block_match *match)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return block_store_find(store, &name, lists, match);
}

static void assert_why(
	const char *name, uint32_t lists, unsigned list, uint32_t line, const char *rule)
{
	struct block_match match;
	char text[256];

	if (!find(name, lists, &match))
		fail_msg("nothing is about %s", name);
	assert_int_equal(match.list, list);
	assert_int_equal(match.line, line);
	assert_string_equal(block_rule_str(&match.rule, &match.name, text, sizeof(text)), rule);
}

static void each_format_is_read(void **state)
{
	static const struct {
		const char *line, *rule; // NULL: nothing is used of it
		enum block_line is;
	} rows[] = {
		{"0.0.0.0 ads.example.com", "0.0.0.0 ads.example.com", BLOCK_LINE_RULE},
		{"127.0.0.1\tADS.example.com # why", "0.0.0.0 ads.example.com", BLOCK_LINE_RULE},
		{"::1 ads.example.com", "0.0.0.0 ads.example.com", BLOCK_LINE_RULE},
		{":: ads.example.com\r", "0.0.0.0 ads.example.com", BLOCK_LINE_RULE},
		{"198.51.100.7 ads.example.com", NULL, BLOCK_LINE_UNUSABLE},
		{"127.0.0.1 localhost", NULL, BLOCK_LINE_EMPTY},
		{"0.0.0.0 0.0.0.0", NULL, BLOCK_LINE_EMPTY},
		{"0.0.0.0", NULL, BLOCK_LINE_UNUSABLE},
		{"198.51.100.7.", NULL, BLOCK_LINE_UNUSABLE},
		{"0.0.0.0 198.51.100.7", NULL, BLOCK_LINE_UNUSABLE},
		{"||198.51.100.7^", NULL, BLOCK_LINE_UNUSABLE},
		{"ads.example.com", "ads.example.com", BLOCK_LINE_RULE},
		{"ads.example.com.", "ads.example.com", BLOCK_LINE_RULE},
		{"*.ads.example.com", "*.ads.example.com", BLOCK_LINE_RULE},
		{".ads.example.com", "*.ads.example.com", BLOCK_LINE_RULE},
		{"||ads.example.com^", "||ads.example.com^", BLOCK_LINE_RULE},
		{"||ads.example.com^|", "||ads.example.com^", BLOCK_LINE_RULE},
		{"||ads.example.com", "||ads.example.com^", BLOCK_LINE_RULE},
		{"||zip^", "||zip^", BLOCK_LINE_RULE},
		{"@@||good.example.com^", "@@||good.example.com^", BLOCK_LINE_RULE},
		{"||ads.example.com^$important", "||ads.example.com^$important", BLOCK_LINE_RULE},
		{"||ads.example.com^$third-party", NULL, BLOCK_LINE_UNUSABLE},
		{"||ads.example.com^$important,third-party", NULL, BLOCK_LINE_UNUSABLE},
		{"||example.com/banner/*", NULL, BLOCK_LINE_UNUSABLE},
		{"||ads*.example.com^", NULL, BLOCK_LINE_UNUSABLE},
		{"example.com##.banner", NULL, BLOCK_LINE_UNUSABLE},
		{"##.banner", NULL, BLOCK_LINE_EMPTY}, // a comment in the other formats
		{"example.com#@#.banner", NULL, BLOCK_LINE_UNUSABLE},
		{"/banner[0-9]+/", NULL, BLOCK_LINE_UNUSABLE},
		{"|https://example.com/", NULL, BLOCK_LINE_UNUSABLE},
		{"com", NULL, BLOCK_LINE_UNUSABLE},
		{"this is prose", NULL, BLOCK_LINE_UNUSABLE},
		{"<html>", NULL, BLOCK_LINE_UNUSABLE},
		{"b\xc3\xbc"
		 "cher.example.com",
			NULL, BLOCK_LINE_UNUSABLE},
		{"! a comment", NULL, BLOCK_LINE_EMPTY},
		{"[Adblock Plus 2.0]", NULL, BLOCK_LINE_EMPTY},
		{"# 0.0.0.0 ads.example.com", NULL, BLOCK_LINE_EMPTY},
		{" \t", NULL, BLOCK_LINE_EMPTY},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct block_names more;
		struct block_rule rule;
		struct dns_name name;
		char text[256];
		enum block_line is =
			block_rule_parse(rows[i].line, strlen(rows[i].line), &rule, &name, &more);

		if (is != rows[i].is)
			fail_msg("`%s` is %d", rows[i].line, is);
		if (is == BLOCK_LINE_RULE)
			assert_string_equal(
				block_rule_str(&rule, &name, text, sizeof(text)), rows[i].rule);
	}
}

static void hosts_have_many_names_on_a_line(void **state)
{
	add(3, 1, "0.0.0.0 a.example.com localhost b_.example.com b.example.com/x c.example.com");
	assert_int_equal(block_store_counts(store, 3)->n_rules, 3);
	assert_int_equal(block_store_counts(store, 3)->n_unusable, 1);
	assert_why("c.example.com", 1 << 3, 3, 1, "0.0.0.0 c.example.com");
}

static void hosts_are_names_and_the_rest_domains(void **state)
{
	struct block_match match;

	add(0, 1, "0.0.0.0 host.example.com");
	add(0, 2, "domain.example.com");
	add(0, 3, "||adblock.example.com^");
	assert_true(find("HOST.example.com", 1, &match));
	assert_false(find("www.host.example.com", 1, &match));
	assert_true(find("domain.example.com", 1, &match));
	assert_why("a.b.Domain.example.com", 1, 0, 2, "domain.example.com");
	assert_why("www.adblock.example.com", 1, 0, 3, "||adblock.example.com^");
	assert_false(find("notdomain.example.com", 1, &match));
	assert_false(find("example.com", 1, &match));
	assert_false(find(".", 1, &match));
}

static void only_the_clients_lists_count(void **state)
{
	struct block_match match;

	add(0, 10, "ads.example.com");
	add(31, 20, "ads.example.com");
	assert_why("ads.example.com", 1, 0, 10, "ads.example.com");
	assert_why("ads.example.com", UINT32_C(1) << 31, 31, 20, "ads.example.com");
	assert_false(find("ads.example.com", 2, &match));
	assert_false(find("ads.example.com", 0, &match));
}

static void exceptions_let_pass_what_is_not_important(void **state)
{
	add(0, 1, "||example.com^");
	add(0, 2, "@@||good.example.com^");
	add(0, 3, "||bad.good.example.com^");
	add(0, 4, "||worse.good.example.com^$important");
	add(0, 5, "@@||best.worse.good.example.com^$important");
	assert_why("www.example.com", 1, 0, 1, "||example.com^");
	assert_why("www.good.example.com", 1, 0, 2, "@@||good.example.com^");
	assert_why("bad.good.example.com", 1, 0, 2, "@@||good.example.com^");
	assert_why("worse.good.example.com", 1, 0, 4, "||worse.good.example.com^$important");
	assert_why("best.worse.good.example.com", 1, 0, 5,
		"@@||best.worse.good.example.com^$important");
}

static void what_a_list_has_twice_is_there_once(void **state)
{
	size_t before;

	add(0, 1, "||example.com^");
	block_store_end(store);
	before = block_store_bytes(store);
	for (unsigned i = 2; i < 2000; i++)
		add(0, i, "||EXAMPLE.com^");
	block_store_end(store);
	assert_int_equal(block_store_bytes(store), before);
	assert_int_equal(block_store_counts(store, 0)->n_repeated, 1998);
	assert_why("example.com", 1, 0, 1, "||example.com^");
}

static char path[] = "/tmp/block_store_test.XXXXXX";

static FILE *new_file(void)
{
	strcpy(path, "/tmp/block_store_test.XXXXXX");
	return fdopen(mkstemp(path), "w");
}

static void a_file_is_read_to_its_last_line(void **state)
{
	FILE *file = new_file();
	struct error err;

	// beyond several chunks, the last line without an end
	for (unsigned i = 1; i <= 40000; i++)
		fprintf(file, "0.0.0.0 host-%u.example.com\r\n", i);
	for (unsigned i = 0; i < 300000; i++)
		fputc('x', file);
	fprintf(file, ".example.com\n||last.example.net^");
	fclose(file);
	assert_int_equal(block_store_add_file(store, 5, path, NULL, &st, &err), 0);
	unlink(path);
	assert_int_equal(block_store_counts(store, 5)->n_rules, 40001);
	for (unsigned i = 1; i <= 40000; i += 17) {
		struct block_match match;
		char name[64];

		snprintf(name, sizeof(name), "host-%u.example.com", i);
		assert_true(find(name, 1 << 5, &match));
		assert_int_equal(match.line, i);
	}
	assert_why("www.last.example.net", 1 << 5, 5, 40002, "||last.example.net^");
	assert_int_equal(block_store_counts(store, 5)->n_unusable, 1);
}

static void what_is_no_file_is_told(void **state)
{
	struct error err;

	assert_int_equal(block_store_add_file(store, 0, "/nowhere/list", NULL, &st, &err), -1);
	assert_string_equal(err.text, "cannot be read: No such file or directory");
	assert_int_equal(block_store_add_file(store, 0, "/tmp", NULL, &st, &err), -1);
	assert_string_equal(err.text, "cannot be read: it is a directory");
}

// Names as long as those of real lists: 21 bytes on average.
static void write_million(FILE *file)
{
	for (unsigned i = 0; i < 1000000; i++)
		fprintf(file, "||%.*s%u.tracker.example^\n", (int)(i % 5), "adsx", i);
}

static void a_million_names_take_less_than_100_mib(void **state)
{
	FILE *file = new_file();
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after;
	struct block_match match;
	struct error err;
	uint64_t began_ns, find_ns;

	write_million(file);
	fclose(file);
	began_ns = clock_now_ns();
	assert_int_equal(block_store_add_file(store, 0, path, NULL, &st, &err), 0);
	block_store_end(store);
	unlink(path);
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_int_equal(block_store_counts(store, 0)->n_rules, 1000000);
	find_ns = clock_now_ns();
	for (unsigned i = 0; i < 1000000; i += 10) {
		char name[64];

		snprintf(name, sizeof(name), "www.%.*s%u.tracker.example", (int)(i % 5), "adsx", i);
		assert_true(find(name, 1, &match));
		assert_int_equal(match.line, i + 1);
	}
	printf("a million names: %zu KiB, read in %u ms, found in %u ns each\n",
		block_store_bytes(store) >> 10, (unsigned)((find_ns - began_ns) / 1000000),
		(unsigned)((clock_now_ns() - find_ns) / 100000));
	assert_in_range(block_store_bytes(store), 20 << 20, (100 << 20) - 1);
	// what malloc says agrees, where it is not a sanitizer's
	assert_true(after <= before || after - before < (size_t)100 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_is_read),
		cmocka_unit_test_setup_teardown(hosts_have_many_names_on_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(
			hosts_are_names_and_the_rest_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_clients_lists_count, setup, teardown),
		cmocka_unit_test_setup_teardown(
			exceptions_let_pass_what_is_not_important, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_list_has_twice_is_there_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_read_to_its_last_line, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_million_names_take_less_than_100_mib, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
