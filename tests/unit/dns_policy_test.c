// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "control/dns/dns_policy.h"
#include "control/learned_dns.h"
#include "tests/unit/config_fixture.h"

static struct learned_dns learned;

static void learn(const char *interface, const char *by, uint32_t rank, const char *server)
{
	struct learned_dns_entry entry = {.rank = rank};

	snprintf(entry.interface, sizeof(entry.interface), "%s", interface);
	snprintf(entry.by, sizeof(entry.by), "%s", by);
	if (server != NULL)
		assert_int_equal(ip_addr_parse(server, &entry.servers[entry.n_servers++]), 0);
	else
		entry.n_domains = 1;
	assert_int_equal(learned_dns_set(&learned, &entry), 0);
}

static struct dns_policy *policy_of(const char *dns)
{
	char text[1024];
	struct config *config;
	struct dns_policy *policy;

	snprintf(text, sizeof(text), "%sdns: {listen: lan, %s}\n", ROUTER, dns);
	config = parse_good(text);
	policy = dns_policy_new(&config->dns, &learned, NULL, NULL);
	assert_non_null(policy);
	config_free(config); // all that it needs it has copied
	return policy;
}

static void expect_upstreams(const char *dns, unsigned n, const char *const *texts)
{
	struct dns_policy *policy = policy_of(dns);

	assert_int_equal(policy->config.upstreams.n, n);
	for (unsigned i = 0; i < n; i++)
		assert_string_equal(policy->config.upstreams.texts[i], texts[i]);
	dns_policy_free(policy);
}

static void the_best_uplink_that_has_servers_is_asked(void **state)
{
	// without any it is not the same as without upstreams, which asks from the root
	expect_upstreams("upstreams: learned", 1, (const char *[]){"learned"});
	learn("lte", "dhcp4", 200, "198.51.100.2");
	expect_upstreams("upstreams: learned", 1, (const char *[]){"198.51.100.2"});
	learn("wan", "dhcp4", 100, "198.51.100.1");
	learn("wan", "dhcp6", 100, "2001:db8::1");
	learn("vpn", "dhcp4", 50, NULL);
	expect_upstreams("upstreams: [learned, 203.0.113.53]", 3,
		(const char *[]){"198.51.100.1", "2001:db8::1", "203.0.113.53"});
	learned_dns_forget(&learned, "wan", "dhcp4");
	learned_dns_forget(&learned, "wan", "dhcp6");
	expect_upstreams("upstreams: learned", 1, (const char *[]){"198.51.100.2"});
	learned_dns_fini(&learned);
}

// Of two providers that tell of one address each is asked by its own uplink.
static void a_server_is_asked_by_the_uplink_that_told_of_it(void **state)
{
	static const struct {
		const char *text, *by;
	} rows[] = {{"198.51.100.2", NULL}, {"198.51.100.1", "wan"}, {"198.51.100.1", "lte"},
		{"203.0.113.53", NULL}};
	struct dns_policy *policy;

	learn("wan", "dhcp4", 1, "198.51.100.1");
	learn("lte", "dhcp4", 1, "198.51.100.1");
	learn("vpn", "dhcp4", 1, "198.51.100.2");
	assert_int_equal(learned_dns_rank(&learned, "wan", 1), 0);
	assert_int_equal(learned_dns_rank(&learned, "lte", 1), 0);
	policy = policy_of("upstreams: [learned, 203.0.113.53]");
	assert_int_equal(policy->config.upstreams.n, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(policy->config.upstreams.texts[i], rows[i].text);
		if (rows[i].by == NULL)
			assert_null(policy->told_by[i]);
		else
			assert_string_equal(policy->told_by[i], rows[i].by);
	}
	dns_policy_free(policy);
	learned_dns_fini(&learned);
	learned = (struct learned_dns){0};
}

static void the_longest_domain_decides(void **state)
{
	struct dns_policy *policy = policy_of(
		"upstreams: 203.0.113.53, domains: [{names: example.net, upstreams: 203.0.113.1}, "
		"{names: [corp.example.net, 18.198.in-addr.arpa], upstreams: 203.0.113.2}]");
	static const struct {
		const char *name;
		int group; // -1: none
	} rows[] = {{"www.example.net", 1}, {"corp.Example.net", 2}, {"a.b.corp.example.net", 2},
		{"xcorp.example.net", 1}, {"example.org", -1}, {"7.0.18.198.in-addr.arpa", 2},
		{"net", -1}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dns_name name;

		assert_int_equal(dns_name_parse(rows[i].name, &name), 0);
		assert_ptr_equal(dns_policy_domain(policy, &name),
			rows[i].group < 0 ? NULL : &policy->groups[rows[i].group]);
	}
	dns_policy_free(policy);
}

static void who_is_on_the_list_may_ask(void **state)
{
	struct dns_policy *policy = policy_of("access: [198.18.0.0/24, 2001:db8::/64]");
	struct dns_policy *open = policy_of("cache: 1");
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse("198.18.0.7", &addr), 0);
	assert_true(dns_policy_may_ask(policy, &addr));
	assert_int_equal(ip_addr_parse("198.18.1.7", &addr), 0);
	assert_false(dns_policy_may_ask(policy, &addr));
	assert_true(dns_policy_may_ask(open, &addr));
	assert_int_equal(ip_addr_parse("2001:db8::7", &addr), 0);
	assert_true(dns_policy_may_ask(policy, &addr));
	dns_policy_free(policy);
	dns_policy_free(open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_uplink_that_has_servers_is_asked),
		cmocka_unit_test(a_server_is_asked_by_the_uplink_that_told_of_it),
		cmocka_unit_test(the_longest_domain_decides),
		cmocka_unit_test(who_is_on_the_list_may_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
