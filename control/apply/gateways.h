// SPDX-License-Identifier: BSD-3-Clause
// The next routers of routes that are about to come, asked for their MACs beforehand: the packets
// that a route takes along at once do not wait for it, where most would find no room. Control
// thread.
#pragma once

#include "control/apply/plan.h"
#include "control/router.h"

// Returns when all have answered, or when the time for that is over: then their packets wait as
// those of any other route.
void gateways_ask(struct router *router, const struct config *after, const struct plan *plan);
