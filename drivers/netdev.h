// SPDX-License-Identifier: BSD-3-Clause
// The kernel's side of a card that AF_XDP or AF_PACKET drives: found by name or MAC, taken away
// from the kernel's own stack while a port uses it, given back as it was. Control thread, in the
// network namespace the netdev lives in.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "drivers/offloads.h"

struct port_link;

struct netdev {
	char name[IFNAMSIZ];
	int ifindex;
	int lock_fd;	 // this netdev is ours; -1: not taken
	bool is_blocked; // the drop program hangs at its ingress
	bool made_clsact;
	bool is_up_changed; // it was down
	bool is_allmulti_changed;
	bool has_mac_before; // another MAC was set
	bool has_mtu_before;
	struct mac_addr mac_before;
	uint16_t mtu_before;
	int disable_ipv6_before; // -1: untouched
	struct offloads offloads;
};

// The kernel name of the netdev with this name, or with this MAC (burnt in, else current).
int netdev_find(
	const char *name, const struct mac_addr *mac, char out[IFNAMSIZ], struct error *err);

// Its PCI address as sysfs writes it, false when it is none of the kinds that can be unbound.
bool netdev_pci(const char *name, char pci[16]);
// True for veth and the like, that have no hardware below.
bool netdev_is_virtual(const char *name);

// Refuses a netdev that the machine itself uses: addresses, a bridge or bond over it.
int netdev_check_free(const char *name, struct error *err);

// Locks it, sets MAC and MTU (NULL, 0: left alone), brings it up, turns offloads off that would
// show us other frames than the wire's, and keeps the kernel's stack from what it receives.
// On failure everything is as before.
int netdev_take(struct netdev *dev, const char *name, const struct mac_addr *mac, uint16_t mtu,
	struct error *err);
// Undoes netdev_take, also half of it; a netdev that is gone by now is fine.
void netdev_give_back(struct netdev *dev);

int netdev_mtu(const char *name); // -errno on failure
int netdev_set_mtu(const char *name, uint16_t mtu);
int netdev_rename(const char *name, const char *to); // not while it is up
// Keeps another millrace from a netdev until the descriptor is closed; -1 when one has it.
int netdev_lock(const char *name, struct error *err);
int netdev_mac(const char *name, struct mac_addr *mac);
int netdev_set_mac(const char *name, const struct mac_addr *mac);
int netdev_set_flag(const char *name, short flag, bool on); // 1 when that changed it
bool netdev_is_up(const char *name);
void netdev_link(const char *name, struct port_link *out);
