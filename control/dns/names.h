// SPDX-License-Identifier: BSD-3-Clause
// Names that come and go while the router runs: those of leases and reservations, and of whoever
// else knows one. Forward and reverse, bounded. A name that one host has is not given to another; a
// name that the config has is for its caller to refuse. Times are those of clock_now_ms, in
// seconds. Any thread: it has a lock of its own.
#pragma once

#include "control/dns/dns_name.h"
#include "control/dns/hosts.h"

enum {
	DNS_NAMES_MAX = 65536,
	DNS_NAMES_OF_ONE_MAX = 16, // addresses of a name, or names of an address
	DNS_NAMES_FOREVER = UINT32_MAX,
};

enum dns_name_source { // a better one takes the name from a worse one
	DNS_SOURCE_LEASE = 0,
	DNS_SOURCE_RESERVATION,
	DNS_SOURCES,
};

struct dns_known_name {
	struct dns_name name; // whole, with its domain
	struct ip_addr addr;
	enum dns_name_source source;
	uint64_t owner;	      // who has it: one number for all names of one host
	uint32_t ends_at_sec; // DNS_NAMES_FOREVER
};

struct dns_names;

struct dns_names *dns_names_new(void); // NULL without memory
void dns_names_free(struct dns_names *names);
// Its own: which card has which address.
struct dns_hosts *dns_names_hosts(struct dns_names *names);

// 0, also for what is there already, which then ends at the new time; -EEXIST: the name is somebody
// else's (with as good a source, and not ended); -ENOSPC: full, or too many addresses of one name.
int dns_names_add(struct dns_names *names, const struct dns_known_name *known, uint32_t now_sec);
// -ENOENT: it is not there.
int dns_names_remove(
	struct dns_names *names, const struct dns_name *name, const struct ip_addr *addr);
uint32_t dns_names_count(struct dns_names *names);

// Those of that name, or of that address, into `out`; how many. What has ended is not there.
unsigned dns_names_find(struct dns_names *names, const struct dns_name *name, uint32_t now_sec,
	struct dns_known_name out[DNS_NAMES_OF_ONE_MAX]);
unsigned dns_names_find_address(struct dns_names *names, const struct ip_addr *addr,
	uint32_t now_sec, struct dns_known_name out[DNS_NAMES_OF_ONE_MAX]);
