// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_icmp.h"

#include "dataplane/checksum.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/helper.h"
#include "dataplane/parse.h"
#include "dataplane/tcp_track.h"

enum { QUOTED_L4_MIN = 8 }; // RFC 792: the header and eight bytes

// The packet that an ICMP error quotes: its header, and where its ports, identifier and checksum
// stand, as far as they were quoted.
struct quote {
	uint8_t *l3, *l4;
	uint32_t l4_bytes;
	struct flow_tuple tuple; // as the quoted packet went
};

static bool quote_parse4(uint8_t *start, uint32_t bytes, struct quote *quote)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)start;
	uint32_t header_bytes;

	if (bytes < sizeof(*ip) + QUOTED_L4_MIN)
		return false;
	header_bytes = (uint32_t)(ip->version_ihl & 15) * 4;
	if (ip->version_ihl >> 4 != 4 || header_bytes < sizeof(*ip) ||
		bytes < header_bytes + QUOTED_L4_MIN)
		return false;
	if (checksum_fold(rte_raw_cksum(ip, header_bytes)) != 0xffff)
		return false; // RFC 5508 REQ-3 a)
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false; // a later fragment has no ports to know it by
	quote->l4 = start + header_bytes;
	quote->l4_bytes = bytes - header_bytes;
	quote->tuple.src = ip4_addr_of(ip->src_addr);
	quote->tuple.dst = ip4_addr_of(ip->dst_addr);
	quote->tuple.protocol = ip->next_proto_id;
	return true;
}

static bool quote_parse6(uint8_t *start, uint32_t bytes, struct quote *quote)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)start;
	struct ip6_chain chain;

	if (bytes < sizeof(*ip) + QUOTED_L4_MIN || start[0] >> 4 != 6)
		return false;
	chain = ip6_chain_walk(ip->proto, start + sizeof(*ip), bytes - sizeof(*ip), true);
	if (!chain.is_sound || chain.is_later_fragment ||
		bytes - sizeof(*ip) - chain.n_bytes < QUOTED_L4_MIN)
		return false;
	quote->l4 = start + sizeof(*ip) + chain.n_bytes;
	quote->l4_bytes = bytes - (uint32_t)sizeof(*ip) - chain.n_bytes;
	quote->tuple.src = ip6_addr_of(ip->src_addr);
	quote->tuple.dst = ip6_addr_of(ip->dst_addr);
	quote->tuple.protocol = chain.protocol;
	return true;
}

// False: too short or malformed.
static bool quote_parse(const struct packet *p, struct quote *quote)
{
	uint8_t *start = (uint8_t *)packet_l4(p) + sizeof(struct rte_icmp_hdr);
	uint32_t bytes = p->ip_len - (p->l4_offset - L3_OFFSET);
	bool is_ip6 = p->kind == PACKET_IP6;
	uint8_t kind;

	*quote = (struct quote){.l3 = start};
	if (bytes < sizeof(struct rte_icmp_hdr))
		return false;
	bytes -= sizeof(struct rte_icmp_hdr);
	if (is_ip6 ? !quote_parse6(start, bytes, quote) : !quote_parse4(start, bytes, quote))
		return false;
	if (protocol_has_ports(quote->tuple.protocol)) {
		memcpy(&quote->tuple.sport_be, quote->l4, 2);
		memcpy(&quote->tuple.dport_be, quote->l4 + 2, 2);
	} else if (quote->tuple.protocol == (is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		kind = icmp_query_kind(quote->l4[0], is_ip6);
		if (kind == FLOW_KEY_PLAIN)
			return false; // never about anything else
		memcpy(&quote->tuple.sport_be, quote->l4 + 4, 2);
		quote->tuple.dport_be = quote->tuple.sport_be;
		quote->tuple.kind = kind;
	}
	return true;
}

uint16_t nat_icmp_error_port(const struct packet *p, bool ours_is_source)
{
	struct quote quote;

	if (!quote_parse(p, &quote))
		return 0;
	// The quoted packet went the other way.
	return ours_is_source ? quote.tuple.dport_be : quote.tuple.sport_be;
}

static void adjust_at(uint8_t *checksum, uint32_t difference)
{
	uint16_t value;

	memcpy(&value, checksum, sizeof(value));
	value = checksum_adjust(value, difference);
	memcpy(checksum, &value, sizeof(value));
}

// Where the quoted layer 4 has its checksum, if that was quoted and there is one.
static uint8_t *quote_checksum(const struct quote *quote)
{
	switch (quote->tuple.protocol) {
	case IPPROTO_TCP:
		return quote->l4_bytes >= 18 ? quote->l4 + 16 : NULL;
	case IPPROTO_UDP:
		return quote->l4[6] != 0 || quote->l4[7] != 0 ? quote->l4 + 6 : NULL;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return quote->l4 + 2;
	default:
		return NULL;
	}
}

// Undoes in the quote what answers to the quoted packet become: its sender sees what it sent.
static void quote_restore(struct quote *quote, const struct flow_tuple *to)
{
	const struct flow_tuple *was = &quote->tuple;
	bool is_ip6 = was->src.family == IP_V6;
	uint32_t n_bytes = is_ip6 ? 16 : 4;
	uint8_t *src = quote->l3 + (is_ip6 ? offsetof(struct rte_ipv6_hdr, src_addr)
					   : offsetof(struct rte_ipv4_hdr, src_addr));
	uint32_t l3 = checksum_difference_bytes(was->src.bytes, to->dst.bytes, n_bytes) +
		      checksum_difference_bytes(was->dst.bytes, to->src.bytes, n_bytes);
	uint32_t l4 = checksum_difference16(was->sport_be, to->dport_be);
	uint8_t *checksum = quote_checksum(quote);

	memcpy(src, to->dst.bytes, n_bytes);
	memcpy(src + n_bytes, to->src.bytes, n_bytes);
	if (!is_ip6)
		adjust_at(quote->l3 + offsetof(struct rte_ipv4_hdr, hdr_checksum), l3);
	if (was->kind == FLOW_KEY_PLAIN)
		l4 += checksum_difference16(was->dport_be, to->sport_be);
	if (was->protocol != IPPROTO_ICMP)
		l4 += l3;
	if (checksum != NULL) {
		adjust_at(checksum, l4);
		// as in the packet: of UDP zero means none, of ICMP it may be wrong
		if (was->protocol != IPPROTO_TCP && checksum[0] == 0 && checksum[1] == 0)
			memset(checksum, 0xff, 2);
	}
	if (protocol_has_ports(was->protocol)) {
		memcpy(quote->l4, &to->dport_be, 2);
		memcpy(quote->l4 + 2, &to->sport_be, 2);
	} else if (was->kind != FLOW_KEY_PLAIN) {
		memcpy(quote->l4 + 4, &to->dport_be, 2);
	}
}

static void icmp_checksum_write(const struct packet *p)
{
	struct rte_icmp_hdr *icmp = packet_l4(p);

	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~packet_l4_sum(p);
}

// The error itself: to whom the quoted packet came from. Whoever speaks about a translated answer
// from behind the translation must not show its own address (RFC 5508 REQ-4, REQ-5).
static void error_readdress(
	const struct packet *p, const struct flow_dir *dir, const struct flow_tuple *to)
{
	struct flow_tuple key = flow_tuple_of(dir);
	bool hides_source = !ip_addr_equal(&key.src, &to->src);

	if (p->kind == PACKET_IP6) {
		struct rte_ipv6_hdr *ip = packet_ip6(p->m);

		if (hides_source)
			memcpy(ip->src_addr, to->src.v6, 16);
		memcpy(ip->dst_addr, to->dst.v6, 16);
	} else {
		struct rte_ipv4_hdr *ip = packet_ip4(p->m);
		uint32_t src_be = ip->src_addr, dst_be = ip->dst_addr;

		if (hides_source)
			ip->src_addr = ip4_be_of(&to->src);
		ip->dst_addr = ip4_be_of(&to->dst);
		ip->hdr_checksum = checksum_adjust(
			ip->hdr_checksum, checksum_difference32(src_be, ip->src_addr) +
						  checksum_difference32(dst_be, ip->dst_addr));
	}
}

// Where a helper has moved numbers, too: as the quoted packet's sender counts.
static void quote_renumber(struct worker *w, struct quote *quote, const struct flow_dir *quoted)
{
	uint8_t *checksum = quote_checksum(quote);
	uint32_t was_be, seq_be;

	memcpy(&was_be, quote->l4 + 4, sizeof(was_be));
	seq_be = helper_sent_seq_be(w, quoted, was_be);
	if (checksum != NULL)
		adjust_at(checksum, checksum_difference32(was_be, seq_be));
	memcpy(quote->l4 + 4, &seq_be, sizeof(seq_be));
}

// RFC 5927 4.1: TCP that could have been sent, not somebody's guess at a connection.
static bool quote_is_of(const struct quote *quote, const struct flow_dir *quoted)
{
	uint32_t seq_be;

	if (quote->tuple.protocol != IPPROTO_TCP)
		return true;
	memcpy(&seq_be, quote->l4 + 4, sizeof(seq_be));
	return tcp_track_quote_is_fine(quoted, rte_be_to_cpu_32(seq_be));
}

// RFC 792: an error goes to whom the quoted packet came from. One to somebody else would be let
// through, and past the translation, for the sake of a flow that it has no part in.
static bool quote_is_of_receiver(const struct packet *p, const struct quote *quote)
{
	const struct ip_addr *sender = &quote->tuple.src;

	if (p->kind == PACKET_IP6)
		return memcmp(packet_ip6(p->m)->dst_addr, sender->v6, 16) == 0;
	return packet_ip4(p->m)->dst_addr == ip4_be_of(sender);
}

int nat_icmp_error(struct worker *w, struct packet *p, struct flow_dir **dir)
{
	struct flow_tuple answer, to;
	struct flow_dir *found, *quoted;
	struct quote quote;

	// A translated error gets a new checksum: it must not launder a damaged one.
	if (p->m->nb_segs > 1 || packet_l4_sum(p) != 0xffff) {
		p->reason = COUNTER_DROP_ICMP_CHECKSUM;
		return -1;
	}
	if (!quote_parse(p, &quote)) {
		p->reason = COUNTER_DROP_ICMP_INNER;
		return -1;
	}
	answer = flow_tuple_reply(&quote.tuple);
	found = flow_find(&w->flows, &answer);
	if (found == NULL) {
		p->hash = flow_tuple_hash(&w->flows, &answer);
		return 0;
	}
	if (!quote_is_of_receiver(p, &quote)) {
		p->reason = COUNTER_DROP_ICMP_INNER;
		return -1;
	}
	quoted = found->flags & FLOW_IS_REPLY ? found - 1 : found + 1;
	if (quote.tuple.protocol == IPPROTO_TCP && (quoted->flags & FLOW_HAS_HELPER))
		quote_renumber(w, &quote, quoted);
	if (!quote_is_of(&quote, quoted)) {
		p->reason = COUNTER_DROP_ICMP_SEQUENCE;
		return -1;
	}
	*dir = found;
	if (!(found->flags & FLOW_TRANSLATES))
		return 1;
	to = flow_tuple_translated(found);
	quote_restore(&quote, &to);
	error_readdress(p, found, &to);
	icmp_checksum_write(p);
	return 1;
}
