// SPDX-License-Identifier: BSD-3-Clause
// The kernel's routes as /proc/net/route and /proc/net/ipv6_route list them: of the main table.
// Control thread.
#pragma once

#include <net/if.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "control/doctor/tree.h"

enum { KERNEL_ROUTES_MAX = 4096 };

struct kernel_route {
	char netdev[IF_NAMESIZE];
	struct ip_prefix to;
	struct ip_addr via; // IP_NONE: on the link
	uint32_t metric;
};

struct kernel_routes {
	struct kernel_route *list; // the first KERNEL_ROUTES_MAX of them
	unsigned n;
};

// Lines that make no sense are left out, as are routes that reject or are the kernel's own.
void kernel_routes_parse4(struct kernel_routes *routes, const char *text);
void kernel_routes_parse6(struct kernel_routes *routes, const char *text);
void kernel_routes_look(struct kernel_routes *routes, const struct tree *tree);
void kernel_routes_fini(struct kernel_routes *routes);
