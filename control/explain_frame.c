// SPDX-License-Identifier: BSD-3-Clause
#include "control/explain_frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

enum { TCP_WINDOW = 65535, MSS_OPTION_BYTES = 4, MORE_FRAGMENTS = 0x2000, DONT_FRAGMENT = 0x4000 };

static uint32_t sum_of(const void *bytes, size_t n, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	return sum;
}

// RFC 1071.
static uint16_t checksum_be(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint32_t pseudo_sum(const struct explain_frame *from, size_t l4_bytes)
{
	size_t n = from->src.family == IP_V6 ? 16 : 4;
	uint32_t sum = sum_of(from->src.bytes, n, (uint32_t)l4_bytes + from->protocol);

	return sum_of(from->dst.bytes, n, sum);
}

static size_t write_tcp(const struct explain_frame *from, uint8_t *out)
{
	size_t head = sizeof(struct tcphdr) + (from->mss != 0 ? MSS_OPTION_BYTES : 0);
	struct tcphdr tcp = {
		.th_sport = htons(from->sport),
		.th_dport = htons(from->dport),
		.th_seq = htonl(1),
		.th_off = (unsigned)(head / 4) & 15,
		.th_flags = from->tcp_flags,
		.th_win = htons(TCP_WINDOW),
	};
	uint8_t option[MSS_OPTION_BYTES] = {
		TCPOPT_MAXSEG, MSS_OPTION_BYTES, (uint8_t)(from->mss >> 8), (uint8_t)from->mss};
	size_t n = head + from->payload_bytes;

	if (from->mss != 0)
		memcpy(out + sizeof(tcp), option, sizeof(option));
	memcpy(out, &tcp, sizeof(tcp));
	tcp.th_sum = checksum_be(sum_of(out, n, pseudo_sum(from, n)));
	memcpy(out, &tcp, sizeof(tcp));
	return n;
}

static size_t write_udp(const struct explain_frame *from, uint8_t *out)
{
	size_t n = sizeof(struct udphdr) + from->payload_bytes;
	struct udphdr udp = {
		.uh_sport = htons(from->sport),
		.uh_dport = htons(from->dport),
		.uh_ulen = htons((uint16_t)n),
	};

	memcpy(out, &udp, sizeof(udp));
	udp.uh_sum = checksum_be(sum_of(out, n, pseudo_sum(from, n)));
	if (udp.uh_sum == 0) // RFC 768: zero means none
		udp.uh_sum = 0xffff;
	memcpy(out, &udp, sizeof(udp));
	return n;
}

static size_t write_icmp(const struct explain_frame *from, uint8_t *out)
{
	size_t n = sizeof(struct icmp6_hdr) + from->payload_bytes;
	struct icmp6_hdr icmp = {.icmp6_type = from->icmp_type, .icmp6_code = from->icmp_code};

	icmp.icmp6_data16[0] = htons(from->query_id);
	memcpy(out, &icmp, sizeof(icmp));
	icmp.icmp6_cksum = checksum_be(sum_of(out, n,
		from->protocol == IPPROTO_ICMPV6 ? pseudo_sum(from, n) : 0)); // RFC 4443 2.3
	memcpy(out, &icmp, sizeof(icmp));
	return n;
}

static size_t write_l4(const struct explain_frame *from, uint8_t *out)
{
	bool is_ip6 = from->src.family == IP_V6;

	if (from->protocol == IPPROTO_TCP)
		return write_tcp(from, out);
	if (from->protocol == IPPROTO_UDP)
		return write_udp(from, out);
	if (from->protocol == (is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return write_icmp(from, out);
	return from->payload_bytes;
}

static size_t write_ip4(const struct explain_frame *from, uint8_t *out)
{
	size_t n = sizeof(struct iphdr) + write_l4(from, out + sizeof(struct iphdr));
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tos = (uint8_t)(from->dscp << 2),
		.tot_len = htons((uint16_t)n),
		.id = htons(1),
		.frag_off = htons((uint16_t)((from->has_df ? DONT_FRAGMENT : 0) |
					     (from->is_fragment ? MORE_FRAGMENTS : 0))),
		.ttl = from->hops,
		.protocol = from->protocol,
	};

	memcpy(&ip.saddr, from->src.v4, sizeof(ip.saddr));
	memcpy(&ip.daddr, from->dst.v4, sizeof(ip.daddr));
	ip.check = checksum_be(sum_of(&ip, sizeof(ip), 0));
	memcpy(out, &ip, sizeof(ip));
	return n;
}

static size_t write_ip6(const struct explain_frame *from, uint8_t *out)
{
	struct ip6_frag fragment = {
		.ip6f_nxt = from->protocol, .ip6f_offlg = IP6F_MORE_FRAG, .ip6f_ident = htonl(1)};
	size_t head = from->is_fragment ? sizeof(fragment) : 0;
	size_t n = head + write_l4(from, out + sizeof(struct ip6_hdr) + head);
	struct ip6_hdr ip = {
		.ip6_flow = htonl((uint32_t)6 << 28 | (uint32_t)from->dscp << 22),
		.ip6_plen = htons((uint16_t)n),
		.ip6_nxt = from->is_fragment ? IPPROTO_FRAGMENT : from->protocol,
		.ip6_hlim = from->hops,
	};

	memcpy(&ip.ip6_src, from->src.v6, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, from->dst.v6, sizeof(ip.ip6_dst));
	memcpy(out, &ip, sizeof(ip));
	memcpy(out + sizeof(ip), &fragment, head);
	return sizeof(ip) + n;
}

size_t explain_frame_write(const struct explain_frame *from, uint8_t *out)
{
	bool is_ip6 = from->src.family == IP_V6;
	struct ether_header eth = {.ether_type = htons(is_ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP)};

	memset(out, 0, EXPLAIN_FRAME_MAX);
	memcpy(eth.ether_dhost, from->dst_mac.bytes, sizeof(eth.ether_dhost));
	memcpy(eth.ether_shost, from->src_mac.bytes, sizeof(eth.ether_shost));
	memcpy(out, &eth, sizeof(eth));
	return sizeof(eth) +
	       (is_ip6 ? write_ip6(from, out + sizeof(eth)) : write_ip4(from, out + sizeof(eth)));
}
