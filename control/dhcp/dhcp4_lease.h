// SPDX-License-Identifier: BSD-3-Clause
// Who has which address: a bounded table, found by address, by client and by where the client is.
// A lease that has ended stays as a memory of its client until the address is needed. Times are of
// the monotonic clock in ms, addresses numbers of host order. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum {
	DHCP4_LEASES_MAX = 131072,
	DHCP4_CLIENT_BYTES_MAX = 160, // of a client's id, longer ones do not count
	DHCP4_HOST_NAME_BYTES = 64,
};

enum dhcp4_lease_state {
	DHCP4_LEASE_FREE = 0, // was released, or has expired
	DHCP4_LEASE_OFFERED,  // until `ends_ms`, in no file
	DHCP4_LEASE_BOUND,
	DHCP4_LEASE_DECLINED, // somebody else has it: nobody's until `ends_ms`
};

// What option 61 says, behind a byte of 1; else hardware type and address behind one of 0.
struct dhcp4_client {
	uint8_t bytes[DHCP4_CLIENT_BYTES_MAX];
	uint8_t n;
};

struct dhcp4_lease {
	uint32_t address;
	uint32_t network; // of its subnet: a client may have a lease in each
	enum dhcp4_lease_state state;
	struct dhcp4_client client; // of a declined one: none
	struct mac_addr mac;
	uint64_t origin; // the card or circuit that it came by, as a hash
	uint64_t ends_ms;
	int64_t since;			       // seconds since 1970, when the client got it first
	uint32_t time_sec;		       // it was given for
	bool is_probed;			       // nobody answered for it
	char host_name[DHCP4_HOST_NAME_BYTES]; // as the client said it, printable; or ""
	struct dhcp4_lease *next_by_address, *next_by_client, *next_by_origin;
};

struct dhcp4_leases;

struct dhcp4_leases *dhcp4_leases_new(unsigned max); // NULL without memory
void dhcp4_leases_free(struct dhcp4_leases *leases); // NULL is fine

struct dhcp4_lease *dhcp4_leases_by_address(const struct dhcp4_leases *leases, uint32_t address);
struct dhcp4_lease *dhcp4_leases_by_client(
	const struct dhcp4_leases *leases, uint32_t network, const struct dhcp4_client *client);
// How many that are not free came by there, up to `most`.
unsigned dhcp4_leases_count_origin(
	const struct dhcp4_leases *leases, uint64_t origin, unsigned most);

// A new one of an address that has none, free. NULL when the table is full, or without memory.
struct dhcp4_lease *dhcp4_leases_add(struct dhcp4_leases *leases, uint32_t address,
	uint32_t network, const struct dhcp4_client *client);
// The same lease for another client; its memory of the last one is gone. NULL: no client.
void dhcp4_leases_give_to(
	struct dhcp4_leases *leases, struct dhcp4_lease *lease, const struct dhcp4_client *client);
void dhcp4_leases_set_origin(
	struct dhcp4_leases *leases, struct dhcp4_lease *lease, uint64_t origin);
void dhcp4_leases_remove(struct dhcp4_leases *leases, struct dhcp4_lease *lease);

// Walks them in no order. `cursor` starts at 0; NULL at the end. One that is added or removed
// meanwhile may be missed.
struct dhcp4_lease *dhcp4_leases_next(const struct dhcp4_leases *leases, uint32_t *cursor);

bool dhcp4_client_is_equal(const struct dhcp4_client *a, const struct dhcp4_client *b);
enum { DHCP4_CLIENT_STR_BYTES = 2 * DHCP4_CLIENT_BYTES_MAX + 1 };
// What it said itself in hexadecimal, "" where it is known by its MAC; into `out`, returned.
const char *dhcp4_client_str(const struct dhcp4_client *client, char out[DHCP4_CLIENT_STR_BYTES]);
// Until its end, rounded up; 0 behind it.
uint32_t dhcp4_lease_left_sec(const struct dhcp4_lease *lease, uint64_t now_ms);
const char *dhcp4_lease_state_name(enum dhcp4_lease_state state);
