// SPDX-License-Identifier: BSD-3-Clause
// One thing that rules ask of a packet, its source say, cut into classes: values that are in the
// same sets, and so are the same to every rule. Values of all the sets' bounds are swept in order;
// the stretches between them that are in the same sets share a class. Control, while a ruleset is
// compiled.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/bounds.h"
#include "dataplane/ruleset.h"

// By rank among the bounds: a class, and later what is known of it.
struct class_table {
	struct bounds32 low; // IPv4 addresses, or numbers
	struct bounds128 ip6;
	uint32_t *of_low, *of_ip6;
};

struct rule_classes {
	uint32_t n;	     // class 0 is in no set
	uint32_t *firsts;    // n + 1: where the members of each class begin
	uint16_t *members;   // sets
	bool *is_told_apart; // by set: its classes are among them
};

struct rule_classes_input {
	const struct ruleset_set *sets;
	const uint32_t *n_rules; // of each set; 0: leave it alone
	uint32_t n_sets;
	bool is_address;
	// At most so many pairs of a rule and a class that it matches. Sets that have most of them
	// are left out first: they tell least.
	uint64_t budget;
};

// 0 or -ENOMEM. Both are to be finished, whatever it returns.
int rule_classes_init(struct rule_classes *classes, struct class_table *table,
	const struct rule_classes_input *in);
void rule_classes_fini(struct rule_classes *classes);
void class_table_fini(struct class_table *table);
uint64_t class_table_bytes(const struct class_table *table);
