// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/config.h"
#include "control/nat_text.h"
#include "control/rule_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BASE                                                                                       \
	"ports: {lan: {driver: 'null'}, wan: {driver: 'null'}}\n"                                  \
	"interfaces: {lan: {port: lan, addresses: 198.18.0.1/24},"                                 \
	" wan: {port: wan, addresses: 203.0.113.2/24}}\n"                                          \
	"zones: {home: {interfaces: lan}, internet: {interfaces: wan}}\n"                          \
	"sets: {web: {ports: [80, 443]}, vips: {addresses: [198.18.0.7]},"                         \
	" banned: {addresses: [], timeout: 1d}}\n"

static struct config *parse(const char *text)
{
	struct cfg_errors errors = {0};
	struct config *config = config_parse("test.yaml", text, strlen(text), &errors);

	if (config == NULL)
		fail_msg("%s\n%s", errors.list[0].text, text);
	cfg_errors_free(&errors);
	return config;
}

// The text of the only rule of a config whose only rule is `said`, in memory of its own.
static char *text_of_rule(const char *said)
{
	char text[4096], *out = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&out, &bytes);
	struct config *config;

	snprintf(text, sizeof(text),
		BASE "firewall: {forward: [{%s}], lists: {deeper: [{action: drop}]}}\n", said);
	config = parse(text);
	rule_text_write(to, &config->firewall.hooks[CFG_HOOK_FORWARD].rules[0]);
	fclose(to);
	config_free(config);
	return out;
}

static char *text_of_nat(const char *said)
{
	char text[4096], *out = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&out, &bytes);
	struct config *config;

	snprintf(text, sizeof(text), BASE "nat: [{%s}]\n", said);
	config = parse(text);
	nat_text_write(to, &config->nats[0]);
	fclose(to);
	config_free(config);
	return out;
}

static void check(char *(*text_of)(const char *said), const char *written, const char *expected)
{
	char *once = text_of(written), *twice = text_of(once);

	assert_string_equal(once, expected);
	assert_string_equal(twice, expected);
	free(once);
	free(twice);
}

static const struct {
	const char *written;
	const char *expected; // NULL: the same
} rule_rows[] = {
	{"from: home, to: [internet, none], action: accept", NULL},
	{"in-interface: lan, out-interface: not lan, action: accept", NULL},
	{"source: [vips, 198.18.0.8, 198.18.1.0/24, 198.18.0.10-198.18.0.12], action: drop", NULL},
	{"family: ipv6, source: 2001:db8::/32, action: drop", NULL},
	{"source: [not vips, not 198.18.0.8], action: drop", NULL},
	{"protocol: tcp, port: [22, 8000-8099, web], action: accept", NULL},
	{"port: https, action: accept", "protocol: [tcp, udp], port: 443, action: accept"},
	{"protocol: [udp, 99], action: accept", NULL},
	{"protocol: icmp, icmp: [echo-request, fragmentation-needed, 3/9, 77], action: accept",
		NULL},
	{"protocol: icmp6, icmp6: packet-too-big, action: accept", NULL},
	{"protocol: tcp, tcp-flags: [syn, not ack], action: drop", NULL},
	{"dscp: [cs1, ef, 47], action: accept", NULL},
	{"mac: 02:00:00:00:00:01, action: accept", NULL},
	{"state: [established, related], action: accept", NULL},
	{"dnat: true, action: accept", NULL},
	{"mark: 0x10/0xff, set-mark: 0x7, action: continue", NULL},
	{"time: [\"mon,tue 08:00-18:00\", \"22:00-06:00\", \"sat,sun\"], action: drop", NULL},
	{"time: mon-tue, action: drop", "time: \"mon,tue\", action: drop"},
	{"rate: over 10/m burst 20 per source, action: drop", NULL},
	{"rate: 5/s, count: seen, action: accept", NULL},
	{"log: \"a \\\"quoted\\\" \\\\ one: \", log-rate: 1/h, action: drop", NULL},
	{"add-to: {set: banned, address: destination, timeout: 600s, ipv6-prefix: 128}, "
	 "action: drop",
		NULL},
	{"add-to: {set: banned}, action: drop",
		"add-to: {set: banned, address: source, timeout: 86400s, ipv6-prefix: 64}, "
		"action: drop"},
	{"jump: deeper", NULL},
	{"action: reject, reject-with: admin-prohibited", NULL},
	{"action: return", NULL},
};

static void a_rules_text_is_the_rule_again(void **state)
{
	for (size_t i = 0; i < COUNT(rule_rows); i++)
		check(text_of_rule, rule_rows[i].written,
			rule_rows[i].expected != NULL ? rule_rows[i].expected
						      : rule_rows[i].written);
}

static const char *const nats[] = {
	"masquerade: wan",
	"masquerade: [wan, lan], from: [198.18.0.0/24, vips], protocol: udp, family: both, "
	"random-ports: true",
	"source: 203.0.113.64/28, interface: wan, keep-parity: true, full-cone: true",
	"one-to-one: {inside: 198.18.0.8/30, outside: 203.0.113.8/30}",
	"forward: {to: 198.18.0.5, protocol: tcp, ports: [80, 8000-8010]}, address: 203.0.113.5, "
	"interface: wan, from: not vips",
	"forward: {to: 198.18.0.5, protocol: [tcp, udp], ports: 80, to-port: 8080}, interface: wan",
	"redirect: {protocol: udp, ports: 53}, interface: lan, family: ipv4",
	"prefix: {inside: fd00:1::/48, outside: 2001:db8:1::/48}, interface: wan",
	"exempt: any, to: 198.51.100.0/24, family: ipv4",
};

static void a_translations_text_is_the_translation_again(void **state)
{
	for (size_t i = 0; i < COUNT(nats); i++)
		check(text_of_nat, nats[i], nats[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rules_text_is_the_rule_again),
		cmocka_unit_test(a_translations_text_is_the_translation_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
