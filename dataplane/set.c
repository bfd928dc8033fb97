// SPDX-License-Identifier: BSD-3-Clause
// Ranges are sorted and merged, and written down as bounds: where one begins, where the gap behind
// it begins, and so on, in ascending order. How many bounds are at or below x is x's rank, and x is
// in the set when that is odd.
//
// Numbers of 32 bits are searched by halving, without a branch to predict; large sets of IPv4
// addresses have an index of the rank before each of the 2^16 upper halves, which leaves some dozen
// bounds to search in one or two cache lines. IPv6 addresses crowd under few upper halves, so
// numbers of 128 bits stand under layers of samples instead: a layer has every eighth key of the
// one below it, down to all of them. A step looks at one block of eight, and all but the last two
// layers stay in the cache.
#include "dataplane/set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "dataplane/memory.h"

enum {
	INDEX_BITS = 16,
	INDEX_SLOTS = 1 << INDEX_BITS,
	INDEX_FROM = 1024, // bounds: 4 KB of them need no index of 256 KB
	BLOCK_KEYS = 8,
	LAYERS_MAX = 7, // 8^7 = 2 * SET_ELEMENTS_MAX
	INDEX_BYTES = (INDEX_SLOTS + 1) * sizeof(uint32_t),
};

static_assert(UINT64_C(1) << (3 * LAYERS_MAX) >= UINT64_C(2) * SET_ELEMENTS_MAX,
	"the top layer is one block");

struct range {
	unsigned __int128 first, last;
};

struct bounds32 {
	uint32_t *keys;
	uint32_t n;
	uint32_t *index; // INDEX_SLOTS + 1 ranks, or NULL
};

struct bounds128 {
	unsigned __int128 *keys;	 // all layers, the lowest first
	uint32_t layers[LAYERS_MAX + 1]; // where each begins; the one after the top is the end
	uint32_t top;
};

struct set {
	struct bounds32 ip4;
	struct bounds32 numbers;
	struct bounds128 ip6;
	struct bounds128 macs;
};

// --- lookup ---

static bool bounds32_has(const struct bounds32 *bounds, uint32_t x)
{
	const uint32_t *from = bounds->keys;
	uint32_t n = bounds->n;

	if (bounds->index != NULL) {
		const uint32_t *slot = &bounds->index[x >> (32 - INDEX_BITS)];

		from += slot[0];
		n = slot[1] - slot[0];
	}
	if (n == 0) // nothing to compare with, what is before decides
		return (from - bounds->keys) & 1;
	while (n > 1) {
		uint32_t half = n / 2;

		from += half * (from[half - 1] <= x);
		n -= half;
	}
	from += *from <= x;
	return (from - bounds->keys) & 1;
}

static bool bounds128_has(const struct bounds128 *bounds, unsigned __int128 x)
{
	uint32_t rank = 1;

	if (bounds->keys == NULL)
		return false;
	for (uint32_t layer = bounds->top + 1; layer-- > 0;) {
		const unsigned __int128 *keys = bounds->keys + bounds->layers[layer];
		uint32_t n_keys = bounds->layers[layer + 1] - bounds->layers[layer];
		uint32_t block = (rank - 1) * BLOCK_KEYS;
		uint32_t end = RTE_MIN(block + BLOCK_KEYS, n_keys);

		rank = block;
		for (uint32_t i = block; i < end; i++)
			rank += keys[i] <= x;
		if (rank == 0) // below the first bound of all, which every layer has
			return false;
	}
	return rank & 1;
}

static unsigned __int128 number_of(const uint8_t *bytes, unsigned n)
{
	unsigned __int128 number = 0;

	for (unsigned i = 0; i < n; i++)
		number = number << 8 | bytes[i];
	return number;
}

bool set_has4(const struct set *set, uint32_t addr_be)
{
	return bounds32_has(&set->ip4, rte_be_to_cpu_32(addr_be));
}

bool set_has6(const struct set *set, const uint8_t addr[16])
{
	uint64_t halves[2];

	memcpy(halves, addr, sizeof(halves));
	return bounds128_has(&set->ip6,
		(unsigned __int128)rte_be_to_cpu_64(halves[0]) << 64 | rte_be_to_cpu_64(halves[1]));
}

bool set_has_number(const struct set *set, uint32_t number)
{
	return bounds32_has(&set->numbers, number);
}

bool set_has_mac(const struct set *set, const struct mac_addr *mac)
{
	return bounds128_has(&set->macs, number_of(mac->bytes, sizeof(mac->bytes)));
}

// --- building ---

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

// Sorts them and joins those that overlap or touch; returns how many are left.
static uint32_t merge(struct range *ranges, uint32_t n)
{
	uint32_t kept = 0;

	qsort(ranges, n, sizeof(ranges[0]), compare_ranges);
	for (uint32_t i = 0; i < n; i++) {
		struct range *before = kept > 0 ? &ranges[kept - 1] : NULL;

		if (before == NULL ||
			(ranges[i].first > before->last && ranges[i].first - before->last > 1))
			ranges[kept++] = ranges[i];
		else if (ranges[i].last > before->last)
			before->last = ranges[i].last;
	}
	return kept;
}

static uint64_t bounds32_bytes(const struct bounds32 *bounds)
{
	return bounds->n * sizeof(bounds->keys[0]) + (bounds->index != NULL ? INDEX_BYTES : 0);
}

static uint64_t bounds128_bytes(const struct bounds128 *bounds)
{
	return bounds->layers[bounds->top + 1] * sizeof(bounds->keys[0]);
}

static void bounds32_fini(struct bounds32 *bounds)
{
	memory_free(bounds->keys, bounds->n * sizeof(bounds->keys[0]));
	memory_free(bounds->index, INDEX_BYTES);
}

static void bounds128_fini(struct bounds128 *bounds)
{
	memory_free(bounds->keys, bounds128_bytes(bounds));
}

// The bound behind the last number there is would be one more: it is left out, nothing is there.
static int bounds32_init(struct bounds32 *bounds, struct range *ranges, uint32_t n)
{
	n = merge(ranges, n);
	if (n == 0)
		return 0;
	bounds->n = 2 * n - (ranges[n - 1].last == UINT32_MAX);
	bounds->keys = memory_new(bounds->n * sizeof(bounds->keys[0]));
	if (bounds->keys == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < bounds->n; i++)
		bounds->keys[i] = (uint32_t)(i & 1 ? ranges[i / 2].last + 1 : ranges[i / 2].first);
	if (bounds->n < INDEX_FROM)
		return 0;
	bounds->index = memory_new(INDEX_BYTES);
	if (bounds->index == NULL)
		return -ENOMEM;
	for (uint32_t slot = 0, rank = 0; slot <= INDEX_SLOTS; slot++) {
		while (rank < bounds->n && bounds->keys[rank] >> (32 - INDEX_BITS) < slot)
			rank++;
		bounds->index[slot] = rank;
	}
	return 0;
}

static int bounds128_init(struct bounds128 *bounds, struct range *ranges, uint32_t n)
{
	uint32_t n_layer, end;

	n = merge(ranges, n);
	if (n == 0)
		return 0;
	n_layer = 2 * n - (ranges[n - 1].last == ~(unsigned __int128)0);
	end = n_layer;
	bounds->layers[1] = n_layer;
	while (n_layer > BLOCK_KEYS) {
		n_layer = (n_layer + BLOCK_KEYS - 1) / BLOCK_KEYS;
		end += n_layer;
		bounds->layers[++bounds->top + 1] = end;
	}
	bounds->keys = memory_new(bounds128_bytes(bounds));
	if (bounds->keys == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < bounds->layers[1]; i++)
		bounds->keys[i] = i & 1 ? ranges[i / 2].last + 1 : ranges[i / 2].first;
	for (uint32_t layer = 1; layer <= bounds->top; layer++) {
		unsigned __int128 *keys = bounds->keys + bounds->layers[layer];
		const unsigned __int128 *below = bounds->keys + bounds->layers[layer - 1];

		for (uint32_t i = 0; i < bounds->layers[layer + 1] - bounds->layers[layer]; i++)
			keys[i] = below[i * BLOCK_KEYS];
	}
	return 0;
}

// --- what control hands over ---

static struct range range_of_prefix(const struct ip_prefix *prefix)
{
	unsigned bits = ip_family_bits(prefix->addr.family);
	unsigned __int128 hosts = 0;
	struct range range;

	if (prefix->len < bits) // a shift by all 128 bits would be undefined
		hosts = ~(unsigned __int128)0 >> (128 - (bits - prefix->len));
	range.first = number_of(prefix->addr.bytes, bits / 8) & ~hosts;
	range.last = range.first | hosts;
	return range;
}

static int add_prefixes(struct set *set, const struct dp_set *from, struct range *scratch)
{
	uint32_t n4 = 0, n6 = 0;

	for (uint32_t i = 0; i < from->n_prefixes; i++)
		if (from->prefixes[i].addr.family == IP_V4)
			scratch[n4++] = range_of_prefix(&from->prefixes[i]);
	if (bounds32_init(&set->ip4, scratch, n4) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n_prefixes; i++)
		if (from->prefixes[i].addr.family == IP_V6)
			scratch[n6++] = range_of_prefix(&from->prefixes[i]);
	return bounds128_init(&set->ip6, scratch, n6);
}

static int add_numbers(struct set *set, const struct dp_set *from, struct range *scratch)
{
	for (uint32_t i = 0; i < from->n_ranges; i++)
		scratch[i] = (struct range){from->ranges[i].first, from->ranges[i].last};
	return bounds32_init(&set->numbers, scratch, from->n_ranges);
}

static int add_macs(struct set *set, const struct dp_set *from, struct range *scratch)
{
	for (uint32_t i = 0; i < from->n_macs; i++) {
		scratch[i].first = number_of(from->macs[i].bytes, sizeof(from->macs[i].bytes));
		scratch[i].last = scratch[i].first;
	}
	return bounds128_init(&set->macs, scratch, from->n_macs);
}

static int fill(struct set *set, const struct dp_set *from, struct range *scratch)
{
	if (from->kind == DP_SET_ADDRESSES)
		return add_prefixes(set, from, scratch);
	if (from->kind == DP_SET_MACS)
		return add_macs(set, from, scratch);
	return add_numbers(set, from, scratch);
}

static int check(const struct dp_set *from, struct error *err)
{
	for (uint32_t i = 0; i < from->n_prefixes; i++) {
		unsigned bits = ip_family_bits(from->prefixes[i].addr.family);

		if (bits == 0 || from->prefixes[i].len > bits)
			return error_set(err, "element %u of the set is no prefix", i);
	}
	for (uint32_t i = 0; i < from->n_ranges; i++)
		if (from->ranges[i].first > from->ranges[i].last)
			return error_set(err, "element %u of the set ends before it begins", i);
	return 0;
}

struct set *set_new(const struct dp_set *from, struct error *err)
{
	uint32_t n = RTE_MAX(RTE_MAX(from->n_prefixes, from->n_ranges), from->n_macs);
	struct range *scratch;
	struct set *set;
	int error;

	if (n > SET_ELEMENTS_MAX) {
		error_set(err, "%u elements in a set: there may be %d", n, SET_ELEMENTS_MAX);
		return NULL;
	}
	if (check(from, err) != 0)
		return NULL;
	set = calloc(1, sizeof(*set));
	scratch = malloc(RTE_MAX(n, 1u) * sizeof(scratch[0]));
	error = set == NULL || scratch == NULL ? -ENOMEM : fill(set, from, scratch);
	free(scratch);
	if (error != 0) {
		error_set(err, "no memory for a set of %u elements", n);
		set_free(set);
		return NULL;
	}
	return set;
}

void set_free(struct set *set)
{
	if (set == NULL)
		return;
	bounds32_fini(&set->ip4);
	bounds32_fini(&set->numbers);
	bounds128_fini(&set->ip6);
	bounds128_fini(&set->macs);
	free(set);
}

uint64_t set_bytes(const struct set *set)
{
	return sizeof(*set) + bounds32_bytes(&set->ip4) + bounds32_bytes(&set->numbers) +
	       bounds128_bytes(&set->ip6) + bounds128_bytes(&set->macs);
}
