// SPDX-License-Identifier: BSD-3-Clause
// What a DHCPv4 client says, as bytes: RFC 2131 4.4.1 table 5, with the options by which providers
// know their customers (60, 61 by RFC 4361, 77 by RFC 3004, 125 by RFC 3925). Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/config.h"
#include "control/dhcp/dhcp4_message.h"

enum {
	DHCP4_CLIENT_ID_MAX = 255,
	DHCP4_CLASS_MAX = 255,
	DHCP4_REQUEST_MAX = 48,
	DHCP4_QUERY_BYTES_MAX = 1200, // below every MTU that a link may have
};

// Who the client is, and what it asks for.
struct dhcp4_identity {
	struct mac_addr mac;
	uint8_t client_id[DHCP4_CLIENT_ID_MAX]; // of option 61, with its type
	unsigned n_client_id;			// 0: none is sent
	char hostname[DHCP4_CLASS_MAX + 1];
	char vendor_class[DHCP4_CLASS_MAX + 1];
	char user_class[DHCP4_CLASS_MAX + 1];
	uint8_t vendor_info[DHCP4_CLASS_MAX]; // of option 125, whole
	unsigned n_vendor_info;
	uint8_t request[DHCP4_REQUEST_MAX]; // codes for option 55, in order
	unsigned n_request;
};

// From what the config says; the MAC is the interface's.
void dhcp4_identity_make(struct dhcp4_identity *identity, const struct cfg_dhcp4 *config,
	const struct mac_addr *mac);

struct dhcp4_client_query {
	enum dhcp4_type type;
	uint32_t xid;
	uint16_t secs;
	bool wants_broadcast;	  // the answer, RFC 2131 4.1
	struct ip_addr ciaddr;	  // IP_NONE: 0.0.0.0
	struct ip_addr requested; // option 50; IP_NONE: left out
	struct ip_addr server;	  // option 54; likewise
	const char *message;	  // option 56; NULL: left out
};

// Bytes written to `out`, at most `size`; 0: there was no room.
size_t dhcp4_client_query_write(const struct dhcp4_client_query *query,
	const struct dhcp4_identity *identity, uint8_t *out, size_t size);
