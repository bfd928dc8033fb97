// SPDX-License-Identifier: BSD-3-Clause
// Whether somebody on a link has an address already: probes out, answers in (RFC 5227 section 2.1).
// Addresses are numbers of host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

struct arp_probe {
	int fd; // non-blocking; -1: none
	int ifindex;
	struct mac_addr mac; // of the interface
};

// 0, or -1 with the reason. `hears_questions`: also who asks, not only who answers.
int arp_probe_open(struct arp_probe *probe, const char *interface, int ifindex,
	bool hears_questions, struct error *err);
void arp_probe_close(struct arp_probe *probe); // safe on one whose fd is -1

// The same socket for who speaks as an address, and is not the interface itself: its own ARP
// packets, and all others, are not heard. 0, or -1 with the reason.
int arp_probe_watch(struct arp_probe *probe, const char *interface, int ifindex, uint32_t address,
	struct error *err);
// RFC 5227 section 1.1: tells all that the address is ours. 0 or -errno.
int arp_probe_announce(struct arp_probe *probe, uint32_t address);
int arp_probe_ask(struct arp_probe *probe, uint32_t address); // 0 or -errno
// What somebody says of itself, or wants to have: 1 with address and MAC; 0: nothing is there;
// -errno.
int arp_probe_hear(struct arp_probe *probe, uint32_t *address, struct mac_addr *mac);

// The same of one packet without its Ethernet header. False: it says no such thing.
bool arp_probe_read(const uint8_t *packet, size_t n, uint32_t *address, struct mac_addr *mac);
