// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dns_local_fixture.h"

static bool allows(const char *text, uint16_t type, const void *data, size_t n, char *why)
{
	static uint8_t bytes[DNS_UDP_BYTES];
	struct dns_answer made;
	struct dns_message upstream;

	ask(text, type);
	dns_answer_begin(&made, &query, bytes, sizeof(bytes));
	assert_true(dns_answer_add(&made, DNS_ANSWER, &query.question.name, type, 60, data, n));
	assert_int_equal(
		dns_message_parse(bytes, dns_answer_end(&made, DNS_NOERROR, 0), &upstream), 0);
	return dns_local_allows(local, &upstream, why);
}

static void answers_that_lead_inside_are_not_believed(void **state)
{
	static const struct {
		const char *address;
		bool is_good;
	} rows[] = {
		{"10.1.2.3", false},
		{"172.16.0.1", false},
		{"172.31.255.255", false},
		{"192.168.1.1", false},
		{"127.0.0.1", false},
		{"169.254.1.1", false},
		{"100.64.0.1", false},
		{"0.0.0.0", false},
		{"255.255.255.255", false},
		{"::1", false},
		{"::", false},
		{"fd00::1", false},
		{"fe80::1", false},
		{"::ffff:192.168.1.1", false},
		{"64:ff9b::a00:1", false},
		{"2002:a00:1::1", false},
		{"198.51.100.7", true},
		{"172.32.0.1", true},
		{"172.15.0.1", true},
		{"2001:db8::1", true},
		{"::ffff:198.51.100.7", true},
		{"64:ff9b::c633:6407", true},
	};
	char why[DNS_WHY_BYTES];

	configure("  rebind: {domains: [plex.example.net]}\n");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip_addr addr;
		bool is_ip4;

		assert_int_equal(ip_addr_parse(rows[i].address, &addr), 0);
		is_ip4 = addr.family == IP_V4;
		if (allows("www.example.com", is_ip4 ? DNS_A : DNS_AAAA, addr.bytes,
			    is_ip4 ? 4 : 16, why) != rows[i].is_good)
			fail_msg("%s", rows[i].address);
		assert_int_equal(why[0] == '\0', rows[i].is_good);
		assert_true(allows("a.plex.example.net", is_ip4 ? DNS_A : DNS_AAAA, addr.bytes,
			is_ip4 ? 4 : 16, why));
	}
	assert_false(allows("www.example.com", DNS_A, "\xc0\xa8\1\1", 4, why));
	assert_string_equal(why, "an answer from outside has 192.168.1.1, which is private");
	configure("  rebind: {allow: true}\n");
	assert_true(allows("www.example.com", DNS_A, "\xc0\xa8\1\1", 4, why));
}

static void hints_that_lead_inside_are_not_believed_either(void **state)
{
	static const char good[] = "\0\1\0\0\1\0\3\2h2\0\4\0\4\xc6\x33\x64\7";
	static const char bad[] = "\0\1\0\0\1\0\3\2h2\0\4\0\x8\xc6\x33\x64\7\xa\0\0\1";
	static const char bad6[] = "\0\1\0\0\6\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char cut[] = "\0\1\0\0\4\0\xff\xa\0\0\1";
	char why[DNS_WHY_BYTES];

	configure("");
	assert_true(allows("www.example.com", DNS_HTTPS, good, sizeof(good) - 1, why));
	assert_false(allows("www.example.com", DNS_HTTPS, bad, sizeof(bad) - 1, why));
	assert_false(allows("www.example.com", DNS_SVCB, bad6, sizeof(bad6) - 1, why));
	assert_true(allows("www.example.com", DNS_HTTPS, cut, sizeof(cut) - 1, why)); // no hint
}

// Who serves a name is asked for by the client itself, and answered by what is known here.
static void nobody_outside_leads_to_a_name_of_here(void **state)
{
	static const struct {
		const char *data; // in front of it
		const char *target;
		bool is_good;
	} rows[] = {
		{"\0", "cdn.example.net", true},
		{"\0", "nas.home.arpa", false},
		{"\1", "nas.home.arpa", false},
		{"\0", "files.home.arpa", false},    // its alias
		{"\0", "public.home.arpa", true},    // leads outside again
		{"\0", "absent.home.arpa", true},    // nothing is there
		{"\0", "x.apps.example.net", false}, // of a zone
		{"\0", "localhost", false},
		{"\0", "printer.local", false}, // of the links
		{"\0", ".", true},
	};
	char why[DNS_WHY_BYTES];

	configure("  mdns: lan\n"
		  "  records:\n"
		  "    - {name: nas.home.arpa, addresses: [192.168.1.5]}\n"
		  "    - {name: files.home.arpa, cname: nas.home.arpa}\n"
		  "    - {name: public.home.arpa, addresses: [203.0.113.8]}\n"
		  "  zones: [{name: apps.example.net, addresses: 'fd00::7'}]\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t data[DNS_NAME_BYTES_MAX + 2] = {0};
		struct cursor_out out = cursor_out_of(data, sizeof(data));
		struct dns_name target;

		assert_int_equal(dns_name_parse(rows[i].target, &target), 0);
		cursor_put_u16(&out, (uint16_t)rows[i].data[0]);
		dns_name_write(&out, &target);
		if (allows("www.example.com", DNS_HTTPS, data, out.n, why) != rows[i].is_good)
			fail_msg("%s: %s", rows[i].target, why);
	}
	assert_false(allows("www.example.com", DNS_SVCB, "\0\1\3nas\4home\4arpa", 17, why));
	assert_string_equal(
		why, "an answer from outside leads to nas.home.arpa, which is a name of here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(answers_that_lead_inside_are_not_believed, teardown),
		cmocka_unit_test_teardown(hints_that_lead_inside_are_not_believed_either, teardown),
		cmocka_unit_test_teardown(nobody_outside_leads_to_a_name_of_here, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
