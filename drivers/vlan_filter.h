// SPDX-License-Identifier: BSD-3-Clause
// Cards that drop a tagged frame unless they were asked for its VLAN: by DPDK's filter, or by their
// netdev, which is made promiscuous for them. The others pass all VLANs as they are, and are left
// so: some (mlx4, mlx5) would drop what has no tag once they were asked. Control thread. port.h's
// port_vlan_add and port_vlan_remove are here too.
#pragma once

#include <rte_ethdev.h>
#include <stdbool.h>

struct port;

// Puts the card's VLAN filter into `conf` when it filters whatever it is told, and can be asked.
bool vlan_filter_wish(const struct rte_eth_dev_info *info, struct rte_eth_conf *conf);
// After the start: asks for frames whose tag is of priority alone (VLAN 0, IEEE 802.1Q 9.6).
void vlan_filter_started(const struct port *port);
