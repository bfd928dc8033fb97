// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dns_local_fixture.h"

// --- records ---

static const char records[] =
	"  records:\n"
	"    - {name: nas.home.arpa, addresses: [198.18.0.5, 198.18.0.6, '2001:db8::5']}\n"
	"    - {name: second.home.arpa, addresses: 198.18.0.5}\n"
	"    - {name: Files.home.arpa, cname: nas.home.arpa}\n"
	"    - {name: away.home.arpa, cname: www.example.com}\n"
	"    - {name: broken.home.arpa, cname: nobody.home.arpa}\n"
	"    - {name: round.home.arpa, cname: trip.home.arpa}\n"
	"    - {name: trip.home.arpa, cname: round.home.arpa}\n"
	"    - {name: home.arpa, mx: 10 mail.home.arpa, txt: [one text, two]}\n"
	"    - {name: _sip._tcp.home.arpa, srv: [0 5 5060 nas.home.arpa, 1 0 5061 b.home.arpa]}\n"
	"    - {name: 9.0.18.198.in-addr.arpa, ptr: printer.home.arpa}\n"
	"    - {name: own.example.com, addresses: 198.18.0.7}\n";

static void each_kind_of_record_is_answered(void **state)
{
	configure(records);
	ask("NAS.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"NAS.home.arpa A 198.18.0.5, NAS.home.arpa A 198.18.0.6");
	assert_int_equal(response.flags & DNS_AA, DNS_AA);
	ask("nas.home.arpa", DNS_AAAA);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "nas.home.arpa AAAA 2001:db8::5");
	ask("files.home.arpa", DNS_CNAME);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "files.home.arpa CNAME nas.home.arpa");
	ask("home.arpa", DNS_MX);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "home.arpa MX 10 mail.home.arpa");
	ask("home.arpa", DNS_TXT);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"home.arpa TXT \"one text\", home.arpa TXT \"two\"");
	ask("_sip._tcp.home.arpa", DNS_SRV);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"_sip._tcp.home.arpa SRV 0 5 5060 nas.home.arpa, "
		"_sip._tcp.home.arpa SRV 1 0 5061 b.home.arpa");
	ask("9.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(
		DNS_STAGE_RECORDS, DNS_NOERROR, "9.0.18.198.in-addr.arpa PTR printer.home.arpa");
}

static void aliases_are_followed_as_far_as_they_are_known(void **state)
{
	char text[DNS_NAME_STR_BYTES];

	configure(records);
	ask("files.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"files.home.arpa CNAME nas.home.arpa, nas.home.arpa A 198.18.0.5, "
		"nas.home.arpa A 198.18.0.6");
	ask("broken.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NXDOMAIN,
		"broken.home.arpa CNAME nobody.home.arpa;home.arpa");
	ask("away.home.arpa", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_ALIAS);
	assert_string_equal(dns_name_str(&result.target, text), "www.example.com");
	ask("round.home.arpa", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_ANSWERED);
}

static void addresses_have_the_name_that_said_them_first(void **state)
{
	configure(records);
	ask("5.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "5.0.18.198.in-addr.arpa PTR nas.home.arpa");
}

static void a_known_name_is_not_asked_elsewhere_for_another_type(void **state)
{
	configure(records);
	ask("own.example.com", DNS_AAAA);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, ";own.example.com");
	assert_goes_on("www.example.com", DNS_A);
	assert_goes_on("below.own.example.com", DNS_A);
}

// --- zones ---

static const char zones[] =
	"  zones:\n"
	"    - {name: apps.example.net, addresses: [198.18.0.7, '2001:db8::7']}\n"
	"    - {name: corp.example.net}\n"
	"  records:\n"
	"    - {name: a.b.corp.example.net, addresses: 198.18.0.8}\n"
	"    - {name: odd.apps.example.net, addresses: 198.18.0.9}\n"
	"  domains:\n"
	"    - {names: [18.198.in-addr.arpa, office.corp.example.net, intern.test], "
	"upstreams: 203.0.113.53}\n";

static void each_name_of_a_wild_zone_has_its_addresses(void **state)
{
	configure(zones);
	ask("x.Y.apps.example.net", DNS_A);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, "x.Y.apps.example.net A 198.18.0.7");
	ask("apps.example.net", DNS_AAAA);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, "apps.example.net AAAA 2001:db8::7");
	ask("x.apps.example.net", DNS_MX);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, ";apps.example.net");
	ask("odd.apps.example.net", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "odd.apps.example.net A 198.18.0.9");
}

static void a_static_zone_has_what_it_has(void **state)
{
	configure(zones);
	ask("nobody.corp.example.net", DNS_A);
	assert_answer(DNS_STAGE_ZONE, DNS_NXDOMAIN, ";corp.example.net");
	ask("b.corp.example.net", DNS_A); // RFC 8020: something is below it
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, ";corp.example.net");
	ask("a.b.corp.example.net", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "a.b.corp.example.net A 198.18.0.8");
	assert_goes_on("example.net", DNS_A);
}

static void domains_with_upstreams_are_asked_there(void **state)
{
	configure(zones);
	assert_goes_on("pc.office.corp.example.net", DNS_A);
	assert_true(result.may_be_private);
	assert_goes_on("1.1.18.198.in-addr.arpa", DNS_PTR);
	assert_goes_on("www.intern.test", DNS_A);
	ask("www.test", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, ";test");
	assert_goes_on("www.example.com", DNS_A);
	assert_false(result.may_be_private);
}

// --- special names ---

static void special_names_do_not_leak(void **state)
{
	static const struct {
		const char *name, *zone;
	} rows[] = {
		{"x.invalid", "invalid"},
		{"x.test", "test"},
		{"abcdef.onion", "onion"},
		{"x.alt", "alt"},
		{"printer.local", "local"},
		{"x.home.arpa", "home.arpa"},
		{"x.internal", "internal"},
		{"_dns.resolver.arpa", "resolver.arpa"},
		{"1.0.0.10.in-addr.arpa", "10.in-addr.arpa"},
		{"1.0.16.172.in-addr.arpa", "16.172.in-addr.arpa"},
		{"1.0.31.172.in-addr.arpa", "31.172.in-addr.arpa"},
		{"1.1.168.192.in-addr.arpa", "168.192.in-addr.arpa"},
		{"1.0.64.100.in-addr.arpa", "64.100.in-addr.arpa"},
		{"1.0.127.100.in-addr.arpa", "127.100.in-addr.arpa"},
		{"1.1.254.169.in-addr.arpa", "254.169.in-addr.arpa"},
		{"2.0.0.127.in-addr.arpa", "127.in-addr.arpa"},
		{"7.100.51.198.in-addr.arpa", "100.51.198.in-addr.arpa"},
		{"x.d.f.ip6.arpa", "d.f.ip6.arpa"},
		{"x.b.e.f.ip6.arpa", "b.e.f.ip6.arpa"},
		{"x.8.b.d.0.1.0.0.2.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"},
	};

	configure("");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char expected[128];

		snprintf(expected, sizeof(expected), ";%s", rows[i].zone);
		ask(rows[i].name, DNS_PTR);
		assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, expected);
	}
	assert_goes_on("1.0.32.172.in-addr.arpa", DNS_PTR);
	assert_goes_on("1.0.15.172.in-addr.arpa", DNS_PTR);
	assert_goes_on("1.0.128.100.in-addr.arpa", DNS_PTR);
	assert_goes_on("www.nottest", DNS_A);
	assert_goes_on("arpa", DNS_NS);
}

static void localhost_is_who_asks(void **state)
{
	configure("");
	ask("localhost", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, "localhost A 127.0.0.1");
	ask("x.localhost", DNS_AAAA);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, "x.localhost AAAA ::1");
	ask("1.0.0.127.in-addr.arpa", DNS_PTR);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "1.0.0.127.in-addr.arpa PTR localhost");
}

static void the_canary_is_an_option(void **state)
{
	configure("");
	assert_goes_on("use-application-dns.net", DNS_A);
	configure("  canary: true\n");
	ask("use-application-dns.net", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, ";use-application-dns.net");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_kind_of_record_is_answered, teardown),
		cmocka_unit_test_teardown(aliases_are_followed_as_far_as_they_are_known, teardown),
		cmocka_unit_test_teardown(addresses_have_the_name_that_said_them_first, teardown),
		cmocka_unit_test_teardown(
			a_known_name_is_not_asked_elsewhere_for_another_type, teardown),
		cmocka_unit_test_teardown(each_name_of_a_wild_zone_has_its_addresses, teardown),
		cmocka_unit_test_teardown(a_static_zone_has_what_it_has, teardown),
		cmocka_unit_test_teardown(domains_with_upstreams_are_asked_there, teardown),
		cmocka_unit_test_teardown(special_names_do_not_leak, teardown),
		cmocka_unit_test_teardown(localhost_is_who_asks, teardown),
		cmocka_unit_test_teardown(the_canary_is_an_option, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
