// SPDX-License-Identifier: BSD-3-Clause
// Sets come into a policy when something asks for them. A match of one named set is that set;
// anything else, elements written in place or several sets, becomes a set of its own, and matches
// that say the same share one.
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "control/hash.h"
#include "control/policy_build.h"

enum { SEED = 2 };

static_assert((POLICY_MATCH_SLOTS & (POLICY_MATCH_SLOTS - 1)) == 0, "a power of 2");

// --- what goes into a set ---

static int too_large(struct policy_build *build, struct cfg_place place, int error)
{
	if (error == -ENOMEM)
		return error_set(build->err, "no memory for the sets");
	return policy_refuse(build, place,
		"a set of more than %d elements, ranges of addresses taken as prefixes",
		DP_SET_ELEMENTS_MAX);
}

static int add_named(struct policy_build *build, const struct cfg_set *set, struct cfg_place place,
	struct set_elements *elements, uint16_t *timed)
{
	const struct set_elements *from_file = set_files_find(build->in->files, set);
	int rc = 0;

	for (unsigned i = 0; i < set->n_elements && rc == 0; i++)
		rc = set_elements_add(elements, &set->elements[i]);
	if (rc == 0 && from_file != NULL)
		rc = set_elements_append(elements, from_file);
	if (rc != 0)
		return too_large(build, place, rc);
	if (set->timeout_sec != 0)
		*timed = timed_sets_find(build->in->timed, set->name);
	return 0;
}

static const struct cfg_set *find_named(const struct policy_build *build, const char *name)
{
	return &build->in->config->sets[name_table_find(&build->sets, name)];
}

static int add_match(struct policy_build *build, const struct cfg_match *match,
	struct cfg_place place, struct set_elements *elements, uint16_t *timed)
{
	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_element *element = &match->elements[i];
		int rc = 0;

		if (element->set == NULL)
			rc = set_elements_add(elements, element);
		else if (add_named(build, find_named(build, element->set), place, elements,
				 timed) != 0)
			return -1;
		if (rc != 0)
			return too_large(build, place, rc);
	}
	return 0;
}

// Names of interfaces become ids; those of absent ones go.
static int resolve_interfaces(struct policy_build *build, struct set_elements *elements)
{
	struct set_elements ids = {.kind = CFG_SET_PROTOCOLS}; // any kind that has numbers
	int rc = 0;

	for (uint32_t i = 0; i < elements->n && rc == 0; i++) {
		int id = policy_interface_id(build, elements->names[i].text);
		struct cfg_element element = {.numbers = {(uint32_t)id, (uint32_t)id}};

		if (id >= 0)
			rc = set_elements_add(&ids, &element);
	}
	set_elements_fini(elements);
	*elements = ids;
	return rc == 0 ? 0 : error_set(build->err, "no memory for the sets");
}

// --- sets ---

static const enum dp_set_kind kinds[] = {
	[CFG_SET_ADDRESSES] = DP_SET_ADDRESSES,
	[CFG_SET_PORTS] = DP_SET_PORTS,
	[CFG_SET_MACS] = DP_SET_MACS,
	[CFG_SET_ICMP] = DP_SET_ICMP,
	[CFG_SET_ICMP6] = DP_SET_ICMP6,
	[CFG_SET_INTERFACES] = DP_SET_INTERFACES,
	[CFG_SET_PROTOCOLS] = DP_SET_PROTOCOLS,
};

static void describe(struct dp_set *set, enum cfg_set_kind kind,
	const struct set_elements *elements, uint16_t timed)
{
	*set = (struct dp_set){.kind = kinds[kind], .timed = timed};
	if (kind == CFG_SET_ADDRESSES) {
		set->prefixes = elements->prefixes;
		set->n_prefixes = elements->n;
	} else if (kind == CFG_SET_MACS) {
		set->macs = elements->macs;
		set->n_macs = elements->n;
	} else {
		set->ranges = elements->ranges;
		set->n_ranges = elements->n;
	}
}

// A new set of `named` or else of `match`. Its index, or -1.
static int make_set(struct policy_build *build, enum cfg_set_kind kind, const struct cfg_set *named,
	const struct cfg_match *match, struct cfg_place place)
{
	struct dp_policy *dp = &build->policy->dp;
	struct set_elements *elements = &build->arrays->elements[dp->n_sets];
	uint16_t timed = DP_INDEX_NONE;
	int rc;

	if (dp->n_sets == DP_SETS_MAX)
		return policy_refuse(build, place,
			"too many sets in use: the most is %d, with one for each different list of "
			"addresses, ports and the like that is written in a rule",
			DP_SETS_MAX);
	elements->kind = kind;
	if (named != NULL)
		rc = add_named(build, named, place, elements, &timed);
	else
		rc = add_match(build, match, place, elements, &timed);
	build->n_elements += elements->n;
	if (rc == 0 && build->n_elements > DP_ELEMENTS_MAX)
		return policy_refuse(build, place,
			"more than %d elements in all sets in use: one that is named in a list "
			"with others counts again there",
			DP_ELEMENTS_MAX);
	if (rc == 0 && kind == CFG_SET_INTERFACES)
		rc = resolve_interfaces(build, elements);
	if (rc != 0)
		return -1;
	describe(&build->arrays->sets[dp->n_sets], kind, elements, timed);
	return (int)dp->n_sets++;
}

// --- sharing ---

static uint64_t hash_element(enum cfg_set_kind kind, const struct cfg_element *element)
{
	const struct ip_addr *first = &element->addresses.first, *last = &element->addresses.last;
	uint8_t bytes[32];

	if (element->set != NULL)
		return hash_bytes(SEED, element->set, strlen(element->set));
	if (kind == CFG_SET_MACS)
		return hash_bytes(SEED, &element->mac, sizeof(element->mac));
	if (kind == CFG_SET_INTERFACES)
		return hash_bytes(SEED, element->interface, strlen(element->interface));
	if (kind != CFG_SET_ADDRESSES)
		return hash_bytes(SEED, &element->numbers, sizeof(element->numbers));
	hash_address_bytes(first, bytes);
	hash_address_bytes(last, bytes + 16);
	return hash_bytes(SEED + first->family, bytes, sizeof(bytes));
}

static uint64_t hash_match(enum cfg_set_kind kind, const struct cfg_match *match)
{
	uint64_t hash = (uint64_t)kind + 1;

	for (unsigned i = 0; i < match->n; i++)
		hash = hash_mix(
			hash ^ hash_element(kind, &match->elements[i]), 0x9e3779b97f4a7c15u);
	return hash;
}

static bool is_equal_element(
	enum cfg_set_kind kind, const struct cfg_element *a, const struct cfg_element *b)
{
	if (a->set != NULL || b->set != NULL)
		return a->set != NULL && b->set != NULL && strcmp(a->set, b->set) == 0;
	if (kind == CFG_SET_MACS)
		return memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
	if (kind == CFG_SET_INTERFACES)
		return strcmp(a->interface, b->interface) == 0;
	if (kind != CFG_SET_ADDRESSES)
		return a->numbers.first == b->numbers.first && a->numbers.last == b->numbers.last;
	return ip_addr_equal(&a->addresses.first, &b->addresses.first) &&
	       ip_addr_equal(&a->addresses.last, &b->addresses.last);
}

static bool is_equal(enum cfg_set_kind kind, const struct cfg_match *a, const struct cfg_match *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!is_equal_element(kind, &a->elements[i], &b->elements[i]))
			return false;
	return true;
}

// The slot of a set that was made of the same, or the free one.
static uint16_t *slot_of(
	struct policy_build *build, enum cfg_set_kind kind, const struct cfg_match *match)
{
	uint32_t at = (uint32_t)hash_match(kind, match) & (POLICY_MATCH_SLOTS - 1);

	for (;; at = (at + 1) & (POLICY_MATCH_SLOTS - 1)) {
		uint16_t set = build->slots[at];

		if (set == DP_INDEX_NONE)
			return &build->slots[at];
		if (build->arrays->sets[set].kind == kinds[kind] &&
			is_equal(kind, build->matches[set], match))
			return &build->slots[at];
	}
}

int policy_match(struct policy_build *build, enum cfg_set_kind kind, const struct cfg_match *match,
	struct cfg_place place, struct dp_match_set *out)
{
	const struct cfg_set *named = NULL;
	uint16_t *index;
	int made;

	*out = dp_match_any();
	if (match->n == 0)
		return 0;
	if (match->n == 1 && match->elements[0].set != NULL)
		named = find_named(build, match->elements[0].set);
	index = named != NULL ? &build->named[named - build->in->config->sets]
			      : slot_of(build, kind, match);
	if (*index == DP_INDEX_NONE) {
		made = make_set(build, kind, named, match, place);
		if (made < 0)
			return -1;
		build->matches[made] = match;
		*index = (uint16_t)made;
	}
	*out = (struct dp_match_set){.set = *index, .is_negated = match->is_negated};
	return 0;
}
