// SPDX-License-Identifier: BSD-3-Clause
// The config's policy (what is masqueraded) as the workers take it: names become ids. Pure.
#pragma once

#include "cfg/config.h"
#include "control/interfaces.h"
#include "dataplane/dataplane.h"

// 0, or -1 when the config asks for more than the workers have room for, with its place.
int policy_compile(const struct config *config, const struct interfaces *interfaces,
	struct dp_policy *out, struct error *err);
