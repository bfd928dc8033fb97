// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_doubts.h"

#include "cfg/check_way.h"

static void doubt_list(const struct check *check, const struct cfg_list *list)
{
	const struct cfg_rule *last = NULL; // after which nothing is asked

	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];

		if (last != NULL) {
			report_warn(check->report, rule->place, DOUBT_RULE_SHADOWED,
				"firewall: rule: never asked: the one on line %d decides about "
				"everything",
				last->place.line);
			break;
		}
		if (way_rule_takes_all(rule) && way_rule_decides(rule))
			last = rule;
	}
}

void check_shadows(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;

	for (enum cfg_hook hook = CFG_HOOK_INPUT; hook < CFG_HOOK_COUNT; hook++)
		doubt_list(check, &firewall->hooks[hook]);
	for (unsigned i = 0; i < firewall->n_lists; i++)
		doubt_list(check, &firewall->lists[i]);
}
