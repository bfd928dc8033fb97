// SPDX-License-Identifier: BSD-3-Clause
// What would become of a question: who answers it, and why. Asks nobody. Control thread.
#pragma once

#include "control/dns/dns.h"
#include "control/dns/local.h"

struct dns_explanation {
	struct dns_local_result result;
	bool is_refused; // the client may not ask
	unsigned group;	 // the entry of `blocking` that is for the client, from 1; 0: none
	char group_by[CFG_DNS_NAME_BYTES_MAX + 2]; // and what of its `clients` says so
	// DNS_LOCAL_GO_ON: the domain whose upstreams are asked; empty: those for all names
	char domain[DNS_NAME_STR_BYTES];
	bool has_upstreams; // or else it is found from the root down
};

struct dns_asking {
	struct dns_name name;
	uint16_t type;
	struct ip_addr client;
	struct dns_explanation out; // zeroed before
};

// A wish: explains the struct dns_asking that is its context.
void dns_explain(struct dns_parts *parts, void *asking);
