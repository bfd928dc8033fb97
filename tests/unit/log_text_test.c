// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "cfg/base/log_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text, *expected;
} texts[] = {
	{"plain", "plain"}, {"", ""}, {"two\nlines", "two\\x0alines"},
	{"\r\x1b[2J\t\x7f", "\\x0d\\x1b[2J\\x09\\x7f"}, {"Gästehaus 居 😀", "Gästehaus 居 😀"},
	{"\xc2\x9b"
	 "31m",
		"\\xc2\\x9b31m"}, // CSI of C1
	{"a\xe2\x80\xae"
	 "b",
		"a\\xe2\\x80\\xaeb"},					// right to left
	{"\xe2\x80\xa8\xef\xbb\xbf", "\\xe2\\x80\\xa8\\xef\\xbb\\xbf"}, // end of line, BOM
	{"\xc0\x8a", "\\xc0\\x8a"},					// too long for a newline
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},				// a surrogate
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},			// beyond Unicode
	{"\xff\xc3", "\\xff\\xc3"},					// none, and cut off
};

static void what_could_break_a_line_is_escaped(void **state)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		char out[64];

		assert_int_equal(
			log_text_clean(out, sizeof(out), texts[i].text), strlen(texts[i].expected));
		assert_string_equal(out, texts[i].expected);
	}
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"123456789", "123456789"},
		{"1234567890", "123456..."},
		{"12345ä7890", "12345..."}, // would end within it
		{"1234\n", "1234\\x0a"},
		{"123456\n", "123456..."},
		{"äääää", "äää..."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[11] = "zzzzzzzzzz";

		log_text_clean(out, 10, rows[i].text);
		assert_string_equal(out, rows[i].expected);
		assert_int_equal(out[10], '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_could_break_a_line_is_escaped),
		cmocka_unit_test(what_is_too_long_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
