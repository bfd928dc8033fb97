// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fib.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cpuflags.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <rte_vect.h>

#include "dataplane/fib_family.h"
#include "dataplane/grace.h"

// rte_fib keeps the routes in a tree (its RIB) and writes the lookup table from there. In 22.11
// that has four faults: the count of second-level blocks drifts when routes come and go, until
// every add fails with ENOSPC; running out of blocks half-way leaves half a change; replacing a
// route hides its failure; and a route that reaches the end of the address space overwrites the
// whole table when two longer ones touch there. So this file keeps the RIB itself, counts blocks
// exactly and refuses what could run out, and has rte_fib do one thing only: replace the answer of
// a prefix that is there, which uses no count.

enum {
	BLOCKS4_LIMIT = 32767, // what a nexthop of two bytes can name
	BLOCKS_SPARE = 64,     // rte_fib needs a few for a moment while it writes a change
	BLOCK_ENTRIES = 256,
	ROUTES_SPARE = 16, // built-in ones, and one that is there for a moment
	NAME_BYTES = 24,   // a RIB's name is also a mempool's, and those are short
	FIRST_LEVEL_BITS = 24,
	ROUTES_LIMIT = 1 << 26,	   // rte_rib takes twice as many nodes, in an int
	RIB_NODE_BYTES = 192 + 12, // a mempool object, spread over memory channels, and its ring
};

static const struct builtin {
	struct ip_prefix to;
	uint16_t code;
} builtins[] = {
	// RFC 1122 3.2.1.3, RFC 6890
	{{{.family = IP_V4, .v4 = {0}}, 8}, NEXTHOP_BLACKHOLE},
	{{{.family = IP_V4, .v4 = {127}}, 8}, NEXTHOP_BLACKHOLE},
	{{{.family = IP_V4, .v4 = {169, 254}}, 16}, NEXTHOP_BLACKHOLE}, // RFC 3927 7
	{{{.family = IP_V4, .v4 = {224}}, 4}, NEXTHOP_MULTICAST},
	{{{.family = IP_V4, .v4 = {240}}, 4}, NEXTHOP_BLACKHOLE},
	{{{.family = IP_V4, .v4 = {255, 255, 255, 255}}, 32}, NEXTHOP_MULTICAST},
	// RFC 4291 2.4
	{{{.family = IP_V6, .v6 = {0}}, 128}, NEXTHOP_BLACKHOLE},
	{{{.family = IP_V6, .v6 = {[15] = 1}}, 128}, NEXTHOP_BLACKHOLE},
	{{{.family = IP_V6, .v6 = {0xfe, 0x80}}, 10}, NEXTHOP_LOCAL},
	{{{.family = IP_V6, .v6 = {0xff}}, 8}, NEXTHOP_MULTICAST},
};

static_assert(RTE_DIM(builtins) < ROUTES_SPARE, "and each has a bit in `overridden`");

static uint32_t blocks4_for(uint32_t routes_max)
{
	uint64_t blocks = (uint64_t)routes_max + ROUTES_SPARE + BLOCKS_SPARE;

	return (uint32_t)RTE_MIN(blocks, (uint64_t)BLOCKS4_LIMIT);
}

// A prefix of 64 bits needs five blocks and one of 128 thirteen, but neighbours in the address
// space share nearly all of theirs.
static uint32_t blocks6_for(uint32_t routes_max)
{
	uint64_t blocks = 4 * (uint64_t)routes_max + 1024;

	return (uint32_t)RTE_MIN(blocks, (uint64_t)1 << 22);
}

uint64_t fib_memory_bytes(uint32_t routes4_max, uint32_t routes6_max)
{
	uint64_t first_level = (uint64_t)1 << FIRST_LEVEL_BITS;
	uint64_t routes = (uint64_t)routes4_max + routes6_max + 2 * ROUTES_SPARE;

	return first_level * 2 + (uint64_t)blocks4_for(routes4_max) * BLOCK_ENTRIES * 2 +
	       first_level * 4 + (uint64_t)blocks6_for(routes6_max) * (BLOCK_ENTRIES * 4 + 4) +
	       routes * 2 * RIB_NODE_BYTES + sizeof(struct nexthop_group) * NEXTHOP_GROUPS_MAX;
}

// DPDK keeps drivers from 512-bit vectors unless told otherwise, and its FIB with them. A gather of
// sixteen next hops is worth it here: allowed for the choice of this one function.
static void select_lookup(struct fib *fib)
{
	uint16_t width = rte_vect_get_max_simd_bitwidth();

	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) <= 0 ||
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512DQ) <= 0 ||
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) <= 0)
		return;
	if (width < RTE_VECT_SIMD_512 && rte_vect_set_max_simd_bitwidth(RTE_VECT_SIMD_512) != 0)
		return; // fixed on DPDK's command line
	rte_fib_select_lookup(fib->v4, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
	rte_fib6_select_lookup(fib->v6, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);
	rte_vect_set_max_simd_bitwidth(width);
}

static uint32_t *routes_of(struct fib *fib, const struct ip_prefix *to)
{
	return to->addr.family == IP_V4 ? &fib->n_routes4 : &fib->n_routes6;
}

static uint32_t *blocks_of(struct fib *fib, const struct ip_prefix *to)
{
	return to->addr.family == IP_V4 ? &fib->n_blocks4 : &fib->n_blocks6;
}

// The second-level blocks that this prefix alone asks for: one for each whole byte of it from the
// third on that no other longer prefix shares. Asked while the prefix is not in the RIB.
static uint32_t blocks_own(
	const struct fib *fib, const struct fib_family *f, const struct ip_prefix *to)
{
	uint32_t n = 0;

	for (unsigned len = FIRST_LEVEL_BITS; len < to->len; len += 8)
		if (!f->has_longer(fib, to, (uint8_t)len))
			n++;
	return n;
}

// `to` with ones from its end to `len`.
static struct ip_prefix last_in(const struct ip_prefix *to, unsigned len)
{
	struct ip_prefix last = *to;

	last.len = (uint8_t)len;
	for (unsigned bit = to->len; bit < len; bit++)
		last.addr.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return last;
}

// The length of the shortest route within `to` that ends where the address space does; 0: none.
static unsigned last_route_len(
	const struct fib *fib, const struct fib_family *f, const struct ip_prefix *to)
{
	unsigned bits = to->addr.family == IP_V4 ? 32 : 128;

	for (unsigned bit = 0; bit < to->len; bit++)
		if ((to->addr.bytes[bit / 8] & (0x80 >> bit % 8)) == 0)
			return 0;
	for (unsigned len = to->len + 1u; len <= bits; len++) {
		struct ip_prefix last = last_in(to, len);

		if (f->find(fib, &last) != NULL)
			return len;
	}
	return 0;
}

// Gives the addresses of `to` that no longer prefix covers another answer than today's. Where
// rte_fib would go astray at the end of the address space it gets the prefix in halves, all but
// the last, which the longer route covers: each is in the RIB only meanwhile.
static int route_write(struct fib *fib, const struct fib_family *f, const struct ip_prefix *to,
	void *node, uint16_t code)
{
	unsigned last_len = last_route_len(fib, f, to);
	uint16_t today = f->code(node);

	if (today == code)
		return 0;
	if (last_len == 0) {
		f->table_replace(fib, to, code);
		return f->code(node) == code ? 0 : -ENOSPC;
	}
	for (unsigned len = to->len + 1u; len <= last_len; len++) {
		struct ip_prefix half = last_in(to, len);
		bool is_written;
		void *added;

		half.addr.bytes[(len - 1) / 8] &= (uint8_t) ~(0x80 >> (len - 1) % 8);
		if (f->find(fib, &half) != NULL)
			continue;
		added = f->insert(fib, &half);
		if (added == NULL)
			return -ENOSPC;
		f->set_code(added, today);
		f->table_replace(fib, &half, code);
		is_written = f->code(added) == code;
		f->remove(fib, &half);
		if (!is_written)
			return -ENOSPC;
	}
	f->set_code(node, code);
	return 0;
}

static uint16_t parent_code(const struct fib_family *f, void *node)
{
	void *parent = f->parent(node);

	return parent != NULL ? f->code(parent) : NEXTHOP_NONE;
}

// Counting keeps route_write from failing; should it fail all the same, what it had written is
// undone as far as that goes.
static int route_add(
	struct fib *fib, const struct fib_family *f, const struct ip_prefix *to, uint16_t code)
{
	uint32_t blocks = blocks_own(fib, f, to);
	uint32_t blocks_max = to->addr.family == IP_V4 ? fib->blocks4_max : fib->blocks6_max;
	uint16_t today;
	void *node;

	if (*blocks_of(fib, to) + blocks > blocks_max)
		return -ENOSPC;
	node = f->insert(fib, to);
	if (node == NULL)
		return -ENOSPC;
	today = parent_code(f, node);
	f->set_code(node, today);
	if (route_write(fib, f, to, node, code) != 0) {
		f->set_code(node, code);
		route_write(fib, f, to, node, today);
		f->remove(fib, to);
		return -ENOSPC;
	}
	*blocks_of(fib, to) += blocks;
	return 0;
}

static int route_delete(
	struct fib *fib, const struct fib_family *f, const struct ip_prefix *to, void *node)
{
	int ret = route_write(fib, f, to, node, parent_code(f, node));

	if (ret != 0)
		return ret;
	f->remove(fib, to);
	*blocks_of(fib, to) -= blocks_own(fib, f, to);
	return 0;
}

// Its index, or -1.
static int builtin_find(const struct ip_prefix *to)
{
	for (unsigned i = 0; i < RTE_DIM(builtins); i++)
		if (builtins[i].to.len == to->len && ip_prefix_contains(&builtins[i].to, &to->addr))
			return (int)i;
	return -1;
}

static void grace_begin(struct fib *fib)
{
	if (fib->rcu == NULL)
		return;
	fib->grace_token = rte_rcu_qsbr_start(fib->rcu);
	fib->is_grace_due = true;
}

static void grace_end(struct fib *fib)
{
	if (fib->rcu != NULL && fib->is_grace_due)
		grace_wait(fib->rcu, fib->grace_token);
	fib->is_grace_due = false;
}

static void default_store(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	if (to->len == 0)
		atomic_store_explicit(to->addr.family == IP_V6 ? &fib->default6 : &fib->default4,
			code, memory_order_relaxed);
}

int fib_set(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	const struct fib_family *f = fib_family_of(to);
	uint32_t routes_max = to->addr.family == IP_V4 ? fib->routes4_max : fib->routes6_max;
	int builtin = builtin_find(to);
	void *node;
	int ret;

	if (f == NULL || code == NEXTHOP_NONE || code > NEXTHOP_MAX)
		return -EINVAL;
	grace_end(fib);
	node = f->find(fib, to);
	if (node == NULL && *routes_of(fib, to) >= routes_max)
		return -ENOSPC;
	ret = node != NULL ? route_write(fib, f, to, node, code) : route_add(fib, f, to, code);
	grace_begin(fib);
	if (ret != 0)
		return ret;
	default_store(fib, to, code);
	if (builtin >= 0)
		fib->overridden |= 1u << builtin;
	else if (node == NULL)
		(*routes_of(fib, to))++;
	return 0;
}

int fib_delete(struct fib *fib, const struct ip_prefix *to)
{
	const struct fib_family *f = fib_family_of(to);
	int builtin = builtin_find(to);
	void *node;
	int ret;

	if (f == NULL)
		return -EINVAL;
	node = f->find(fib, to);
	if (node == NULL || (builtin >= 0 && (fib->overridden & 1u << builtin) == 0))
		return -ENOENT;
	grace_end(fib);
	ret = builtin >= 0 ? route_write(fib, f, to, node, builtins[builtin].code)
			   : route_delete(fib, f, to, node);
	grace_begin(fib);
	if (ret != 0)
		return ret;
	default_store(fib, to, NEXTHOP_NONE);
	if (builtin >= 0)
		fib->overridden &= ~(1u << builtin);
	else
		(*routes_of(fib, to))--;
	return 0;
}

uint16_t fib_find(const struct fib *fib, const struct ip_prefix *to)
{
	const struct fib_family *f = fib_family_of(to);
	int builtin = builtin_find(to);
	void *node;

	if (f == NULL || (builtin >= 0 && (fib->overridden & 1u << builtin) == 0))
		return NEXTHOP_NONE;
	node = f->find(fib, to);
	return node != NULL ? f->code(node) : NEXTHOP_NONE;
}

int fib_init(struct fib *fib, uint32_t routes4_max, uint32_t routes6_max)
{
	struct rte_fib_conf conf4 = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = NEXTHOP_NONE,
		.max_routes = (int)(routes4_max + ROUTES_SPARE),
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_2B, .num_tbl8 = blocks4_for(routes4_max)},
	};
	struct rte_fib6_conf conf6 = {
		.type = RTE_FIB6_TRIE,
		.default_nh = NEXTHOP_NONE,
		.max_routes = (int)(routes6_max + ROUTES_SPARE),
		.trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = blocks6_for(routes6_max)},
	};
	char name[NAME_BYTES];
	int ret = 0;

	*fib = (struct fib){
		.routes4_max = routes4_max,
		.routes6_max = routes6_max,
		.blocks4_max = conf4.dir24_8.num_tbl8 - BLOCKS_SPARE,
		.blocks6_max = conf6.trie.num_tbl8 - BLOCKS_SPARE,
	};
	if (routes4_max > ROUTES_LIMIT || routes6_max > ROUTES_LIMIT)
		return -EINVAL;
	// Names are the process's; the struct's address makes them this table's.
	snprintf(name, sizeof(name), "fib4_%zx", (size_t)fib);
	fib->v4 = rte_fib_create(name, SOCKET_ID_ANY, &conf4);
	snprintf(name, sizeof(name), "fib6_%zx", (size_t)fib);
	fib->v6 = rte_fib6_create(name, SOCKET_ID_ANY, &conf6);
	fib->groups = rte_zmalloc("nexthop_groups",
		sizeof(struct nexthop_group) * NEXTHOP_GROUPS_MAX, RTE_CACHE_LINE_SIZE);
	if (fib->v4 == NULL || fib->v6 == NULL || fib->groups == NULL)
		ret = -ENOMEM;
	for (unsigned i = 0; ret == 0 && i < RTE_DIM(builtins); i++)
		ret = route_add(
			fib, fib_family_of(&builtins[i].to), &builtins[i].to, builtins[i].code);
	if (ret != 0) {
		fib_fini(fib);
		return ret;
	}
	select_lookup(fib);
	return 0;
}

void fib_fini(struct fib *fib)
{
	rte_fib_free(fib->v4);
	rte_fib6_free(fib->v6);
	rte_free(fib->groups);
	*fib = (struct fib){0};
}
