// SPDX-License-Identifier: BSD-3-Clause
// The part of plan.h about interfaces and the ports that they are on: which stay, which come and
// go, and which have to be made anew as their port cannot be changed while it is open. Pure but for
// memory. Control thread.
#pragma once

#include "control/apply/plan.h"

// Fills plan->interfaces, and plan->mtus for those that stay. 0, or -1: no memory.
int plan_interfaces(struct plan *plan, const struct config *before, const struct config *after);

// NULL: it has none of that name.
const struct cfg_interface *plan_find_interface(const struct config *config, const char *name);
bool plan_is_kept(const struct plan *plan, const char *interface);
