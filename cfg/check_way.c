// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_way.h"

#include <string.h>

#include "cfg/check_match.h"
#include "cfg/check_outside.h"

const char *way_hook_key(enum cfg_hook hook)
{
	static const char *const keys[CFG_HOOK_COUNT] = {
		[CFG_HOOK_INPUT] = "input",
		[CFG_HOOK_FORWARD] = "forward",
		[CFG_HOOK_OUTPUT] = "output",
	};

	return keys[hook];
}

static bool has_zone(
	const struct way *way, const struct cfg_names *zones, const struct cfg_interface *interface)
{
	return zones->n == 0 ||
	       outside_has_name(zones,
		       interface == NULL ? CFG_ZONE_ROUTER : outside_zone(way->check, interface));
}

static bool has_interface(
	const struct way *way, const struct cfg_match *match, const struct cfg_interface *interface)
{
	return match->n == 0 ||
	       (interface != NULL && match_has_interface(way->check, match, interface->name));
}

bool way_may_hold(const struct way *way, const struct cfg_rule *rule)
{
	if (rule->states != 0 && !(rule->states & CFG_STATE_NEW))
		return false;
	if (!has_zone(way, &rule->from, way->from) ||
		!has_interface(way, &rule->in_interface, way->from))
		return false;
	return way->is_to_any || (has_zone(way, &rule->to, way->to) &&
					 has_interface(way, &rule->out_interface, way->to));
}

bool way_holds(const struct way *way, const struct cfg_rule *rule)
{
	const struct check *check = way->check;

	return way_may_hold(way, rule) && match_is_known(check, &rule->in_interface) &&
	       match_is_known(check, &rule->out_interface) &&
	       (!way->is_to_any || (rule->to.n == 0 && rule->out_interface.n == 0));
}

bool way_rule_is_bare(const struct cfg_rule *rule)
{
	return rule->family == IP_NONE && rule->source.n == 0 && rule->destination.n == 0 &&
	       rule->source_port.n == 0 && rule->port.n == 0 && rule->protocol.n == 0 &&
	       rule->mac.n == 0 && rule->dscps == 0 && !rule->has_dnat && rule->mark.mask == 0 &&
	       rule->n_times == 0 && rule->rate.packets == 0;
}

bool way_rule_decides(const struct cfg_rule *rule)
{
	return rule->action != CFG_CONTINUE && rule->action != CFG_JUMP;
}

static bool is_router(const struct cfg_names *zones)
{
	return zones->n == 1 && strcmp(zones->names[0], CFG_ZONE_ROUTER) == 0;
}

bool way_rule_takes_all(const struct cfg_rule *rule)
{
	return way_rule_is_bare(rule) && rule->in_interface.n == 0 && rule->out_interface.n == 0 &&
	       rule->states == 0 && (rule->from.n == 0 || is_router(&rule->from)) &&
	       (rule->to.n == 0 || is_router(&rule->to));
}
