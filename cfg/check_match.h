// SPDX-License-Identifier: BSD-3-Clause
// What a match of a rule or translation names: sets, interfaces; and what it can mean. Part of the
// checks (cfg/check.h). Control thread.
#pragma once

#include "cfg/check.h"

// Looks up the names in `match`, whose value in the file is `value` (NULL: not there), and sets its
// is_negated. `noun` is who says it: "firewall: rule: `source`".
void match_check(const struct check *check, const char *noun, const struct yaml_node *value,
	enum cfg_set_kind kind, struct cfg_match *match);

// The rest is for matches that are checked.

enum { MATCH_IP4 = 1, MATCH_IP6 = 2, MATCH_BOTH = 3 };

// Families that a match of addresses can hold for, as bits.
unsigned match_families(const struct check *check, const struct cfg_match *match);
unsigned match_family_bits(uint8_t family); // enum ip_family; IP_NONE: both

// Whether a match of numbers can hold for this one. A set from a file can hold anything.
bool match_has_number(const struct check *check, const struct cfg_match *match, uint32_t number);

// The same for a match of interfaces.
bool match_has_interface(
	const struct check *check, const struct cfg_match *match, const char *interface);

// The file has all of it: no set of it comes from elsewhere or changes at run time.
bool match_is_known(const struct check *check, const struct cfg_match *match);

// A match of these protocols alone, up to 0.
struct cfg_match match_of_protocols(const struct check *check, const uint8_t *protocols);

// Whether a match of protocols can hold for none but these, up to 0.
bool match_has_only(
	const struct check *check, const struct cfg_match *match, const uint8_t *protocols);

extern const uint8_t match_port_protocols[]; // those with ports
#define MATCH_PORTS_ARE_FOR "ports are for tcp, udp, sctp, dccp and udp-lite alone"
