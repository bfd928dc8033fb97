// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include "dataplane/address_kind.h"
#include "dataplane/hygiene.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline.h"

enum {
	ERROR4_BYTES_MAX = 576,	 // RFC 1812 4.3.2.3
	ERROR6_BYTES_MAX = 1280, // RFC 4443 2.4 (c): the minimum IPv6 MTU
	ERROR_HOP_LIMIT = 64,
	TOS_PRECEDENCE = 0xc0,	      // RFC 1812 4.3.2.5: 6, internetwork control
	TOS_SERVICE = 0x1c,	      // kept of what provoked the error, without the ECN bits
	ICMP4_TYPE_LAST = 18,	      // unassigned beyond: may be an error of a kind we do not know
	ICMP6_FIRST_QUERY = 128,      // RFC 4443 2.1: below are errors
	ICMP6_TYPE_REDIRECT = 137,    // RFC 4443 2.4 (e.2)
	GOLDEN_RATIO_32 = 0x9e3779b1, // spreads a hash over its high bits
};

// The eight bytes that every error begins with (RFC 792, RFC 4443 2.1).
struct icmp_error_hdr {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint32_t rest_be; // MTU, or zero
} __rte_packed;		  // a frame aligns its headers to two bytes

static_assert(sizeof(struct icmp_error_hdr) == 8, "as on the wire");

struct icmp_says {
	uint8_t type, code;
};

// RFC 792, RFC 1812 5.2.7.1 and 5.3.1, RFC 1191 4
static const struct icmp_says says4[] = {
	[ICMP_ERROR_TTL] = {11, 0},
	[ICMP_ERROR_NO_ROUTE] = {3, 0},
	[ICMP_ERROR_HOST] = {3, 1},
	[ICMP_ERROR_PORT] = {3, 3},
	[ICMP_ERROR_PROHIBITED] = {3, 13},
	[ICMP_ERROR_TOO_BIG] = {3, 4},
};

// RFC 4443 3.1 to 3.3
static const struct icmp_says says6[] = {
	[ICMP_ERROR_TTL] = {3, 0},
	[ICMP_ERROR_NO_ROUTE] = {1, 0},
	[ICMP_ERROR_HOST] = {1, 3},
	[ICMP_ERROR_PORT] = {1, 4},
	[ICMP_ERROR_PROHIBITED] = {1, 1},
	[ICMP_ERROR_TOO_BIG] = {2, 0},
	[ICMP_ERROR_SCOPE] = {1, 2},
};

static bool frame_is_unicast(struct rte_mbuf *m)
{
	return !rte_is_multicast_ether_addr(&packet_eth(m)->dst_addr);
}

// RFC 1122 3.2.2: "An ICMP error message MUST NOT be sent as the result of receiving" an ICMP
// error, a datagram to an IP broadcast or multicast address or sent as a link-layer broadcast, a
// non-initial fragment, or one "whose source address does not define a single host".
static bool may_answer4(const struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint32_t header_bytes = rte_ipv4_hdr_len(ip);
	uint8_t dst_first = (uint8_t)(rte_be_to_cpu_32(ip->dst_addr) >> 24);
	uint8_t buf;
	const uint8_t *type;

	if (!frame_is_unicast(m) || dst_first >= 224 || ip4_source_is_bad(ip->src_addr))
		return false;
	if ((ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	if (ip->next_proto_id == IPPROTO_ICMP) {
		if (rte_be_to_cpu_16(ip->total_length) <= header_bytes)
			return false;
		type = rte_pktmbuf_read(m, L3_OFFSET + header_bytes, sizeof(buf), &buf);
		if (type == NULL || icmp4_is_error(*type) || *type > ICMP4_TYPE_LAST)
			return false;
	}
	return !hygiene_is_broadcast4(w->snap, ip->dst_addr) &&
	       !hygiene_is_broadcast4(w->snap, ip->src_addr);
}

// RFC 4443 2.4 (e), without its two exceptions for multicast, which is not forwarded.
static bool may_answer6(struct rte_mbuf *m)
{
	static const uint8_t unspecified[16];
	const struct rte_ipv6_hdr *ip = packet_ip6(m);
	struct packet p = {.m = m};
	uint8_t type;

	if (m->data_len < L3_OFFSET + sizeof(*ip))
		return false;
	if (!frame_is_unicast(m) || ip->dst_addr[0] == 0xff || ip6_source_is_bad(ip->src_addr) ||
		memcmp(ip->src_addr, unspecified, sizeof(unspecified)) == 0)
		return false;
	if (packet_parse_ip6(&p, m->pkt_len - L3_OFFSET) != PACKET_IP6)
		return false;
	// a chain has all headers in its first buffer
	p.ip_len = RTE_MIN(p.ip_len, (uint16_t)(m->data_len - L3_OFFSET));
	if (!packet_parse_ip6_chain(&p) || (p.flags & PACKET_IS_LATER_FRAGMENT) != 0)
		return false;
	if (p.protocol != IPPROTO_ICMPV6)
		return true;
	if (p.l4_offset >= L3_OFFSET + p.ip_len)
		return false;
	type = *(const uint8_t *)packet_l4(&p);
	return type >= ICMP6_FIRST_QUERY && type != ICMP6_TYPE_REDIRECT;
}

static const struct interface *interface_at(const struct worker *w, uint8_t i)
{
	return i < DP_INTERFACES_MAX && w->snap->interfaces[i].is_used ? &w->snap->interfaces[i]
								       : NULL;
}

// RFC 1812 4.3.2.4: an address of the interface it came in by; where that has none, any of ours.
static uint32_t source4_be(const struct worker *w, uint8_t in_iface)
{
	const struct interface *iface = interface_at(w, in_iface);

	if (iface != NULL && iface->primary4_be != 0)
		return iface->primary4_be;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		iface = interface_at(w, (uint8_t)i);
		if (iface != NULL && iface->primary4_be != 0)
			return iface->primary4_be;
	}
	return 0;
}

// The same (RFC 4443 2.2), but that a link-local source serves a link-local destination only.
static const uint8_t *source6(const struct worker *w, uint8_t in_iface, const uint8_t to[16])
{
	const struct interface *iface = interface_at(w, in_iface);

	if (iface != NULL && iface->has_primary6 &&
		(!ip6_is_link_local(iface->primary6) || ip6_is_link_local(to)))
		return iface->primary6;
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		iface = interface_at(w, (uint8_t)i);
		if (iface != NULL && iface->has_primary6 && !ip6_is_link_local(iface->primary6))
			return iface->primary6;
	}
	return NULL;
}

// The MTU of the link that a code leads to; 0 when it leads to none. An error for an address of
// ours (which then is a forged source) ends here.
static uint16_t way_back_mtu(const struct worker *w, uint16_t code)
{
	if (nexthop_is_adjacency(code))
		return w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].mtu;
	if (nexthop_is_connected(code))
		return w->snap->interfaces[code - NEXTHOP_CONNECTED_BASE].mtu;
	return 0;
}

// One budget for what a sender needs to learn the path's MTU, another for the rest: a scan must
// not stall transfers. Nothing is taken yet.
static struct token_bucket *budget_of(struct worker *w, enum icmp_error_kind kind)
{
	return kind == ICMP_ERROR_TOO_BIG ? &w->icmp_mtu_budget : &w->icmp_budget;
}

// A frame of Ethernet (written by who sends it), an IP header of `ip_bytes`, the ICMP header
// and as much of the offending packet as `bytes_max` of IP packet hold. The IP header and the
// checksum are left to the caller. NULL when the pool is empty.
static struct rte_mbuf *error_new(struct worker *w, struct rte_mbuf *m, uint32_t packet_bytes,
	struct icmp_says says, uint16_t mtu, uint16_t ip_bytes, uint16_t bytes_max)
{
	struct rte_mbuf *error = rte_pktmbuf_alloc(w->pool);
	uint16_t before = (uint16_t)(ip_bytes + sizeof(struct icmp_error_hdr));
	uint32_t quote_bytes = RTE_MIN(packet_bytes, (uint32_t)(bytes_max - before));
	struct icmp_error_hdr *icmp;
	const void *quote;
	uint8_t *frame;

	if (error == NULL) {
		worker_count(w, COUNTER_DROP_NO_BUFFER);
		return NULL;
	}
	frame = (uint8_t *)rte_pktmbuf_append(error, (uint16_t)(L3_OFFSET + before + quote_bytes));
	quote = frame != NULL
			? rte_pktmbuf_read(m, L3_OFFSET, quote_bytes, frame + L3_OFFSET + before)
			: NULL;
	if (quote == NULL) { // buffers or a packet smaller than they say
		worker_count(w, COUNTER_ICMP_FAILED);
		rte_pktmbuf_free(error);
		return NULL;
	}
	if (quote != frame + L3_OFFSET + before)
		memcpy(frame + L3_OFFSET + before, quote, quote_bytes);
	memset(frame, 0, L3_OFFSET + before);
	icmp = (struct icmp_error_hdr *)(frame + L3_OFFSET + ip_bytes);
	icmp->type = says.type;
	icmp->code = says.code;
	icmp->rest_be = rte_cpu_to_be_32(mtu);
	return error;
}

static uint16_t checksum(uint16_t sum)
{
	return (uint16_t)~sum;
}

static void answer4(struct worker *w, uint8_t in_iface, struct rte_mbuf *m,
	enum icmp_error_kind kind, uint16_t mtu)
{
	const struct rte_ipv4_hdr *offender = packet_ip4(m);
	uint32_t to_be = offender->src_addr;
	uint32_t from_be = source4_be(w, in_iface);
	uint16_t code =
		nexthop_resolve(w->fib, fib_lookup4(w->fib, to_be), to_be * GOLDEN_RATIO_32);
	uint16_t bytes_max = RTE_MIN(way_back_mtu(w, code), (uint16_t)ERROR4_BYTES_MAX);
	struct icmp_error_hdr *icmp;
	struct rte_ipv4_hdr *ip;
	struct rte_mbuf *error;
	uint16_t bytes;

	if (from_be == 0 || bytes_max < sizeof(*ip) + sizeof(*icmp) + sizeof(*offender))
		return;
	if (!token_take(budget_of(w, kind))) {
		worker_count(w, COUNTER_ICMP_LIMITED);
		return;
	}
	error = error_new(w, m, rte_be_to_cpu_16(offender->total_length), says4[kind],
		kind == ICMP_ERROR_TOO_BIG ? mtu : 0, sizeof(*ip), bytes_max);
	if (error == NULL)
		return;
	ip = packet_ip4(error);
	icmp = (struct icmp_error_hdr *)(ip + 1);
	bytes = (uint16_t)(error->pkt_len - L3_OFFSET);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = TOS_PRECEDENCE | (offender->type_of_service & TOS_SERVICE);
	ip->total_length = rte_cpu_to_be_16(bytes);
	ip->packet_id =
		(uint16_t)worker_random(w); // DF stays clear: RFC 1191 2 has nothing to find
	ip->time_to_live = ERROR_HOP_LIMIT;
	ip->next_proto_id = IPPROTO_ICMP;
	ip->src_addr = from_be;
	ip->dst_addr = to_be;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	icmp->checksum = checksum(rte_raw_cksum(icmp, bytes - sizeof(*ip)));
	worker_count(w, COUNTER_ICMP_SENT);
	pipeline_send4(w, error, code);
}

// Where an error for this IPv6 address goes. Link-local addresses are on the link they came from
// and in no routing table.
static uint16_t way_back6(const struct worker *w, uint8_t in_iface, const uint8_t to[16])
{
	uint32_t words[4];

	if (ip6_is_link_local(to))
		return interface_at(w, in_iface) != NULL
			       ? (uint16_t)(NEXTHOP_CONNECTED_BASE + in_iface)
			       : NEXTHOP_NONE;
	memcpy(words, to, sizeof(words));
	return nexthop_resolve(w->fib, fib_lookup6(w->fib, to),
		(words[0] ^ words[1] ^ words[2] ^ words[3]) * GOLDEN_RATIO_32);
}

static void answer6(struct worker *w, uint8_t in_iface, struct rte_mbuf *m,
	enum icmp_error_kind kind, uint16_t mtu)
{
	const struct rte_ipv6_hdr *offender = packet_ip6(m);
	const uint8_t *from = source6(w, in_iface, offender->src_addr);
	uint16_t code = way_back6(w, in_iface, offender->src_addr);
	uint16_t bytes_max = RTE_MIN(way_back_mtu(w, code), (uint16_t)ERROR6_BYTES_MAX);
	struct icmp_error_hdr *icmp;
	struct rte_ipv6_hdr *ip;
	struct rte_mbuf *error;

	if (from == NULL || bytes_max < sizeof(*ip) + sizeof(*icmp) + sizeof(*offender))
		return;
	if (!token_take(budget_of(w, kind))) {
		worker_count(w, COUNTER_ICMP_LIMITED);
		return;
	}
	error = error_new(w, m, sizeof(*offender) + rte_be_to_cpu_16(offender->payload_len),
		says6[kind], kind == ICMP_ERROR_TOO_BIG ? mtu : 0, sizeof(*ip), bytes_max);
	if (error == NULL)
		return;
	ip = packet_ip6(error);
	icmp = (struct icmp_error_hdr *)(ip + 1);
	ip->vtc_flow = rte_cpu_to_be_32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(error->pkt_len - L3_OFFSET - sizeof(*ip)));
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = ERROR_HOP_LIMIT;
	memcpy(ip->src_addr, from, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, offender->src_addr, sizeof(ip->dst_addr));
	icmp->checksum = rte_ipv6_udptcp_cksum(ip, icmp); // RFC 4443 2.3: the same sum
	worker_count(w, COUNTER_ICMP_SENT);
	pipeline_send6(w, error, code);
}

void icmp_error4(struct worker *w, uint8_t in_iface, struct rte_mbuf *m, enum icmp_error_kind kind,
	uint16_t mtu, enum counter reason)
{
	if (kind != ICMP_ERROR_SCOPE && may_answer4(w, m))
		answer4(w, in_iface, m, kind, mtu);
	worker_drop(w, m, reason);
}

void icmp_error6(struct worker *w, uint8_t in_iface, struct rte_mbuf *m, enum icmp_error_kind kind,
	uint16_t mtu, enum counter reason)
{
	if (may_answer6(m))
		answer6(w, in_iface, m, kind, mtu);
	worker_drop(w, m, reason);
}
