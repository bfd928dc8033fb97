// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_server.h"

#include <stdlib.h>
#include <string.h>

#include "control/dhcp/dhcp4_server_private.h"

enum {
	SWEEP_MS = 1000,
	SWEEP_LEASES = 4096, // looked at in one turn
};

// --- what is heard ---

// RFC 5107: a relay may want to be the server that clients speak to.
static uint32_t server_id_of(const struct dhcp4_scope *scope, const struct dhcp4_message *message)
{
	size_t len;
	const uint8_t *at = dhcp4_relay_part(message, DHCP4_RELAY_SERVER_ID, &len);

	if (at != NULL && len == sizeof(uint32_t))
		return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return scope->router;
}

void dhcp4_server_rx(
	struct dhcp4_server *server, const struct dhcp4_rx *rx, const struct dhcp4_now *now)
{
	struct dhcp4_turn turn = {.server = server, .now = now};

	server->counters.received++;
	if (!dhcp4_parse(&turn.message, rx->bytes, rx->n) || turn.message.op != DHCP4_OP_REQUEST) {
		server->counters.broken++;
		return;
	}
	turn.question = (struct dhcp4_question){.rx = rx,
		.message = &turn.message,
		.scope = dhcp4_scopes_of_message(&server->scopes, rx->interface, &turn.message),
		.asker = &turn.asker};
	if (turn.question.scope == NULL) {
		server->counters.not_ours++;
		return;
	}
	if (!dhcp4_asker_read(&turn.asker, turn.question.scope, &turn.message, &rx->source_mac)) {
		server->counters.broken++;
		return;
	}
	turn.question.server_id = server_id_of(turn.question.scope, &turn.message);
	if (turn.asker.is_refused) {
		server->counters.refused++;
		dhcp4_server_note(&turn, 0, "is not to be served");
		return;
	}
	dhcp4_server_talk(&turn);
}

// --- what comes with time ---

static void answer_again(
	struct dhcp4_server *server, struct dhcp4_waiting_one *one, const struct dhcp4_now *now)
{
	server->counters.received--;
	dhcp4_server_rx(server, &one->rx, now);
	free(one);
}

void dhcp4_server_heard(struct dhcp4_server *server, uint32_t address, const struct mac_addr *mac,
	const struct dhcp4_now *now)
{
	struct dhcp4_waiting_one *one = dhcp4_waiting_take(&server->waiting, address);
	struct dhcp4_lease *lease = dhcp4_leases_by_address(server->leases, address);
	struct dhcp4_scope *scope = dhcp4_scopes_of_address(&server->scopes, address);

	if (one == NULL)
		return;
	if (lease == NULL || scope == NULL) {
		free(one);
		return;
	}
	if (memcmp(mac, &lease->mac, sizeof(*mac)) == 0) {
		lease->is_probed = true; // the client itself: it has had the address already
	} else {
		server->counters.conflicts++;
		dhcp4_server_decline(server, lease, now, scope);
	}
	answer_again(server, one, now);
}

static void sweep(struct dhcp4_server *server, const struct dhcp4_now *now)
{
	struct dhcp4_lease *ended[SWEEP_LEASES / 16];
	unsigned n = 0;

	for (unsigned i = 0; i < SWEEP_LEASES && n < sizeof(ended) / sizeof(ended[0]); i++) {
		struct dhcp4_lease *lease =
			dhcp4_leases_next(server->leases, &server->sweep_cursor);

		if (lease == NULL) {
			server->sweep_cursor = 0;
			break;
		}
		if (lease->state != DHCP4_LEASE_FREE && lease->ends_ms <= now->ms)
			ended[n++] = lease;
	}
	while (n-- > 0)
		dhcp4_server_expire(server, ended[n]);
}

uint64_t dhcp4_server_tick(struct dhcp4_server *server, const struct dhcp4_now *now)
{
	struct dhcp4_waiting_one *one;
	uint64_t deadline;

	while ((one = dhcp4_waiting_take_due(&server->waiting, now->ms)) != NULL) {
		struct dhcp4_lease *lease = dhcp4_leases_by_address(server->leases, one->address);

		if (lease != NULL)
			lease->is_probed = true;
		answer_again(server, one, now);
	}
	if (now->ms >= server->next_sweep_ms) {
		sweep(server, now);
		server->next_sweep_ms = now->ms + SWEEP_MS;
	}
	deadline = dhcp4_waiting_deadline(&server->waiting);
	return deadline < server->next_sweep_ms ? deadline : server->next_sweep_ms;
}

// --- coming and going ---

static void take_addresses(struct dhcp4_server *server)
{
	const struct dhcp4_lease *lease;
	uint32_t cursor = 0;

	while ((lease = dhcp4_leases_next(server->leases, &cursor)) != NULL) {
		struct dhcp4_scope *scope =
			dhcp4_scopes_of_address(&server->scopes, lease->address);

		if (scope != NULL)
			dhcp4_pool_set_taken(&scope->pool, lease->address, true);
	}
}

int dhcp4_server_configure(struct dhcp4_server *server, const struct cfg_dhcp *config)
{
	// what waits is asked again as it came, of what there is then
	dhcp4_scopes_fini(&server->scopes);
	if (dhcp4_scopes_init(&server->scopes, config) != 0) {
		dhcp4_scopes_fini(&server->scopes);
		return -1;
	}
	take_addresses(server);
	return 0;
}

bool dhcp4_server_restore(struct dhcp4_server *server, const struct dhcp4_lease *from)
{
	struct dhcp4_lease *lease = dhcp4_leases_by_address(server->leases, from->address);
	struct dhcp4_scope *scope = dhcp4_scopes_of_address(&server->scopes, from->address);

	if (lease == NULL)
		lease = dhcp4_leases_add(
			server->leases, from->address, from->network, &from->client);
	if (lease == NULL)
		return false;
	lease->state = from->state;
	lease->mac = from->mac;
	lease->ends_ms = from->ends_ms;
	lease->since = from->since;
	lease->time_sec = from->time_sec;
	memcpy(lease->host_name, from->host_name, sizeof(lease->host_name));
	dhcp4_leases_set_origin(server->leases, lease, from->origin);
	if (scope != NULL)
		dhcp4_pool_set_taken(&scope->pool, lease->address, true);
	return true;
}

struct dhcp4_server *dhcp4_server_new(
	const struct dhcp4_server_ops *ops, void *ctx, unsigned leases_max)
{
	struct dhcp4_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return NULL;
	server->ops = ops;
	server->ctx = ctx;
	dhcp4_waiting_init(&server->waiting);
	server->leases = dhcp4_leases_new(leases_max);
	if (server->leases != NULL)
		return server;
	dhcp4_server_free(server);
	return NULL;
}

void dhcp4_server_free(struct dhcp4_server *server)
{
	if (server == NULL)
		return;
	dhcp4_waiting_fini(&server->waiting);
	dhcp4_scopes_fini(&server->scopes);
	dhcp4_leases_free(server->leases);
	free(server);
}

const struct dhcp4_leases *dhcp4_server_leases(const struct dhcp4_server *server)
{
	return server->leases;
}

const struct dhcp4_scopes *dhcp4_server_scopes(const struct dhcp4_server *server)
{
	return &server->scopes;
}

const struct dhcp4_counters *dhcp4_server_counters(const struct dhcp4_server *server)
{
	return &server->counters;
}

const char *dhcp4_event_name(enum dhcp4_event event)
{
	static const char *const names[] = {
		"given", "renewed", "released", "expired", "declined", "pool full"};

	return names[event];
}
