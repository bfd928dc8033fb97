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

struct flow_dir *flow_find(const struct flow_table *table, const struct flow_tuple *tuple)
{
	uint64_t hash = flow_tuple_hash(table, tuple);

	if (tuple->src.family == IP_V6) {
		struct parts6 parts = parts6_of(tuple);

		return flow_find6(table, parts.addrs, parts.tail, hash);
	} else {
		struct flow_key4 key = key4_of(tuple);

		return flow_find4(table, &key, hash);
	}
}

// What it becomes is `opposite` with its ends exchanged. True: something else than it is.
static bool fill4(
	struct flow_dir *dir, const struct flow_tuple *key, const struct flow_tuple *opposite)
{
	uint32_t l3, l4;

	dir->key4 = key4_of(key);
	dir->new_src_be = ip4_be_of(&opposite->dst);
	dir->new_dst_be = ip4_be_of(&opposite->src);
	dir->new_sport_be = opposite->dport_be;
	dir->new_dport_be = opposite->sport_be;
	l3 = checksum_difference32(dir->key4.src_be, dir->new_src_be) +
	     checksum_difference32(dir->key4.dst_be, dir->new_dst_be);
	l4 = checksum_difference16(key->sport_be, dir->new_sport_be) +
	     checksum_difference16(key->dport_be, dir->new_dport_be);
	dir->l3_diff = checksum_fold(l3);
	dir->l4_diff = checksum_fold(l3 + l4);
	return dir->key4.src_be != dir->new_src_be || dir->key4.dst_be != dir->new_dst_be ||
	       key->sport_be != dir->new_sport_be || key->dport_be != dir->new_dport_be;
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

static void fill_direction(
	struct flow_dir *dir, const struct flow_tuple *key, const struct flow_tuple *opposite)
{
	if (key->src.family == IP_V6) {
		if (fill6(dir, key, opposite))
			dir->flags |= FLOW_TRANSLATES | FLOW_TRANSLATES6;
	} else if (fill4(dir, key, opposite)) {
		dir->flags |= FLOW_TRANSLATES;
	}
}

void flow_fill(struct flow *flow, const struct flow_tuple *original, const struct flow_tuple *reply)
{
	fill_direction(&flow->dir[0], original, reply);
	fill_direction(&flow->dir[1], reply, original);
}
