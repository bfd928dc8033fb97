// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_server_private.h"

bool dhcp4_server_is_held(const struct dhcp4_lease *lease, const struct dhcp4_now *now)
{
	return lease->state != DHCP4_LEASE_FREE && lease->ends_ms > now->ms;
}

void dhcp4_server_tell(struct dhcp4_server *server, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease)
{
	server->ops->tell(server->ctx, event, scope, lease);
}

static void forget(struct dhcp4_server *server, struct dhcp4_lease *lease)
{
	struct dhcp4_scope *scope = dhcp4_scopes_of_address(&server->scopes, lease->address);

	if (scope != NULL && dhcp4_scope_reservation(scope, lease->address) == NULL &&
		lease->address != scope->router)
		dhcp4_pool_set_taken(&scope->pool, lease->address, false);
	dhcp4_leases_remove(server->leases, lease);
}

void dhcp4_server_expire(struct dhcp4_server *server, struct dhcp4_lease *lease)
{
	enum dhcp4_lease_state state = lease->state;

	if (state == DHCP4_LEASE_DECLINED || (state == DHCP4_LEASE_OFFERED && lease->since == 0)) {
		forget(server, lease);
		return;
	}
	lease->state = DHCP4_LEASE_FREE;
	lease->is_probed = false;
	if (state == DHCP4_LEASE_BOUND) {
		server->ops->store(server->ctx, lease, NULL); // it is told once
		dhcp4_server_tell(server, DHCP4_EXPIRED,
			dhcp4_scopes_of_address(&server->scopes, lease->address), lease);
	}
}

void dhcp4_server_decline(struct dhcp4_server *server, struct dhcp4_lease *lease,
	const struct dhcp4_now *now, const struct dhcp4_scope *scope)
{
	dhcp4_leases_give_to(server->leases, lease, NULL);
	lease->state = DHCP4_LEASE_DECLINED;
	lease->ends_ms = now->ms + DHCP4_DECLINED_SEC * UINT64_C(1000);
	lease->time_sec = DHCP4_DECLINED_SEC;
	server->ops->store(server->ctx, lease, NULL);
	dhcp4_server_tell(server, DHCP4_WAS_DECLINED, scope, lease);
}

void dhcp4_server_take_away(
	struct dhcp4_server *server, struct dhcp4_lease *lease, const struct dhcp4_scope *scope)
{
	if (lease->state == DHCP4_LEASE_BOUND)
		dhcp4_server_tell(server, DHCP4_RELEASED, scope, lease);
	if (lease->since != 0) {
		dhcp4_leases_give_to(server->leases, lease, NULL);
		server->ops->store(server->ctx, lease, NULL);
	}
	forget(server, lease);
}
