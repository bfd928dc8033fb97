// SPDX-License-Identifier: BSD-3-Clause
// What comes in from the link, the server, the operator and the clock becomes an event of
// dhcp4_client_table.c.
#include "control/dhcp/dhcp4_client.h"

#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_client_private.h"
#include "control/dhcp/dhcp4_client_reply.h"

enum { DEFEND_INTERVAL_MS = 10000 }; // RFC 5227 1.1

const char *dhcp4_client_state_name(enum dhcp4_client_state state)
{
	static const char *const names[DHCP4_CLIENT_STATES] = {
		[DHCP4_CLIENT_DOWN] = "down",
		[DHCP4_CLIENT_INIT] = "init",
		[DHCP4_CLIENT_SELECTING] = "selecting",
		[DHCP4_CLIENT_REQUESTING] = "requesting",
		[DHCP4_CLIENT_REBOOTING] = "rebooting",
		[DHCP4_CLIENT_CHECKING] = "checking",
		[DHCP4_CLIENT_BOUND] = "bound",
		[DHCP4_CLIENT_RENEWING] = "renewing",
		[DHCP4_CLIENT_REBINDING] = "rebinding",
		[DHCP4_CLIENT_RELEASED] = "released",
	};

	return names[state];
}

// --- what a server says ---

// Whoever is not the server that we have chosen has no say: neither in taking it away nor in
// giving something else. Where everybody was asked, everybody may answer.
static bool is_from_ours(const struct dhcp4_uplink_client *c, const struct ip_addr *server)
{
	if (c->state == DHCP4_CLIENT_REQUESTING)
		return ip_addr_equal(server, &c->offer.server);
	if (c->state == DHCP4_CLIENT_RENEWING)
		return ip_addr_equal(server, &c->lease.server);
	return true;
}

static bool is_usable(struct dhcp4_uplink_client *c, const struct dhcp4_grant *lease)
{
	const char *why = dhcp4_grant_why_not(lease);
	char addr[ADDR_STR_BYTES], server[ADDR_STR_BYTES];

	if (why == NULL)
		why = c->ops->why_not(c->ctx, lease);
	if (why == NULL)
		return true;
	c->counts.unusable++;
	log_warning(c->name, "%s from the server %s is not used: %s",
		ip_prefix_str(&lease->addr, addr), ip_addr_str(&lease->server, server), why);
	return false;
}

static bool is_waiting(enum dhcp4_client_state state)
{
	return state == DHCP4_CLIENT_SELECTING || state == DHCP4_CLIENT_REQUESTING ||
	       state == DHCP4_CLIENT_REBOOTING || state == DHCP4_CLIENT_RENEWING ||
	       state == DHCP4_CLIENT_REBINDING;
}

static void on_lease(
	struct dhcp4_uplink_client *c, struct dhcp4_client_reply *reply, uint64_t now_ms)
{
	bool is_offer = reply->type == DHCP4_OFFER;
	enum dhcp4_event event = EVENT_OFFER;

	if (is_offer != (c->state == DHCP4_CLIENT_SELECTING) || !is_usable(c, &reply->grant))
		return;
	dhcp4_grant_complete(&reply->grant);
	c->offer = reply->grant;
	if (is_offer) {
		c->counts.offers++;
	} else {
		c->counts.acks++;
		event = c->is_bound && dhcp4_grant_is_same_address(&c->lease, &reply->grant)
				? EVENT_ACK_SAME
				: EVENT_ACK_NEW;
	}
	dhcp4_client_happen(c, event, now_ms);
}

void dhcp4_client_rx(struct dhcp4_uplink_client *c, const uint8_t *bytes, size_t n, uint64_t now_ms)
{
	struct dhcp4_client_reply reply;
	char server[ADDR_STR_BYTES];

	c->counts.received++;
	if (dhcp4_client_reply_read(&reply, bytes, n) != 0) {
		c->counts.malformed++;
		return;
	}
	if (!is_waiting(c->state) || reply.xid != c->xid ||
		memcmp(&reply.chaddr, &c->identity.mac, sizeof(reply.chaddr)) != 0 ||
		!is_from_ours(c, &reply.grant.server)) {
		c->counts.not_for_us++;
		return;
	}
	if (reply.type != DHCP4_NAK) {
		on_lease(c, &reply, now_ms);
		return;
	}
	if (c->state == DHCP4_CLIENT_SELECTING)
		return;
	c->counts.naks++;
	c->n_naks++;
	log_info(c->name, "the server %s says no%s%s", ip_addr_str(&reply.grant.server, server),
		reply.text[0] == '\0' ? "" : ": ", reply.text);
	dhcp4_client_happen(c, EVENT_NAK, now_ms);
}

// --- what else happens ---

void dhcp4_client_init(struct dhcp4_uplink_client *c, const struct dhcp4_client_ops *ops, void *ctx,
	const char *name, const struct dhcp4_identity *identity, const struct ip_addr *wish)
{
	*c = (struct dhcp4_uplink_client){
		.ops = ops, .ctx = ctx, .identity = *identity, .wish = *wish};
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->next_ms = c->t1_ms = c->t2_ms = c->end_ms = DHCP4_NEVER;
}

void dhcp4_client_link(struct dhcp4_uplink_client *c, bool is_up, uint64_t now_ms)
{
	if (c->is_up == is_up)
		return;
	c->is_up = is_up;
	if (!is_up)
		dhcp4_client_happen(c, EVENT_LINK_LOST, now_ms);
	else
		dhcp4_client_happen(
			c, c->wish.family == IP_NONE ? EVENT_UP : EVENT_UP_KNOWN, now_ms);
}

void dhcp4_client_conflict(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	char addr[ADDR_STR_BYTES];

	if (c->state != DHCP4_CLIENT_CHECKING)
		return;
	c->n_conflicts++;
	log_warning(c->name, "somebody on the link has the address %s that the server gave us",
		ip_addr_str(&c->offer.addr.addr, addr));
	dhcp4_client_happen(c, EVENT_CONFLICT, now_ms);
}

// RFC 5227 2.4 (b): the first is answered, a second one within DEFEND_INTERVAL wins. In a state
// that asks for another address, or whether this one is still ours, the answer to that is waited
// for.
void dhcp4_client_contested(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	bool is_settled = c->state == DHCP4_CLIENT_BOUND || c->state == DHCP4_CLIENT_RENEWING ||
			  c->state == DHCP4_CLIENT_REBINDING;
	char addr[ADDR_STR_BYTES];

	if (!c->is_bound)
		return;
	ip_addr_str(&c->lease.addr.addr, addr);
	if (c->defended_ms == 0 || now_ms - c->defended_ms >= DEFEND_INTERVAL_MS) {
		c->defended_ms = now_ms;
		c->counts.defended++;
		log_warning(c->name,
			"somebody else on the link has our address %s: it is told that it is ours",
			addr);
		c->ops->announce(c->ctx, &c->lease.addr.addr);
	} else if (is_settled) {
		c->n_conflicts++;
		dhcp4_client_happen(c, EVENT_CONFLICT, now_ms);
	}
}

void dhcp4_client_renew(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	if (c->state == DHCP4_CLIENT_RELEASED && !c->is_up)
		dhcp4_client_enter(c, DHCP4_CLIENT_DOWN, EVENT_RENEW, now_ms);
	else
		dhcp4_client_happen(c, EVENT_RENEW, now_ms);
}

void dhcp4_client_release(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	dhcp4_client_happen(c, EVENT_RELEASE, now_ms);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t dhcp4_client_deadline(const struct dhcp4_uplink_client *c)
{
	uint64_t deadline = c->next_ms;

	if (c->is_bound)
		deadline = sooner(deadline, c->end_ms);
	if (c->state == DHCP4_CLIENT_BOUND)
		deadline = sooner(deadline, c->t1_ms);
	if (c->state == DHCP4_CLIENT_RENEWING)
		deadline = sooner(deadline, c->t2_ms);
	return deadline;
}

static enum dhcp4_event due(const struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	if (c->is_bound && now_ms >= c->end_ms)
		return EVENT_END;
	if (c->state == DHCP4_CLIENT_RENEWING && now_ms >= c->t2_ms)
		return EVENT_T2;
	if (c->state == DHCP4_CLIENT_BOUND && now_ms >= c->t1_ms)
		return EVENT_T1;
	if (now_ms < c->next_ms)
		return EVENT_NONE;
	return dhcp4_client_tries(c->state) != 0 && c->tries >= dhcp4_client_tries(c->state)
		       ? EVENT_TRIED
		       : EVENT_TIMER;
}

uint64_t dhcp4_client_tick(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	enum dhcp4_event event;

	// Each takes its deadline away, so that there is an end of it.
	while ((event = due(c, now_ms)) != EVENT_NONE)
		dhcp4_client_happen(c, event, now_ms);
	return dhcp4_client_deadline(c);
}
