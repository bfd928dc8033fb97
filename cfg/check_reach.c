// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_reach.h"

#include <string.h>

#include "cfg/check_match.h"

enum { TCP = 6, CODES = 256 };

static const char *const hook_keys[] = {
	[CFG_HOOK_INPUT] = "input",
	[CFG_HOOK_FORWARD] = "forward",
	[CFG_HOOK_OUTPUT] = "output",
};

// --- one rule ---

// Nothing but zones has a say in whether the rule holds for a first packet.
static bool has_only_zones(const struct cfg_rule *rule)
{
	return rule->family == IP_NONE && rule->in_interface.n == 0 && rule->out_interface.n == 0 &&
	       rule->source.n == 0 && rule->destination.n == 0 && rule->source_port.n == 0 &&
	       rule->port.n == 0 && rule->protocol.n == 0 && rule->mac.n == 0 && rule->dscps == 0 &&
	       !rule->has_dnat && rule->mark.mask == 0 && rule->n_times == 0 &&
	       rule->rate.packets == 0;
}

static bool is_router(const struct cfg_names *zones)
{
	return zones->n == 1 && strcmp(zones->names[0], CFG_ZONE_ROUTER) == 0;
}

static bool holds_for_all(const struct cfg_rule *rule)
{
	return has_only_zones(rule) && rule->states == 0 &&
	       (rule->from.n == 0 || is_router(&rule->from)) &&
	       (rule->to.n == 0 || is_router(&rule->to));
}

static bool is_for_new(const struct cfg_rule *rule)
{
	return rule->states == 0 || (rule->states & CFG_STATE_NEW);
}

static bool decides(const struct cfg_rule *rule)
{
	return rule->action != CFG_CONTINUE && rule->action != CFG_JUMP;
}

static bool has_zone(const struct cfg_names *zones, const char *zone)
{
	if (zones->n == 0) // any
		return true;
	for (unsigned i = 0; i < zones->n; i++) {
		if (strcmp(zones->names[i], zone) == 0)
			return true;
	}
	return false;
}

static bool is_from(const struct cfg_rule *rule, const char *zone)
{
	return has_zone(&rule->from, zone);
}

// --- rules by themselves ---

static const struct {
	uint32_t type;
	const char *name, *because;
} needed6[] = {
	{2, "packet-too-big", "large packets then vanish on the way (RFC 4890 section 4.3.1)"},
	{130, "mld-query", "multicast then fails on some switches (RFC 4890 section 4.4.1)"},
	{131, "mld-report", "multicast then fails on some switches (RFC 4890 section 4.4.1)"},
	{132, "mld-done", "multicast then fails on some switches (RFC 4890 section 4.4.1)"},
	{133, "router-solicitation", "hosts then find no router (RFC 4890 section 4.4.1)"},
	{134, "router-advertisement", "hosts then find no router (RFC 4890 section 4.4.1)"},
	{135, "neighbour-solicitation", "IPv6 then fails on the link (RFC 4890 section 4.4.1)"},
	{136, "neighbour-advertisement", "IPv6 then fails on the link (RFC 4890 section 4.4.1)"},
	{143, "mld2-report", "multicast then fails on some switches (RFC 4890 section 4.4.1)"},
};

enum { FRAGMENTATION_NEEDED = 3 << 8 | 4 };

// What is needed stops only where a rule names it: "not echo-request" does not.
static bool names_number(const struct check *check, const struct cfg_match *match, uint32_t number)
{
	return match->n > 0 && !match->is_negated && match_has_number(check, match, number);
}

static void doubt_icmp(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	if (rule->action != CFG_DROP && rule->action != CFG_REJECT)
		return;
	if (names_number(check, &rule->icmp, FRAGMENTATION_NEEDED))
		report_warn(check->report, check_place(node, "icmp"),
			"firewall: rule: stops fragmentation-needed: large packets then vanish on "
			"the way (RFC 1191)");
	for (size_t i = 0; i < sizeof(needed6) / sizeof(needed6[0]); i++) {
		if (!names_number(check, &rule->icmp6, needed6[i].type * CODES))
			continue;
		report_warn(check->report, check_place(node, "icmp6"),
			"firewall: rule: stops %s: %s", needed6[i].name, needed6[i].because);
		break; // one is enough to look again
	}
}

static void doubt_rules(
	const struct check *check, const struct cfg_list *list, const struct yaml_node *node)
{
	const struct cfg_rule *last = NULL; // after which nothing is asked

	for (unsigned i = 0; i < list->n_rules; i++, node = node->next) {
		const struct cfg_rule *rule = &list->rules[i];
		char line[REPORT_LINE_BYTES];

		if (last != NULL) {
			report_warn(check->report, rule->place,
				"firewall: rule: never asked: the one on %s decides about "
				"everything",
				report_line(check->report, rule->place, last->place, line));
			break;
		}
		if (holds_for_all(rule) && decides(rule))
			last = rule;
		if (rule->action == CFG_DROP && rule->rate.packets != 0 && !rule->rate.is_above)
			report_warn(check->report, check_place(node, "rate"),
				"firewall: rule: drops what keeps to the rate, and lets pass what "
				"does not: `over` is missing?");
		doubt_icmp(check, rule, node);
	}
}

static void doubt_all_rules(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	const struct yaml_node *node = check_first(section, "lists");

	for (unsigned hook = 0; hook < CFG_HOOK_COUNT; hook++)
		doubt_rules(check, &firewall->hooks[hook], check_first(section, hook_keys[hook]));
	for (unsigned i = 0; i < firewall->n_lists; i++, node = node->next) {
		doubt_rules(check, &firewall->lists[i], node->first);
		if (!check->list_is_used[i])
			report_warn(check->report, firewall->lists[i].place,
				"firewall: list %s: no rule jumps to it", firewall->lists[i].name);
	}
}

// --- who gets in ---

// From one zone to another.
struct way {
	const struct check *check;
	enum cfg_hook hook;
	const char *from, *to;
};

// Whether a rule of the list, or of one that it jumps to, decides about all that goes this way.
// `door` is its place then if it accepts, else of line 0. Calls itself as deep as jumps lead.
static bool find_decision(
	const struct way *way, const struct cfg_list *list, struct cfg_place *door)
{
	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];

		if (!has_only_zones(rule) || !is_for_new(rule) ||
			!has_zone(&rule->from, way->from) || !has_zone(&rule->to, way->to))
			continue;
		if (rule->action == CFG_RETURN)
			return false;
		if (rule->action == CFG_JUMP &&
			find_decision(way, check_find(&way->check->lists, rule->jump), door))
			return true;
		if (!decides(rule))
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
	return check_place(yaml_tree_get(section, "defaults"), hook_keys[way->hook]); // was written
}

static const char *zone_name(const struct config *config, int zone)
{
	return zone == CHECK_NO_ZONE ? CFG_ZONE_NONE : config->zones[zone].name;
}

static bool doubt_way_to_router(
	const struct check *check, const struct cfg_interface *outside, const char *zone)
{
	struct way way = {check, CFG_HOOK_INPUT, zone, CFG_ZONE_ROUTER};
	struct cfg_place place = find_open_door(&way);

	if (place.line != 0)
		report_warn(check->report, place,
			"firewall: `input`: everybody on the internet may reach the router itself, "
			"by interface %s",
			outside->name);
	return place.line != 0;
}

// Within one zone everything may pass anyway: whether both belong into it is another doubt.
static bool doubt_way_inside(
	const struct check *check, const struct cfg_interface *outside, const char *zone)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *inside = &config->interfaces[i];
		const char *to = zone_name(config, check_zone_of(config, inside->name));
		struct way way = {check, CFG_HOOK_FORWARD, zone, to};
		struct cfg_place place;

		if (check_leads_outside(config, inside) || strcmp(to, zone) == 0)
			continue;
		place = find_open_door(&way);
		if (place.line == 0)
			continue;
		report_warn(check->report, place,
			"firewall: `forward`: everybody on the internet may reach the hosts behind "
			"%s that no translation hides, by interface %s",
			inside->name, outside->name);
		return true;
	}
	return false;
}

static void doubt_open_doors(const struct check *check)
{
	const struct config *config = check->config;
	bool is_router_named = false, is_inside_named = false;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];
		const char *zone = zone_name(config, check_zone_of(config, interface->name));

		if (!check_leads_outside(config, interface))
			continue;
		if (!is_router_named)
			is_router_named = doubt_way_to_router(check, interface, zone);
		if (!is_inside_named)
			is_inside_named = doubt_way_inside(check, interface, zone);
	}
}

// --- who does not ---

struct search {
	const struct check *check;
	const char *zone;  // NULL: of any
	bool needs_tcp;	   // it may be TCP
	bool needs_dnat;   // it may have been sent elsewhere
	bool *is_searched; // by index of list
};

static bool may_let_in(const struct search *search, const struct cfg_rule *rule)
{
	if (rule->action != CFG_ACCEPT)
		return false;
	if (search->needs_tcp && !match_has_number(search->check, &rule->protocol, TCP))
		return false;
	return !search->needs_dnat || !rule->has_dnat || rule->is_dnat;
}

// Whether a rule of the list, or of one that it jumps to, may accept what begins in the zone.
static bool may_accept(const struct search *search, const struct cfg_list *list)
{
	const struct check *check = search->check;

	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];
		const struct cfg_list *target;
		bool *is_searched;

		if (!is_for_new(rule) || (search->zone != NULL && !is_from(rule, search->zone)))
			continue;
		if (may_let_in(search, rule))
			return true;
		if (rule->action != CFG_JUMP)
			continue;
		target = check_find(&check->lists, rule->jump);
		is_searched = &search->is_searched[target - check->config->firewall.lists];
		if (*is_searched)
			continue;
		*is_searched = true;
		if (may_accept(search, target))
			return true;
	}
	return false;
}

static bool hook_may_accept(struct search search, enum cfg_hook hook)
{
	const struct cfg_firewall *firewall = &search.check->config->firewall;

	if (firewall->defaults[hook] == CFG_ACCEPT)
		return true;
	search.is_searched = arena_alloc_array(
		search.check->config->arena, firewall->n_lists, sizeof(*search.is_searched));
	return search.is_searched == NULL || may_accept(&search, &firewall->hooks[hook]);
}

static void doubt_locked_door(const struct check *check)
{
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");

	if (!hook_may_accept((struct search){.check = check, .needs_tcp = true}, CFG_HOOK_INPUT))
		report_warn(check->report, section->key_place,
			"firewall: `input`: no rule lets anybody reach the router by TCP: nobody "
			"can "
			"log in to it");
}

// What a forward or redirect lets in has to pass the rules as well.
static void doubt_forwards(const struct check *check)
{
	enum { UNKNOWN = 0, YES, NO };
	const struct config *config = check->config;
	uint8_t known[2][CFG_ZONES_MAX + 1] = {0}; // by zone, CHECK_NO_ZONE first

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];
		bool is_forward = nat->kind == CFG_NAT_FORWARD;
		enum cfg_hook hook = is_forward ? CFG_HOOK_FORWARD : CFG_HOOK_INPUT;

		if (!is_forward && nat->kind != CFG_NAT_REDIRECT)
			continue;
		for (unsigned j = 0; j < nat->interfaces.n; j++) {
			int zone = check_zone_of(config, nat->interfaces.names[j]);
			const char *name = zone_name(config, zone);
			struct search search = {check, .zone = name, .needs_dnat = is_forward};
			uint8_t *answer = &known[is_forward][zone + 1];

			if (*answer == UNKNOWN)
				*answer = hook_may_accept(search, hook) ? YES : NO;
			if (*answer == YES)
				continue;
			report_warn(check->report, nat->place,
				"nat rule: the firewall lets nothing of it in: rules of `%s` lack "
				"one such as { from: %s, %s, action: accept }",
				hook_keys[hook], name, is_forward ? "dnat: true" : "port: ...");
			break;
		}
	}
}

void check_reach(const struct check *check)
{
	doubt_all_rules(check);
	doubt_open_doors(check);
	doubt_locked_door(check);
	doubt_forwards(check);
}
