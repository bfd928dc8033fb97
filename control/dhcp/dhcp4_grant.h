// SPDX-License-Identifier: BSD-3-Clause
// What a DHCPv4 server has given: an address, and what goes with it. Plain values; times are in
// seconds from the request, as RFC 2131 4.4.1 counts them. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum {
	DHCP4_GRANT_GATEWAYS_MAX = 4,
	DHCP4_GRANT_ROUTES_MAX = 32,
	DHCP4_GRANT_DNS_MAX = 8,
	DHCP4_GRANT_DOMAINS_MAX = 8,
	DHCP4_GRANT_DOMAIN_BYTES = 256, // RFC 1035 3.1: 253 and the NUL
	DHCP4_GRANT_SEC_MIN = 10,	// less is no lease, it is a flood of requests
};

#define DHCP4_FOREVER UINT32_MAX // RFC 2131 3.3: "infinity"

struct dhcp4_grant_route {
	struct ip_prefix to;
	struct ip_addr via;  // family IP_NONE: on the link (RFC 3442: router 0.0.0.0)
	unsigned preference; // of several gateways to one network, 0 is the first
};

struct dhcp4_grant {
	struct ip_prefix addr; // with the length of its subnet
	struct ip_addr server; // its identifier, option 54
	uint32_t sec, t1_sec, t2_sec;
	uint16_t mtu; // bytes; 0: not said
	struct dhcp4_grant_route
		routes[DHCP4_GRANT_ROUTES_MAX]; // RFC 3442's, else of options 33 and 3
	unsigned n_routes;
	unsigned n_left_out; // routes beyond that, or malformed
	struct ip_addr dns[DHCP4_GRANT_DNS_MAX];
	unsigned n_dns;
	char domains[DHCP4_GRANT_DOMAINS_MAX]
		    [DHCP4_GRANT_DOMAIN_BYTES]; // to search, the first is ours
	unsigned n_domains;
};

// NULL: it may be used; else why not, in words.
const char *dhcp4_grant_why_not(const struct dhcp4_grant *lease);

// T1 and T2 as the server says where they are in order, else RFC 2131 4.4.5's half and seven
// eighths.
void dhcp4_grant_complete(struct dhcp4_grant *lease);

// The same address on the same subnet.
bool dhcp4_grant_is_same_address(const struct dhcp4_grant *a, const struct dhcp4_grant *b);
