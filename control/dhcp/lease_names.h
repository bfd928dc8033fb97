// SPDX-License-Identifier: BSD-3-Clause
// The names that hosts give themselves with their leases, as DNS may have them: one label each (RFC
// 1123 section 2.1, in small letters), and each label one host's, the first that said it. Bounded.
// Whoever answers DNS is told of what comes and goes. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum { LEASE_NAME_BYTES = 64, LEASE_NAMES_MAX = 65536 };

struct lease_name {
	char label[LEASE_NAME_BYTES]; // "laptop"
	const char *domain;	      // of the subnet's options, borrowed for the call; or ""
	struct ip_addr address;
	uint32_t left_sec; // of the lease, when it was said; 0: as before
};

struct lease_names_ops {
	void (*added)(void *ctx, const struct lease_name *name);
	void (*removed)(void *ctx, const char *label, const struct ip_addr *address);
};

struct lease_names;

struct lease_names *lease_names_new(void);	  // NULL without memory
void lease_names_free(struct lease_names *names); // tells nobody; NULL is fine

// From now on it is told, of what there is as well. `ops` is
// borrowed; NULL: nobody is told any more.
void lease_names_listen(struct lease_names *names, const struct lease_names_ops *ops, void *ctx);

// The host at the address says that it is called `said`, or nothing: what can be a label of that is
// its name, unless another address has it. What it was called before is removed. Returns whether it
// has a name now.
bool lease_names_set(struct lease_names *names, const struct ip_addr *address, const char *said,
	const char *domain, uint32_t left_sec);
void lease_names_remove(struct lease_names *names, const struct ip_addr *address);

// By its label, whatever its letters; false: nobody's.
bool lease_names_find(const struct lease_names *names, const char *label, struct ip_addr *address);
// The label of that address, or NULL; good until the next change.
const char *lease_names_of(const struct lease_names *names, const struct ip_addr *address);
unsigned lease_names_count(const struct lease_names *names);

// What of a text can be a label: letters in small, digits, hyphens within; of a name with dots the
// first label. False: nothing is left, or it is one that means something to every host.
bool lease_names_label(const char *said, char out[LEASE_NAME_BYTES]);
