// SPDX-License-Identifier: BSD-3-Clause
// The key `dhcp4` of an interface: its address comes from a DHCPv4 server. Part of struct config:
// plain data in its arena. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CFG_DHCP4_REQUEST_MAX = 32 };

struct cfg_dhcp4 {
	bool is_on;
	uint64_t said;
	const char *client_id; // "mac", "duid", "none", "hex:0a0b", else the text itself
	const char *hostname, *vendor_class, *user_class; // NULL: not said
	const char *vendor_info;			  // "3561:0a0b", or NULL
	uint8_t request[CFG_DHCP4_REQUEST_MAX];
	unsigned n_request;
	uint32_t metric;
	bool has_metric; // else control chooses
	bool uses_routes, uses_dns, uses_mtu;
	const char *hook; // a program, or NULL
};
