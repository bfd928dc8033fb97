// SPDX-License-Identifier: BSD-3-Clause
// Rules that are odd by themselves: what they say is hardly what was meant.
#include "cfg/check_doubts.h"

#include "cfg/check_match.h"
#include "cfg/check_outside.h"
#include "cfg/check_way.h"

// --- ICMP that is needed ---

#define MULTICAST_FAILS "multicast then fails on some switches (RFC 4890 section 4.4.1)"
#define NO_ROUTER	"hosts then find no router (RFC 4890 section 4.4.1)"
#define LINK_FAILS	"IPv6 then fails on the link (RFC 4890 section 4.4.1)"

static const struct {
	uint32_t type;
	const char *name, *because;
} needed6[] = {
	{2, "packet-too-big", "large packets then vanish on the way (RFC 4890 section 4.3.1)"},
	{130, "mld-query", MULTICAST_FAILS},
	{131, "mld-report", MULTICAST_FAILS},
	{132, "mld-done", MULTICAST_FAILS},
	{133, "router-solicitation", NO_ROUTER},
	{134, "router-advertisement", NO_ROUTER},
	{135, "neighbour-solicitation", LINK_FAILS},
	{136, "neighbour-advertisement", LINK_FAILS},
	{143, "mld2-report", MULTICAST_FAILS},
};

enum { CODES = 256, FRAGMENTATION_NEEDED = 3 << 8 | 4, UDP = 17 };

static bool is_refusal(const struct cfg_rule *rule)
{
	return rule->action == CFG_DROP || rule->action == CFG_REJECT;
}

// What is needed stops only where a rule names it: "not echo-request" does not.
static bool names_number(const struct check *check, const struct cfg_match *match, uint32_t number)
{
	return match->n > 0 && !match->is_negated && match_has_number(check, match, number);
}

static void doubt_icmp(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	if (!is_refusal(rule))
		return;
	if (names_number(check, &rule->icmp, FRAGMENTATION_NEEDED))
		report_warn(check->report, check_place(node, "icmp"), DOUBT_NEEDED_ICMP_DROPPED,
			"firewall: rule: stops fragmentation-needed: large packets then vanish on "
			"the way (RFC 1191)");
	for (size_t i = 0; i < sizeof(needed6) / sizeof(needed6[0]); i++) {
		if (!names_number(check, &rule->icmp6, needed6[i].type * CODES))
			continue;
		report_warn(check->report, check_place(node, "icmp6"), DOUBT_NEEDED_ICMP_DROPPED,
			"firewall: rule: stops %s: %s", needed6[i].name, needed6[i].because);
		break; // one is enough to look again
	}
}

// --- DHCP that comes all the same ---

static const struct {
	uint8_t family;
	uint16_t server, client;
	const char *name;
} dhcps[] = {
	{IP_V4, 67, 68, "DHCP"},
	{IP_V6, 547, 546, "DHCPv6"},
};

// What a server says to the router's own client passes before all rules. A rule that names the
// client's port to refuse it refuses only what no server sends.
static void doubt_dhcp(const struct check *check, enum cfg_hook hook, const struct cfg_rule *rule,
	const struct yaml_node *node)
{
	if (hook != CFG_HOOK_INPUT || !is_refusal(rule) ||
		!match_has_number(check, &rule->protocol, UDP))
		return;
	for (size_t i = 0; i < sizeof(dhcps) / sizeof(dhcps[0]); i++) {
		if ((rule->family != IP_NONE && rule->family != dhcps[i].family) ||
			!match_is_known(check, &rule->port) ||
			!names_number(check, &rule->port, dhcps[i].client) ||
			!match_has_number(check, &rule->source_port, dhcps[i].server))
			continue;
		report_warn(check->report, check_place(node, "port"), DOUBT_DHCP_NOT_DROPPED,
			"firewall: rule: does not stop %s: what a server says to the router's own "
			"client always passes",
			dhcps[i].name);
		break;
	}
}

// --- rates ---

enum { LOG_LINES_PER_SEC_MAX = 100 };

static void doubt_rates(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	const struct cfg_rate *log_rate = &rule->log_rate;

	if (rule->action == CFG_DROP && rule->rate.packets != 0 && !rule->rate.is_above)
		report_warn(check->report, check_place(node, "rate"), DOUBT_RATE_WITHOUT_OVER,
			"firewall: rule: drops what keeps to the rate, and lets pass what "
			"does not: `over` is missing?");
	if (rule->log == NULL)
		return;
	if (log_rate->is_per_source)
		report_warn(check->report, check_place(node, "log-rate"), DOUBT_LOG_FLOOD,
			"firewall: rule: `log-rate`: senders that are made up have no end, and the "
			"log then has none either");
	else if (log_rate->packets / log_rate->per_sec > LOG_LINES_PER_SEC_MAX)
		report_warn(check->report, check_place(node, "log-rate"), DOUBT_LOG_FLOOD,
			"firewall: rule: `log-rate`: %u lines a second fill a disk",
			log_rate->packets / log_rate->per_sec);
}

// --- interfaces of other zones ---

static bool has_any_of(
	const struct check *check, const struct cfg_names *zones, const struct cfg_match *match)
{
	const struct config *config = check->config;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (match_has_interface(check, match, interface->name) &&
			(zones->n == 0 || outside_has_name(zones, outside_zone(check, interface))))
			return true;
	}
	return false;
}

static void doubt_interfaces(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	static const char *const keys[] = {"in-interface", "out-interface"};
	const struct cfg_names *zones[] = {&rule->from, &rule->to};
	const struct cfg_match *matches[] = {&rule->in_interface, &rule->out_interface};

	for (unsigned i = 0; i < 2; i++) {
		if (matches[i]->n == 0 || has_any_of(check, zones[i], matches[i]))
			continue;
		report_warn(check->report, check_place(node, keys[i]), DOUBT_RULE_IMPOSSIBLE,
			"firewall: rule: `%s`: no interface is among these%s%s: it never holds",
			keys[i], zones[i]->n > 0 ? " and in a zone of " : "",
			zones[i]->n == 0 ? ""
			: i == 0	 ? "`from`"
					 : "`to`");
		return;
	}
}

// --- all of them ---

// `hook` is CFG_HOOK_COUNT for the rules of lists.
static void doubt_rules(const struct check *check, enum cfg_hook hook, const struct cfg_list *list,
	const struct yaml_node *node)
{
	for (unsigned i = 0; i < list->n_rules; i++, node = node->next) {
		const struct cfg_rule *rule = &list->rules[i];

		doubt_icmp(check, rule, node);
		doubt_dhcp(check, hook, rule, node);
		doubt_rates(check, rule, node);
		doubt_interfaces(check, rule, node);
	}
}

// Calls itself as deep as jumps lead.
static void follow_jumps(const struct check *check, const struct cfg_list *list, bool *is_reached)
{
	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_list *target =
			list->rules[i].jump != NULL ? check_find(&check->lists, list->rules[i].jump)
						    : NULL;
		bool *is_target =
			target != NULL ? &is_reached[target - check->config->firewall.lists] : NULL;

		if (is_target == NULL || *is_target)
			continue;
		*is_target = true;
		follow_jumps(check, target, is_reached);
	}
}

static void doubt_lists(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	bool *is_reached =
		arena_alloc_array(check->config->arena, firewall->n_lists, sizeof(*is_reached));

	for (unsigned hook = 0; hook < CFG_HOOK_COUNT && is_reached != NULL; hook++)
		follow_jumps(check, &firewall->hooks[hook], is_reached);
	for (unsigned i = 0; i < firewall->n_lists && is_reached != NULL; i++) {
		if (is_reached[i])
			continue;
		report_warn(check->report, firewall->lists[i].place, DOUBT_LIST_UNUSED,
			check->list_is_used[i] ? "firewall: list %s: only lists that are never "
						 "asked jump to it"
					       : "firewall: list %s: no rule jumps to it",
			firewall->lists[i].name);
	}
}

void check_odd_rules(const struct check *check)
{
	const struct cfg_firewall *firewall = &check->config->firewall;
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	const struct yaml_node *node = check_first(section, "lists");

	for (enum cfg_hook hook = CFG_HOOK_INPUT; hook < CFG_HOOK_COUNT; hook++)
		doubt_rules(check, hook, &firewall->hooks[hook],
			check_first(section, way_hook_key(hook)));
	for (unsigned i = 0; i < firewall->n_lists; i++, node = node->next)
		doubt_rules(check, CFG_HOOK_COUNT, &firewall->lists[i], node->first);
	doubt_lists(check);
}
