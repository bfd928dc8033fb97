// SPDX-License-Identifier: BSD-3-Clause
// Which translation decides: tables of packets against a policy of a house with two uplinks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nat_rules.h"
#include "dataplane/policy.h"
#include "dataplane/set.h"
#include "dataplane/snapshot.h"
#include "dataplane/timed_set.h"
#include "tests/unit/text_addr.h"

enum { WAN = 0, LAN = 1, IOT = 2, WAN2 = 3, DOWN = 4 }; // DOWN: outside, without an address
enum { NATS_MAX = 16, NOW_SEC = 1000 };

static struct snapshot snap;
static struct dp_nat nats[NATS_MAX];
static struct dp_set dp_sets[4];
static struct set *sets[4];
static struct timed_set *timed[DP_TIMED_SETS_MAX];
static struct dp_policy policy;
static struct nat_rules *rules;

static void add_interface(uint8_t id, bool is_outside, const char *addr4, const char *addr6)
{
	struct interface *iface = &snap.interfaces[id];

	*iface = (struct interface){.is_used = true, .is_outside = is_outside};
	snap.ids[snap.n_ids++] = id;
	if (addr4 != NULL) {
		iface->addresses[iface->n_addresses++] = prefix(addr4);
		iface->primary4_be = ip4_be_of(&iface->addresses[0].addr);
	}
	if (addr6 != NULL) {
		iface->addresses[iface->n_addresses] = prefix(addr6);
		memcpy(iface->primary6, iface->addresses[iface->n_addresses++].addr.v6, 16);
		iface->has_primary6 = true;
	}
}

static const struct ip_prefix lan_prefixes[] = {{{IP_V4, {{10, 0, 0, 0}}}, 16}};
static const struct ip_prefix partner_prefixes[] = {{{IP_V4, {{198, 51, 100, 0}}}, 24}};
static const struct dp_range tcp_udp[] = {{IPPROTO_TCP, IPPROTO_TCP}, {IPPROTO_UDP, IPPROTO_UDP}};

enum { SET_LAN = 0, SET_PARTNER, SET_TCP_UDP, SET_TIMED };

static int setup(void **state)
{
	memset(&snap, 0, sizeof(snap));
	memset(nats, 0, sizeof(nats));
	add_interface(WAN, true, "203.0.113.2/24", "2001:db8:1::2/64");
	add_interface(LAN, false, "10.0.1.1/24", "fd00:1::1/64");
	add_interface(IOT, false, "10.0.2.1/24", NULL);
	add_interface(WAN2, true, "198.18.9.2/24", NULL);
	add_interface(DOWN, true, NULL, NULL);
	snap.interfaces[WAN].addresses[2] = prefix("203.0.113.3/24");
	snap.interfaces[WAN].n_addresses = 3;
	dp_sets[SET_LAN] = (struct dp_set){.kind = DP_SET_ADDRESSES,
		.prefixes = lan_prefixes,
		.n_prefixes = 1,
		.timed = DP_INDEX_NONE};
	dp_sets[SET_PARTNER] = dp_sets[SET_LAN];
	dp_sets[SET_PARTNER].prefixes = partner_prefixes;
	dp_sets[SET_TCP_UDP] = (struct dp_set){
		.kind = DP_SET_PROTOCOLS, .ranges = tcp_udp, .n_ranges = 2, .timed = DP_INDEX_NONE};
	dp_sets[SET_TIMED] = dp_sets[SET_LAN];
	dp_sets[SET_TIMED].timed = 0;
	timed[0] = timed_set_new(16, NULL);
	assert_non_null(timed[0]);
	for (unsigned i = 0; i < 4; i++) {
		sets[i] = set_new(&dp_sets[i], NULL);
		assert_non_null(sets[i]);
	}
	policy = (struct dp_policy){.nats = nats, .sets = dp_sets, .n_sets = 4};
	return 0;
}

static int teardown(void **state)
{
	nat_rules_free(rules);
	rules = NULL;
	for (unsigned i = 0; i < 4; i++)
		set_free(sets[i]);
	timed_set_free(timed[0]);
	return 0;
}

static struct dp_nat *add(enum dp_nat_kind kind, int interface)
{
	struct dp_nat *nat = &nats[policy.n_nats++];

	*nat = dp_nat_any(kind);
	nat->interface = interface;
	return nat;
}

static struct dp_nat *add_forward(
	int interface, const char *outside, uint16_t first, uint16_t last, const char *inside)
{
	struct dp_nat *nat = add(DP_NAT_FORWARD, interface);

	if (outside != NULL)
		nat->outside = prefix(outside);
	nat->inside = prefix(inside);
	nat->first_port = first;
	nat->last_port = last;
	nat->protocol.set = SET_TCP_UDP;
	return nat;
}

static void compile(void)
{
	struct error err;

	rules = nat_rules_new(&policy, sets, timed, &err);
	if (rules == NULL)
		fail_msg("%s", err.text);
}

static struct flow_tuple packet(const char *src, const char *dst, uint16_t dport, uint8_t protocol)
{
	bool has_port = protocol_has_ports(protocol);

	return (struct flow_tuple){.src = address(src),
		.dst = address(dst),
		.sport_be = has_port ? rte_cpu_to_be_16(40000) : 0,
		.dport_be = has_port ? rte_cpu_to_be_16(dport) : 0,
		.protocol = protocol};
}

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

enum { HOST = FLOW_IFACE_HOST, TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, ICMP = IPPROTO_ICMP };

#define FAR "198.51.100.10"
#define PC  "10.0.1.7"

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
	struct dp_nat *nat = add(DP_NAT_ONE_TO_ONE, WAN);

	nat->outside = prefix("203.0.113.16/28");
	nat->inside = prefix("10.0.1.32/28");
	nat = add(DP_NAT_PREFIX, WAN);
	nat->outside = prefix("2001:db8:1::/48");
	nat->inside = prefix("fd01:203:405::/48");
	nat = add(DP_NAT_ONE_TO_ONE, WAN2);
	nat->inside = prefix("10.0.1.5/32");
	compile();
	check_destinations(rows, RTE_DIM(rows));
}

// --- source ---

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
	struct dp_nat *nat = add(DP_NAT_ONE_TO_ONE, WAN);

	nat->outside = prefix("203.0.113.16/28");
	nat->inside = prefix("10.0.1.32/28");
	nat = add(DP_NAT_PREFIX, WAN);
	nat->outside = prefix("2001:db8:1::/48");
	nat->inside = prefix("fd01:203:405::/48");
	nat = add(DP_NAT_ONE_TO_ONE, -1);
	nat->outside = prefix("198.18.9.5/32");
	nat->inside = prefix("10.0.1.5/32");
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
	struct dp_nat *nat = add(DP_NAT_ONE_TO_ONE, WAN);

	nat->outside = prefix("203.0.113.16/28");
	nat->inside = prefix("10.0.1.32/28");
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
	nat = add(DP_NAT_PREFIX, WAN);
	nat->outside = prefix("2001:db8:1::/48");
	nat->inside = prefix("fd01:203:405::/48");
	nat = add(DP_NAT_ONE_TO_ONE, -1);
	nat->outside = prefix("198.18.9.5/32");
	nat->inside = prefix("10.0.3.5/32");
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

// --- sets that change with time ---

static bool is_source_translated(const char *src, uint32_t now_sec)
{
	struct flow_tuple p = packet(src, "8.8.8.8", 80, IPPROTO_TCP);
	struct nat_source out;

	return nat_rules_source(rules, &snap, now_sec, &p, LAN, WAN, false, &out);
}

static bool is_forwarded(const char *src, uint32_t now_sec)
{
	struct flow_tuple p = packet(src, "203.0.113.2", 80, IPPROTO_TCP);
	struct nat_destination out;

	return nat_rules_destination(rules, &snap, now_sec, &p, WAN, &out);
}

static void add_for_a_minute(const char *text)
{
	struct ip_prefix p = prefix(text);

	assert_int_equal(timed_set_add(timed[0], &p, NOW_SEC + 60), 0);
}

static void a_timed_set_is_asked_beside_what_is_always_in_it(void **state)
{
	struct dp_nat *nat = add(DP_NAT_SOURCE, WAN);
	struct ip_addr inside = address("10.7.0.9");

	nat->source.set = SET_TIMED;
	compile();
	assert_true(is_source_translated("10.0.1.9", NOW_SEC));
	assert_false(is_source_translated("10.7.0.9", NOW_SEC));
	assert_false(nat_rules_hides(rules, &snap, NOW_SEC, WAN, &inside, NULL));
	add_for_a_minute("10.7.0.0/24"); // the compiled rules stay as they are
	add_for_a_minute("2001:db8:7::/64");
	assert_true(is_source_translated("10.7.0.9", NOW_SEC));
	assert_true(is_source_translated("10.0.1.9", NOW_SEC));
	assert_true(nat_rules_hides(rules, &snap, NOW_SEC, WAN, &inside, NULL));
	assert_false(is_source_translated("10.7.0.9", NOW_SEC + 60));
	assert_true(is_source_translated("10.0.1.9", NOW_SEC + 60));
}

static void a_forward_is_for_those_who_are_in_a_timed_set_now(void **state)
{
	static const struct {
		bool is_negated;
		const char *src;
		uint32_t after_sec;
		bool is_forwarded;
	} rows[] = {
		{false, "198.51.100.9", 0, true},
		{false, "198.51.100.9", 59, true},
		{false, "198.51.100.9", 60, false},
		{false, "198.51.100.10", 0, false},
		{true, "198.51.100.9", 0, false},
		{true, "198.51.100.9", 60, true},
		{true, "198.51.100.10", 0, true},
	};
	struct dp_nat *nat = add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");

	add_for_a_minute("198.51.100.9/32");
	nat->source.set = SET_TIMED;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		nat->source.is_negated = rows[i].is_negated;
		compile();
		if (is_forwarded(rows[i].src, NOW_SEC + rows[i].after_sec) != rows[i].is_forwarded)
			fail_msg("row %u", i);
		nat_rules_free(rules);
		rules = NULL;
	}
}

// --- what is refused ---

static void spoil_kind(struct dp_nat *nat)
{
	nat->kind = (enum dp_nat_kind)99;
}

static void spoil_interface(struct dp_nat *nat)
{
	nat->interface = 64;
}

static void spoil_family(struct dp_nat *nat)
{
	nat->family = 5;
}

static void spoil_prefix(struct dp_nat *nat)
{
	nat->outside = (struct ip_prefix){{.family = IP_V4}, 33};
}

static void spoil_set(struct dp_nat *nat)
{
	nat->source.set = 4;
}

static void spoil_set_kind(struct dp_nat *nat)
{
	nat->source.set = SET_TCP_UDP;
}

static void spoil_inside(struct dp_nat *nat)
{
	nat->inside = prefix("10.0.1.0/24");
}

static void spoil_families(struct dp_nat *nat)
{
	nat->outside = prefix("2001:db8::1/128");
}

static void spoil_no_name(struct dp_nat *nat)
{
	nat->interface = -1;
}

static void spoil_ports(struct dp_nat *nat)
{
	nat->last_port = 79;
}

static void spoil_ports_from_none(struct dp_nat *nat)
{
	nat->first_port = 0;
}

static void spoil_inside_ports(struct dp_nat *nat)
{
	nat->last_port = 90;
	nat->inside_port = 65530;
}

static void spoil_inside_port_alone(struct dp_nat *nat)
{
	nat->first_port = nat->last_port = 0;
	nat->inside_port = 80;
}

static void spoil_one_to_one(struct dp_nat *nat)
{
	nat->kind = DP_NAT_ONE_TO_ONE;
	nat->outside = prefix("203.0.113.0/28");
}

static void spoil_one_to_one_by_interface(struct dp_nat *nat)
{
	nat->kind = DP_NAT_ONE_TO_ONE;
	nat->inside = prefix("10.0.1.0/24");
}

static void spoil_npt(struct dp_nat *nat)
{
	nat->kind = DP_NAT_PREFIX;
	nat->inside = prefix("fd00::/48");
	nat->outside = prefix("2001:db8::/56");
}

static void what_makes_no_sense_is_refused_with_its_number(void **state)
{
	static void (*const spoilers[])(struct dp_nat *) = {spoil_kind, spoil_interface,
		spoil_family, spoil_prefix, spoil_set, spoil_set_kind, spoil_inside, spoil_families,
		spoil_no_name, spoil_ports, spoil_ports_from_none, spoil_inside_ports,
		spoil_inside_port_alone, spoil_one_to_one, spoil_one_to_one_by_interface,
		spoil_npt};
	struct dp_nat sound;

	add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");
	add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");
	compile();
	sound = nats[1];
	for (unsigned i = 0; i < RTE_DIM(spoilers); i++) {
		struct error err = {.text = ""};

		nats[1] = sound;
		spoilers[i](&nats[1]);
		if (nat_rules_new(&policy, sets, timed, &err) != NULL)
			fail_msg("spoiler %u passes", i);
		assert_non_null(strstr(err.text, "translation 1: "));
	}
	policy.n_nats = DP_NATS_MAX + 1;
	assert_null(nat_rules_new(&policy, sets, timed, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(forwards_by_port_from_outside_and_inside),
		TEST(a_forward_follows_its_interfaces_address),
		TEST(a_forward_asks_for_its_source),
		TEST(redirects_end_at_the_router),
		TEST(whatever_comes_by_one_interface_is_no_public_name),
		TEST(one_to_one_and_prefixes_come_in),
		TEST(the_first_rule_that_matches_decides_how_it_leaves),
		TEST(options_go_along),
		TEST(one_to_one_and_prefixes_leave),
		TEST(who_speaks_to_a_neighbour_by_its_public_name_leaves_by_its_own),
		TEST(inner_addresses_are_hidden_where_they_are_translated),
		TEST(a_timed_set_is_asked_beside_what_is_always_in_it),
		TEST(a_forward_is_for_those_who_are_in_a_timed_set_now),
		TEST(what_makes_no_sense_is_refused_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
