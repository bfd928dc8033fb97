// SPDX-License-Identifier: BSD-3-Clause
// What the files of the DHCPv4 client share: what can happen and what follows from it
// (dhcp4_client_table.c), when it speaks again (dhcp4_client_times.c), what it says
// (dhcp4_client_say.c). Control thread.
#pragma once

#include "control/dhcp/dhcp4_client.h"

enum dhcp4_event {
	EVENT_UP = 0,	// nothing is known of an address
	EVENT_UP_KNOWN, // we had one
	EVENT_LINK_LOST,
	EVENT_OFFER,
	EVENT_ACK_NEW,	// of an address that is not on the interface
	EVENT_ACK_SAME, // of the one that is
	EVENT_NAK,
	EVENT_TIMER,
	EVENT_TRIED, // the timer, and the tries of the state are over
	EVENT_T1,
	EVENT_T2,
	EVENT_END, // of the lease
	EVENT_CONFLICT,
	EVENT_RENEW, // by hand
	EVENT_RELEASE,
	EVENT_NONE,
};

// The next state and what is done on the way, by the table.
void dhcp4_client_happen(
	struct dhcp4_uplink_client *client, enum dhcp4_event event, uint64_t now_ms);
// Whoever writes state, tries or timer does it by this.
void dhcp4_client_enter(struct dhcp4_uplink_client *client, enum dhcp4_client_state to,
	enum dhcp4_event why, uint64_t now_ms);

// When the timer of that state rings, entered because of `why`. Reads the client's tries.
uint64_t dhcp4_client_timer(struct dhcp4_uplink_client *client, enum dhcp4_client_state state,
	enum dhcp4_event why, uint64_t now_ms);
// After how many the state is given up; 0: as many as it takes.
unsigned dhcp4_client_tries(enum dhcp4_client_state state);
// So many seconds after the request, or a little less with fuzz; DHCP4_NEVER for DHCP4_FOREVER.
uint64_t dhcp4_client_after(struct dhcp4_uplink_client *client, uint32_t sec, bool has_fuzz);

void dhcp4_client_send_discover(struct dhcp4_uplink_client *client, uint64_t now_ms);
void dhcp4_client_send_request(
	struct dhcp4_uplink_client *client, uint64_t now_ms); // as its state wants
void dhcp4_client_send_decline(struct dhcp4_uplink_client *client);
void dhcp4_client_send_release(struct dhcp4_uplink_client *client);
