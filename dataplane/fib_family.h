// SPDX-License-Identifier: BSD-3-Clause
// rte_fib with its rte_rib, and rte_fib6 with its rte_rib6: what the two do alike under different
// names. Nodes are the RIB's, valid until they are removed. Control thread.
#pragma once

#include "dataplane/fib.h"

struct fib_family {
	// NULL: it is not there, or there is no room for it.
	void *(*find)(const struct fib *fib, const struct ip_prefix *to);
	void *(*insert)(const struct fib *fib, const struct ip_prefix *to);
	void *(*parent)(void *node);
	uint16_t (*code)(const void *node);
	void (*set_code)(void *node, uint16_t code);
	// Is there a longer one than `len` bits within that much of `to`?
	bool (*has_longer)(const struct fib *fib, const struct ip_prefix *to, uint8_t len);
	// Of a prefix that is in the RIB. Whether it worked its code says, not what is returned.
	int (*table_replace)(struct fib *fib, const struct ip_prefix *to, uint16_t code);
	void (*remove)(const struct fib *fib, const struct ip_prefix *to);
};

// NULL: no prefix is so long, or of that family.
const struct fib_family *fib_family_of(const struct ip_prefix *to);
