// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fib.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cpuflags.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <rte_rib.h>
#include <rte_rib6.h>
#include <rte_vect.h>

// rte_fib keeps the routes in a tree (its RIB) and writes the lookup table from there. Its own add
// has four faults in 22.11: the count of second-level blocks drifts when routes come and go, until
// every add fails with ENOSPC; running out of blocks half-way leaves half a change; and replacing a
// route hides its failure. So the route is entered into the RIB here, with the answer that the
// table gives today, and rte_fib then only ever replaces: that path uses no count, and it is
// checked afterwards. Blocks are counted here, exactly, and a change that could run out is refused.

enum {
	BLOCKS4_LIMIT = 32767, // what a nexthop of two bytes can name
	BLOCKS_SPARE = 64,     // rte_fib needs a few for a moment while it writes a change
	BLOCK_ENTRIES = 256,
	NAME_BYTES = 24, // a RIB's name is also a mempool's, and those are short
	FIRST_LEVEL_BITS = 24,
	ROUTES_LIMIT = 1 << 26,	  // rte_rib takes twice as many nodes, in an int
	RIB_NODE_BYTES = 128 + 8, // a mempool object and its place in the pool's ring
};

static const struct builtin {
	struct ip_prefix to;
	uint16_t code;
} builtins[] = {
	// RFC 1122 3.2.1.3, RFC 6890
	{{{IP_V4, .v4 = {0}}, 8}, NEXTHOP_BLACKHOLE},
	{{{IP_V4, .v4 = {127}}, 8}, NEXTHOP_BLACKHOLE},
	{{{IP_V4, .v4 = {224}}, 4}, NEXTHOP_MULTICAST},
	// RFC 4291 2.4
	{{{IP_V6, .v6 = {0}}, 128}, NEXTHOP_BLACKHOLE},
	{{{IP_V6, .v6 = {[15] = 1}}, 128}, NEXTHOP_BLACKHOLE},
	{{{IP_V6, .v6 = {0xfe, 0x80}}, 10}, NEXTHOP_LOCAL},
};

static_assert(RTE_DIM(builtins) <= 32, "a bit each in `overridden`");

static uint32_t blocks4_for(uint32_t routes_max)
{
	uint64_t blocks = (uint64_t)routes_max + RTE_DIM(builtins) + BLOCKS_SPARE;

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
	uint64_t routes = (uint64_t)routes4_max + routes6_max + RTE_DIM(builtins);

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

static uint32_t ip4(const struct ip_prefix *prefix)
{
	uint32_t be;

	memcpy(&be, prefix->addr.v4, sizeof(be));
	return rte_be_to_cpu_32(be);
}

static void *node4_find(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib_lookup_exact(rte_fib_get_rib(fib->v4), ip4(to), to->len);
}

static void *node6_find(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib6_lookup_exact(rte_fib6_get_rib(fib->v6), to->addr.v6, to->len);
}

static void *node4_insert(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib_insert(rte_fib_get_rib(fib->v4), ip4(to), to->len);
}

static void *node6_insert(const struct fib *fib, const struct ip_prefix *to)
{
	return rte_rib6_insert(rte_fib6_get_rib(fib->v6), to->addr.v6, to->len);
}

static void *node4_parent(void *node)
{
	return rte_rib_lookup_parent(node);
}

static void *node6_parent(void *node)
{
	return rte_rib6_lookup_parent(node);
}

static uint16_t node4_code(const void *node)
{
	uint64_t code = NEXTHOP_NONE;

	rte_rib_get_nh(node, &code);
	return (uint16_t)code;
}

static uint16_t node6_code(const void *node)
{
	uint64_t code = NEXTHOP_NONE;

	rte_rib6_get_nh(node, &code);
	return (uint16_t)code;
}

static void node4_set_code(void *node, uint16_t code)
{
	rte_rib_set_nh(node, code);
}

static void node6_set_code(void *node, uint16_t code)
{
	rte_rib6_set_nh(node, code);
}

static bool has_longer4(const struct fib *fib, const struct ip_prefix *to, uint8_t len)
{
	return rte_rib_get_nxt(rte_fib_get_rib(fib->v4), ip4(to) & rte_rib_depth_to_mask(len), len,
		       NULL, RTE_RIB_GET_NXT_COVER) != NULL;
}

static bool has_longer6(const struct fib *fib, const struct ip_prefix *to, uint8_t len)
{
	return rte_rib6_get_nxt(rte_fib6_get_rib(fib->v6), to->addr.v6, len, NULL,
		       RTE_RIB6_GET_NXT_COVER) != NULL;
}

static int table4_add(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	return rte_fib_add(fib->v4, ip4(to), to->len, code);
}

static int table6_add(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	return rte_fib6_add(fib->v6, to->addr.v6, to->len, code);
}

static int table4_delete(struct fib *fib, const struct ip_prefix *to)
{
	return rte_fib_delete(fib->v4, ip4(to), to->len);
}

static int table6_delete(struct fib *fib, const struct ip_prefix *to)
{
	return rte_fib6_delete(fib->v6, to->addr.v6, to->len);
}

// What the two libraries do alike under different names.
struct family {
	void *(*find)(const struct fib *fib, const struct ip_prefix *to);
	void *(*insert)(const struct fib *fib, const struct ip_prefix *to);
	void *(*parent)(void *node);
	uint16_t (*code)(const void *node);
	void (*set_code)(void *node, uint16_t code);
	bool (*has_longer)(const struct fib *fib, const struct ip_prefix *to, uint8_t len);
	int (*table_add)(struct fib *fib, const struct ip_prefix *to, uint16_t code);
	int (*table_delete)(struct fib *fib, const struct ip_prefix *to);
};

static const struct family family4 = {node4_find, node4_insert, node4_parent, node4_code,
	node4_set_code, has_longer4, table4_add, table4_delete};
static const struct family family6 = {node6_find, node6_insert, node6_parent, node6_code,
	node6_set_code, has_longer6, table6_add, table6_delete};

static const struct family *family_of(const struct ip_prefix *to)
{
	if (to->addr.family == IP_V4 && to->len <= 32)
		return &family4;
	return to->addr.family == IP_V6 && to->len <= 128 ? &family6 : NULL;
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
	const struct fib *fib, const struct family *f, const struct ip_prefix *to)
{
	uint32_t n = 0;

	for (unsigned len = FIRST_LEVEL_BITS; len < to->len; len += 8)
		if (!f->has_longer(fib, to, (uint8_t)len))
			n++;
	return n;
}

static int route_add(
	struct fib *fib, const struct family *f, const struct ip_prefix *to, uint16_t code)
{
	uint32_t blocks = blocks_own(fib, f, to);
	uint32_t blocks_max = to->addr.family == IP_V4 ? fib->blocks4_max : fib->blocks6_max;
	void *node, *parent;
	uint16_t today;

	if (*blocks_of(fib, to) + blocks > blocks_max)
		return -ENOSPC;
	node = f->insert(fib, to);
	if (node == NULL)
		return rte_errno == ENOMEM ? -ENOSPC : -rte_errno;
	parent = f->parent(node);
	today = parent != NULL ? f->code(parent) : NEXTHOP_NONE;
	f->set_code(node, today);
	if (today != code) {
		f->table_add(fib, to, code);
		if (f->code(node) != code) {
			// Not reached while blocks are counted right; undone as far as it came.
			f->set_code(node, code);
			f->table_delete(fib, to);
			return -ENOSPC;
		}
	}
	*blocks_of(fib, to) += blocks;
	return 0;
}

static int route_replace(struct fib *fib, const struct family *f, const struct ip_prefix *to,
	void *node, uint16_t code)
{
	if (f->code(node) == code)
		return 0;
	f->table_add(fib, to, code);
	return f->code(node) == code ? 0 : -ENOSPC;
}

static int route_delete(struct fib *fib, const struct family *f, const struct ip_prefix *to)
{
	int ret = f->table_delete(fib, to);

	if (ret == 0)
		*blocks_of(fib, to) -= blocks_own(fib, f, to);
	return ret;
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
		rte_rcu_qsbr_check(fib->rcu, fib->grace_token, true);
	fib->is_grace_due = false;
}

static int entry_set(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	const struct family *f = family_of(to);
	uint32_t routes_max = to->addr.family == IP_V4 ? fib->routes4_max : fib->routes6_max;
	int builtin = builtin_find(to);
	void *node;
	int ret;

	grace_end(fib);
	node = f->find(fib, to);
	if (node == NULL && *routes_of(fib, to) >= routes_max)
		return -ENOSPC;
	ret = node != NULL ? route_replace(fib, f, to, node, code) : route_add(fib, f, to, code);
	grace_begin(fib);
	if (ret != 0)
		return ret;
	if (builtin >= 0)
		fib->overridden |= 1u << builtin;
	else if (node == NULL)
		(*routes_of(fib, to))++;
	return 0;
}

static int entry_delete(struct fib *fib, const struct ip_prefix *to)
{
	const struct family *f = family_of(to);
	int builtin = builtin_find(to);
	void *node;
	int ret;

	node = f->find(fib, to);
	if (node == NULL || (builtin >= 0 && (fib->overridden & 1u << builtin) == 0))
		return -ENOENT;
	grace_end(fib);
	ret = builtin >= 0 ? route_replace(fib, f, to, node, builtins[builtin].code)
			   : route_delete(fib, f, to);
	grace_begin(fib);
	if (ret != 0)
		return ret;
	if (builtin >= 0)
		fib->overridden &= ~(1u << builtin);
	else
		(*routes_of(fib, to))--;
	return 0;
}

// A fourth fault: when a route is written over one that ends at the last address and touches its
// neighbour, rte_fib counts past the end and writes the whole table. So no route that ends there
// is ever given to it but the default one: 128.0.0.0/1 stands there as 128.0.0.0/2, 192.0.0.0/3
// and so on down to 255.255.255.254/32. The last address itself is multicast or broadcast in either
// family, which the pipeline looks at before the FIB.

static unsigned leading_ones(const struct ip_addr *addr)
{
	unsigned n = 0;

	while (n < ip_family_bits(addr->family) && addr->bytes[n / 8] & 0x80 >> n % 8)
		n++;
	return n;
}

static struct fib_edge *edge_of(struct fib *fib, const struct ip_prefix *to)
{
	return to->addr.family == IP_V4 ? &fib->edge4 : &fib->edge6;
}

static bool prefix_ends_table(const struct ip_prefix *to)
{
	return to->len > 0 && leading_ones(&to->addr) >= to->len;
}

// One of those that such a route is made of: ones, then a zero as the last bit.
static bool prefix_is_piece(const struct ip_prefix *to)
{
	return to->len > 0 && leading_ones(&to->addr) == to->len - 1u;
}

static struct ip_prefix piece_at(uint8_t family, uint8_t len)
{
	struct ip_prefix piece = {.addr.family = family, .len = len};

	for (unsigned i = 0; i + 1 < len; i++)
		piece.addr.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return piece;
}

// What the piece goes by now: a route of its own, else the longest one that ends the table above.
static int piece_refresh(struct fib *fib, const struct fib_edge *edge, uint8_t family, uint8_t len)
{
	struct ip_prefix piece = piece_at(family, len);
	uint16_t code = edge->own[len];
	int ret;

	if (code == NEXTHOP_NONE && builtin_find(&piece) < 0)
		for (unsigned k = len - 1u; k > 0 && code == NEXTHOP_NONE; k--)
			code = edge->ending[k];
	if (code != NEXTHOP_NONE)
		return entry_set(fib, &piece, code);
	ret = entry_delete(fib, &piece);
	return ret == -ENOENT ? 0 : ret;
}

// Sets one word of the edge and every piece that it bears on; all or nothing.
static int edge_set(struct fib *fib, const struct ip_prefix *to, uint16_t *word, uint16_t code)
{
	const struct fib_edge *edge = edge_of(fib, to);
	uint8_t family = to->addr.family;
	bool is_piece = prefix_is_piece(to);
	unsigned first = is_piece ? to->len : to->len + 1u;
	unsigned last = is_piece ? to->len : ip_family_bits(family);
	uint16_t old = *word;
	int ret = 0;

	*word = code;
	for (unsigned len = first; ret == 0 && len <= last; len++)
		ret = piece_refresh(fib, edge, family, (uint8_t)len);
	if (ret == 0)
		return 0;
	*word = old;
	for (unsigned len = first; len <= last; len++)
		piece_refresh(fib, edge, family, (uint8_t)len);
	return ret;
}

// The word of the edge that stands for a prefix; NULL: it is an entry like any other.
static uint16_t *edge_word(struct fib *fib, const struct ip_prefix *to)
{
	if (prefix_ends_table(to))
		return &edge_of(fib, to)->ending[to->len];
	return prefix_is_piece(to) ? &edge_of(fib, to)->own[to->len] : NULL;
}

static bool prefix_is_valid(const struct ip_prefix *to)
{
	return family_of(to) != NULL && leading_ones(&to->addr) < ip_family_bits(to->addr.family);
}

int fib_set(struct fib *fib, const struct ip_prefix *to, uint16_t code)
{
	struct ip_prefix network = ip_prefix_network(to);
	uint16_t *word;

	if (!prefix_is_valid(&network) || code == NEXTHOP_NONE || code > NEXTHOP_MAX)
		return -EINVAL;
	word = edge_word(fib, &network);
	return word != NULL ? edge_set(fib, &network, word, code) : entry_set(fib, &network, code);
}

int fib_delete(struct fib *fib, const struct ip_prefix *to)
{
	struct ip_prefix network = ip_prefix_network(to);
	uint16_t *word;

	if (!prefix_is_valid(&network))
		return -EINVAL;
	word = edge_word(fib, &network);
	if (word == NULL)
		return entry_delete(fib, &network);
	return *word != NEXTHOP_NONE ? edge_set(fib, &network, word, NEXTHOP_NONE) : -ENOENT;
}

uint16_t fib_find(const struct fib *fib, const struct ip_prefix *to)
{
	struct ip_prefix network = ip_prefix_network(to);
	const struct family *f = family_of(&network);
	int builtin;
	void *node;

	if (!prefix_is_valid(&network))
		return NEXTHOP_NONE;
	if (prefix_ends_table(&network) || prefix_is_piece(&network))
		return *edge_word((struct fib *)(uintptr_t)fib, &network);
	builtin = builtin_find(&network);
	if (builtin >= 0 && (fib->overridden & 1u << builtin) == 0)
		return NEXTHOP_NONE;
	node = f->find(fib, &network);
	return node != NULL ? f->code(node) : NEXTHOP_NONE;
}

int fib_init(struct fib *fib, uint32_t routes4_max, uint32_t routes6_max)
{
	struct rte_fib_conf conf4 = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = NEXTHOP_NONE,
		.max_routes = (int)(routes4_max + RTE_DIM(builtins)),
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_2B, .num_tbl8 = blocks4_for(routes4_max)},
	};
	struct rte_fib6_conf conf6 = {
		.type = RTE_FIB6_TRIE,
		.default_nh = NEXTHOP_NONE,
		.max_routes = (int)(routes6_max + RTE_DIM(builtins)),
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
		ret = route_add(fib, family_of(&builtins[i].to), &builtins[i].to, builtins[i].code);
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
