// SPDX-License-Identifier: BSD-3-Clause
// Records and zones that do not change while they are there: those of the config, and those that
// are special to everybody (special.h). One tree of names, by hash. Read by any thread once it is
// built.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/base/error.h"
#include "control/dns/dns_name.h"

enum { DNS_ZONE_BYTES_MAX = 256 << 20 };

enum dns_zone_kind {
	DNS_ZONE_NONE = 0,
	DNS_ZONE_STATIC,  // a name without records is not there
	DNS_ZONE_WILD,	  // it has the records of the zone itself, and so has every name
	DNS_ZONE_FORWARD, // somebody else is asked for it: zones above do not count
	DNS_ZONE_LINK,	  // hosts on the links are asked for names in it
};

struct dns_zone_record {
	const struct dns_zone_record *next;
	uint16_t type;
	uint32_t ttl_sec;
	uint16_t data_bytes;
	const uint8_t *data;
	const struct dns_name *target; // behind the data; or NULL
};

struct dns_zone_node {
	struct dns_name name;
	enum dns_zone_kind kind;
	const char *because;		       // of special zones, a constant; NULL: of the config
	uint32_t ttl_sec;		       // of its absent names
	const struct dns_zone_record *records; // in the order they were added
	struct dns_zone_record **end;
};

struct dns_zones;

struct dns_zones *dns_zones_new(void); // NULL without memory
void dns_zones_free(struct dns_zones *zones);

// All while it is built: 0, or -1 when there is no memory. A zone that is there stays as it was
// first said. Names between a zone and a record are there too (RFC 8020) once dns_zones_end was
// called, and each address has its name in the reverse tree unless somebody said another.
int dns_zones_add(struct dns_zones *zones, const struct dns_name *name, enum dns_zone_kind kind,
	uint32_t ttl_sec, const char *because);
int dns_zones_add_record(struct dns_zones *zones, const struct dns_name *name, uint16_t type,
	uint32_t ttl_sec, const void *data, size_t n, const struct dns_name *target);
int dns_zones_add_address(struct dns_zones *zones, const struct dns_name *name, uint32_t ttl_sec,
	const struct ip_addr *addr);
int dns_zones_end(struct dns_zones *zones);

// The name itself where it has records or something below it, or NULL; and in `zone` the closest
// zone that it is within, or NULL.
const struct dns_zone_node *dns_zones_find(const struct dns_zones *zones,
	const struct dns_name *name, const struct dns_zone_node **zone);
