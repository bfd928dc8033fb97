// SPDX-License-Identifier: BSD-3-Clause
// The kernel's end of a routed interface: a TAP device with the interface's name, in the network
// namespace of the process, gone with its descriptor. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "control/netlink.h"

struct tap {
	int fd; // non-blocking, -1: none
	int ifindex;
	int groups_fd; // holds its memberships; -1: none
};

// Makes the device, down and without carrier. 0, or -1 with the reason.
int tap_open(struct tap *tap, const char *name, struct error *err);
void tap_close(struct tap *tap); // safe on one whose descriptors are -1

// MAC, MTU, queue length, and the settings under /proc/sys that a router's interface needs.
int tap_configure(const struct tap *tap, struct netlink *netlink, const char *name,
	const struct mac_addr *mac, uint16_t mtu, struct error *err);
int tap_set_up(const struct tap *tap, struct netlink *netlink, struct error *err);
int tap_set_mtu(const struct tap *tap, struct netlink *netlink, uint16_t mtu);
// 0 or -errno; -EBADFD when somebody has removed the device.
int tap_set_carrier(const struct tap *tap, bool is_on);
