// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat.h"

#include "dataplane/parse.h"
#include "dataplane/pipeline_forward.h"
#include "drivers/steering.h"

enum {
	PORTS_PER_BUCKET = 65536 / STEERING_BUCKETS,
	PORT_MIN = 1024, // RFC 4787 REQ-3: a port of the upper range stays there
};

static_assert(STEERING_BUCKETS == 128, "port_of_bucket inverts the formula for 7 bits");

// The i-th port of a bucket, 0 <= i < PORTS_PER_BUCKET: the inverse of steering_bucket. With
// p = h << 7 | l, the bucket reversed is l ^ (h << 1 | l >> 6), taken modulo 128.
static uint16_t port_of_bucket(uint8_t bucket, uint16_t i)
{
	uint8_t reversed = steering_reverse7(bucket);
	uint8_t low = (reversed ^ (uint8_t)(i << 1)) & 126;

	low |= (reversed ^ (low >> 6)) & 1;
	return (uint16_t)(i << 7 | low);
}

static void key_set_ports(struct flow_key4 *reply, uint16_t dport_be)
{
	reply->dport_be = dport_be;
	if (reply->kind != FLOW_KEY_PLAIN)
		reply->sport_be = dport_be; // the identifier stands in both
}

void nat_reply_key4(const struct flow_key4 *key, struct flow_key4 *reply)
{
	*reply = (struct flow_key4){
		.src_be = key->dst_be,
		.dst_be = key->src_be,
		.sport_be = key->dport_be,
		.dport_be = key->sport_be,
		.protocol = key->protocol,
		.kind = key->kind == FLOW_KEY_QUERY    ? FLOW_KEY_ANSWER
			: key->kind == FLOW_KEY_ANSWER ? FLOW_KEY_QUERY
						       : FLOW_KEY_PLAIN,
	};
}

static bool reply_is_free(const struct worker *w, const struct flow_key4 *reply)
{
	return flow_find4(&w->flows, reply, flow_hash4(&w->flows, reply)) == NULL;
}

// All ports of a bucket, from a random one on.
static bool choose_in_bucket(struct worker *w, uint8_t bucket, struct flow_key4 *reply)
{
	uint32_t start = worker_random(w);

	for (uint32_t i = 0; i < PORTS_PER_BUCKET; i++) {
		uint16_t port = port_of_bucket(bucket, (start + i) % PORTS_PER_BUCKET);

		if (port < PORT_MIN)
			continue;
		key_set_ports(reply, rte_cpu_to_be_16(port));
		if (reply_is_free(w, reply))
			return true;
	}
	return false;
}

bool nat_choose4(
	struct worker *w, const struct flow_key4 *key, uint32_t new_src_be, struct flow_key4 *reply)
{
	uint8_t own = steering_bucket(rte_be_to_cpu_16(key->sport_be));

	nat_reply_key4(key, reply);
	reply->dst_be = new_src_be;
	if (reply_is_free(w, reply))
		return true;
	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP &&
		key->kind == FLOW_KEY_PLAIN)
		return false; // no port to tell two of them apart
	// Buckets of the same worker only: the answers must come back to this one.
	for (unsigned i = 0; i < STEERING_BUCKETS; i++) {
		uint8_t bucket = (uint8_t)((own + i) % STEERING_BUCKETS);

		if (steering_worker(bucket, w->n_workers) == steering_worker(own, w->n_workers) &&
			choose_in_bucket(w, bucket, reply))
			return true;
	}
	return false;
}

// ~old + new of each 16-bit word, summed (RFC 1624).
static uint32_t difference16(uint16_t old, uint16_t new)
{
	return (uint32_t)(uint16_t)~old + new;
}

static uint32_t difference32(uint32_t old, uint32_t new)
{
	return difference16((uint16_t)old, (uint16_t) new) +
	       difference16((uint16_t)(old >> 16), (uint16_t)(new >> 16));
}

static void fill_direction(
	struct flow_dir *dir, const struct flow_key4 *key, const struct flow_key4 *opposite)
{
	uint32_t l3, l4;

	dir->key4 = *key;
	dir->new_src_be = opposite->dst_be;
	dir->new_dst_be = opposite->src_be;
	dir->new_sport_be = opposite->dport_be;
	dir->new_dport_be = opposite->sport_be;
	l3 = difference32(key->src_be, dir->new_src_be) +
	     difference32(key->dst_be, dir->new_dst_be);
	l4 = difference16(key->sport_be, dir->new_sport_be) +
	     difference16(key->dport_be, dir->new_dport_be);
	dir->l3_diff = checksum_fold(l3);
	dir->l4_diff = checksum_fold(l3 + l4);
	if (dir->new_src_be != key->src_be || dir->new_dst_be != key->dst_be ||
		dir->new_sport_be != key->sport_be || dir->new_dport_be != key->dport_be)
		dir->flags |= FLOW_TRANSLATES;
}

void nat_fill4(struct flow *flow, const struct flow_key4 *key, const struct flow_key4 *reply)
{
	fill_direction(&flow->dir[0], key, reply);
	fill_direction(&flow->dir[1], reply, key);
}

void nat_translate4(struct rte_mbuf *m, const struct packet *p, const struct flow_dir *dir)
{
	struct rte_ipv4_hdr *ip = packet_ip4(m);

	if (!(dir->flags & FLOW_TRANSLATES))
		return;
	ip->hdr_checksum = checksum_adjust(ip->hdr_checksum, dir->l3_diff);
	flow_rewrite_l4(p, dir);
	ip->src_addr = dir->new_src_be;
	ip->dst_addr = dir->new_dst_be;
}

// --- ICMP errors ---

// The packet that an ICMP error quotes: its header, and where its ports, identifier and checksum
// stand, as far as they were quoted.
struct quote {
	struct rte_ipv4_hdr *ip;
	uint8_t *l4;
	uint32_t l4_bytes;
	struct flow_key4 key; // as the quoted packet went
};

// False: too short or malformed. RFC 792 gives at least the header and eight bytes.
static bool quote_parse(const struct packet *p, struct quote *quote)
{
	uint8_t *start = (uint8_t *)packet_l4(p) + sizeof(struct rte_icmp_hdr);
	uint32_t bytes = p->ip_len - (p->l4_offset - L3_OFFSET);
	uint32_t header_bytes;

	if (bytes < sizeof(struct rte_icmp_hdr) + sizeof(struct rte_ipv4_hdr) + 8)
		return false;
	bytes -= sizeof(struct rte_icmp_hdr);
	quote->ip = (struct rte_ipv4_hdr *)start;
	header_bytes = (uint32_t)(quote->ip->version_ihl & 15) * 4;
	if (quote->ip->version_ihl >> 4 != 4 || header_bytes < sizeof(struct rte_ipv4_hdr) ||
		bytes < header_bytes + 8)
		return false;
	if (quote->ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false; // a later fragment has no ports to know it by
	quote->l4 = start + header_bytes;
	quote->l4_bytes = bytes - header_bytes;
	quote->key = (struct flow_key4){
		.src_be = quote->ip->src_addr,
		.dst_be = quote->ip->dst_addr,
		.protocol = quote->ip->next_proto_id,
	};
	switch (quote->ip->next_proto_id) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		memcpy(&quote->key.sport_be, quote->l4, 2);
		memcpy(&quote->key.dport_be, quote->l4 + 2, 2);
		return true;
	case IPPROTO_ICMP:
		if (quote->l4[0] != RTE_IP_ICMP_ECHO_REQUEST &&
			quote->l4[0] != RTE_IP_ICMP_ECHO_REPLY)
			return false; // never about anything else
		memcpy(&quote->key.sport_be, quote->l4 + 4, 2);
		quote->key.dport_be = quote->key.sport_be;
		quote->key.kind =
			quote->l4[0] == RTE_IP_ICMP_ECHO_REQUEST ? FLOW_KEY_QUERY : FLOW_KEY_ANSWER;
		return true;
	default:
		return true;
	}
}

uint16_t nat_icmp_error_port4(const struct packet *p, bool is_outside)
{
	struct quote quote;

	if (!quote_parse(p, &quote))
		return 0;
	// The quoted packet went the other way: what we sent out has our port as its source.
	return is_outside ? quote.key.sport_be : quote.key.dport_be;
}

static void adjust_at(uint8_t *checksum, uint32_t difference)
{
	uint16_t value;

	memcpy(&value, checksum, sizeof(value));
	value = checksum_adjust(value, difference);
	memcpy(checksum, &value, sizeof(value));
}

// Undoes in the quote what `dir`, the direction that answers the quoted packet, would do to an
// answer: the sender sees the packet that it sent.
static void quote_restore(struct quote *quote, const struct flow_dir *dir)
{
	uint32_t l3 = difference32(quote->ip->src_addr, dir->new_dst_be) +
		      difference32(quote->ip->dst_addr, dir->new_src_be);
	uint32_t l4 = difference16(quote->key.sport_be, dir->new_dport_be) +
		      difference16(quote->key.dport_be, dir->new_sport_be);

	quote->ip->src_addr = dir->new_dst_be;
	quote->ip->dst_addr = dir->new_src_be;
	adjust_at((uint8_t *)&quote->ip->hdr_checksum, l3);
	switch (quote->ip->next_proto_id) {
	case IPPROTO_TCP:
		memcpy(quote->l4, &dir->new_dport_be, 2);
		memcpy(quote->l4 + 2, &dir->new_sport_be, 2);
		if (quote->l4_bytes >= 18)
			adjust_at(quote->l4 + 16, l3 + l4);
		return;
	case IPPROTO_UDP:
		memcpy(quote->l4, &dir->new_dport_be, 2);
		memcpy(quote->l4 + 2, &dir->new_sport_be, 2);
		if (quote->l4[6] != 0 || quote->l4[7] != 0)
			adjust_at(quote->l4 + 6, l3 + l4);
		return;
	case IPPROTO_ICMP:
		memcpy(quote->l4 + 4, &dir->new_dport_be, 2);
		adjust_at(quote->l4 + 2, difference16(quote->key.sport_be, dir->new_dport_be));
		return;
	default:
		return;
	}
}

int nat_icmp_error4(struct worker *w, struct packet *p, struct flow_dir **dir)
{
	struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	struct rte_icmp_hdr *icmp = packet_l4(p);
	uint32_t bytes = p->ip_len - (p->l4_offset - L3_OFFSET);
	struct flow_key4 answer;
	struct flow_dir *found;
	struct quote quote;
	uint16_t sum;

	// A translated error gets a new checksum: it must not launder a damaged one.
	if (p->m->nb_segs > 1 || rte_raw_cksum(icmp, bytes) != 0xffff) {
		p->reason = COUNTER_DROP_ICMP_CHECKSUM;
		return -1;
	}
	if (!quote_parse(p, &quote)) {
		p->reason = COUNTER_DROP_ICMP_INNER;
		return -1;
	}
	nat_reply_key4(&quote.key, &answer);
	found = flow_find4(&w->flows, &answer, flow_hash4(&w->flows, &answer));
	if (found == NULL)
		return 0;
	if (found->flags & FLOW_TRANSLATES) {
		uint32_t src_be = ip->src_addr;

		quote_restore(&quote, found);
		// Whoever speaks about a translated answer from behind the translation must not
		// show its own address (RFC 5508 REQ-4, REQ-5).
		if (found->new_src_be != found->key4.src_be)
			ip->src_addr = found->new_src_be;
		ip->hdr_checksum = checksum_adjust(
			ip->hdr_checksum, difference32(src_be, ip->src_addr) +
						  difference32(ip->dst_addr, found->new_dst_be));
		ip->dst_addr = found->new_dst_be;
		icmp->icmp_cksum = 0;
		sum = (uint16_t)~rte_raw_cksum(icmp, bytes);
		icmp->icmp_cksum = sum;
	}
	*dir = found;
	return 1;
}
