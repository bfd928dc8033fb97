// SPDX-License-Identifier: BSD-3-Clause
// A config in which one key of `dns` is another is another config: to who compares field by field,
// and to who walks the model, as an apply does to know whether the forwarder has to follow.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "cfg/diff.h"
#include "cfg/model.h"
#include "tests/unit/config_equal.h"
#include "tests/unit/config_fixture.h"

// By the first key of each.
static const char *const rows[] = {
	"listen: [lan, lo]",
	"port: 5353",
	"access: 198.18.0.0/24",
	"upstreams: 203.0.113.53",
	"tls-certificates: /etc/ca.pem",
	"domains: [{names: corp.example, upstreams: 203.0.113.53}]",
	"domains: [{names: corp.example, upstreams: 203.0.113.54}]",
	"mdns: lan",
	"dnssec: true",
	"trust-anchor: /etc/anchor, dnssec: true",
	"root-hints: /etc/hints",
	"rate: 7",
	"cache: 9",
	"ttl-min: 3s",
	"ttl-max: 3h",
	"stale: 3h",
	"records: [{name: a.example, addresses: 198.18.0.5}]",
	"records: [{name: a.example, addresses: 198.18.0.6}]",
	"records: [{name: a.example, addresses: 198.18.0.6, ttl: 1m}]",
	"records: [{name: a.example, mx: 1 b.example}]",
	"records: [{name: a.example, srv: 1 1 1 b.example}]",
	"records: [{name: a.example, txt: b}]",
	"records: [{name: a.example, cname: b.example}]",
	"records: [{name: a.example, ptr: b.example}]",
	"zones: [{name: a.example}]",
	"zones: [{name: a.example, addresses: 198.18.0.5}]",
	"domain: a.example",
	"block-lists: {ads: {file: /etc/ads}}",
	"block-lists: {ads: {file: /etc/others}}",
	"blocking: [{names: a.example}]",
	"blocking: [{names: a.example, clients: 198.18.0.0/24}]",
	"blocking: [{names: a.example, clients: [tv, '02:00:5e:00:53:01']}]",
	"blocking: [{names: a.example, allow: b.a.example}]",
	"blocking: [{names: a.example, answer: zero}]",
	"rebind: {allow: true}",
	"rebind: {domains: a.example}",
	"canary: true",
};

static struct config *parse_row(const char *row)
{
	char text[512];

	snprintf(text, sizeof(text), ROUTER "dns: {%s%s}\n",
		strncmp(row, "listen:", 7) == 0 ? "" : "listen: lan, ", row);
	return parse_good(text);
}

static void assert_differ(const struct config *a, const struct config *b, const char *row)
{
	const char *difference = config_differs(a, b);
	struct cfg_changes changes;

	if (difference == NULL || strcmp(difference, "dns") != 0)
		fail_msg("%s: %s", row, difference == NULL ? "the same" : difference);
	assert_int_equal(config_diff(a, b, &changes), 0);
	if (changes.n == 0 || strncmp(changes.list[0].path, "dns", 3) != 0)
		fail_msg("%s: no change", row);
	cfg_changes_free(&changes);
}

static void another_key_of_dns_is_another_config(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *a = parse_row(rows[i]), *same = parse_row(rows[i]);

		assert_null(config_differs(a, same));
		for (size_t k = 0; k < COUNT(rows); k++) {
			struct config *b = parse_row(rows[k]);

			if (i != k)
				assert_differ(a, b, rows[k]);
			config_free(b);
		}
		config_free(a);
		config_free(same);
	}
}

static void every_key_of_dns_is_in_the_table(void **state)
{
	for (const struct model_key *key = model_dns.keys; key->key != NULL; key++) {
		size_t len = strlen(key->key);
		bool is_there = false;

		for (size_t i = 0; i < COUNT(rows); i++)
			is_there |= strncmp(rows[i], key->key, len) == 0 && rows[i][len] == ':';
		if (!is_there)
			fail_msg("dns: `%s` is not compared", key->key);
	}
}

static void no_dns_is_something_else(void **state)
{
	struct config *a = parse_good(ROUTER), *b = parse_row("port: 53");

	assert_differ(a, b, "without");
	config_free(a);
	config_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_key_of_dns_is_another_config),
		cmocka_unit_test(every_key_of_dns_is_in_the_table),
		cmocka_unit_test(no_dns_is_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
