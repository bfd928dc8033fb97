// SPDX-License-Identifier: BSD-3-Clause
// The options of DHCPv4: number, name and type of each (RFC 2132 and those after it), and what an
// operator writes of one as the bytes that it has on the wire. Constant data. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/error.h"

// Those that server and client know by themselves; the table has more.
enum dhcp4_option_number {
	DHCP4_OPTION_PAD = 0,
	DHCP4_OPTION_NETMASK = 1,	     // RFC 2132 section 3.3
	DHCP4_OPTION_ROUTERS = 3,	     // 3.5
	DHCP4_OPTION_DNS = 6,		     // 3.8
	DHCP4_OPTION_HOST_NAME = 12,	     // 3.14
	DHCP4_OPTION_DOMAIN = 15,	     // 3.17
	DHCP4_OPTION_MTU = 26,		     // 5.1
	DHCP4_OPTION_BROADCAST = 28,	     // 5.3
	DHCP4_OPTION_NTP = 42,		     // 8.3
	DHCP4_OPTION_REQUESTED_ADDRESS = 50, // 9.1
	DHCP4_OPTION_LEASE_TIME = 51,	     // 9.2
	DHCP4_OPTION_OVERLOAD = 52,	     // 9.3
	DHCP4_OPTION_MESSAGE_TYPE = 53,	     // 9.6
	DHCP4_OPTION_SERVER_ID = 54,	     // 9.7
	DHCP4_OPTION_PARAMETERS = 55,	     // 9.8
	DHCP4_OPTION_MESSAGE = 56,	     // 9.9
	DHCP4_OPTION_MAX_SIZE = 57,	     // 9.10
	DHCP4_OPTION_RENEWAL_TIME = 58,	     // 9.11
	DHCP4_OPTION_REBINDING_TIME = 59,    // 9.12
	DHCP4_OPTION_VENDOR_CLASS = 60,	     // 9.13
	DHCP4_OPTION_CLIENT_ID = 61,	     // 9.14
	DHCP4_OPTION_TFTP_SERVER = 66,	     // 9.4
	DHCP4_OPTION_BOOT_FILE = 67,	     // 9.5
	DHCP4_OPTION_USER_CLASS = 77,	     // RFC 3004
	DHCP4_OPTION_RAPID_COMMIT = 80,	     // RFC 4039
	DHCP4_OPTION_FQDN = 81,		     // RFC 4702
	DHCP4_OPTION_RELAY_AGENT = 82,	     // RFC 3046
	DHCP4_OPTION_ARCHITECTURE = 93,	     // RFC 4578
	DHCP4_OPTION_IPV6_ONLY = 108,	     // RFC 8925
	DHCP4_OPTION_CAPTIVE_PORTAL = 114,   // RFC 8910
	DHCP4_OPTION_SUBNET_SELECTION = 118, // RFC 3011
	DHCP4_OPTION_SEARCH = 119,	     // RFC 3397
	DHCP4_OPTION_ROUTES = 121,	     // RFC 3442
	DHCP4_OPTION_VENDOR_ROUTES = 249,    // the same, by its number before it had one
	DHCP4_OPTION_END = 255,
	// No option, but said like one: siaddr, the next server of a boot (RFC 2131 section 2).
	DHCP4_OPTION_NEXT_SERVER = 256,
	// Of option 82, by themselves
	DHCP4_RELAY_CIRCUIT_ID = 1,	// RFC 3046 section 3.1
	DHCP4_RELAY_REMOTE_ID = 2,	// 3.2
	DHCP4_RELAY_LINK_SELECTION = 5, // RFC 3527
	DHCP4_RELAY_SERVER_ID = 11,	// RFC 5107
};

enum dhcp4_option_type {
	DHCP4_TYPE_BYTES = 0, // "0x0a0b", else the text
	DHCP4_TYPE_TEXT,
	DHCP4_TYPE_ADDRESS,   // IPv4
	DHCP4_TYPE_ADDRESSES, // one or several
	DHCP4_TYPE_U8,
	DHCP4_TYPE_U16,
	DHCP4_TYPE_U32,
	DHCP4_TYPE_BOOL,
	DHCP4_TYPE_NAMES,  // domains in DNS's form, RFC 1035 section 3.1, without compression
	DHCP4_TYPE_ROUTES, // "198.51.100.0/24 via 198.18.0.1"
};

struct dhcp4_option_kind {
	uint16_t number;
	const char *name; // "routers"
	enum dhcp4_option_type type;
	const char *help;
};

extern const struct dhcp4_option_kind dhcp4_option_kinds[]; // up to one without a name

// By its name, or as "option-176", which is of type bytes where no other is known. False: no such.
bool dhcp4_option_find(const char *name, struct dhcp4_option_kind *out);

enum { DHCP4_OPTION_BYTES_MAX = 1024 };

// The values' bytes into `out`, which has room for DHCP4_OPTION_BYTES_MAX. A value of bytes may
// begin with its type: "u16 1400", "address 198.18.0.1", "text on", "hex 0a0b". How many bytes, or
// -1 with the reason.
int dhcp4_option_encode(const struct dhcp4_option_kind *kind, const char *const *values,
	unsigned n_values, uint8_t *out, struct error *err);
