// SPDX-License-Identifier: BSD-3-Clause
// The config's policy (what is masqueraded) as the workers take it: names become ids. Pure.
#pragma once

#include "cfg/config.h"
#include "control/interfaces.h"
#include "dataplane/dataplane.h"

// The caller frees it; it refers to `config`. NULL with the reason.
struct dp_policy *policy_compile(
	const struct config *config, const struct interfaces *interfaces, struct error *err);
void policy_free(struct dp_policy *policy);
