// SPDX-License-Identifier: BSD-3-Clause
// Options of DHCPv4 as an operator writes them, and their bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cfg/dhcp4_option.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void values_become_bytes(void **state)
{
	static const struct {
		const char *name, *values[2];
		unsigned n_values, number;
		int n;
		const char *bytes;
	} rows[] = {
		{"routers", {"198.18.0.1", "198.18.0.2"}, 2, 3, 8, "\xc6\x12\0\x01\xc6\x12\0\x02"},
		{"domain", {"home.example"}, 1, 15, 12, "home.example"},
		{"mtu", {"1400"}, 1, 26, 2, "\x05\x78"},
		{"default-ttl", {"64"}, 1, 23, 1, "\x40"},
		{"ipv6-only", {"1800"}, 1, 108, 4, "\0\0\x07\x08"},
		{"ip-forwarding", {"true"}, 1, 19, 1, "\x01"},
		// RFC 3397 section 2, but for the compression that nobody must use
		{"search", {"eng.example", "example."}, 2, 119, 22,
			"\x03"
			"eng\x07"
			"example\0\x07"
			"example\0"},
		// RFC 3442: descriptors of 0, 17 and 24 bits
		{"routes", {"0.0.0.0/0 via 198.18.0.1"}, 1, 121, 5, "\0\xc6\x12\0\x01"},
		{"routes", {"198.51.128.0/17 via 198.18.0.1", "203.0.113.0/24 via 198.18.0.2"}, 2,
			121, 16, "\x11\xc6\x33\x80\xc6\x12\0\x01\x18\xcb\0\x71\xc6\x12\0\x02"},
		{"option-176", {"0x0a0B"}, 1, 176, 2, "\x0a\x0b"},
		{"option-176", {"hex 0a0b", "u8 5"}, 2, 176, 3, "\x0a\x0b\x05"},
		{"option-176", {"u16 1400", "address 198.18.0.1"}, 2, 176, 6,
			"\x05\x78\xc6\x12\0\x01"},
		{"option-176", {"a text"}, 1, 176, 6, "a text"},
		{"option-26", {"1400"}, 1, 26, 2, "\x05\x78"},
		{"next-server", {"198.18.0.9"}, 1, 256, 4, "\xc6\x12\0\x09"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp4_option_kind kind;
		uint8_t out[DHCP4_OPTION_BYTES_MAX];
		struct error err;

		assert_true(dhcp4_option_find(rows[i].name, &kind));
		assert_int_equal(kind.number, rows[i].number);
		assert_int_equal(
			dhcp4_option_encode(&kind, rows[i].values, rows[i].n_values, out, &err),
			rows[i].n);
		assert_memory_equal(out, rows[i].bytes, rows[i].n);
	}
}

static void what_no_option_takes_is_refused(void **state)
{
	static const struct {
		const char *name, *values[2];
		unsigned n_values;
		const char *says;
	} rows[] = {
		{"routers", {"2001:db8::1"}, 1, "expected an IPv4 address, got `2001:db8::1`"},
		{"mtu", {"65536"}, 1, "expected a number up to 65535"},
		{"mtu", {"1400", "1500"}, 2, "`mtu` has one value"},
		{"default-ttl", {"-1"}, 1, "up to 255"},
		{"ip-forwarding", {"yes"}, 1, "true or false"},
		{"search", {"a..b"}, 1, "a domain such as"},
		{"search", {""}, 1, "a domain such as"},
		{"routes", {"198.51.100.0/24"}, 1, "a route such as"},
		{"routes", {"198.51.100.1/24 via 198.18.0.1"}, 1, "a route such as"},
		{"routes", {"198.51.100.0/24 via x"}, 1, "a route such as"},
		{"option-176", {"0x0a0"}, 1, "bytes such as"},
		{"option-176", {"u8 256"}, 1, "bytes such as"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp4_option_kind kind;
		uint8_t out[DHCP4_OPTION_BYTES_MAX];
		struct error err;

		assert_true(dhcp4_option_find(rows[i].name, &kind));
		assert_int_equal(
			dhcp4_option_encode(&kind, rows[i].values, rows[i].n_values, out, &err),
			-1);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

static void options_have_names_and_numbers(void **state)
{
	struct dhcp4_option_kind kind;

	assert_false(dhcp4_option_find("router", &kind));
	assert_false(dhcp4_option_find("option-0", &kind));
	assert_false(dhcp4_option_find("option-255", &kind));
	assert_false(dhcp4_option_find("option-", &kind));
	assert_false(dhcp4_option_find("option-1x", &kind));
	assert_true(dhcp4_option_find("option-254", &kind));
	for (const struct dhcp4_option_kind *a = dhcp4_option_kinds; a->name != NULL; a++)
		for (const struct dhcp4_option_kind *b = a + 1; b->name != NULL; b++) {
			assert_string_not_equal(a->name, b->name);
			assert_int_not_equal(a->number, b->number);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_bytes),
		cmocka_unit_test(what_no_option_takes_is_refused),
		cmocka_unit_test(options_have_names_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
