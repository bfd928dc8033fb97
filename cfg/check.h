// SPDX-License-Identifier: BSD-3-Clause
// What makes sense by itself but not beside the rest of the file: references, overlaps, keys that
// do not go together. Looks at the config for values and at the tree for places. Control thread.
#pragma once

#include "cfg/config.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

// Things with a name, to be found by it however many there are.
struct check_names {
	const char *noun; // "set"
	const char *const **sorted;
	unsigned n;
	bool are_known; // all could be read, so one that is not there is missing
};

struct check {
	struct config *config;
	struct report *report;
	const struct yaml_node *root; // as read_config left it
	bool interfaces_are_known;    // as of check_names
	struct check_names zones, sets, lists;
	bool *set_is_used, *list_is_used; // by index
	// As outside_prepare found them (cfg/check_outside.h), for doubts alone.
	uint64_t outside, default_ways; // bits by index of interface
	const char *zone_of[CFG_INTERFACES_MAX];
};

// What other checks look names up in; the memory is the config's.
void check_prepare(struct check *check);

void check_workers(const struct check *check);
void check_state(const struct check *check);
void check_ports(const struct check *check);
void check_interfaces(const struct check *check);
bool check_interfaces_are_known(const struct yaml_node *root);
void check_dhcp4(const struct check *check, const struct cfg_interface *interface,
	const struct yaml_node *node);
void check_routes(const struct check *check);  // also completes the next hops
void check_uplinks(const struct check *check); // also marks their routes
void check_zones(const struct check *check);
void check_sets(const struct check *check);	// also tells the kinds
void check_firewall(const struct check *check); // also completes rules and hygiene
void check_nat(const struct check *check);	// also tells the kinds and families
// The key `hook` of both; `kind` and `name` say where.
void check_program(const struct check *check, const char *hook, struct cfg_place place,
	const char *kind, const char *name);
void check_dhcp(const struct check *check); // also completes subnets and options
void check_dns(const struct check *check);
void check_dns_local(const struct check *check);
// What is no error but hardly meant. Only for a config without errors.
void check_doubts(struct check *check);

// The place of `key` in `object`, else of the object itself.
struct cfg_place check_place(const struct yaml_node *object, const char *key);
const struct yaml_node *check_first(const struct yaml_node *object, const char *key);
// Nothing in it is bad.
bool check_is_whole(const struct yaml_node *node);

// NULL when there is none of that name.
const struct cfg_interface *check_find_interface(const struct config *config, const char *name);
// The uplink of that interface, or NULL.
const struct cfg_uplink *check_uplink_of(const struct config *config, const char *interface);
// Reports a name that is no interface's; `noun` is who named it.
void check_is_interface(
	const struct check *check, const char *noun, const char *name, struct cfg_place place);

// The struct whose first member is the name, or NULL.
void *check_find(const struct check_names *names, const char *name);
// The same, and reports a name that is not there.
void *check_find_or_report(const struct check *check, const struct check_names *names,
	const char *noun, const char *name, struct cfg_place place);
