// SPDX-License-Identifier: BSD-3-Clause
// What a PCI card was before we took it, kept in /run for the case that this process is killed:
// the next one then finds the card by the name or MAC of a netdev that is gone, and gives it back
// to the right driver. Control thread.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

struct pci_record {
	char driver[64];       // its kernel driver
	char netdev[IFNAMSIZ]; // "" when it had none
	struct mac_addr mac;
	uint16_t mtu; // 0: unknown
	bool was_up;
};

// Makes this process the only millrace that may take the card, until pci_record_drop. A descriptor,
// or -1 with the reason.
int pci_record_lock(const char *address, struct error *err);
int pci_record_write(int fd, const struct pci_record *record); // or -errno
// False when there is none: nobody was killed with this card.
bool pci_record_read(const char *address, struct pci_record *out);
void pci_record_drop(const char *address, int fd);

// The card whose netdev had this name, or this MAC; either may be NULL.
bool pci_record_find(const char *name, const struct mac_addr *mac, char address[16]);
