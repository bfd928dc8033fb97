// SPDX-License-Identifier: BSD-3-Clause
// Who does not get in who should: the operator, what a translation sends on, hosts inside that ask
// for what others get.
#include "cfg/check_doubts.h"

#include <string.h>

#include "cfg/check_match.h"
#include "cfg/check_outside.h"
#include "cfg/check_way.h"

enum { TCP = 6, UDP = 17, DNS = 53, MDNS = 5353, DHCP = CHECK_DHCP_PORT, ANY_PORT = -1 };

struct search {
	struct way way;	   // from NULL: of any interface
	uint8_t protocol;  // it may be that; 0: any
	int port;	   // and to that port, or ANY_PORT
	bool needs_dnat;   // it may have been sent elsewhere
	bool *is_searched; // by index of list
	bool *is_shut; // set by the first rule that takes all of it away; NULL: never mind those
};

static bool may_hold(const struct search *search, const struct cfg_rule *rule)
{
	const struct check *check = search->way.check;

	bool is_any = search->way.from == NULL && search->way.to == NULL;

	if (is_any && rule->states != 0 && !(rule->states & CFG_STATE_NEW))
		return false;
	if (!is_any && !way_may_hold(&search->way, rule))
		return false;
	if (search->protocol != 0 && !match_has_number(check, &rule->protocol, search->protocol))
		return false;
	return search->port == ANY_PORT ||
	       match_has_number(check, &rule->port, (uint32_t)search->port);
}

// Whatever it is beside its port, the rule holds for it.
static bool holds_for_all(const struct search *search, const struct cfg_rule *rule)
{
	const struct check *check = search->way.check;
	struct cfg_rule bare = *rule;

	bare.protocol.n = bare.port.n = 0;
	return way_holds(&search->way, rule) && way_rule_is_bare(&bare) &&
	       match_is_known(check, &rule->protocol) && match_is_known(check, &rule->port);
}

// Whether a rule of the list, or of one that it jumps to, may accept what is searched for.
static bool may_accept(const struct search *search, const struct cfg_list *list)
{
	const struct check *check = search->way.check;

	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];
		const struct cfg_list *target;
		bool *is_searched;

		if (!may_hold(search, rule))
			continue;
		if (rule->action == CFG_ACCEPT &&
			(!search->needs_dnat || !rule->has_dnat || rule->is_dnat))
			return true;
		if (search->is_shut != NULL &&
			(rule->action == CFG_DROP || rule->action == CFG_REJECT) &&
			holds_for_all(search, rule)) {
			*search->is_shut = true;
			return false;
		}
		if (rule->action != CFG_JUMP)
			continue;
		target = check_find(&check->lists, rule->jump);
		is_searched = &search->is_searched[target - check->config->firewall.lists];
		if (*is_searched)
			continue;
		*is_searched = true;
		if (may_accept(search, target))
			return true;
		if (search->is_shut != NULL && *search->is_shut) {
			if (holds_for_all(search, rule))
				return false;
			*search->is_shut = false; // what does not jump goes on
		}
	}
	return false;
}

static bool hook_may_accept(struct search search)
{
	const struct check *check = search.way.check;
	const struct cfg_firewall *firewall = &check->config->firewall;
	enum cfg_hook hook = search.way.hook;

	bool is_open = firewall->defaults[hook] == CFG_ACCEPT;

	if (is_open && search.is_shut == NULL)
		return true;
	search.is_searched = arena_alloc_array(
		check->config->arena, firewall->n_lists, sizeof(*search.is_searched));
	return search.is_searched == NULL || may_accept(&search, &firewall->hooks[hook]) ||
	       (is_open && !*search.is_shut);
}

// --- the operator ---

static void doubt_locked_door(const struct check *check)
{
	const struct yaml_node *section = yaml_tree_get(check->root, "firewall");
	struct search search = {
		.way = {.check = check, .hook = CFG_HOOK_INPUT}, .protocol = TCP, .port = ANY_PORT};

	if (!hook_may_accept(search))
		report_warn(check->report, section->key_place, DOUBT_ROUTER_LOCKED,
			"firewall: `input`: no rule lets anybody reach the router by TCP: nobody "
			"can "
			"log in to it");
}

// --- what a forward or redirect lets in has to pass the rules as well ---

static bool may_enter(
	const struct check *check, bool is_forward, const struct cfg_interface *interface)
{
	struct search search = {
		.way = {.check = check,
			.hook = is_forward ? CFG_HOOK_FORWARD : CFG_HOOK_INPUT,
			.from = interface,
			.is_to_any = is_forward},
		.port = ANY_PORT,
		.needs_dnat = is_forward,
	};

	return hook_may_accept(search);
}

static void doubt_forwards(const struct check *check)
{
	enum { UNKNOWN = 0, YES, NO };
	const struct config *config = check->config;
	uint8_t known[2][CFG_INTERFACES_MAX] = {0}; // whether anything may enter there

	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];
		bool is_forward = nat->kind == CFG_NAT_FORWARD;

		if (!is_forward && nat->kind != CFG_NAT_REDIRECT)
			continue;
		for (unsigned j = 0; j < nat->interfaces.n; j++) {
			const struct cfg_interface *interface =
				check_find_interface(config, nat->interfaces.names[j]);
			uint8_t *answer = &known[is_forward][interface - config->interfaces];

			if (*answer == UNKNOWN)
				*answer = may_enter(check, is_forward, interface) ? YES : NO;
			if (*answer == YES)
				continue;
			report_fix(report_warn(check->report, nat->place, DOUBT_NAT_BLOCKED,
					   "nat rule: the firewall lets nothing of it in: no rule "
					   "of `%s` accepts what comes by %s",
					   is_forward ? "forward" : "input", interface->name),
				"add to `%s` one such as { from: %s, %s, action: accept }",
				is_forward ? "forward" : "input", outside_zone(check, interface),
				is_forward ? "dnat: true" : "port: ...");
			break;
		}
	}
}

// --- hosts inside that ask for what others get ---

static const struct {
	uint16_t port;
	enum doubt doubt;
	const char *what, *word;
} services[] = {
	{DHCP, DOUBT_LAN_WITHOUT_DHCP, "ask for an address", "dhcp-server"},
	{DNS, DOUBT_LAN_WITHOUT_DNS, "ask for names", "dns"},
};

// The first rule for what comes to the router that accepts this port by its number, or NULL.
static const struct cfg_rule *find_offer(
	const struct check *check, const struct cfg_list *list, uint16_t port)
{
	for (unsigned i = 0; i < list->n_rules; i++) {
		const struct cfg_rule *rule = &list->rules[i];

		if (rule->action == CFG_ACCEPT && rule->port.n > 0 && !rule->port.is_negated &&
			match_is_known(check, &rule->port) &&
			match_has_number(check, &rule->port, port) &&
			match_has_number(check, &rule->protocol, UDP))
			return rule;
	}
	return NULL;
}

bool check_may_ask(const struct check *check, const struct cfg_interface *interface, uint16_t port)
{
	struct search search = {.way = {.check = check, .hook = CFG_HOOK_INPUT, .from = interface},
		.protocol = UDP,
		.port = port};

	return hook_may_accept(search);
}

static void doubt_services(const struct check *check)
{
	const struct config *config = check->config;
	const struct cfg_list *input = &config->firewall.hooks[CFG_HOOK_INPUT];
	char line[REPORT_LINE_BYTES];

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct cfg_rule *offer = find_offer(check, input, services[i].port);

		for (unsigned j = 0; offer != NULL && j < config->n_interfaces; j++) {
			const struct cfg_interface *interface = &config->interfaces[j];

			if (outside_is_way(check, interface) ||
				(services[i].port == DNS &&
					check_dns_listens_on(&config->dns, interface->name)) ||
				check_may_ask(check, interface, services[i].port))
				continue;
			report_line(check->report, interface->place, offer->place, line);
			report_fix(
				report_warn(check->report, interface->place, services[i].doubt,
					"interface %s: its hosts may not %s as others may by the "
					"rule on %s",
					interface->name, services[i].what, line),
				"add to `input` { from: %s, protocol: udp, port: %s, action: "
				"accept }",
				outside_zone(check, interface), services[i].word);
		}
	}
}

// --- names, where the config has them heard or asked ---

// UDP to this port of the router by the interface, or (`is_out`) of a host there, has a chance.
static bool may_pass(const struct check *check, const struct cfg_interface *interface,
	uint16_t port, bool is_out)
{
	bool is_shut = false;
	struct search search = {
		.way = {.check = check, .hook = is_out ? CFG_HOOK_OUTPUT : CFG_HOOK_INPUT},
		.protocol = UDP,
		.port = port,
		.is_shut = &is_shut};

	*(is_out ? &search.way.to : &search.way.from) = interface;
	return hook_may_accept(search);
}

static void doubt_listen(const struct check *check)
{
	const struct cfg_dns *dns = &check->config->dns;
	struct yaml_node *list = yaml_tree_get(yaml_tree_get(check->root, "dns"), "listen");
	struct yaml_node *item = NULL;

	for (unsigned i = 0; list != NULL && i < dns->n_listen; i++) {
		const struct cfg_interface *interface =
			check_find_interface(check->config, dns->listen[i]);

		item = yaml_tree_next_item(list, item);
		if (interface != NULL && !may_pass(check, interface, dns->port, false))
			report_fix(report_warn(check->report, item->place, DOUBT_DNS_SHUT,
					   "dns: `listen`: the firewall lets no host on %s ask",
					   interface->name),
				"add to `input` { from: %s, protocol: [udp, tcp], port: %u, "
				"action: accept }",
				outside_zone(check, interface), dns->port);
	}
}

static void doubt_mdns(const struct check *check)
{
	const struct cfg_dns *dns = &check->config->dns;
	struct yaml_node *list = yaml_tree_get(yaml_tree_get(check->root, "dns"), "mdns");
	struct yaml_node *item = NULL;

	for (unsigned i = 0; list != NULL && i < dns->n_mdns; i++) {
		const struct cfg_interface *interface =
			check_find_interface(check->config, dns->mdns[i]);
		bool is_in = interface == NULL || may_pass(check, interface, MDNS, false);

		item = yaml_tree_next_item(list, item);
		if (is_in && (interface == NULL || may_pass(check, interface, MDNS, true)))
			continue;
		report_fix(report_warn(check->report, item->place, DOUBT_MDNS_SHUT,
				   is_in ? "dns: `mdns`: the firewall lets no question out to "
					   "hosts on %s"
					 : "dns: `mdns`: the firewall lets no answer in from "
					   "hosts on %s",
				   interface->name),
			"add to `%s` { %s: %s, protocol: udp, port: mdns, action: accept }",
			is_in ? "output" : "input", is_in ? "to" : "from",
			outside_zone(check, interface));
	}
}

void check_reach(const struct check *check)
{
	doubt_locked_door(check);
	doubt_forwards(check);
	doubt_services(check);
	doubt_listen(check);
	doubt_mdns(check);
}
