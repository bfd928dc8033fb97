// SPDX-License-Identifier: BSD-3-Clause
// config_parse on any bytes: a config that keeps what cfg/config.h promises, or errors in order.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/config.h"
#include "cfg/diff.h"
#include "cfg/print.h"
#include "tests/unit/config_equal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void expect_interface(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		if (strcmp(config->interfaces[i].name, name) == 0)
			return;
	}
	abort();
}

static void expect_port(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_ports; i++) {
		if (strcmp(config->ports[i].name, name) == 0)
			return;
	}
	abort();
}

static void expect_prefix(const struct ip_prefix *prefix)
{
	char text[ADDR_STR_BYTES];
	struct ip_prefix again;

	expect(ip_prefix_parse(ip_prefix_str(prefix, text), &again) == 0);
	expect(ip_addr_equal(&prefix->addr, &again.addr) && prefix->len == again.len);
}

static void expect_ports(const struct config *config)
{
	expect(config->n_ports <= CFG_PORTS_MAX);
	for (unsigned i = 0; i < config->n_ports; i++) {
		const struct cfg_port *port = &config->ports[i];
		int n_matches = (port->match_name != NULL) + (port->match_pci != NULL) +
				port->has_match_mac;
		bool is_card = port->driver <= CFG_DRIVER_AF_PACKET;

		expect(strlen(port->name) >= 1 && strlen(port->name) <= CFG_NAME_MAX);
		expect(port->match_name == NULL || strlen(port->match_name) <= CFG_NAME_MAX);
		expect(port->tap_name == NULL || strlen(port->tap_name) <= CFG_NAME_MAX);
		expect(n_matches == (is_card ? 1 : 0));
		expect(port->mtu == 0 || (port->mtu >= 68 && port->mtu <= 9600));
		expect(port->queues <= 64);
		expect(!port->has_mac || !(port->mac.bytes[0] & 1));
		expect((port->memif_socket != NULL) == (port->driver == CFG_DRIVER_MEMIF));
		expect(strcmp(cfg_driver_name(port->driver), "unknown") != 0);
	}
}

// --- firewall and NAT ---

static bool is_name_of(const char *name, const struct cfg_names *names)
{
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static const struct cfg_set *expect_set(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_sets; i++) {
		if (strcmp(config->sets[i].name, name) == 0)
			return &config->sets[i];
	}
	abort();
}

static void expect_range(const struct cfg_element *element)
{
	struct ip_prefix prefixes[CFG_RANGE_PREFIXES_MAX];
	unsigned n =
		cfg_range_prefixes(&element->addresses.first, &element->addresses.last, prefixes);
	struct ip_prefix *last = &prefixes[n - 1];

	expect(n >= 1 && n <= CFG_RANGE_PREFIXES_MAX);
	expect(ip_addr_equal(&prefixes[0].addr, &element->addresses.first));
	expect(ip_prefix_contains(last, &element->addresses.last));
	for (unsigned i = 0; i < n; i++)
		expect_prefix(&prefixes[i]);
}

static void expect_element(
	const struct config *config, enum cfg_set_kind kind, const struct cfg_element *element)
{
	static const uint32_t most[] = {
		[CFG_SET_PORTS] = 65535,
		[CFG_SET_ICMP] = 65535,
		[CFG_SET_ICMP6] = 65535,
		[CFG_SET_PROTOCOLS] = 255,
	};

	if (element->set != NULL)
		expect(expect_set(config, element->set)->kind == kind);
	else if (kind == CFG_SET_ADDRESSES)
		expect_range(element);
	else if (kind == CFG_SET_INTERFACES)
		expect_interface(config, element->interface);
	else if (kind == CFG_SET_MACS)
		expect(!(element->mac.bytes[0] & 1));
	else
		expect(element->numbers.first <= element->numbers.last &&
			element->numbers.last <= most[kind]);
}

static void expect_match(
	const struct config *config, enum cfg_set_kind kind, const struct cfg_match *match)
{
	unsigned n_timed = 0;

	for (unsigned i = 0; i < match->n; i++) {
		const struct cfg_element *element = &match->elements[i];

		expect_element(config, kind, element);
		expect(element->is_negated == match->is_negated);
		if (element->set == NULL || expect_set(config, element->set)->timeout_sec == 0)
			continue;
		expect(n_timed == 0 || strcmp(match->elements[i - 1].set, element->set) == 0);
		n_timed++;
	}
}

static void expect_zones(const struct config *config, const struct cfg_names *names)
{
	for (unsigned i = 0; i < names->n; i++) {
		bool is_known = strcmp(names->names[i], CFG_ZONE_ROUTER) == 0 ||
				strcmp(names->names[i], CFG_ZONE_NONE) == 0;

		for (unsigned j = 0; j < config->n_zones && !is_known; j++)
			is_known = strcmp(config->zones[j].name, names->names[i]) == 0;
		expect(is_known);
	}
}

static void expect_rate(const struct cfg_rate *rate)
{
	expect(rate->packets == 0 || (rate->per_sec > 0 && rate->burst > 0));
}

static void expect_rule(const struct config *config, const struct cfg_rule *rule)
{
	bool is_jump = false;

	expect_zones(config, &rule->from);
	expect_zones(config, &rule->to);
	expect_match(config, CFG_SET_INTERFACES, &rule->in_interface);
	expect_match(config, CFG_SET_INTERFACES, &rule->out_interface);
	expect_match(config, CFG_SET_ADDRESSES, &rule->source);
	expect_match(config, CFG_SET_ADDRESSES, &rule->destination);
	expect_match(config, CFG_SET_PORTS, &rule->source_port);
	expect_match(config, CFG_SET_PORTS, &rule->port);
	expect_match(config, CFG_SET_PROTOCOLS, &rule->protocol);
	expect_match(config, CFG_SET_ICMP, &rule->icmp);
	expect_match(config, CFG_SET_ICMP6, &rule->icmp6);
	expect_match(config, CFG_SET_MACS, &rule->mac);
	expect((rule->port.n == 0 && rule->source_port.n == 0) || rule->protocol.n > 0);
	expect((rule->tcp_flags.flags & ~rule->tcp_flags.mask) == 0);
	expect((rule->mark.value & ~rule->mark.mask) == 0);
	expect((rule->set_mark.value & ~rule->set_mark.mask) == 0);
	expect(rule->n_times <= CFG_TIMES_MAX);
	for (unsigned i = 0; i < rule->n_times; i++)
		expect(rule->times[i].days != 0 && rule->times[i].days <= 0x7f &&
			rule->times[i].first_min < 1440 && rule->times[i].last_min <= 1440);
	expect_rate(&rule->rate);
	expect_rate(&rule->log_rate);
	expect(rule->log_rate.packets > 0 && !rule->log_rate.is_above);
	expect(rule->log == NULL || strlen(rule->log) <= CFG_LOG_PREFIX_MAX);
	if (rule->add_set != NULL)
		expect(rule->add_sec > 0 && expect_set(config, rule->add_set)->timeout_sec > 0);
	expect((rule->action == CFG_JUMP) == (rule->jump != NULL));
	for (unsigned i = 0; i < config->firewall.n_lists && rule->jump != NULL; i++)
		is_jump |= strcmp(config->firewall.lists[i].name, rule->jump) == 0;
	expect(is_jump == (rule->jump != NULL));
}

static void expect_hygiene(const struct cfg_hygiene *hygiene)
{
	expect(hygiene->reverse_path != CFG_REVERSE_PATH_UNSAID);
	expect((hygiene->checks.on & ~CFG_HYGIENE_ALL) == 0);
}

static void expect_firewall(const struct config *config)
{
	const struct cfg_firewall *firewall = &config->firewall;

	for (unsigned i = 0; i < config->n_zones; i++) {
		for (unsigned j = 0; j < config->zones[i].interfaces.n; j++)
			expect_interface(config, config->zones[i].interfaces.names[j]);
		for (unsigned j = 0; j < i; j++)
			for (unsigned k = 0; k < config->zones[j].interfaces.n; k++)
				expect(!is_name_of(config->zones[j].interfaces.names[k],
					&config->zones[i].interfaces));
	}
	for (unsigned i = 0; i < config->n_sets; i++) {
		const struct cfg_set *set = &config->sets[i];

		expect(set->timeout_sec == 0 || set->kind == CFG_SET_ADDRESSES);
		expect(set->capacity > 0 && set->capacity <= CFG_TIMED_CAPACITY_MAX);
		for (unsigned j = 0; j < set->n_elements; j++) {
			expect(set->elements[j].set == NULL && !set->elements[j].is_negated);
			expect_element(config, set->kind, &set->elements[j]);
		}
	}
	for (unsigned hook = 0; hook < CFG_HOOK_COUNT; hook++) {
		expect(firewall->defaults[hook] >= CFG_ACCEPT &&
			firewall->defaults[hook] <= CFG_REJECT);
		for (unsigned i = 0; i < firewall->hooks[hook].n_rules; i++)
			expect_rule(config, &firewall->hooks[hook].rules[i]);
	}
	for (unsigned i = 0; i < firewall->n_lists; i++)
		for (unsigned j = 0; j < firewall->lists[i].n_rules; j++)
			expect_rule(config, &firewall->lists[i].rules[j]);
	expect_hygiene(&firewall->hygiene);
	for (unsigned i = 0; i < firewall->hygiene.n_interfaces; i++) {
		expect_interface(config, firewall->hygiene.interfaces[i].interface);
		expect_hygiene(&firewall->hygiene.interfaces[i]);
	}
}

static void expect_nat(const struct config *config, const struct cfg_nat *nat)
{
	bool is_pair = nat->kind == CFG_NAT_ONE_TO_ONE || nat->kind == CFG_NAT_PREFIX;
	bool is_forward = nat->kind == CFG_NAT_FORWARD || nat->kind == CFG_NAT_REDIRECT;

	for (unsigned i = 0; i < nat->interfaces.n; i++)
		expect_interface(config, nat->interfaces.names[i]);
	expect_match(config, CFG_SET_ADDRESSES, &nat->from);
	expect_match(config, CFG_SET_ADDRESSES, &nat->to);
	expect_match(config, CFG_SET_PROTOCOLS, &nat->protocol);
	expect_match(config, CFG_SET_PORTS, &nat->ports);
	expect(nat->outside.addr.family == IP_NONE || nat->outside.addr.family == nat->family);
	expect(nat->inside.addr.family == IP_NONE || nat->inside.addr.family == nat->family);
	expect(!is_pair || nat->inside.len == nat->outside.len);
	expect(!is_forward || nat->interfaces.n > 0 || nat->outside.addr.family != IP_NONE);
	expect(nat->inside_port == 0 || nat->ports.n == 1);
	expect((nat->kind == CFG_NAT_FORWARD || is_pair) == (nat->inside.addr.family != IP_NONE));
}

static void expect_config(const struct config *config)
{
	expect_ports(config);
	expect(config->n_cores <= CFG_CORES_MAX);
	// 0: as many as the machine has memory for
	expect(config->flow_capacity == 0 ||
		(config->flow_capacity >= 1024 && config->flow_capacity <= 100000000));
	expect(config->n_interfaces <= CFG_INTERFACES_MAX);
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];

		expect(strlen(interface->name) >= 1 && strlen(interface->name) <= CFG_NAME_MAX);
		expect_port(config, interface->port);
		expect(interface->n_addresses <= CFG_ADDRESSES_MAX);
		for (unsigned j = 0; j < interface->n_addresses; j++)
			expect_prefix(&interface->addresses[j]);
	}
	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		expect_prefix(&route->to);
		expect(route->n_nexthops <= CFG_NEXTHOPS_MAX);
		expect((route->kind == CFG_ROUTE_UNICAST) == (route->n_nexthops > 0));
		for (unsigned j = 0; j < route->n_nexthops; j++) {
			const struct cfg_nexthop *nexthop = &route->nexthops[j];

			if (nexthop->interface != NULL)
				expect_interface(config, nexthop->interface);
			else
				expect(nexthop->via.family == route->to.addr.family);
		}
	}
	expect_firewall(config);
	for (unsigned i = 0; i < config->n_nats; i++)
		expect_nat(config, &config->nats[i]);
}

static void expect_messages(const struct error *list, unsigned n)
{
	expect(n <= CFG_ERRORS_MAX);
	for (unsigned i = 0; i < n; i++) {
		const struct error *err = &list[i];

		expect(err->text[0] != '\0');
		for (const char *c = err->text; *c != '\0'; c++)
			expect((unsigned char)*c >= ' ' && *c != 0x7f); // fit for a terminal
		if (i > 0)
			expect(err->line > err[-1].line ||
				(err->line == err[-1].line && err->column >= err[-1].column));
	}
}

// What is printed is a file without errors, of the same meaning and the same print.
static void expect_round_trip(const struct config *config)
{
	struct cfg_errors errors;
	size_t bytes = 0, bytes_again = 0;
	char *text = config_print(config, &bytes), *text_again;
	struct config *again = config_parse("printed.yaml", text, bytes, &errors);

	expect(again != NULL);
	expect(config_differs(config, again) == NULL);
	text_again = config_print(again, &bytes_again);
	expect(bytes == bytes_again && memcmp(text, text_again, bytes) == 0);
	free(text_again);
	config_free(again);
	cfg_errors_free(&errors);
	free(text);
}

// Nothing differs from itself; from nothing, whatever it prints.
static void expect_diff(const struct config *config)
{
	static const char nothing[] = "ports: {}\n";
	struct cfg_errors errors;
	struct config *empty = config_parse("empty.yaml", nothing, sizeof(nothing) - 1, &errors);
	struct cfg_changes changes;
	size_t bytes = 0;
	char *text = config_print(config, &bytes);

	expect(config_diff(config, config, &changes) == 0 && changes.n == 0);
	cfg_changes_free(&changes);
	expect(config_diff(empty, config, &changes) == 0);
	expect((changes.n == 0) == (strcmp(text, nothing) == 0));
	for (unsigned i = 0; i < changes.n; i++)
		expect(changes.list[i].kind != CFG_REMOVED && changes.list[i].after != NULL);
	cfg_changes_free(&changes);
	free(text);
	config_free(empty);
	cfg_errors_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct cfg_errors errors;
	struct config *config = config_parse("fuzz.yaml", (const char *)data, bytes, &errors);

	if (config != NULL) {
		expect_config(config);
		expect_round_trip(config);
		expect_diff(config);
	}
	expect((config != NULL) == (errors.n == 0));
	expect(config != NULL || errors.n_warnings == 0);
	expect_messages(errors.list, errors.n);
	expect_messages(errors.warnings, errors.n_warnings);
	config_free(config);
	cfg_errors_free(&errors);
	return 0;
}
