// SPDX-License-Identifier: BSD-3-Clause
// Who may come in from the internet: to everything, and to what the router is managed by. The rules
// are walked as the first packet of each way would walk them.
#include "cfg/check_doubts.h"

#include <string.h>

#include "cfg/check_match.h"
#include "cfg/check_outside.h"
#include "cfg/check_way.h"

// --- everything ---

// Whether a rule of the list, or of one that it jumps to, decides about all that goes this way.
// `door` is its place then if it accepts, else of line 0. Calls itself as deep as jumps lead.
static bool find_decision(
	const struct way *way, const struct cfg_list *list, struct cfg_place *door)
{
	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];

		if (!way_rule_is_bare(rule) || !way_holds(way, rule))
			continue;
		if (rule->action == CFG_RETURN)
			return false;
		if (rule->action == CFG_JUMP &&
			find_decision(way, check_find(&way->check->lists, rule->jump), door))
			return true;
		if (!way_rule_decides(rule))
			continue;
		*door = rule->action == CFG_ACCEPT ? rule->place : (struct cfg_place){0};
		return true;
	}
	return false;
}

// The place of what accepts all that goes this way, a rule or else the default; line 0 where
// nothing does.
static struct cfg_place find_open_door(const struct way *way)
{
	const struct cfg_firewall *firewall = &way->check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(way->check->root, "firewall");
	struct cfg_place door = {0};

	if (find_decision(way, &firewall->hooks[way->hook], &door))
		return door;
	if (firewall->defaults[way->hook] != CFG_ACCEPT)
		return (struct cfg_place){0};
	// was written: it is not the default's default
	return check_place(yaml_tree_get(section, "defaults"), way_hook_key(way->hook));
}

static bool doubt_way_to_router(const struct check *check, const struct cfg_interface *outside)
{
	struct way way = {.check = check, .hook = CFG_HOOK_INPUT, .from = outside};
	struct cfg_place place = find_open_door(&way);

	if (place.line != 0)
		report_warn(check->report, place, DOUBT_INPUT_OPEN,
			"firewall: `input`: everybody on the internet may reach the router itself, "
			"by interface %s",
			outside->name);
	return place.line != 0;
}

// Within one zone everything may pass anyway: whether both belong into it is another doubt.
static bool doubt_way_inside(const struct check *check, const struct cfg_interface *outside)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *inside = &config->interfaces[i];
		struct way way = {
			.check = check, .hook = CFG_HOOK_FORWARD, .from = outside, .to = inside};
		struct cfg_place place;

		if (outside_is_way(check, inside) ||
			strcmp(outside_zone(check, inside), outside_zone(check, outside)) == 0)
			continue;
		place = find_open_door(&way);
		if (place.line == 0)
			continue;
		report_warn(check->report, place, DOUBT_FORWARD_OPEN,
			"firewall: `forward`: everybody on the internet may reach the hosts behind "
			"%s that no translation hides, by interface %s",
			inside->name, outside->name);
		return true;
	}
	return false;
}

// --- what the router is managed by ---

enum { TCP = 6, UDP = 17, REPORTED_MAX = 32 };

static const struct {
	uint8_t protocol;
	uint16_t port;
	const char *name;
} doors[] = {
	{TCP, 22, "SSH"},
	{TCP, 23, "Telnet"},
	{TCP, 80, "HTTP"},
	{TCP, 443, "HTTPS"},
	{TCP, 830, "NETCONF"},
	{TCP, 3389, "RDP"},
	{TCP, 5900, "VNC"},
	{TCP, 8080, "HTTP"},
	{TCP, 8291, "WinBox"},
	{TCP, 8443, "HTTPS"},
	{TCP, 8728, "the RouterOS API"},
	{TCP, 9090, "Cockpit"},
	{TCP, 10000, "Webmin"},
	{UDP, 161, "SNMP"},
	{UDP, 5351, "NAT-PMP"},
	{UDP, 53, "DNS"},
};

enum { DOORS = sizeof(doors) / sizeof(doors[0]), DNS = DOORS - 1 };

struct exposure {
	struct way way;
	const struct cfg_rule *reported[REPORTED_MAX]; // by whichever way
	unsigned n_reported;
};

// As bits, those that the rule may be about.
static uint32_t doors_of(const struct check *check, const struct cfg_rule *rule)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < DOORS; i++) {
		if (match_has_number(check, &rule->protocol, doors[i].protocol) &&
			match_has_number(check, &rule->port, doors[i].port))
			found |= UINT32_C(1) << i;
	}
	return found;
}

// It is not for everybody, not always, or only what a redirect sends here: somebody has thought of
// who may.
static bool is_guarded(const struct cfg_rule *rule)
{
	return rule->source.n > 0 || rule->source_port.n > 0 || rule->mac.n > 0 ||
	       rule->rate.packets > 0 || rule->n_times > 0 || rule->mark.mask != 0 ||
	       rule->dscps != 0 || (rule->has_dnat && rule->is_dnat);
}

// Beyond its doors, it holds for all that goes this way.
static bool is_certain(const struct exposure *e, const struct cfg_rule *rule)
{
	return !is_guarded(rule) && way_holds(&e->way, rule) && rule->family == IP_NONE &&
	       rule->destination.n == 0 && !rule->has_dnat && rule->tcp_flags.mask == 0 &&
	       match_is_known(e->way.check, &rule->port) &&
	       match_is_known(e->way.check, &rule->protocol);
}

// Whoever tries too often is dropped, or whoever a program has banned: what comes after has its
// guard.
static bool is_guard(const struct check *check, const struct cfg_rule *rule)
{
	bool is_ban = !rule->source.is_negated && !match_is_known(check, &rule->source);

	return (rule->action == CFG_DROP || rule->action == CFG_REJECT) &&
	       (is_ban || (rule->rate.packets > 0 && rule->rate.is_above));
}

static void report_exposed(struct exposure *e, const struct cfg_rule *rule, uint32_t open)
{
	unsigned first = (unsigned)__builtin_ctz(open);

	for (unsigned i = 0; i < e->n_reported; i++) {
		if (e->reported[i] == rule)
			return;
	}
	if (e->n_reported < REPORTED_MAX)
		e->reported[e->n_reported++] = rule;
	report_warn(e->way.check->report, rule->place,
		first == DNS ? DOUBT_RESOLVER_OPEN : DOUBT_MANAGEMENT_EXPOSED,
		"firewall: `input`: %s (%s %u) of the router itself is open to everybody on the "
		"internet, by interface %s",
		doors[first].name, doors[first].protocol == TCP ? "TCP" : "UDP", doors[first].port,
		e->way.from->name);
}

// Reports what the list opens of these doors. Returns those that it has decided about for good.
// `is_all`: it is asked about everything, and who lets all of that in is another doubt. Calls
// itself as deep as jumps lead.
static uint32_t find_exposed(struct exposure *e, const struct cfg_list *list, uint32_t asked,
	bool has_guard, bool is_all)
{
	const struct check *check = e->way.check;
	uint32_t decided = 0;

	for (unsigned i = 0; i < list->n_rules && asked != 0; i++) {
		const struct cfg_rule *rule = &list->rules[i];
		uint32_t of_rule;

		if (!way_may_hold(&e->way, rule))
			continue;
		of_rule = asked & doors_of(check, rule);
		if (of_rule == 0)
			continue;
		has_guard |= is_guard(check, rule);
		if (is_guarded(rule))
			continue;
		if (rule->action == CFG_JUMP) {
			of_rule = find_exposed(e, check_find(&check->lists, rule->jump), of_rule,
				has_guard, is_all && way_rule_is_bare(rule));
		} else if (!way_rule_decides(rule)) {
			continue;
		} else if (rule->action == CFG_ACCEPT && !has_guard &&
			   !(is_all && way_rule_is_bare(rule))) {
			report_exposed(e, rule, of_rule);
		}
		if (!is_certain(e, rule))
			continue;
		asked &= ~of_rule;
		if (rule->action != CFG_RETURN)
			decided |= of_rule;
	}
	return decided;
}

static void doubt_management(struct exposure *e, const struct cfg_interface *outside)
{
	const struct cfg_list *input = &e->way.check->config->firewall.hooks[CFG_HOOK_INPUT];

	e->way.from = outside;
	find_exposed(e, input, (UINT32_C(1) << DOORS) - 1, false, true);
}

void check_doors(const struct check *check)
{
	const struct config *config = check->config;
	bool is_router_named = false, is_inside_named = false;
	struct exposure exposure = {.way = {.check = check, .hook = CFG_HOOK_INPUT}};

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (!outside_is_way(check, interface))
			continue;
		if (!is_router_named)
			is_router_named = doubt_way_to_router(check, interface);
		if (!is_inside_named)
			is_inside_named = doubt_way_inside(check, interface);
		doubt_management(&exposure, interface);
	}
}
