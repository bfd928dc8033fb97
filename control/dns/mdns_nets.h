// SPDX-License-Identifier: BSD-3-Clause
// The networks of interfaces, as the kernel has them now, and those of every link: 169.254.0.0/16
// and fe80::/10. Any thread.
#pragma once

#include "cfg/base/addr.h"

enum { MDNS_NETS_MAX = 256 };

struct mdns_nets {
	struct ip_prefix list[MDNS_NETS_MAX];
	unsigned n;
};

typedef bool (*mdns_nets_is_fn)(const void *ctx, const char *interface);

// Of the interfaces that `is_one` wants. Without an answer of the kernel there are none.
void mdns_nets_read(struct mdns_nets *nets, mdns_nets_is_fn is_one, const void *ctx);
bool mdns_nets_have(const struct mdns_nets *nets, const struct ip_addr *addr);
