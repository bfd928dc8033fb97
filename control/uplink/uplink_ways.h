// SPDX-License-Identifier: BSD-3-Clause
// The ways out of an uplink, one of IPv4 and one of IPv6: found in its config or among the routes,
// kept in a table of its own in the kernel with rules for its addresses (uplink_routes.h), and told
// to the workers for the answers to what came in by it. Control thread.
#pragma once

#include "control/uplink/uplink.h"

// As they are now; `interface` is NULL where it is absent. What the kernel does not take is tried
// again the next time.
void uplink_ways_set(struct uplink *uplink, const struct interface *interface);
void uplink_ways_forget(struct uplink *uplink);
