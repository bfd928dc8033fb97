// SPDX-License-Identifier: BSD-3-Clause
// Which translation decides as whom a packet leaves, and whose inner address that hides.
#include "tests/unit/nat_rules_fixture.h"

struct source_row {
	const char *src, *dst;
	uint8_t in, out;
	bool is_dnated;
	const char *first; // NULL: nothing decides, it stays
	uint32_t n;
	int rule; // NAT_RULE_NONE: hairpin's own
	bool keeps_port, is_none;
};

static void check_sources(const struct source_row *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct source_row *row = &rows[i];
		struct flow_tuple p = packet(row->src, row->dst, 443, TCP);
		struct nat_source out;
		char text[ADDR_STR_BYTES];
		bool found = nat_rules_source(
			rules, &snap, NOW_SEC, &p, row->in, row->out, row->is_dnated, &out);

		if (found != (row->first != NULL))
			fail_msg("row %u: %s", i, found ? "changes" : "stays");
		if (!found) {
			assert_true(ip_addr_equal(&out.first, &p.src));
			assert_int_equal(out.n_addresses, 1);
			assert_int_equal(out.is_none, row->in != HOST);
			assert_int_equal(out.rule, NAT_RULE_NONE);
			continue;
		}
		if (out.n_addresses != row->n)
			fail_msg("row %u: %u addresses", i, out.n_addresses);
		if (row->n > 0 && strcmp(ip_addr_str(&out.first, text), row->first) != 0)
			fail_msg("row %u: leaves as %s", i, text);
		assert_int_equal(out.rule, row->rule);
		assert_int_equal(out.keeps_port, row->keeps_port);
		assert_int_equal(out.is_none, row->is_none);
	}
}

static void the_first_rule_that_matches_decides_how_it_leaves(void **state)
{
	static const struct source_row rows[] = {
		{PC, FAR, LAN, WAN, false, PC, 1, 0, false, true}, // exempt
		{PC, "192.88.99.1", LAN, WAN, false, "203.0.113.2", 1, 1},
		{"172.16.0.1", "192.88.99.1", LAN, WAN, false, NULL}, // not of the set
		{PC, "192.88.99.1", LAN, WAN2, false, "198.18.9.64", 64, 2},
		{"fd00:1::7", "2001:db8:9::1", LAN, WAN, false, "2001:db8:1::2", 1, 4},
		{"fd00:1::7", "2001:db8:9::1", LAN, WAN2, false, NULL},
		{PC, "10.0.2.7", LAN, IOT, false, NULL},
		{PC, "192.88.99.1", LAN, DOWN, false, "0.0.0.0", 0, 3}, // no address yet
		{PC, "192.88.99.1", LAN, HOST, false, NULL},
		// the router: an address of the way out stays, another one does not
		{"203.0.113.3", "192.88.99.1", HOST, WAN, false, NULL},
		{"2001:db8:1::2", "2001:db8:9::1", HOST, WAN, false, "2001:db8:1::2", 1, 4},
		{"10.0.1.1", "192.88.99.1", HOST, WAN, false, "203.0.113.2", 1, 1},
		{"198.18.9.70", "192.88.99.1", HOST, WAN2, false, "198.18.9.70", 1, 2},
	};
	struct dp_nat *nat = add(DP_NAT_EXEMPT, WAN);

	nat->destination.set = SET_PARTNER;
	nat = add(DP_NAT_SOURCE, WAN);
	nat->source.set = SET_LAN;
	nat->family = IP_V4;
	add(DP_NAT_SOURCE, WAN2)->outside = prefix("198.18.9.64/26");
	add(DP_NAT_SOURCE, DOWN);
	add(DP_NAT_SOURCE, WAN)->family = IP_V6;
	compile();
	check_sources(rows, RTE_DIM(rows));
}

static void options_go_along(void **state)
{
	struct dp_nat *nat = add(DP_NAT_SOURCE, WAN);
	struct flow_tuple p = packet(PC, FAR, 1, TCP);
	struct nat_source out;

	nat->is_full_cone = nat->keeps_parity = true;
	nat = add(DP_NAT_SOURCE, WAN2);
	nat->is_random = true;
	compile();
	assert_true(nat_rules_source(rules, &snap, NOW_SEC, &p, LAN, WAN, false, &out));
	assert_true(out.is_full_cone && out.keeps_parity && !out.is_random);
	assert_true(nat_rules_source(rules, &snap, NOW_SEC, &p, LAN, WAN2, false, &out));
	assert_true(!out.is_full_cone && !out.keeps_parity && out.is_random);
}

// A guess, but of what most get.
static void what_is_usual_is_what_an_ordinary_host_gets(void **state)
{
	static const uint8_t ways[] = {WAN, WAN2, IOT, DOWN};
	struct dp_nat *nat = add(DP_NAT_EXEMPT, WAN);

	nat->destination.set = SET_PARTNER;
	add(DP_NAT_SOURCE, WAN)->family = IP_V4;
	add(DP_NAT_SOURCE, WAN2)->outside = prefix("198.18.9.64/26");
	add(DP_NAT_SOURCE, DOWN);
	compile();
	for (unsigned i = 0; i < RTE_DIM(ways); i++) {
		struct flow_tuple p = packet(PC, "192.88.99.1", 443, TCP);
		struct nat_source usual, out;
		bool found = nat_rules_source(rules, &snap, NOW_SEC, &p, LAN, ways[i], false, &out);

		assert_int_equal(nat_rules_usual_source(rules, &snap, IP_V4, ways[i], &usual),
			found && out.n_addresses > 0);
		if (found && out.n_addresses > 0) {
			assert_true(ip_addr_equal(&usual.first, &out.first));
			assert_int_equal(usual.n_addresses, out.n_addresses);
		}
	}
}

static void one_to_one_and_prefixes_leave(void **state)
{
	static const struct source_row rows[] = {
		{"10.0.1.34", FAR, LAN, WAN, false, "203.0.113.18", 1, 0, true},
		{"10.0.1.48", FAR, LAN, WAN, false, "203.0.113.2", 1, 3},
		{"fd01:203:405:1::1234", "2001:db8:9::1", LAN, WAN, false, "2001:db8:1:d550::1234",
			1, 1, true},
		// no counterpart: it may not leave as it is
		{"fd01:203:405:ffff::1", "2001:db8:9::1", LAN, WAN, false, "::", 0, 1, true},
		// without an interface: towards the outside only
		{"10.0.1.5", FAR, LAN, WAN2, false, "198.18.9.5", 1, 2, true},
		{"10.0.1.5", "10.0.2.7", LAN, IOT, false, NULL},
	};

	add_pair(DP_NAT_ONE_TO_ONE, WAN, "203.0.113.16/28", "10.0.1.32/28");
	add_pair(DP_NAT_PREFIX, WAN, "2001:db8:1::/48", "fd01:203:405::/48");
	add_pair(DP_NAT_ONE_TO_ONE, -1, "198.18.9.5/32", "10.0.1.5/32");
	add(DP_NAT_SOURCE, WAN)->family = IP_V4;
	compile();
	check_sources(rows, RTE_DIM(rows));
}

// RFC 4787 REQ-9: as its own outside endpoint.
static void who_speaks_to_a_neighbour_by_its_public_name_leaves_by_its_own(void **state)
{
	static const struct source_row rows[] = {
		{PC, "10.0.1.9", LAN, LAN, true, "203.0.113.2", 1, 1},
		{PC, "10.0.2.9", LAN, IOT, true, "203.0.113.2", 1, 1},
		{"10.0.1.34", "10.0.1.9", LAN, LAN, true, "203.0.113.18", 1, 0, true},
		{PC, "10.0.1.9", LAN, LAN, false, NULL}, // by its inner name: nothing
		{FAR, "10.0.1.9", WAN, LAN, true, NULL},
		{"203.0.113.2", "10.0.1.9", HOST, LAN, true, NULL},
		// nothing translates it outside: our address, lest it gets the answer itself
		{"172.16.0.5", "10.0.1.9", LAN, LAN, true, "10.0.1.1", 1, NAT_RULE_NONE},
		{"172.16.0.5", "10.0.2.9", LAN, IOT, true, NULL},
		{"fd00:1::5", "fd00:1::9", LAN, LAN, true, "fd00:1::1", 1, NAT_RULE_NONE},
		{"fd00:1::5", "fd00:1::9", IOT, IOT, true, "::", 0, NAT_RULE_NONE},
	};

	add_pair(DP_NAT_ONE_TO_ONE, WAN, "203.0.113.16/28", "10.0.1.32/28");
	add(DP_NAT_SOURCE, WAN)->source.set = SET_LAN;
	compile();
	check_sources(rows, RTE_DIM(rows));
}

static void inner_addresses_are_hidden_where_they_are_translated(void **state)
{
	static const struct {
		uint8_t iface;
		const char *inside, *remote;
		bool is_hidden;
	} rows[] = {
		{WAN, PC, "192.88.99.1", true},
		{WAN, PC, FAR, false}, // exempt: they see each other
		{WAN, PC, NULL, true},
		{WAN, "172.16.0.1", "192.88.99.1", false},
		{WAN2, PC, FAR, false},
		{LAN, PC, FAR, false},
		{HOST, PC, FAR, false},
		{INTERFACE_NONE, PC, FAR, false},
		{WAN, "fd01:203:405::1", "2001:db8:9::1", true},
		{WAN, "fd01:203:406::1", "2001:db8:9::1", false},
		{WAN2, "10.0.3.5", FAR, true}, // of any interface: but of outside ones
		{LAN, "10.0.3.5", FAR, false},
	};
	struct dp_nat *nat = add(DP_NAT_EXEMPT, WAN);

	nat->destination.set = SET_PARTNER;
	nat = add(DP_NAT_EXEMPT, WAN); // of TCP and UDP alone: nothing is known of the rest
	nat->protocol.set = SET_TCP_UDP;
	nat = add(DP_NAT_SOURCE, WAN);
	nat->source.set = SET_LAN;
	add_pair(DP_NAT_PREFIX, WAN, "2001:db8:1::/48", "fd01:203:405::/48");
	add_pair(DP_NAT_ONE_TO_ONE, -1, "198.18.9.5/32", "10.0.3.5/32");
	compile();
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_addr inside = address(rows[i].inside), remote;

		if (rows[i].remote != NULL)
			remote = address(rows[i].remote);
		if (nat_rules_hides(rules, &snap, NOW_SEC, rows[i].iface, &inside,
			    rows[i].remote != NULL ? &remote : NULL) != rows[i].is_hidden)
			fail_msg("row %u", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_rule_that_matches_decides_how_it_leaves),
		TEST(options_go_along),
		TEST(what_is_usual_is_what_an_ordinary_host_gets),
		TEST(one_to_one_and_prefixes_leave),
		TEST(who_speaks_to_a_neighbour_by_its_public_name_leaves_by_its_own),
		TEST(inner_addresses_are_hidden_where_they_are_translated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
