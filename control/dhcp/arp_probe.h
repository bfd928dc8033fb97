// SPDX-License-Identifier: BSD-3-Clause
// Asks a link whether somebody has an IPv4 address already (RFC 5227 2.1). Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"

struct arp_probe {
	int fd; // non-blocking; -1: closed
	int ifindex;
	struct mac_addr mac; // our own
	struct ip_addr addr; // that is asked for
};

// 0 or -errno. Hears all ARP of the interface from then on.
int arp_probe_open(struct arp_probe *probe, int ifindex, const struct mac_addr *mac,
	const struct ip_addr *addr);
void arp_probe_close(struct arp_probe *probe); // safe on one whose fd is -1

int arp_probe_send(struct arp_probe *probe); // 0 or -errno
// Reads all that has come. Whether somebody has the address, or asks for it as we do.
bool arp_probe_heard(struct arp_probe *probe);

// Of one packet without its Ethernet header.
bool arp_probe_is_conflict(const struct arp_probe *probe, const uint8_t *packet, size_t n);
