// SPDX-License-Identifier: BSD-3-Clause
// A router with four interfaces, and packets that it has to say an error about. Include it in one
// file of a test.
#pragma once

#include <netinet/in.h>

#include "dataplane/icmp.h"
#include "tests/unit/worker_fixture.h"

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

static inline uint32_t offender_bytes(const struct offender *o, uint8_t *frame)
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

static inline void provoke_from(const struct offender *o, uint8_t in_iface,
	enum icmp_error_kind kind, uint16_t mtu, uint32_t first, uint32_t segment)
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

static inline void provoke(const struct offender *o, enum icmp_error_kind kind, uint16_t mtu)
{
	provoke_from(o, LAN, kind, mtu, 2000, 2000);
}

static inline const uint8_t *sent_ip(unsigned i)
{
	assert_true(i < n_sent);
	assert_int_equal(sent[i].m->nb_segs, 1);
	return rte_pktmbuf_mtod_offset(sent[i].m, const uint8_t *, L3_OFFSET);
}

static inline uint32_t sent_bytes(unsigned i)
{
	return sent[i].m->pkt_len - L3_OFFSET;
}

static inline void interface_make(unsigned i, const char *addr4, const char *addr6)
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

static inline void route(const char *to, uint16_t code)
{
	struct ip_prefix p = prefix(to);

	if (fib_set(&fib, &p, code) != 0)
		abort();
}

static inline int world_start(void)
{
	if (fixture_start() != 0)
		return -1;
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
	return 0;
}
