// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>

#include "tests/unit/config_fixture.h"

static const char *const good[] = {
	"dns: {listen: lan, upstreams: 203.0.113.53}",
	"dns: {listen: [lan, lo]}",
	"dns: {listen: lan, upstreams: [203.0.113.53 tls dns.example.net, "
	"'2001:db8::53 port 8853 tls dns.example.net']}",
	"dns: {listen: lan, dnssec: true, trust-anchor: /etc/anchor, rate: 200, cache: 0, "
	"stale: 0s, root-hints: /etc/hints, domains: [{names: [corp.example.net, "
	"18.198.in-addr.arpa], upstreams: "
	"198.18.0.53}]}",
};

static const struct fault faults[] = {
	{ROUTER "dns: {upstreams: 203.0.113.53}", 3, 1, "`listen` is missing"},
	{ROUTER "dns: {listen: lon}", 3, 15, "there is no interface `lon`"},
	{ROUTER "dns: {listen: lan, upstreams: dns.example.net}", 3, 31, "expected an address"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53 tls}", 3, 31,
		"certificate after `tls`"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53 tls a..b}", 3, 31,
		"certificate after `tls`"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53 port 0}", 3, 31, "from 1 to 65535"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53 port 53 port 54}", 3, 31,
		"not expected here"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53 via x}", 3, 31,
		"`via` is not expected here"},
	{ROUTER "dns: {listen: lan, ttl-min: 2h, ttl-max: 1h}", 3, 29, "more than `ttl-max`"},
	{ROUTER "dns: {listen: lan, trust-anchor: /etc/a}", 3, 34, "it is for `dnssec: true`"},
	{ROUTER "dns: {listen: lan, upstreams: 203.0.113.53, root-hints: /etc/h}", 3, 57,
		"nobody asks from the root"},
	{ROUTER "dns: {listen: lan, domains: [{names: [a..b], upstreams: 203.0.113.53}]}", 3, 39,
		"expected a domain"},
	{ROUTER "dns: {listen: lan, domains: [{names: corp, upstreams: here}]}", 3, 55,
		"dns: domain: `upstreams`: expected an address"},
};

static void what_makes_sense_is_taken(void **state)
{
	char text[1024];

	for (size_t i = 0; i < COUNT(good); i++) {
		struct config *config;

		snprintf(text, sizeof(text), "%s%s\n", ROUTER, good[i]);
		config = parse_good(text);
		assert_true(config->dns.is_there);
		config_free(config);
	}
}

static void each_mistake_is_named_at_its_place(void **state)
{
	expect_faults(faults, COUNT(faults));
}

static void an_upstream_is_read_to_the_letter(void **state)
{
	struct cfg_dns_upstream upstream;

	assert_int_equal(cfg_dns_upstream_parse("203.0.113.53", &upstream, NULL), 0);
	assert_int_equal(upstream.port, 53);
	assert_string_equal(upstream.tls_name, "");
	assert_int_equal(
		cfg_dns_upstream_parse("2001:db8::53 tls dns.example.net.", &upstream, NULL), 0);
	assert_int_equal(upstream.port, 853);
	assert_int_equal(upstream.address.family, IP_V6);
	assert_string_equal(upstream.tls_name, "dns.example.net");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_sense_is_taken),
		cmocka_unit_test(each_mistake_is_named_at_its_place),
		cmocka_unit_test(an_upstream_is_read_to_the_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
