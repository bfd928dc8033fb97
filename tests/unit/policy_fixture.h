// SPDX-License-Identifier: BSD-3-Clause
// A firewall over recording workers: the text of a config in, what the workers were told out.
// Interfaces are there without a device; the i-th of the config has the id 10 + i. One for the
// process.
#pragma once

#include "control/router.h"
#include "tests/unit/recording_dataplane.h"

// Begins a config that has the interfaces lan and wan, the ids 10 and 11.
#define LAN_AND_WAN                                                                                \
	"ports: {lan: {driver: 'null'}, wan: {driver: 'null'}}\n"                                  \
	"interfaces: {lan: {port: lan, addresses: 198.18.0.1/24},"                                 \
	" wan: {port: wan, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64]}}\n"                    \
	"zones: {home: {interfaces: lan}, internet: {interfaces: wan}}\n"

enum { POLICY_FIXTURE_NOW = 1700000000, FIRST_ID = 10 };

extern struct router fixture; // its config, interfaces, bans and firewall

// 0, or -1 with the reason; a config that is wrong fails the test. `absent` names an interface that
// is not there, or is NULL. policy_fixture_close is due either way.
int policy_fixture_open(const char *text, const char *absent, struct error *err);
void policy_fixture_close(void);

// The interface appears, or goes.
void policy_fixture_set_there(const char *interface, bool is_there);

// What was recorded, in words: only what is asked for or done, sets as what is in them. Static.
const char *policy_fixture_rule(unsigned rule);
const char *policy_fixture_nat(unsigned nat);
const char *policy_fixture_set(unsigned set);
