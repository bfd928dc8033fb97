// SPDX-License-Identifier: BSD-3-Clause
// The part of plan.h about routes: there may be hundreds of thousands of them, so they are sorted
// and walked side by side. Pure but for memory. Control thread.
#pragma once

#include "control/apply/plan.h"

// Fills plan->routes. 0, or -1: no memory.
int plan_routes(struct plan *plan, const struct config *before, const struct config *after);
