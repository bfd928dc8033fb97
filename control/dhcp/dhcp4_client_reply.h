// SPDX-License-Identifier: BSD-3-Clause
// What a DHCPv4 server says to a client, read from bytes that anybody may have sent: RFC 2131 2 and
// 4.1, options of RFC 2132, overload, long options (RFC 3396), classless routes (RFC 3442), search
// domains (RFC 3397). Control thread.
#pragma once

#include <stddef.h>

#include "control/dhcp/dhcp4_grant.h"
#include "control/dhcp/dhcp4_message.h"

struct dhcp4_client_reply {
	enum dhcp4_type type;
	uint32_t xid;
	struct mac_addr chaddr;
	struct dhcp4_grant grant; // of a NAK the server alone
	char text[128];		  // option 56, made harmless; ""
};

// 0, or -EBADMSG: it is no such message, or malformed where that matters.
int dhcp4_client_reply_read(struct dhcp4_client_reply *reply, const uint8_t *bytes, size_t n);
