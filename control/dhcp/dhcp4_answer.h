// SPDX-License-Identifier: BSD-3-Clause
// An answer of the server's as its bytes, and whom it goes to (RFC 2131 sections 4.1 and 4.3).
// Control thread.
#pragma once

#include "control/dhcp/dhcp4_server.h"

struct dhcp4_question {
	const struct dhcp4_rx *rx;
	const struct dhcp4_message *message;
	struct dhcp4_scope *scope;
	const struct dhcp4_asker *asker;
	uint32_t server_id;
};

// Offer or ACK of `address` (0: of none, to an INFORM), or a NAK, whose reason is `why`.
void dhcp4_answer_make(const struct dhcp4_question *question, enum dhcp4_type type,
	uint32_t address, const char *why, struct dhcp4_reply *reply);
