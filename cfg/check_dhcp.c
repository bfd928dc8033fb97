// SPDX-License-Identifier: BSD-3-Clause
// What the DHCP server gives: addresses of its subnets, each once; options of their types. Also
// completes what the file leaves to it.
#include "cfg/check.h"

#include <string.h>

#include "cfg/dhcp4_option.h"

enum { PREFIX_LEN_MAX = 30, PREFIX_LEN_MIN = 8 };

struct subnet_check {
	const struct check *check;
	struct cfg_dhcp_subnet *subnet;
	const struct yaml_node *node;
};

// --- options and what clients are known by ---

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void complete_id(const struct subnet_check *c, struct cfg_dhcp_id *id, const char *key,
	const struct yaml_node *node)
{
	const char *text = id->text;
	size_t len = text == NULL ? 0 : strlen(text);
	uint8_t *bytes;

	if (text == NULL)
		return;
	if (strncmp(text, "0x", 2) != 0) {
		id->bytes = (const uint8_t *)text;
		id->n_bytes = (unsigned)len;
		return;
	}
	bytes = arena_alloc(c->check->config->arena, len);
	for (size_t i = 2; i + 1 < len && bytes != NULL; i += 2) {
		int high = digit_of(text[i]), low = digit_of(text[i + 1]);

		if (high < 0 || low < 0)
			break;
		bytes[id->n_bytes++] = (uint8_t)(high << 4 | low);
	}
	id->bytes = bytes;
	if (len == 2 || 2 * id->n_bytes + 2 != len)
		report_add(c->check->report, check_place(node, key),
			"dhcp-server %s: `%s`: expected pairs of hexadecimal digits behind 0x",
			c->subnet->name, key);
}

static void complete_options(const struct subnet_check *c, struct cfg_dhcp_options *options)
{
	struct arena *arena = c->check->config->arena;

	for (unsigned i = 0; i < options->n; i++) {
		struct cfg_dhcp_option *option = &options->list[i];
		uint8_t bytes[DHCP4_OPTION_BYTES_MAX], *copy;
		struct dhcp4_option_kind kind;
		struct error err = {0};
		int n;

		if (option->name == NULL || option->n_values == 0)
			continue;
		if (!dhcp4_option_find(option->name, &kind)) {
			report_add(c->check->report, option->place,
				"dhcp-server %s: there is no option `%s`: expected a name such as "
				"`dns`, or `option-176`",
				c->subnet->name, option->name);
			continue;
		}
		n = dhcp4_option_encode(&kind, option->values, option->n_values, bytes, &err);
		if (n < 0) {
			report_add(c->check->report, option->place, "dhcp-server %s: option %s",
				c->subnet->name, err.text);
			continue;
		}
		copy = arena_alloc(arena, (size_t)n);
		if (copy != NULL)
			memcpy(copy, bytes, (size_t)n);
		option->number = kind.number;
		option->bytes = copy;
		option->n_bytes = (unsigned)n;
	}
}

void check_program(const struct check *check, const char *hook, struct cfg_place place,
	const char *kind, const char *name)
{
	if (hook != NULL && hook[0] != '/')
		report_add(check->report, place, "%s %s: `hook`: expected an absolute path", kind,
			name);
}

// --- subnets ---

static const struct ip_prefix *first_of_ipv4(
	const struct cfg_interface *interface, const struct ip_prefix *within)
{
	for (unsigned i = 0; interface != NULL && i < interface->n_addresses; i++) {
		const struct ip_prefix *address = &interface->addresses[i];

		if (address->addr.family == IP_V4 &&
			(within == NULL || ip_prefix_contains(within, &address->addr)))
			return address;
	}
	return NULL;
}

// False where nothing more can be said of it.
static bool complete_subnet(const struct subnet_check *c)
{
	struct cfg_dhcp_subnet *subnet = c->subnet;
	const struct cfg_interface *interface;
	const struct ip_prefix *own;

	if (subnet->interface == NULL)
		subnet->interface = subnet->name;
	if (subnet->name == NULL || subnet->interface == NULL)
		return false;
	check_is_interface(c->check, "dhcp-server", subnet->interface,
		yaml_tree_get(c->node, "interface") != NULL ? check_place(c->node, "interface")
							    : subnet->place);
	interface = check_find_interface(c->check->config, subnet->interface);
	if (interface == NULL)
		return false;
	own = first_of_ipv4(interface, NULL);
	if (subnet->subnet.addr.family == IP_NONE) {
		if (subnet->is_relayed || own == NULL) {
			report_add(c->check->report, subnet->place,
				"dhcp-server %s: `subnet` is missing: %s", subnet->name,
				subnet->is_relayed ? "hosts behind a relay have another than the "
						     "interface's"
						   : "its interface has no address of IPv4");
			return false;
		}
		subnet->subnet = ip_prefix_network(own);
	}
	if (subnet->subnet.len > PREFIX_LEN_MAX || subnet->subnet.len < PREFIX_LEN_MIN) {
		report_add(c->check->report, check_place(c->node, "subnet"),
			"dhcp-server %s: a subnet has a length from %d to %d", subnet->name,
			PREFIX_LEN_MIN, PREFIX_LEN_MAX);
		return false;
	}
	if (!subnet->is_relayed)
		own = first_of_ipv4(interface, &subnet->subnet);
	if (own == NULL) {
		report_add(c->check->report, check_place(c->node, "subnet"),
			"dhcp-server %s: interface %s has no address%s: the server needs one of "
			"its own",
			subnet->name, interface->name,
			subnet->is_relayed ? " of IPv4" : " in this subnet");
		return false;
	}
	subnet->router = own->addr;
	return true;
}

// Neither the network's own address nor its broadcast address is a host's.
static bool is_hosts(const struct cfg_dhcp_subnet *subnet, const struct ip_addr *addr)
{
	uint32_t number = ip4_number(addr), mask = ~UINT32_C(0) << (32 - subnet->subnet.len);

	return addr->family == IP_V4 && ip_prefix_contains(&subnet->subnet, addr) &&
	       (number & ~mask) != 0 && (number | mask) != ~UINT32_C(0);
}

static void check_ranges(const struct subnet_check *c, const struct cfg_element *ranges, unsigned n,
	struct yaml_node *list, uint64_t *n_addresses)
{
	struct yaml_node *item = NULL;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < n; i++) {
		const struct cfg_element *range = &ranges[i];

		item = yaml_tree_next_item(list, item);
		if (item == NULL || item->is_bad)
			continue;
		if (!is_hosts(c->subnet, &range->addresses.first) ||
			!is_hosts(c->subnet, &range->addresses.last)) {
			report_add(c->check->report, item->place,
				"dhcp-server %s: the range is not of hosts of its subnet %s",
				c->subnet->name, ip_prefix_str(&c->subnet->subnet, text));
			continue;
		}
		*n_addresses += ip4_number(&range->addresses.last) -
				ip4_number(&range->addresses.first) + 1;
	}
}

static void check_pools(const struct subnet_check *c)
{
	const struct cfg_dhcp_subnet *subnet = c->subnet;
	const struct yaml_node *node = check_first(c->node, "pools");
	uint64_t n_addresses = 0;

	check_ranges(
		c, subnet->ranges, subnet->n_ranges, yaml_tree_get(c->node, "pool"), &n_addresses);
	for (unsigned i = 0; i < subnet->n_pools; i++, node = node->next) {
		struct cfg_dhcp_pool *pool = &subnet->pools[i];
		bool is_known = pool->class == NULL;

		check_ranges(c, pool->ranges, pool->n_ranges, yaml_tree_get(node, "range"),
			&n_addresses);
		complete_options(c, &pool->options);
		for (unsigned k = 0; k < subnet->n_classes && !is_known; k++)
			is_known = subnet->classes[k].name == NULL ||
				   strcmp(subnet->classes[k].name, pool->class) == 0;
		if (!is_known)
			report_add(c->check->report, check_place(node, "class"),
				"dhcp-server %s: there is no class `%s`", subnet->name,
				pool->class);
	}
	if (n_addresses > CFG_DHCP_ADDRESSES_MAX)
		report_add(c->check->report, subnet->place,
			"dhcp-server %s: its pools have more than %d addresses", subnet->name,
			CFG_DHCP_ADDRESSES_MAX);
}

static bool is_same_id(const struct cfg_dhcp_id *a, const struct cfg_dhcp_id *b)
{
	return a->text != NULL && b->text != NULL && a->n_bytes == b->n_bytes && a->bytes != NULL &&
	       b->bytes != NULL && memcmp(a->bytes, b->bytes, a->n_bytes) == 0;
}

// The same address, or the same host twice.
static void check_twice(const struct subnet_check *c, unsigned at, const struct yaml_node *node)
{
	const struct cfg_dhcp_reservation *one = &c->subnet->reservations[at];

	for (unsigned i = 0; i < at; i++) {
		const struct cfg_dhcp_reservation *other = &c->subnet->reservations[i];
		bool has_mac = one->has_mac && other->has_mac &&
			       memcmp(&one->mac, &other->mac, sizeof(one->mac)) == 0;

		if (ip_addr_equal(&one->address, &other->address))
			report_add(c->check->report, check_place(node, "address"),
				"dhcp-server %s: the address is `%s`'s already", c->subnet->name,
				other->name);
		else if (has_mac || is_same_id(&one->client_id, &other->client_id) ||
			 is_same_id(&one->circuit_id, &other->circuit_id))
			report_add(c->check->report, one->place,
				"dhcp-server %s: the host has the reservation `%s` already",
				c->subnet->name, other->name);
		else
			continue;
		return;
	}
}

static void check_reservations(const struct subnet_check *c)
{
	const struct yaml_node *node = check_first(c->node, "reservations");
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < c->subnet->n_reservations; i++, node = node->next) {
		struct cfg_dhcp_reservation *one = &c->subnet->reservations[i];

		if (!check_is_whole(node) || one->address.family == IP_NONE)
			continue;
		complete_id(c, &one->client_id, "client-id", node);
		complete_id(c, &one->circuit_id, "circuit-id", node);
		complete_id(c, &one->remote_id, "remote-id", node);
		complete_options(c, &one->options);
		if (!one->has_mac && one->client_id.text == NULL && one->circuit_id.text == NULL &&
			one->remote_id.text == NULL)
			report_add(c->check->report, one->place,
				"dhcp-server %s: reservation %s: whose? expected one of `mac`, "
				"`client-id`, `circuit-id`, `remote-id`",
				c->subnet->name, one->name);
		if (!is_hosts(c->subnet, &one->address))
			report_add(c->check->report, check_place(node, "address"),
				"dhcp-server %s: not an address of a host of its subnet %s",
				c->subnet->name, ip_prefix_str(&c->subnet->subnet, text));
		else if (ip_addr_equal(&one->address, &c->subnet->router))
			report_add(c->check->report, check_place(node, "address"),
				"dhcp-server %s: the address is the router's own", c->subnet->name);
		check_twice(c, i, node);
	}
}

// RFC 2131 section 4.4.5: T1 before T2, both before the end.
static void complete_times(const struct subnet_check *c)
{
	struct cfg_dhcp_subnet *subnet = c->subnet;

	if (subnet->rebind_sec == 0)
		subnet->rebind_sec = (uint32_t)((uint64_t)subnet->lease_sec * 7 / 8);
	if (subnet->renew_sec == 0)
		subnet->renew_sec = subnet->rebind_sec < subnet->lease_sec / 2
					    ? subnet->rebind_sec / 2
					    : subnet->lease_sec / 2;
	if (subnet->rebind_sec >= subnet->lease_sec)
		report_add(c->check->report, check_place(c->node, "rebind"),
			"dhcp-server %s: `rebind` comes before the end of `lease-time`",
			subnet->name);
	else if (subnet->renew_sec >= subnet->rebind_sec)
		report_add(c->check->report, check_place(c->node, "renew"),
			"dhcp-server %s: `renew` comes before `rebind`", subnet->name);
}

// One subnet has one server, and of an interface one is of its own hosts.
static void check_meeting(const struct subnet_check *c, unsigned at)
{
	const struct cfg_dhcp_subnet *one = c->subnet;

	for (unsigned i = 0; i < at; i++) {
		const struct cfg_dhcp_subnet *other = &c->check->config->dhcp.subnets[i];

		if (other->subnet.addr.family != IP_V4 || other->interface == NULL)
			continue;
		if (ip_prefix_overlaps(&one->subnet, &other->subnet))
			report_add(c->check->report, one->place,
				"dhcp-server %s: its subnet and that of `%s` meet", one->name,
				other->name);
		else if (!one->is_relayed && !other->is_relayed &&
			 strcmp(one->interface, other->interface) == 0)
			report_add(c->check->report, one->place,
				"dhcp-server %s: the hosts of interface %s are `%s`'s already: "
				"expected `relayed: true`",
				one->name, one->interface, other->name);
	}
}

void check_dhcp(const struct check *check)
{
	const struct config *config = check->config;
	const struct yaml_node *node = check_first(check->root, "dhcp-server");

	for (unsigned i = 0; i < config->dhcp.n_subnets; i++, node = node->next) {
		struct subnet_check c = {check, &config->dhcp.subnets[i], node};

		if (!check_is_whole(node) || !complete_subnet(&c))
			continue;
		check_pools(&c);
		check_reservations(&c);
		complete_options(&c, &c.subnet->options);
		for (unsigned k = 0; k < c.subnet->n_classes; k++)
			complete_options(&c, &c.subnet->classes[k].options);
		complete_times(&c);
		check_program(check, c.subnet->hook, check_place(node, "hook"), "dhcp-server",
			c.subnet->name);
		check_meeting(&c, i);
	}
}
