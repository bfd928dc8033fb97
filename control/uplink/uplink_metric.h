// SPDX-License-Identifier: BSD-3-Clause
// Under which metrics the kernel has the default routes of uplinks: first the one that is used, of
// those chosen; behind it what each interface has by itself, from DHCP or the config, by which
// sockets that are bound to it go out. What the machine has of its own below goes before all of
// them, for its own programs (rib.h).
#pragma once

#include <stdint.h>

enum {
	UPLINK_ROUTES_PROTOCOL = 78, // nobody's in /etc/iproute2/rt_protos
	UPLINK_METRIC = 90,	     // of the route that is used
	UPLINK_METRIC_SPARE = 30000, // of one that an uplink has for its bound sockets alone
	UPLINK_METRIC_BEHIND = 10000,
};

static inline uint32_t uplink_metric_behind(uint32_t metric)
{
	return metric < UINT32_MAX - UPLINK_METRIC_BEHIND ? metric + UPLINK_METRIC_BEHIND : metric;
}
