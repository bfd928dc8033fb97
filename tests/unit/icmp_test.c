// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/icmp.h"

#include <netinet/in.h>

#include "tests/unit/worker_fixture.h"

// In a row of a table zero is what any packet has; so these two need another number.
enum { HOPOPTS = 0x100 | IPPROTO_HOPOPTS, NOTHING = 0xffff };

enum { LAN = 0, WAN = 1, BARE = 2, LINK_LOCAL_ONLY = 3, VIA_WAN = NEXTHOP_ADJACENCY_BASE + 7 };

// The offending packet, as a table row tells it.
struct offender {
	const char *src, *dst;
	uint8_t l2_first; // first byte of the destination MAC
	uint16_t protocol;
	uint8_t l4[60]; // first bytes of layer 4; the rest counts up
	uint16_t l4_bytes;
	uint16_t fragment; // IPv4 flags and offset
	uint8_t tos;
	uint8_t options_bytes;	// IPv4, NOPs
	uint16_t padding_bytes; // behind the packet, as Ethernet pads
};

static const struct offender plain4 = {.src = "198.51.100.7",
	.dst = "203.0.113.9",
	.l2_first = 2,
	.protocol = IPPROTO_UDP,
	.l4_bytes = 100};
static const struct offender plain6 = {.src = "2001:db8:1::7",
	.dst = "2001:db8:ffff::9",
	.l2_first = 2,
	.protocol = IPPROTO_UDP,
	.l4_bytes = 104};

static uint32_t offender_bytes(const struct offender *o, uint8_t *frame)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)frame;
	struct ip_addr src = address(o->src), dst = address(o->dst);
	uint32_t header, total;

	memset(frame, 0x11, L3_OFFSET);
	frame[0] = o->l2_first;
	if (o->l2_first == 0xff)
		memset(frame, 0xff, 6);
	if (src.family == IP_V4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

		header = sizeof(*ip) + o->options_bytes;
		total = header + o->l4_bytes;
		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
		memset(ip, 1, header);
		ip->version_ihl = (uint8_t)(0x40 | header / 4);
		ip->type_of_service = o->tos;
		ip->total_length = rte_cpu_to_be_16((uint16_t)total);
		ip->fragment_offset = rte_cpu_to_be_16(o->fragment);
		ip->next_proto_id = (uint8_t)o->protocol;
		ip->hdr_checksum = 0;
		memcpy(&ip->src_addr, src.v4, 4);
		memcpy(&ip->dst_addr, dst.v4, 4);
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + 1);

		header = sizeof(*ip);
		total = header + o->l4_bytes;
		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
		ip->vtc_flow = rte_cpu_to_be_32(0x6b012345);
		ip->payload_len = rte_cpu_to_be_16(o->l4_bytes);
		ip->proto = (uint8_t)o->protocol;
		ip->hop_limits = 1;
		memcpy(ip->src_addr, src.v6, 16);
		memcpy(ip->dst_addr, dst.v6, 16);
	}
	for (uint32_t i = 0; i < o->l4_bytes; i++)
		frame[L3_OFFSET + header + i] = i < sizeof(o->l4) ? o->l4[i] : (uint8_t)i;
	memset(frame + L3_OFFSET + total, 0xdd, o->padding_bytes);
	return L3_OFFSET + total + o->padding_bytes;
}

static void provoke_from(const struct offender *o, uint8_t in_iface, enum icmp_error_kind kind,
	uint16_t mtu, uint32_t first, uint32_t segment)
{
	static uint8_t frame[70000];
	uint32_t n = offender_bytes(o, frame);
	struct rte_mbuf *m = frame_new(frame, n, first, segment);

	sent_free();
	if (address(o->src).family == IP_V4)
		icmp_error4(&worker, in_iface, m, kind, mtu, COUNTER_DROP_TTL);
	else
		icmp_error6(&worker, in_iface, m, kind, mtu, COUNTER_DROP_TTL);
}

static void provoke(const struct offender *o, enum icmp_error_kind kind, uint16_t mtu)
{
	provoke_from(o, LAN, kind, mtu, 2000, 2000);
}

static const uint8_t *sent_ip(unsigned i)
{
	assert_true(i < n_sent);
	assert_int_equal(sent[i].m->nb_segs, 1);
	return rte_pktmbuf_mtod_offset(sent[i].m, const uint8_t *, L3_OFFSET);
}

static uint32_t sent_bytes(unsigned i)
{
	return sent[i].m->pkt_len - L3_OFFSET;
}

// Header and checksum of an IPv4 error, by an arithmetic of its own.
static void check4(const struct offender *o, uint8_t type, uint8_t code, uint32_t rest)
{
	static uint8_t frame[70000];
	uint32_t packet = offender_bytes(o, frame) - L3_OFFSET - o->padding_bytes;
	uint32_t total = RTE_MIN(28 + packet, 576u);
	uint8_t want[28] = {0x45, (uint8_t)(0xc0 | (o->tos & 0x1c)), (uint8_t)(total >> 8),
		(uint8_t)total, 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0, 198, 51, 100, 1, 198, 51, 100,
		7, type, code, 0, 0, (uint8_t)(rest >> 24), (uint8_t)(rest >> 16),
		(uint8_t)(rest >> 8), (uint8_t)rest};
	const uint8_t *ip = sent_ip(0);

	assert_int_equal(sent_bytes(0), total);
	assert_int_equal(ones_sum(ip, 20, 0), 0xffff);
	assert_int_equal(ones_sum(ip + 20, total - 20, 0), 0xffff);
	memcpy(want + 4, ip + 4, 2);   // identifier: any
	memcpy(want + 10, ip + 10, 2); // checksums: right, as seen above
	memcpy(want + 22, ip + 22, 2);
	assert_memory_equal(ip, want, sizeof(want));
	assert_memory_equal(ip + 28, frame + L3_OFFSET, total - 28);
}

static void check6(const struct offender *o, uint8_t type, uint8_t code, uint32_t rest)
{
	static const uint8_t from[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
	static uint8_t frame[70000];
	uint32_t packet = offender_bytes(o, frame) - L3_OFFSET - o->padding_bytes;
	uint32_t total = RTE_MIN(48 + packet, 1280u);
	struct ip_addr to = address(o->src);
	uint8_t want[48] = {0x60, 0, 0, 0, (uint8_t)((total - 40) >> 8), (uint8_t)(total - 40),
		IPPROTO_ICMPV6, 64};
	const uint8_t *ip = sent_ip(0);

	memcpy(want + 8, from, 16);
	memcpy(want + 24, to.v6, 16);
	want[40] = type;
	want[41] = code;
	want[44] = (uint8_t)(rest >> 24);
	want[45] = (uint8_t)(rest >> 16);
	want[46] = (uint8_t)(rest >> 8);
	want[47] = (uint8_t)rest;
	assert_int_equal(sent_bytes(0), total);
	// RFC 8200 8.1: both addresses, the length and the next header lead the sum
	assert_int_equal(ones_sum(ip + 8, total - 8, total - 40 + IPPROTO_ICMPV6), 0xffff);
	memcpy(want + 42, ip + 42, 2);
	assert_memory_equal(ip, want, sizeof(want));
	assert_memory_equal(ip + 48, frame + L3_OFFSET, total - 48);
}

static void each_kind_says_what_the_rfcs_say(void **state)
{
	static const struct {
		enum icmp_error_kind kind;
		uint8_t type4, code4, type6, code6;
	} rows[] = {
		{ICMP_ERROR_TTL, 11, 0, 3, 0},
		{ICMP_ERROR_NO_ROUTE, 3, 0, 1, 0},
		{ICMP_ERROR_HOST, 3, 1, 1, 3},
		{ICMP_ERROR_PROHIBITED, 3, 13, 1, 1},
		{ICMP_ERROR_TOO_BIG, 3, 4, 2, 0},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint32_t rest = rows[i].kind == ICMP_ERROR_TOO_BIG ? 1391 : 0;

		provoke(&plain4, rows[i].kind, 1391);
		check4(&plain4, rows[i].type4, rows[i].code4, rest);
		assert_int_equal(sent[0].code, NEXTHOP_CONNECTED_BASE + LAN);
		assert_false(sent[0].is_ip6);
		provoke(&plain6, rows[i].kind, 1391);
		check6(&plain6, rows[i].type6, rows[i].code6, rest);
		assert_int_equal(sent[0].code, NEXTHOP_CONNECTED_BASE + LAN);
		assert_true(sent[0].is_ip6);
	}
	assert_int_equal(counted(COUNTER_ICMP_SENT), 2 * RTE_DIM(rows));
	assert_int_equal(counted(COUNTER_DROP_TTL), 2 * RTE_DIM(rows));
	assert_int_equal(counted(COUNTER_ICMP_LIMITED), 0);
}

static void beyond_scope_exists_in_ip6_only(void **state)
{
	provoke(&plain6, ICMP_ERROR_SCOPE, 0);
	check6(&plain6, 1, 2, 0);
	provoke(&plain4, ICMP_ERROR_SCOPE, 0);
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_TTL), 2);
}

static void the_quote_is_as_long_as_the_rfcs_allow_and_without_padding(void **state)
{
	static const uint16_t lengths[] = {0, 1, 8, 26, 527, 528, 529, 530, 1191, 1192, 1193, 1460};

	for (unsigned i = 0; i < RTE_DIM(lengths); i++) {
		for (unsigned padding = 0; padding <= 18; padding += 9) {
			struct offender o4 = plain4, o6 = plain6;

			o4.l4_bytes = o6.l4_bytes = lengths[i];
			o4.padding_bytes = o6.padding_bytes = (uint16_t)padding;
			provoke(&o4, ICMP_ERROR_TTL, 0);
			check4(&o4, 11, 0, 0);
			provoke(&o6, ICMP_ERROR_TTL, 0);
			check6(&o6, 3, 0, 0);
		}
	}
}

static void options_are_quoted_too(void **state)
{
	struct offender o = plain4;

	for (o.options_bytes = 0; o.options_bytes <= 40; o.options_bytes += 4) {
		provoke(&o, ICMP_ERROR_TTL, 0);
		check4(&o, 11, 0, 0);
	}
}

static void a_packet_in_several_buffers_is_quoted_right(void **state)
{
	struct offender o = plain4, o6 = plain6;

	o.l4_bytes = o6.l4_bytes = 1400;
	for (uint32_t segment = 1; segment < 300; segment += 37) {
		provoke_from(&o, LAN, ICMP_ERROR_TOO_BIG, 1400, L3_OFFSET + 20, segment);
		check4(&o, 3, 4, 1400);
		provoke_from(&o6, LAN, ICMP_ERROR_TOO_BIG, 1400, L3_OFFSET + 40 + 8, segment);
		check6(&o6, 2, 0, 1400);
	}
}

static void the_service_of_the_packet_is_kept_but_not_its_ecn(void **state)
{
	static const uint8_t tos[] = {0x00, 0x10, 0x1c, 0x1e, 0xb8, 0xff, 0x03};
	struct offender o = plain4;

	for (unsigned i = 0; i < RTE_DIM(tos); i++) {
		o.tos = tos[i];
		provoke(&o, ICMP_ERROR_TTL, 0);
		assert_int_equal(sent_ip(0)[1], 0xc0 | (tos[i] & 0x1c));
		check4(&o, 11, 0, 0);
	}
}

static void identifiers_differ(void **state)
{
	uint16_t first, second;

	provoke(&plain4, ICMP_ERROR_TTL, 0);
	memcpy(&first, sent_ip(0) + 4, 2);
	provoke(&plain4, ICMP_ERROR_TTL, 0);
	memcpy(&second, sent_ip(0) + 4, 2);
	assert_int_not_equal(first, second);
}

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

static void errors_fit_a_narrow_link(void **state)
{
	struct offender o = plain4;

	o.src = "198.18.0.9";
	o.l4_bytes = 1000;
	adjacencies[7].mtu = 300;
	provoke(&o, ICMP_ERROR_TTL, 0);
	assert_int_equal(sent_bytes(0), 300);
	assert_int_equal(ones_sum(sent_ip(0) + 20, 280, 0), 0xffff);
	adjacencies[7].mtu = 1500;
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

// Anything a sender can put behind sound IP headers.
static void noise_never_breaks_anything(void **state)
{
	static const uint8_t protocols6[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT,
		IPPROTO_AH, IPPROTO_DSTOPTS, IPPROTO_ICMPV6, IPPROTO_MH, IPPROTO_UDP};

	for (unsigned i = 0; i < 50000; i++) {
		struct offender o = i % 2 == 0 ? plain4 : plain6;

		o.protocol = i % 2 == 0 ? (uint8_t)(random32() % 3 == 0 ? IPPROTO_ICMP : random32())
					: protocols6[random32() % RTE_DIM(protocols6)];
		o.l4_bytes = (uint16_t)(random32() % 100);
		o.options_bytes = (uint8_t)(random32() % 11 * 4);
		o.fragment = random32() % 4 == 0 ? (uint16_t)random32() : 0;
		for (unsigned j = 0; j < sizeof(o.l4); j++)
			o.l4[j] = random32() % 2 == 0
					  ? (uint8_t)random32()
					  : protocols6[random32() % RTE_DIM(protocols6)];
		provoke_from(&o, LAN, (enum icmp_error_kind)(random32() % 6), (uint16_t)random32(),
			L3_OFFSET + 60 + random32() % 50, 20);
		assert_true(n_sent <= 1);
	}
	assert_true(counted(COUNTER_ICMP_SENT) > 1000);
	assert_int_equal(counted(COUNTER_DROP_TTL), 50000);
}

static void interface_make(unsigned i, const char *addr4, const char *addr6)
{
	struct interface *iface = &snapshot.interfaces[i];

	iface->is_used = iface->is_up = true;
	iface->mtu = 1500;
	if (addr4 != NULL) {
		iface->addresses[iface->n_addresses] = prefix(addr4);
		memcpy(&iface->primary4_be, iface->addresses[iface->n_addresses++].addr.v4, 4);
	}
	if (addr6 != NULL) {
		iface->addresses[iface->n_addresses] = prefix(addr6);
		memcpy(iface->primary6, iface->addresses[iface->n_addresses++].addr.v6, 16);
		iface->has_primary6 = true;
	}
}

static void route(const char *to, uint16_t code)
{
	struct ip_prefix p = prefix(to);

	if (fib_set(&fib, &p, code) != 0)
		abort();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_setup, worker_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_kind_says_what_the_rfcs_say),
		TEST(beyond_scope_exists_in_ip6_only),
		TEST(the_quote_is_as_long_as_the_rfcs_allow_and_without_padding),
		TEST(options_are_quoted_too),
		TEST(a_packet_in_several_buffers_is_quoted_right),
		TEST(the_service_of_the_packet_is_kept_but_not_its_ecn),
		TEST(identifiers_differ),
		TEST(what_must_not_be_answered_is_not),
		TEST(sources_are_taken_where_there_are_some),
		TEST(a_router_without_addresses_is_silent),
		TEST(errors_take_the_route_back),
		TEST(errors_fit_a_narrow_link),
		TEST(floods_are_limited_without_starving_path_mtu_discovery),
		TEST(an_empty_pool_is_survived),
		TEST(noise_never_breaks_anything),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	interface_make(LAN, "198.51.100.1/24", "2001:db8:1::1/64");
	interface_make(WAN, "203.0.113.1/30", "2001:db8:2::1/64");
	snapshot.interfaces[WAN].addresses[snapshot.interfaces[WAN].n_addresses++] =
		prefix("203.0.113.64/31");
	interface_make(BARE, NULL, NULL);
	interface_make(LINK_LOCAL_ONLY, NULL, "fe80::1/64");
	for (unsigned i = 7; i <= 8; i++)
		adjacencies[i].mtu = 1500;
	fib.groups[3] = (struct nexthop_group){.n = 2, .codes = {VIA_WAN, VIA_WAN + 1}};
	route("198.51.100.0/24", NEXTHOP_CONNECTED_BASE + LAN);
	route("198.51.100.1/32", NEXTHOP_LOCAL);
	route("198.51.100.255/32", NEXTHOP_LOCAL);
	route("203.0.113.128/25", NEXTHOP_BLACKHOLE);
	route("198.18.0.0/16", VIA_WAN);
	route("198.19.0.0/16", NEXTHOP_GROUP_BASE + 3);
	route("2001:db8:1::/64", NEXTHOP_CONNECTED_BASE + LAN);
	route("2001:db8:1::1/128", NEXTHOP_LOCAL);
	route("2001:db8:9::/48", VIA_WAN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
