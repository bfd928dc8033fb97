// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat.h"

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

static void reply_set_port(struct flow_tuple *reply, uint16_t dport_be)
{
	reply->dport_be = dport_be;
	if (reply->kind != FLOW_KEY_PLAIN)
		reply->sport_be = dport_be; // the identifier stands in both
}

// All ports of a bucket, from a random one on.
static bool choose_in_bucket(struct worker *w, uint8_t bucket, struct flow_tuple *reply)
{
	uint32_t start = worker_random(w);

	for (uint32_t i = 0; i < PORTS_PER_BUCKET; i++) {
		uint16_t port = port_of_bucket(bucket, (start + i) % PORTS_PER_BUCKET);

		if (port < PORT_MIN)
			continue;
		reply_set_port(reply, rte_cpu_to_be_16(port));
		if (flow_find(&w->flows, reply) == NULL)
			return true;
	}
	return false;
}

bool nat_choose(struct worker *w, const struct flow_tuple *packet, const struct nat_source *source,
	struct flow_tuple *reply)
{
	uint8_t own = steering_bucket(rte_be_to_cpu_16(packet->sport_be));

	*reply = flow_tuple_reply(packet);
	reply->dst = source->first;
	if (flow_find(&w->flows, reply) == NULL)
		return true;
	if (!protocol_has_ports(packet->protocol) && packet->kind == FLOW_KEY_PLAIN)
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

void nat_flow_entered(struct worker *w, struct flow *flow, const struct nat_source *source)
{
}

void nat_flow_ending(struct worker *w, struct flow *flow)
{
}

struct flow *nat_find_mapping(
	const struct worker *w, const struct flow_tuple *packet, struct flow_endpoint *inside)
{
	return NULL;
}

// IPv6 flows are seldom translated, and their line has no room for what they become: it is the
// opposite direction's key, and the difference is summed each time.
static void translate6(const struct packet *p, const struct flow_dir *dir)
{
	const struct flow_dir *opposite = dir->flags & FLOW_IS_REPLY ? dir - 1 : dir + 1;
	const struct flow_key6 *from = &dir->key6, *to = &opposite->key6;
	struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	uint32_t difference = checksum_difference_bytes(from->src, to->dst, 16) +
			      checksum_difference_bytes(from->dst, to->src, 16);

	memcpy(ip->src_addr, to->dst, 16);
	memcpy(ip->dst_addr, to->src, 16);
	if (p->protocol == IPPROTO_ICMPV6 && from->kind == FLOW_KEY_PLAIN) {
		// RFC 4443 2.3: the addresses count, there is no identifier
		struct rte_icmp_hdr *icmp = packet_l4(p);

		icmp->icmp_cksum = checksum_adjust(icmp->icmp_cksum, difference);
		return;
	}
	difference += checksum_difference16(from->sport_be, to->dport_be);
	if (from->kind == FLOW_KEY_PLAIN)
		difference += checksum_difference16(from->dport_be, to->sport_be);
	rewrite_l4(p, from->kind, to->dport_be | (uint32_t)to->sport_be << 16,
		checksum_fold(difference));
}

void nat_translate(const struct packet *p, const struct flow_dir *dir)
{
	struct rte_ipv4_hdr *ip = packet_ip4(p->m);

	if (!(dir->flags & FLOW_TRANSLATES))
		return;
	if (dir->flags & FLOW_IS_IP6) {
		translate6(p, dir);
		return;
	}
	ip->hdr_checksum = checksum_adjust(ip->hdr_checksum, dir->l3_diff);
	flow_rewrite_l4(p, dir);
	ip->src_addr = dir->new_src_be;
	ip->dst_addr = dir->new_dst_be;
}
