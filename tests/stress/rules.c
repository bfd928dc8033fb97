// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/rules.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stress/talk.h"
#include "tests/unit/ruleset_fixture.h"

enum {
	UNUSED_PORTS = 62000, // of which no conversation has one
	QUESTIONS = 8,	      // rules that nothing matches
	TRANSLATIONS = 3,
};

static struct policy_fixture build;
static struct dp_nat nats[TRANSLATIONS];

static uint16_t addresses(const char *text)
{
	uint16_t set = fixture_set(&build, DP_SET_ADDRESSES);

	fixture_add_prefix(&build, set, text);
	return set;
}

// --- rules ---

// Whom control has banned, and for a while some servers.
static void add_refusals(unsigned variant)
{
	uint16_t bans = fixture_set(&build, DP_SET_ADDRESSES), others;
	struct dp_rule *rule = fixture_rule(&build, DP_DROP);

	build.sets[bans].timed = RULES_BANS;
	rule->source = in_set(bans);
	rule->log = 0;
	others = addresses("198.51.100.0/28");
	fixture_add_prefix(&build, others, "2001:db8:f::/124");
	rule = fixture_rule(&build, variant == 1 ? DP_REJECT : DP_CONTINUE);
	rule->destination = in_set(others);
}

// What only counts, logs, marks and adds, and what nobody asks for.
static void add_questions(void)
{
	uint16_t tcp = fixture_range(&build, DP_SET_PROTOCOLS, IPPROTO_TCP, IPPROTO_TCP);
	uint16_t seen = fixture_set(&build, DP_SET_ADDRESSES);
	struct dp_rule *rule = fixture_rule(&build, DP_CONTINUE);

	build.sets[seen].timed = RULES_SEEN;
	rule->rate = 1;
	rule->add_timed = RULES_SEEN;
	rule->add_sec = 1;
	rule->protocol = in_set(tcp);
	rule = fixture_rule(&build, DP_CONTINUE);
	rule->source = in_set(seen);
	rule->set_mark = rule->set_mark_mask = 1;
	rule = fixture_rule(&build, DP_CONTINUE);
	rule->schedule = 2;
	rule->mark = rule->mark_mask = 1;
	rule->set_mark = rule->set_mark_mask = 2;
	rule = fixture_rule(&build, DP_CONTINUE);
	rule->tcp_flags_mask = rule->tcp_flags = 0x02;
	rule->counter = 0;
	fixture_rule(&build, DP_DROP)->dscps = UINT64_C(1) << 46;
	rule = fixture_rule(&build, DP_REJECT);
	rule->mac = in_set(fixture_mac(&build, (struct mac_addr){{2, 9, 9, 9, 9, 9}}));
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		uint32_t port = UNUSED_PORTS + 10 * i;

		rule = fixture_rule(&build, i % 2 == 0 ? DP_ACCEPT : DP_REJECT);
		rule->destination_port =
			in_set(fixture_range(&build, DP_SET_PORTS, port, port + 5));
		rule->protocol = in_set(tcp);
		rule->family = i % 3 == 0 ? IP_V6 : IP_NONE;
	}
}

// Only who begins in the conversations may begin: an answer never opens a flow of its own, but for
// one that was announced.
static void add_permissions(void)
{
	uint16_t lan = fixture_range(&build, DP_SET_INTERFACES, TALK_LAN, TALK_LAN);

	fixture_rule(&build, DP_ACCEPT)->states = DP_STATE_RELATED;
	fixture_rule(&build, DP_ACCEPT)->in_interface = in_set(lan);
	fixture_rule(&build, DP_ACCEPT)->is_dnat = 1;
	fixture_rule(&build, DP_DROP)->counter = 1;
}

static void add_rules(unsigned variant)
{
	build.logs[0] = (struct dp_log){.prefix = "stress", .rate = 0};
	build.policy.n_logs = 1;
	build.rates[0] = (struct dp_rate){.packets = 10, .per_sec = 1, .burst = 10};
	build.rates[1] =
		(struct dp_rate){.packets = 1, .per_sec = 1, .burst = 2, .is_per_source = true};
	build.policy.n_rates = 2;
	add_refusals(variant);
	add_questions();
	add_permissions();
	build.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&build, 0);
}

// --- translations ---

static struct dp_nat translation(enum dp_nat_kind kind)
{
	struct dp_nat nat = dp_nat_any(kind);

	nat.family = IP_V4;
	nat.interface = TALK_WAN;
	return nat;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	if (ip_prefix_parse(text, &p) != 0)
		abort();
	return p;
}

static void add_translations(unsigned variant)
{
	nats[0] = translation(DP_NAT_SOURCE);
	nats[0].source = in_set(addresses("198.18.0.128/25"));
	nats[0].outside = prefix(TALK_CONE_ADDRESS "/32");
	nats[0].is_full_cone = true;
	nats[1] = translation(DP_NAT_SOURCE);
	nats[2] = translation(DP_NAT_FORWARD);
	nats[2].inside = prefix("198.18.1.10/32");
	nats[2].first_port = TALK_FORWARDED;
	nats[2].last_port = TALK_FORWARDED + TALK_FORWARDS - 1;
	nats[2].inside_port = TALK_INSIDE;
	build.policy.nats = nats;
	build.policy.n_nats = variant == 2 ? 2 : TRANSLATIONS; // without the forwards for a while
}

void rules_set(struct dataplane *dp, unsigned variant)
{
	struct error err;

	fixture_begin(&build);
	memset(build.policy.zones, DP_ZONE_NONE, sizeof(build.policy.zones));
	for (unsigned i = 0; i < TALK_INTERFACES; i++) {
		build.policy.zones[i] = (uint8_t)(2 + i);
		build.policy.hygiene[i] = DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_MSS |
					  DP_HYGIENE_OWN_SOURCE | DP_HYGIENE_MARTIAN |
					  DP_HYGIENE_LAND | DP_HYGIENE_RPF_STRICT;
	}
	add_rules(variant);
	add_translations(variant);
	build.policy.helpers[DP_HELPER_TFTP] =
		(struct dp_helper_ports){.ports = {TALK_TFTP_PORT}, .n = 1};
	build.policy.timeouts = (struct dp_timeouts){1, 1, 1, 1, 1, 1, 1, 1};
	if (dataplane_policy_set(dp, &build.policy, &err) != 0) {
		fprintf(stderr, "stress: %s\n", err.text);
		exit(1);
	}
}
