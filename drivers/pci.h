// SPDX-License-Identifier: BSD-3-Clause
// A PCI card taken from its kernel driver through sysfs by one that hands it to user space, and
// given back: vfio-pci; uio_pci_generic where there is no IOMMU and vfio cannot do without. Control
// thread.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/error.h"

struct pci {
	char address[16];	      // "" when no card is taken
	char driver_before[64];	      // "" when it had none
	char stand_in[32];	      // the one that it is bound to meanwhile
	char netdev_before[IFNAMSIZ]; // "" when it had none
	bool is_rebound;	      // it was we who bound it to the stand-in
	bool set_no_iommu;	      // it was we who allowed that, for the whole machine
	bool was_up;		      // its netdev was
	uint16_t mtu_before;
};

// "0000:03:00.0" out of "0000:03:00.0" or "03:00.0".
int pci_parse(const char *text, char out[16], struct error *err);

// To be called before DPDK starts, which looks only once whether vfio is there: loads it on a
// machine that has PCI cards. False when it has none, or no vfio.
bool pci_prepare(void);

// Whether the card could be used by vfio (or by a driver that shares the card with its kernel
// driver); changes nothing. The reason why not in `err`.
int pci_check(const char *address, bool allow_no_iommu, struct error *err);

// Binds it to vfio-pci or its like, after which DPDK can probe it. On failure everything is as
// before.
int pci_take(struct pci *pci, const char *address, const char *netdev, bool allow_no_iommu,
	struct error *err);
void pci_give_back(struct pci *pci);

// Kernel name of its netdev; false when it has none now.
bool pci_netdev(const char *address, char *out, unsigned out_bytes);
