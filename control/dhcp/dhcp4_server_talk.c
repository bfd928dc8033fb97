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
#include "control/dhcp/dhcp4_server_private.h"

#include <string.h>

#include "cfg/base/cursor.h"
#include "cfg/base/log.h"

void dhcp4_server_note(const struct dhcp4_turn *turn, uint32_t address, const char *what)
{
	struct ip_addr addr = ip4_addr(address);
	char mac[ADDR_STR_BYTES], text[ADDR_STR_BYTES] = "";

	if (address != 0)
		ip_addr_str(&addr, text);
	log_debug(log_object("dhcp", turn->question.scope->config->name).text,
		"%s from %s on %s: %s%s%s", dhcp4_type_name(dhcp4_type_of(&turn->message)),
		mac_addr_str(&turn->asker.mac, mac), turn->question.rx->interface, what,
		address == 0 ? "" : " ", text);
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

static void note_client(struct dhcp4_turn *turn, struct dhcp4_lease *lease)
{
	lease->mac = turn->asker.mac;
	dhcp4_leases_set_origin(turn->server->leases, lease, turn->asker.origin);
	read_host_name(&turn->message, lease->host_name);
	if (turn->asker.reservation != NULL)
		strncpy(lease->host_name, turn->asker.reservation->name,
			sizeof(lease->host_name) - 1);
}

static void acknowledge(struct dhcp4_turn *turn, struct dhcp4_lease *lease)
{
	struct dhcp4_server *server = turn->server;
	bool is_new = lease->state != DHCP4_LEASE_BOUND;

	if (is_new)
		lease->since = turn->now->wall;
	note_client(turn, lease);
	dhcp4_server_note(turn, lease->address, is_new ? "gives" : "renews");
	lease->state = DHCP4_LEASE_BOUND;
	lease->time_sec = turn->question.scope->config->lease_sec;
	lease->ends_ms = turn->now->ms + lease->time_sec * UINT64_C(1000);
	dhcp4_answer_make(&turn->question, DHCP4_ACK, lease->address, "", &server->reply);
	server->counters.acks++;
	server->ops->store(server->ctx, lease, &server->reply);
	dhcp4_server_tell(
		server, is_new ? DHCP4_GIVEN : DHCP4_RENEWED, turn->question.scope, lease);
}

static void refuse(struct dhcp4_turn *turn, const char *why)
{
	struct dhcp4_server *server = turn->server;

	dhcp4_server_note(turn, 0, why);
	if (!turn->question.scope->config->is_authoritative)
		return;
	dhcp4_answer_make(&turn->question, DHCP4_NAK, 0, why, &server->reply);
	server->counters.naks++;
	server->ops->send(server->ctx, &server->reply);
}

static void offer(struct dhcp4_turn *turn, struct dhcp4_lease *lease)
{
	struct dhcp4_server *server = turn->server;

	dhcp4_server_note(turn, lease->address, "offered");
	dhcp4_answer_make(&turn->question, DHCP4_OFFER, lease->address, "", &server->reply);
	server->counters.offers++;
	server->ops->send(server->ctx, &server->reply);
}

// Somebody new gets an address only when nobody answers for it. True: the message waits for that,
// or there is no room for it to wait.
static bool must_wait(struct dhcp4_turn *turn, struct dhcp4_lease *lease)
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
	dhcp4_server_note(turn, lease->address, "asks by ARP who has");
	if (!dhcp4_waiting_add(&server->waiting, lease->address, turn->question.rx,
		    turn->now->ms + DHCP4_PROBE_MS))
		server->counters.probes_full++;
	return true;
}

// --- messages ---

static void on_discover(struct dhcp4_turn *turn)
{
	struct dhcp4_lease *lease = dhcp4_server_choose(turn);
	bool is_rapid = dhcp4_has(&turn->message, DHCP4_OPTION_RAPID_COMMIT) &&
			turn->question.scope->config->has_rapid_commit;

	if (lease == NULL)
		return;
	if (!dhcp4_server_is_held(lease, turn->now) || lease->state == DHCP4_LEASE_OFFERED) {
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

static void take_back(struct dhcp4_turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_lease *lease = dhcp4_leases_by_client(
		server->leases, turn->question.scope->network, &turn->asker.client);

	server->counters.for_others++;
	dhcp4_server_note(turn, 0, "has chosen another server");
	if (lease != NULL && lease->state == DHCP4_LEASE_OFFERED)
		dhcp4_server_expire(server, lease);
}

static void on_request(struct dhcp4_turn *turn)
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
		dhcp4_server_note(turn, 0, "names no address");
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
		dhcp4_server_note(turn, address, "not known, left to another server:");
		turn->server->counters.unknown++;
		return;
	}
	if (lease == NULL || lease->address != address ||
		!dhcp4_scope_allows(scope, &turn->asker, address)) {
		if (lease != NULL && dhcp4_server_is_held(lease, turn->now) &&
			dhcp4_scope_allows(scope, &turn->asker, lease->address)) {
			refuse(turn, "another address is yours");
			return;
		}
		lease = dhcp4_server_claim(turn, address);
	}
	if (lease == NULL)
		refuse(turn, "not your address");
	else
		acknowledge(turn, lease);
}

static void on_decline(struct dhcp4_turn *turn)
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
	dhcp4_server_note(turn, address, "somebody else has");
	dhcp4_server_decline(server, lease, turn->now, turn->question.scope);
}

static void on_release(struct dhcp4_turn *turn)
{
	struct dhcp4_server *server = turn->server;
	struct dhcp4_lease *lease = dhcp4_leases_by_address(server->leases, turn->message.ciaddr);

	if (lease == NULL || lease->state != DHCP4_LEASE_BOUND ||
		!dhcp4_client_is_equal(&lease->client, &turn->asker.client)) {
		server->counters.unknown++;
		return;
	}
	server->counters.releases++;
	dhcp4_server_note(turn, lease->address, "gives back");
	lease->state = DHCP4_LEASE_FREE;
	lease->ends_ms = turn->now->ms;
	server->ops->store(server->ctx, lease, NULL);
	dhcp4_server_tell(server, DHCP4_RELEASED, turn->question.scope, lease);
}

static void on_inform(struct dhcp4_turn *turn)
{
	struct dhcp4_server *server = turn->server;

	dhcp4_server_note(turn, turn->message.ciaddr, "tells options to");
	dhcp4_answer_make(&turn->question, DHCP4_ACK, 0, "", &server->reply);
	server->counters.informs++;
	server->ops->send(server->ctx, &server->reply);
}

void dhcp4_server_talk(struct dhcp4_turn *turn)
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
