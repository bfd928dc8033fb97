// SPDX-License-Identifier: BSD-3-Clause
// Ranges are sorted and merged, and written down as bounds: where one begins, where the gap behind
// it begins, and so on, in ascending order. How many bounds are at or below x is x's rank, and x is
// in the set when that is odd.
#include "dataplane/set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "dataplane/bounds.h"

static_assert(BOUNDS_MAX >= 2 * SET_ELEMENTS_MAX, "where each begins, and where it ends");

struct range {
	unsigned __int128 first, last;
};

struct set {
	struct bounds32 ip4;
	struct bounds32 numbers;
	struct bounds128 ip6;
	struct bounds128 macs;
};

// --- lookup ---

static unsigned __int128 number_of(const uint8_t *bytes, unsigned n)
{
	unsigned __int128 number = 0;

	for (unsigned i = 0; i < n; i++)
		number = number << 8 | bytes[i];
	return number;
}

bool set_has4(const struct set *set, uint32_t addr_be)
{
	return bounds32_rank(&set->ip4, rte_be_to_cpu_32(addr_be)) & 1;
}

bool set_has6(const struct set *set, const uint8_t addr[16])
{
	uint64_t halves[2];

	memcpy(halves, addr, sizeof(halves));
	return bounds128_rank(&set->ip6, (unsigned __int128)rte_be_to_cpu_64(halves[0]) << 64 |
						 rte_be_to_cpu_64(halves[1])) &
	       1;
}

bool set_has_number(const struct set *set, uint32_t number)
{
	return bounds32_rank(&set->numbers, number) & 1;
}

bool set_has_mac(const struct set *set, const struct mac_addr *mac)
{
	return bounds128_rank(&set->macs, number_of(mac->bytes, sizeof(mac->bytes))) & 1;
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

// The bound behind the last number there is would be one more: it is left out, nothing is there.
static uint32_t count_bounds(const struct range *ranges, uint32_t n, unsigned __int128 last_number)
{
	return n > 0 ? 2 * n - (ranges[n - 1].last == last_number) : 0;
}

static unsigned __int128 bound_of(const struct range *ranges, uint32_t i)
{
	return i & 1 ? ranges[i / 2].last + 1 : ranges[i / 2].first;
}

static int fill32(struct bounds32 *bounds, struct range *ranges, uint32_t n)
{
	n = merge(ranges, n);
	if (bounds32_init(bounds, count_bounds(ranges, n, UINT32_MAX)) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < bounds->n; i++)
		bounds->keys[i] = (uint32_t)bound_of(ranges, i);
	return bounds32_index(bounds);
}

static int fill128(struct bounds128 *bounds, struct range *ranges, uint32_t n)
{
	n = merge(ranges, n);
	if (bounds128_init(bounds, count_bounds(ranges, n, ~(unsigned __int128)0)) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < bounds->layers[1]; i++)
		bounds->keys[i] = bound_of(ranges, i);
	bounds128_index(bounds);
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
	if (fill32(&set->ip4, scratch, n4) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n_prefixes; i++)
		if (from->prefixes[i].addr.family == IP_V6)
			scratch[n6++] = range_of_prefix(&from->prefixes[i]);
	return fill128(&set->ip6, scratch, n6);
}

static int add_numbers(struct set *set, const struct dp_set *from, struct range *scratch)
{
	for (uint32_t i = 0; i < from->n_ranges; i++)
		scratch[i] = (struct range){from->ranges[i].first, from->ranges[i].last};
	return fill32(&set->numbers, scratch, from->n_ranges);
}

static int add_macs(struct set *set, const struct dp_set *from, struct range *scratch)
{
	for (uint32_t i = 0; i < from->n_macs; i++) {
		scratch[i].first = number_of(from->macs[i].bytes, sizeof(from->macs[i].bytes));
		scratch[i].last = scratch[i].first;
	}
	return fill128(&set->macs, scratch, from->n_macs);
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

uint32_t set_n_bounds(const struct set *set, enum set_space space)
{
	if (space == SET_SPACE_IP6)
		return set->ip6.layers[1];
	return space == SET_SPACE_IP4 ? set->ip4.n : set->numbers.n;
}

unsigned __int128 set_bound(const struct set *set, enum set_space space, uint32_t i)
{
	if (space == SET_SPACE_IP6)
		return set->ip6.keys[i];
	return bounds32_key(space == SET_SPACE_IP4 ? &set->ip4 : &set->numbers, i);
}
