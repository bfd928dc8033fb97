// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/stateful_world.h"

#include <stdlib.h>

#include "tests/unit/ruleset_fixture.h"

enum { HOST_FLOWS_MAX = 12 };

static struct policy_fixture build;
static struct dp_nat nats[16];

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	if (ip_prefix_parse(text, &p) != 0)
		abort();
	return p;
}

static struct dp_nat *add_nat(enum dp_nat_kind kind, uint8_t family)
{
	struct dp_nat *nat = &nats[build.policy.n_nats++];

	*nat = fixture_masquerade(FIXTURE_WAN);
	nat->kind = kind;
	nat->family = family;
	return nat;
}

static void add_translation(
	enum dp_nat_kind kind, uint8_t family, const char *outside, const char *inside)
{
	struct dp_nat *nat = add_nat(kind, family);

	if (outside != NULL)
		nat->outside = prefix(outside);
	if (inside != NULL)
		nat->inside = prefix(inside);
}

static void add_forwards(void)
{
	struct dp_nat *nat;

	add_translation(DP_NAT_FORWARD, IP_V4, NULL, "198.18.0.7/32");
	nat = &nats[build.policy.n_nats - 1];
	nat->first_port = nat->last_port = 80;
	nat->inside_port = 8080;
	add_translation(DP_NAT_FORWARD, IP_V4, NULL, "198.18.1.9/32");
	nat = &nats[build.policy.n_nats - 1];
	nat->first_port = 5000;
	nat->last_port = 5010;
	add_translation(DP_NAT_FORWARD, IP_V6, NULL, "2001:db8:1::7/128");
	nats[build.policy.n_nats - 1].first_port = nats[build.policy.n_nats - 1].last_port = 443;
	nat = add_nat(DP_NAT_REDIRECT, IP_V4);
	nat->interface = FIXTURE_LAN;
	nat->first_port = nat->last_port = 53;
	nat->inside_port = 5353;
}

static uint16_t prefix_set(const char *first, const char *second, uint16_t timed)
{
	uint16_t set = fixture_set(&build, DP_SET_ADDRESSES);

	build.prefixes[set][0] = prefix(first);
	build.prefixes[set][1] = prefix(second);
	build.sets[set].n_prefixes = timed == DP_INDEX_NONE ? 2 : 0;
	build.sets[set].timed = timed;
	return set;
}

static uint16_t range_set(enum dp_set_kind kind, uint32_t first, uint32_t last)
{
	uint16_t set = fixture_set(&build, kind);

	build.ranges[set][0] = (struct dp_range){first, last};
	build.sets[set].n_ranges = 1;
	return set;
}

static uint16_t mac_set(void)
{
	uint16_t set = fixture_set(&build, DP_SET_MACS);

	build.macs[set][0] = (struct mac_addr){{2, 1, 0, 0, FIXTURE_LAN2, 7}};
	build.sets[set].n_macs = 1;
	return set;
}

// Lists that a hook's own jumps to, first; then the hooks'.
static void add_firewall(enum dp_action otherwise)
{
	uint16_t bans = prefix_set("198.51.100.0/28", "2001:db8:9::/64", WORLD_BANS);
	uint16_t servers = prefix_set("198.51.100.0/24", "2001:db8:9::/64", DP_INDEX_NONE);
	uint16_t web = range_set(DP_SET_PORTS, 80, 443), dns = range_set(DP_SET_PORTS, 53, 53);
	uint16_t echo = range_set(DP_SET_ICMP, 8 << 8, (8 << 8) + 255);
	uint16_t echo6 = range_set(DP_SET_ICMP6, 128 << 8, (128 << 8) + 255), macs = mac_set();
	struct dp_rule *rule;
	uint32_t first;

	build.policy.has_firewall = true;
	build.policy.zones[FIXTURE_LAN] = build.policy.zones[FIXTURE_LAN2] = ZONE_LAN;
	build.policy.zones[FIXTURE_WAN] = ZONE_WAN;
	build.rates[0] = (struct dp_rate){.packets = 3, .per_sec = 1, .burst = 3};
	build.rates[1] =
		(struct dp_rate){.packets = 5, .per_sec = 60, .burst = 2, .is_per_source = true};
	build.policy.n_rates = 2;
	build.logs[0] = (struct dp_log){.prefix = "fuzz", .rate = 0};
	build.policy.n_logs = 1;

	rule = fixture_rule(&build, DP_REJECT);
	rule->destination_port = in_set(dns);
	rule->rate = 1;
	rule->is_above_rate = true;
	rule = fixture_rule(&build, DP_CONTINUE);
	rule->set_mark = rule->set_mark_mask = 5;
	rule->counter = 0;
	fixture_rule(&build, DP_RETURN);
	fixture_list(&build, 0);

	first = build.policy.n_rules;
	fixture_rule(&build, DP_DROP)->source = in_set(bans);
	rule = fixture_rule(&build, DP_REJECT);
	rule->destination = in_set(bans);
	rule->reject = DP_REJECT_HOST;
	rule = fixture_rule(&build, DP_CONTINUE);
	rule->log = 0;
	rule->add_timed = WORLD_BANS;
	rule->add_sec = 30;
	rule->destination_port = not_in_set(web);
	rule->tcp_flags_mask = rule->tcp_flags = 0x20;
	rule = fixture_rule(&build, DP_JUMP);
	rule->jump_list = 0;
	fixture_rule(&build, DP_ACCEPT)->icmp = in_set(echo);
	fixture_rule(&build, DP_ACCEPT)->icmp6 = in_set(echo6);
	rule = fixture_rule(&build, DP_REJECT);
	rule->reject = DP_REJECT_RST;
	rule->mac = in_set(macs);
	rule->schedule = 3;
	rule = fixture_rule(&build, DP_ACCEPT);
	rule->from_zones = 1 << ZONE_LAN;
	rule->destination = in_set(servers);
	fixture_rule(&build, DP_ACCEPT)->destination_port = in_set(web);
	fixture_rule(&build, DP_ACCEPT)->is_dnat = 1;
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		build.policy.hooks[hook] = 1;
		build.policy.defaults[hook] = hook == DP_HOOK_OUTPUT ? DP_ACCEPT : otherwise;
	}
	fixture_list(&build, first);
}

static void set_hygiene(uint16_t wan_rpf, uint16_t lan_rpf)
{
	const uint16_t all = DP_HYGIENE_RPF_STRICT - 1;

	build.policy.hygiene[FIXTURE_WAN] = all | wan_rpf;
	build.policy.hygiene[FIXTURE_LAN] = (all & ~DP_HYGIENE_MARTIAN) | lan_rpf;
	build.policy.hygiene[FIXTURE_LAN2] = build.policy.hygiene[FIXTURE_LAN];
}

static void build_policy(unsigned which)
{
	fixture_begin(&build);
	build.policy.has_firewall = false;
	build.policy.nats = nats;
	build.policy.picks_up = which != 9;
	switch (which) {
	case 0:
		add_nat(DP_NAT_SOURCE, IP_V4);
		return;
	case 1:
		add_nat(DP_NAT_SOURCE, IP_NONE);
		return;
	case 2:
		add_translation(DP_NAT_SOURCE, IP_V4, "203.0.113.16/30", NULL);
		nats[0].is_random = nats[0].keeps_parity = true;
		return;
	case 3:
		add_forwards();
		add_nat(DP_NAT_SOURCE, IP_NONE);
		build.policy.helpers[DP_HELPER_FTP] = (struct dp_helper_ports){{80, 443}, 2};
		build.policy.helpers[DP_HELPER_TFTP] = (struct dp_helper_ports){{53, 5000}, 2};
		return;
	case 4:
		add_translation(DP_NAT_ONE_TO_ONE, IP_V4, "203.0.113.10/32", "198.18.0.8/32");
		add_translation(
			DP_NAT_ONE_TO_ONE, IP_V6, "2001:db8:f::10/128", "2001:db8:1::7/128");
		add_nat(DP_NAT_SOURCE, IP_NONE);
		return;
	case 5:
		add_translation(DP_NAT_PREFIX, IP_V6, "2001:db8:f:1::/64", "2001:db8:1::/64");
		add_nat(DP_NAT_SOURCE, IP_V4);
		return;
	case 6:
		add_nat(DP_NAT_SOURCE, IP_NONE)->is_full_cone = true;
		return;
	case 7:
		add_firewall(DP_DROP);
		add_nat(DP_NAT_SOURCE, IP_V4);
		return;
	case 8:
		set_hygiene(DP_HYGIENE_RPF_LOOSE, DP_HYGIENE_RPF_STRICT);
		add_nat(DP_NAT_SOURCE, IP_V4);
		return;
	case 9:
		add_nat(DP_NAT_SOURCE, IP_NONE);
		build.policy.host_flows_max = HOST_FLOWS_MAX;
		return;
	case 10:
		add_firewall(DP_REJECT);
		return;
	default:
		add_firewall(DP_REJECT);
		set_hygiene(DP_HYGIENE_RPF_FEASIBLE, DP_HYGIENE_RPF_FEASIBLE);
		add_forwards();
		add_translation(DP_NAT_EXEMPT, IP_V4, NULL, NULL);
		nats[build.policy.n_nats - 1].destination =
			in_set(prefix_set("203.0.113.1/32", "2001:db8:f::1/128", DP_INDEX_NONE));
		add_nat(DP_NAT_SOURCE, IP_NONE)->is_full_cone = true;
		return;
	}
}

const struct dp_policy *world_policy(unsigned which)
{
	build_policy(which);
	return &build.policy;
}
