// SPDX-License-Identifier: BSD-3-Clause
// One rule of the firewall beside the rest of the file. Part of the checks (cfg/check.h). Control
// thread.
#pragma once

#include "cfg/check.h"

// Completes `rule` too: what its protocols are where only ports say it, its action where it jumps.
// `hook` is CFG_HOOK_COUNT for the rules of lists, which any may jump to.
void rule_check(const struct check *check, enum cfg_hook hook, struct cfg_rule *rule,
	const struct yaml_node *node);
