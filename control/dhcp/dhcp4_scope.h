// SPDX-License-Identifier: BSD-3-Clause
// A subnet that the server serves, and who asks in it: by which a client is known, what is reserved
// for it, to which classes it belongs. Plain lookups, nothing decided. Control thread.
#pragma once

#include "cfg/dhcp.h"
#include "control/dhcp/dhcp4_lease.h"
#include "control/dhcp/dhcp4_message.h"
#include "control/dhcp/dhcp4_pool.h"

struct dhcp4_scope {
	const struct cfg_dhcp_subnet *config; // borrowed
	uint32_t network, mask, router;	      // host order
	struct dhcp4_pool pool;
	uint64_t full_until_ms; // no lease of it ends before
};

struct dhcp4_scopes {
	struct dhcp4_scope list[CFG_DHCP_SUBNETS_MAX];
	unsigned n;
};

// 0 or -ENOMEM; dhcp4_scopes_fini is due either way. The config is borrowed.
int dhcp4_scopes_init(struct dhcp4_scopes *scopes, const struct cfg_dhcp *config);
void dhcp4_scopes_fini(struct dhcp4_scopes *scopes);

static inline bool dhcp4_scope_has(const struct dhcp4_scope *scope, uint32_t address)
{
	return (address & scope->mask) == scope->network;
}
struct dhcp4_scope *dhcp4_scopes_of_address(struct dhcp4_scopes *scopes, uint32_t address);
// The one that a message that came in there is about: by its relay (RFC 2131 section 4.3.1, RFC
// 3527, RFC 3011), by the address that its client has, or by the interface. NULL: none.
struct dhcp4_scope *dhcp4_scopes_of_message(
	struct dhcp4_scopes *scopes, const char *interface, const struct dhcp4_message *message);

// --- who asks ---

struct dhcp4_asker {
	struct dhcp4_client client;
	struct mac_addr mac;
	uint64_t origin;
	const struct cfg_dhcp_reservation *reservation; // or NULL
	uint32_t classes;				// bits by their index
	bool is_refused;				// by `allow`, `deny` or `only-reserved`
};

// False when it says nothing that it could be known by.
bool dhcp4_asker_read(struct dhcp4_asker *asker, const struct dhcp4_scope *scope,
	const struct dhcp4_message *message, const struct mac_addr *source);

// A part of option 82; NULL: it is not there.
const uint8_t *dhcp4_relay_part(const struct dhcp4_message *message, uint8_t code, size_t *len);

// Whose reservation the address is, or NULL.
const struct cfg_dhcp_reservation *dhcp4_scope_reservation(
	const struct dhcp4_scope *scope, uint32_t address);
// Whether the asker may have it, as far as the config goes.
bool dhcp4_scope_allows(
	const struct dhcp4_scope *scope, const struct dhcp4_asker *asker, uint32_t address);

// What the config says of an option: of the reservation, else of a class, of the address's pool, of
// the subnet. NULL: nothing.
const struct cfg_dhcp_option *dhcp4_scope_option(const struct dhcp4_scope *scope,
	const struct dhcp4_asker *asker, uint32_t address, uint16_t number);
// Calls `fn` with the number of each that it says anything of; twice, perhaps.
void dhcp4_scope_each_option(const struct dhcp4_scope *scope, const struct dhcp4_asker *asker,
	uint32_t address, void (*fn)(void *ctx, uint16_t number), void *ctx);

// The domain that hosts are told, or "".
const char *dhcp4_scope_domain(const struct cfg_dhcp_options *options);
