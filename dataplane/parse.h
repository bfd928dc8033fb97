// SPDX-License-Identifier: BSD-3-Clause
// From frame to struct packet: every length and offset that anything downstream relies on is
// checked here, once (RFC 791, 8200, 9293, 768, 792, 4443). No length field is trusted beyond the
// bytes that are there, and what stands behind the packet, but for Ethernet's padding, is cut off.
// Any thread.
#pragma once

#include "dataplane/address_kind.h"
#include "dataplane/packet.h"

// Frames with this many bytes of IPv6 extension headers or more of them are refused: no host
// sends that, and walking them is work an attacker would give us for free (RFC 8504 5.3).
enum { IP6_EXTENSIONS_MAX = 8 };

enum { ETHERNET_PAYLOAD_MIN = 46 };

// Its source means something on its own link only.
static inline bool packet_source_is_link_local(const struct packet *p)
{
	return p->kind == PACKET_IP6 ? ip6_is_link_local(packet_ip6(p->m)->src_addr)
				     : ip4_is_link_local(packet_ip4(p->m)->src_addr);
}

static inline uint8_t packet_refuse(struct packet *p, enum counter reason)
{
	p->reason = (uint8_t)reason;
	p->kind = PACKET_DROP;
	return PACKET_DROP;
}

static inline uint8_t packet_to_host(struct packet *p, enum counter reason)
{
	p->reason = (uint8_t)reason;
	p->kind = PACKET_HOST;
	return PACKET_HOST;
}

// Headers with options, frames with a trailer, and those that fail a check: the same checks again,
// each by its name.
uint8_t packet_parse_ip4_slow(struct packet *p, uint32_t bytes);
uint8_t packet_parse_ip6_slow(struct packet *p, uint32_t bytes);

// Is what follows the Ethernet header another length than the packet and its padding? IEEE 802.3:
// the least is 46 bytes.
static inline bool packet_length_is_odd(uint32_t bytes, uint32_t total)
{
	return bytes - total > (bytes <= ETHERNET_PAYLOAD_MIN ? ETHERNET_PAYLOAD_MIN : 0u);
}

// RFC 1812 5.2.2: all four checks. `bytes` is what follows the Ethernet header.
static inline uint8_t packet_parse_ip4(struct packet *p, uint32_t bytes)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	uint64_t sum, word;
	uint32_t last, total;

	if (unlikely(bytes < sizeof(*ip) || ip->version_ihl != RTE_IPV4_VHL_DEF))
		return packet_parse_ip4_slow(p, bytes);
	// A ones' complement sum is a remainder modulo 0xffff, of words of any size: 2^64 leaves 1,
	// so the carry comes back in. A sound header leaves none, and with its 4 it is not all
	// zero.
	__builtin_memcpy(&sum, ip, sizeof(sum));
	__builtin_memcpy(&word, (const uint8_t *)ip + 8, sizeof(word));
	__builtin_memcpy(&last, (const uint8_t *)ip + 16, sizeof(last));
	sum += word;
	sum += sum < word;
	sum += last;
	sum += sum < last;
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(
		    total < sizeof(*ip) || packet_length_is_odd(bytes, total) || sum % 0xffff != 0))
		return packet_parse_ip4_slow(p, bytes);
	p->ip_len = (uint16_t)total;
	p->l4_offset = L3_OFFSET + sizeof(*ip);
	p->protocol = ip->next_proto_id;
	p->kind = PACKET_IP4;
	return PACKET_IP4;
}

static inline uint8_t packet_parse_ip6(struct packet *p, uint32_t bytes)
{
	const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	uint32_t total;

	if (unlikely(bytes < sizeof(*ip) ||
		     (ip->vtc_flow & rte_cpu_to_be_32(0xf0000000)) != rte_cpu_to_be_32(0x60000000)))
		return packet_parse_ip6_slow(p, bytes);
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (unlikely(packet_length_is_odd(bytes, total)))
		return packet_parse_ip6_slow(p, bytes);
	p->ip_len = (uint16_t)RTE_MIN(total, (uint32_t)UINT16_MAX);
	p->l4_offset = L3_OFFSET + sizeof(*ip);
	p->protocol = ip->proto;
	p->kind = PACKET_IP6;
	return PACKET_IP6;
}

// Neighbour discovery or multicast listeners' talk that came by a router: no node may heed it.
// Behind extension headers after packet_parse_ip6_chain.
bool packet_is_from_afar(const struct packet *p);

// The sum of all that its layer 4's checksum covers, ICMP's, TCP's or UDP's: 0xffff where that is
// right. Of a packet in one buffer.
uint16_t packet_l4_sum(const struct packet *p);

// The reason under which an IP packet for the host stack is counted and budgeted.
enum counter packet_host_reason(const struct packet *p, bool is_group);

// Frames that are not unicast IP to our MAC: to the host stack, or refused.
uint8_t packet_parse_other(struct packet *p, uint64_t own_mac_word);

// The parser: p->m and p->flags are set. `own_mac_word` is struct interface's. A chain of buffers
// must have all its headers in the first one: true of what reassembly makes, and ports deliver no
// chains (pipeline_rx).
static inline uint8_t packet_parse(struct packet *p, uint64_t own_mac_word)
{
	const struct rte_mbuf *m = p->m;
	const struct rte_ether_hdr *eth = packet_eth(p->m);
	uint64_t dst_word;

	if (unlikely(m->pkt_len < sizeof(*eth) + 2))
		return packet_refuse(p, COUNTER_DROP_SHORT_FRAME);
	__builtin_memcpy(&dst_word, eth, sizeof(dst_word));
	if (likely((dst_word << 16) == own_mac_word)) {
		if (likely(eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)))
			return packet_parse_ip4(p, m->pkt_len - sizeof(*eth));
		if (likely(eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6)))
			return packet_parse_ip6(p, m->pkt_len - sizeof(*eth));
	}
	return packet_parse_other(p, own_mac_word);
}

// The layer above, for packets whose flow matters: fills tcp_flags, flags and the flow key. A
// fragment gets no ports. False: refused, kind and reason say why.
bool packet_key4_slow(struct packet *p);

// Where the header of a TCP or UDP packet is sound, its ports as one word and what else is TCP's.
// Branches on nothing but soundness: TCP and UDP come in no order that a predictor could learn.
static inline bool packet_read_ports(
	struct packet *p, const uint8_t *l4, uint32_t bytes, uint32_t *ports)
{
	uint32_t is_tcp = p->protocol == IPPROTO_TCP;
	uint32_t least = sizeof(struct rte_udp_hdr) +
			 (sizeof(struct rte_tcp_hdr) - sizeof(struct rte_udp_hdr)) * is_tcp;
	// A header of TCP's size, where the packet is UDP the one before.
	const uint8_t *tcp = l4 - ((is_tcp - 1) & sizeof(struct rte_tcp_hdr));
	uint32_t tcp_bytes, udp_bytes, l4_bytes, seq_be;

	if (unlikely(bytes < least))
		return false;
	// Both answers and a mask.
	tcp_bytes = (uint32_t)(tcp[12] >> 4) * 4;
	udp_bytes = (uint32_t)l4[4] << 8 | l4[5];
	l4_bytes = udp_bytes ^ ((udp_bytes ^ tcp_bytes) & -is_tcp);
	if (unlikely(l4_bytes < least || l4_bytes > bytes))
		return false;
	__builtin_memcpy(ports, l4, sizeof(*ports));
	__builtin_memcpy(&seq_be, tcp + 4, sizeof(seq_be));
	p->tcp_flags = (uint8_t)(tcp[13] & -is_tcp);
	p->tcp_end = (rte_be_to_cpu_32(seq_be) + bytes - l4_bytes) & -is_tcp;
	p->tcp_window = tcp[14];
	return true;
}

static inline bool packet_key4(struct packet *p)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	uint32_t ports;
	uint64_t key[2];

	if (unlikely(!protocol_has_ports(p->protocol) ||
		     (ip->fragment_offset &
			     RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0 ||
		     !packet_read_ports(
			     p, packet_l4(p), p->ip_len - (p->l4_offset - L3_OFFSET), &ports)))
		return packet_key4_slow(p);
	// struct flow_key4 as two words: the hash reads it as such, and would wait for smaller
	// stores.
	__builtin_memcpy(&key[0], &ip->src_addr, 8); // and dst_addr
	key[1] = ports | (uint64_t)p->protocol << 32;
	__builtin_memcpy(&p->key4, key, sizeof(p->key4));
	return true;
}

// The same for IPv6, whose addresses stay where they are: tail6. Behind extension headers the slow
// way, which also refuses malformed chains.
bool packet_key6_slow(struct packet *p);

static inline bool packet_key6(struct packet *p)
{
	const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	uint32_t ports;

	if (unlikely(!protocol_has_ports(p->protocol) ||
		     !packet_read_ports(p, (const uint8_t *)(ip + 1),
			     p->ip_len - (uint32_t)sizeof(*ip), &ports)))
		return packet_key6_slow(p);
	p->tail6 = ports | (uint64_t)p->protocol << 32;
	return true;
}

// A chain of IPv6 extension headers.
struct ip6_chain {
	bool is_sound;		  // false: malformed or too long
	bool has_fragment_header; // of a piece or, alone, of a whole (RFC 6946)
	bool is_fragment;
	bool is_later_fragment;
	bool has_routing0;
	uint8_t protocol; // what stands behind it
	uint32_t n_bytes; // up to there
};
// `next` is the IPv6 header's, `start` and `bytes` what follows it. In a quote the end may be cut
// off.
struct ip6_chain ip6_chain_walk(uint8_t next, const uint8_t *start, uint32_t bytes, bool is_quote);

// Walks a chain of IPv6 extension headers to what it carries. False when it is malformed or too
// long; kind and reason then say so. Sets PACKET_IS_FRAGMENT, PACKET_IS_LATER_FRAGMENT and
// PACKET_IS_ATOMIC.
bool packet_parse_ip6_chain(struct packet *p);
// The same, and the header of what it carries: TCP, UDP and ICMPv6 as packet_key4 checks them. A
// first fragment must hold all its headers (RFC 7112 5); neighbour discovery must be neither in
// pieces (RFC 6980 5) nor from afar.
bool packet_parse_ip6_upper(struct packet *p);

// A DHCP or DHCPv6 server's answer to a client (RFC 2131 4.1, RFC 8415 7.2), whole and in one
// piece.
bool packet_is_dhcp_answer(const struct packet *p);

enum { ICMP4_SOURCE_QUENCH = 4, ICMP4_REDIRECT = 5 };

static inline bool icmp4_is_error(uint8_t type)
{
	return type == 3 || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT || type == 11 ||
	       type == 12;
}

// What path MTU discovery lives on: fragmentation needed, Packet Too Big.
static inline bool icmp_tells_mtu(bool is_ip6, uint8_t type, uint8_t code)
{
	return is_ip6 ? type == 2 : type == 3 && code == 4;
}

enum { ICMP6_ECHO_REQUEST = 128, ICMP6_ECHO_REPLY = 129 };

static inline bool icmp6_is_error(uint8_t type)
{
	return type < 128; // RFC 4443 2.1
}

// The kind of an ICMP query or answer with an identifier (RFC 792, 950, 4443 4.1); FLOW_KEY_PLAIN:
// it is none.
uint8_t icmp_query_kind(uint8_t type, bool is_ip6);

// Neighbour discovery and multicast listeners' reports (RFC 4861, 2710, 3810): what a link needs
// to be one, and no flow.
static inline bool icmp6_is_link_talk(uint8_t type)
{
	return (type >= 130 && type <= 137) || type == 143;
}

// After packet_key6.
static inline bool packet_is_link_talk(const struct packet *p)
{
	return p->kind == PACKET_IP6 && p->protocol == IPPROTO_ICMPV6 &&
	       !(p->flags & PACKET_IS_FRAGMENT) &&
	       icmp6_is_link_talk(*(const uint8_t *)packet_l4(p));
}

// What the kernel sends on a TAP. True: unicast IP, with its key. False: another frame, for all of
// a link or no IP, which needs no flow (PACKET_HOST), or a broken one (PACKET_DROP).
bool packet_parse_from_host(struct packet *p);

static inline bool packet_is_ip_for_host(const struct packet *p)
{
	return p->reason != COUNTER_PUNT_ARP && p->reason != COUNTER_PUNT_OTHER;
}

// The layers of IP that goes to the host stack by its kind alone (PACKET_HOST). False: malformed,
// kind and reason say how.
bool packet_parse_for_host(struct packet *p);
