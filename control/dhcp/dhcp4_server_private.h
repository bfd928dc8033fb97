// SPDX-License-Identifier: BSD-3-Clause
// What the files of the DHCPv4 server share: one message while it is being answered
// (dhcp4_server_talk.c), which address its asker may have (dhcp4_server_choose.c), what becomes of
// leases (dhcp4_server_leases.c). Control thread.
#pragma once

#include "control/dhcp/dhcp4_answer.h"
#include "control/dhcp/dhcp4_waiting.h"

struct dhcp4_server {
	const struct dhcp4_server_ops *ops;
	void *ctx;
	struct dhcp4_leases *leases;
	struct dhcp4_scopes scopes;
	struct dhcp4_waiting waiting;
	struct dhcp4_counters counters;
	uint32_t sweep_cursor;
	uint64_t next_sweep_ms;
	struct dhcp4_reply reply; // the one that is being made
};

// One message, while it is being answered.
struct dhcp4_turn {
	struct dhcp4_server *server;
	const struct dhcp4_now *now;
	struct dhcp4_message message;
	struct dhcp4_asker asker;
	struct dhcp4_question question;
};

bool dhcp4_server_is_held(const struct dhcp4_lease *lease, const struct dhcp4_now *now);
void dhcp4_server_tell(struct dhcp4_server *server, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease);
// A lease whose time is over: an offer as if it had never been, all others are remembered.
void dhcp4_server_expire(struct dhcp4_server *server, struct dhcp4_lease *lease);
// Somebody else has its address.
void dhcp4_server_decline(struct dhcp4_server *server, struct dhcp4_lease *lease,
	const struct dhcp4_now *now, const struct dhcp4_scope *scope);
// Of a client that gets another one: on the disk, too, it never was its.
void dhcp4_server_take_away(
	struct dhcp4_server *server, struct dhcp4_lease *lease, const struct dhcp4_scope *scope);

// The asker's own lease of that address, made or taken over where it may be. NULL: it may not.
struct dhcp4_lease *dhcp4_server_claim(struct dhcp4_turn *turn, uint32_t address);
// What the asker is to be offered: what is reserved for it, what it has or had, what it asks for,
// any (RFC 2131 section 4.3.1). NULL: nothing.
struct dhcp4_lease *dhcp4_server_choose(struct dhcp4_turn *turn);

// A line of the log at debug; `address` 0: about none.
void dhcp4_server_note(const struct dhcp4_turn *turn, uint32_t address, const char *what);

// Does what the message asks for.
void dhcp4_server_talk(struct dhcp4_turn *turn);
