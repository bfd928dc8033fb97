// SPDX-License-Identifier: BSD-3-Clause
// When a config on trial has stood its test, and what is asked of resolvers for it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/apply/dns_probe.h"
#include "control/apply/probation.h"

enum { DNS = 1 << PROBE_DNS, UPLINK = 1 << PROBE_UPLINK, MANAGEMENT = 1 << PROBE_MANAGEMENT };

static void probes_are_read_by_name(void **state)
{
	static const struct {
		const char *text;
		unsigned asked; // 0: refused
		const char *piece;
	} rows[] = {
		{"dns", DNS, NULL},
		{"uplink,dns", DNS | UPLINK, NULL},
		{"dns,uplink,management", DNS | UPLINK | MANAGEMENT, NULL},
		{"dns,dns", DNS, NULL},
		{"", 0, "''"},
		{"dns,", 0, "''"},
		{"dn", 0, "'dn'"},
		{"dns uplink", 0, "'dns uplink'"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = {0};
		unsigned asked;
		int rc = probation_parse(rows[i].text, &asked, &err);

		assert_int_equal(rc, rows[i].piece == NULL ? 0 : -1);
		if (rc == 0)
			assert_int_equal(asked, rows[i].asked);
		else
			assert_non_null(strstr(err.text, rows[i].piece));
	}
}

// Of each step: the time, what is then due, and what is reported after that.
static void each_probe_is_made_until_it_passes(void **state)
{
	static const struct {
		uint64_t now_ms;
		unsigned due, passes, fails;
		bool has_passed;
	} rows[] = {
		{1000, 0, 0, 0, false},
		{1999, 0, 0, 0, false},
		{2000, DNS | UPLINK, UPLINK, DNS, false},
		{2500, 0, 0, 0, false},
		{3000, DNS, MANAGEMENT, DNS, false}, // nobody asked for that
		{5000, DNS, 0, UPLINK, false},	     // it has passed once
		{5999, 0, 0, 0, false},
		{6000, DNS, DNS, 0, true},
		{7000, 0, 0, 0, true},
	};
	struct probation probation;

	probation_begin(&probation, DNS | UPLINK, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(probation_tick(&probation, rows[i].now_ms), rows[i].due);
		for (unsigned k = 0; k < PROBES; k++) {
			if ((rows[i].passes >> k & 1) != 0)
				probation_report(&probation, (enum probe)k, true, "");
			if ((rows[i].fails >> k & 1) != 0)
				probation_report(&probation, (enum probe)k, false, "no");
		}
		assert_int_equal(probation_has_passed(&probation), rows[i].has_passed);
	}
	probation_end(&probation);
	assert_false(probation_has_passed(&probation));
}

static void what_failed_is_told_with_its_reason(void **state)
{
	struct probation probation;
	char text[160], little[12];

	probation_begin(&probation, DNS | UPLINK | MANAGEMENT, 0);
	probation_report(&probation, PROBE_DNS, false, "192.0.2.1 does not answer");
	probation_report(&probation, PROBE_UPLINK, true, "");
	probation_tell(&probation, text, sizeof(text));
	assert_string_equal(text, "dns: 192.0.2.1 does not answer; management: no answer yet");
	probation_tell(&probation, little, sizeof(little));
	assert_string_equal(little, "dns: 192.0.");
	probation_end(&probation);
	probation_tell(&probation, text, sizeof(text));
	assert_string_equal(text, "");
}

static void a_question_is_as_the_rfc_has_it(void **state)
{
	static const uint8_t root[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
	static const uint8_t name[] = {
		0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'b', 'c', 0, 0, 1, 0, 1};
	char longest[300];
	uint8_t out[DNS_PROBE_BYTES_MAX];

	assert_int_equal(dns_probe_ask(out, 0x1234, "."), sizeof(root));
	assert_memory_equal(out, root, sizeof(root));
	assert_int_equal(dns_probe_ask(out, 0x1234, "a.bc"), sizeof(name));
	assert_memory_equal(out, name, sizeof(name));
	assert_int_equal(dns_probe_ask(out, 0x1234, "a.bc."), sizeof(name));
	assert_int_equal(dns_probe_ask(out, 1, ""), 0);
	assert_int_equal(dns_probe_ask(out, 1, "a..b"), 0);
	assert_int_equal(dns_probe_ask(out, 1, ".a"), 0);
	memset(longest, 'x', sizeof(longest));
	longest[64] = '\0';
	assert_int_equal(dns_probe_ask(out, 1, longest), 0);
	for (int i = 0; i < 256; i++)
		longest[i] = i % 2 == 0 ? 'x' : '.';
	longest[253] = '\0';
	assert_int_equal(dns_probe_ask(out, 1, longest), 12 + 255 + 4);
	longest[253] = '.';
	longest[254] = '\0';
	assert_int_equal(dns_probe_ask(out, 1, longest), 0);
}

static void an_answer_is_known_by_its_header(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t n;
		bool is_answered;
		const char *why;
	} rows[] = {
		{{0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1}, 12, true, NULL},
		{{0x12, 0x34, 0x81, 0x80, 0, 1, 1, 0}, 12, true, NULL},
		{{0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1}, 11, false, NULL},
		{{0x12, 0x35, 0x81, 0x80, 0, 1, 0, 1}, 12, false, NULL},
		{{0x12, 0x34, 0x01, 0x80, 0, 1, 0, 1}, 12, false, NULL}, // a question
		{{0x12, 0x34, 0x81, 0x80, 0, 1, 0, 0}, 12, false, "it has no answer to that"},
		{{0x12, 0x34, 0x81, 0x83, 0, 1, 0, 0}, 12, false, "there is no such name"},
		{{0x12, 0x34, 0x81, 0x82, 0, 1, 0, 1}, 12, false, "it refuses to answer"},
		{{0x12, 0x34, 0x81, 0x85, 0, 1, 0, 0}, 12, false, "it refuses to answer"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why;

		assert_int_equal(dns_probe_is_answered(rows[i].bytes, rows[i].n, 0x1234, &why),
			rows[i].is_answered);
		if (rows[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, rows[i].why);
	}
}

static void servers_are_those_of_the_file(void **state)
{
	struct ip_addr out[DNS_PROBE_SERVERS_MAX];
	char text[ADDR_STR_BYTES];

	assert_int_equal(dns_probe_servers("", out), 0);
	assert_int_equal(dns_probe_servers("nameserver", out), 0);
	assert_int_equal(dns_probe_servers("# nameserver 192.0.2.1\nsearch example\n", out), 0);
	assert_int_equal(dns_probe_servers("search example\nnameserver\t192.0.2.1 # one\r\n"
					   "nameserver fe80::1%eth0\nnameserver 2001:db8::53",
				 out),
		2);
	assert_string_equal(ip_addr_str(&out[0], text), "192.0.2.1");
	assert_string_equal(ip_addr_str(&out[1], text), "2001:db8::53");
	assert_int_equal(dns_probe_servers("nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
					   "nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
				 out),
		DNS_PROBE_SERVERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_read_by_name),
		cmocka_unit_test(each_probe_is_made_until_it_passes),
		cmocka_unit_test(what_failed_is_told_with_its_reason),
		cmocka_unit_test(a_question_is_as_the_rfc_has_it),
		cmocka_unit_test(an_answer_is_known_by_its_header),
		cmocka_unit_test(servers_are_those_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
