// SPDX-License-Identifier: BSD-3-Clause
// The config's routes, installed into the kernel under a protocol number of our own, by which
// they are found again and removed. They reach the workers like any other. Control thread.
#pragma once

#include "cfg/config.h"
#include "control/interfaces.h"

enum { STATIC_ROUTES_PROTOCOL = 77 }; // nobody's in /etc/iproute2/rt_protos

// What a killed instance left behind; not while another one lives in this network namespace.
void static_routes_remove_leftovers(struct netlink *netlink);

// 0, or -1 with the first refusal and its place in the file. What is there of them already is
// completed; a route of somebody else stays, and ours goes before it.
int static_routes_install(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct error *err);
// The same where what is there is known to be ours: for many routes.
int static_routes_complete(const struct config *config, const struct interfaces *interfaces,
	struct netlink *netlink, struct error *err);
// False: it leads over an interface of the config that is not there at present. Such are left out
// of what is completed.
bool static_routes_can_be(const struct config *config, const struct interfaces *interfaces,
	const struct cfg_route *route);
// Under which the kernel has it.
uint32_t static_routes_metric(const struct cfg_route *route);

// One of them, `as_config` being what it is of. `instead` is the one of the same prefix and metric
// that it takes the place of, or NULL: packets never lack either. 0, or -1 with the reason.
int static_routes_add(const struct config *as_config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *route, const struct cfg_route *instead,
	struct error *err);
// Takes out the one, and no other of the same prefix. One that is not there is no fault.
int static_routes_delete(const struct config *as_config, const struct interfaces *interfaces,
	struct netlink *netlink, const struct cfg_route *route, struct error *err);
// Those without a device do not vanish with a TAP.
void static_routes_remove(const struct config *config, struct netlink *netlink);
