// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_extent.h"

#include <string.h>

#include "cfg/check_match.h"
#include "cfg/check_outside.h"

enum {
	ICMP = 1,
	ICMP6 = 58,
	CODES = 256,
};

static const unsigned __int128 ADDRESS_MAX[SCOPE_FAMILIES] = {
	[SCOPE_IP4] = UINT32_MAX,
	[SCOPE_IP6] = ~(unsigned __int128)0,
};
static const unsigned __int128 NUMBER_MAX = UINT16_MAX; // ports; types and codes
static const unsigned __int128 MAC_MAX = ((unsigned __int128)1 << 48) - 1;

// --- ICMP that passes if nobody names it ---

static bool names_types(const struct cfg_match *match)
{
	return match->n > 0 && !match->is_negated;
}

// Calls itself as deep as jumps lead.
static bool list_names_types(struct extents *extents, const struct cfg_list *list)
{
	enum { NOT_YET = 0, NO, YES };
	uint8_t *known = &extents->lists[list - extents->check->config->firewall.lists];

	for (unsigned i = 0; i < list->n_rules && *known == NOT_YET; i++) {
		const struct cfg_rule *rule = &list->rules[i];

		if (names_types(&rule->icmp) || names_types(&rule->icmp6) ||
			(rule->action == CFG_JUMP &&
				list_names_types(
					extents, check_find(&extents->check->lists, rule->jump))))
			*known = YES;
	}
	if (*known == NOT_YET)
		*known = NO;
	return *known == YES;
}

// As in dataplane/firewall.c.
static bool has_essential_type(const struct scope_match *match, int family)
{
	static struct span list4[] = {{3 << 8 | 4, 3 << 8 | 4}};
	static struct span list6[] = {{2 * CODES, 3 * CODES - 1}, {130 * CODES, 138 * CODES - 1},
		{143 * CODES, 144 * CODES - 1}};
	static const struct spans essential[SCOPE_FAMILIES] = {
		[SCOPE_IP4] = {list4, 1},
		[SCOPE_IP6] = {list6, sizeof(list6) / sizeof(list6[0])},
	};
	const struct scope *scope = match->scope;

	return scope->is_vague || scope->n_unknown > 0 ||
	       spans_meet(&essential[family], &scope->known[0]);
}

static bool has_protocol(const struct extent *extent, unsigned protocol)
{
	return extent->protocols[protocol / 64] >> (protocol % 64) & 1;
}

static void tell_essential(struct extents *extents, struct extent *extent, int family)
{
	const struct cfg_rule *rule = extent->rule;
	bool names = names_types(family == SCOPE_IP6 ? &rule->icmp6 : &rule->icmp);

	extent->takes_essential[family] =
		rule->action == CFG_RETURN || (names && rule->action != CFG_JUMP);
	if (!has_protocol(extent, family == SCOPE_IP6 ? ICMP6 : ICMP))
		return;
	if (rule->action == CFG_JUMP)
		extent->sees_essential[family] =
			list_names_types(extents, check_find(&extents->check->lists, rule->jump));
	else
		extent->sees_essential[family] =
			rule->action == CFG_RETURN ||
			(names && has_essential_type(&extent->icmp[family], family));
}

// --- interfaces and protocols ---

static uint64_t interfaces_of(
	const struct extents *extents, const struct cfg_match *match, uint64_t among)
{
	const struct config *config = extents->check->config;
	uint64_t found = 0;

	if (match->n == 0)
		return among;
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		if (match_has_interface(extents->check, match, config->interfaces[i].name))
			found |= UINT64_C(1) << i;
	}
	return found & among;
}

// One end of the rule's packets: interfaces and the router itself, of those that the hook has.
static void tell_end(const struct extents *extents, const struct cfg_names *zones,
	const struct cfg_match *match, uint64_t *interfaces, bool *is_router)
{
	const struct config *config = extents->check->config;
	uint64_t named = zones->n == 0 ? UINT64_MAX : 0;
	bool is_router_named = zones->n == 0;

	for (unsigned i = 0; i < zones->n; i++) {
		const struct cfg_zone *zone = check_find(&extents->check->zones, zones->names[i]);

		if (zone != NULL)
			named |= extents->zones[zone - config->zones];
		else if (strcmp(zones->names[i], CFG_ZONE_ROUTER) == 0)
			is_router_named = true;
		else
			named |= extents->no_zone;
	}
	*interfaces = interfaces_of(extents, match, *interfaces & named);
	*is_router &= is_router_named && match->n == 0;
}

static void tell_ends(const struct extents *extents, enum cfg_hook hook, struct extent *extent)
{
	const struct cfg_rule *rule = extent->rule;
	unsigned n = extents->check->config->n_interfaces;
	uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	extent->in = hook == CFG_HOOK_OUTPUT ? 0 : all;
	extent->out = hook == CFG_HOOK_INPUT ? 0 : all;
	extent->in_router = hook == CFG_HOOK_OUTPUT || hook == CFG_HOOK_COUNT;
	extent->out_router = hook == CFG_HOOK_INPUT || hook == CFG_HOOK_COUNT;
	tell_end(extents, &rule->from, &rule->in_interface, &extent->in, &extent->in_router);
	tell_end(extents, &rule->to, &rule->out_interface, &extent->out, &extent->out_router);
}

static void add_protocols(uint64_t *bits, const struct cfg_element *element)
{
	for (uint32_t i = element->numbers.first; i <= element->numbers.last; i++)
		bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void tell_protocols(const struct extents *extents, struct extent *extent)
{
	const struct cfg_match *match = &extent->rule->protocol;
	bool is_all = match->n == 0 || !match_is_known(extents->check, match);
	uint64_t named[4] = {0};

	for (unsigned i = 0; i < match->n && !is_all; i++) {
		const struct cfg_element *element = &match->elements[i];
		const struct cfg_set *set = NULL;

		if (element->set == NULL)
			add_protocols(named, element);
		else
			set = check_find(&extents->check->sets, element->set);
		for (unsigned j = 0; set != NULL && j < set->n_elements; j++)
			add_protocols(named, &set->elements[j]);
	}
	for (unsigned i = 0; i < 4; i++)
		extent->protocols[i] = is_all		   ? UINT64_MAX
				       : match->is_negated ? ~named[i]
							   : named[i];
}

// --- rules ---

bool extents_init(struct extents *extents, const struct check *check, struct arena *arena)
{
	const struct config *config = check->config;

	*extents = (struct extents){.check = check};
	extents->lists =
		arena_alloc_array(arena, config->firewall.n_lists, sizeof(*extents->lists));
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const char *name = outside_zone(check, &config->interfaces[i]);
		const struct cfg_zone *zone = check_find(&check->zones, name);

		*(zone != NULL ? &extents->zones[zone - config->zones] : &extents->no_zone) |=
			UINT64_C(1) << i;
	}
	return extents->lists != NULL && scopes_init(&extents->scopes, check, arena);
}

void extent_of(struct extents *extents, enum cfg_hook hook, const struct cfg_rule *rule,
	struct extent *out)
{
	const struct check *check = extents->check;
	bool has_types = rule->icmp.n > 0 || rule->icmp6.n > 0;

	*out = (struct extent){.rule = rule};
	tell_ends(extents, hook, out);
	tell_protocols(extents, out);
	out->is_sure = match_is_known(check, &rule->in_interface) &&
		       match_is_known(check, &rule->out_interface) &&
		       match_is_known(check, &rule->protocol);
	out->source = scope_of(&extents->scopes, &rule->source, CFG_SET_ADDRESSES);
	out->destination = scope_of(&extents->scopes, &rule->destination, CFG_SET_ADDRESSES);
	out->source_port = scope_of(&extents->scopes, &rule->source_port, CFG_SET_PORTS);
	out->port = scope_of(&extents->scopes, &rule->port, CFG_SET_PORTS);
	out->mac = scope_of(&extents->scopes, &rule->mac, CFG_SET_MACS);
	out->icmp[SCOPE_IP4] = scope_of(&extents->scopes, &rule->icmp, CFG_SET_ICMP);
	out->icmp[SCOPE_IP6] = scope_of(&extents->scopes, &rule->icmp6, CFG_SET_ICMP6);
	for (int f = 0; f < SCOPE_FAMILIES; f++) {
		unsigned bit = f == SCOPE_IP6 ? MATCH_IP6 : MATCH_IP4;

		out->may_be[f] = (match_family_bits(rule->family) & bit) &&
				 scope_may_be(&out->source, f) &&
				 scope_may_be(&out->destination, f) &&
				 (!has_types || out->icmp[f].scope != NULL);
		tell_essential(extents, out, f);
	}
}

bool extent_is_empty(const struct extent *extent)
{
	return (extent->in == 0 && !extent->in_router) ||
	       (extent->out == 0 && !extent->out_router) ||
	       (!extent->may_be[SCOPE_IP4] && !extent->may_be[SCOPE_IP6]);
}

// A packet without ports is none of a rule with some; so with types and senders' MAC addresses.
static bool part_covers(const struct scope_match *outer, const struct scope_match *inner,
	unsigned __int128 max, uint64_t *cost)
{
	if (outer->scope != NULL && inner->scope == NULL)
		return false;
	return scope_covers(outer, inner, 0, max, cost);
}

// By what is a number or a few bits.
static bool plainly_covers(const struct extent *outer, const struct extent *inner, int family)
{
	const struct cfg_rule *a = outer->rule, *b = inner->rule;
	unsigned icmp = family == SCOPE_IP6 ? ICMP6 : ICMP;
	uint64_t all_states =
		CFG_STATE_NEW | CFG_STATE_ESTABLISHED | CFG_STATE_RELATED | CFG_STATE_INVALID;
	if (!outer->is_sure || !outer->may_be[family] ||
		(inner->sees_essential[family] && !outer->takes_essential[family]))
		return false;
	if ((inner->in & ~outer->in) || (inner->out & ~outer->out) ||
		(inner->in_router && !outer->in_router) ||
		(inner->out_router && !outer->out_router))
		return false;
	if (a->states != 0 && ((b->states == 0 ? all_states : b->states) & ~a->states))
		return false;
	if (a->dscps != 0 && (b->dscps == 0 || (b->dscps & ~a->dscps)))
		return false;
	if (a->has_dnat && (!b->has_dnat || a->is_dnat != b->is_dnat))
		return false;
	if ((a->tcp_flags.mask & ~b->tcp_flags.mask) ||
		((a->tcp_flags.flags ^ b->tcp_flags.flags) & a->tcp_flags.mask))
		return false;
	if (a->mark.mask != 0 || a->rate.packets != 0) // an earlier rule's doing, or the hour's
		return false;
	if (a->n_times != 0 &&
		(a->n_times != b->n_times ||
			memcmp(a->times, b->times, a->n_times * sizeof(a->times[0]))))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t of_types = i == 0 ? UINT64_C(1) << icmp : 0;
		uint64_t of_inner = inner->protocols[i] &
				    (inner->icmp[family].scope != NULL ? of_types : UINT64_MAX);

		if (of_inner & ~outer->protocols[i])
			return false;
	}
	return true;
}

bool extent_covers(
	const struct extent *outer, const struct extent *inner, int family, uint64_t *cost)
{
	(*cost)++;
	return plainly_covers(outer, inner, family) &&
	       part_covers(&outer->icmp[family], &inner->icmp[family], NUMBER_MAX, cost) &&
	       part_covers(&outer->port, &inner->port, NUMBER_MAX, cost) &&
	       part_covers(&outer->source_port, &inner->source_port, NUMBER_MAX, cost) &&
	       part_covers(&outer->mac, &inner->mac, MAC_MAX, cost) &&
	       scope_covers(&outer->source, &inner->source, family, ADDRESS_MAX[family], cost) &&
	       scope_covers(
		       &outer->destination, &inner->destination, family, ADDRESS_MAX[family], cost);
}
