// SPDX-License-Identifier: BSD-3-Clause
// Who else on the link speaks as an uplink's address, for as long as it is ours (RFC 5227 section
// 2.4): the socket that hears them, and no other ARP. Addresses are numbers of host order. Control
// thread.
#pragma once

#include <event2/event.h>

#include "control/dhcp/arp_probe.h"

struct dhcp4_defence {
	struct arp_probe arp;
	struct event *readable; // NULL: closed
	uint32_t address;
	void (*contested)(void *ctx);
	void *ctx;
};

// From now on `contested` is called, once for all that has come in; it may close this. 0, or -1
// with the reason.
int dhcp4_defence_open(struct dhcp4_defence *defence, struct event_base *base,
	const char *interface, int ifindex, uint32_t address, struct error *err);
void dhcp4_defence_close(struct dhcp4_defence *defence);   // of zeroed memory, too
int dhcp4_defence_announce(struct dhcp4_defence *defence); // 0 or -errno
