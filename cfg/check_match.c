// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_match.h"

#include <string.h>

#include "cfg/element.h"
#include "cfg/suggest.h"

enum { PROTOCOLS = 256 };

// TCP, UDP, DCCP, SCTP, UDP-Lite
const uint8_t match_port_protocols[] = {6, 17, 33, 132, 136, 0};

// --- names ---

// A word that is neither an element nor a set was meant to be one of them.
static void report_unknown(const struct check *check, const char *noun, enum cfg_set_kind kind,
	const char *name, struct cfg_place place)
{
	struct suggestion suggestion = {.written = name};
	bool is_interface = kind == CFG_SET_INTERFACES;
	char hint[64];

	if (!check->sets.are_known || (is_interface && !check->interfaces_are_known))
		return;
	for (unsigned i = 0; i < check->sets.n; i++)
		suggest_offer(&suggestion, *check->sets.sorted[i]);
	for (unsigned i = 0; is_interface && i < check->config->n_interfaces; i++) {
		if (check->config->interfaces[i].name != NULL)
			suggest_offer(&suggestion, check->config->interfaces[i].name);
	}
	for (const struct word *const *words = element_words(kind); *words != NULL; words++) {
		for (const struct word *word = *words; word->name != NULL; word++)
			suggest_offer(&suggestion, word->name);
	}
	report_add(check->report, place, "%s: `%s` is not %s, nor the name of a set%s", noun, name,
		element_expected(kind), suggest_str(&suggestion, hint, sizeof(hint)));
}

// The set that the element names, or NULL: it names none, or wrongly.
static const struct cfg_set *look_up(const struct check *check, const char *noun,
	enum cfg_set_kind kind, struct cfg_element *element, struct cfg_place place)
{
	const struct cfg_set *set;
	char line[REPORT_LINE_BYTES];

	if (element->set == NULL && kind == CFG_SET_INTERFACES &&
		check_find_interface(check->config, element->interface) == NULL) {
		element->set = element->interface;
		element->interface = NULL;
	}
	if (element->set == NULL)
		return NULL;
	set = check_find(&check->sets, element->set);
	if (set == NULL) {
		report_unknown(check, noun, kind, element->set, place);
		return NULL;
	}
	check->set_is_used[set - check->config->sets] = true;
	if (set->kind == kind)
		return set;
	report_add(check->report, place, "%s: set `%s` on %s holds %s, not %s", noun, set->name,
		report_line(check->report, place, set->place, line), element_kind_name(set->kind),
		element_kind_name(kind));
	return NULL;
}

void match_check(const struct check *check, const char *noun, const struct yaml_node *value,
	enum cfg_set_kind kind, struct cfg_match *match)
{
	const struct cfg_set *timed = NULL;
	struct yaml_node *item = NULL;

	for (unsigned i = 0; i < match->n; i++) {
		struct cfg_element *element = &match->elements[i];
		const struct cfg_set *set;

		item = yaml_tree_next_item((struct yaml_node *)(uintptr_t)value, item);
		if (item->is_bad)
			continue;
		if (i == 0)
			match->is_negated = element->is_negated;
		else if (element->is_negated != match->is_negated && !value->first->is_bad)
			report_add(check->report, item->place,
				"%s: `not` is before all of a list or before none of it", noun);
		set = look_up(check, noun, kind, element, item->place);
		if (set == NULL || set->timeout_sec == 0)
			continue;
		if (timed != NULL && timed != set)
			report_add(check->report, item->place,
				"%s: sets `%s` and `%s` both have a timeout; that takes two rules",
				noun, timed->name, set->name);
		timed = set;
	}
}

// --- meaning ---

static const struct cfg_set *set_of(const struct check *check, const struct cfg_element *element)
{
	return element->set != NULL ? check_find(&check->sets, element->set) : NULL;
}

unsigned match_family_bits(uint8_t family)
{
	return family == IP_V4 ? MATCH_IP4 : family == IP_V6 ? MATCH_IP6 : MATCH_BOTH;
}

unsigned match_families(const struct check *check, const struct cfg_match *match)
{
	unsigned families = 0;

	if (match->n == 0 || match->is_negated)
		return MATCH_BOTH;
	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_element *element = &match->elements[i];
		const struct cfg_set *set = set_of(check, element);

		if (element->set == NULL)
			families |= match_family_bits(element->addresses.first.family);
		else if (set == NULL || set->file != NULL || set->timeout_sec != 0)
			return MATCH_BOTH;
		for (unsigned j = 0; set != NULL && j < set->n_elements; j++)
			families |= match_family_bits(set->elements[j].addresses.first.family);
	}
	return families;
}

static bool holds(const struct cfg_element *element, uint32_t number)
{
	return number >= element->numbers.first && number <= element->numbers.last;
}

bool match_has_number(const struct check *check, const struct cfg_match *match, uint32_t number)
{
	if (match->n == 0)
		return true;
	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_element *element = &match->elements[i];
		const struct cfg_set *set = set_of(check, element);

		if (element->set == NULL && holds(element, number))
			return !match->is_negated;
		if (element->set != NULL && (set == NULL || set->file != NULL))
			return true;
		for (unsigned j = 0; set != NULL && j < set->n_elements; j++) {
			if (holds(&set->elements[j], number))
				return !match->is_negated;
		}
	}
	return match->is_negated;
}

bool match_has_interface(
	const struct check *check, const struct cfg_match *match, const char *interface)
{
	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_element *element = &match->elements[i];
		const struct cfg_set *set = set_of(check, element);

		if (element->set == NULL && strcmp(element->interface, interface) == 0)
			return !match->is_negated;
		if (element->set != NULL && (set == NULL || set->file != NULL))
			return true;
		for (unsigned j = 0; set != NULL && j < set->n_elements; j++) {
			if (strcmp(set->elements[j].interface, interface) == 0)
				return !match->is_negated;
		}
	}
	return match->n == 0 || match->is_negated;
}

bool match_is_known(const struct check *check, const struct cfg_match *match)
{
	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_set *set = set_of(check, &match->elements[i]);

		if (match->elements[i].set != NULL &&
			(set == NULL || set->file != NULL || set->timeout_sec != 0))
			return false;
	}
	return true;
}

struct cfg_match match_of_protocols(const struct check *check, const uint8_t *protocols)
{
	struct cfg_match match = {0};

	while (protocols[match.n] != 0)
		match.n++;
	match.elements = arena_alloc_array(check->config->arena, match.n, sizeof(*match.elements));
	if (match.elements == NULL)
		return (struct cfg_match){0};
	for (unsigned i = 0; i < match.n; i++) {
		match.elements[i].numbers.first = protocols[i];
		match.elements[i].numbers.last = protocols[i];
	}
	return match;
}

static bool is_among(const uint8_t *protocols, unsigned number)
{
	for (; *protocols != 0; protocols++) {
		if (*protocols == number)
			return true;
	}
	return false;
}

bool match_has_only(
	const struct check *check, const struct cfg_match *match, const uint8_t *protocols)
{
	for (unsigned number = 0; number < PROTOCOLS; number++) {
		if (!is_among(protocols, number) && match_has_number(check, match, number))
			return false;
	}
	return true;
}
