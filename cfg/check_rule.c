// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check_rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cfg/check_match.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, NOUN_BYTES = 64 };

static const uint8_t icmp_protocols[] = {ICMP, ICMP6, 0};

struct match_key {
	const char *key;
	enum cfg_set_kind kind;
	size_t offset; // of its struct cfg_match
};

static const struct match_key match_keys[] = {
	{"in-interface", CFG_SET_INTERFACES, offsetof(struct cfg_rule, in_interface)},
	{"out-interface", CFG_SET_INTERFACES, offsetof(struct cfg_rule, out_interface)},
	{"source", CFG_SET_ADDRESSES, offsetof(struct cfg_rule, source)},
	{"destination", CFG_SET_ADDRESSES, offsetof(struct cfg_rule, destination)},
	{"source-port", CFG_SET_PORTS, offsetof(struct cfg_rule, source_port)},
	{"port", CFG_SET_PORTS, offsetof(struct cfg_rule, port)},
	{"protocol", CFG_SET_PROTOCOLS, offsetof(struct cfg_rule, protocol)},
	{"icmp", CFG_SET_ICMP, offsetof(struct cfg_rule, icmp)},
	{"icmp6", CFG_SET_ICMP6, offsetof(struct cfg_rule, icmp6)},
	{"mac", CFG_SET_MACS, offsetof(struct cfg_rule, mac)},
};

// --- names ---

static void check_zone_names(const struct check *check, const char *key, struct cfg_names *zones,
	const struct yaml_node *node)
{
	struct yaml_node *value = yaml_tree_get(node, key);
	struct yaml_node *item = NULL;
	char noun[NOUN_BYTES];
	unsigned n = zones->n;

	snprintf(noun, sizeof(noun), "firewall: rule: `%s`", key);
	for (unsigned i = 0; i < n; i++) {
		const char *name = zones->names[i];

		item = yaml_tree_next_item(value, item);
		if (item->is_bad)
			continue;
		if (strcmp(name, "any") == 0) {
			zones->n = 0;
			if (n > 1)
				report_add(check->report, item->place,
					"%s: `any` makes the other zones superfluous", noun);
		} else if (strcmp(name, CFG_ZONE_ROUTER) != 0 && strcmp(name, CFG_ZONE_NONE) != 0) {
			check_find_or_report(check, &check->zones, noun, name, item->place);
		}
	}
}

static void check_names_of(
	const struct check *check, struct cfg_rule *rule, const struct yaml_node *node)
{
	check_zone_names(check, "from", &rule->from, node);
	check_zone_names(check, "to", &rule->to, node);
	for (size_t i = 0; i < sizeof(match_keys) / sizeof(match_keys[0]); i++) {
		const struct match_key *key = &match_keys[i];
		char noun[NOUN_BYTES];

		snprintf(noun, sizeof(noun), "firewall: rule: `%s`", key->key);
		match_check(check, noun, yaml_tree_get(node, key->key), key->kind,
			(struct cfg_match *)((char *)rule + key->offset));
	}
	if (rule->jump != NULL) {
		const struct cfg_list *list = check_find_or_report(check, &check->lists,
			"firewall: rule: `jump`", rule->jump, check_place(node, "jump"));

		if (list != NULL)
			check->list_is_used[list - check->config->firewall.lists] = true;
	}
}

static void check_add(
	const struct check *check, struct cfg_rule *rule, const struct yaml_node *node)
{
	const struct yaml_node *add = yaml_tree_get(node, "add-to");
	const struct cfg_set *set;

	if (rule->add_set == NULL)
		return;
	set = check_find_or_report(check, &check->sets, "firewall: rule: add-to: `set`",
		rule->add_set, check_place(add, "set"));
	if (set == NULL)
		return;
	if (set->timeout_sec == 0)
		report_add(check->report, check_place(add, "set"),
			"firewall: rule: add-to: set `%s` has no `timeout`, so that nothing can be "
			"added to it",
			set->name);
	if (rule->add_sec == 0)
		rule->add_sec = set->timeout_sec;
	// Who sends has all of a /64 to send from; who is sent to is one of many in it.
	if (rule->add_ip6_len == 0)
		rule->add_ip6_len = rule->add_destination ? 128 : 64;
}

// --- what cannot be together ---

__attribute__((format(printf, 4, 5))) static void complain(const struct check *check,
	const struct yaml_node *node, const char *key, const char *fmt, ...)
{
	struct error text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	report_add(
		check->report, check_place(node, key), "firewall: rule: `%s`: %s", key, text.text);
}

static bool is_only_router(const struct cfg_names *zones)
{
	return zones->n == 1 && strcmp(zones->names[0], CFG_ZONE_ROUTER) == 0;
}

static bool has_router(const struct cfg_names *zones)
{
	for (unsigned i = 0; i < zones->n; i++) {
		if (strcmp(zones->names[i], CFG_ZONE_ROUTER) == 0)
			return true;
	}
	return false;
}

// A rule in the wrong one of input, forward and output would never hold.
static void check_hook(const struct check *check, enum cfg_hook hook, const struct cfg_rule *rule,
	const struct yaml_node *node)
{
	bool is_input = hook == CFG_HOOK_INPUT;
	bool is_output = hook == CFG_HOOK_OUTPUT;

	if (hook == CFG_HOOK_COUNT)
		return;
	if (is_input && rule->to.n > 0 && !is_only_router(&rule->to))
		complain(check, node, "to",
			"rules of `input` are for what comes to the router itself: what passes "
			"through is for `forward`");
	if (is_output && rule->from.n > 0 && !is_only_router(&rule->from))
		complain(check, node, "from",
			"rules of `output` are for what the router itself sends: what passes "
			"through is for `forward`");
	if (!is_output && has_router(&rule->from))
		complain(check, node, "from", "what the router itself sends is for `output`");
	if (!is_input && has_router(&rule->to))
		complain(check, node, "to", "what comes to the router itself is for `input`");
	if (is_input && rule->out_interface.n > 0)
		complain(check, node, "out-interface", "what comes to the router leaves by none");
	if (is_output && rule->in_interface.n > 0)
		complain(check, node, "in-interface", "what the router sends came in by none");
	if (is_output && rule->mac.n > 0)
		complain(check, node, "mac", "what the router sends has no sender's MAC address");
}

static void check_families(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	unsigned source = match_families(check, &rule->source);
	unsigned destination = match_families(check, &rule->destination);
	unsigned family = match_family_bits(rule->family);
	bool has_icmp = rule->icmp.n > 0, has_icmp6 = rule->icmp6.n > 0;

	if ((source & destination) == 0)
		complain(check, node, "destination",
			"no packet has a source of one family and a "
			"destination of the other");
	else if ((source & destination & family) == 0)
		complain(check, node, "family", "the addresses are of the other family");
	else if (has_icmp && !has_icmp6 && (source & destination & family & MATCH_IP4) == 0)
		complain(check, node, "icmp", "ICMP is for IPv4; for IPv6 say `icmp6`");
	else if (has_icmp6 && !has_icmp && (source & destination & family & MATCH_IP6) == 0)
		complain(check, node, "icmp6", "ICMPv6 is for IPv6; for IPv4 say `icmp`");
}

// Whether a protocol that the file says goes with the types, ports and flags that it says.
static void check_protocol(
	const struct check *check, const struct cfg_rule *rule, const struct yaml_node *node)
{
	const struct cfg_match *protocol = &rule->protocol;
	bool has_ports = rule->port.n > 0 || rule->source_port.n > 0;
	bool has_types = rule->icmp.n > 0 || rule->icmp6.n > 0;

	if (has_types && (has_ports || rule->tcp_flags.mask != 0))
		complain(check, node, rule->icmp.n > 0 ? "icmp" : "icmp6",
			"ICMP has neither ports nor TCP flags");
	else if (has_types && protocol->n > 0 && !match_has_only(check, protocol, icmp_protocols))
		complain(check, node, "protocol",
			"only ICMP has types: leave the protocol out, or the types");
	else if (rule->tcp_flags.mask != 0 && !match_has_number(check, protocol, TCP))
		complain(check, node, "tcp-flags", "only TCP has them");
	else if (has_ports && protocol->n > 0 &&
		 !match_has_only(check, protocol, match_port_protocols))
		complain(check, node, "protocol", MATCH_PORTS_ARE_FOR);
}

// Where the file says no protocol, these are it.
static void complete_protocol(const struct check *check, struct cfg_rule *rule)
{
	uint8_t protocols[5] = {0};
	unsigned n = 0;

	if (rule->protocol.n > 0)
		return;
	if (rule->icmp.n > 0)
		protocols[n++] = ICMP;
	if (rule->icmp6.n > 0)
		protocols[n++] = ICMP6;
	if (rule->tcp_flags.mask != 0 || rule->port.n > 0 || rule->source_port.n > 0)
		protocols[n++] = TCP;
	if (rule->tcp_flags.mask == 0 && (rule->port.n > 0 || rule->source_port.n > 0))
		protocols[n++] = UDP;
	if (n > 0)
		rule->protocol = match_of_protocols(check, protocols);
}

static void check_action(
	const struct check *check, struct cfg_rule *rule, const struct yaml_node *node)
{
	bool has_effect = rule->counter != NULL || rule->log != NULL || rule->set_mark.mask != 0 ||
			  rule->add_set != NULL;

	if (rule->jump != NULL && rule->action != CFG_CONTINUE)
		complain(check, node, "jump", "beside `action`: one of them decides");
	else if (rule->jump != NULL)
		rule->action = CFG_JUMP;
	else if (yaml_tree_get(node, "action") == NULL && !has_effect)
		report_add(check->report, rule->place,
			"firewall: rule: nothing happens: expected `action` or `jump`, or at least "
			"`count`, `log`, `set-mark` or `add-to`");
	if (yaml_tree_get(node, "reject-with") != NULL && rule->action != CFG_REJECT)
		complain(check, node, "reject-with", "is for `action: reject`");
	else if (rule->reject == CFG_REJECT_RST && !match_has_number(check, &rule->protocol, TCP))
		complain(check, node, "reject-with", "only TCP has a reset");
	if (yaml_tree_get(node, "log-rate") != NULL && rule->log == NULL)
		complain(check, node, "log-rate", "there is no `log`");
	else if (rule->log_rate.is_above)
		complain(check, node, "log-rate", "the log is never what goes over a rate");
}

void rule_check(const struct check *check, enum cfg_hook hook, struct cfg_rule *rule,
	const struct yaml_node *node)
{
	check_names_of(check, rule, node);
	check_add(check, rule, node);
	if (!check_is_whole(node))
		return; // what is missing would be found missing
	check_hook(check, hook, rule, node);
	check_families(check, rule, node);
	check_protocol(check, rule, node);
	complete_protocol(check, rule);
	check_action(check, rule, node);
}
