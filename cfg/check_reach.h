// SPDX-License-Identifier: BSD-3-Clause
// Doubts about the rules of a config that has no errors: which of them are never asked, who gets in
// who should not, and who does not who should. Part of the checks (cfg/check.h). Control thread.
#pragma once

#include "cfg/check.h"

void check_reach(const struct check *check);

// The interface leads to the internet: sources are translated on it, or a default route goes by it.
bool check_leads_outside(const struct config *config, const struct cfg_interface *interface);

// The index of the zone that the interface is in.
enum { CHECK_NO_ZONE = -1 };
int check_zone_of(const struct config *config, const char *interface);
