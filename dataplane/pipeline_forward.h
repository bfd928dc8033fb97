// SPDX-License-Identifier: BSD-3-Clause
// The small steps that pipeline.c is made of: TTL, checksum by difference (RFC 1624), counters,
// and the ways out that several branches share. Worker threads.
#pragma once

#include "dataplane/address_kind.h"
#include "dataplane/checksum.h"
#include "dataplane/icmp.h"
#include "dataplane/parse.h"
#include "dataplane/worker.h"

// One less TTL is 0x0100 less in the word of TTL and protocol: ~m + m' is its complement.
#define TTL_DIFFERENCE ((uint16_t)~RTE_BE16(0x0100))

// RFC 1624 with less arithmetic: 0x0100 more, the carry back in, and never 0xffff.
static inline void ip4_decrement_ttl(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->time_to_live--;
	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
}

// Nothing about the packet alone keeps it from being forwarded at once: hops left, a source that
// may be forwarded, no options, one buffer.
static inline bool forward_is_plain(
	const struct snapshot *snap, const struct packet *p, const bool is_ip6)
{
	if (is_ip6) {
		const struct rte_ipv6_hdr *ip = packet_ip6(p->m);

		// 2000::/3 and fc00::/7 are all that is ever forwarded; the rest takes a closer
		// look
		return ip->hop_limits > 1 && !snapshot_source_is_odd6(snap, ip->src_addr) &&
		       ((ip->src_addr[0] & 0xe0) == 0x20 || (ip->src_addr[0] & 0xfe) == 0xfc);
	} else {
		const struct rte_ipv4_hdr *ip = packet_ip4(p->m);

		return ip->time_to_live > 1 && !snapshot_source_is_odd4(snap, ip->src_addr) &&
		       ip->version_ihl == RTE_IPV4_VHL_DEF && p->m->nb_segs == 1;
	}
}

// A counter of 32 bits has just passed its end.
static inline void flow_carry(struct flow_dir *dir, uint16_t ip_len)
{
	struct flow_state *state = &flow_of(dir)->state;
	unsigned d = dir->flags & FLOW_IS_REPLY ? 1 : 0;

	state->bytes_high[d] += dir->bytes < ip_len;
	state->packets_high[d] += dir->packets == 0;
}

static inline void flow_count(const struct worker *w, const struct packet *p, struct flow_dir *dir)
{
	dir->bytes += p->ip_len;
	dir->packets++;
	dir->last_seen_sec = w->now_sec;
	if (unlikely(dir->bytes < p->ip_len || dir->packets == 0))
		flow_carry(dir, p->ip_len);
}

// Ports or identifier, and the layer-4 checksum by `difference`, which holds the addresses as well
// (but for IPv4's ICMP, which knows none). TCP and UDP differ only in where the checksum stands, so
// no branch tells them apart. `kind`: enum flow_key_kind; `ports`: both, as they stand in the
// header.
static __rte_always_inline void rewrite_l4(
	const struct packet *p, uint8_t kind, uint32_t ports, uint16_t difference)
{
	uint8_t *l4 = packet_l4(p);

	if (likely(protocol_has_ports(p->protocol))) {
		uint16_t *checksum = (uint16_t *)(l4 + (p->protocol == IPPROTO_TCP ? 16 : 6));
		uint16_t old = *checksum;

		memcpy(l4, &ports, sizeof(ports));
		if (likely(old != 0 || p->protocol == IPPROTO_TCP)) {
			uint16_t sum = checksum_adjust(old, difference);

			// RFC 768: a UDP checksum of zero means none
			*checksum = unlikely(sum == 0) && p->protocol == IPPROTO_UDP ? 0xffff : sum;
		}
	} else if (kind != FLOW_KEY_PLAIN) {
		struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)l4;

		icmp->icmp_ident = (uint16_t)ports;
		icmp->icmp_cksum = checksum_adjust(icmp->icmp_cksum, difference);
		if (unlikely(icmp->icmp_cksum == 0)) // right of anything but a message of zeroes
			icmp->icmp_cksum = 0xffff;
	}
}

static inline void flow_rewrite_l4(const struct packet *p, const struct flow_dir *dir)
{
	uint16_t difference = dir->l4_diff;
	uint32_t ports;

	memcpy(&ports, &dir->new_sport_be, sizeof(ports)); // and new_dport_be
	if (unlikely(dir->key4.kind != FLOW_KEY_PLAIN))
		difference =
			checksum_fold(checksum_difference16(dir->key4.sport_be, dir->new_sport_be));
	rewrite_l4(p, dir->key4.kind, ports, difference);
}

// An established packet from end to end: addresses, ports, TTL and both checksums.
static inline void flow_rewrite4(struct packet *p, const struct flow_dir *dir)
{
	struct rte_ipv4_hdr *ip = packet_ip4(p->m);

	ip->time_to_live--;
	ip->hdr_checksum =
		checksum_adjust(ip->hdr_checksum, (uint32_t)dir->l3_diff + TTL_DIFFERENCE);
	memcpy(&ip->src_addr, &dir->new_src_be, 8); // and new_dst_be
	flow_rewrite_l4(p, dir);
}

static inline uint32_t path_hash(uint64_t addresses, uint64_t rest)
{
	return (uint32_t)flow_mix(addresses ^ 0x2545f4914f6cdd1du, rest ^ 0x9e3779b97f4a7c15u);
}

// Equal for all packets of a flow: picks the member of an ECMP group.
uint32_t pipeline_path_hash(const struct packet *p);
// Where the packet goes by the FIB alone.
uint16_t pipeline_way(const struct worker *w, const struct packet *p);
// A source that no host may have, or that is ours: not to be taken from a port. Its ways are found.
bool pipeline_source_is_bad(const struct worker *w, const struct packet *p);
// One hop less, then out to a resolved neighbour; IPv4 in pieces if it must be.
void pipeline_transmit(struct worker *w, struct packet *p, uint16_t adjacency);
// RFC 7126: source routes are dropped, as are options that run past their header.
bool pipeline_options_are_bad(const struct packet *p);
// Drops the packet as `reason` and tells its source why, if it may be told; the host stack's own
// packets are dropped without.
__rte_noinline void pipeline_answer(struct worker *w, struct packet *p, enum icmp_error_kind kind,
	uint16_t mtu, enum counter reason);
// What would end here, but comes from a DHCP server to a client that may have no address yet, goes
// to the host stack instead. False: it is something else, and still the caller's.
__rte_noinline bool pipeline_punt_offer(struct worker *w, struct packet *p);
// The end of a packet for which the FIB has no way on.
__rte_noinline void pipeline_no_route(struct worker *w, struct packet *p, uint16_t code);
// The neighbour that a packet leaves to by a nexthop code; `dst`: where it goes, for a link's own.
// ADJACENCY_NONE: it has gone. It waits, or is answered: no hops left, no way, too large.
uint16_t pipeline_neighbour(
	struct worker *w, struct packet *p, uint16_t code, const struct ip_addr *dst);
// What the kernel sent, by the interface and to the neighbour that it chose; in pieces if it came
// so.
void pipeline_send_host(struct worker *w, uint8_t iface, struct rte_mbuf *m);
// A packet put together from fragments, back through the pipeline at the end of the burst.
void pipeline_reinject(struct worker *w, uint8_t iface, struct rte_mbuf *m);
