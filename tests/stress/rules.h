// SPDX-License-Identifier: BSD-3-Clause
// The policies that control changes between: a firewall of twenty rules that asks every kind of
// question, masquerade, full cones, port forwards, a helper, and timeouts of a second.
#pragma once

#include "dataplane/dataplane.h"

enum {
	RULES_VARIANTS = 4,
	RULES_BANS = 0, // timed sets: hosts that control bans and
	RULES_SEEN = 1, // those that a rule has seen
};

void rules_set(struct dataplane *dp, unsigned variant); // ends the process if it is refused
