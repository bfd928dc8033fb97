// SPDX-License-Identifier: BSD-3-Clause
// Each thing that a rule can ask of a packet, by itself.
#include "dataplane/rules.h"

#include "tests/unit/rules_fixture.h"

static void addresses_match_in_both_families(void **state)
{
	uint16_t host = fixture_addresses(&f, "198.51.100.0/29", "2001:db8:1::/64");
	uint16_t server = fixture_addresses(&f, "203.0.113.9/32", "2001:db8:2::9/128");
	uint16_t other = fixture_addresses(&f, "198.51.100.8/29", "2001:db8:1:1::/64");
	const struct {
		struct dp_match_set source, destination;
		bool matches;
	} rows[] = {
		{dp_match_any(), dp_match_any(), true},
		{in_set(host), dp_match_any(), true},
		{in_set(other), dp_match_any(), false},
		{in_set(server), dp_match_any(), false},
		{not_in_set(host), dp_match_any(), false},
		{not_in_set(other), dp_match_any(), true},
		{dp_match_any(), in_set(server), true},
		{dp_match_any(), in_set(host), false},
		{dp_match_any(), not_in_set(server), false},
		{dp_match_any(), not_in_set(host), true},
		{in_set(host), in_set(server), true},
		{in_set(host), in_set(other), false},
		{in_set(other), in_set(server), false},
		{in_set(host), not_in_set(server), false},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		for (uint8_t family = IP_V4; family <= IP_V6; family += 2) {
			struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
	struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
		{dp_match_any(), in_set(web), &tcp4, true},
		{dp_match_any(), in_set(web), &udp6, true},
		{dp_match_any(), in_set(low), &tcp4, true},
		{dp_match_any(), in_set(two), &tcp4, true},
		{dp_match_any(), in_set(none), &tcp4, false},
		{dp_match_any(), in_set(all), &tcp4, true},
		{dp_match_any(), not_in_set(web), &tcp4, false},
		{dp_match_any(), not_in_set(two), &udp6, false},
		{dp_match_any(), not_in_set(none), &tcp4, true},
		{dp_match_any(), not_in_set(all), &tcp4, false},
		{in_set(low), dp_match_any(), &tcp4, false},
		{not_in_set(low), dp_match_any(), &tcp4, true},
		{in_set(all), in_set(web), &tcp4, true},
		{in_set(low), in_set(web), &tcp4, false},
		{not_in_set(low), in_set(two), &tcp4, true},
		// without ports, nothing said of ports is true
		{dp_match_any(), in_set(all), &esp4, false},
		{dp_match_any(), not_in_set(web), &esp4, false},
		{not_in_set(web), dp_match_any(), &esp4, false},
		{in_set(all), dp_match_any(), &ping6, false},
		{not_in_set(none), dp_match_any(), &ping6, false},
		{dp_match_any(), in_set(all), &fragment, false},
		{dp_match_any(), not_in_set(web), &fragment, false},
		{dp_match_any(), dp_match_any(), &fragment, true},
	};

	fixture_add_range(&f, two, 400, 443);
	f.sets[none].n_ranges = 0;
	fragment.has_ports = false;
	fragment.sport = fragment.dport = 0;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);

		rule.source_port = rows[i].sport;
		rule.destination_port = rows[i].dport;
		if (is_accepted(&rule, rows[i].s) != rows[i].matches)
			fail_msg("row %u", i);
	}
}

static void each_end_of_a_port_range_is_in_it(void **state)
{
	struct dp_rule rule = dp_rule_any(DP_ACCEPT);

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
			struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
		{in_set(echo), dp_match_any(), &ping, true},
		{in_set(echo), dp_match_any(), &code, true},
		{in_set(echo), dp_match_any(), &ping6, false},
		{in_set(echo), dp_match_any(), &crossed, false},
		{in_set(echo), dp_match_any(), &crossed6, false},
		{in_set(echo), dp_match_any(), &tcp, false},
		{dp_match_any(), in_set(echo6), &ping6, true},
		{dp_match_any(), in_set(echo6), &code6, false},
		{dp_match_any(), in_set(echo6), &ping, false},
		{dp_match_any(), in_set(echo6), &crossed, false},
		{dp_match_any(), in_set(echo6), &tcp6, false},
		{in_set(echo), in_set(echo6), &ping, true},
		{in_set(echo), in_set(echo6), &ping6, true},
		{in_set(echo), in_set(echo6), &crossed, false},
		{in_set(echo), in_set(echo6), &crossed6, false},
		{in_set(echo), in_set(echo6), &tcp6, false},
		{not_in_set(echo), dp_match_any(), &ping, false},
		{not_in_set(echo), dp_match_any(), &crossed, true},
		{not_in_set(echo), dp_match_any(), &ping6, false},
		{not_in_set(echo), dp_match_any(), &tcp, false},
		{not_in_set(echo), in_set(echo6), &ping6, true},
		{in_set(echo), not_in_set(echo6), &ping6, false},
		{in_set(echo), not_in_set(echo6), &code6, true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);

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
		{in_set(lan), dp_match_any(), &forwarded, true},
		{dp_match_any(), in_set(lan), &forwarded, false},
		{not_in_set(lan), dp_match_any(), &forwarded, false},
		{dp_match_any(), not_in_set(lan), &forwarded, true},
		{in_set(lan), in_set(all), &forwarded, true},
		{in_set(lan), dp_match_any(), &input, true},
		{in_set(lan), in_set(all), &input, false},
		{dp_match_any(), not_in_set(lan), &input, false},
		{in_set(all), dp_match_any(), &output, false},
		{not_in_set(lan), dp_match_any(), &output, false},
		{dp_match_any(), in_set(all), &output, true},
	};

	input.out_interface = RULE_INTERFACE_NONE;
	output.in_interface = RULE_INTERFACE_NONE;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);

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
		{dp_match_any(), false, true},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
	struct dp_rule rule = dp_rule_any(DP_ACCEPT);
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
		struct dp_rule rule = dp_rule_any(DP_ACCEPT);
		struct rule_subject s = syn(IP_V4);

		rule.from_zones = rows[i].from;
		rule.to_zones = rows[i].to;
		if (is_accepted(&rule, &s) != rows[i].matches)
			fail_msg("row %u", i);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
