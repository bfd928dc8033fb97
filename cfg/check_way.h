// SPDX-License-Identifier: BSD-3-Clause
// A way that first packets go, in by one interface and out by another or to the router, and what a
// rule has to say of it. Part of the checks (cfg/check.h). Control thread.
#pragma once

#include "cfg/check.h"

struct way {
	const struct check *check;
	enum cfg_hook hook;
	const struct cfg_interface *from; // never of output
	const struct cfg_interface *to;	  // NULL: to the router itself; or to any
	bool is_to_any;
};

// The key of the hook in the file, "input".
const char *way_hook_key(enum cfg_hook hook);

// By its zones, interfaces and states the rule may hold for some of what goes this way.
bool way_may_hold(const struct way *way, const struct cfg_rule *rule);
// By these it holds for all of it, whatever else the rule says.
bool way_holds(const struct way *way, const struct cfg_rule *rule);

// The rule says nothing of a packet but where it comes from and where it goes, by zones, interfaces
// and states.
bool way_rule_is_bare(const struct cfg_rule *rule);
// Nothing after it is asked about what it holds for; CFG_RETURN: in its list.
bool way_rule_decides(const struct cfg_rule *rule);
// All of the hook or list, wherever it comes from.
bool way_rule_takes_all(const struct cfg_rule *rule);
