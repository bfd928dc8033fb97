// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_server_private.h"

#include "control/hash.h"

struct dhcp4_lease *dhcp4_server_claim(struct dhcp4_turn *turn, uint32_t address)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_scope *scope = turn->question.scope;
	struct dhcp4_lease *lease, *other;

	if (!dhcp4_scope_allows(scope, &turn->asker, address))
		return NULL;
	lease = dhcp4_leases_by_address(server->leases, address);
	if (lease != NULL && dhcp4_client_is_equal(&lease->client, &turn->asker.client))
		return lease;
	if (lease != NULL && dhcp4_server_is_held(lease, turn->now))
		return NULL;
	if (dhcp4_leases_count_origin(server->leases, turn->asker.origin,
		    scope->config->per_host) >= scope->config->per_host) {
		server->counters.over_limit++;
		dhcp4_server_note(turn, 0, "its card or circuit has `per-host` addresses");
		return NULL;
	}
	// a client has one address in a subnet
	other = dhcp4_leases_by_client(server->leases, scope->network, &turn->asker.client);
	if (other != NULL)
		dhcp4_server_take_away(server, other, scope);
	if (lease != NULL) {
		dhcp4_leases_give_to(server->leases, lease, &turn->asker.client);
	} else {
		lease = dhcp4_leases_add(
			server->leases, address, scope->network, &turn->asker.client);
		if (lease == NULL)
			server->counters.table_full++;
	}
	if (lease != NULL)
		dhcp4_pool_set_taken(&scope->pool, address, true);
	return lease;
}

// When no address is without a lease: the one that ended first.
static bool find_oldest(struct dhcp4_turn *turn, uint32_t *address)
{
	struct dhcp4_scope *scope = turn->question.scope;
	const struct dhcp4_lease *oldest = NULL, *lease;
	uint64_t first_end = UINT64_MAX;
	uint32_t cursor = 0;

	if (turn->now->ms < scope->full_until_ms)
		return false;
	while ((lease = dhcp4_leases_next(turn->server->leases, &cursor)) != NULL) {
		if (lease->network != scope->network ||
			!dhcp4_scope_allows(scope, &turn->asker, lease->address))
			continue;
		if (dhcp4_server_is_held(lease, turn->now)) {
			if (lease->ends_ms < first_end)
				first_end = lease->ends_ms;
		} else if (oldest == NULL || lease->ends_ms < oldest->ends_ms) {
			oldest = lease;
		}
	}
	if (oldest == NULL) {
		// another class may have a range of its own: not for longer than a second
		uint64_t soon = turn->now->ms + 1000;

		scope->full_until_ms = first_end < soon ? first_end : soon;
		return false;
	}
	*address = oldest->address;
	return true;
}

static bool find_free(struct dhcp4_turn *turn, uint32_t *address)
{
	struct dhcp4_scope *scope = turn->question.scope;
	const struct dhcp4_client *client = &turn->asker.client;
	uint32_t hint = (uint32_t)hash_bytes(1, client->bytes, client->n);

	for (unsigned i = 0; i < scope->pool.n_ranges; i++)
		if (dhcp4_pool_pick(&scope->pool, i, hint, address) &&
			dhcp4_scope_allows(scope, &turn->asker, *address))
			return true;
	return find_oldest(turn, address);
}

struct dhcp4_lease *dhcp4_server_choose(struct dhcp4_turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_scope *scope = turn->question.scope;
	struct dhcp4_lease *lease;
	uint32_t address;

	if (turn->asker.reservation != NULL)
		return dhcp4_server_claim(turn, ip4_number(&turn->asker.reservation->address));
	lease = dhcp4_leases_by_client(server->leases, scope->network, &turn->asker.client);
	if (lease != NULL && dhcp4_scope_allows(scope, &turn->asker, lease->address))
		return lease;
	if (dhcp4_get_u32(&turn->message, DHCP4_OPTION_REQUESTED_ADDRESS, &address)) {
		lease = dhcp4_server_claim(turn, address);
		if (lease != NULL)
			return lease;
	}
	for (unsigned tries = 0; tries < 2; tries++) {
		uint64_t over_limit = server->counters.over_limit;

		if (!find_free(turn, &address))
			break;
		lease = dhcp4_server_claim(turn, address);
		if (lease != NULL || server->counters.over_limit != over_limit)
			return lease;
	}
	server->counters.no_address++;
	dhcp4_server_note(turn, 0, "no address is left");
	dhcp4_server_tell(server, DHCP4_POOL_FULL, scope, NULL);
	return NULL;
}
