// SPDX-License-Identifier: BSD-3-Clause
// A route of the config in the form that the kernel takes (RFC 3549), by libnl. Control thread.
#pragma once

#include <netlink/route/route.h>

#include "cfg/config.h"
#include "control/interfaces.h"

// `config` is what the route is of. The caller's to give back by rtnl_route_put; NULL: no memory.
struct rtnl_route *static_route_build(const struct config *config,
	const struct interfaces *interfaces, const struct cfg_route *from);
uint8_t static_route_type(enum cfg_route_kind kind); // RTN_*
