// SPDX-License-Identifier: BSD-3-Clause
// The DHCPv4 server as its operator wrote it: part of struct config, plain data in its arena. What
// the checks complete is said beside it. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/firewall.h"
#include "cfg/place.h"

enum {
	CFG_DHCP_SUBNETS_MAX = 64,
	CFG_DHCP_RANGES_MAX = 32,	  // of one `pool`
	CFG_DHCP_POOLS_MAX = 32,	  // with a name, of one subnet
	CFG_DHCP_RESERVATIONS_MAX = 4096, // of one subnet
	CFG_DHCP_CLASSES_MAX = 32,
	CFG_DHCP_OPTIONS_MAX = 64, // of one place
	CFG_DHCP_VALUES_MAX = 32,  // of one option
	CFG_DHCP_MACS_MAX = 4096,
	CFG_DHCP_ARCHITECTURES_MAX = 16,
	CFG_DHCP_ADDRESSES_MAX = 65536, // of all pools of one subnet
	CFG_DHCP_ID_MAX = 128,		// bytes of what a client or relay is known by
};

struct cfg_dhcp_option {
	const char *name;
	struct cfg_place place;
	const char **values;
	unsigned n_values;
	// completed
	uint16_t number;
	const uint8_t *bytes;
	unsigned n_bytes;
};

struct cfg_dhcp_options {
	struct cfg_dhcp_option *list;
	unsigned n;
};

// Who the text is, completed: "0x0102" is bytes, all else itself.
struct cfg_dhcp_id {
	const char *text; // NULL: whoever
	const uint8_t *bytes;
	unsigned n_bytes;
};

struct cfg_dhcp_reservation {
	const char *name; // the host's, for DNS too
	struct cfg_place place;
	uint64_t said;
	struct mac_addr mac;
	bool has_mac;
	struct cfg_dhcp_id client_id, circuit_id, remote_id;
	struct ip_addr address;
	struct cfg_dhcp_options options;
};

// Clients that say all of this about themselves.
struct cfg_dhcp_class {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	const char *vendor, *user; // what option 60, or 77, begins with; NULL: whatever
	uint16_t architectures[CFG_DHCP_ARCHITECTURES_MAX]; // option 93
	unsigned n_architectures;
	struct cfg_dhcp_options options;
};

struct cfg_dhcp_pool {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	struct cfg_element *ranges;
	unsigned n_ranges;
	const char *class; // only for it; NULL: for all
	struct cfg_dhcp_options options;
};

struct cfg_dhcp_subnet {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	const char *interface;	 // completed: its own name
	bool is_relayed;	 // its hosts are behind a relay alone
	struct ip_prefix subnet; // completed: the interface's first of IPv4
	struct ip_addr router;	 // completed: the interface's address in it, or its first
	struct cfg_element *ranges;
	unsigned n_ranges;
	struct cfg_dhcp_pool *pools;
	unsigned n_pools;
	struct cfg_dhcp_reservation *reservations;
	unsigned n_reservations;
	struct cfg_dhcp_class *classes;
	unsigned n_classes;
	struct cfg_dhcp_options options;
	uint32_t lease_sec, renew_sec, rebind_sec; // the last two completed
	bool is_authoritative, has_rapid_commit, has_only_reserved, checks_conflicts;
	struct cfg_element *allowed, *denied; // MAC addresses
	unsigned n_allowed, n_denied;
	const char *hook;  // a program, or NULL
	uint32_t per_host; // addresses of one card, or of one circuit of a relay
};

struct cfg_dhcp {
	struct cfg_dhcp_subnet *subnets;
	unsigned n_subnets;
};
