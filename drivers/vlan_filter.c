// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/vlan_filter.h"

#include <string.h>

#include "cfg/base/log.h"
#include "drivers/eal.h"
#include "drivers/port_private.h"
#include "drivers/promiscuous.h"

enum { VLAN_PRIORITY_ONLY = 0 };

// --- a card by its poll-mode driver ---

// DPDK's names of drivers whose cards cannot be told to pass what they were not asked for: virtio
// filters once both ends can (VIRTIO_NET_F_CTRL_VLAN, Virtio 1.2 5.1.6.5.3), a virtual function's
// filter is its host's, and fm10k knows addresses with a VLAN only.
static const char *const always[] = {
	"net_virtio",
	"net_iavf",
	"net_ixgbe_vf",
	"net_e1000_igb_vf",
	"net_txgbe_vf",
	"net_hns3_vf",
	"net_fm10k",
};

static bool is_always(const char *driver)
{
	for (unsigned i = 0; i < RTE_DIM(always); i++)
		if (strcmp(driver, always[i]) == 0)
			return true;
	return false;
}

bool vlan_filter_wish(const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) == 0 ||
		!is_always(info->driver_name))
		return false;
	conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	return true;
}

// The host of a virtual function passes these by itself, so a refusal is no failure.
void vlan_filter_started(const struct port *port)
{
	int rc = 0;

	if (port->filters_vlans)
		rc = rte_eth_dev_vlan_filter(port->info.dpdk_port, VLAN_PRIORITY_ONLY, 1);
	if (rc < 0)
		log_info(log_object("port", port->info.name).text,
			"the card is not asked for tags of priority alone: %s", strerror(-rc));
}

static int card_add(const struct port *port, uint16_t vlan, struct error *err)
{
	const char *said;
	int rc;

	eal_hush();
	rc = rte_eth_dev_vlan_filter(port->info.dpdk_port, vlan, 1);
	said = eal_unhush();
	if (rc == 0)
		return 0;
	return error_set(err, "the card of port %s does not take VLAN %u: %s%s%s", port->info.name,
		vlan, strerror(-rc), said[0] != '\0' ? ": " : "", said);
}

static void card_remove(const struct port *port, uint16_t vlan)
{
	eal_hush(); // what comes of it still is dropped by the workers, and counted
	rte_eth_dev_vlan_filter(port->info.dpdk_port, vlan, 0);
	eal_unhush();
}

// --- a netdev's kernel driver knows the VLANs of kernel devices alone ---

static bool is_told(const struct port *port, uint16_t vlan)
{
	return (port->vlans[vlan / 64] & UINT64_C(1) << vlan % 64) != 0;
}

static int netdev_add(struct port *port, uint16_t vlan, struct error *err)
{
	if (is_told(port, vlan))
		return 0;
	if (port->n_vlans == 0 && promiscuous_begin(port, err) < 0)
		return -1;
	port->vlans[vlan / 64] |= UINT64_C(1) << vlan % 64;
	port->n_vlans++;
	return 0;
}

static void netdev_remove(struct port *port, uint16_t vlan)
{
	if (!is_told(port, vlan))
		return;
	port->vlans[vlan / 64] &= ~(UINT64_C(1) << vlan % 64);
	if (--port->n_vlans == 0)
		promiscuous_end(port);
}

// --- either ---

int port_vlan_add(struct port *port, uint16_t vlan, struct error *err)
{
	if (port->netdev.offloads.filters_vlans)
		return netdev_add(port, vlan, err);
	return port->filters_vlans && vlan != VLAN_PRIORITY_ONLY ? card_add(port, vlan, err) : 0;
}

void port_vlan_remove(struct port *port, uint16_t vlan)
{
	if (port->netdev.offloads.filters_vlans)
		netdev_remove(port, vlan);
	else if (port->filters_vlans && vlan != VLAN_PRIORITY_ONLY)
		card_remove(port, vlan);
}
