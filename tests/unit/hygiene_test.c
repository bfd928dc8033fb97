// SPDX-License-Identifier: BSD-3-Clause
// Where a flow's first packet says it comes from and where it goes, and what IPv6 routing headers
// and routes towards the internet have to say to that.
#include "tests/unit/hygiene_fixture.h"

struct address_row {
	uint8_t iface;
	const char *src, *dst;
	enum counter expected;
};

static void assert_rows(const struct address_row *rows, unsigned n, uint16_t checks)
{
	for (unsigned i = 0; i < n; i++) {
		struct probe probe = {.src = rows[i].src, .dst = rows[i].dst};

		assert_verdict(&probe, rows[i].iface, checks, rows[i].expected);
	}
}

static void a_source_must_be_one_that_can_come_from_there(void **state)
{
	static const struct address_row rows[] = {
		// the internet's
		{NET, "192.52.193.7", "10.1.0.7", COUNTER_COUNT},
		{LAN, "192.52.193.7", "10.1.0.7", COUNTER_COUNT},
		{NET, "2620:4f:8000:f::7", "fd00:1::7", COUNTER_COUNT},
		{NET, "2001::7", "fd00:1::7", COUNTER_COUNT},
		{NET, "2002::7", "fd00:1::7", COUNTER_COUNT},
		{NET, "64:ff9b::7", "fd00:1::7", COUNTER_COUNT},
		{NET, "192.0.0.8", "10.1.0.7", COUNTER_COUNT}, // RFC 7600: an error's source
		{NET, "100:0:0:1::7", "fd00:1::7", COUNTER_COUNT},
		// private: everywhere inside
		{LAN, "10.1.0.7", "192.31.196.7", COUNTER_COUNT},
		{LAN, "172.20.0.7", "192.31.196.7", COUNTER_COUNT},
		{LAN, "100.64.0.7", "192.31.196.7", COUNTER_COUNT},
		{LAN, "fd00:7::7", "2620:4f:8000:f::7", COUNTER_COUNT},
		// outside where the internet begins: not
		{NET, "10.1.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "192.168.8.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "172.16.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "100.64.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "fd00:1::7", "2620:4f:8000::2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "64:ff9b:1::7", "2620:4f:8000::2", COUNTER_DROP_MARTIAN_SOURCE},
		{LAB, "10.1.0.7", "203.0.113.2", COUNTER_DROP_MARTIAN_SOURCE},
		{LAB, "fd00:1::7", "2001:db8:1::2", COUNTER_DROP_MARTIAN_SOURCE},
		// but where a route says so that is not the default one
		{NET, "10.99.0.7", "192.175.48.2", COUNTER_COUNT},
		{NET, "192.168.100.1", "192.175.48.2", COUNTER_COUNT}, // a modem, on-link
		{NET, "fd00:99::7", "2620:4f:8000::2", COUNTER_COUNT},
		{NET, "10.50.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE}, // elsewhere
		{LAB, "10.99.0.7", "203.0.113.2", COUNTER_DROP_MARTIAN_SOURCE},
		// by the default's own gateway: not to be told from it
		{NET, "172.30.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		// and behind another NAT, on-link and beyond
		{LTE, "192.168.8.1", "192.168.8.2", COUNTER_COUNT},
		{LTE, "10.0.0.1", "192.168.8.2", COUNTER_COUNT},
		{LTE, "100.64.0.1", "192.168.8.2", COUNTER_COUNT},
		{LTE, "fd00:77::1", "fd00:2::2", COUNTER_COUNT},
		{CGN, "10.0.0.1", "100.64.3.2", COUNTER_COUNT},
		{CGN, "fd00:77::1", "2620:4f:8000:2::2", COUNTER_DROP_MARTIAN_SOURCE},
		// laboratories: only where there is one
		{NET, "192.0.2.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "198.18.0.7", "192.175.48.2", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "2001:db8:7::7", "2620:4f:8000::2", COUNTER_DROP_MARTIAN_SOURCE},
		{LTE, "203.0.113.7", "192.168.8.2", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "203.0.113.7", "192.31.196.7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "3fff::7", "2620:4f:8000:f::7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAB, "203.0.113.7", "203.0.113.2", COUNTER_COUNT},
		{LAB, "198.51.100.7", "203.0.113.2", COUNTER_COUNT},
		{LAB, "198.18.0.7", "203.0.113.2", COUNTER_COUNT},
		{LAB, "2001:db8:f::7", "2001:db8:1::2", COUNTER_COUNT},
		// nobody's, anywhere
		{LAN, "0.0.0.7", "10.1.0.1", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "0.0.0.0", "10.1.0.1", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "127.0.0.1", "10.1.0.1", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "127.8.8.8", "10.1.0.7", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "192.0.0.170", "10.1.0.7", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "240.0.0.1", "10.1.0.7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "224.0.0.5", "192.31.196.7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "255.255.255.255", "192.31.196.7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "::1", "fd00:1::1", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "::", "fd00:1::1", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "::ffff:10.1.0.7", "fd00:1::1", COUNTER_DROP_MARTIAN_SOURCE},
		{NET, "2001:1ff::7", "fd00:1::7", COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, "ff02::1", "2620:4f:8000:f::7", COUNTER_DROP_MARTIAN_SOURCE},
	};

	assert_rows(rows, RTE_DIM(rows), DP_HYGIENE_MARTIAN);
}

static void a_destination_must_be_one_that_somebody_can_have(void **state)
{
	static const struct address_row rows[] = {
		{LAN, "10.1.0.7", "192.31.196.7", COUNTER_COUNT},
		{LAN, "10.1.0.7", "172.16.0.7", COUNTER_COUNT},
		{LAN, "10.1.0.7", "203.0.113.7", COUNTER_COUNT},
		{LAN, "10.1.0.7", "169.254.0.7", COUNTER_COUNT},
		{LAN, "fd00:1::7", "fe80::1", COUNTER_COUNT},
		{LAN, "fd00:1::7", "ff0e::7", COUNTER_COUNT},
		{LAN, "10.1.0.7", "0.0.0.0", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "10.1.0.7", "127.0.0.1", COUNTER_DROP_MARTIAN_DESTINATION},
		{NET, "192.52.193.7", "127.0.0.1", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "10.1.0.7", "192.0.0.8", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "10.1.0.7", "192.0.0.9", COUNTER_COUNT}, // PCP's anycast address
		{LAN, "10.1.0.7", "192.0.0.170", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "10.1.0.7", "240.0.0.7", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "fd00:1::7", "::", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "fd00:1::7", "::1", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "fe80::7", "::1", COUNTER_DROP_MARTIAN_DESTINATION},
		{LAN, "fd00:1::7", "::ffff:10.1.0.1", COUNTER_DROP_MARTIAN_DESTINATION},
	};

	assert_rows(rows, RTE_DIM(rows), DP_HYGIENE_MARTIAN);
}

static void nobody_else_has_our_addresses(void **state)
{
	static const struct address_row rows[] = {
		{LAN, "10.1.0.1", "192.31.196.7", COUNTER_DROP_OWN_SOURCE},
		{NET, "10.1.0.1", "192.175.48.2", COUNTER_DROP_OWN_SOURCE},
		{NET, "192.175.48.2", "10.1.0.7", COUNTER_DROP_OWN_SOURCE},
		{LAN, "fd00:1::1", "2620:4f:8000:f::7", COUNTER_DROP_OWN_SOURCE},
		{NET, "2620:4f:8000::2", "fd00:1::7", COUNTER_DROP_OWN_SOURCE},
		{LAN, "172.17.0.2", "192.31.196.7", COUNTER_DROP_OWN_SOURCE}, // comes by a TAP
		{LAN, "fe80::1", "fd00:1::1", COUNTER_DROP_OWN_SOURCE},
		{LAN, "fe80::2", "fd00:1::1", COUNTER_COUNT},
		{NET, "fe80::1", "2620:4f:8000::2", COUNTER_COUNT}, // another link's
		{LAN, "10.1.0.2", "192.31.196.7", COUNTER_COUNT},
		{LAN, "fd00:1::2", "2620:4f:8000:f::7", COUNTER_COUNT},
	};

	assert_rows(rows, RTE_DIM(rows), DP_HYGIENE_OWN_SOURCE);
}

static void a_broadcast_address_sends_nothing(void **state)
{
	static const struct address_row rows[] = {
		{LAN, "255.255.255.255", "10.1.0.1", COUNTER_DROP_BROADCAST_SOURCE},
		{LAN, "10.1.0.255", "192.31.196.7", COUNTER_DROP_BROADCAST_SOURCE},
		{NET, "10.1.0.255", "192.175.48.2", COUNTER_DROP_BROADCAST_SOURCE},
		{NET, "192.175.48.127", "10.1.0.7", COUNTER_DROP_BROADCAST_SOURCE},
		{NET, "192.175.48.255", "10.1.0.7", COUNTER_COUNT},
		{LAN, "10.1.0.1", "192.31.196.7", COUNTER_COUNT},
		{LAN, "10.50.0.255", "192.31.196.7", COUNTER_COUNT}, // whose mask we do not know
	};

	assert_rows(rows, RTE_DIM(rows), DP_HYGIENE_BROADCAST_SOURCE);
	assert_rows(rows, 4, DP_HYGIENE_BROADCAST_SOURCE | DP_HYGIENE_OWN_SOURCE);
}

static void nobody_writes_to_himself(void **state)
{
	static const struct address_row rows[] = {
		{LAN, "10.1.0.7", "10.1.0.7", COUNTER_DROP_LAND},
		{NET, "192.175.48.2", "192.175.48.2", COUNTER_DROP_LAND},
		{LAN, "fd00:1::7", "fd00:1::7", COUNTER_DROP_LAND},
		{LAN, "10.1.0.7", "10.1.0.8", COUNTER_COUNT},
		{LAN, "fd00:1::7", "fd00:1::8", COUNTER_COUNT},
	};

	assert_rows(rows, RTE_DIM(rows), DP_HYGIENE_LAND);
	assert_rows(rows, 3, ALL);
}

static void the_way_back_is_asked_as_strictly_as_the_interface_says(void **state)
{
	static const struct {
		uint8_t iface;
		const char *src;
		enum counter strict, feasible, loose;
	} rows[] = {
		{NET, "192.52.193.7", COUNTER_COUNT, COUNTER_COUNT, COUNTER_COUNT},
		{LTE, "192.52.193.7", COUNTER_DROP_REVERSE_PATH, COUNTER_COUNT, COUNTER_COUNT},
		{LAN, "192.52.193.7", COUNTER_DROP_REVERSE_PATH, COUNTER_DROP_REVERSE_PATH,
			COUNTER_COUNT},
		{LAN, "240.0.0.7", COUNTER_DROP_REVERSE_PATH, COUNTER_DROP_REVERSE_PATH,
			COUNTER_DROP_REVERSE_PATH},
		{LTE, "2620:4f:8000:f::7", COUNTER_DROP_REVERSE_PATH, COUNTER_COUNT, COUNTER_COUNT},
		{NET, "fd00:1::7", COUNTER_DROP_REVERSE_PATH, COUNTER_DROP_REVERSE_PATH,
			COUNTER_COUNT},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = rows[i].src, .dst = "10.1.0.9"};

		if (strchr(rows[i].src, ':') != NULL)
			probe.dst = "fd00:1::9";
		assert_verdict(&probe, rows[i].iface, DP_HYGIENE_RPF_STRICT, rows[i].strict);
		assert_verdict(&probe, rows[i].iface, DP_HYGIENE_RPF_FEASIBLE, rows[i].feasible);
		assert_verdict(&probe, rows[i].iface, DP_HYGIENE_RPF_LOOSE, rows[i].loose);
	}
}

// Under every check at once.
static void what_ipv4_and_ipv6_need_to_start_with_is_left_alone(void **state)
{
	static const struct {
		uint8_t iface;
		struct probe probe;
		enum counter expected;
	} rows[] = {
		// who has no address yet
		{LAN, {"0.0.0.0", "255.255.255.255", .sport = 68, .dport = 67}, COUNTER_COUNT},
		{LAN, {"0.0.0.0", "192.31.196.7", .sport = 68, .dport = 67},
			COUNTER_DROP_MARTIAN_SOURCE},
		{LAN, {"::", "ff02::1:ff00:7", .protocol = IPPROTO_ICMPV6}, COUNTER_COUNT},
		{LAN, {"::", "ff02::16", .protocol = IPPROTO_ICMPV6}, COUNTER_COUNT},
		{LAN, {"::", "fd00:1::1", .protocol = IPPROTO_ICMPV6}, COUNTER_DROP_MARTIAN_SOURCE},
		// link-local
		{NET, {"fe80::7", "2620:4f:8000::2", .protocol = IPPROTO_ICMPV6}, COUNTER_COUNT},
		{NET, {"fe80::7", "fe80::9", .sport = 547, .dport = 546}, COUNTER_COUNT},
		{LAN, {"169.254.3.4", "10.1.0.1"}, COUNTER_COUNT},
		// a provider's DHCP server, to our address or to the one it offers
		{NET, {"10.255.0.1", "192.175.48.2", .sport = 67, .dport = 68}, COUNTER_COUNT},
		{NET, {"10.255.0.1", "192.175.48.77", .sport = 67, .dport = 68}, COUNTER_COUNT},
		{NET, {"10.255.0.1", "192.52.193.7", .sport = 67, .dport = 68}, COUNTER_COUNT},
		{NET, {"10.255.0.1", "10.1.0.7", .sport = 67, .dport = 68},
			COUNTER_DROP_MARTIAN_SOURCE},
		{NET, {"10.255.0.1", "192.175.48.2", .sport = 68, .dport = 67},
			COUNTER_DROP_MARTIAN_SOURCE},
		{NET,
			{"10.255.0.1", "192.175.48.2", .sport = 67, .dport = 68,
				.fragment = RTE_IPV4_HDR_MF_FLAG},
			COUNTER_DROP_MARTIAN_SOURCE},
		{NET, {"fd00:5::1", "fe80::9", .sport = 547, .dport = 546}, COUNTER_COUNT},
		{NET, {"fd00:5::1", "fd00:1::9", .sport = 547, .dport = 546},
			COUNTER_DROP_MARTIAN_SOURCE},
		// and plain packets
		{LAN, {"10.1.0.7", "192.31.196.7"}, COUNTER_COUNT},
		{LAN, {"10.50.3.4", "192.31.196.7", .protocol = IPPROTO_TCP, .tcp_flags = SYN},
			COUNTER_COUNT},
		{LAN, {"fd00:1::7", "2620:4f:8000:f::7", .protocol = IPPROTO_TCP, .tcp_flags = SYN},
			COUNTER_COUNT},
		{NET, {"192.52.193.7", "192.175.48.2", .protocol = IPPROTO_ICMP}, COUNTER_COUNT},
		{NET, {"2620:4f:8000:f::7", "2620:4f:8000:1::7", .protocol = IPPROTO_ICMPV6},
			COUNTER_COUNT},
		{LTE, {"192.31.196.7", "192.168.8.2", .protocol = 47}, COUNTER_COUNT},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		assert_verdict(&rows[i].probe, rows[i].iface, ALL, rows[i].expected);
}

static void the_host_stack_is_not_asked(void **state)
{
	const struct probe probe = {.src = "10.1.0.1",
		.dst = "10.1.0.1",
		.protocol = IPPROTO_TCP,
		.tcp_flags = SYN | FIN};
	struct packet p;

	build(&p, &probe, LAN);
	snapshot.interfaces[LAN].hygiene = ALL;
	assert_int_not_equal(hygiene_check(&worker, &p), COUNTER_COUNT);
	p.flags |= PACKET_FROM_HOST;
	assert_int_equal(hygiene_check(&worker, &p), COUNTER_COUNT);
	rte_pktmbuf_free(p.m);
}

// --- IPv6 routing headers: type 0 goes whatever it says, no other does (RFC 5095 4.2) ---

static void only_routing_header_0_is_refused(void **state)
{
	static const struct {
		uint8_t n_headers, first_header, headers[HEADERS_MAX];
		enum counter expected;
	} rows[] = {
		{24, IPPROTO_ROUTING, {17, 2, 0, 1, 0, 0, 0, 0, 0x20}, COUNTER_DROP_ROUTING_HEADER},
		{8, IPPROTO_ROUTING, {17, 0, 0, 0}, COUNTER_DROP_ROUTING_HEADER}, // all gone by
		{16, IPPROTO_DSTOPTS, {43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 9},
			COUNTER_DROP_ROUTING_HEADER},
		{24, IPPROTO_ROUTING, {17, 2, 2, 1}, COUNTER_COUNT}, // Mobile IPv6
		{24, IPPROTO_ROUTING, {17, 2, 4, 1}, COUNTER_COUNT}, // segment routing
		{8, IPPROTO_DSTOPTS, {17, 0, 0, 0}, COUNTER_COUNT},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = "2620:4f:8000:f::7",
			.dst = "2620:4f:8000:1::7",
			.n_headers = rows[i].n_headers,
			.first_header = rows[i].first_header};

		memcpy(probe.headers, rows[i].headers, sizeof(probe.headers));
		assert_verdict(&probe, NET, DP_HYGIENE_ROUTING_HEADER, rows[i].expected);
		assert_verdict(&probe, NET, ALL, rows[i].expected);
	}
}

// --- towards the internet: what the caller counts as COUNTER_DROP_PRIVATE_OUT ---

static void nothing_private_is_sought_in_the_internet(void **state)
{
	static const struct {
		uint8_t out;
		const char *dst;
		bool is_refused;
	} rows[] = {
		{NET, "192.52.193.7", false},
		{NET, "2620:4f:8000:f::7", false},
		{NET, "10.77.0.7", true},
		{NET, "172.30.0.7", true}, // by the default's gateway
		{NET, "192.168.1.1", true},
		{NET, "100.64.0.7", true},
		{NET, "203.0.113.7", true},
		{NET, "198.18.0.7", true},
		{NET, "fd00:77::7", true},
		{NET, "2001:db8::7", true},
		{NET, "10.99.0.7", false}, // by a route of its own
		{NET, "192.168.100.1", false},
		{NET, "fd00:99::7", false},
		{LTE, "192.168.8.1", false},
		{LTE, "10.77.0.7", false},
		{LTE, "203.0.113.7", true},
		{LAB, "198.51.100.7", false},
		{LAB, "2001:db8:f::7", false},
		{LAB, "10.77.0.7", true},
		{LAN, "10.50.0.7", false},
		{LAN, "172.16.0.7", false},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_addr dst = address(rows[i].dst);

		snapshot.interfaces[rows[i].out].hygiene = DP_HYGIENE_PRIVATE_OUT;
		if (hygiene_is_private_out(&worker, rows[i].out, &dst) != rows[i].is_refused)
			fail_msg("%s out by %u: not %d", rows[i].dst, rows[i].out,
				rows[i].is_refused);
		snapshot.interfaces[rows[i].out].hygiene = ALL & ~DP_HYGIENE_PRIVATE_OUT;
		assert_false(hygiene_is_private_out(&worker, rows[i].out, &dst));
	}
}

static void without_a_default_route_every_route_is_one_of_its_own(void **state)
{
	const struct probe probe = {.src = "172.30.0.7", .dst = "192.175.48.2"};
	const struct probe offer = {
		.src = "10.255.0.1", .dst = "192.52.193.7", .sport = 67, .dport = 68};
	struct ip_prefix all = prefix("0.0.0.0/0");

	assert_int_equal(fib_default(&fib, IP_V4), VIA_NET);
	assert_int_equal(fib_delete(&fib, &all), 0);
	assert_int_equal(fib_default(&fib, IP_V4), NEXTHOP_NONE);
	assert_int_equal(check(&probe, NET, DP_HYGIENE_MARTIAN), COUNTER_COUNT);
	assert_int_equal(check(&offer, NET, ALL), COUNTER_COUNT); // the lease brings the route
	assert_int_equal(fib_set(&fib, &all, VIA_NET), 0);
	assert_int_equal(check(&probe, NET, DP_HYGIENE_MARTIAN), COUNTER_DROP_MARTIAN_SOURCE);
	assert_int_equal(fib_default(&fib, IP_V6), VIA_NET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_source_must_be_one_that_can_come_from_there),
		TEST(a_destination_must_be_one_that_somebody_can_have),
		TEST(nobody_else_has_our_addresses),
		TEST(a_broadcast_address_sends_nothing),
		TEST(nobody_writes_to_himself),
		TEST(the_way_back_is_asked_as_strictly_as_the_interface_says),
		TEST(what_ipv4_and_ipv6_need_to_start_with_is_left_alone),
		TEST(the_host_stack_is_not_asked),
		TEST(only_routing_header_0_is_refused),
		TEST(nothing_private_is_sought_in_the_internet),
		TEST(without_a_default_route_every_route_is_one_of_its_own),
	};

	return cmocka_run_group_tests(tests, world_start, NULL);
}
