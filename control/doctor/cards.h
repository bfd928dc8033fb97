// SPDX-License-Identifier: BSD-3-Clause
// The network cards of a machine: what they are, who has them, and how the router would open them
// (drivers/card_rules.h judges, as it does for the drivers). A wire of the kernel's own (veth) is a
// card too; bridges, bonds, VLANs, TAPs and wireless are not. Control thread.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "control/doctor/device_names.h"
#include "control/doctor/live.h"
#include "control/doctor/pmd_info.h"
#include "control/doctor/session.h"
#include "control/doctor/tree.h"

enum { CARDS_MAX = 64, CARD_ADDRESSES_MAX = 8, CARD_NAME_BYTES = 128 };

struct card {
	char name[IF_NAMESIZE]; // of its netdev; "" when the kernel has made none
	char pci[16];		// "0000:03:00.0", or ""
	char model[CARD_NAME_BYTES];
	char driver[32];	  // the kernel's; "" when it has none
	char pmd[PMD_NAME_BYTES]; // DPDK's driver for it; "" when it has none
	char master[IF_NAMESIZE]; // the bridge or bond that it is part of, or ""
	int ifindex;
	struct mac_addr mac;
	bool has_mac, is_mac_lasting; // burnt in, and its maker's: the same after a boot
	uint32_t mtu;
	uint32_t speed_mbps;		  // 0: unknown
	bool is_up, has_carrier, is_wire; // up: the kernel looks for a carrier
	int numa;			  // -1: it is on none
	unsigned n_queues;
	struct live_address addresses[CARD_ADDRESSES_MAX]; // not link-local ones
	unsigned n_addresses;
	struct ip_addr gateway4, gateway6; // of default routes; IP_NONE: it has none
	uint32_t metric4;
	bool carries_session; // the SSH session that asks
	bool is_elsewhere;    // with the kernel, but in no device of this network namespace

	// How it would be opened: "pci", "af_xdp" or "af_packet", and why it is not by those
	// before;
	// "" when it is refused, and why.
	const char *opens_by;
	struct error refused;
	struct error not_pci, not_xdp; // text "": it is not asked, or by that very driver
	bool is_xdp_native;	       // its kernel driver is known to do XDP by itself
};

struct cards {
	struct card list[CARDS_MAX];
	unsigned n;
	unsigned n_more; // that there was no room for
	unsigned n_odd;	 // of names that are more than a name to a shell or to YAML: left out
	struct session session; // by which the doctor was called
};

void cards_look(struct cards *cards, const struct tree *tree, const struct live *live,
	const struct pmd_info *pmds, struct device_names *names);

// Whether it may stay the machine's: enough others are free for a router, and it is not the one
// with the default route, which would be the router's WAN.
bool card_is_spare(const struct cards *cards, const struct card *card);

// "enp1s0", or its PCI address where it has no name.
const char *card_label(const struct card *card);
