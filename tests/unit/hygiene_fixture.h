// SPDX-License-Identifier: BSD-3-Clause
// A router of five networks, and packets as conntrack has them when it asks whether they may begin
// a flow. Include it in one file of a test.
#pragma once

#include <stdio.h>

#include "dataplane/hygiene.h"
#include "dataplane/parse.h"
#include "dataplane/ways.h"
#include "tests/unit/tcp_flags.h"
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

static inline void set_route(const char *to, uint16_t code)
{
	struct ip_prefix p = prefix(to);

	assert_int_equal(fib_set(&fib, &p, code), 0);
}

// With what the kernel adds: the subnet, the address, the broadcast address.
static inline void add_address(unsigned id, const char *text)
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

static inline int world_start(void **state)
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
	for (unsigned id = NET; id <= CGN; id++)
		hygiene_derive(&snapshot.interfaces[id]);
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

static inline void fill_tcp(uint8_t *l4, const struct probe *probe)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;

	tcp->data_off = (uint8_t)((5 + probe->n_options / 4) << 4);
	tcp->tcp_flags = probe->tcp_flags;
	memcpy(tcp + 1, probe->options, probe->n_options);
}

// Through the parser, as conntrack has it when it asks.
static inline void build(struct packet *p, const struct probe *probe, uint8_t iface)
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
	ways_find_one(&worker, p);
}

static inline enum counter check(const struct probe *probe, uint8_t iface, uint16_t checks)
{
	enum counter verdict;
	struct packet p;

	build(&p, probe, iface);
	snapshot.interfaces[iface].hygiene = checks;
	verdict = hygiene_check(&worker, &p);
	rte_pktmbuf_free(p.m);
	return verdict;
}

static inline void assert_verdict(
	const struct probe *probe, uint8_t iface, uint16_t checks, enum counter expected)
{
	enum counter verdict = check(probe, iface, checks);

	if (verdict != expected)
		fail_msg("%s > %s on %u under %03x: %u, not %u", probe->src, probe->dst, iface,
			checks, verdict, expected);
	assert_int_equal(check(probe, iface, 0), COUNTER_COUNT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, worker_setup, worker_teardown)
