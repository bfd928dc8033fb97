// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>

#include "control/dns/dns_name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return name;
}

static void assert_name(const struct dns_name *name, const char *expected)
{
	char text[DNS_NAME_STR_BYTES];

	assert_string_equal(dns_name_str(name, text), expected);
}

static void text_becomes_labels_and_text_again(void **state)
{
	static const struct {
		const char *text, *same;
		unsigned n_labels;
	} rows[] = {
		{"www.Example.com", "www.Example.com", 3},
		{"example.com.", "example.com", 2},
		{".", ".", 0},
		{"_sip._tcp.example.net", "_sip._tcp.example.net", 4},
		{"a\\.b.example", "a\\.b.example", 2},
		{"\\065\\000\\255.x", "A\\000\\255.x", 2},
		{"two words", "two\\032words", 1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dns_name name = name_of(rows[i].text);

		assert_name(&name, rows[i].same);
		assert_int_equal(name.n_labels, rows[i].n_labels);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const rows[] = {"", "..", ".a", "a..b", "\\", "\\25", "\\256", "\\2a4",
		"0123456789012345678901234567890123456789012345678901234567890123.x"};
	char longest[300] = "";
	struct dns_name name;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(dns_name_parse(rows[i], &name), -EINVAL);
	for (int i = 0; i < 127; i++)
		strcat(longest, "a.");
	assert_int_equal(dns_name_parse(longest, &name), 0);
	assert_int_equal(name.len, DNS_NAME_BYTES_MAX);
	assert_int_equal(name.n_labels, DNS_NAME_LABELS_MAX);
	strcat(longest, "a");
	assert_int_equal(dns_name_parse(longest, &name), -EINVAL);
}

// At 12: example.com. At 25: www and a pointer. At 31: a pointer alone.
static const uint8_t message[] = "............\7eXample\3com\0\3www\xc0\x0c\xc0\x19....";

static void pointers_are_followed_back(void **state)
{
	struct cursor at = cursor_of(message + 25, sizeof(message) - 25);
	struct dns_name name;

	dns_name_read(&at, message, &name);
	assert_name(&name, "www.eXample.com");
	assert_ptr_equal(at.at, message + 31);
	dns_name_read(&at, message, &name);
	assert_name(&name, "www.eXample.com");
	assert_ptr_equal(at.at, message + 33);
	at = cursor_of(message + 25, sizeof(message) - 25);
	dns_name_skip(&at);
	assert_ptr_equal(at.at, message + 31);
	assert_false(at.is_short);
}

static void a_bad_name_poisons_the_cursor(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, at;
	} rows[] = {
		{"............\xc0\x0c", 14, 12},		  // to itself
		{"............\1a\xc0\x0c", 16, 12},		  // to its own beginning
		{"............\xc0\x0e\xc0\x0c", 16, 12},	  // forward
		{"............\xc0\x0e\xc0\x0c", 16, 14},	  // back, and forward again
		{"............\xc0\x00", 14, 12},		  // into the header
		{"............\3ww", 15, 12},			  // too short
		{"............\3www", 16, 12},			  // no end
		{"............\xc0", 13, 12},			  // half a pointer
		{"............\x40xxxxxxxxxxxxxxxxxxxx", 30, 12}, // reserved
		{"............\x80xxxxxxxxxxxxxxxxxxxx", 30, 12},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
		struct cursor at = cursor_of(bytes + rows[i].at, rows[i].n - rows[i].at);
		struct dns_name name;

		dns_name_read(&at, bytes, &name);
		if (!at.is_short || name.len != 0)
			fail_msg("row %zu is taken", i);
	}
}

static void names_that_grow_by_pointers_end_at_255_bytes(void **state)
{
	uint8_t bytes[1024] = {0};
	struct cursor_out out = cursor_out_of(bytes, sizeof(bytes));
	struct dns_name name;
	unsigned n_good = 0;
	size_t before = 0;

	cursor_put_zeroes(&out, 12);
	for (int i = 0; i < 10; i++) {
		size_t at = out.n;
		struct cursor in;

		cursor_put_u8(&out, 50);
		for (int j = 0; j < 50; j++)
			cursor_put_u8(&out, 'x');
		if (before == 0)
			cursor_put_u8(&out, 0);
		else
			cursor_put_u16(&out, (uint16_t)(0xc000 | before));
		before = at;
		in = cursor_of(bytes + at, out.n - at);
		dns_name_read(&in, bytes, &name);
		n_good += !in.is_short;
	}
	assert_int_equal(n_good, 4); // 4 * 51 + 1; the fifth would have 256
}

static void case_does_not_count(void **state)
{
	struct dns_name a = name_of("WWW.example.COM"), b = name_of("www.Example.com");
	struct dns_name other = name_of("www.example.net");

	assert_true(dns_name_equal(&a, &b));
	assert_false(dns_name_equal(&a, &other));
	assert_int_equal(dns_name_hash(&a, 7), dns_name_hash(&b, 7));
	assert_int_not_equal(dns_name_hash(&a, 7), dns_name_hash(&other, 7));
	dns_name_lower(&a);
	assert_name(&a, "www.example.com");
	// '@' and '`', '[' and '{' are no letters, though their bits differ as those of letters do
	a = name_of("x@[");
	b = name_of("x`{");
	assert_false(dns_name_equal(&a, &b));
}

static void within_goes_by_labels(void **state)
{
	static const struct {
		const char *name, *zone;
		bool is_within;
	} rows[] = {
		{"www.example.com", "Example.com", true},
		{"example.com", "example.com", true},
		{"example.com", ".", true},
		{".", ".", true},
		{"notexample.com", "example.com", false},
		{"com", "example.com", false},
		{"a\\.example.com", "example.com", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dns_name name = name_of(rows[i].name), zone = name_of(rows[i].zone);

		assert_int_equal(dns_name_is_within(&name, &zone), rows[i].is_within);
	}
}

static void names_are_put_together_and_taken_apart(void **state)
{
	struct dns_name www = name_of("www"), zone = name_of("example.com"), out,
			root = name_of(".");
	struct dns_name much = name_of("0123456789012345678901234567890123456789."
				       "0123456789012345678901234567890123456789."
				       "0123456789012345678901234567890123456789");

	assert_int_equal(dns_name_join(&www, &zone, &out), 0);
	assert_name(&out, "www.example.com");
	assert_int_equal(out.n_labels, 3);
	out = dns_name_without(&out, 1);
	assert_true(dns_name_equal(&out, &zone));
	out = dns_name_without(&out, 2);
	assert_true(dns_name_equal(&out, &root));
	out = dns_name_without(&out, 1);
	assert_true(dns_name_equal(&out, &root));
	assert_int_equal(dns_name_prepend((const uint8_t *)"mail", 4, &zone, &out), 0);
	assert_name(&out, "mail.example.com");
	assert_int_equal(dns_name_prepend((const uint8_t *)"", 0, &zone, &out), -EINVAL);
	assert_int_equal(dns_name_join(&much, &much, &out), 0);
	assert_int_equal(dns_name_join(&out, &much, &out), -EINVAL);
}

static void addresses_have_names(void **state)
{
	static const struct {
		const char *address, *name;
	} rows[] = {
		{"198.18.0.5", "5.0.18.198.in-addr.arpa"},
		{"203.0.113.255", "255.113.0.203.in-addr.arpa"},
		{"2001:db8::567:89ab",
			"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0."
			"0.2.ip6.arpa"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip_addr addr, back;
		struct dns_name name;

		assert_int_equal(ip_addr_parse(rows[i].address, &addr), 0);
		dns_name_of_address(&addr, &name);
		assert_name(&name, rows[i].name);
		assert_true(dns_name_to_address(&name, &back));
		assert_true(ip_addr_equal(&addr, &back));
	}
}

static void other_names_of_the_reverse_tree_are_no_addresses(void **state)
{
	static const char *const rows[] = {"0.18.198.in-addr.arpa", "256.0.18.198.in-addr.arpa",
		"05.0.18.198.in-addr.arpa", "x.0.18.198.in-addr.arpa", "1.2.3.4.example.arpa",
		"0/25.5.0.18.198.in-addr.arpa",
		"g.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		"8.b.d.0.1.0.0.2.ip6.arpa"};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dns_name name = name_of(rows[i]);
		struct ip_addr addr;

		if (dns_name_to_address(&name, &addr))
			fail_msg("%s is taken", rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_labels_and_text_again),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(pointers_are_followed_back),
		cmocka_unit_test(a_bad_name_poisons_the_cursor),
		cmocka_unit_test(names_that_grow_by_pointers_end_at_255_bytes),
		cmocka_unit_test(case_does_not_count),
		cmocka_unit_test(within_goes_by_labels),
		cmocka_unit_test(names_are_put_together_and_taken_apart),
		cmocka_unit_test(addresses_have_names),
		cmocka_unit_test(other_names_of_the_reverse_tree_are_no_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
