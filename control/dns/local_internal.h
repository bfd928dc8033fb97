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
