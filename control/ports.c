// SPDX-License-Identifier: BSD-3-Clause
#include "control/ports.h"

#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/egress.h"

static enum port_driver driver_of(enum cfg_driver driver)
{
	switch (driver) {
	case CFG_DRIVER_AUTO:
		return PORT_DRIVER_AUTO;
	case CFG_DRIVER_PCI:
		return PORT_DRIVER_PCI;
	case CFG_DRIVER_AF_XDP:
		return PORT_DRIVER_AF_XDP;
	case CFG_DRIVER_AF_PACKET:
		return PORT_DRIVER_AF_PACKET;
	case CFG_DRIVER_TAP:
		return PORT_DRIVER_TAP;
	case CFG_DRIVER_MEMIF:
		return PORT_DRIVER_MEMIF;
	case CFG_DRIVER_NULL:
		return PORT_DRIVER_NULL;
	case CFG_DRIVER_PCAP:
		return PORT_DRIVER_PCAP;
	}
	return PORT_DRIVER_AUTO;
}

// Of several the one without a tag: cards may look behind none.
static const struct cfg_interface *interface_on(const struct config *config, const char *port)
{
	const struct cfg_interface *found = NULL;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *one = &config->interfaces[i];

		if (strcmp(one->port, port) == 0 && (found == NULL || !one->has_vlan))
			found = one;
	}
	return found;
}

static struct port_spec spec_of(const struct cfg_port *from, unsigned n_workers, bool is_outside)
{
	struct port_spec spec = {
		.driver = driver_of(from->driver),
		.match_name = from->match_name,
		.match_pci = from->match_pci,
		.match_mac = from->has_match_mac ? &from->match_mac : NULL,
		.mac = from->has_mac ? &from->mac : NULL,
		.mtu = from->mtu,
		.n_queues = from->queues != 0 ? from->queues : (uint16_t)n_workers,
		.is_outside = is_outside,
		.allow_no_iommu = from->allow_no_iommu,
		.memif_socket = from->memif_socket,
		.memif_is_server = from->memif_is_server,
		.tap_name = from->tap_name,
		.pcap_rx = from->pcap_rx,
		.pcap_tx = from->pcap_tx,
		.pcap_repeat = from->pcap_repeat,
	};

	snprintf(spec.name, sizeof(spec.name), "%s", from->name);
	return spec;
}

static void log_port(const struct port_info *info)
{
	char mac[ADDR_STR_BYTES];

	log_info(log_object("port", info->name).text, "%s%s%s%sby %s, %s, MTU %u, %u queue%s%s",
		info->pci, info->pci[0] != '\0' ? " " : "", info->netdev,
		info->netdev[0] != '\0' ? " " : "", port_driver_name(info->driver),
		mac_addr_str(&info->mac, mac), info->mtu, info->n_rxq, info->n_rxq == 1 ? "" : "s",
		info->steers_by_rss ? ", steered by RSS" : "");
}

struct port *ports_find(const struct ports *ports, const char *name)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (strcmp(ports->list[i].config->name, name) == 0)
			return ports->list[i].port;
	return NULL;
}

int ports_add(struct ports *ports, const struct config *config, const struct cfg_port *from,
	unsigned n_workers, struct error *err)
{
	const struct cfg_interface *interface = interface_on(config, from->name);
	struct port_spec spec;
	struct port *port;

	if (ports_find(ports, from->name) != NULL)
		return 0;
	spec = spec_of(from, n_workers, egress_is_outside(config, interface->name));
	port = port_open(&spec, err);
	if (port == NULL) {
		config_locate(config, from->place, err);
		return -1;
	}
	ports->list[ports->n].config = from;
	ports->list[ports->n].port = port;
	ports->n++;
	log_port(port_info(port));
	return 0;
}

void ports_remove(struct ports *ports, const char *name)
{
	for (unsigned i = 0; i < ports->n; i++) {
		if (strcmp(ports->list[i].config->name, name) != 0)
			continue;
		port_close(ports->list[i].port);
		ports->n--;
		memmove(&ports->list[i], &ports->list[i + 1],
			(ports->n - i) * sizeof(ports->list[0]));
		return;
	}
}

int ports_open(
	struct ports *ports, const struct config *config, unsigned n_workers, struct error *err)
{
	ports->n = 0;
	for (unsigned i = 0; i < config->n_ports; i++) {
		const struct cfg_port *from = &config->ports[i];

		if (interface_on(config, from->name) == NULL)
			log_info(log_object("port", from->name).text,
				"is used by no interface and left alone");
		else if (ports_add(ports, config, from, n_workers, err) != 0)
			return -1;
	}
	return 0;
}

void ports_close(struct ports *ports)
{
	while (ports->n > 0)
		port_close(ports->list[--ports->n].port);
}
