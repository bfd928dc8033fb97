// SPDX-License-Identifier: BSD-3-Clause
// config_parse on any bytes: a config that keeps what cfg/config.h promises, or errors in order.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/config.h"

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

static void expect_config(const struct config *config)
{
	expect_ports(config);
	expect(config->n_cores <= CFG_CORES_MAX);
	expect(config->flow_capacity >= 1024 && config->flow_capacity <= 100000000);
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
	for (unsigned i = 0; i < config->n_masquerades; i++) {
		expect_interface(config, config->masquerades[i].interface);
		for (unsigned j = 0; j < config->masquerades[i].n_from; j++)
			expect_prefix(&config->masquerades[i].from[j]);
	}
}

static void expect_errors(const struct cfg_errors *errors)
{
	expect(errors->n >= 1 && errors->n <= CFG_ERRORS_MAX);
	for (unsigned i = 0; i < errors->n; i++) {
		const struct error *err = &errors->list[i];

		expect(err->text[0] != '\0');
		for (const char *c = err->text; *c != '\0'; c++)
			expect((unsigned char)*c >= ' ' && *c != 0x7f); // fit for a terminal
		if (i > 0)
			expect(err->line > err[-1].line ||
				(err->line == err[-1].line && err->column >= err[-1].column));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct cfg_errors errors;
	struct config *config = config_parse("fuzz.yaml", (const char *)data, bytes, &errors);

	if (config != NULL)
		expect_config(config);
	else
		expect_errors(&errors);
	config_free(config);
	cfg_errors_free(&errors);
	return 0;
}
