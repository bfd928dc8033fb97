// SPDX-License-Identifier: BSD-3-Clause
// What the server does with a client's message, RFC 2131 section 4.3:
//
//   DISCOVER  a known client is offered its address at once; somebody new one that nobody
//             answers for by ARP
//   REQUEST   SELECTING, of another server: the offer is taken back. Of ours, INIT-REBOOT,
//             RENEWING, REBINDING: the client gets what it asks for if it may have it, else a NAK
//   DECLINE   nobody gets the address for an hour
//   RELEASE   it is free, and remembered as the client's
//   INFORM    options alone
//
// An address belongs to one lease, and a lease that is bound or offered is nobody else's.
#include "control/dhcp/dhcp4_server.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/cursor.h"
#include "control/dhcp/dhcp4_answer.h"
#include "control/dhcp/dhcp4_waiting.h"
#include "control/hash.h"

enum {
	SWEEP_MS = 1000,
	SWEEP_LEASES = 4096, // looked at in one turn
};

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
struct turn {
	struct dhcp4_server *server;
	const struct dhcp4_now *now;
	struct dhcp4_message message;
	struct dhcp4_asker asker;
	struct dhcp4_question question;
};

// --- leases ---

static bool is_held(const struct dhcp4_lease *lease, const struct dhcp4_now *now)
{
	return lease->state != DHCP4_LEASE_FREE && lease->ends_ms > now->ms;
}

static void tell(struct dhcp4_server *server, enum dhcp4_event event,
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

// A lease whose time is over: an offer as if it had never been, all others are remembered.
static void expire(struct dhcp4_server *server, struct dhcp4_lease *lease)
{
	enum dhcp4_lease_state state = lease->state;

	if (state == DHCP4_LEASE_DECLINED || (state == DHCP4_LEASE_OFFERED && lease->since == 0)) {
		forget(server, lease);
		return;
	}
	lease->state = DHCP4_LEASE_FREE;
	lease->is_probed = false;
	if (state == DHCP4_LEASE_BOUND)
		tell(server, DHCP4_EXPIRED,
			dhcp4_scopes_of_address(&server->scopes, lease->address), lease);
}

static void decline(struct dhcp4_server *server, struct dhcp4_lease *lease,
	const struct dhcp4_now *now, const struct dhcp4_scope *scope)
{
	dhcp4_leases_give_to(server->leases, lease, NULL);
	lease->state = DHCP4_LEASE_DECLINED;
	lease->ends_ms = now->ms + DHCP4_DECLINED_SEC * UINT64_C(1000);
	lease->time_sec = DHCP4_DECLINED_SEC;
	server->ops->store(server->ctx, lease, NULL);
	tell(server, DHCP4_WAS_DECLINED, scope, lease);
}

// Of a client that gets another one: on the disk, too, it never was its.
static void take_away(
	struct dhcp4_server *server, struct dhcp4_lease *lease, const struct dhcp4_scope *scope)
{
	if (lease->state == DHCP4_LEASE_BOUND)
		tell(server, DHCP4_RELEASED, scope, lease);
	if (lease->since != 0) {
		dhcp4_leases_give_to(server->leases, lease, NULL);
		server->ops->store(server->ctx, lease, NULL);
	}
	forget(server, lease);
}

// --- which address ---

// The asker's own lease of that address, made or taken over where it may be. NULL: it may not.
static struct dhcp4_lease *claim(struct turn *turn, uint32_t address)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_scope *scope = turn->question.scope;
	struct dhcp4_lease *lease, *other;

	if (!dhcp4_scope_allows(scope, &turn->asker, address))
		return NULL;
	lease = dhcp4_leases_by_address(server->leases, address);
	if (lease != NULL && dhcp4_client_is_equal(&lease->client, &turn->asker.client))
		return lease;
	if (lease != NULL && is_held(lease, turn->now))
		return NULL;
	if (dhcp4_leases_count_origin(server->leases, turn->asker.origin,
		    scope->config->per_host) >= scope->config->per_host) {
		server->counters.over_limit++;
		return NULL;
	}
	// a client has one address in a subnet
	other = dhcp4_leases_by_client(server->leases, scope->network, &turn->asker.client);
	if (other != NULL)
		take_away(server, other, scope);
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
static bool find_oldest(struct turn *turn, uint32_t *address)
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
		if (is_held(lease, turn->now)) {
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

static bool find_free(struct turn *turn, uint32_t *address)
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

// What the asker is to be offered: what is reserved for it, what it has or had, what it asks for,
// any (RFC 2131 section 4.3.1). NULL: nothing.
static struct dhcp4_lease *choose(struct turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_scope *scope = turn->question.scope;
	struct dhcp4_lease *lease;
	uint32_t address;

	if (turn->asker.reservation != NULL)
		return claim(turn, dhcp4_number_of(&turn->asker.reservation->address));
	lease = dhcp4_leases_by_client(server->leases, scope->network, &turn->asker.client);
	if (lease != NULL && dhcp4_scope_allows(scope, &turn->asker, lease->address))
		return lease;
	if (dhcp4_get_u32(&turn->message, DHCP4_OPTION_REQUESTED_ADDRESS, &address)) {
		lease = claim(turn, address);
		if (lease != NULL)
			return lease;
	}
	for (unsigned tries = 0; tries < 2; tries++) {
		uint64_t over_limit = server->counters.over_limit;

		if (!find_free(turn, &address))
			break;
		lease = claim(turn, address);
		if (lease != NULL || server->counters.over_limit != over_limit)
			return lease;
	}
	server->counters.no_address++;
	tell(server, DHCP4_POOL_FULL, scope, NULL);
	return NULL;
}

// --- answers ---

// RFC 4702 section 2: the name behind flags and two bytes of no meaning, in DNS's form where the
// flag E says so, of which the first label is enough.
static void read_host_name(const struct dhcp4_message *message, char out[DHCP4_HOST_NAME_BYTES])
{
	enum { FLAG_E = 4 };
	size_t len, n = 0;
	const uint8_t *at = dhcp4_get(message, DHCP4_OPTION_FQDN, &len);
	struct cursor c = cursor_of(at, len);
	uint8_t flags = cursor_u8(&c);

	if (dhcp4_get_text(message, DHCP4_OPTION_HOST_NAME, out, DHCP4_HOST_NAME_BYTES) > 0)
		return;
	cursor_u16(&c);
	if (flags & FLAG_E)
		c = cursor_part(&c, cursor_u8(&c));
	while (!c.is_short && c.left > 0 && n < DHCP4_HOST_NAME_BYTES - 1) {
		uint8_t byte = cursor_u8(&c);

		out[n++] = byte >= ' ' && byte < 0x7f ? (char)byte : '?';
	}
	out[n] = '\0';
}

static void note_client(struct turn *turn, struct dhcp4_lease *lease)
{
	lease->mac = turn->asker.mac;
	dhcp4_leases_set_origin(turn->server->leases, lease, turn->asker.origin);
	read_host_name(&turn->message, lease->host_name);
	if (turn->asker.reservation != NULL)
		strncpy(lease->host_name, turn->asker.reservation->name,
			sizeof(lease->host_name) - 1);
}

static void acknowledge(struct turn *turn, struct dhcp4_lease *lease)
{
	struct dhcp4_server *server = turn->server;
	bool is_new = lease->state != DHCP4_LEASE_BOUND;

	if (is_new)
		lease->since = turn->now->wall;
	note_client(turn, lease);
	lease->state = DHCP4_LEASE_BOUND;
	lease->time_sec = turn->question.scope->config->lease_sec;
	lease->ends_ms = turn->now->ms + lease->time_sec * UINT64_C(1000);
	dhcp4_answer_make(&turn->question, DHCP4_ACK, lease->address, "", &server->reply);
	server->counters.acks++;
	server->ops->store(server->ctx, lease, &server->reply);
	tell(server, is_new ? DHCP4_GIVEN : DHCP4_RENEWED, turn->question.scope, lease);
}

static void refuse(struct turn *turn, const char *why)
{
	struct dhcp4_server *server = turn->server;

	if (!turn->question.scope->config->is_authoritative)
		return;
	dhcp4_answer_make(&turn->question, DHCP4_NAK, 0, why, &server->reply);
	server->counters.naks++;
	server->ops->send(server->ctx, &server->reply);
}

static void offer(struct turn *turn, struct dhcp4_lease *lease)
{
	struct dhcp4_server *server = turn->server;

	dhcp4_answer_make(&turn->question, DHCP4_OFFER, lease->address, "", &server->reply);
	server->counters.offers++;
	server->ops->send(server->ctx, &server->reply);
}

// Somebody new gets an address only when nobody answers for it. True: the message waits for that,
// or there is no room for it to wait.
static bool must_wait(struct turn *turn, struct dhcp4_lease *lease)
{
	struct dhcp4_server *server = turn->server;
	const struct cfg_dhcp_subnet *config = turn->question.scope->config;

	if (!config->checks_conflicts || config->is_relayed || lease->is_probed ||
		lease->since != 0)
		return false;
	if (dhcp4_waiting_has(&server->waiting, lease->address))
		return true;
	if (!server->ops->probe(server->ctx, config->interface, lease->address))
		return false;
	if (!dhcp4_waiting_add(&server->waiting, lease->address, turn->question.rx,
		    turn->now->ms + DHCP4_PROBE_MS))
		server->counters.probes_full++;
	return true;
}

// --- messages ---

static void on_discover(struct turn *turn)
{
	struct dhcp4_lease *lease = choose(turn);
	bool is_rapid = dhcp4_has(&turn->message, DHCP4_OPTION_RAPID_COMMIT) &&
			turn->question.scope->config->has_rapid_commit;

	if (lease == NULL)
		return;
	if (!is_held(lease, turn->now) || lease->state == DHCP4_LEASE_OFFERED) {
		lease->state = DHCP4_LEASE_OFFERED;
		lease->ends_ms = turn->now->ms + DHCP4_OFFER_SEC * UINT64_C(1000);
		note_client(turn, lease);
	}
	if (must_wait(turn, lease))
		return;
	if (is_rapid)
		acknowledge(turn, lease);
	else
		offer(turn, lease);
}

static void take_back(struct turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_lease *lease = dhcp4_leases_by_client(
		server->leases, turn->question.scope->network, &turn->asker.client);

	server->counters.for_others++;
	if (lease != NULL && lease->state == DHCP4_LEASE_OFFERED)
		expire(server, lease);
}

static void on_request(struct turn *turn)
{
	struct dhcp4_scope *scope = turn->question.scope;
	uint32_t server_id, address = turn->message.ciaddr, said;
	bool has_server = dhcp4_get_u32(&turn->message, DHCP4_OPTION_SERVER_ID, &server_id);
	struct dhcp4_lease *lease;

	if (has_server && server_id != turn->question.server_id) {
		take_back(turn);
		return;
	}
	if (dhcp4_get_u32(&turn->message, DHCP4_OPTION_REQUESTED_ADDRESS, &said) && address == 0)
		address = said;
	if (address == 0) {
		turn->server->counters.broken++;
		return;
	}
	if (!dhcp4_scope_has(scope, address)) {
		refuse(turn, "not an address of this network");
		return;
	}
	// RFC 2131 section 4.3.2 has a server be silent about clients that it does not know. One
	// that is alone here gives them what they had, when nobody else has it.
	lease = dhcp4_leases_by_client(turn->server->leases, scope->network, &turn->asker.client);
	if (lease == NULL && !has_server && !scope->config->is_authoritative) {
		turn->server->counters.unknown++;
		return;
	}
	if (lease == NULL || lease->address != address ||
		!dhcp4_scope_allows(scope, &turn->asker, address)) {
		if (lease != NULL && is_held(lease, turn->now) &&
			dhcp4_scope_allows(scope, &turn->asker, lease->address)) {
			refuse(turn, "another address is yours");
			return;
		}
		lease = claim(turn, address);
	}
	if (lease == NULL)
		refuse(turn, "not your address");
	else
		acknowledge(turn, lease);
}

static void on_decline(struct turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_lease *lease;
	uint32_t address;

	if (!dhcp4_get_u32(&turn->message, DHCP4_OPTION_REQUESTED_ADDRESS, &address))
		return;
	lease = dhcp4_leases_by_address(server->leases, address);
	if (lease == NULL || !dhcp4_client_is_equal(&lease->client, &turn->asker.client)) {
		server->counters.unknown++;
		return;
	}
	server->counters.declines++;
	decline(server, lease, turn->now, turn->question.scope);
}

static void on_release(struct turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_lease *lease = dhcp4_leases_by_address(server->leases, turn->message.ciaddr);

	if (lease == NULL || lease->state != DHCP4_LEASE_BOUND ||
		!dhcp4_client_is_equal(&lease->client, &turn->asker.client)) {
		server->counters.unknown++;
		return;
	}
	server->counters.releases++;
	lease->state = DHCP4_LEASE_FREE;
	lease->ends_ms = turn->now->ms;
	server->ops->store(server->ctx, lease, NULL);
	tell(server, DHCP4_RELEASED, turn->question.scope, lease);
}

static void on_inform(struct turn *turn)
{
	struct dhcp4_server *server = turn->server;

	dhcp4_answer_make(&turn->question, DHCP4_ACK, 0, "", &server->reply);
	server->counters.informs++;
	server->ops->send(server->ctx, &server->reply);
}

static void answer(struct turn *turn)
{
	switch (dhcp4_type_of(&turn->message)) {
	case DHCP4_DISCOVER:
		on_discover(turn);
		return;
	case DHCP4_REQUEST:
		on_request(turn);
		return;
	case DHCP4_DECLINE:
		on_decline(turn);
		return;
	case DHCP4_RELEASE:
		on_release(turn);
		return;
	case DHCP4_INFORM:
		on_inform(turn);
		return;
	case DHCP4_OFFER:
	case DHCP4_ACK:
	case DHCP4_NAK:
	case DHCP4_NONE:
		break;
	}
	turn->server->counters.broken++;
}

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
	struct turn turn = {.server = server, .now = now};

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
		return;
	}
	answer(&turn);
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
		decline(server, lease, now, scope);
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
		expire(server, ended[n]);
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
