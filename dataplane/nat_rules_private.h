// SPDX-License-Identifier: BSD-3-Clause
// Compiled translations: what nat_compile.c builds and nat_rules.c asks.
#pragma once

#include "cfg/base/addr.h"
#include "dataplane/nat_rules.h"

enum { NAT_INTERFACE_ANY = 0xff };

enum nat_action {
	NAT_SOURCE = 0,
	NAT_ONE_TO_ONE,
	NAT_FORWARD,
	NAT_REDIRECT,
	NAT_PREFIX,
	NAT_EXEMPT,
};

struct nat_match {
	const struct set *set;	       // NULL: anything
	const struct timed_set *timed; // or what is in here at the moment; NULL: nothing
	bool is_negated;
};

struct nat_rule {
	enum nat_action action;
	uint8_t family;	   // enum ip_family; IP_NONE: both
	uint8_t interface; // NAT_INTERFACE_ANY
	bool is_random, keeps_parity, is_full_cone;
	uint16_t index; // in dp_policy.nats
	uint16_t first_port, last_port, inside_port;
	struct nat_match source, destination, protocol;
	struct ip_prefix outside, inside; // host bits cleared
};

// A rule that changes both is in both lists.
struct nat_rules {
	struct nat_rule *sources, *destinations;
	unsigned n_sources, n_destinations;
};
