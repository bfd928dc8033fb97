// SPDX-License-Identifier: BSD-3-Clause
// Which translation decides where a packet goes: rows of packets against a policy.
#include "tests/unit/nat_rules_fixture.h"

struct destination_row {
	const char *src, *dst;
	uint16_t dport;
	uint8_t protocol, iface;
	const char *to; // NULL: stays
	uint16_t to_port;
	int rule;
	bool is_redirect;
};

static void check_destinations(const struct destination_row *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct destination_row *row = &rows[i];
		struct flow_tuple p = packet(row->src, row->dst, row->dport, row->protocol);
		struct nat_destination out;
		char text[ADDR_STR_BYTES];
		bool found = nat_rules_destination(rules, &snap, NOW_SEC, &p, row->iface, &out);

		if (found != (row->to != NULL))
			fail_msg("row %u: %s", i, found ? "changes" : "stays");
		if (!found)
			continue;
		if (strcmp(ip_addr_str(&out.dst, text), row->to) != 0)
			fail_msg("row %u: goes to %s", i, text);
		assert_int_equal(rte_be_to_cpu_16(out.dport_be), row->to_port);
		assert_int_equal(out.rule, row->rule);
		assert_int_equal(out.is_redirect, row->is_redirect);
	}
}

static void forwards_by_port_from_outside_and_inside(void **state)
{
	static const struct destination_row rows[] = {
		{FAR, "203.0.113.2", 443, TCP, WAN, "10.0.1.9", 443, 0},
		{FAR, "203.0.113.2", 443, UDP, WAN, "10.0.1.9", 443, 0},
		{FAR, "203.0.113.2", 443, ICMP, WAN, NULL},
		{FAR, "203.0.113.2", 444, TCP, WAN, NULL},
		{FAR, "203.0.113.3", 443, TCP, WAN, NULL},		  // not the primary one
		{FAR, "198.18.9.2", 443, TCP, WAN2, "10.0.1.11", 443, 2}, // of the other uplink
		{FAR, "203.0.113.2", 443, TCP, WAN2, NULL},
		// hairpin, without a rule: from every network inside, and from the router
		{PC, "203.0.113.2", 443, TCP, LAN, "10.0.1.9", 443, 0},
		{"10.0.2.7", "203.0.113.2", 443, TCP, IOT, "10.0.1.9", 443, 0},
		{"203.0.113.2", "203.0.113.2", 443, TCP, HOST, "10.0.1.9", 443, 0},
		// ranges, the inside ones elsewhere
		{FAR, "203.0.113.3", 8000, TCP, WAN, "10.0.1.10", 9000, 1},
		{FAR, "203.0.113.3", 8099, TCP, WAN, "10.0.1.10", 9099, 1},
		{FAR, "203.0.113.3", 8100, TCP, WAN, NULL},
		{FAR, "203.0.113.3", 7999, TCP, WAN, NULL},
		{FAR, "203.0.113.3", 8050, TCP, WAN2, "10.0.1.10", 9050, 1}, // any interface
		// every port, whatever the protocol
		{FAR, "198.18.9.2", 22, TCP, WAN2, "10.0.1.11", 22, 2},
		{FAR, "198.18.9.2", 0, ICMP, WAN2, "10.0.1.11", 0, 2},
		{FAR, "198.18.9.2", 0, IPPROTO_ESP, WAN2, "10.0.1.11", 0, 2},
		// what a network inside translates is its own affair
		{PC, "10.0.1.1", 25, TCP, LAN, "10.0.1.12", 25, 3},
		{"10.0.2.7", "10.0.1.1", 25, TCP, IOT, NULL},
	};

	add_forward(WAN, NULL, 443, 443, "10.0.1.9/32");
	add_forward(-1, "203.0.113.3/32", 8000, 8099, "10.0.1.10/32")->inside_port = 9000;
	add_forward(WAN2, "198.18.9.2/32", 0, 0, "10.0.1.11/32")->protocol.set = DP_INDEX_NONE;
	add_forward(LAN, NULL, 25, 25, "10.0.1.12/32");
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

static void a_forward_follows_its_interfaces_address(void **state)
{
	struct ip_addr addr = address("203.0.113.77");
	static const struct destination_row rows[] = {
		{FAR, "203.0.113.2", 443, TCP, WAN, NULL},
		{FAR, "203.0.113.77", 443, TCP, WAN, "10.0.1.9", 443, 0},
		{PC, "203.0.113.77", 443, TCP, LAN, "10.0.1.9", 443, 0},
	};
	static const struct destination_row without[] = {
		{FAR, "203.0.113.77", 443, TCP, WAN, NULL},
		{FAR, "0.0.0.0", 443, TCP, WAN, NULL},
	};

	add_forward(WAN, NULL, 443, 443, "10.0.1.9/32");
	compile();
	snap.interfaces[WAN].primary4_be = ip4_be_of(&addr);
	check_destinations(rows, RTE_DIM(rows));
	snap.interfaces[WAN].primary4_be = 0;
	check_destinations(without, RTE_DIM(without));
}

static void a_forward_asks_for_its_source(void **state)
{
	static const struct destination_row rows[] = {
		{FAR, "203.0.113.2", 22, TCP, WAN, "10.0.1.9", 22, 0},
		{"192.88.99.1", "203.0.113.2", 22, TCP, WAN, "10.0.1.10", 22, 1},
	};

	add_forward(WAN, NULL, 22, 22, "10.0.1.9/32")->source.set = SET_PARTNER;
	add_forward(WAN, NULL, 22, 22, "10.0.1.10/32");
	nats[1].source = (struct dp_match_set){.set = SET_PARTNER, .is_negated = true};
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

static void redirects_end_at_the_router(void **state)
{
	static const struct destination_row rows[] = {
		// what is ours already keeps its address
		{FAR, "203.0.113.2", 22, TCP, WAN, "203.0.113.2", 2222, 0, true},
		{PC, "203.0.113.2", 22, TCP, LAN, "203.0.113.2", 2222, 0, true},
		// whatever resolver they ask
		{"10.0.2.7", "8.8.8.8", 53, UDP, IOT, "10.0.2.1", 53, 1, true},
		{"10.0.2.7", "203.0.113.2", 53, UDP, IOT, "203.0.113.2", 53, 1, true},
		// on that network alone, and never the router itself
		{PC, "8.8.8.8", 53, UDP, LAN, NULL},
		{"203.0.113.2", "8.8.8.8", 53, UDP, HOST, NULL},
		{FAR, "8.8.8.8", 53, UDP, WAN, NULL},
	};
	struct dp_nat *nat = add(DP_NAT_REDIRECT, WAN);

	nat->first_port = nat->last_port = 22;
	nat->inside_port = 2222;
	nat->protocol.set = SET_TCP_UDP;
	nat = add(DP_NAT_REDIRECT, IOT);
	nat->outside = prefix("0.0.0.0/0");
	nat->first_port = nat->last_port = 53;
	nat->protocol.set = SET_TCP_UDP;
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

// A rule that takes whatever comes in from outside says nothing about what goes out.
static void whatever_comes_by_one_interface_is_no_public_name(void **state)
{
	static const struct destination_row rows[] = {
		{FAR, "203.0.113.99", 80, TCP, WAN, "10.0.1.9", 80, 0},
		{PC, "198.51.100.80", 80, TCP, LAN, NULL},
		{"203.0.113.2", "198.51.100.80", 80, TCP, HOST, NULL},
	};

	add_forward(WAN, "0.0.0.0/0", 80, 80, "10.0.1.9/32");
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

static void one_to_one_and_prefixes_come_in(void **state)
{
	static const struct destination_row rows[] = {
		{FAR, "203.0.113.18", 80, TCP, WAN, "10.0.1.34", 80, 0},
		{FAR, "203.0.113.31", 0, ICMP, WAN, "10.0.1.47", 0, 0},
		{FAR, "203.0.113.32", 80, TCP, WAN, NULL},
		{PC, "203.0.113.18", 80, TCP, LAN, "10.0.1.34", 80, 0},
		{"10.0.1.1", "203.0.113.18", 80, TCP, HOST, "10.0.1.34", 80, 0},
		{"2001:db8:9::1", "2001:db8:1:d550::1234", 80, TCP, WAN, "fd01:203:405:1::1234", 80,
			1},
		{"2001:db8:9::1", "2001:db8:2::1", 80, TCP, WAN, NULL},
		{FAR, "198.18.9.2", 80, TCP, WAN2, "10.0.1.5", 80, 2},
	};

	add_pair(DP_NAT_ONE_TO_ONE, WAN, "203.0.113.16/28", "10.0.1.32/28");
	add_pair(DP_NAT_PREFIX, WAN, "2001:db8:1::/48", "fd01:203:405::/48");
	add(DP_NAT_ONE_TO_ONE, WAN2)->inside = prefix("10.0.1.5/32");
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(forwards_by_port_from_outside_and_inside),
		TEST(a_forward_follows_its_interfaces_address),
		TEST(a_forward_asks_for_its_source),
		TEST(redirects_end_at_the_router),
		TEST(whatever_comes_by_one_interface_is_no_public_name),
		TEST(one_to_one_and_prefixes_come_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
