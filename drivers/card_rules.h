// SPDX-License-Identifier: BSD-3-Clause
// Which card may be opened in which way, by facts that somebody else has gathered: the drivers ask
// the running machine for them, the doctor its files. Why not is a sentence in `err`. libc only, no
// DPDK: the command is not linked with it. Any thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/error.h"

enum { CARD_XDP_MTU_MAX = 3434 }; // a frame has to fit in a page of memory; see af_xdp.c

struct card_pci_facts {
	bool is_there;
	bool is_ethernet;
	char driver[64]; // the kernel's, "" when it has none
	bool is_root;
	bool has_iommu;
	bool has_vfio; // vfio-pci is loaded or can be. Asked for with an IOMMU
	char iommu_group[32];
	char blocker[64]; // another device of its group that the kernel uses, or ""
	char blocker_driver[64];
	// asked for without an IOMMU, once that is allowed
	bool allow_no_iommu;
	bool has_hugepages;
	bool is_iova_pa;   // no other card has an IOMMU
	bool has_stand_in; // some driver hands it to user space
};

// By the pci driver, vfio-pci or its like below. 0 or -1.
int card_check_pci(const char *address, const struct card_pci_facts *facts, struct error *err);
// Mellanox cards stay with their kernel driver, DPDK works beside it.
bool card_is_bifurcated(const char *driver);
// Whether a device with this kernel driver may be in the IOMMU group of a card that is taken.
bool card_may_share_group(const char *driver);

// By the af_xdp driver: whether a frame of that many bytes of IP packet fits.
int card_check_xdp_mtu(const char *name, int mtu, struct error *err);

// Whether the machine itself uses the netdev: `master` is the bridge or bond over it, `address` one
// of the machine's own on it that is not link-local; each "" when there is none.
int card_check_free(const char *name, const char *master, const char *address, struct error *err);
