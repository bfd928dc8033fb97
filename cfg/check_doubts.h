// SPDX-License-Identifier: BSD-3-Clause
// The parts of check_doubts (cfg/check.h), for a config without errors and after outside_prepare.
// Control thread.
#pragma once

#include "cfg/check.h"

void check_translations(const struct check *check); // of sources
void check_forwards(const struct check *check);	    // of destinations

// Only where there is a firewall.
void check_odd_rules(const struct check *check); // rules by themselves
void check_shadows(const struct check *check);	 // rules that no packet reaches
void check_doors(const struct check *check);	 // who gets in who should not
void check_reach(const struct check *check);	 // who does not get in who should
void check_dhcp_doubts(const struct check *check);
void check_uplink_doubts(const struct check *check);

// Whether `dns` names the interface at `listen`.
bool check_dns_listens_on(const struct cfg_dns *dns, const char *interface);

// Whether some rule lets hosts there reach this UDP port of the router itself.
enum { CHECK_DHCP_PORT = 67 };
bool check_may_ask(const struct check *check, const struct cfg_interface *interface, uint16_t port);
