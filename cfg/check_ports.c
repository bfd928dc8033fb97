// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/check.h"

#include <stdio.h>
#include <string.h>

#include "cfg/model.h"
#include "cfg/suggest.h"

enum { IP6_MTU_MIN = 1280 }; // RFC 8200 section 5

static const struct yaml_node *first_of(const struct check *check, const char *section)
{
	const struct yaml_node *node = yaml_tree_get(check->root, section);

	return node != NULL ? node->first : NULL;
}

static const struct cfg_port *find_port(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_ports; i++) {
		if (config->ports[i].name != NULL && strcmp(config->ports[i].name, name) == 0)
			return &config->ports[i];
	}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

// "memif" or "tap, memif or pcap"
static void list_drivers(uint32_t drivers, char *out, size_t out_bytes)
{
	size_t len = 0;

	out[0] = '\0';
	for (const struct model_choice *c = model_drivers; c->name != NULL && len < out_bytes;
		c++) {
		uint32_t bit = 1u << c->value;

		if (!(drivers & bit))
			continue;
		drivers &= ~bit;
		len += (size_t)snprintf(out + len, out_bytes - len, "%s%s",
			len == 0       ? ""
			: drivers == 0 ? " and "
				       : ", ",
			c->name);
	}
}

static void check_driver_keys(
	const struct check *check, const struct cfg_port *port, const struct yaml_node *node)
{
	uint32_t driver = 1u << port->driver;
	char drivers[96];

	for (const struct model_key *key = model_port.keys; key->key != NULL; key++) {
		const struct yaml_node *value = yaml_tree_get(node, key->key);

		if (value != NULL && key->drivers != 0 && !(key->drivers & driver)) {
			list_drivers(key->drivers, drivers, sizeof(drivers));
			report_add(check->report, value->key_place,
				"port %s: `%s` is for driver %s, not for %s", port->name, key->key,
				drivers, cfg_driver_name(port->driver));
		}
		if (value == NULL && (key->required_for & driver))
			report_add(check->report, port->place,
				"port %s: `%s` is missing, driver %s needs it: %s", port->name,
				key->key, cfg_driver_name(port->driver), key->help);
	}
	if (port->driver != CFG_DRIVER_PCAP)
		return;
	if (yaml_tree_get(node, "rx-file") == NULL && yaml_tree_get(node, "tx-file") == NULL)
		report_add(check->report, port->place,
			"port %s: driver pcap needs `rx-file`, `tx-file` or both", port->name);
	else if (port->pcap_repeat && yaml_tree_get(node, "rx-file") == NULL)
		report_add(check->report, check_place(node, "repeat"),
			"port %s: `repeat` needs an `rx-file`", port->name);
}

static const char *tap_name(const struct cfg_port *port)
{
	if (port->driver != CFG_DRIVER_TAP)
		return NULL;
	return port->tap_name != NULL ? port->tap_name : port->name;
}

// What two ports cannot both have: returns the key of it, or NULL.
static const char *find_shared(const struct cfg_port *a, const struct cfg_port *b)
{
	if (same_text(a->match_name, b->match_name) || same_text(a->match_pci, b->match_pci))
		return "match";
	if (a->has_match_mac && b->has_match_mac &&
		memcmp(&a->match_mac, &b->match_mac, sizeof(a->match_mac)) == 0)
		return "match";
	if (same_text(tap_name(a), tap_name(b)))
		return "tap-name";
	if (same_text(a->memif_socket, b->memif_socket))
		return "socket";
	return same_text(a->pcap_tx, b->pcap_tx) ? "tx-file" : NULL;
}

void check_ports(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = first_of(check, "ports");

	for (unsigned i = 0; i < config->n_ports; i++, node = node->next) {
		const struct cfg_port *port = &config->ports[i];
		const struct yaml_node *driver = yaml_tree_get(node, "driver");

		if (port->name == NULL || node->is_bad)
			continue;
		if (driver == NULL || !driver->is_bad)
			check_driver_keys(check, port, node);
		for (unsigned j = 0; j < i; j++) {
			const struct cfg_port *other = &config->ports[j];
			const char *shared = find_shared(port, other);
			char line[REPORT_LINE_BYTES];
			struct cfg_place place;

			if (shared == NULL || other->name == NULL)
				continue;
			place = check_place(node, shared);
			report_add(check->report, place, "port %s: the same `%s` as port %s on %s",
				port->name, shared, other->name,
				report_line(check->report, place, other->place, line));
			break;
		}
	}
}

// Link-local subnets are the same on every link by design.
static bool is_link_local6(const struct ip_prefix *address)
{
	return address->addr.family == IP_V6 && ip_addr_is_link_local(&address->addr);
}

// Whether `address` goes with what interfaces[index] has, up to n_addresses; says why not.
static bool check_address_beside(const struct check *check, const struct cfg_interface *interface,
	const struct ip_prefix *address, struct cfg_place place, const struct cfg_interface *other,
	unsigned n_addresses)
{
	char text[ADDR_STR_BYTES], other_text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < n_addresses; i++) {
		const struct ip_prefix *beside = &other->addresses[i];

		if (ip_addr_equal(&beside->addr, &address->addr)) {
			if (other != interface && is_link_local6(address))
				continue;
			report_add(check->report, place, "interface %s: %s is %s%s already",
				interface->name, ip_addr_str(&address->addr, text),
				other == interface ? "in this list" : "on interface ",
				other == interface ? "" : other->name);
			return false;
		}
		if (other != interface && ip_prefix_overlaps(beside, address) &&
			!is_link_local6(address)) {
			report_add(check->report, place,
				"interface %s: the subnet of %s overlaps with that of %s on "
				"interface %s",
				interface->name, ip_prefix_str(address, text),
				ip_prefix_str(beside, other_text), other->name);
			return false;
		}
	}
	return true;
}

static void check_addresses(const struct check *check, unsigned index, const struct yaml_node *node)
{
	const struct config *config = check->config;
	const struct cfg_interface *interface = &config->interfaces[index];
	struct yaml_node *list = yaml_tree_get(node, "addresses");
	struct yaml_node *item = NULL;

	for (unsigned i = 0; i < interface->n_addresses; i++) {
		const struct ip_prefix *address = &interface->addresses[i];

		item = yaml_tree_next_item(list, item);
		if (item->is_bad ||
			!check_address_beside(check, interface, address, item->place, interface, i))
			continue;
		for (unsigned j = 0; j < index; j++) {
			const struct cfg_interface *other = &config->interfaces[j];

			if (other->name != NULL && !check_address_beside(check, interface, address,
							   item->place, other, other->n_addresses))
				break;
		}
	}
}

static bool has_ip6(const struct cfg_interface *interface)
{
	for (unsigned i = 0; i < interface->n_addresses; i++) {
		if (interface->addresses[i].addr.family == IP_V6)
			return true;
	}
	return false;
}

// Frames of VLAN 0 are the same as those without a tag.
static const struct cfg_interface *find_rival(const struct config *config, unsigned index)
{
	const struct cfg_interface *interface = &config->interfaces[index];

	for (unsigned i = 0; i < index; i++) {
		const struct cfg_interface *other = &config->interfaces[i];

		if (other->name != NULL && same_text(other->port, interface->port) &&
			other->vlan == interface->vlan)
			return other;
	}
	return NULL;
}

static void check_vlan(const struct check *check, unsigned index, const struct yaml_node *node)
{
	const struct cfg_interface *interface = &check->config->interfaces[index];
	const struct yaml_node *vlan = yaml_tree_get(node, "vlan");
	const struct cfg_interface *rival;

	if (vlan == NULL && yaml_tree_get(node, "priority") != NULL)
		report_add(check->report, check_place(node, "priority"),
			"interface %s: `priority` is in the tag of a VLAN, so it needs `vlan`; 0 "
			"is a tag of priority alone",
			interface->name);
	if (interface->port == NULL || (vlan != NULL && vlan->is_bad))
		return;
	rival = find_rival(check->config, index);
	if (rival == NULL)
		return;
	if (interface->vlan != 0)
		report_add(check->report, check_place(node, "vlan"),
			"interface %s: VLAN %u of port %s is interface %s's already",
			interface->name, interface->vlan, interface->port, rival->name);
	else
		report_add(check->report, check_place(node, "port"),
			"interface %s: what comes in by port %s without a VLAN is interface %s's "
			"already; give one of them a `vlan`",
			interface->name, interface->port, rival->name);
}

static void check_port_of(const struct check *check, unsigned index, struct cfg_place place)
{
	const struct config *config = check->config;
	const struct cfg_interface *interface = &config->interfaces[index];
	const struct cfg_port *port = find_port(config, interface->port);
	struct suggestion suggestion = {.written = interface->port};
	char hint[64];

	if (port == NULL) {
		const struct yaml_node *section = yaml_tree_get(check->root, "ports");

		if (section != NULL && section->is_bad)
			return; // it would be there
		for (unsigned i = 0; i < config->n_ports; i++) {
			if (config->ports[i].name != NULL)
				suggest_offer(&suggestion, config->ports[i].name);
		}
		report_add(check->report, place, "interface %s: there is no port `%s`%s",
			interface->name, interface->port,
			suggest_str(&suggestion, hint, sizeof(hint)));
		return;
	}
	if (same_text(tap_name(port), interface->name))
		report_add(check->report, place,
			"interface %s: the kernel's end of port %s has the same name; set its "
			"`tap-name`",
			interface->name, port->name);
	if (port->mtu != 0 && port->mtu < IP6_MTU_MIN && has_ip6(interface))
		report_add(check->report, place,
			"interface %s: IPv6 needs an MTU of %d at least (RFC 8200 section 5), port "
			"%s "
			"has %u",
			interface->name, IP6_MTU_MIN, port->name, port->mtu);
}

bool check_interfaces_are_known(const struct yaml_node *root)
{
	const struct yaml_node *section = yaml_tree_get(root, "interfaces");

	if (section == NULL)
		return true;
	for (const struct yaml_node *node = section->first; node != NULL; node = node->next) {
		struct yaml_node *addresses = yaml_tree_get(node, "addresses");
		struct yaml_node *item = NULL;

		if (node->is_bad || (addresses != NULL && addresses->is_bad))
			return false;
		while (addresses != NULL && (item = yaml_tree_next_item(addresses, item)) != NULL) {
			if (item->is_bad)
				return false;
		}
	}
	return !section->is_bad;
}

void check_interfaces(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = first_of(check, "interfaces");

	for (unsigned i = 0; i < config->n_interfaces; i++, node = node->next) {
		const struct cfg_interface *interface = &config->interfaces[i];

		if (interface->name == NULL || node->is_bad)
			continue;
		if (interface->port != NULL)
			check_port_of(check, i, check_place(node, "port"));
		check_vlan(check, i, node);
		check_addresses(check, i, node);
		check_dhcp4(check, interface, node);
	}
}
