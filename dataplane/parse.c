// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse.h"

#include <netinet/in.h>

#include "dataplane/checksum.h"
#include "dataplane/vlan.h"

enum {
	ICMP6_ND_FIRST = 133, // router solicitation ...
	ICMP6_REDIRECT = 137,
	ICMP6_ND_LAST = ICMP6_REDIRECT, // RFC 4861 4
	ICMP6_CERTIFICATION_PATH = 148, // solicitation (RFC 3971 6.4.1)
	IP6_FRAGMENT_OFFSET = 0xfff8,
	IP6_FRAGMENT_MORE = 1,
	IP6_ROUTING_SOURCE = 0, // type 0 (RFC 5095)
};

enum {
	DHCP_SERVER_PORT = 67,
	DHCP_CLIENT_PORT = 68,
	DHCP6_SERVER_PORT = 547,
	DHCP6_CLIENT_PORT = 546,
};

// False when what is to be cut off is more than the last buffer of a chain.
static bool cut_trailer(struct packet *p, uint32_t bytes, uint32_t total)
{
	return !packet_length_is_odd(bytes, total) ||
	       rte_pktmbuf_trim(p->m, (uint16_t)(bytes - total)) == 0;
}

uint8_t packet_parse_ip4_slow(struct packet *p, uint32_t bytes)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	uint32_t header_bytes, total;
	uint32_t words[5];
	uint64_t sum;

	if (unlikely(bytes < sizeof(*ip)))
		return packet_refuse(p, COUNTER_DROP_IP4_SHORT);
	if (unlikely(ip->version_ihl >> 4 != 4))
		return packet_refuse(p, COUNTER_DROP_IP4_VERSION);
	header_bytes = (uint32_t)(ip->version_ihl & 15) * 4;
	if (unlikely(header_bytes < sizeof(*ip) || header_bytes > bytes))
		return packet_refuse(p, COUNTER_DROP_IP4_HEADER_LEN);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total < header_bytes || total > bytes))
		return packet_refuse(p, COUNTER_DROP_IP4_LENGTH);

	__builtin_memcpy(words, ip, sizeof(words));
	sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
	for (uint32_t at = sizeof(words); unlikely(at < header_bytes); at += 4) {
		uint32_t word;

		__builtin_memcpy(&word, (const uint8_t *)ip + at, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16); // at most 0x10000, which is not sound either
	if (unlikely(sum != 0xffff))
		return packet_refuse(p, COUNTER_DROP_IP4_CHECKSUM);
	if (!cut_trailer(p, bytes, total))
		return packet_refuse(p, COUNTER_DROP_IP4_LENGTH);

	p->ip_len = (uint16_t)total;
	p->l4_offset = (uint16_t)(L3_OFFSET + header_bytes);
	p->protocol = ip->next_proto_id;
	p->kind = PACKET_IP4;
	return PACKET_IP4;
}

uint8_t packet_parse_ip6_slow(struct packet *p, uint32_t bytes)
{
	const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	uint32_t total;

	if (bytes < sizeof(*ip))
		return packet_refuse(p, COUNTER_DROP_IP6_SHORT);
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6)
		return packet_refuse(p, COUNTER_DROP_IP6_VERSION);
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (total > bytes || !cut_trailer(p, bytes, total))
		return packet_refuse(p, COUNTER_DROP_IP6_LENGTH);
	return packet_parse_ip6(p, total);
}

// RFC 6980 5: what "MUST be silently ignored" behind a fragment header.
static bool icmp6_is_discovery(uint8_t type)
{
	return (type >= ICMP6_ND_FIRST && type <= ICMP6_ND_LAST) ||
	       type == ICMP6_CERTIFICATION_PATH;
}

// RFC 4861 6.1, 7.1, 8.1: a node "MUST silently discard" what does not have "a value of 255, i.e.,
// the packet could not possibly have been forwarded by a router". Of multicast listeners' talk the
// hop limit is 1 (RFC 2710 3, 3810 5).
static bool icmp6_is_from_afar(uint8_t type, uint8_t hops)
{
	if (type >= ICMP6_ND_FIRST && type <= ICMP6_ND_LAST)
		return hops != 255;
	return icmp6_is_link_talk(type) && hops != 1;
}

bool packet_is_from_afar(const struct packet *p)
{
	return p->kind == PACKET_IP6 && p->protocol == IPPROTO_ICMPV6 &&
	       p->m->pkt_len > p->l4_offset &&
	       icmp6_is_from_afar(*(const uint8_t *)packet_l4(p), packet_hops(p));
}

enum counter packet_host_reason(const struct packet *p, bool is_group)
{
	if (p->kind == PACKET_IP6 && p->protocol == IPPROTO_ICMPV6 &&
		p->m->pkt_len > p->l4_offset) {
		uint8_t type = *(const uint8_t *)packet_l4(p);

		if (type >= ICMP6_ND_FIRST && type <= ICMP6_ND_LAST)
			return COUNTER_PUNT_ND;
	}
	return is_group ? COUNTER_PUNT_MULTICAST : COUNTER_PUNT_LOCAL;
}

// The kernel gets only what is sound: it would refuse the rest itself, but nobody would see why.
static uint8_t packet_parse_group(struct packet *p)
{
	struct rte_ether_hdr *eth = packet_eth(p->m);
	uint32_t bytes = p->m->pkt_len - sizeof(*eth);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		if (packet_parse_ip4(p, bytes) == PACKET_DROP)
			return PACKET_DROP;
	} else if (packet_parse_ip6(p, bytes) == PACKET_DROP) {
		return PACKET_DROP;
	}
	if (packet_is_from_afar(p))
		return packet_refuse(p, COUNTER_DROP_ND_HOP_LIMIT);
	return packet_to_host(p, packet_host_reason(p, true));
}

// On a port of interfaces without a tag; what vlan.c has let pass has no tag any more, but for a
// second one. A card may not have seen the ports behind it: whose the packet is is asked again.
static uint8_t packet_parse_tagged(struct packet *p, uint64_t own_mac_word)
{
	if (vlan_was_tagged(p->m))
		return packet_refuse(p, COUNTER_DROP_VLAN_NESTED);
	if (!vlan_has_room(p->m))
		return packet_refuse(p, COUNTER_DROP_SHORT_FRAME);
	if ((vlan_control(p->m) & VLAN_ID_MASK) != 0)
		return packet_refuse(p, COUNTER_DROP_VLAN_UNKNOWN);
	vlan_take_off(p->m);
	p->flags &= (uint16_t)~PACKET_IS_STEERED;
	return packet_parse(p, own_mac_word);
}

uint8_t packet_parse_other(struct packet *p, uint64_t own_mac_word)
{
	const struct rte_ether_hdr *eth = packet_eth(p->m);
	uint64_t dst_word;
	bool is_group = rte_is_multicast_ether_addr(&eth->dst_addr);

	__builtin_memcpy(&dst_word, eth, sizeof(dst_word));
	if (!is_group && (dst_word << 16) != own_mac_word)
		return packet_refuse(p, COUNTER_DROP_NOT_FOR_US);
	if (rte_is_multicast_ether_addr(&eth->src_addr) || rte_is_zero_ether_addr(&eth->src_addr))
		return packet_refuse(p, COUNTER_DROP_SOURCE_MAC);
	switch (rte_be_to_cpu_16(eth->ether_type)) {
	case RTE_ETHER_TYPE_IPV4:
	case RTE_ETHER_TYPE_IPV6:
		return packet_parse_group(p);
	case RTE_ETHER_TYPE_ARP:
		return packet_to_host(p, COUNTER_PUNT_ARP);
	case RTE_ETHER_TYPE_VLAN:
		return packet_parse_tagged(p, own_mac_word);
	case RTE_ETHER_TYPE_QINQ:
		return packet_refuse(p, COUNTER_DROP_VLAN_NESTED);
	default:
		return packet_to_host(p, COUNTER_PUNT_OTHER);
	}
}

uint8_t icmp_query_kind(uint8_t type, bool is_ip6)
{
	static const uint8_t kinds4[] = {
		[8] = FLOW_KEY_QUERY, // echo
		[0] = FLOW_KEY_ANSWER,
		[13] = FLOW_KEY_QUERY + 2, // timestamp
		[14] = FLOW_KEY_ANSWER + 2,
		[15] = FLOW_KEY_QUERY + 4, // information
		[16] = FLOW_KEY_ANSWER + 4,
		[17] = FLOW_KEY_QUERY + 6, // address mask
		[18] = FLOW_KEY_ANSWER + 6,
	};

	if (!is_ip6)
		return type < RTE_DIM(kinds4) ? kinds4[type] : FLOW_KEY_PLAIN;
	if (type == ICMP6_ECHO_REQUEST)
		return FLOW_KEY_QUERY;
	return type == ICMP6_ECHO_REPLY ? FLOW_KEY_ANSWER : FLOW_KEY_PLAIN;
}

// What stands for the ports in a key: the identifier, or type and code, so that one type that is
// let in lets in no other.
static uint16_t icmp_key_port(const uint8_t *l4, uint8_t kind)
{
	uint16_t port_be;

	memcpy(&port_be, kind != FLOW_KEY_PLAIN ? l4 + 4 : l4, sizeof(port_be));
	return port_be;
}

static bool icmp4_key(struct packet *p, uint32_t bytes)
{
	const struct rte_icmp_hdr *icmp = packet_l4(p);

	if (bytes < sizeof(*icmp)) {
		packet_refuse(p, COUNTER_DROP_ICMP_HEADER);
		return false;
	}
	if (icmp4_is_error(icmp->icmp_type))
		p->flags |= PACKET_IS_ICMP_ERROR;
	p->key4.kind = icmp_query_kind(icmp->icmp_type, false);
	p->key4.sport_be = p->key4.dport_be = icmp_key_port(packet_l4(p), p->key4.kind);
	return true;
}

bool packet_key4_slow(struct packet *p)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	uint32_t bytes = p->ip_len - (p->l4_offset - L3_OFFSET);
	uint16_t fragment = rte_be_to_cpu_16(ip->fragment_offset);

	p->tcp_flags = 0;
	p->tcp_end = 0;
	p->key4 = (struct flow_key4){
		.src_be = ip->src_addr, .dst_be = ip->dst_addr, .protocol = p->protocol};
	if (fragment & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) {
		p->flags |= PACKET_IS_FRAGMENT;
		if (fragment & RTE_IPV4_HDR_OFFSET_MASK)
			p->flags |= PACKET_IS_LATER_FRAGMENT;
		return true;
	}
	switch (p->protocol) {
	case IPPROTO_TCP:
		packet_refuse(
			p, COUNTER_DROP_TCP_HEADER); // shorter than 20 bytes, or it had passed
		return false;
	case IPPROTO_UDP:
		packet_refuse(p, COUNTER_DROP_UDP_HEADER);
		return false;
	case IPPROTO_ICMP:
		return icmp4_key(p, bytes);
	default:
		return true;
	}
}

// RFC 8200 4.5: all pieces but the last are multiples of eight bytes, and none ends past 65535.
static bool ip6_fragment_fits(const uint8_t *header, uint32_t payload_bytes)
{
	uint32_t offset = (uint32_t)(header[2] << 8 | header[3]) & IP6_FRAGMENT_OFFSET;
	bool has_more = header[3] & IP6_FRAGMENT_MORE;

	return (!has_more || payload_bytes % 8 == 0) && offset + payload_bytes <= UINT16_MAX;
}

struct ip6_chain ip6_chain_walk(uint8_t next, const uint8_t *start, uint32_t bytes, bool is_quote)
{
	struct ip6_chain chain = {.protocol = next};
	uint32_t at = 0;
	uint16_t field;

	for (unsigned i = 0; i <= IP6_EXTENSIONS_MAX; i++) {
		const uint8_t *header = start + at;

		chain.protocol = next;
		chain.n_bytes = at;
		switch (next) {
		case IPPROTO_HOPOPTS: // right behind the IPv6 header only (RFC 8200 4.1)
			if (i > 0 || bytes - at < 8)
				return chain;
			at += ((uint32_t)header[1] + 1) * 8;
			break;
		case IPPROTO_ROUTING:
			if (bytes - at < 8)
				return chain;
			chain.has_routing0 |= header[2] == IP6_ROUTING_SOURCE;
			at += ((uint32_t)header[1] + 1) * 8;
			break;
		case IPPROTO_DSTOPTS:
		case IPPROTO_MH:
			if (bytes - at < 8)
				return chain;
			at += ((uint32_t)header[1] + 1) * 8;
			break;
		case IPPROTO_AH: // length in words of four, less two (RFC 4302 2.2)
			if (bytes - at < 8)
				return chain;
			at += ((uint32_t)header[1] + 2) * 4;
			break;
		case IPPROTO_FRAGMENT:
			if (chain.has_fragment_header || bytes - at < 8 ||
				(!is_quote && !ip6_fragment_fits(header, bytes - at - 8)))
				return chain;
			chain.has_fragment_header = true; // RFC 8200 4.1: once at most
			field = (uint16_t)(header[2] << 8 | header[3]);
			chain.is_fragment =
				(field & (IP6_FRAGMENT_OFFSET | IP6_FRAGMENT_MORE)) != 0;
			if ((field & IP6_FRAGMENT_OFFSET) != 0) {
				chain.is_later_fragment = true;
				chain.protocol = header[0];
				chain.n_bytes = at + 8;
				chain.is_sound = true; // what follows is the middle of something
				return chain;
			}
			at += 8;
			break;
		default:
			chain.is_sound = true;
			return chain;
		}
		if (at > bytes)
			return chain;
		next = header[0];
	}
	return chain;
}

bool packet_parse_ip6_chain(struct packet *p)
{
	const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	struct ip6_chain chain = ip6_chain_walk(
		ip->proto, (const uint8_t *)(ip + 1), p->ip_len - (uint32_t)sizeof(*ip), false);

	p->protocol = chain.protocol;
	p->l4_offset = (uint16_t)(L3_OFFSET + sizeof(*ip) + chain.n_bytes);
	if (chain.is_fragment)
		p->flags |= PACKET_IS_FRAGMENT;
	else if (chain.has_fragment_header)
		p->flags |= PACKET_IS_ATOMIC;
	if (chain.is_later_fragment)
		p->flags |= PACKET_IS_LATER_FRAGMENT;
	if (chain.has_routing0)
		p->flags |= PACKET_HAS_ROUTING0;
	if (!chain.is_sound)
		packet_refuse(p, COUNTER_DROP_IP6_EXTENSION);
	return chain.is_sound;
}

bool packet_parse_ip6_upper(struct packet *p)
{
	const uint8_t *l4;
	uint32_t bytes, l4_bytes;

	if (!packet_parse_ip6_chain(p))
		return false;
	if (p->flags & PACKET_IS_LATER_FRAGMENT)
		return true;
	l4 = packet_l4(p);
	// what was in pieces may be longer than ip_len can tell
	bytes = L3_OFFSET + (uint32_t)sizeof(struct rte_ipv6_hdr) +
		rte_be_to_cpu_16(packet_ip6(p->m)->payload_len) - p->l4_offset;
	switch (p->protocol) {
	case IPPROTO_TCP:
		l4_bytes = bytes >= sizeof(struct rte_tcp_hdr) ? (uint32_t)(l4[12] >> 4) * 4 : 0;
		if (l4_bytes >= sizeof(struct rte_tcp_hdr) && l4_bytes <= bytes)
			return true;
		packet_refuse(p, COUNTER_DROP_TCP_HEADER);
		return false;
	case IPPROTO_UDP:
		l4_bytes = bytes >= sizeof(struct rte_udp_hdr) ? (uint32_t)(l4[4] << 8 | l4[5]) : 0;
		if (l4_bytes >= sizeof(struct rte_udp_hdr) &&
			(l4_bytes <= bytes || (p->flags & PACKET_IS_FRAGMENT)))
			return true;
		packet_refuse(p, COUNTER_DROP_UDP_HEADER);
		return false;
	case IPPROTO_ICMPV6:
		if (bytes < sizeof(struct rte_icmp_hdr)) {
			packet_refuse(p, COUNTER_DROP_ICMP_HEADER);
			return false;
		}
		if ((p->flags & (PACKET_IS_FRAGMENT | PACKET_IS_ATOMIC)) &&
			icmp6_is_discovery(l4[0])) {
			packet_refuse(p, COUNTER_DROP_ND_FRAGMENT);
			return false;
		}
		if (icmp6_is_from_afar(l4[0], packet_ip6(p->m)->hop_limits)) {
			packet_refuse(p, COUNTER_DROP_ND_HOP_LIMIT);
			return false;
		}
		// RFC 4861 8.1: the source is the router's link-local address
		if (l4[0] == ICMP6_REDIRECT && !ip6_is_link_local(packet_ip6(p->m)->src_addr)) {
			packet_refuse(p, COUNTER_DROP_REDIRECT);
			return false;
		}
		return true;
	default:
		return true;
	}
}

bool packet_key6_slow(struct packet *p)
{
	const uint8_t *l4;
	uint16_t ports[2] = {0, 0};
	uint8_t kind = FLOW_KEY_PLAIN;

	p->tcp_flags = 0;
	p->tcp_end = 0;
	if (!packet_parse_ip6_upper(p))
		return false;
	l4 = packet_l4(p);
	if (p->flags & PACKET_IS_FRAGMENT) {
		p->tail6 = flow_tail(0, 0, p->protocol, kind);
		return true;
	}
	if (protocol_has_ports(p->protocol)) {
		uint32_t l4_ports = 0; // sound, as its length has been checked

		packet_read_ports(p, l4, (uint32_t)L3_OFFSET + p->ip_len - p->l4_offset, &l4_ports);
		memcpy(ports, &l4_ports, sizeof(ports));
	} else if (p->protocol == IPPROTO_ICMPV6) {
		kind = icmp_query_kind(l4[0], true);
		ports[0] = ports[1] = icmp_key_port(l4, kind);
		if (icmp6_is_error(l4[0]))
			p->flags |= PACKET_IS_ICMP_ERROR;
	}
	p->tail6 = flow_tail(ports[0], ports[1], p->protocol, kind);
	return true;
}

bool packet_parse_from_host(struct packet *p)
{
	const struct rte_ether_hdr *eth = packet_eth(p->m);
	uint32_t bytes = p->m->pkt_len - (uint32_t)sizeof(*eth);

	p->kind = PACKET_HOST;
	if (rte_is_multicast_ether_addr(&eth->dst_addr))
		return false;
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return packet_parse_ip4(p, bytes) != PACKET_DROP && packet_key4(p);
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return packet_parse_ip6(p, bytes) != PACKET_DROP && packet_key6(p);
	return false;
}

uint16_t packet_l4_sum(const struct packet *p)
{
	uint32_t bytes = p->ip_len - (uint32_t)(p->l4_offset - L3_OFFSET);
	uint32_t sum = rte_raw_cksum(packet_l4(p), bytes);

	if (p->protocol == IPPROTO_ICMP) // the only one without a pseudo header
		return checksum_fold(sum);
	sum += rte_cpu_to_be_16((uint16_t)bytes) + rte_cpu_to_be_16(p->protocol);
	if (p->kind == PACKET_IP6)
		sum += rte_raw_cksum(packet_ip6(p->m)->src_addr, 32);
	else
		sum += rte_raw_cksum(&packet_ip4(p->m)->src_addr, 8);
	return checksum_fold(sum);
}

bool packet_is_dhcp_answer(const struct packet *p)
{
	const rte_be16_t fragment = RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	const struct rte_udp_hdr *udp = packet_l4(p);

	if (p->ip_len < p->l4_offset - L3_OFFSET + sizeof(*udp))
		return false;
	// the rarest first: whether it is UDP is anybody's guess
	if (likely(udp->dst_port != RTE_BE16(DHCP_CLIENT_PORT) &&
		    udp->dst_port != RTE_BE16(DHCP6_CLIENT_PORT)))
		return false;
	if (p->protocol != IPPROTO_UDP || (p->flags & PACKET_IS_FRAGMENT))
		return false;
	if (p->kind == PACKET_IP6)
		return udp->src_port == RTE_BE16(DHCP6_SERVER_PORT) &&
		       udp->dst_port == RTE_BE16(DHCP6_CLIENT_PORT);
	return (packet_ip4(p->m)->fragment_offset & fragment) == 0 &&
	       udp->src_port == RTE_BE16(DHCP_SERVER_PORT) &&
	       udp->dst_port == RTE_BE16(DHCP_CLIENT_PORT);
}

bool packet_parse_for_host(struct packet *p)
{
	const struct rte_ether_hdr *eth = packet_eth(p->m);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		p->kind = PACKET_IP4;
		return packet_key4(p);
	}
	p->kind = PACKET_IP6;
	return packet_key6(p);
}
