// SPDX-License-Identifier: BSD-3-Clause
// The workers go on on other cores while they forward: a step from one config to another (steps.h).
// Control thread.
#pragma once

#include "control/router.h"

// As many workers as there are, on those cores; what else the daemon does leaves these to them. 0,
// or -1 with the reason, and all is as before.
int crew_follow(struct router *router, const struct cores *cores, struct error *err);
