// SPDX-License-Identifier: BSD-3-Clause
// The routed interfaces: each joins a port, or a VLAN of one, to a TAP and is known to the workers
// by an id. Here the TAP's carrier follows the port's link, and the workers follow the TAP's MTU
// and its being up, whoever changes them. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/config.h"
#include "control/netlink.h"
#include "control/ports.h"
#include "control/tap.h"
#include "dataplane/dataplane.h"

struct interface_address {
	struct ip_prefix prefix;
	uint32_t flags; // IFA_F_*
	uint8_t generation;
};

struct interface {
	const struct cfg_interface *config; // borrowed
	struct port *port;
	struct tap tap;
	int id; // the workers'
	uint16_t mtu;
	bool is_link_up;  // the port's link
	bool is_admin_up; // the TAP's IFF_UP
	bool is_gone;	  // somebody removed the TAP
	bool is_outside;
	// as the kernel has them, those of addresses.c
	struct interface_address addresses[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n_addresses;
	uint8_t address_generation;
	bool are_addresses_changed;
	// those of announce.c
	unsigned announcements_left;
	uint64_t next_announcement_ms;
};

struct interfaces {
	struct interface list[DP_INTERFACES_MAX];
	unsigned n;
	struct dataplane *dp;
	struct netlink *netlink;
	// An interface came up or went down, by its link or by someone's hand.
	void (*changed)(void *ctx, struct interface *interface, bool was_up_by_hand);
	// A device of the machine that is none of ours went down, or away.
	void (*other_went)(void *ctx, int ifindex);
	void *changed_ctx; // of both
};

// Makes every TAP with its port's MAC and MTU, sets it up and adds it to the workers.
// 0, or -1 with the reason; interfaces_close is due either way.
int interfaces_open(struct interfaces *interfaces, const struct config *config,
	const struct ports *ports, struct dataplane *dp, struct netlink *netlink,
	struct error *err);
void interfaces_close(struct interfaces *interfaces);
// The same of one; also while the router runs. Interfaces stand at other places in the list after a
// removal: nobody keeps a pointer to one, and routes and neighbours forget its id before
// (kernel_forget). On failure there is nothing of it. `ids` are bits 1 << id of those that the
// workers may know it by; 0: any.
int interfaces_add(struct interfaces *interfaces, const struct config *config,
	const struct cfg_interface *from, const struct ports *ports, uint64_t ids,
	struct error *err);
void interfaces_remove(struct interfaces *interfaces, const char *name);

bool interface_is_up(const struct interface *interface); // its link, and by everyone's hand

struct interface *interfaces_by_ifindex(struct interfaces *interfaces, int ifindex); // or NULL
const struct interface *interfaces_by_id(const struct interfaces *interfaces, int id);
bool interfaces_use_port(const struct interfaces *interfaces, const struct port *port);
const struct interface *interfaces_by_name(const struct interfaces *interfaces, const char *name);

// Every 100 ms.
void interfaces_poll_links(struct interfaces *interfaces);

// For netlink: RTM_NEWLINK and RTM_DELLINK.
struct netlink_handler interfaces_handler(struct interfaces *interfaces);
