// SPDX-License-Identifier: BSD-3-Clause
// Hosts that DHCP knows by name are known to DNS by it, forward and reverse: those with a lease as
// long as they have it, those with a reservation always. In the subnet's own domain, or in
// `dns.domain`. Control thread.
#pragma once

#include "cfg/config.h"

struct router;

// What leases say from now on, and what they have said. `router` has dns_names and lease_names.
void host_names_listen(struct router *router);
// The reservations of `before` (NULL: none) give way to those of `after`.
void host_names_follow(
	struct router *router, const struct config *before, const struct config *after);
