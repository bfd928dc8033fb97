// SPDX-License-Identifier: BSD-3-Clause
// A DHCPv4 client, RFC 2131 4.4, as a state machine without I/O: bytes and the clock come in, what
// is to be done goes out through its ops. It asks again for the address it had (INIT-REBOOT),
// probes before it uses one (RFC 5227), and keeps what it has while it looks for something better.
// Times are milliseconds of a clock that never goes back. Control thread.
#pragma once

#include "control/dhcp/dhcp4_client_query.h"
#include "control/dhcp/dhcp4_grant.h"

enum dhcp4_client_state {
	DHCP4_CLIENT_DOWN = 0, // no link
	DHCP4_CLIENT_INIT,     // about to ask
	DHCP4_CLIENT_SELECTING,
	DHCP4_CLIENT_REQUESTING,
	DHCP4_CLIENT_REBOOTING,
	DHCP4_CLIENT_CHECKING, // has it, and asks the link whether somebody else does
	DHCP4_CLIENT_BOUND,
	DHCP4_CLIENT_RENEWING,
	DHCP4_CLIENT_REBINDING,
	DHCP4_CLIENT_RELEASED, // given back by hand
	DHCP4_CLIENT_STATES,
};

#define DHCP4_NEVER UINT64_MAX

struct dhcp4_outgoing {
	const uint8_t *bytes;
	size_t n_bytes;
	struct ip_addr src, dst; // dst 255.255.255.255: broadcast, whatever the routes say
	// It is not said again, and `src` is nobody's right after: nothing can be looked up for it.
	bool is_last;
};

// None may call the client back.
struct dhcp4_client_ops {
	void (*send)(void *ctx, const struct dhcp4_outgoing *message);
	// One ARP probe for it (RFC 5227 1.1); answers come by dhcp4_client_conflict. From the
	// first of them on until the state is no longer CHECKING.
	void (*probe)(void *ctx, const struct ip_addr *addr);
	// One ARP announcement of it (RFC 5227 1.1).
	void (*announce)(void *ctx, const struct ip_addr *addr);
	// The address is ours, or has a new end; `before` is what it takes the place of, or NULL.
	void (*bind)(void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before);
	// It is not any more.
	void (*unbind)(void *ctx, const struct dhcp4_grant *lease, const char *why);
	// NULL: this machine can use it; else why not.
	const char *(*why_not)(void *ctx, const struct dhcp4_grant *lease);
	uint32_t (*random)(void *ctx);
};

struct dhcp4_client_counts {
	uint64_t sent, received, malformed, not_for_us, unusable, offers, acks, naks, declines,
		defended;
};

struct dhcp4_uplink_client {
	const struct dhcp4_client_ops *ops;
	void *ctx;
	char name[32]; // for the log: "dhcp wan"
	struct dhcp4_identity identity;
	enum dhcp4_client_state state;
	bool is_up;
	uint32_t xid;
	uint64_t began_ms; // of the exchange, for `secs`
	uint16_t secs;
	bool wants_broadcast;
	uint64_t sent_ms; // the first request of the exchange: the lease counts from it
	unsigned tries;
	uint64_t next_ms;	  // when the state's own timer rings
	struct dhcp4_grant offer; // that is asked for, or being checked
	struct ip_addr wish;	  // the last address that was ours; IP_NONE: there is none
	struct dhcp4_grant lease; // where is_bound
	bool is_bound;
	uint64_t bound_ms, t1_ms, t2_ms, end_ms;
	unsigned n_naks, n_conflicts; // in a row
	uint64_t defended_ms;	      // when the address was last; 0: never
	struct dhcp4_client_counts counts;
};

// Zeroed memory is a client that is down; the identity is copied. `wish`, perhaps of IP_NONE, is
// the address that a former life had.
void dhcp4_client_init(struct dhcp4_uplink_client *client, const struct dhcp4_client_ops *ops,
	void *ctx, const char *name, const struct dhcp4_identity *identity,
	const struct ip_addr *wish);

// What happened. Each may move the next deadline.
void dhcp4_client_link(struct dhcp4_uplink_client *client, bool is_up, uint64_t now_ms);
// A datagram to port 68.
void dhcp4_client_rx(
	struct dhcp4_uplink_client *client, const uint8_t *bytes, size_t n, uint64_t now_ms);
// Somebody else on the link has the address that is being checked.
void dhcp4_client_conflict(struct dhcp4_uplink_client *client, uint64_t now_ms);
// Somebody else on the link speaks as the address that is ours (RFC 5227 2.4).
void dhcp4_client_contested(struct dhcp4_uplink_client *client, uint64_t now_ms);
void dhcp4_client_renew(struct dhcp4_uplink_client *client, uint64_t now_ms);	// by hand
void dhcp4_client_release(struct dhcp4_uplink_client *client, uint64_t now_ms); // by hand
// Does what is due. Returns when it is to be called next, or DHCP4_NEVER.
uint64_t dhcp4_client_tick(struct dhcp4_uplink_client *client, uint64_t now_ms);
// The next deadline, in the past where something is due.
uint64_t dhcp4_client_deadline(const struct dhcp4_uplink_client *client);

const char *dhcp4_client_state_name(enum dhcp4_client_state state); // "bound"
