// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_scope.h"

enum { MIXED_SPANS_MAX = 4096 }; // of sets beside others in one match

bool scopes_init(struct scopes *scopes, const struct check *check, struct arena *arena)
{
	*scopes = (struct scopes){.check = check, .arena = arena};
	scopes->by_set = arena_alloc_array(arena, check->config->n_sets, sizeof(*scopes->by_set));
	return scopes->by_set != NULL;
}

static unsigned __int128 number_of(const uint8_t *bytes, size_t n)
{
	unsigned __int128 number = 0;

	for (size_t i = 0; i < n; i++)
		number = number << 8 | bytes[i];
	return number;
}

static int family_of(enum cfg_set_kind kind, const struct cfg_element *element)
{
	return kind == CFG_SET_ADDRESSES && element->addresses.first.family == IP_V6 ? SCOPE_IP6
										     : SCOPE_IP4;
}

static void add_element(
	struct scope *scope, enum cfg_set_kind kind, const struct cfg_element *element)
{
	int family = family_of(kind, element);
	struct spans *spans = &scope->known[family];
	struct span *span = &spans->list[spans->n++];
	size_t bytes = family == SCOPE_IP6 ? 16 : 4;

	if (kind == CFG_SET_ADDRESSES) {
		span->first = number_of(element->addresses.first.bytes, bytes);
		span->last = number_of(element->addresses.last.bytes, bytes);
	} else if (kind == CFG_SET_MACS) {
		span->first = span->last = number_of(element->mac.bytes, sizeof(element->mac));
	} else {
		span->first = element->numbers.first;
		span->last = element->numbers.last;
	}
}

static const struct cfg_set *set_of(const struct scopes *scopes, const struct cfg_element *element)
{
	return element->set != NULL ? check_find(&scopes->check->sets, element->set) : NULL;
}

// Elements of the match one after the other, those of its sets too.
struct cursor {
	const struct scopes *scopes;
	const struct cfg_match *match;
	unsigned i, j;
};

static const struct cfg_element *next_element(struct cursor *at)
{
	while (at->i < at->match->n) {
		const struct cfg_element *element = &at->match->elements[at->i];
		const struct cfg_set *set = set_of(at->scopes, element);

		if (set == NULL) {
			at->i++;
			return element;
		}
		if (at->j < set->n_elements)
			return &set->elements[at->j++];
		at->i++;
		at->j = 0;
	}
	return NULL;
}

static bool find_unknown(
	const struct scopes *scopes, const struct cfg_match *match, struct scope *scope)
{
	const struct cfg_set **unknown =
		arena_alloc_array(scopes->arena, match->n, sizeof(*unknown));

	for (unsigned i = 0; i < match->n && unknown != NULL; i++) {
		const struct cfg_set *set = set_of(scopes, &match->elements[i]);

		if (set != NULL && (set->file != NULL || set->timeout_sec != 0))
			unknown[scope->n_unknown++] = set;
	}
	scope->unknown = unknown;
	return unknown != NULL;
}

// NULL: no memory.
static struct scope *build_scope(
	const struct scopes *scopes, const struct cfg_match *match, enum cfg_set_kind kind)
{
	struct scope *scope = arena_alloc(scopes->arena, sizeof(*scope));
	struct cursor counting = {scopes, match, 0, 0}, adding = counting;
	const struct cfg_element *element;
	size_t room[SCOPE_FAMILIES] = {0};

	if (scope == NULL || !find_unknown(scopes, match, scope))
		return NULL;
	while (!scope->is_vague && (element = next_element(&counting)) != NULL) {
		room[family_of(kind, element)]++;
		scope->is_vague =
			match->n > 1 && room[SCOPE_IP4] + room[SCOPE_IP6] > MIXED_SPANS_MAX;
	}
	if (scope->is_vague)
		return scope;
	for (int f = 0; f < SCOPE_FAMILIES; f++) {
		scope->known[f].list =
			arena_alloc_array(scopes->arena, room[f], sizeof(*scope->known[f].list));
		if (scope->known[f].list == NULL)
			return NULL;
	}
	while ((element = next_element(&adding)) != NULL)
		add_element(scope, kind, element);
	for (int f = 0; f < SCOPE_FAMILIES; f++)
		spans_tidy(&scope->known[f]);
	return scope;
}

// A set that is named alone, as most are, is looked into once.
struct scope_match scope_of(
	struct scopes *scopes, const struct cfg_match *match, enum cfg_set_kind kind)
{
	static const struct scope vague = {.is_vague = true};
	struct scope_match result = {.is_negated = match->is_negated};
	const struct cfg_set *set;
	const struct scope **kept = &result.scope;

	if (match->n == 0)
		return result;
	set = match->n == 1 ? set_of(scopes, match->elements) : NULL;
	if (set != NULL)
		kept = &scopes->by_set[set - scopes->check->config->sets];
	if (*kept == NULL)
		*kept = build_scope(scopes, match, kind);
	result.scope = *kept != NULL ? *kept : &vague;
	return result;
}

bool scope_may_be(const struct scope_match *match, int family)
{
	const struct scope *scope = match->scope;

	return scope == NULL || match->is_negated || scope->is_vague || scope->n_unknown > 0 ||
	       scope->known[family].n > 0;
}

static bool has_all_unknown(const struct scope *outer, const struct scope *inner)
{
	for (unsigned i = 0; i < inner->n_unknown; i++) {
		unsigned j = 0;

		while (j < outer->n_unknown && outer->unknown[j] != inner->unknown[i])
			j++;
		if (j == outer->n_unknown)
			return false;
	}
	return true;
}

static bool is_all(const struct scope_match *match, int family, unsigned __int128 max)
{
	static const struct spans none;
	const struct scope *scope = match->scope;

	if (scope == NULL)
		return true;
	if (scope->is_vague)
		return false;
	if (match->is_negated)
		return scope->n_unknown == 0 && scope->known[family].n == 0;
	return spans_cover_rest(&scope->known[family], &none, max);
}

bool scope_covers(const struct scope_match *outer, const struct scope_match *inner, int family,
	unsigned __int128 max, uint64_t *cost)
{
	const struct scope *a = outer->scope, *b = inner->scope;
	const struct spans *outer_known, *inner_known;

	if (is_all(outer, family, max) || (a == b && outer->is_negated == inner->is_negated))
		return true;
	if (b == NULL || a->is_vague || b->is_vague)
		return false;
	outer_known = &a->known[family];
	inner_known = &b->known[family];
	*cost += inner_known->n + (inner->is_negated ? outer_known->n : 0);
	if (outer->is_negated && inner->is_negated)
		return has_all_unknown(b, a) && spans_cover(inner_known, outer_known);
	if (outer->is_negated)
		return a->n_unknown == 0 && b->n_unknown == 0 &&
		       !spans_meet(inner_known, outer_known);
	if (inner->is_negated)
		return spans_cover_rest(outer_known, inner_known, max);
	return has_all_unknown(a, b) && spans_cover(outer_known, inner_known);
}
