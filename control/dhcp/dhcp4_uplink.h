// SPDX-License-Identifier: BSD-3-Clause
// One of the DHCPv4 clients of the uplinks: its sockets and timer on the loop. What becomes of its
// lease is in dhcp4_uplink_lease.h. For dhcp4_uplinks.c alone. Control thread.
#pragma once

#include "control/dhcp/arp_probe.h"
#include "control/dhcp/dhcp4_binding.h"
#include "control/dhcp/dhcp4_defence.h"
#include "control/dhcp/dhcp4_memory.h"
#include "control/dhcp/dhcp4_uplinks.h"
#include "control/dhcp/packet_socket.h"

struct dhcp4_uplink {
	struct dhcp4_uplinks *all;
	char name[CFG_NAME_MAX + 1]; // the interface's
	int ifindex;
	struct dhcp4_identity identity;
	struct dhcp4_uplink_client client;
	struct dhcp4_binding binding;
	struct dhcp4_binding_wishes wishes;
	bool uses_dns;
	bool is_wanted; // by the config that is being followed
	struct packet_socket socket;
	struct arp_probe probe;
	struct dhcp4_defence defence; // of the address that it has
	int unicast_fd;		      // of dhcp4_unicast.h; negative: none
	struct mac_addr granted_by;   // the frame that brought the lease
	struct event *readable, *probe_readable, *timer;
};

struct dhcp4_uplinks {
	struct router *router;
	struct dhcp4_memory *memory; // NULL: there is no state file
	struct hooks *hooks;	     // NULL: none has been run
	struct dhcp4_uplink *list[CFG_INTERFACES_MAX];
	unsigned n;
};

// Makes one that asks as soon as its interface is up, and puts it behind the others. 0, or -1 with
// the reason.
int dhcp4_uplink_add(struct dhcp4_uplinks *all, const struct config *config,
	const struct cfg_interface *from, const struct interface *interface, struct error *err);
void dhcp4_uplink_free(struct dhcp4_uplink *uplink); // gives nothing back; NULL is fine

// After whatever happened to its client: what is due, and the timer for what comes.
void dhcp4_uplink_turn(struct dhcp4_uplink *uplink);
