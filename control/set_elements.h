// SPDX-License-Identifier: BSD-3-Clause
// What a set holds, in arrays as the workers take them; interfaces are names until a policy looks
// them up. Grows up to DP_SET_ELEMENTS_MAX. Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cfg/config.h"
#include "dataplane/policy.h"

struct interface_name {
	char text[CFG_NAME_MAX + 1];
};

struct set_elements {
	enum cfg_set_kind kind;
	union {
		void *items;
		struct ip_prefix *prefixes;   // addresses
		struct dp_range *ranges;      // ports, ICMP, protocols
		struct mac_addr *macs;	      // MACs
		struct interface_name *names; // interfaces
	};
	uint32_t n, room;
};

size_t set_elements_item_bytes(enum cfg_set_kind kind); // of one of `items`

// Zeroed but for the kind is empty.
void set_elements_fini(struct set_elements *elements); // stays usable, empty

// Both: 0, -ENOMEM, or -E2BIG for more than a set may have; it is then as it was before.
// `element` names no set.
int set_elements_add(struct set_elements *elements, const struct cfg_element *element);
int set_elements_append(struct set_elements *to, const struct set_elements *from); // of one kind
