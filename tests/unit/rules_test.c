// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ruleset_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// File-wide, so that a test that fails half-way leaves none behind.
static struct policy_fixture f;

static const struct rules_now now = {.now_ms = 1000000, .now_sec = 1000};

static int setup(void **state)
{
	fixture_begin(&f);
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(&f);
	return 0;
}

static void compile(void)
{
	struct error err = {0};

	fixture_drop_ruleset(&f);
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
}

static struct rule_verdict judge(enum dp_hook hook, const struct rule_subject *s)
{
	return fixture_judge(&f, hook, s, &now);
}

static int action(const struct rule_subject *s)
{
	return judge(DP_HOOK_FORWARD, s).action;
}

// One rule that accepts, on top of a default that drops.
static void accept_if(const struct dp_rule *rule)
{
	f.policy.n_rules = f.policy.n_lists = 0;
	*fixture_rule(&f, DP_ACCEPT) = *rule;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
}

static bool is_accepted(const struct dp_rule *rule, const struct rule_subject *s)
{
	accept_if(rule);
	return action(s) == DP_ACCEPT;
}

// --- each match by itself ---

static void addresses_match_in_both_families(void **state)
{
	uint16_t host = fixture_addresses(&f, "198.51.100.0/29", "2001:db8:1::/64");
	uint16_t server = fixture_addresses(&f, "203.0.113.9/32", "2001:db8:2::9/128");
	uint16_t other = fixture_addresses(&f, "198.51.100.8/29", "2001:db8:1:1::/64");
	const struct {
		struct dp_match_set source, destination;
		bool matches;
	} rows[] = {
		{anything(), anything(), true},
		{in_set(host), anything(), true},
		{in_set(other), anything(), false},
		{in_set(server), anything(), false},
		{not_in_set(host), anything(), false},
		{not_in_set(other), anything(), true},
		{anything(), in_set(server), true},
		{anything(), in_set(host), false},
		{anything(), not_in_set(server), false},
		{anything(), not_in_set(host), true},
		{in_set(host), in_set(server), true},
		{in_set(host), in_set(other), false},
		{in_set(other), in_set(server), false},
		{in_set(host), not_in_set(server), false},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		for (uint8_t family = IP_V4; family <= IP_V6; family += 2) {
			struct dp_rule rule = rule_of(DP_ACCEPT);
			struct rule_subject s = syn(family);

			rule.source = rows[i].source;
			rule.destination = rows[i].destination;
			if (is_accepted(&rule, &s) != rows[i].matches)
				fail_msg("row %u, IPv%u", i, family);
		}
	}
}

static void an_address_is_asked_of_the_timed_set_too(void **state)
{
	uint16_t set = fixture_addresses(&f, "192.0.2.1/32", "2001:db8:9::/48");
	struct dp_rule rule = rule_of(DP_ACCEPT);
	struct rule_subject s4 = syn(IP_V4), s6 = syn(IP_V6);
	struct rules_now later = now;
	struct ip_prefix host;

	f.timed[3] = timed_set_new(16, NULL);
	assert_non_null(f.timed[3]);
	f.sets[set].timed = 3;
	rule.source = in_set(set);
	accept_if(&rule);
	assert_int_equal(action(&s4), DP_DROP);
	assert_int_equal(action(&s6), DP_DROP);
	assert_int_equal(ip_prefix_parse("198.51.100.7/32", &host), 0);
	assert_int_equal(timed_set_add(f.timed[3], &host, now.now_sec + 10), 0);
	assert_int_equal(ip_prefix_parse("2001:db8:1::/64", &host), 0);
	assert_int_equal(timed_set_add(f.timed[3], &host, now.now_sec + 20), 0);
	assert_int_equal(action(&s4), DP_ACCEPT);
	assert_int_equal(action(&s6), DP_ACCEPT);
	later.now_sec += 15;
	assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s4, &later).action, DP_DROP);
	assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s6, &later).action, DP_ACCEPT);
}

static void ports_match_packets_that_have_some(void **state)
{
	uint16_t web = fixture_range(&f, DP_SET_PORTS, 443, 443);
	uint16_t low = fixture_range(&f, DP_SET_PORTS, 0, 1023);
	uint16_t two = fixture_range(&f, DP_SET_PORTS, 80, 80);
	uint16_t none = fixture_range(&f, DP_SET_PORTS, 0, 0);
	uint16_t all = fixture_range(&f, DP_SET_PORTS, 0, 65535);
	const struct rule_subject tcp4 = syn(IP_V4), udp6 = udp(IP_V6), esp4 = esp(IP_V4);
	const struct rule_subject ping6 = icmp(IP_V6, 128, 0);
	struct rule_subject fragment = udp(IP_V4);
	const struct {
		struct dp_match_set sport, dport;
		const struct rule_subject *s;
		bool matches;
	} rows[] = {
		{anything(), in_set(web), &tcp4, true},
		{anything(), in_set(web), &udp6, true},
		{anything(), in_set(low), &tcp4, true},
		{anything(), in_set(two), &tcp4, true},
		{anything(), in_set(none), &tcp4, false},
		{anything(), in_set(all), &tcp4, true},
		{anything(), not_in_set(web), &tcp4, false},
		{anything(), not_in_set(two), &udp6, false},
		{anything(), not_in_set(none), &tcp4, true},
		{anything(), not_in_set(all), &tcp4, false},
		{in_set(low), anything(), &tcp4, false},
		{not_in_set(low), anything(), &tcp4, true},
		{in_set(all), in_set(web), &tcp4, true},
		{in_set(low), in_set(web), &tcp4, false},
		{not_in_set(low), in_set(two), &tcp4, true},
		// without ports, nothing said of ports is true
		{anything(), in_set(all), &esp4, false},
		{anything(), not_in_set(web), &esp4, false},
		{not_in_set(web), anything(), &esp4, false},
		{in_set(all), anything(), &ping6, false},
		{not_in_set(none), anything(), &ping6, false},
		{anything(), in_set(all), &fragment, false},
		{anything(), not_in_set(web), &fragment, false},
		{anything(), anything(), &fragment, true},
	};

	fixture_add_range(&f, two, 400, 443);
	f.sets[none].n_ranges = 0;
	fragment.has_ports = false;
	fragment.sport = fragment.dport = 0;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);

		rule.source_port = rows[i].sport;
		rule.destination_port = rows[i].dport;
		if (is_accepted(&rule, rows[i].s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void each_end_of_a_port_range_is_in_it(void **state)
{
	struct dp_rule rule = rule_of(DP_ACCEPT);

	rule.destination_port = in_set(fixture_range(&f, DP_SET_PORTS, 1000, 2000));
	accept_if(&rule);
	for (unsigned port = 998; port < 2003; port++) {
		struct rule_subject s = syn(IP_V4);

		s.dport = (uint16_t)port;
		assert_int_equal(action(&s) == DP_ACCEPT, port >= 1000 && port <= 2000);
	}
}

static void protocols_match(void **state)
{
	static const uint8_t tried[] = {0, 1, 2, 6, 17, 47, 50, 58, 132, 255};
	static const struct {
		struct dp_range ranges[3];
		unsigned n;
	} rows[] = {
		{{{6, 6}}, 1},
		{{{6, 6}, {17, 17}}, 2},
		{{{1, 1}, {58, 58}}, 2},
		{{{1, 1}}, 1},
		{{{47, 47}}, 1},
		{{{47, 50}, {17, 17}}, 2},
		{{{0, 255}}, 1},
		{{{0, 0}, {2, 5}}, 2},
		{{{0, 5}, {7, 16}, {18, 255}}, 3},
		{{{0, 254}}, 1},
		{{{0, 0}}, 0},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		uint16_t set;

		f.policy.n_sets = 0;
		set = fixture_set(&f, DP_SET_PROTOCOLS);
		for (unsigned k = 0; k < rows[i].n; k++)
			fixture_add_range(&f, set, rows[i].ranges[k].first, rows[i].ranges[k].last);
		for (unsigned k = 0; k < COUNT(tried); k++) {
			struct dp_rule rule = rule_of(DP_ACCEPT);
			struct rule_subject s = esp(IP_V4);
			bool is_in = false;

			s.protocol = tried[k];
			for (unsigned r = 0; r < rows[i].n; r++)
				is_in |= tried[k] >= rows[i].ranges[r].first &&
					 tried[k] <= rows[i].ranges[r].last;
			rule.protocol = in_set(set);
			if (is_accepted(&rule, &s) != is_in)
				fail_msg("row %u, protocol %u", i, tried[k]);
			rule.protocol = not_in_set(set);
			if (is_accepted(&rule, &s) == is_in)
				fail_msg("row %u, not protocol %u", i, tried[k]);
		}
	}
}

static void icmp_types_match_in_their_own_family(void **state)
{
	uint16_t echo = fixture_range(&f, DP_SET_ICMP, 8 << 8, 8 << 8 | 255);
	uint16_t echo6 = fixture_range(&f, DP_SET_ICMP6, 128 << 8, 128 << 8);
	const struct rule_subject ping = icmp(IP_V4, 8, 0), ping6 = icmp(IP_V6, 128, 0);
	const struct rule_subject crossed = icmp(IP_V4, 128, 0), crossed6 = icmp(IP_V6, 8, 0);
	const struct rule_subject code = icmp(IP_V4, 8, 255), code6 = icmp(IP_V6, 128, 1);
	const struct rule_subject tcp = syn(IP_V4), tcp6 = syn(IP_V6);
	const struct {
		struct dp_match_set icmp, icmp6;
		const struct rule_subject *s;
		bool matches;
	} rows[] = {
		{in_set(echo), anything(), &ping, true},
		{in_set(echo), anything(), &code, true},
		{in_set(echo), anything(), &ping6, false},
		{in_set(echo), anything(), &crossed, false},
		{in_set(echo), anything(), &crossed6, false},
		{in_set(echo), anything(), &tcp, false},
		{anything(), in_set(echo6), &ping6, true},
		{anything(), in_set(echo6), &code6, false},
		{anything(), in_set(echo6), &ping, false},
		{anything(), in_set(echo6), &crossed, false},
		{anything(), in_set(echo6), &tcp6, false},
		{in_set(echo), in_set(echo6), &ping, true},
		{in_set(echo), in_set(echo6), &ping6, true},
		{in_set(echo), in_set(echo6), &crossed, false},
		{in_set(echo), in_set(echo6), &crossed6, false},
		{in_set(echo), in_set(echo6), &tcp6, false},
		{not_in_set(echo), anything(), &ping, false},
		{not_in_set(echo), anything(), &crossed, true},
		{not_in_set(echo), anything(), &ping6, false},
		{not_in_set(echo), anything(), &tcp, false},
		{not_in_set(echo), in_set(echo6), &ping6, true},
		{in_set(echo), not_in_set(echo6), &ping6, false},
		{in_set(echo), not_in_set(echo6), &code6, true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);

		rule.icmp = rows[i].icmp;
		rule.icmp6 = rows[i].icmp6;
		if (is_accepted(&rule, rows[i].s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void interfaces_match_where_there_is_one(void **state)
{
	uint16_t lan = fixture_range(&f, DP_SET_INTERFACES, INTERFACE_LAN, INTERFACE_LAN);
	uint16_t all = fixture_range(&f, DP_SET_INTERFACES, 0, 255);
	struct rule_subject forwarded = syn(IP_V4), input = syn(IP_V6), output = syn(IP_V4);
	const struct {
		struct dp_match_set in, out;
		const struct rule_subject *s;
		bool matches;
	} rows[] = {
		{in_set(lan), anything(), &forwarded, true},
		{anything(), in_set(lan), &forwarded, false},
		{not_in_set(lan), anything(), &forwarded, false},
		{anything(), not_in_set(lan), &forwarded, true},
		{in_set(lan), in_set(all), &forwarded, true},
		{in_set(lan), anything(), &input, true},
		{in_set(lan), in_set(all), &input, false},
		{anything(), not_in_set(lan), &input, false},
		{in_set(all), anything(), &output, false},
		{not_in_set(lan), anything(), &output, false},
		{anything(), in_set(all), &output, true},
	};

	input.out_interface = RULE_INTERFACE_NONE;
	output.in_interface = RULE_INTERFACE_NONE;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);

		rule.in_interface = rows[i].in;
		rule.out_interface = rows[i].out;
		if (is_accepted(&rule, rows[i].s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void macs_match_where_the_frame_had_one(void **state)
{
	uint16_t own = fixture_mac(&f, syn(IP_V4).mac);
	uint16_t other = fixture_mac(&f, (struct mac_addr){{2, 0, 0, 0xaa, 0xbb, 8}});
	const struct {
		struct dp_match_set mac;
		bool has_mac, matches;
	} rows[] = {
		{in_set(own), true, true},
		{in_set(other), true, false},
		{not_in_set(own), true, false},
		{not_in_set(other), true, true},
		{in_set(own), false, false},
		{not_in_set(other), false, false},
		{anything(), false, true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);
		struct rule_subject s = syn(IP_V4);

		rule.mac = rows[i].mac;
		s.has_mac = rows[i].has_mac;
		if (is_accepted(&rule, &s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void tcp_flags_match_under_their_mask(void **state)
{
	static const struct {
		uint8_t mask, flags, packet;
		bool is_udp, has_ports, matches;
	} rows[] = {
		{0x00, 0x00, 0x02, false, true, true},
		{0x00, 0x00, 0x02, true, true, true},
		{0x02, 0x02, 0x02, false, true, true},
		{0x02, 0x02, 0x10, false, true, false},
		{0x12, 0x02, 0x12, false, true, false},
		{0x12, 0x02, 0xc2, false, true, true}, // ECN bits are not asked
		{0x3f, 0x00, 0x00, false, true, true},
		{0x3f, 0x00, 0x00, true, true, false}, // UDP has no flags, not even none
		{0x3f, 0x00, 0x00, false, false, false},
		{0xff, 0xff, 0xff, false, true, true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);
		struct rule_subject s = rows[i].is_udp ? udp(IP_V4) : syn(IP_V4);

		rule.tcp_flags_mask = rows[i].mask;
		rule.tcp_flags = rows[i].flags;
		s.tcp_flags = rows[i].packet;
		s.has_ports = rows[i].has_ports;
		if (is_accepted(&rule, &s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void family_state_dnat_dscp_and_mark_match(void **state)
{
	static const struct {
		struct dp_rule rule; // only these fields of it
		uint8_t family, state, dscp;
		bool is_dnat;
		uint32_t mark;
		bool matches;
	} rows[] = {
		{{.is_dnat = -1}, IP_V4, DP_STATE_INVALID, 63, true, 7, true},
		{{.is_dnat = -1, .family = IP_V4}, IP_V4, DP_STATE_NEW, 0, false, 0, true},
		{{.is_dnat = -1, .family = IP_V4}, IP_V6, DP_STATE_NEW, 0, false, 0, false},
		{{.is_dnat = -1, .family = IP_V6}, IP_V6, DP_STATE_NEW, 0, false, 0, true},
		{{.is_dnat = -1, .family = IP_V6}, IP_V4, DP_STATE_NEW, 0, false, 0, false},
		{{.is_dnat = -1, .states = DP_STATE_NEW}, IP_V4, DP_STATE_NEW, 0, false, 0, true},
		{{.is_dnat = -1, .states = DP_STATE_NEW}, IP_V4, DP_STATE_ESTABLISHED, 0, false, 0,
			false},
		// what no rule decides about passes if a helper expected it
		{{.is_dnat = -1, .states = DP_STATE_NEW}, IP_V4, DP_STATE_RELATED, 0, false, 0,
			true},
		{{.is_dnat = -1, .states = DP_STATE_INVALID}, IP_V4, DP_STATE_NEW, 0, false, 0,
			false},
		{{.is_dnat = -1, .states = DP_STATE_INVALID}, IP_V6, DP_STATE_INVALID, 0, false, 0,
			true},
		{{.is_dnat = -1, .states = DP_STATE_ESTABLISHED | DP_STATE_RELATED}, IP_V4,
			DP_STATE_RELATED, 0, false, 0, true},
		{{.is_dnat = -1, .states = DP_STATE_ESTABLISHED | DP_STATE_RELATED}, IP_V4,
			DP_STATE_ESTABLISHED, 0, false, 0, true},
		{{.is_dnat = -1, .states = DP_STATE_ESTABLISHED | DP_STATE_RELATED}, IP_V4,
			DP_STATE_INVALID, 0, false, 0, false},
		{{.is_dnat = 1}, IP_V4, DP_STATE_NEW, 0, true, 0, true},
		{{.is_dnat = 1}, IP_V4, DP_STATE_NEW, 0, false, 0, false},
		{{.is_dnat = 0}, IP_V4, DP_STATE_NEW, 0, true, 0, false},
		{{.is_dnat = 0}, IP_V4, DP_STATE_NEW, 0, false, 0, true},
		{{.is_dnat = -1, .dscps = 1}, IP_V4, DP_STATE_NEW, 0, false, 0, true},
		{{.is_dnat = -1, .dscps = 1}, IP_V4, DP_STATE_NEW, 1, false, 0, false},
		{{.is_dnat = -1, .dscps = UINT64_C(1) << 63}, IP_V6, DP_STATE_NEW, 63, false, 0,
			true},
		{{.is_dnat = -1, .dscps = UINT64_C(3) << 45}, IP_V6, DP_STATE_NEW, 46, false, 0,
			true},
		{{.is_dnat = -1, .mark = 5, .mark_mask = 0xf}, IP_V4, DP_STATE_NEW, 0, false, 0x25,
			true},
		{{.is_dnat = -1, .mark = 5, .mark_mask = 0xf}, IP_V4, DP_STATE_NEW, 0, false, 4,
			false},
		{{.is_dnat = -1, .mark = 0, .mark_mask = 0xf}, IP_V4, DP_STATE_NEW, 0, false, 0x20,
			true},
		{{.is_dnat = -1, .mark = 5, .mark_mask = 0}, IP_V4, DP_STATE_NEW, 0, false, 9,
			true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);
		struct rule_subject s = syn(rows[i].family);

		rule.family = rows[i].rule.family;
		rule.states = rows[i].rule.states;
		rule.is_dnat = rows[i].rule.is_dnat;
		rule.dscps = rows[i].rule.dscps;
		rule.mark = rows[i].rule.mark;
		rule.mark_mask = rows[i].rule.mark_mask;
		s.state = rows[i].state;
		s.is_dnat = rows[i].is_dnat;
		s.dscp = rows[i].dscp;
		s.mark = rows[i].mark;
		if (is_accepted(&rule, &s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void a_rule_matches_while_its_schedule_is_active(void **state)
{
	struct dp_rule rule = rule_of(DP_ACCEPT);
	struct rule_subject s = syn(IP_V4);
	struct rules_now then = now;

	for (uint16_t schedule = 0; schedule < DP_SCHEDULES_MAX; schedule += 21) {
		rule.schedule = schedule;
		accept_if(&rule);
		then.schedules = UINT64_C(1) << schedule;
		assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &then).action, DP_ACCEPT);
		then.schedules = ~then.schedules;
		assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &then).action, DP_DROP);
	}
}

static void zones_match_on_both_ends(void **state)
{
	static const struct {
		uint32_t from, to;
		bool matches;
	} rows[] = {
		{0, 0, true},
		{1 << ZONE_LAN, 0, true},
		{1 << ZONE_WAN, 0, false},
		{0, 1 << ZONE_WAN, true},
		{0, 1 << ZONE_LAN, false},
		{1 << ZONE_LAN | 1 << ZONE_IOT, 1u << 31 | 1 << ZONE_WAN, true},
		{1 << ZONE_LAN, 1u << 31, false},
		{1u << 31, 1 << ZONE_WAN, false},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);
		struct rule_subject s = syn(IP_V4);

		rule.from_zones = rows[i].from;
		rule.to_zones = rows[i].to;
		if (is_accepted(&rule, &s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

// --- rates ---

static void a_rule_with_a_rate_matches_below_it_or_above(void **state)
{
	struct rule_subject s = syn(IP_V4);

	f.rates[0] = (struct dp_rate){5, 1, 3};
	f.policy.n_rates = 1;
	for (unsigned above = 0; above < 2; above++) {
		struct dp_rule rule = rule_of(DP_ACCEPT);

		rule.rate = 0;
		rule.is_above_rate = above;
		rule.destination_port = in_set(fixture_range(&f, DP_SET_PORTS, 443, 443));
		accept_if(&rule);
		s.dport = 80;
		for (unsigned i = 0; i < 100; i++) // matches nothing else, so takes nothing
			assert_int_equal(action(&s), DP_DROP);
		s.dport = 443;
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(action(&s), (i < 3) != above ? DP_ACCEPT : DP_DROP);
		fixture_fini(&f);
	}
}

static void a_rate_per_source_tells_sources_apart(void **state)
{
	static const uint8_t other4[4] = {198, 51, 100, 8};
	struct dp_rule rule = rule_of(DP_ACCEPT);
	struct rule_subject a = syn(IP_V4), b = syn(IP_V4), c = syn(IP_V6);

	f.rates[0] = (struct dp_rate){1, 60, 1, true};
	f.policy.n_rates = 1;
	b.src = other4;
	rule.rate = 0;
	accept_if(&rule);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(action(&a), i == 0 ? DP_ACCEPT : DP_DROP);
		assert_int_equal(action(&b), i == 0 ? DP_ACCEPT : DP_DROP);
		assert_int_equal(action(&c), i == 0 ? DP_ACCEPT : DP_DROP);
	}
	compile(); // a change of policy is no way round a limit
	assert_int_equal(action(&a), DP_DROP);
}

// --- the walk ---

static void the_first_rule_that_decides_ends_it(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;

	fixture_rule(&f, DP_CONTINUE);
	fixture_rule(&f, DP_REJECT)->reject = DP_REJECT_HOST;
	fixture_rule(&f, DP_ACCEPT);
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.action, DP_REJECT);
	assert_int_equal(v.reject, DP_REJECT_HOST);
	assert_int_equal(v.rule, 1);
	assert_int_equal(f.state.rules[0].packets, 1);
	assert_int_equal(f.state.rules[1].packets, 1);
	assert_int_equal(f.state.rules[2].packets, 0);
}

static void lists_nest_and_return(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;
	uint16_t inner, outer;

	fixture_rule(&f, DP_CONTINUE); // 0
	fixture_rule(&f, DP_RETURN);   // 1
	fixture_rule(&f, DP_DROP);     // 2: never
	inner = fixture_list(&f, 0);
	fixture_rule(&f, DP_JUMP)->jump_list = inner; // 3
	fixture_rule(&f, DP_CONTINUE);		      // 4: goes on here
	outer = fixture_list(&f, 3);
	fixture_rule(&f, DP_JUMP)->jump_list = outer; // 5
	fixture_rule(&f, DP_JUMP)->jump_list = outer; // 6: the end of a list is a return too
	fixture_rule(&f, DP_REJECT);		      // 7
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 5);
	fixture_rule(&f, DP_CONTINUE); // 8
	fixture_rule(&f, DP_RETURN);   // 9: from the hook's own list: its default
	fixture_rule(&f, DP_ACCEPT);   // 10: never
	f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 8);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.action, DP_REJECT);
	assert_int_equal(v.rule, 7);
	v = judge(DP_HOOK_INPUT, &s);
	assert_int_equal(v.action, DP_DROP);
	assert_int_equal(v.rule, RULE_DEFAULT);
	for (unsigned i = 0; i < 11; i++) {
		static const unsigned times[] = {2, 2, 0, 2, 2, 1, 1, 1, 1, 1, 0};

		assert_int_equal(f.state.rules[i].packets, times[i]);
	}
}

static void jumps_go_as_deep_as_promised(void **state)
{
	struct rule_subject s = syn(IP_V4);

	fixture_rule(&f, DP_ACCEPT);
	fixture_list(&f, 0);
	for (uint16_t i = 1; i <= DP_JUMPS_MAX; i++) {
		fixture_rule(&f, DP_JUMP)->jump_list = i - 1;
		fixture_list(&f, i);
	}
	f.policy.hooks[DP_HOOK_FORWARD] = DP_JUMPS_MAX;
	compile();
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 0);
}

static void defaults_speak_where_no_rule_does(void **state)
{
	static const struct {
		enum dp_hook hook;
		uint8_t from, to;
		enum dp_action given, want;
	} rows[] = {
		{DP_HOOK_INPUT, ZONE_LAN, DP_ZONE_ROUTER, DP_DROP, DP_DROP},
		{DP_HOOK_INPUT, ZONE_LAN, DP_ZONE_ROUTER, DP_ACCEPT, DP_ACCEPT},
		{DP_HOOK_INPUT, ZONE_WAN, DP_ZONE_ROUTER, DP_REJECT, DP_REJECT},
		{DP_HOOK_OUTPUT, DP_ZONE_ROUTER, ZONE_WAN, DP_DROP, DP_DROP},
		{DP_HOOK_OUTPUT, DP_ZONE_ROUTER, DP_ZONE_ROUTER, DP_DROP, DP_DROP},
		{DP_HOOK_FORWARD, ZONE_LAN, ZONE_WAN, DP_REJECT, DP_REJECT},
		{DP_HOOK_FORWARD, ZONE_LAN, ZONE_LAN, DP_DROP, DP_ACCEPT}, // within one zone
		{DP_HOOK_FORWARD, DP_ZONE_NONE, DP_ZONE_NONE, DP_DROP, DP_DROP},
		{DP_HOOK_FORWARD, DP_ZONE_NONE, ZONE_LAN, DP_DROP, DP_DROP},
	};

	for (unsigned has_list = 0; has_list < 2; has_list++) {
		for (unsigned i = 0; i < COUNT(rows); i++) {
			struct rule_subject s = syn(IP_V4);
			struct rule_verdict v;

			fixture_begin(&f);
			s.from = rows[i].from;
			s.to = rows[i].to;
			f.policy.defaults[rows[i].hook] = rows[i].given;
			if (has_list) // that says nothing
				f.policy.hooks[rows[i].hook] = fixture_list(&f, 0);
			compile();
			v = judge(rows[i].hook, &s);
			if (v.action != rows[i].want || v.rule != RULE_DEFAULT)
				fail_msg("row %u: %d, rule %d", i, v.action, v.rule);
			assert_int_equal(v.reject, DP_REJECT_AUTO);
			assert_int_equal(f.state.defaults[rows[i].hook].packets, 1);
			assert_int_equal(f.state.defaults[rows[i].hook].bytes, 60);
		}
	}
}

static void without_a_firewall_everything_passes(void **state)
{
	struct rule_subject s = syn(IP_V6);

	fixture_rule(&f, DP_DROP);
	f.policy.hooks[DP_HOOK_FORWARD] = f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 0);
	f.policy.has_firewall = false;
	s.mark = 9;
	compile();
	for (enum dp_hook hook = 0; hook < DP_HOOK_COUNT; hook++) {
		struct rule_verdict v = judge(hook, &s);

		assert_int_equal(v.action, DP_ACCEPT);
		assert_int_equal(v.rule, RULE_DEFAULT);
		assert_int_equal(v.mark, 9);
	}
}

static void an_interface_is_never_in_the_router_s_zone(void **state)
{
	f.policy.zones[7] = 0;
	compile();
	assert_int_equal(ruleset_zone(f.ruleset, INTERFACE_LAN), ZONE_LAN);
	assert_int_equal(ruleset_zone(f.ruleset, 7), DP_ZONE_NONE);
	assert_int_equal(ruleset_zone(f.ruleset, 8), DP_ZONE_NONE);
	assert_int_equal(ruleset_zone(f.ruleset, RULE_INTERFACE_NONE), DP_ZONE_NONE);
}

// --- what a rule does besides ---

static void marks_are_set_under_their_mask_and_seen_by_later_rules(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct dp_rule *rule = fixture_rule(&f, DP_CONTINUE);

	rule->set_mark = 0xff0a; // more than its mask
	rule->set_mark_mask = 0x00ff;
	rule = fixture_rule(&f, DP_ACCEPT);
	rule->mark = 0x120a;
	rule->mark_mask = 0xffff;
	rule->set_mark = 0x80000000;
	rule->set_mark_mask = 0x80000000;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	s.mark = 0x1234;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 1);
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).mark, 0x8000120a);
	s.mark = 0x1334;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, RULE_DEFAULT);
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).mark, 0x130a);
}

static void rules_and_named_counters_count_first_packets(void **state)
{
	struct rule_subject s = syn(IP_V4);
	uint64_t packets = 0, bytes = 0;

	fixture_rule(&f, DP_CONTINUE)->counter = 4;
	fixture_rule(&f, DP_ACCEPT)->counter = 4;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	assert_int_equal(f.ruleset->n_counters, 5);
	judge(DP_HOOK_FORWARD, &s);
	s.bytes = 1000;
	judge(DP_HOOK_FORWARD, &s);
	rules_count_add(&f.state.rules[1], &packets, &bytes);
	assert_int_equal(packets, 2);
	assert_int_equal(bytes, 1060);
	rules_count_add(&f.state.counters[4], &packets, &bytes);
	assert_int_equal(packets, 6);
	assert_int_equal(bytes, 3180);
	assert_int_equal(f.state.defaults[DP_HOOK_FORWARD].packets, 0);
}

static void logs_and_additions_are_handed_over_and_the_fifth_is_lost(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;

	f.policy.n_logs = 2;
	f.logs[0].rate = f.logs[1].rate = DP_INDEX_NONE;
	f.timed[9] = timed_set_new(16, NULL);
	for (unsigned i = 0; i < 6; i++) {
		struct dp_rule *rule = fixture_rule(&f, i < 5 ? DP_CONTINUE : DP_DROP);

		rule->log = i % 2;
		rule->add_timed = 9;
		rule->add_sec = 100 + i;
		rule->add_destination = i == 2;
	}
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	v = judge(DP_HOOK_FORWARD, &s);
	assert_int_equal(v.rule, 5);
	assert_int_equal(v.n_logs, 4);
	assert_int_equal(v.n_additions, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(v.logs[i].rule, i);
		assert_int_equal(v.logs[i].log, i % 2);
		assert_int_equal(v.additions[i].timed, 9);
		assert_int_equal(v.additions[i].for_sec, 100 + i);
		assert_int_equal(v.additions[i].is_destination, i == 2);
	}
	assert_int_equal(f.state.log_lost[0], 1);
	assert_int_equal(f.state.log_lost[1], 1);
	assert_int_equal(f.state.additions_lost, 2);
}

static void a_log_over_its_rate_is_counted_not_written(void **state)
{
	struct rule_subject s = syn(IP_V4);

	f.policy.n_rates = f.policy.n_logs = 1;
	f.rates[0] = (struct dp_rate){1, 1, 2};
	f.logs[0].rate = 0;
	fixture_rule(&f, DP_DROP)->log = 0;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(judge(DP_HOOK_FORWARD, &s).n_logs, i < 2);
	assert_int_equal(f.state.log_lost[0], 8);
	assert_int_equal(f.state.rules[0].packets, 10);
}

// --- essential packets ---

static void what_the_network_needs_takes_an_explicit_rule_to_break(void **state)
{
	uint16_t solicit = fixture_range(&f, DP_SET_ICMP6, 135 << 8, 136 << 8 | 255);
	uint16_t echo6 = fixture_range(&f, DP_SET_ICMP6, 128 << 8, 129 << 8 | 255);
	uint16_t needed = fixture_range(&f, DP_SET_ICMP, 3 << 8 | 4, 3 << 8 | 4);
	uint16_t protocols = fixture_range(&f, DP_SET_PROTOCOLS, 0, 255);
	uint16_t world = fixture_addresses(&f, "0.0.0.0/0", "::/0");
	const struct {
		struct dp_match_set protocol, source, icmp, icmp6;
		uint8_t action4, action6;
	} rows[] = {
		{anything(), anything(), anything(), anything(), DP_ACCEPT, DP_ACCEPT},
		{in_set(protocols), anything(), anything(), anything(), DP_ACCEPT, DP_ACCEPT},
		{anything(), in_set(world), anything(), anything(), DP_ACCEPT, DP_ACCEPT},
		{anything(), anything(), anything(), in_set(solicit), DP_ACCEPT, DP_DROP},
		{anything(), in_set(world), anything(), in_set(solicit), DP_ACCEPT, DP_DROP},
		{anything(), anything(), anything(), in_set(echo6), DP_ACCEPT, DP_ACCEPT},
		// never said so: it says what it does not mean
		{anything(), anything(), anything(), not_in_set(echo6), DP_ACCEPT, DP_ACCEPT},
		{anything(), anything(), in_set(needed), anything(), DP_DROP, DP_ACCEPT},
		{anything(), anything(), in_set(needed), in_set(solicit), DP_DROP, DP_DROP},
		{anything(), anything(), in_set(needed), not_in_set(echo6), DP_DROP, DP_ACCEPT},
	};
	struct rule_subject s4 = icmp(IP_V4, 3, 4), s6 = icmp(IP_V6, 135, 0);

	s4.is_essential = s6.is_essential = true;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule *rule;

		f.policy.n_rules = f.policy.n_lists = 0;
		rule = fixture_rule(&f, DP_DROP);
		rule->protocol = rows[i].protocol;
		rule->source = rows[i].source;
		rule->icmp = rows[i].icmp;
		rule->icmp6 = rows[i].icmp6;
		f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
		compile();
		if (action(&s4) != rows[i].action4 || action(&s6) != rows[i].action6)
			fail_msg("row %u: %d, %d", i, action(&s4), action(&s6));
	}
}

static void an_answer_for_our_dhcp_client_is_beyond_all_rules(void **state)
{
	struct rule_subject s = udp(IP_V4);

	fixture_rule(&f, DP_DROP)->destination_port =
		in_set(fixture_range(&f, DP_SET_PORTS, 68, 68));
	f.policy.hooks[DP_HOOK_INPUT] = fixture_list(&f, 0);
	compile();
	s.to = DP_ZONE_ROUTER;
	s.sport = 67;
	s.dport = 68;
	assert_int_equal(judge(DP_HOOK_INPUT, &s).action, DP_DROP);
	s.is_essential = true;
	assert_int_equal(judge(DP_HOOK_INPUT, &s).action, DP_ACCEPT);
}

static void an_explicit_rule_is_found_in_a_list_jumped_to(void **state)
{
	struct rule_subject s = icmp(IP_V6, 2, 0);
	uint16_t list, lan = fixture_addresses(&f, "198.51.100.0/24", "2001:db8:1::/48");
	struct dp_rule *rule = fixture_rule(&f, DP_RETURN); // 0

	rule->source = in_set(lan);
	fixture_rule(&f, DP_DROP)->icmp6 =
		in_set(fixture_range(&f, DP_SET_ICMP6, 2 << 8, 2 << 8 | 255)); // 1
	list = fixture_list(&f, 0);
	rule = fixture_rule(&f, DP_JUMP); // 2
	rule->to_zones = 1 << ZONE_WAN;
	rule->jump_list = list;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 2);
	compile();
	s.is_essential = true;
	assert_int_equal(action(&s), DP_ACCEPT); // returned before it
	s.src = server6;
	assert_int_equal(action(&s), DP_DROP);
	s.to = ZONE_IOT;
	assert_int_equal(action(&s), DP_ACCEPT);
}

// --- a live flow judged again ---

static void a_review_takes_no_rate_and_leaves_no_trace(void **state)
{
	struct rule_subject s = syn(IP_V4);
	struct rule_verdict v;
	struct dp_rule *rule;

	f.policy.n_rates = f.policy.n_logs = 1;
	f.rates[0] = (struct dp_rate){1, 60, 1};
	f.logs[0].rate = DP_INDEX_NONE;
	f.timed[0] = timed_set_new(16, NULL);
	rule = fixture_rule(&f, DP_DROP); // 0
	rule->rate = 0;
	rule->is_above_rate = true;
	rule = fixture_rule(&f, DP_CONTINUE); // 1
	rule->log = 0;
	rule->counter = 0;
	rule->add_timed = 0;
	rule->set_mark = rule->set_mark_mask = 4;
	rule = fixture_rule(&f, DP_ACCEPT); // 2
	rule->rate = 0;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	s.is_review = true;
	for (unsigned i = 0; i < 5; i++) {
		v = judge(DP_HOOK_FORWARD, &s);
		assert_int_equal(v.action, DP_ACCEPT);
		assert_int_equal(v.rule, 2);
		assert_int_equal(v.mark, 4); // the path may hang on it
		assert_int_equal(v.n_logs + v.n_additions, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(f.state.rules[i].packets, 0);
	assert_int_equal(f.state.counters[0].packets, 0);
	s.is_review = false;
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, RULE_DEFAULT); // rule 0 took the one
	assert_int_equal(judge(DP_HOOK_FORWARD, &s).rule, 0);
	assert_int_equal(f.state.rules[1].packets, 1);
}

static void a_review_finds_what_a_new_rule_forbids(void **state)
{
	struct rule_subject s = syn(IP_V4);

	s.is_review = true;
	fixture_rule(&f, DP_REJECT)->reject = DP_REJECT_RST;
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 0);
	compile();
	assert_int_equal(action(&s), DP_REJECT);
	f.policy.hooks[DP_HOOK_FORWARD] = DP_INDEX_NONE;
	compile();
	assert_int_equal(action(&s), DP_DROP);
	assert_int_equal(f.state.defaults[DP_HOOK_FORWARD].packets, 0);
}

// --- many rules ---

static void every_rule_of_many_is_found_from_its_zones(void **state)
{
	// 960 rules for three pairs of zones in turn, told apart by their mark, in a list that
	// begins and ends in the midst of a word of the rows.
	for (uint32_t i = 0; i < 1030; i++) {
		struct dp_rule *rule = fixture_rule(&f, DP_ACCEPT);

		rule->from_zones = 1u << (29 + i % 3);
		rule->to_zones = 1u << (28 + i % 3);
		rule->mark = i / 3;
		rule->mark_mask = UINT32_MAX;
	}
	f.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&f, 65);
	f.lists[0].n = 960;
	compile();
	for (uint32_t i = 0; i < 1030; i++) {
		struct rule_subject s = syn(IP_V4);
		int32_t want = i >= 65 && i < 65 + 960 ? (int32_t)i : RULE_DEFAULT;

		s.from = (uint8_t)(29 + i % 3);
		s.to = (uint8_t)(28 + i % 3);
		s.mark = i / 3;
		if (judge(DP_HOOK_FORWARD, &s).rule != want)
			fail_msg("rule %u: %d", i, judge(DP_HOOK_FORWARD, &s).rule);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(addresses_match_in_both_families),
		TEST(an_address_is_asked_of_the_timed_set_too),
		TEST(ports_match_packets_that_have_some),
		TEST(each_end_of_a_port_range_is_in_it),
		TEST(protocols_match),
		TEST(icmp_types_match_in_their_own_family),
		TEST(interfaces_match_where_there_is_one),
		TEST(macs_match_where_the_frame_had_one),
		TEST(tcp_flags_match_under_their_mask),
		TEST(family_state_dnat_dscp_and_mark_match),
		TEST(a_rule_matches_while_its_schedule_is_active),
		TEST(zones_match_on_both_ends),
		TEST(a_rule_with_a_rate_matches_below_it_or_above),
		TEST(a_rate_per_source_tells_sources_apart),
		TEST(the_first_rule_that_decides_ends_it),
		TEST(lists_nest_and_return),
		TEST(jumps_go_as_deep_as_promised),
		TEST(defaults_speak_where_no_rule_does),
		TEST(without_a_firewall_everything_passes),
		TEST(an_interface_is_never_in_the_router_s_zone),
		TEST(marks_are_set_under_their_mask_and_seen_by_later_rules),
		TEST(rules_and_named_counters_count_first_packets),
		TEST(logs_and_additions_are_handed_over_and_the_fifth_is_lost),
		TEST(a_log_over_its_rate_is_counted_not_written),
		TEST(what_the_network_needs_takes_an_explicit_rule_to_break),
		TEST(an_answer_for_our_dhcp_client_is_beyond_all_rules),
		TEST(an_explicit_rule_is_found_in_a_list_jumped_to),
		TEST(a_review_takes_no_rate_and_leaves_no_trace),
		TEST(a_review_finds_what_a_new_rule_forbids),
		TEST(every_rule_of_many_is_found_from_its_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
