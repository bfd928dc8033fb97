// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rule_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/memory.h"

enum {
	SET_BOUNDS_MAX =
		1 << 14,      // larger sets are asked themselves, it costs less than their bounds
	EVENTS_MAX = 1 << 20, // 32 MB while compiling
	STRETCHES_MAX = 1 << 22, // of all sets: 8 MB while compiling
	NOT_ACTIVE = UINT32_MAX,
};

// A set begins here, or ends.
struct event {
	unsigned __int128 at;
	uint32_t set;
};

struct events {
	struct event *of;
	uint32_t n;
};

struct cost {
	uint64_t cost;
	uint32_t set;
};

struct sweep {
	const struct rule_classes_input *in;
	struct rule_classes *classes;
	struct events low, ip6;
	struct cost *costs; // of the sets that are in the running, the least first
	uint32_t n_costs;
	uint32_t *place_of; // by set: in `active`, or NOT_ACTIVE
	uint16_t *active;   // the sets that have the value at hand
	uint32_t n_active;
	uint64_t hash;	  // of them
	uint64_t *hashes; // of classes
	uint32_t *slots;  // classes by hash, 0: free; open addressing
	uint32_t slot_mask;
};

static enum set_space low_space(const struct rule_classes_input *in)
{
	return in->is_address ? SET_SPACE_IP4 : SET_SPACE_NUMBERS;
}

// --- which sets ---

static int compare_costs(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return (x->set > y->set) - (x->set < y->set);
}

// Keeps the cheapest that fit into the budget together; the others are out of the running.
static void keep_cheapest(struct sweep *s, uint64_t budget)
{
	uint32_t kept = 0;
	uint64_t sum = 0;

	qsort(s->costs, s->n_costs, sizeof(s->costs[0]), compare_costs);
	while (kept < s->n_costs && s->costs[kept].cost <= budget - sum)
		sum += s->costs[kept++].cost;
	for (uint32_t i = kept; i < s->n_costs; i++)
		s->classes->is_told_apart[s->costs[i].set] = false;
	s->n_costs = kept;
}

static void choose_by_size(struct sweep *s)
{
	for (uint32_t i = 0; i < s->in->n_sets; i++) {
		const struct ruleset_set *from = &s->in->sets[i];
		uint64_t n;

		// what a timed set holds changes under the classes
		if (s->in->n_rules[i] == 0 || from->timed != NULL)
			continue;
		n = set_n_bounds(from->set, low_space(s->in));
		if (s->in->is_address)
			n += set_n_bounds(from->set, SET_SPACE_IP6);
		if (n > SET_BOUNDS_MAX)
			continue;
		s->costs[s->n_costs++] = (struct cost){n, i};
		s->classes->is_told_apart[i] = true;
	}
	keep_cheapest(s, EVENTS_MAX);
}

// How many stretches each set has: the distance of its bounds among all of them.
static void add_stretches(struct sweep *s, const struct events *events, uint64_t *stretches)
{
	uint32_t at = 0;

	memset(s->place_of, 0xff, s->in->n_sets * sizeof(s->place_of[0]));
	for (uint32_t i = 0; i < events->n; i++) {
		uint32_t set = events->of[i].set;

		at += i > 0 && events->of[i].at != events->of[i - 1].at;
		if (s->place_of[set] != NOT_ACTIVE)
			stretches[set] += at - s->place_of[set];
		s->place_of[set] = s->place_of[set] != NOT_ACTIVE ? NOT_ACTIVE : at;
	}
	for (uint32_t i = 0; i < s->n_costs; i++) {
		uint32_t set = s->costs[i].set;

		if (s->place_of[set] != NOT_ACTIVE)
			stretches[set] += at + 1 - s->place_of[set];
	}
}

static int choose_by_stretches(struct sweep *s, uint64_t *n_members)
{
	uint64_t *stretches = calloc(s->in->n_sets + 1u, sizeof(stretches[0]));

	if (stretches == NULL)
		return -ENOMEM;
	add_stretches(s, &s->low, stretches);
	add_stretches(s, &s->ip6, stretches);
	for (uint32_t i = 0; i < s->n_costs; i++)
		s->costs[i].cost = stretches[s->costs[i].set];
	keep_cheapest(s, STRETCHES_MAX);
	*n_members = 0;
	for (uint32_t i = 0; i < s->n_costs; i++)
		*n_members += s->costs[i].cost;
	free(stretches);
	return 0;
}

static int choose_by_classes(struct sweep *s)
{
	const struct rule_classes *classes = s->classes;
	uint64_t *n_classes = calloc(s->in->n_sets + 1u, sizeof(n_classes[0]));

	if (n_classes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < classes->firsts[classes->n]; i++)
		n_classes[classes->members[i]]++;
	for (uint32_t i = 0; i < s->n_costs; i++) {
		uint32_t set = s->costs[i].set;

		s->costs[i].cost = n_classes[set] * s->in->n_rules[set];
	}
	keep_cheapest(s, s->in->budget);
	free(n_classes);
	return 0;
}

// --- bounds of all sets ---

static int compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int collect(struct sweep *s, struct events *events, enum set_space space)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_costs; i++)
		n += set_n_bounds(s->in->sets[s->costs[i].set].set, space);
	events->of = malloc((n + 1) * sizeof(events->of[0]));
	if (events->of == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_costs; i++) {
		uint32_t set = s->costs[i].set;
		uint32_t n_bounds = set_n_bounds(s->in->sets[set].set, space);

		for (uint32_t k = 0; k < n_bounds; k++)
			events->of[events->n++] =
				(struct event){set_bound(s->in->sets[set].set, space, k), set};
	}
	qsort(events->of, events->n, sizeof(events->of[0]), compare_events);
	return 0;
}

// Those of sets that are still in the running, in the same order.
static void drop_events(const struct sweep *s, struct events *events)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < events->n; i++)
		if (s->classes->is_told_apart[events->of[i].set])
			events->of[kept++] = events->of[i];
	events->n = kept;
}

// Different values among them.
static uint32_t count_values(const struct events *events)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < events->n; i++)
		n += i == 0 || events->of[i].at != events->of[i - 1].at;
	return n;
}

// --- classes ---

// The hash of several sets is the sum of theirs: in whatever order they came and went.
static uint64_t hash_of(uint32_t set)
{
	uint64_t h = (set + UINT64_C(1)) * 0x9e3779b97f4a7c15;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
	return h ^ h >> 29;
}

static void toggle(struct sweep *s, uint32_t set)
{
	uint32_t place = s->place_of[set];

	if (place == NOT_ACTIVE) {
		s->place_of[set] = s->n_active;
		s->active[s->n_active++] = (uint16_t)set;
		s->hash += hash_of(set);
		return;
	}
	s->active[place] = s->active[--s->n_active];
	s->place_of[s->active[place]] = place;
	s->place_of[set] = NOT_ACTIVE;
	s->hash -= hash_of(set);
}

// A hash may lie; as many members, all of them active, do not.
static bool is_active_class(const struct sweep *s, uint32_t class)
{
	const uint32_t *firsts = s->classes->firsts;

	if (s->hashes[class] != s->hash || firsts[class + 1] - firsts[class] != s->n_active)
		return false;
	for (uint32_t i = firsts[class]; i < firsts[class + 1]; i++)
		if (s->place_of[s->classes->members[i]] == NOT_ACTIVE)
			return false;
	return true;
}

static uint32_t class_of_active(struct sweep *s)
{
	struct rule_classes *classes = s->classes;
	uint32_t slot = (uint32_t)(s->hash >> 20) & s->slot_mask;
	uint32_t class;

	if (s->n_active == 0)
		return 0;
	for (; s->slots[slot] != 0; slot = (slot + 1) & s->slot_mask)
		if (is_active_class(s, s->slots[slot]))
			return s->slots[slot];
	class = classes->n++;
	s->slots[slot] = class;
	s->hashes[class] = s->hash;
	memcpy(classes->members + classes->firsts[class], s->active,
		s->n_active * sizeof(s->active[0]));
	classes->firsts[class + 1] = classes->firsts[class] + s->n_active;
	return class;
}

// `of` gets the class of each rank, and `keys` what stands between them: 32 bits if `low`.
static void sweep(struct sweep *s, const struct events *events, uint32_t *of, uint32_t *low,
	unsigned __int128 *keys)
{
	uint32_t rank = 0;

	memset(s->place_of, 0xff, s->in->n_sets * sizeof(s->place_of[0]));
	s->n_active = 0;
	s->hash = 0;
	of[0] = 0;
	for (uint32_t i = 0; i < events->n; rank++) {
		unsigned __int128 at = events->of[i].at;

		for (; i < events->n && events->of[i].at == at; i++)
			toggle(s, events->of[i].set);
		of[rank + 1] = class_of_active(s);
		if (low != NULL)
			low[rank] = (uint32_t)at;
		else
			keys[rank] = at;
	}
}

static int take_memory(struct sweep *s, struct class_table *table, uint64_t n_members)
{
	struct rule_classes *classes = s->classes;
	uint32_t n_low = count_values(&s->low), n_ip6 = count_values(&s->ip6);
	uint64_t n_classes = UINT64_C(2) + n_low + n_ip6, n_slots = 1;

	while (n_slots < 2 * n_classes)
		n_slots *= 2;
	s->slot_mask = (uint32_t)(n_slots - 1);
	s->slots = calloc(n_slots, sizeof(s->slots[0]));
	s->hashes = malloc(n_classes * sizeof(s->hashes[0]));
	classes->firsts = calloc(n_classes + 1, sizeof(classes->firsts[0]));
	classes->members = malloc((n_members + 1) * sizeof(classes->members[0]));
	classes->n = 1;
	if (s->slots == NULL || s->hashes == NULL || classes->firsts == NULL ||
		classes->members == NULL)
		return -ENOMEM;
	if (bounds32_init(&table->low, n_low) != 0 || bounds128_init(&table->ip6, n_ip6) != 0)
		return -ENOMEM;
	table->of_low = memory_new((n_low + 1) * sizeof(table->of_low[0]));
	table->of_ip6 = memory_new((n_ip6 + 1) * sizeof(table->of_ip6[0]));
	return table->of_low != NULL && table->of_ip6 != NULL ? 0 : -ENOMEM;
}

static uint64_t low_bytes(const struct class_table *table)
{
	return (table->low.n + 1) * sizeof(table->of_low[0]);
}

static uint64_t ip6_bytes(const struct class_table *table)
{
	return (table->ip6.layers[1] + 1) * sizeof(table->of_ip6[0]);
}

void class_table_fini(struct class_table *table)
{
	memory_free(table->of_low, low_bytes(table));
	memory_free(table->of_ip6, ip6_bytes(table));
	bounds32_fini(&table->low);
	bounds128_fini(&table->ip6);
	*table = (struct class_table){0};
}

static void give_memory(struct sweep *s, struct class_table *table)
{
	free(s->classes->firsts);
	free(s->classes->members);
	free(s->hashes);
	free(s->slots);
	s->classes->firsts = NULL;
	s->classes->members = NULL;
	s->hashes = NULL;
	s->slots = NULL;
	class_table_fini(table);
}

static int find_classes(struct sweep *s, struct class_table *table, uint64_t n_members)
{
	drop_events(s, &s->low);
	drop_events(s, &s->ip6);
	if (take_memory(s, table, n_members) != 0)
		return -ENOMEM;
	sweep(s, &s->low, table->of_low, table->low.keys, NULL);
	sweep(s, &s->ip6, table->of_ip6, NULL, table->ip6.keys);
	return 0;
}

// How many classes a set is in shows once they are there: if those of all sets are too many, they
// are found again for the sets that stay, and are fewer then.
static int sweep_all(struct sweep *s, struct class_table *table)
{
	uint64_t n_members;
	uint32_t n_sets;

	choose_by_size(s);
	if (collect(s, &s->low, low_space(s->in)) != 0 ||
		(s->in->is_address && collect(s, &s->ip6, SET_SPACE_IP6) != 0) ||
		choose_by_stretches(s, &n_members) != 0 || find_classes(s, table, n_members) != 0)
		return -ENOMEM;
	n_sets = s->n_costs;
	if (choose_by_classes(s) != 0)
		return -ENOMEM;
	if (s->n_costs < n_sets) {
		give_memory(s, table);
		if (find_classes(s, table, n_members) != 0)
			return -ENOMEM;
	}
	bounds128_index(&table->ip6);
	return bounds32_index(&table->low);
}

// --- all of it ---

int rule_classes_init(struct rule_classes *classes, struct class_table *table,
	const struct rule_classes_input *in)
{
	struct sweep s = {.in = in, .classes = classes};
	int error = -ENOMEM;

	*classes = (struct rule_classes){0};
	*table = (struct class_table){0};
	classes->is_told_apart = calloc(in->n_sets + 1u, sizeof(classes->is_told_apart[0]));
	s.costs = malloc((in->n_sets + 1u) * sizeof(s.costs[0]));
	s.place_of = malloc((in->n_sets + 1u) * sizeof(s.place_of[0]));
	s.active = malloc((in->n_sets + 1u) * sizeof(s.active[0]));
	if (classes->is_told_apart != NULL && s.costs != NULL && s.place_of != NULL &&
		s.active != NULL)
		error = sweep_all(&s, table);
	free(s.costs);
	free(s.place_of);
	free(s.active);
	free(s.low.of);
	free(s.ip6.of);
	free(s.hashes);
	free(s.slots);
	return error;
}

void rule_classes_fini(struct rule_classes *classes)
{
	free(classes->firsts);
	free(classes->members);
	free(classes->is_told_apart);
	*classes = (struct rule_classes){0};
}

uint64_t class_table_bytes(const struct class_table *table)
{
	return bounds32_bytes(&table->low) + bounds128_bytes(&table->ip6) + low_bytes(table) +
	       ip6_bytes(table);
}
