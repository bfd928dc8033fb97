// SPDX-License-Identifier: BSD-3-Clause
// A card driven from user space, bound to vfio-pci or its like for as long as the port is open.
#include <stdio.h>
#include <string.h>

#include "drivers/eal.h"
#include "drivers/port_private.h"

enum { FRAME_OVERHEAD = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN };

static int find(struct port *port, const struct port_spec *spec, struct error *err)
{
	if (spec->match_pci != NULL) {
		if (pci_parse(spec->match_pci, port->info.pci, err) < 0)
			return -1;
		if (!pci_netdev(port->info.pci, port->info.netdev, sizeof(port->info.netdev)))
			port->info.netdev[0] = '\0'; // bound to vfio-pci already, or to nothing
		return 0;
	}
	if (port_match_netdev(port, spec, err) < 0) {
		port->info.netdev[0] = '\0';
		return pci_find_left(spec->match_name, spec->match_mac, port->info.pci) ? 0 : -1;
	}
	if (port->info.pci[0] == '\0')
		return error_set(err, "%s is not a PCI card", port->info.netdev);
	return 0;
}

static int plug(struct port *port, const struct port_spec *spec, struct error *err)
{
	struct rte_eth_dev_info info;
	const char *said;
	int rc;

	if (find(port, spec, err) < 0)
		return -1;
	if (!eal_takes_pci())
		return error_set(err,
			"PCI card %s cannot come while the router runs, as there was none that "
			"the pci driver might take when it started",
			port->info.pci);
	if (pci_take(&port->pci, port->info.pci, port->info.netdev, spec->allow_no_iommu, err) < 0)
		return -1;
	eal_hush();
	rc = rte_eal_hotplug_add("pci", port->info.pci, "");
	said = eal_unhush();
	if (rc < 0)
		return error_set(err, "no DPDK driver takes PCI card %s: %s%s%s", port->info.pci,
			strerror(-rc), said[0] != '\0' ? ": " : "", said);
	port->bus = "pci";
	snprintf(port->device, sizeof(port->device), "%s", port->info.pci);
	if (rte_eth_dev_get_port_by_name(port->device, &port->info.dpdk_port) < 0 ||
		rte_eth_dev_info_get(port->info.dpdk_port, &info) < 0)
		return error_set(err, "DPDK made no Ethernet port of PCI card %s", port->info.pci);
	port->info.n_rxq = port->info.n_txq = spec->n_queues;
	port->info.mtu = spec->mtu != 0 ? spec->mtu : 1500;
	if (info.max_mtu == UINT16_MAX) // the driver knows frames only
		info.max_mtu = RTE_MIN(info.max_mtu, info.max_rx_pktlen - FRAME_OVERHEAD);
	port->mtu_max = RTE_MIN(eal_mtu_max(), info.max_mtu);
	if (port->info.mtu > port->mtu_max)
		return error_set(err, "PCI card %s does not do MTU %u, %u is the largest",
			port->info.pci, port->info.mtu, port->mtu_max);
	return 0;
}

static int ready(struct port *port, const struct port_spec *spec, struct error *err)
{
	struct rte_ether_addr mac;
	int rc;

	if (spec->mac == NULL)
		return 0;
	port->has_mac_before = rte_eth_macaddr_get(port->info.dpdk_port, &port->mac_before) == 0;
	memcpy(mac.addr_bytes, spec->mac->bytes, sizeof(mac.addr_bytes));
	rc = rte_eth_dev_default_mac_addr_set(port->info.dpdk_port, &mac);
	return rc < 0 ? error_set(err, "the card does not take another MAC: %s", strerror(-rc)) : 0;
}

// Some cards (vmxnet3) would show it to the kernel driver as theirs.
static void drain(struct port *port)
{
	if (port->has_mac_before)
		rte_eth_dev_default_mac_addr_set(port->info.dpdk_port, &port->mac_before);
}

static void unplug(struct port *port)
{
	pci_give_back(&port->pci);
}

const struct driver pci_driver = {
	.kind = PORT_DRIVER_PCI,
	.plug = plug,
	.ready = ready,
	.drain = drain,
	.unplug = unplug,
};
