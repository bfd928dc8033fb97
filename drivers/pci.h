// SPDX-License-Identifier: BSD-3-Clause
// A PCI card taken from its kernel driver through sysfs by one that hands it to user space, and
// given back: vfio-pci; uio_pci_generic where there is no IOMMU and vfio cannot do without. Control
// thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/error.h"
#include "drivers/pci_record.h"

struct pci {
	char address[16];	  // "" when no card is taken
	int record_fd;		  // the lock on it while it is taken
	struct pci_record before; // what it was
	char stand_in[32];	  // the driver that it is bound to meanwhile
	bool is_rebound;	  // it was we who bound it, or one of us that was killed
	bool set_no_iommu;	  // it was we who allowed that, for the whole machine
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

// The card, out of the kernel's hands now, that a killed millrace took from this netdev.
bool pci_find_left(const char *netdev, const struct mac_addr *mac, char address[16]);

// Kernel name of its netdev; false when it has none now.
bool pci_netdev(const char *address, char *out, unsigned out_bytes);
