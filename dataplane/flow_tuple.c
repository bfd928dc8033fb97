// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_tuple.h"

#include <string.h>

#include "dataplane/checksum.h"

struct flow_tuple flow_tuple_of_packet(const struct packet *p)
{
	if (p->kind == PACKET_IP6) {
		const struct rte_ipv6_hdr *ip = packet_ip6(p->m);

		return (struct flow_tuple){
			.src = ip6_addr_of(ip->src_addr),
			.dst = ip6_addr_of(ip->dst_addr),
			.sport_be = (uint16_t)p->tail6,
			.dport_be = (uint16_t)(p->tail6 >> 16),
			.protocol = (uint8_t)(p->tail6 >> 32),
			.kind = (uint8_t)(p->tail6 >> 40),
		};
	}
	return (struct flow_tuple){
		.src = ip4_addr_of(p->key4.src_be),
		.dst = ip4_addr_of(p->key4.dst_be),
		.sport_be = p->key4.sport_be,
		.dport_be = p->key4.dport_be,
		.protocol = p->key4.protocol,
		.kind = p->key4.kind,
	};
}

struct flow_tuple flow_tuple_of(const struct flow_dir *dir)
{
	if (dir->flags & FLOW_IS_IP6)
		return (struct flow_tuple){
			.src = ip6_addr_of(dir->key6.src),
			.dst = ip6_addr_of(dir->key6.dst),
			.sport_be = dir->key6.sport_be,
			.dport_be = dir->key6.dport_be,
			.protocol = dir->key6.protocol,
			.kind = dir->key6.kind,
		};
	return (struct flow_tuple){
		.src = ip4_addr_of(dir->key4.src_be),
		.dst = ip4_addr_of(dir->key4.dst_be),
		.sport_be = dir->key4.sport_be,
		.dport_be = dir->key4.dport_be,
		.protocol = dir->key4.protocol,
		.kind = dir->key4.kind,
	};
}

struct flow_tuple flow_tuple_reply(const struct flow_tuple *tuple)
{
	return (struct flow_tuple){
		.src = tuple->dst,
		.dst = tuple->src,
		.sport_be = tuple->dport_be,
		.dport_be = tuple->sport_be,
		.protocol = tuple->protocol,
		.kind = flow_key_kind_reply(tuple->kind),
	};
}

struct flow_tuple flow_tuple_translated(const struct flow_dir *dir)
{
	const struct flow *flow = flow_of(dir);
	struct flow_tuple opposite = flow_tuple_of(&flow->dir[dir->flags & FLOW_IS_REPLY ? 0 : 1]);

	return flow_tuple_reply(&opposite);
}

bool flow_tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return ip_addr_equal(&a->src, &b->src) && ip_addr_equal(&a->dst, &b->dst) &&
	       a->sport_be == b->sport_be && a->dport_be == b->dport_be &&
	       a->protocol == b->protocol && a->kind == b->kind;
}

static struct flow_key4 key4_of(const struct flow_tuple *tuple)
{
	return flow_key4_make(ip4_be_of(&tuple->src), ip4_be_of(&tuple->dst), tuple->sport_be,
		tuple->dport_be, tuple->protocol, tuple->kind);
}

// An IPv6 key in the two parts that the table works with.
struct parts6 {
	uint8_t addrs[32];
	uint64_t tail;
};

static struct parts6 parts6_of(const struct flow_tuple *tuple)
{
	struct parts6 parts;

	memcpy(parts.addrs, tuple->src.v6, 16);
	memcpy(parts.addrs + 16, tuple->dst.v6, 16);
	parts.tail = flow_tail(tuple->sport_be, tuple->dport_be, tuple->protocol, tuple->kind);
	return parts;
}

uint64_t flow_tuple_hash(const struct flow_table *table, const struct flow_tuple *tuple)
{
	if (tuple->src.family == IP_V6) {
		struct parts6 parts = parts6_of(tuple);

		return flow_hash6(table, parts.addrs, parts.tail);
	} else {
		struct flow_key4 key = key4_of(tuple);

		return flow_hash4(table, &key);
	}
}

struct flow_dir *flow_find_by(
	const struct flow_table *table, const struct flow_tuple *tuple, uint64_t hash)
{
	if (tuple->src.family == IP_V6) {
		struct parts6 parts = parts6_of(tuple);

		return flow_find6(table, parts.addrs, parts.tail, hash);
	} else {
		struct flow_key4 key = key4_of(tuple);

		return flow_find4(table, &key, hash);
	}
}

struct flow_dir *flow_find(const struct flow_table *table, const struct flow_tuple *tuple)
{
	return flow_find_by(table, tuple, flow_tuple_hash(table, tuple));
}

// What a packet of `key` becomes is `opposite` with its ends exchanged.
static void fill4(
	struct flow_dir *dir, const struct flow_key4 *key, const struct flow_key4 *opposite)
{
	dir->key4 = *key;
	dir->new_src_be = opposite->dst_be;
	dir->new_dst_be = opposite->src_be;
	dir->new_sport_be = opposite->dport_be;
	dir->new_dport_be = opposite->sport_be;
}

// Both directions' differences: what one adds the other takes away, in one's complement.
static void fill4_both(
	struct flow *flow, const struct flow_key4 *key, const struct flow_key4 *answer)
{
	struct flow_dir *there = &flow->dir[0], *back = &flow->dir[1];
	uint64_t ends = key->src_be | (uint64_t)key->dst_be << 32;
	uint64_t new_ends = answer->dst_be | (uint64_t)answer->src_be << 32;
	uint32_t ports = key->sport_be | (uint32_t)key->dport_be << 16;
	uint32_t new_ports = answer->dport_be | (uint32_t)answer->sport_be << 16;
	uint32_t l3 = checksum_difference64(ends, new_ends);

	fill4(there, key, answer);
	fill4(back, answer, key);
	there->l3_diff = checksum_fold(l3);
	there->l4_diff = checksum_fold(l3 + checksum_difference32(ports, new_ports));
	back->l3_diff = (uint16_t)~there->l3_diff;
	back->l4_diff = (uint16_t)~there->l4_diff;
	if (ends != new_ends || ports != new_ports) {
		there->flags |= FLOW_TRANSLATES;
		back->flags |= FLOW_TRANSLATES;
	}
}

static bool fill6(
	struct flow_dir *dir, const struct flow_tuple *key, const struct flow_tuple *opposite)
{
	memcpy(dir->key6.src, key->src.v6, 16);
	memcpy(dir->key6.dst, key->dst.v6, 16);
	dir->key6.sport_be = key->sport_be;
	dir->key6.dport_be = key->dport_be;
	dir->key6.protocol = key->protocol;
	dir->key6.kind = key->kind;
	dir->flags |= FLOW_IS_IP6;
	return memcmp(key->src.v6, opposite->dst.v6, 16) != 0 ||
	       memcmp(key->dst.v6, opposite->src.v6, 16) != 0 ||
	       key->sport_be != opposite->dport_be || key->dport_be != opposite->sport_be;
}

void flow_fill(struct flow *flow, const struct flow_tuple *original, const struct flow_tuple *reply)
{
	struct flow_dir *there = &flow->dir[0], *back = &flow->dir[1];

	if (original->src.family == IP_V6) {
		if (fill6(there, original, reply))
			there->flags |= FLOW_TRANSLATES | FLOW_TRANSLATES6;
		if (fill6(back, reply, original))
			back->flags |= FLOW_TRANSLATES | FLOW_TRANSLATES6;
	} else {
		struct flow_key4 key = key4_of(original), answer = key4_of(reply);

		fill4_both(flow, &key, &answer);
	}
}
