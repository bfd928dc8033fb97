// SPDX-License-Identifier: BSD-3-Clause
// Each kind of doubt: a file that raises it, and no other.
#include "cfg/doubt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define ZONES	 "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"
#define MASQ	 "nat: [{masquerade: wan}]\n"
#define HOME	 ROUTER MASQ ZONES
#define FIREWALL HOME "firewall:\n  input:\n  - {from: lan, action: accept}\n"
#define THREE                                                                                      \
	"ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}, r: {match: {name: eth3}}}\n"  \
	"interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q}, iot: {port: "     \
	"r}}\n"                                                                                    \
	"routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n"
#define SERVED                                                                                     \
	THREE "zones: {lan: {interfaces: lan}, iot: {interfaces: iot}, wan: {interfaces: wan}}\n"  \
	      "firewall:\n  input:\n  - {from: lan, protocol: tcp, port: ssh, action: accept}\n"

#define TWO_UPLINKS                                                                                \
	ROUTER "uplinks: {u: {interface: wan, via: 203.0.113.1, probes: [192.0.2.1, 192.0.2.2]}, "

static const char *const raised_by[DOUBT_COUNT] = {
	[DOUBT_CORE_TWICE] = ROUTER "workers: {cores: [0, 0]}\n",
	[DOUBT_INTERFACE_MISPLACED] =
		THREE "zones: {lan: {interfaces: lan}, out: {interfaces: [wan, iot]}}\n"
		      "firewall: {input: [{from: lan, action: accept}]}\n",
	[DOUBT_INTERFACE_WITHOUT_ZONE] =
		ROUTER MASQ "zones: {lan: {interfaces: lan}}\n"
			    "firewall: {input: [{from: lan, action: accept}]}\n",
	[DOUBT_SET_EMPTY] =
		ROUTER "sets: {a: {addresses: []}}\nnat: [{masquerade: wan, from: a}]\n",
	[DOUBT_SET_UNUSED] = ROUTER "sets: {a: {ports: 80}}\n",
	[DOUBT_ZONES_WITHOUT_FIREWALL] = HOME,
	[DOUBT_DHCP_HOOK_UNUSABLE] =
		ROUTER "dhcp-server: {lan: {pool: 198.18.0.9, hook: /absent/hook}}\n"
		       "dns: {listen: lan}\n",
	[DOUBT_DHCP_NOTHING_TO_GIVE] = ROUTER "dhcp-server: {lan: {}}\n",
	[DOUBT_DHCP_RANGES_MEET] = ROUTER "dhcp-server: {lan: {pool: [198.18.0.9, 198.18.0.9]}}\n"
					  "dns: {listen: lan}\n",
	[DOUBT_DHCP_WITHOUT_DNS] = ROUTER "dhcp-server: {lan: {pool: 198.18.0.9}}\n",
	[DOUBT_ACCEPTED_FOR_NOTHING] = ROUTER "accept-warnings: [{id: set-empty}]\n",
	[DOUBT_PICK_UP_DROPPED] = FIREWALL "  hygiene: {tcp-new: true}\nflows: {pick-up: true}\n",
	[DOUBT_TIMEOUT_SHORT] = ROUTER "flows: {timeouts: {icmp: 1s}}\n",
	[DOUBT_DHCP_NOT_DROPPED] =
		FIREWALL "  - {from: wan, protocol: udp, port: dhcp-client, action: drop}\n",
	[DOUBT_LIST_UNUSED] = FIREWALL "  lists: {a: [{action: drop}]}\n",
	[DOUBT_LOG_FLOOD] = FIREWALL "  - {log: \"all \", log-rate: 500/s, action: drop}\n",
	[DOUBT_NEEDED_ICMP_DROPPED] = FIREWALL "  - {icmp6: packet-too-big, action: drop}\n",
	[DOUBT_RATE_WITHOUT_OVER] = FIREWALL "  - {port: 22, rate: 5/m, action: drop}\n",
	[DOUBT_RULE_IMPOSSIBLE] = FIREWALL "  - {from: wan, in-interface: lan, action: drop}\n",
	[DOUBT_RULE_SHADOWED] = FIREWALL "  - {action: drop}\n  - {port: 80, action: accept}\n",
	[DOUBT_DNS_SHUT] = SERVED "dns: {listen: [lan, lo]}\n",
	[DOUBT_FORWARD_OPEN] = FIREWALL "  forward: [{action: accept}]\n",
	[DOUBT_INPUT_OPEN] = HOME "firewall: {input: [{action: accept}]}\n",
	[DOUBT_LAN_WITHOUT_DHCP] =
		SERVED "  - {from: lan, protocol: udp, port: dhcp-server, action: accept}\n",
	[DOUBT_LAN_WITHOUT_DNS] =
		SERVED "  - {from: lan, protocol: udp, port: dns, action: accept}\n",
	[DOUBT_MANAGEMENT_EXPOSED] = FIREWALL "  - {protocol: tcp, port: ssh, action: accept}\n",
	[DOUBT_MDNS_SHUT] = FIREWALL "  output: [{protocol: udp, port: mdns, action: drop}]\n"
				     "dns: {listen: lan, mdns: lan}\n",
	[DOUBT_RESOLVER_OPEN] = FIREWALL "  - {from: [lan, wan], port: dns, action: accept}\n",
	[DOUBT_ROUTER_LOCKED] = HOME "firewall: {}\n",
	[DOUBT_NAT_ADDRESS_UNANSWERED] =
		ROUTER "nat: [{one-to-one: {inside: 198.18.0.9, outside: 203.0.113.9}}]\n",
	[DOUBT_NAT_BLOCKED] =
		ROUTER ZONES "nat: [{masquerade: wan}, {redirect: {ports: 22}, interface: wan}]\n"
			     "firewall: {input: [{from: lan, action: accept}]}\n",
	[DOUBT_ROUTE_NEVER_USED] =
		ROUTER "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}, {to: 0.0.0.0/0, via: "
		       "203.0.113.9, metric: 10}]\n",
	[DOUBT_UPLINK_PROBE_OWN] =
		ROUTER "uplinks: {u: {interface: wan, via: 203.0.113.1, probes: [203.0.113.2]}}\n",
	[DOUBT_UPLINK_PROBE_SINGLE] =
		TWO_UPLINKS "v: {interface: lan, via: 198.18.0.9, probes: 192.0.2.1}}\n",
	[DOUBT_UPLINK_UNPROBED] = TWO_UPLINKS "v: {interface: lan, via: 198.18.0.9}}\n",
	[DOUBT_UPLINK_WITHOUT_WAY] =
		ROUTER "uplinks: {u: {interface: wan, probes: [192.0.2.1, 192.0.2.2]}}\n",
	[DOUBT_MASQUERADE_UNROUTED] =
		ROUTER "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\nnat: [{masquerade: lan}]\n",
	[DOUBT_NAT_MISSING] =
		PORTS "interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q, "
		      "addresses: 192.168.1.1/24}}\n"
		      "routes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\n",
	[DOUBT_NAT_OVERLAP] =
		ROUTER "nat: [{forward: {ports: 8000-8010, to: 198.18.0.9}, interface: wan}, "
		       "{forward: {ports: 8005-8015, to: 198.18.0.8}, interface: wan}]\n",
	[DOUBT_NAT_TARGET_OUTSIDE] =
		ROUTER "nat: [{forward: {ports: 80, to: 192.0.2.9}, interface: wan}]\n",
	[DOUBT_NAT_SHADOWED] =
		ROUTER "nat: [{masquerade: wan}, {masquerade: wan, random-ports: true}]\n",
};

static void each_has_a_file_that_raises_it_and_no_other(void **state)
{
	for (unsigned i = 0; i < DOUBT_COUNT; i++) {
		struct cfg_errors errors;
		struct config *config;
		char line[ERROR_STR_BYTES];

		if (raised_by[i] == NULL)
			fail_msg("%s: nothing raises it", doubt_kinds[i].id);
		config = parse(raised_by[i], &errors);
		if (config == NULL)
			fail_msg("%s", error_str(errors.list, line, sizeof(line)));
		if (errors.n_warnings == 0)
			fail_msg("%s is not raised by: %s", doubt_kinds[i].id, raised_by[i]);
		for (unsigned j = 0; j < errors.n_warnings; j++) {
			if (strcmp(errors.warnings[j].id, doubt_kinds[i].id) != 0)
				fail_msg("beside %s: %s", doubt_kinds[i].id,
					error_str(&errors.warnings[j], line, sizeof(line)));
			assert_true(errors.warnings[j].fix[0] != '\0');
		}
		config_free(config);
		cfg_errors_free(&errors);
	}
}

// But the one that is about entries for nothing.
static void each_can_be_accepted_by_its_id(void **state)
{
	for (unsigned i = 0; i < DOUBT_COUNT; i++) {
		struct cfg_errors errors;
		char text[2048], line[ERROR_STR_BYTES];

		if (i == DOUBT_ACCEPTED_FOR_NOTHING)
			continue;
		snprintf(text, sizeof(text), "%saccept-warnings: [{id: %s}]\n", raised_by[i],
			doubt_kinds[i].id);
		config_free(parse(text, &errors));
		if (errors.n > 0 || errors.n_warnings > 0)
			fail_msg("%s", error_str(errors.n > 0 ? errors.list : errors.warnings, line,
					       sizeof(line)));
		assert_true(errors.n_accepted > 0);
		for (unsigned j = 0; j < errors.n_accepted; j++)
			assert_string_equal(errors.accepted[j].id, doubt_kinds[i].id);
		cfg_errors_free(&errors);
	}
}

static bool is_kebab(const char *id)
{
	size_t len = strlen(id);

	return len > 2 && strspn(id, "abcdefghijklmnopqrstuvwxyz-") == len && id[0] != '-' &&
	       id[len - 1] != '-' && strstr(id, "--") == NULL;
}

static void ids_are_words_and_unlike_each_other(void **state)
{
	for (unsigned i = 0; i < DOUBT_COUNT; i++) {
		if (!is_kebab(doubt_kinds[i].id))
			fail_msg("`%s`", doubt_kinds[i].id);
		assert_true(strlen(doubt_kinds[i].why) > 20);
		assert_int_equal(doubt_kinds[i].why[strlen(doubt_kinds[i].why) - 1], '.');
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(doubt_kinds[i].id, doubt_kinds[j].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_file_that_raises_it_and_no_other),
		cmocka_unit_test(each_can_be_accepted_by_its_id),
		cmocka_unit_test(ids_are_words_and_unlike_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
