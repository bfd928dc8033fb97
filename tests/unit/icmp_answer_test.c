// SPDX-License-Identifier: BSD-3-Clause
// Which packets an error is sent about, by whom and where to, and how many.
#include "tests/unit/icmp_fixture.h"

// In a row of a table zero is what any packet has; so these two need another number.
enum { HOPOPTS = 0x100 | IPPROTO_HOPOPTS, NOTHING = 0xffff };

// The row's packet, with what it leaves out.
static struct offender complete(const struct offender *row, bool is_ip6)
{
	struct offender o = is_ip6 ? plain6 : plain4;

	memcpy(o.l4, row->l4, sizeof(o.l4));
	o.fragment = row->fragment;
	o.options_bytes = row->options_bytes;
	o.padding_bytes = row->padding_bytes;
	o.src = row->src != NULL ? row->src : o.src;
	o.dst = row->dst != NULL ? row->dst : o.dst;
	o.l2_first = row->l2_first != 0 ? row->l2_first : o.l2_first;
	o.protocol = row->protocol != 0 ? (uint8_t)row->protocol : o.protocol;
	o.l4_bytes = row->l4_bytes == NOTHING ? 0 : row->l4_bytes != 0 ? row->l4_bytes : o.l4_bytes;
	return o;
}

static void what_must_not_be_answered_is_not(void **state)
{
	static const struct {
		const char *what;
		struct offender o; // overrides one thing of a packet that is answered
		bool is_answered;
	} rows4[] = {
		{"udp", {NULL}, true},
		{"tcp", {.protocol = IPPROTO_TCP}, true},
		{"echo request", {.protocol = IPPROTO_ICMP, .l4 = {8}}, true},
		{"echo reply", {.protocol = IPPROTO_ICMP, .l4 = {0}}, true},
		{"timestamp", {.protocol = IPPROTO_ICMP, .l4 = {13}}, true},
		{"unreachable", {.protocol = IPPROTO_ICMP, .l4 = {3}}, false},
		{"quench", {.protocol = IPPROTO_ICMP, .l4 = {4}}, false},
		{"redirect", {.protocol = IPPROTO_ICMP, .l4 = {5}}, false},
		{"time exceeded", {.protocol = IPPROTO_ICMP, .l4 = {11}}, false},
		{"parameter problem", {.protocol = IPPROTO_ICMP, .l4 = {12}}, false},
		{"unassigned icmp", {.protocol = IPPROTO_ICMP, .l4 = {19}}, false},
		{"icmp without a type", {.protocol = IPPROTO_ICMP, .l4_bytes = NOTHING}, false},
		{"icmp type in the padding",
			{.protocol = IPPROTO_ICMP, .l4_bytes = NOTHING, .padding_bytes = 26},
			false},
		{"error behind options", {.protocol = IPPROTO_ICMP, .l4 = {3}, .options_bytes = 8},
			false},
		{"request behind options",
			{.protocol = IPPROTO_ICMP, .l4 = {8}, .options_bytes = 8}, true},
		{"first fragment", {.fragment = 0x2000}, true},
		{"dont fragment", {.fragment = 0x4000}, true},
		{"middle fragment", {.fragment = 0x2001}, false},
		{"last fragment", {.fragment = 0x1fff}, false},
		{"broadcast frame", {.l2_first = 0xff}, false},
		{"multicast frame", {.l2_first = 0x01}, false},
		{"to multicast", {.dst = "224.0.0.251"}, false},
		{"to all", {.dst = "255.255.255.255"}, false},
		{"to class e", {.dst = "240.0.0.1"}, false},
		{"to the broadcast of our net", {.dst = "198.51.100.255"}, false},
		{"to the broadcast of our /30", {.dst = "203.0.113.3"}, false},
		{"to the end of our /31", {.dst = "203.0.113.65"}, true},
		{"just below a broadcast", {.dst = "198.51.100.254"}, true},
		{"from our broadcast", {.src = "198.51.100.255"}, false},
		{"from this net", {.src = "0.0.0.0"}, false},
		{"from 0.1.2.3", {.src = "0.1.2.3"}, false},
		{"from loopback", {.src = "127.0.0.1"}, false},
		{"from multicast", {.src = "224.0.0.1"}, false},
		{"from class e", {.src = "250.0.0.1"}, false},
		{"from all", {.src = "255.255.255.255"}, false},
		{"from ourselves", {.src = "198.51.100.1"}, false},
		{"from nowhere", {.src = "203.0.113.40"}, false},
		{"from a blackhole", {.src = "203.0.113.129"}, false},
	};
	static const struct {
		const char *what;
		struct offender o;
		bool is_answered;
	} rows6[] = {
		{"udp", {NULL}, true},
		{"echo request", {.protocol = IPPROTO_ICMPV6, .l4 = {128}}, true},
		{"neighbour solicitation", {.protocol = IPPROTO_ICMPV6, .l4 = {135}}, true},
		{"unreachable", {.protocol = IPPROTO_ICMPV6, .l4 = {1}}, false},
		{"too big", {.protocol = IPPROTO_ICMPV6, .l4 = {2}}, false},
		{"time exceeded", {.protocol = IPPROTO_ICMPV6, .l4 = {3}}, false},
		{"unassigned error", {.protocol = IPPROTO_ICMPV6, .l4 = {127}}, false},
		{"redirect", {.protocol = IPPROTO_ICMPV6, .l4 = {137}}, false},
		{"icmp without a type", {.protocol = IPPROTO_ICMPV6, .l4_bytes = NOTHING}, false},
		{"icmp type in the padding",
			{.protocol = IPPROTO_ICMPV6, .l4_bytes = NOTHING, .padding_bytes = 8},
			false},
		{"no next header", {.protocol = IPPROTO_NONE, .l4_bytes = NOTHING}, true},
		{"udp behind options", {.protocol = HOPOPTS, .l4 = {IPPROTO_UDP}}, true},
		{"error behind options", {.protocol = HOPOPTS, .l4 = {IPPROTO_ICMPV6, 0, [8] = 3}},
			false},
		{"request behind options",
			{.protocol = HOPOPTS, .l4 = {IPPROTO_ICMPV6, 0, [8] = 128}}, true},
		{"error behind three headers",
			{.protocol = HOPOPTS,
				.l4 = {IPPROTO_ROUTING, 1, [16] = IPPROTO_DSTOPTS,
					0, [24] = IPPROTO_ICMPV6, 0, [32] = 1}},
			false},
		{"error behind authentication",
			{.protocol = IPPROTO_AH, .l4 = {IPPROTO_ICMPV6, 4, [24] = 1}}, false},
		{"first fragment", {.protocol = IPPROTO_FRAGMENT, .l4 = {IPPROTO_UDP, 0, 0, 1}},
			true},
		{"error in a first fragment",
			{.protocol = IPPROTO_FRAGMENT, .l4 = {IPPROTO_ICMPV6, 0, 0, 1, [8] = 3}},
			false},
		{"middle fragment", {.protocol = IPPROTO_FRAGMENT, .l4 = {IPPROTO_UDP, 0, 0, 9}},
			false},
		{"last fragment", {.protocol = IPPROTO_FRAGMENT, .l4 = {IPPROTO_UDP, 0, 1, 0}},
			false},
		{"chain past the end", {.protocol = HOPOPTS, .l4 = {IPPROTO_UDP, 200}}, false},
		{"chain cut short", {.protocol = HOPOPTS, .l4 = {IPPROTO_UDP}, .l4_bytes = 7},
			false},
		{"chain without end", {.protocol = HOPOPTS}, false},
		{"broadcast frame", {.l2_first = 0xff}, false},
		{"multicast frame", {.l2_first = 0x33}, false},
		{"to multicast", {.dst = "ff0e::1"}, false},
		{"from the unspecified", {.src = "::"}, false},
		{"from loopback", {.src = "::1"}, false},
		{"from multicast", {.src = "ff02::1"}, false},
		{"from a mapped address", {.src = "::ffff:198.51.100.7"}, false},
		{"from ourselves", {.src = "2001:db8:1::1"}, false},
		{"from nowhere", {.src = "3fff::1"}, false},
	};
	unsigned n_answered = 0;

	for (unsigned i = 0; i < RTE_DIM(rows4) + RTE_DIM(rows6); i++) {
		bool is_ip6 = i >= RTE_DIM(rows4);
		unsigned j = is_ip6 ? i - RTE_DIM(rows4) : i;
		const char *what = is_ip6 ? rows6[j].what : rows4[j].what;
		bool is_answered = is_ip6 ? rows6[j].is_answered : rows4[j].is_answered;
		struct offender o = complete(is_ip6 ? &rows6[j].o : &rows4[j].o, is_ip6);

		provoke(&o, ICMP_ERROR_TTL, 0);
		if (n_sent != is_answered)
			fail_msg("%s, %s to %s: %sanswered", what, o.src, o.dst,
				n_sent == 0 ? "not " : "");
		n_answered += is_answered;
	}
	assert_int_equal(counted(COUNTER_ICMP_SENT), n_answered);
	assert_int_equal(counted(COUNTER_DROP_TTL), RTE_DIM(rows4) + RTE_DIM(rows6));
	// what is not answered costs no token
	assert_int_equal(worker.icmp_budget.tokens, 1000000 - n_answered);
}

static void sources_are_taken_where_there_are_some(void **state)
{
	static const uint8_t lan4[4] = {198, 51, 100, 1};
	static const uint8_t wan6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 1};
	static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
	struct offender near = plain6;

	// of an interface without addresses: another's, global
	provoke_from(&plain4, BARE, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_int_equal(n_sent, 1);
	assert_memory_equal(sent_ip(0) + 12, lan4, sizeof(lan4));
	provoke_from(&plain6, BARE, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent_ip(0)[8], 0x20);
	// of the one it came in by
	provoke_from(&plain6, WAN, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_memory_equal(sent_ip(0) + 8, wan6, 16);
	// a link-local one serves its link, and nobody beyond
	provoke_from(&plain6, LINK_LOCAL_ONLY, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_int_equal(sent_ip(0)[8], 0x20);
	near.src = "fe80::7";
	provoke_from(&near, LINK_LOCAL_ONLY, ICMP_ERROR_SCOPE, 0, 2000, 2000);
	assert_memory_equal(sent_ip(0) + 8, link_local, 16);
	assert_int_equal(sent[0].code, NEXTHOP_CONNECTED_BASE + LINK_LOCAL_ONLY);
	// an interface that is no more
	provoke_from(&plain6, INTERFACE_NONE, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_int_equal(n_sent, 1);
	provoke_from(&near, INTERFACE_NONE, ICMP_ERROR_TTL, 0, 2000, 2000);
	assert_int_equal(n_sent, 0);
}

static void a_router_without_addresses_is_silent(void **state)
{
	static struct snapshot bare;

	bare = snapshot;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		bare.interfaces[i].primary4_be = 0;
		bare.interfaces[i].has_primary6 = false;
	}
	worker.snap = &bare;
	provoke(&plain4, ICMP_ERROR_TTL, 0);
	assert_int_equal(n_sent, 0);
	provoke(&plain6, ICMP_ERROR_TTL, 0);
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_TTL), 2);
}

static void errors_take_the_route_back(void **state)
{
	struct offender far4 = plain4, far6 = plain6;
	unsigned seen[2] = {0};
	char text[32];

	far4.src = "198.18.0.9"; // behind a gateway
	provoke(&far4, ICMP_ERROR_TTL, 0);
	assert_int_equal(sent[0].code, VIA_WAN);
	far6.src = "2001:db8:9::9";
	provoke(&far6, ICMP_ERROR_TTL, 0);
	assert_int_equal(sent[0].code, VIA_WAN);
	for (unsigned i = 0; i < 200; i++) { // behind two
		snprintf(text, sizeof(text), "198.19.%u.%u", i, 255 - i);
		far4.src = text;
		provoke(&far4, ICMP_ERROR_TTL, 0);
		assert_in_range(sent[0].code, VIA_WAN, VIA_WAN + 1);
		seen[sent[0].code - VIA_WAN]++;
	}
	assert_true(seen[0] > 40 && seen[1] > 40);
}

static void floods_are_limited_without_starving_path_mtu_discovery(void **state)
{
	worker.icmp_budget.tokens = 3;
	worker.icmp_mtu_budget.tokens = 2;
	for (unsigned i = 0; i < 10; i++)
		provoke(i % 2 == 0 ? &plain4 : &plain6, ICMP_ERROR_TTL, 0);
	assert_int_equal(counted(COUNTER_ICMP_SENT), 3);
	assert_int_equal(counted(COUNTER_ICMP_LIMITED), 7);
	for (unsigned i = 0; i < 5; i++)
		provoke(i % 2 == 0 ? &plain4 : &plain6, ICMP_ERROR_TOO_BIG, 1280);
	assert_int_equal(counted(COUNTER_ICMP_SENT), 5);
	assert_int_equal(counted(COUNTER_ICMP_LIMITED), 10);
	assert_int_equal(counted(COUNTER_DROP_TTL), 15);
}

static void an_empty_pool_is_survived(void **state)
{
	static struct rte_mbuf *all[POOL_SIZE];
	static uint8_t frame[2000];
	uint32_t n = offender_bytes(&plain4, frame);
	struct rte_mbuf *m = frame_new(frame, n, n, n);

	sent_free();
	assert_int_equal(rte_pktmbuf_alloc_bulk(worker.pool, all, POOL_SIZE - 1), 0);
	icmp_error4(&worker, LAN, m, ICMP_ERROR_TTL, 0, COUNTER_DROP_TTL);
	rte_pktmbuf_free_bulk(all, POOL_SIZE - 1);
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_TTL), 1);
	assert_int_equal(counted(COUNTER_DROP_NO_BUFFER), 1);
	assert_int_equal(counted(COUNTER_ICMP_SENT), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_setup, worker_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_must_not_be_answered_is_not),
		TEST(sources_are_taken_where_there_are_some),
		TEST(a_router_without_addresses_is_silent),
		TEST(errors_take_the_route_back),
		TEST(floods_are_limited_without_starving_path_mtu_discovery),
		TEST(an_empty_pool_is_survived),
	};
#undef TEST

	if (world_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
