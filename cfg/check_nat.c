// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <stdio.h>
#include <string.h>

#include "cfg/check_match.h"

enum { TCP = 6, UDP = 17, PREFIX_LEN_MAX = 64, PORT_MAX = 65535 }; // RFC 6296 section 3.5: /64

// The keys that only some kinds have, as bits.
enum {
	OWN_INTERFACE = 1 << 0, // `interface`, where the kind's own key is not the interface
	ADDRESS = 1 << 1,
	FAMILY = 1 << 2,
	PORT_CHOICE = 1 << 3, // random-ports, keep-parity, full-cone
	PROTOCOL = 1 << 4,    // beside the kind's key, not in it
};

static const struct {
	const char *key;
	unsigned keys;
} kinds[] = {
	[CFG_NAT_MASQUERADE] = {"masquerade", FAMILY | PORT_CHOICE | PROTOCOL},
	[CFG_NAT_SOURCE] = {"source", OWN_INTERFACE | PORT_CHOICE | PROTOCOL},
	[CFG_NAT_ONE_TO_ONE] = {"one-to-one", OWN_INTERFACE | PROTOCOL},
	[CFG_NAT_FORWARD] = {"forward", OWN_INTERFACE | ADDRESS},
	[CFG_NAT_REDIRECT] = {"redirect", OWN_INTERFACE | ADDRESS | FAMILY},
	[CFG_NAT_PREFIX] = {"prefix", OWN_INTERFACE | PROTOCOL},
	[CFG_NAT_EXEMPT] = {"exempt", FAMILY | PROTOCOL},
};

static const struct {
	const char *key;
	unsigned bit;
} some_keys[] = {
	{"interface", OWN_INTERFACE},
	{"address", ADDRESS},
	{"family", FAMILY},
	{"random-ports", PORT_CHOICE},
	{"keep-parity", PORT_CHOICE},
	{"full-cone", PORT_CHOICE},
	{"protocol", PROTOCOL},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void complain(
	const struct check *check, const struct yaml_node *node, const char *key, const char *what)
{
	report_add(check->report, check_place(node, key), "nat rule: `%s`: %s", key, what);
}

// The value of the key that is the kind; NULL where there is none or more than one.
static const struct yaml_node *tell_kind(
	const struct check *check, struct cfg_nat *nat, const struct yaml_node *node)
{
	const struct yaml_node *found = NULL;

	for (unsigned i = 0; i < KINDS; i++) {
		const struct yaml_node *value = yaml_tree_get(node, kinds[i].key);

		if (value == NULL)
			continue;
		if (found != NULL) {
			report_add(check->report, value->key_place,
				"nat rule: `%s` beside `%s`: one rule does one thing", value->key,
				found->key);
			return NULL;
		}
		found = value;
		nat->kind = (enum cfg_nat_kind)i;
	}
	if (found == NULL)
		report_add(check->report, nat->place,
			"nat rule: expected one of masquerade, source, one-to-one, forward, "
			"redirect, "
			"prefix and exempt");
	return found;
}

static bool check_keys(
	const struct check *check, const struct cfg_nat *nat, const struct yaml_node *node)
{
	bool is_good = true;

	for (size_t i = 0; i < sizeof(some_keys) / sizeof(some_keys[0]); i++) {
		const struct yaml_node *value = yaml_tree_get(node, some_keys[i].key);

		if (value == NULL || (kinds[nat->kind].keys & some_keys[i].bit))
			continue;
		report_add(check->report, value->key_place, "nat rule: `%s` does not go with `%s`",
			value->key, kinds[nat->kind].key);
		is_good = false;
	}
	return is_good;
}

// `key` is the one that they are in.
static void check_interface_names(
	const struct check *check, struct cfg_nat *nat, struct yaml_node *value, const char *key)
{
	struct yaml_node *item = NULL;
	char noun[64];
	unsigned n = nat->interfaces.n;

	snprintf(noun, sizeof(noun), "nat rule: `%s`", key);
	for (unsigned i = 0; i < n; i++) {
		item = yaml_tree_next_item(value, item);
		if (item->is_bad)
			continue;
		if (strcmp(nat->interfaces.names[i], "any") == 0 && n == 1)
			nat->interfaces.n = 0;
		else
			check_is_interface(check, noun, nat->interfaces.names[i], item->place);
	}
}

// --- families: of the addresses, or what the file says, or what is usual ---

// An address of the other family would be there for nothing.
static void check_family_of(const struct check *check, const struct cfg_nat *nat, const char *key,
	const struct cfg_match *match, const struct yaml_node *node)
{
	struct yaml_node *value = yaml_tree_get(node, key);
	struct yaml_node *item = NULL;

	for (unsigned i = 0; i < match->n; i++) {
		uint8_t family = match->elements[i].addresses.first.family;

		item = yaml_tree_next_item(value, item);
		if (match->elements[i].set != NULL || nat->family == IP_NONE ||
			family == nat->family)
			continue;
		report_add(check->report, item->place,
			"nat rule: `%s`: %s is IPv%d, but the rule is for IPv%d%s", key, item->text,
			family, nat->family,
			kinds[nat->kind].keys & FAMILY ? ", unless it says `family: both`" : "");
	}
}

static void tell_family(
	const struct check *check, struct cfg_nat *nat, const struct yaml_node *node)
{
	unsigned matched = match_families(check, &nat->from) & match_families(check, &nat->to);
	const struct ip_prefix *known =
		nat->outside.addr.family != IP_NONE ? &nat->outside : &nat->inside;
	bool is_said = yaml_tree_get(node, "family") != NULL;

	if (known->addr.family != IP_NONE) {
		if (is_said && nat->family != known->addr.family)
			complain(check, node, "family", "the addresses are of the other family");
		nat->family = known->addr.family;
	} else if (!is_said && matched == MATCH_IP6) {
		nat->family = IP_V6;
	} else if (!is_said && (nat->kind == CFG_NAT_MASQUERADE || matched == MATCH_IP4)) {
		nat->family = IP_V4;
	}
	check_family_of(check, nat, "from", &nat->from, node);
	check_family_of(check, nat, "to", &nat->to, node);
}

// --- kinds ---

static void check_outside(const struct check *check, const struct cfg_nat *nat,
	const struct yaml_node *node, const char *key)
{
	if (ip_addr_is_multicast(&nat->outside.addr) || nat->outside.len == 0)
		complain(check, node, key, "that is no host's address");
}

static void check_pair(
	const struct check *check, const struct cfg_nat *nat, const struct yaml_node *value)
{
	if (nat->inside.addr.family == IP_NONE || nat->outside.addr.family == IP_NONE)
		return; // missing
	if (nat->inside.addr.family != nat->outside.addr.family)
		complain(check, value, "outside", "not of the same family as `inside`");
	else if (nat->inside.len != nat->outside.len)
		complain(check, value, "outside", "not of the same size as `inside`");
	else if (nat->kind == CFG_NAT_PREFIX && nat->inside.addr.family != IP_V6)
		complain(check, value, "inside", "is for IPv6; for IPv4 there is `one-to-one`");
	else if (nat->kind == CFG_NAT_PREFIX && nat->inside.len > PREFIX_LEN_MAX)
		complain(check, value, "inside",
			"a prefix is a /64 or shorter (RFC 6296 section 3.5)");
	check_outside(check, nat, value, "outside");
}

static void check_ports_of(
	const struct check *check, struct cfg_nat *nat, const struct yaml_node *value)
{
	static const uint8_t tcp_and_udp[] = {TCP, UDP, 0};
	const struct cfg_element *first = nat->ports.elements;

	for (unsigned i = 0; i < nat->ports.n; i++) {
		if (nat->ports.elements[i].numbers.first == 0)
			complain(check, value, "ports", "there is no port 0");
	}
	if (nat->ports.n > 0 && nat->protocol.n > 0 &&
		!match_has_only(check, &nat->protocol, match_port_protocols))
		complain(check, value, "protocol", MATCH_PORTS_ARE_FOR);
	if (nat->inside_port != 0 && nat->ports.n != 1)
		complain(check, value, "to-port",
			"which of them? It goes with one port or range "
			"in `ports`");
	else if (nat->inside_port != 0 &&
		 nat->inside_port + (first->numbers.last - first->numbers.first) > PORT_MAX)
		complain(check, value, "to-port",
			"the last ports of the range would be above 65535");
	if (nat->ports.n > 0 && nat->protocol.n == 0)
		nat->protocol = match_of_protocols(check, tcp_and_udp);
}

static void check_forward(const struct check *check, struct cfg_nat *nat,
	const struct yaml_node *node, const struct yaml_node *value)
{
	bool has_address = nat->outside.addr.family != IP_NONE;

	check_ports_of(check, nat, value);
	if (nat->interfaces.n == 0 && !has_address)
		report_add(check->report, nat->place,
			"nat rule: expected `interface` (where it comes in), `address` (where it "
			"is "
			"sent to) or both");
	if (nat->inside.addr.family == IP_NONE)
		return; // a redirect, or missing
	if (nat->inside.len != ip_family_bits(nat->inside.addr.family))
		complain(check, value, "to",
			"expected one address; for networks there is `one-to-one`");
	else if (has_address && nat->outside.addr.family != nat->inside.addr.family)
		complain(check, node, "address", "not of the same family as `to`");
}

static void check_rule(const struct check *check, struct cfg_nat *nat, const struct yaml_node *node)
{
	const struct yaml_node *value = tell_kind(check, nat, node);
	struct yaml_node *interfaces;

	if (value == NULL || !check_keys(check, nat, node))
		return;
	interfaces = yaml_tree_get(node, "interface");
	if (nat->kind == CFG_NAT_MASQUERADE || nat->kind == CFG_NAT_EXEMPT)
		interfaces = yaml_tree_get(node, value->key);
	if (interfaces != NULL)
		check_interface_names(check, nat, interfaces, interfaces->key);
	match_check(check, "nat rule: `from`", yaml_tree_get(node, "from"), CFG_SET_ADDRESSES,
		&nat->from);
	match_check(
		check, "nat rule: `to`", yaml_tree_get(node, "to"), CFG_SET_ADDRESSES, &nat->to);
	match_check(check, "nat rule: `protocol`",
		yaml_tree_get(kinds[nat->kind].keys & PROTOCOL ? node : value, "protocol"),
		CFG_SET_PROTOCOLS, &nat->protocol);
	if (!check_is_whole(node))
		return; // what is missing would be found missing
	switch (nat->kind) {
	case CFG_NAT_MASQUERADE:
	case CFG_NAT_EXEMPT:
		break;
	case CFG_NAT_SOURCE:
		check_outside(check, nat, node, "source");
		break;
	case CFG_NAT_ONE_TO_ONE:
	case CFG_NAT_PREFIX:
		check_pair(check, nat, value);
		break;
	case CFG_NAT_FORWARD:
	case CFG_NAT_REDIRECT:
		check_forward(check, nat, node, value);
		break;
	}
	tell_family(check, nat, node);
}

void check_nat(const struct check *check)
{
	const struct yaml_node *node = check_first(check->root, "nat");

	for (unsigned i = 0; i < check->config->n_nats; i++, node = node->next) {
		if (!node->is_bad)
			check_rule(check, &check->config->nats[i], node);
	}
}
