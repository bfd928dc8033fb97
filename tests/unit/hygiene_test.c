// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/hygiene.h"

#include <stdio.h>

#include "dataplane/parse.h"
#include "tests/unit/worker_fixture.h"

// An uplink with addresses of the internet's (here AS112's, which is everybody's), one behind
// another NAT, one of a laboratory, the house, and an uplink in a provider's shared space, but with
// IPv6 of the internet's. The default route goes by the first.
enum { NET = 0, LTE = 1, LAB = 2, LAN = 3, CGN = 4 };

enum {
	VIA_NET = NEXTHOP_ADJACENCY_BASE + 10, // the default's gateway
	VIA_LTE,
	VIA_LAB,
	VIA_LAN,
	VIA_CGN,
	VIA_NET_TOO, // another router on the same segment
};

enum {
	ALL = DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_MSS | DP_HYGIENE_TCP_NEW |
	      DP_HYGIENE_OWN_SOURCE | DP_HYGIENE_MARTIAN | DP_HYGIENE_LAND |
	      DP_HYGIENE_BROADCAST_SOURCE | DP_HYGIENE_ROUTING_HEADER | DP_HYGIENE_PRIVATE_OUT |
	      DP_HYGIENE_RPF_STRICT,
	FIN = RTE_TCP_FIN_FLAG,
	SYN = RTE_TCP_SYN_FLAG,
	RST = RTE_TCP_RST_FLAG,
	PSH = RTE_TCP_PSH_FLAG,
	ACK = RTE_TCP_ACK_FLAG,
	URG = RTE_TCP_URG_FLAG,
	ECN = RTE_TCP_ECE_FLAG | RTE_TCP_CWR_FLAG,
	HEADERS_MAX = 32,
	OPTIONS_MAX = 40,
};

// A packet: what a row does not say is an ordinary datagram.
struct probe {
	const char *src, *dst;
	uint8_t protocol; // 0: UDP
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint8_t n_options; // TCP's, a multiple of four
	uint8_t options[OPTIONS_MAX];
	uint8_t n_headers; // IPv6's extension headers, a multiple of eight
	uint8_t first_header;
	uint8_t headers[HEADERS_MAX];
	uint16_t fragment; // IPv4
};

static const uint8_t own_mac[8] = {2, 0, 0, 0, 0, 1};

static void set_route(const char *to, uint16_t code)
{
	struct ip_prefix p = prefix(to);

	assert_int_equal(fib_set(&fib, &p, code), 0);
}

// With what the kernel adds: the subnet, the address, the broadcast address.
static void add_address(unsigned id, const char *text)
{
	struct interface *iface = &snapshot.interfaces[id];
	struct ip_prefix own = prefix(text), broadcast = own;

	iface->addresses[iface->n_addresses++] = own;
	set_route(text, (uint16_t)(NEXTHOP_CONNECTED_BASE + id));
	own.len = (uint8_t)ip_family_bits(own.addr.family);
	assert_int_equal(fib_set(&fib, &own, NEXTHOP_LOCAL), 0);
	if (own.addr.family == IP_V6)
		return;
	for (unsigned bit = broadcast.len; bit < 32; bit++)
		broadcast.addr.v4[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	broadcast.len = 32;
	assert_int_equal(fib_set(&fib, &broadcast, NEXTHOP_LOCAL), 0);
}

static int world_start(void **state)
{
	if (fixture_start() != 0)
		return -1;
	for (unsigned id = NET; id <= CGN; id++) {
		snapshot.interfaces[id].is_used = true;
		snapshot.interfaces[id].is_outside = id != LAN;
		adjacencies[VIA_NET - NEXTHOP_ADJACENCY_BASE + id].iface = (uint8_t)id;
	}
	adjacencies[VIA_NET_TOO - NEXTHOP_ADJACENCY_BASE].iface = NET;
	add_address(NET, "192.175.48.2/25");
	add_address(NET, "2620:4f:8000::2/64");
	add_address(LTE, "192.168.8.2/24");
	add_address(LTE, "fd00:2::2/64");
	add_address(LAB, "203.0.113.2/24");
	add_address(LAB, "2001:db8:1::2/64");
	add_address(CGN, "100.64.3.2/24");
	add_address(CGN, "2620:4f:8000:2::2/64");
	add_address(LAN, "10.1.0.1/24");
	add_address(LAN, "fd00:1::1/64");
	add_address(LAN, "2620:4f:8000:1::1/64");
	snapshot.interfaces[LAN].addresses[snapshot.interfaces[LAN].n_addresses++] =
		prefix("fe80::1/64"); // of which the workers have no route
	set_route("0.0.0.0/0", VIA_NET);
	set_route("::/0", VIA_NET);
	set_route("192.31.196.0/24", VIA_LTE);
	set_route("198.51.100.0/24", VIA_LAB);
	set_route("2001:db8:f::/48", VIA_LAB);
	set_route("10.50.0.0/16", VIA_LAN);
	set_route("10.99.0.0/16", VIA_NET_TOO);
	set_route("172.30.0.0/16", VIA_NET);
	set_route("192.168.100.0/24", NEXTHOP_CONNECTED_BASE + NET);
	set_route("fd00:99::/32", VIA_NET_TOO);
	set_route("172.17.0.0/16", NEXTHOP_LOCAL); // behind a device that is no port
	return 0;
}

static void fill_tcp(uint8_t *l4, const struct probe *probe)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;

	tcp->data_off = (uint8_t)((5 + probe->n_options / 4) << 4);
	tcp->tcp_flags = probe->tcp_flags;
	memcpy(tcp + 1, probe->options, probe->n_options);
}

// Through the parser, as conntrack has it when it asks.
static void build(struct packet *p, const struct probe *probe, uint8_t iface)
{
	uint8_t frame[256] = {0};
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)frame;
	struct ip_addr src = address(probe->src), dst = address(probe->dst);
	uint8_t protocol = probe->protocol != 0 ? probe->protocol : IPPROTO_UDP;
	uint16_t l4_bytes = protocol == IPPROTO_TCP ? (uint16_t)(20 + probe->n_options) : 16;
	uint16_t ports[2] = {rte_cpu_to_be_16(probe->sport), rte_cpu_to_be_16(probe->dport)};
	uint64_t own_mac_word;
	uint8_t *l4;

	memcpy(&own_mac_word, own_mac, sizeof(own_mac_word));
	memcpy(&eth->dst_addr, own_mac, RTE_ETHER_ADDR_LEN);
	eth->src_addr = (struct rte_ether_addr){{2, 9}};
	if (src.family == IP_V4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
		ip->version_ihl = RTE_IPV4_VHL_DEF;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_bytes));
		ip->fragment_offset = rte_cpu_to_be_16(probe->fragment);
		ip->time_to_live = 64;
		ip->next_proto_id = protocol;
		memcpy(&ip->src_addr, src.v4, 4);
		memcpy(&ip->dst_addr, dst.v4, 4);
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		l4 = (uint8_t *)(ip + 1);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + 1);

		eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
		ip->vtc_flow = RTE_BE32(6u << 28);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)(probe->n_headers + l4_bytes));
		ip->proto = probe->n_headers > 0 ? probe->first_header : protocol;
		ip->hop_limits = 64;
		memcpy(ip->src_addr, src.v6, 16);
		memcpy(ip->dst_addr, dst.v6, 16);
		memcpy(ip + 1, probe->headers, probe->n_headers);
		l4 = (uint8_t *)(ip + 1) + probe->n_headers;
	}
	memcpy(l4, ports, sizeof(ports));
	if (protocol == IPPROTO_TCP)
		fill_tcp(l4, probe);
	else if (protocol == IPPROTO_UDP)
		l4[5] = (uint8_t)l4_bytes;
	memset(p, 0, sizeof(*p));
	p->m = frame_new(frame, (uint32_t)(l4 + l4_bytes - frame), 2048, 2048);
	p->iface = iface;
	if (packet_parse(p, own_mac_word << 16) == PACKET_IP4)
		assert_true(packet_key4(p));
	else
		assert_true(p->kind == PACKET_IP6 && packet_parse_ip6_upper(p));
}

static enum counter check(const struct probe *probe, uint8_t iface, uint16_t checks)
{
	enum counter verdict;
	struct packet p;

	build(&p, probe, iface);
	snapshot.interfaces[iface].hygiene = checks;
	verdict = hygiene_check(&worker, &p);
	rte_pktmbuf_free(p.m);
	return verdict;
}

static void assert_verdict(
	const struct probe *probe, uint8_t iface, uint16_t checks, enum counter expected)
{
	enum counter verdict = check(probe, iface, checks);

	if (verdict != expected)
		fail_msg("%s > %s on %u under %03x: %u, not %u", probe->src, probe->dst, iface,
			checks, verdict, expected);
	assert_int_equal(check(probe, iface, 0), COUNTER_COUNT);
}

// --- TCP ---

static void each_of_the_64_sets_of_flags_is_judged(void **state)
{
	for (unsigned flags = 0; flags < 64; flags++) {
		enum counter expected = COUNTER_COUNT;

		if (flags == 0)
			expected = COUNTER_DROP_TCP_NO_FLAGS;
		else if (flags == 63 || flags == (FIN | PSH | URG))
			expected = COUNTER_DROP_TCP_ALL_FLAGS;
		else if ((flags & SYN) && (flags & FIN))
			expected = COUNTER_DROP_TCP_SYN_FIN;
		else if ((flags & SYN) && (flags & RST))
			expected = COUNTER_DROP_TCP_SYN_RST;
		assert_int_equal(hygiene_tcp_flags((uint8_t)flags), expected);
		assert_int_equal(hygiene_tcp_flags((uint8_t)(flags | ECN)), expected);
		assert_int_equal(
			hygiene_tcp_flags_are_odd((uint8_t)flags), expected != COUNTER_COUNT);
	}
}

static void a_first_packets_tcp_header_is_judged_in_both_families(void **state)
{
	static const struct {
		uint16_t checks;
		uint8_t flags;
		enum counter expected;
	} rows[] = {
		{DP_HYGIENE_TCP_FLAGS, SYN | FIN, COUNTER_DROP_TCP_SYN_FIN},
		{DP_HYGIENE_TCP_FLAGS, SYN | RST, COUNTER_DROP_TCP_SYN_RST},
		{DP_HYGIENE_TCP_FLAGS, 63, COUNTER_DROP_TCP_ALL_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, FIN | PSH | URG, COUNTER_DROP_TCP_ALL_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, 0, COUNTER_DROP_TCP_NO_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, SYN | ECN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_FLAGS, ACK, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN | ECN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN | ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, RST, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, FIN | ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_NEW, 0, COUNTER_DROP_TCP_NO_FLAGS},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = "192.31.196.7",
			.dst = "192.175.48.2",
			.protocol = IPPROTO_TCP,
			.tcp_flags = rows[i].flags};

		assert_verdict(&probe, LTE, rows[i].checks, rows[i].expected);
		probe.src = "2620:4f:8000:f::7";
		probe.dst = "2620:4f:8000:1::9";
		assert_verdict(&probe, NET, rows[i].checks, rows[i].expected);
	}
}

static void a_syns_options_are_read_to_the_end_of_its_header(void **state)
{
	static const struct {
		uint8_t n_options, options[OPTIONS_MAX];
		enum counter expected;
	} rows[] = {
		{0, {0}, COUNTER_COUNT},
		{4, {2, 4, 0x05, 0xb4}, COUNTER_COUNT},
		{4, {2, 4, 0x01, 0xf4}, COUNTER_COUNT}, // 500
		{4, {2, 4, 0x01, 0xf3}, COUNTER_DROP_TCP_MSS},
		{4, {2, 4, 0, 0}, COUNTER_DROP_TCP_MSS},
		{8, {1, 1, 1, 1, 2, 4, 0, 48}, COUNTER_DROP_TCP_MSS},
		{12, {3, 3, 7, 4, 2, 1, 1, 1, 2, 4, 1, 0}, COUNTER_DROP_TCP_MSS},
		{8, {2, 4, 0x05, 0xb4, 2, 4, 0, 1}, COUNTER_DROP_TCP_MSS}, // said again
		{8, {0, 0, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT},		   // behind the end
		{4, {2, 3, 0, 0}, COUNTER_COUNT},			   // no MSS of its length
		{8, {2, 6, 0, 0, 0, 0, 0, 0}, COUNTER_COUNT},
		{8, {8, 0, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT}, // no stepping over it
		{8, {8, 1, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT},
		{4, {1, 1, 1, 2}, COUNTER_DROP_TCP_OPTIONS}, // no room for its length
		{4, {1, 1, 2, 4}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 5, 0, 0}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 255, 0, 0}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 4, 0, 0}, COUNTER_COUNT},
		{40, {254, 40}, COUNTER_COUNT},
		{40, {254, 36, [36] = 2, 4, 0, 1}, COUNTER_DROP_TCP_MSS},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = "10.1.0.7",
			.dst = "192.31.196.7",
			.protocol = IPPROTO_TCP,
			.tcp_flags = SYN,
			.n_options = rows[i].n_options};

		memcpy(probe.options, rows[i].options, sizeof(probe.options));
		assert_verdict(&probe, LAN, DP_HYGIENE_TCP_MSS, rows[i].expected);
		probe.tcp_flags = ACK; // an MSS is a SYN's
		assert_verdict(&probe, LAN, DP_HYGIENE_TCP_MSS, COUNTER_COUNT);
	}
}

static void what_is_no_tcp_header_is_not_read_as_one(void **state)
{
	const struct probe fragment = {.src = "10.1.0.7",
		.dst = "192.31.196.7",
		.protocol = IPPROTO_TCP,
		.fragment = RTE_IPV4_HDR_MF_FLAG};
	const struct probe datagram = {.src = "10.1.0.7", .dst = "192.31.196.7"};

	assert_int_equal(check(&fragment, LAN, ALL), COUNTER_COUNT);
	assert_int_equal(check(&datagram, LAN, ALL), COUNTER_COUNT);
}

// --- addresses ---

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
#define TEST(f) cmocka_unit_test_setup_teardown(f, worker_setup, worker_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_of_the_64_sets_of_flags_is_judged),
		TEST(a_first_packets_tcp_header_is_judged_in_both_families),
		TEST(a_syns_options_are_read_to_the_end_of_its_header),
		TEST(what_is_no_tcp_header_is_not_read_as_one),
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
#undef TEST

	return cmocka_run_group_tests(tests, world_start, NULL);
}
