// SPDX-License-Identifier: BSD-3-Clause
// What local.c builds and local_answer.c and rebind.c read.
#pragma once

#include "control/dns/blocking.h"
#include "control/dns/local.h"
#include "control/dns/mdns_nets.h"
#include "control/dns/zone.h"

struct dns_local {
	struct dns_zones *zones;  // the config's, and the special ones
	struct dns_zones *exempt; // from rebind protection
	struct dns_names *names;  // or NULL
	struct dns_blocking *blocking;
	struct dns_name domain; // of leases; empty: none
	bool is_rebind_allowed;
	bool has_links;		      // `mdns` of the config
	const struct mdns_nets *nets; // of the links; or NULL
};

// What is known here of a query with one question of class IN, as dns_local_answer has it, but for
// what is blocked for whom: `result`, but for its view, and at most `room` bytes of answer.
void dns_local_write_known(const struct dns_local *local, const struct dns_message *query,
	uint32_t now_sec, void *out, size_t room, struct dns_local_result *result);
