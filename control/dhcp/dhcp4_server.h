// SPDX-License-Identifier: BSD-3-Clause
// A DHCPv4 server (RFC 2131): messages and the time in, decisions out; no I/O. What it gives is
// handed to `store` together with the answer, which may leave once that is on the disk. Addresses
// are numbers of host order. Control thread.
#pragma once

#include "control/dhcp/dhcp4_scope.h"

enum {
	DHCP4_OFFER_SEC = 60,	   // an offer is kept for
	DHCP4_DECLINED_SEC = 3600, // nobody gets what somebody else has
	DHCP4_PROBE_MS = 250,	   // an answer by ARP is waited for
	DHCP4_PROBES_MAX = 1024,   // at a time
};

struct dhcp4_now {
	uint64_t ms;  // monotonic
	int64_t wall; // seconds since 1970
};

struct dhcp4_rx {
	const char *interface;
	struct mac_addr source_mac;
	uint32_t source; // of the packet
	const uint8_t *bytes;
	size_t n;
};

struct dhcp4_reply {
	const char *interface; // of the config
	uint32_t source, destination;
	uint16_t destination_port;
	struct mac_addr mac;
	uint8_t bytes[DHCP4_BYTES_MAX];
	size_t n;
};

enum dhcp4_event {
	DHCP4_GIVEN = 0,
	DHCP4_RENEWED,
	DHCP4_RELEASED,
	DHCP4_EXPIRED,
	DHCP4_WAS_DECLINED, // by its client, or somebody answered for it
	DHCP4_POOL_FULL,    // without a lease
};
const char *dhcp4_event_name(enum dhcp4_event event); // "given"

struct dhcp4_server_ops {
	void (*send)(void *ctx, const struct dhcp4_reply *reply);
	// Keeps the lease as it is now, or no more where it has no client and is free. `reply`,
	// where there is one, goes out after that.
	void (*store)(void *ctx, const struct dhcp4_lease *lease, const struct dhcp4_reply *reply);
	// Asks who has the address. False: cannot.
	bool (*probe)(void *ctx, const char *interface, uint32_t address);
	void (*tell)(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
		const struct dhcp4_lease *lease);
};

// Why messages were not answered, and how many were.
struct dhcp4_counters {
	uint64_t received, broken, not_ours, refused, no_address, over_limit, probes_full,
		table_full, unknown, for_others;
	uint64_t offers, acks, naks, declines, releases, informs, conflicts;
};

struct dhcp4_server;

// `ops` and `ctx` are borrowed. NULL without memory.
struct dhcp4_server *dhcp4_server_new(
	const struct dhcp4_server_ops *ops, void *ctx, unsigned leases_max);
void dhcp4_server_free(struct dhcp4_server *server); // NULL is fine

// Another config, borrowed until the next one: leases stay. 0, or -ENOMEM and it serves nobody.
int dhcp4_server_configure(struct dhcp4_server *server, const struct cfg_dhcp *config);
// A lease from the disk, with `state`, `time_sec` and the like as in `lease`. False: no room.
bool dhcp4_server_restore(struct dhcp4_server *server, const struct dhcp4_lease *lease);

void dhcp4_server_rx(
	struct dhcp4_server *server, const struct dhcp4_rx *rx, const struct dhcp4_now *now);
// Somebody says by ARP that the address is theirs.
void dhcp4_server_heard(struct dhcp4_server *server, uint32_t address, const struct mac_addr *mac,
	const struct dhcp4_now *now);
// To be called when the time it returns has come: of the next thing to do.
uint64_t dhcp4_server_tick(struct dhcp4_server *server, const struct dhcp4_now *now);

const struct dhcp4_leases *dhcp4_server_leases(const struct dhcp4_server *server);
const struct dhcp4_scopes *dhcp4_server_scopes(const struct dhcp4_server *server);
const struct dhcp4_counters *dhcp4_server_counters(const struct dhcp4_server *server);
