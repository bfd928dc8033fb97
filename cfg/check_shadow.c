// SPDX-License-Identifier: BSD-3-Clause
// Rules that no packet reaches, because an earlier one of the same list has decided about each that
// they are about. Exact as far as it speaks: whatever it names is never asked. It does not see what
// only several earlier rules together take.
#include "cfg/check_doubts.h"

#include "cfg/check_index.h"
#include "cfg/check_way.h"

// More than the largest file needs.
static const size_t ARENA_BYTES_MAX = (size_t)1024 * 1024 * 1024;
static const uint64_t COST_MAX = 50000000; // entries and ranges looked at: under a second

struct shadows {
	const struct check *check;
	struct arena *arena;
	struct extents extents;
	uint8_t *lists; // by index: whether one decides about all that it is asked, 0: not yet
	uint64_t cost;
};

// --- rules that decide ---

// Calls itself as deep as jumps lead.
static bool list_decides_all(struct shadows *shadows, const struct cfg_list *list)
{
	enum { NOT_YET = 0, NO, YES };
	uint8_t *known = &shadows->lists[list - shadows->check->config->firewall.lists];

	for (unsigned i = 0; i < list->n_rules && *known == NOT_YET; i++) {
		const struct cfg_rule *rule = &list->rules[i];
		bool is_for_all = way_rule_takes_all(rule) && rule->from.n == 0 && rule->to.n == 0;

		if (rule->action == CFG_RETURN)
			*known = NO;
		else if (!is_for_all)
			continue;
		else if (way_rule_decides(rule) ||
			 (rule->action == CFG_JUMP &&
				 list_decides_all(
					 shadows, check_find(&shadows->check->lists, rule->jump))))
			*known = YES;
	}
	if (*known == NOT_YET)
		*known = NO;
	return *known == YES;
}

// Nothing after it in its list is asked about what it is about.
static bool decides(struct shadows *shadows, const struct cfg_rule *rule)
{
	if (rule->rate.packets != 0 || rule->mark.mask != 0)
		return false;
	if (rule->action == CFG_JUMP)
		return list_decides_all(shadows, check_find(&shadows->check->lists, rule->jump));
	return way_rule_decides(rule);
}

// --- rules that are never asked ---

static void report_shadowed(const struct shadows *shadows, const struct cfg_rule *rule,
	const struct cfg_rule *first, const struct cfg_rule *second)
{
	struct report *report = shadows->check->report;
	char line[REPORT_LINE_BYTES], line6[REPORT_LINE_BYTES];
	struct error *warning;

	report_line(report, rule->place, first->place, line);
	report_line(report, rule->place, second->place, line6);
	if (first == second)
		warning = report_warn(report, rule->place, DOUBT_RULE_SHADOWED,
			"firewall: rule: never asked: the one on %s %s", line,
			way_rule_takes_all(first) ? "decides about everything"
						  : "takes all that it is about");
	else
		warning = report_warn(report, rule->place, DOUBT_RULE_SHADOWED,
			"firewall: rule: never asked: those on %s (IPv4) and %s (IPv6) take all "
			"that it is about",
			line, line6);
	if (first == second && first->action == rule->action && rule->action != CFG_JUMP)
		report_fix(warning, "delete it: %s does the same", line);
	else
		report_fix(warning, "move it before %s, or delete it", line);
}

// The rules that take all that `extent` is about, of each family, into `by`; NULL: none does. False
// where packets are left for it.
static bool is_shadowed(
	struct index *index, const struct extent *extent, const struct cfg_rule *by[SCOPE_FAMILIES])
{
	bool is_all = true;

	for (int f = 0; f < SCOPE_FAMILIES; f++) {
		const struct extent *cover =
			extent->may_be[f] ? index_find(index, extent, f) : NULL;

		by[f] = cover != NULL ? cover->rule : NULL;
		is_all &= cover != NULL || !extent->may_be[f];
	}
	return is_all;
}

static void add_rule(struct shadows *shadows, struct index *index, const struct extent *extent,
	const struct cfg_rule *const by[SCOPE_FAMILIES])
{
	struct extent *kept = arena_alloc(shadows->arena, sizeof(*kept));

	if (kept == NULL)
		return;
	*kept = *extent;
	for (int f = 0; f < SCOPE_FAMILIES; f++) {
		if (extent->may_be[f] && by[f] == NULL)
			index_add(index, kept, f);
	}
}

static void doubt_list(struct shadows *shadows, enum cfg_hook hook, const struct cfg_list *list)
{
	bool is_over = false; // after a rule that decides about everything the first is enough
	struct index index;

	if (list->n_rules < 2 || !index_init(&index, shadows->arena, list->n_rules))
		return;
	for (unsigned i = 0; i < list->n_rules && shadows->cost + index.cost < COST_MAX; i++) {
		const struct cfg_rule *rule = &list->rules[i];
		const struct cfg_rule *by[SCOPE_FAMILIES];
		struct extent extent;

		extent_of(&shadows->extents, hook, rule, &extent);
		if (extent_is_empty(&extent))
			continue;
		if (is_shadowed(&index, &extent, by)) {
			const struct cfg_rule *first = by[SCOPE_IP4], *second = by[SCOPE_IP6];

			first = first != NULL ? first : second;
			second = second != NULL ? second : first;
			if (!is_over)
				report_shadowed(shadows, rule, first, second);
			is_over |= first == second && way_rule_takes_all(first);
		} else if (decides(shadows, rule)) {
			add_rule(shadows, &index, &extent, by);
		}
	}
	shadows->cost += index.cost;
}

void check_shadows(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	struct arena *arena = arena_new(ARENA_BYTES_MAX);
	struct shadows shadows = {.check = check, .arena = arena};

	if (arena != NULL)
		shadows.lists = arena_alloc_array(arena, firewall->n_lists, sizeof(*shadows.lists));
	if (shadows.lists != NULL && extents_init(&shadows.extents, check, arena)) {
		for (enum cfg_hook hook = CFG_HOOK_INPUT; hook < CFG_HOOK_COUNT; hook++)
			doubt_list(&shadows, hook, &firewall->hooks[hook]);
		for (unsigned i = 0; i < firewall->n_lists; i++)
			doubt_list(&shadows, CFG_HOOK_COUNT, &firewall->lists[i]);
	}
	if (arena == NULL || arena_is_exhausted(arena))
		report_add(check->report, (struct cfg_place){0}, "not enough memory to read it");
	arena_free(arena);
}
