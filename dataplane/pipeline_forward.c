// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/pipeline_forward.h"

#include "dataplane/dataplane_internal.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/host.h"
#include "dataplane/hygiene.h"
#include "dataplane/owner.h"

enum { IP4_OPTION_END = 0, IP4_OPTION_NOP = 1, IP4_OPTION_LSRR = 131, IP4_OPTION_SSRR = 137 };

uint32_t pipeline_path_hash(const struct packet *p)
{
	uint64_t a, b;

	if (p->kind == PACKET_IP6) {
		const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
		uint64_t words[4];

		// RFC 6438: the flow label stands for the ports
		memcpy(words, ip->src_addr, sizeof(words));
		a = words[0] ^ flow_mix(words[1], 0x9e3779b97f4a7c15u);
		b = words[2] ^ words[3] ^ (ip->vtc_flow & RTE_BE32(0xfffff));
	} else {
		const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
		uint32_t ports = 0;
		bool is_fragment = ip->fragment_offset &
				   RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);

		if (!is_fragment && (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) &&
			p->ip_len >= p->l4_offset - L3_OFFSET + sizeof(ports))
			memcpy(&ports, packet_l4(p), sizeof(ports));
		a = (uint64_t)ip->src_addr << 32 | ip->dst_addr;
		b = (uint64_t)ports << 8 | p->protocol;
	}
	return path_hash(a, b);
}

uint16_t pipeline_way(const struct worker *w, const struct packet *p)
{
	uint16_t code = p->kind == PACKET_IP6 ? fib_lookup6(w->fib, packet_ip6(p->m)->dst_addr)
					      : fib_lookup4(w->fib, packet_ip4(p->m)->dst_addr);

	return nexthop_resolve(w->fib, code, pipeline_path_hash(p));
}

static bool source_is_own6(const struct worker *w, const struct packet *p, const uint8_t src[16])
{
	struct ip_addr addr = {.family = IP_V6};

	if (!snapshot_source_is_odd6(w->snap, src))
		return false;
	memcpy(addr.v6, src, sizeof(addr.v6));
	return hygiene_is_own(&w->snap->interfaces[p->iface], &addr, p->way_back);
}

bool pipeline_source_is_bad(const struct worker *w, const struct packet *p)
{
	if (p->kind == PACKET_IP6) {
		const uint8_t *src = packet_ip6(p->m)->src_addr;

		return ip6_source_is_bad(src) || source_is_own6(w, p, src);
	} else {
		uint32_t src_be = packet_ip4(p->m)->src_addr;

		return ip4_source_is_bad(src_be) ||
		       (snapshot_source_is_odd4(w->snap, src_be) && p->way_back == NEXTHOP_LOCAL);
	}
}

// Larger than what may leave, and not to be cut here: pieces of IPv6, and those with DF, are as
// large as they came.
static bool is_too_big(const struct packet *p, uint16_t mtu)
{
	uint16_t largest = fragment_largest(p->m);

	return (largest != 0 ? largest : p->ip_len) > mtu &&
	       (p->kind == PACKET_IP6 ||
		       packet_ip4(p->m)->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG));
}

void pipeline_transmit(struct worker *w, struct packet *p, uint16_t adjacency)
{
	const struct adjacency *adj = &w->adjacencies[adjacency];

	if (p->kind == PACKET_IP6) {
		packet_ip6(p->m)->hop_limits--;
		if (fragment_largest(p->m) != 0) {
			fragment_send6(w, p->m, NEXTHOP_ADJACENCY_BASE + adjacency);
			return;
		}
	} else {
		ip4_decrement_ttl(packet_ip4(p->m));
		if (p->ip_len > adj->mtu || p->m->nb_segs > 1) {
			fragment_send4(w, p->m, NEXTHOP_ADJACENCY_BASE + adjacency, adj->mtu);
			return;
		}
	}
	adjacency_write_eth(adj, packet_eth(p->m));
	worker_send(w, adj->iface, p->m);
}

bool pipeline_options_are_bad(const struct packet *p)
{
	const uint8_t *option = (const uint8_t *)(packet_ip4(p->m) + 1);
	const uint8_t *end = packet_l4(p);

	while (option < end) {
		if (*option == IP4_OPTION_END)
			return false;
		if (*option == IP4_OPTION_NOP) {
			option++;
			continue;
		}
		if (*option == IP4_OPTION_LSRR || *option == IP4_OPTION_SSRR)
			return true;
		if (end - option < 2 || option[1] < 2 || option[1] > end - option)
			return true;
		option += option[1];
	}
	return false;
}

void pipeline_answer(struct worker *w, struct packet *p, enum icmp_error_kind kind, uint16_t mtu,
	enum counter reason)
{
	if (p->flags & PACKET_FROM_HOST)
		worker_drop(w, p->m, reason);
	else if (p->kind == PACKET_IP6)
		icmp_error6(w, (uint8_t)p->iface, p->m, kind, mtu, reason);
	else
		icmp_error4(w, (uint8_t)p->iface, p->m, kind, mtu, reason);
}

// A DHCP server may send to the address that it offers, which nobody has yet (RFC 2131 4.1): the
// client's packet socket is in the host stack.
bool pipeline_punt_offer(struct worker *w, struct packet *p)
{
	if (p->kind != PACKET_IP4 || (p->flags & PACKET_FROM_HOST) || !packet_is_dhcp_answer(p))
		return false;
	host_punt_as(w, (uint8_t)p->iface, p->m, PUNT_REASON_NEW);
	return true;
}

void pipeline_no_route(struct worker *w, struct packet *p, uint16_t code)
{
	if (pipeline_punt_offer(w, p))
		return;
	switch (code) {
	case NEXTHOP_BLACKHOLE:
		worker_drop(w, p->m, COUNTER_DROP_BLACKHOLE);
		return;
	case NEXTHOP_MULTICAST:
		worker_drop(w, p->m, COUNTER_DROP_MULTICAST);
		return;
	case NEXTHOP_UNREACHABLE:
		pipeline_answer(w, p, ICMP_ERROR_HOST, 0, COUNTER_DROP_UNREACHABLE);
		return;
	case NEXTHOP_PROHIBIT:
		pipeline_answer(w, p, ICMP_ERROR_PROHIBITED, 0, COUNTER_DROP_PROHIBIT);
		return;
	default:
		pipeline_answer(w, p, ICMP_ERROR_NO_ROUTE, 0, COUNTER_DROP_NO_ROUTE);
		return;
	}
}

// An ICMP error was translated with its quote already, and would not be known again: it waits as
// one that has only to be sent.
static void hold(struct worker *w, struct packet *p, uint8_t iface, const struct ip_addr *addr)
{
	enum hold_kind kind = p->flags & PACKET_FROM_HOST ? HOLD_FROM_HOST : HOLD_RECEIVED;

	if (p->flags & PACKET_IS_TRANSLATED) {
		kind = HOLD_FINISHED;
		if (p->kind == PACKET_IP6)
			packet_ip6(p->m)->hop_limits--;
		else
			ip4_decrement_ttl(packet_ip4(p->m));
	}
	hold_packet(w, p->m, iface, addr, (uint8_t)p->iface, kind);
}

uint16_t pipeline_neighbour(
	struct worker *w, struct packet *p, uint16_t code, const struct ip_addr *dst)
{
	uint16_t i = code - NEXTHOP_ADJACENCY_BASE;
	const struct adjacency *adj;

	if (packet_hops(p) <= 1) {
		pipeline_answer(w, p, ICMP_ERROR_TTL, 0, COUNTER_DROP_TTL);
		return ADJACENCY_NONE;
	}
	if (p->kind == PACKET_IP4 && pipeline_options_are_bad(p)) {
		worker_drop(w, p->m, COUNTER_DROP_IP4_OPTIONS);
		return ADJACENCY_NONE;
	}
	if (nexthop_is_connected(code)) {
		uint8_t iface = (uint8_t)(code - NEXTHOP_CONNECTED_BASE);

		i = adjacency_find(&w->dp->adjacencies, iface, dst);
		if (i == ADJACENCY_NONE) {
			hold(w, p, iface, dst);
			return ADJACENCY_NONE;
		}
	} else if (!nexthop_is_adjacency(code)) {
		pipeline_no_route(w, p, code);
		return ADJACENCY_NONE;
	}
	adj = &w->adjacencies[i];
	if (!worker_knows(w, adj)) {
		hold(w, p, adj->iface, &adj->addr);
		return ADJACENCY_NONE;
	}
	if (is_too_big(p, adj->mtu)) {
		pipeline_answer(w, p, ICMP_ERROR_TOO_BIG, adj->mtu, COUNTER_DROP_TOO_BIG);
		return ADJACENCY_NONE;
	}
	return i;
}

void pipeline_send_host(struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	struct rte_mbuf *pieces[FRAGMENT_PIECES_MAX];
	unsigned n = fragment_again(w, m, pieces);

	for (unsigned i = 0; i < n; i++)
		worker_send(w, iface, pieces[i]);
}

// Through the inbox, because the burst at hand still uses the scratch.
void pipeline_reinject(struct worker *w, uint8_t iface, struct rte_mbuf *m)
{
	owner_hand_over(w, w->index, m, INBOX_WHOLE, iface);
}
