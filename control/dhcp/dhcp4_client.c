// SPDX-License-Identifier: BSD-3-Clause
// RFC 2131 figure 5 is the table below. Beside it: CHECKING, between ACK and BOUND, is RFC 5227's
// probe; and an address outlives its state. A link that went and came again, or a server that does
// not answer, take nothing away until the lease ends or a server says NAK.
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

// A new exchange: nobody who heard the last one can answer in it.
static bool begins_exchange(enum dhcp4_client_state from, enum dhcp4_client_state to)
{
	return from != to && (to == DHCP4_CLIENT_SELECTING || to == DHCP4_CLIENT_REBOOTING ||
				     to == DHCP4_CLIENT_RENEWING || to == DHCP4_CLIENT_REBINDING);
}

static bool requests(enum dhcp4_client_state state)
{
	return state == DHCP4_CLIENT_REQUESTING || state == DHCP4_CLIENT_REBOOTING ||
	       state == DHCP4_CLIENT_RENEWING || state == DHCP4_CLIENT_REBINDING;
}

// Whoever writes state, tries or timer does it by this.
static void enter(struct dhcp4_uplink_client *c, enum dhcp4_client_state to, enum dhcp4_event why,
	uint64_t now_ms)
{
	bool is_retry = c->state == to && why == EVENT_TIMER;

	if (begins_exchange(c->state, to)) {
		c->xid = c->ops->random(c->ctx);
		c->began_ms = now_ms;
	}
	if (!is_retry && requests(to))
		c->sent_ms = now_ms;
	if (c->state != to)
		log_debug(c->name, "%s -> %s", dhcp4_client_state_name(c->state),
			dhcp4_client_state_name(to));
	c->tries = is_retry ? c->tries + 1 : 1;
	c->state = to;
	c->next_ms = dhcp4_client_timer(c, to, why, now_ms);
}

// --- what is done on the way ---

static void send_probe(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	c->ops->probe(c->ctx, &c->offer.addr.addr);
}

static void unbind(struct dhcp4_uplink_client *c, const char *why)
{
	if (!c->is_bound)
		return;
	c->is_bound = false;
	c->t1_ms = c->t2_ms = c->end_ms = DHCP4_NEVER;
	c->ops->unbind(c->ctx, &c->lease, why);
}

static void lose(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	unbind(c, "the server says no");
	c->wish = (struct ip_addr){0};
}

// The server may still have it for us: it is asked for again.
static void expire(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	unbind(c, "the lease has ended");
}

static void decline(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	c->counts.declines++;
	if (ip_addr_equal(&c->wish, &c->offer.addr.addr))
		c->wish = (struct ip_addr){0};
	dhcp4_client_send_decline(c);
}

// Of what has been ours: another host uses it, and means to.
static void give_up(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	c->offer = c->lease;
	unbind(c, "somebody else on the link has it");
	decline(c, now_ms);
}

static void release(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	if (c->is_bound)
		dhcp4_client_send_release(c);
	unbind(c, "released");
	c->wish = (struct ip_addr){0};
}

// What was acknowledged is ours. What was asked for first, in the exchange, began then.
static void take(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	struct dhcp4_grant before = c->lease;
	bool was_bound = c->is_bound;

	c->lease = c->offer;
	c->wish = c->lease.addr.addr;
	c->is_bound = true;
	c->bound_ms = now_ms;
	c->n_naks = c->n_conflicts = 0;
	if (!was_bound || !dhcp4_grant_is_same_address(&before, &c->lease))
		c->defended_ms = 0;
	c->t1_ms = dhcp4_client_after(c, c->lease.t1_sec, true);
	c->t2_ms = dhcp4_client_after(c, c->lease.t2_sec, true);
	c->end_ms = dhcp4_client_after(c, c->lease.sec, false);
	c->ops->bind(c->ctx, &c->lease, was_bound ? &before : NULL);
}

// --- the table ---

typedef void (*action_fn)(struct dhcp4_uplink_client *client, uint64_t now_ms);

enum { ANY = DHCP4_CLIENT_STATES, SAME };

// The first row that fits. ANY stands for every state, SAME for the one that it is.
static const struct row {
	uint8_t state, event, next;
	action_fn action;
} rows[] = {
	{DHCP4_CLIENT_RELEASED, EVENT_RENEW, DHCP4_CLIENT_SELECTING, dhcp4_client_send_discover},
	{DHCP4_CLIENT_RELEASED, EVENT_RELEASE, SAME, NULL},
	{DHCP4_CLIENT_RELEASED, EVENT_LINK_LOST, SAME,
		NULL}, // it stays so until somebody says otherwise
	{ANY, EVENT_LINK_LOST, DHCP4_CLIENT_DOWN, NULL},
	{ANY, EVENT_RELEASE, DHCP4_CLIENT_RELEASED, release},

	{DHCP4_CLIENT_DOWN, EVENT_UP, DHCP4_CLIENT_INIT, NULL},
	{DHCP4_CLIENT_DOWN, EVENT_UP_KNOWN, DHCP4_CLIENT_REBOOTING, dhcp4_client_send_request},
	{DHCP4_CLIENT_DOWN, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_INIT, EVENT_TIMER, DHCP4_CLIENT_SELECTING, dhcp4_client_send_discover},
	{DHCP4_CLIENT_INIT, EVENT_RENEW, DHCP4_CLIENT_SELECTING, dhcp4_client_send_discover},
	{DHCP4_CLIENT_INIT, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_SELECTING, EVENT_OFFER, DHCP4_CLIENT_REQUESTING, dhcp4_client_send_request},
	{DHCP4_CLIENT_SELECTING, EVENT_TIMER, SAME, dhcp4_client_send_discover},
	{DHCP4_CLIENT_SELECTING, EVENT_RENEW, SAME, dhcp4_client_send_discover},
	{DHCP4_CLIENT_SELECTING, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_REQUESTING, EVENT_ACK_NEW, DHCP4_CLIENT_CHECKING, send_probe},
	{DHCP4_CLIENT_REQUESTING, EVENT_ACK_SAME, DHCP4_CLIENT_BOUND, take},
	{DHCP4_CLIENT_REQUESTING, EVENT_NAK, DHCP4_CLIENT_INIT, lose},
	{DHCP4_CLIENT_REQUESTING, EVENT_TIMER, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_REQUESTING, EVENT_TRIED, DHCP4_CLIENT_INIT, NULL},
	{DHCP4_CLIENT_REQUESTING, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_REBOOTING, EVENT_ACK_NEW, DHCP4_CLIENT_CHECKING, send_probe},
	{DHCP4_CLIENT_REBOOTING, EVENT_ACK_SAME, DHCP4_CLIENT_BOUND, take},
	{DHCP4_CLIENT_REBOOTING, EVENT_NAK, DHCP4_CLIENT_INIT, lose},
	{DHCP4_CLIENT_REBOOTING, EVENT_TIMER, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_REBOOTING, EVENT_TRIED, DHCP4_CLIENT_SELECTING, dhcp4_client_send_discover},
	{DHCP4_CLIENT_REBOOTING, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_CHECKING, EVENT_TIMER, SAME, send_probe},
	{DHCP4_CLIENT_CHECKING, EVENT_TRIED, DHCP4_CLIENT_BOUND, take},
	{DHCP4_CLIENT_CHECKING, EVENT_CONFLICT, DHCP4_CLIENT_INIT, decline},
	{DHCP4_CLIENT_CHECKING, EVENT_END, SAME, expire},

	{DHCP4_CLIENT_BOUND, EVENT_T1, DHCP4_CLIENT_RENEWING, dhcp4_client_send_request},
	{DHCP4_CLIENT_BOUND, EVENT_RENEW, DHCP4_CLIENT_RENEWING, dhcp4_client_send_request},
	{DHCP4_CLIENT_BOUND, EVENT_CONFLICT, DHCP4_CLIENT_INIT, give_up},
	{DHCP4_CLIENT_BOUND, EVENT_END, DHCP4_CLIENT_INIT, expire},

	{DHCP4_CLIENT_RENEWING, EVENT_ACK_SAME, DHCP4_CLIENT_BOUND, take},
	{DHCP4_CLIENT_RENEWING, EVENT_ACK_NEW, DHCP4_CLIENT_CHECKING, send_probe},
	{DHCP4_CLIENT_RENEWING, EVENT_NAK, DHCP4_CLIENT_INIT, lose},
	{DHCP4_CLIENT_RENEWING, EVENT_TIMER, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_RENEWING, EVENT_RENEW, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_RENEWING, EVENT_T2, DHCP4_CLIENT_REBINDING, dhcp4_client_send_request},
	{DHCP4_CLIENT_RENEWING, EVENT_CONFLICT, DHCP4_CLIENT_INIT, give_up},
	{DHCP4_CLIENT_RENEWING, EVENT_END, DHCP4_CLIENT_INIT, expire},

	{DHCP4_CLIENT_REBINDING, EVENT_ACK_SAME, DHCP4_CLIENT_BOUND, take},
	{DHCP4_CLIENT_REBINDING, EVENT_ACK_NEW, DHCP4_CLIENT_CHECKING, send_probe},
	{DHCP4_CLIENT_REBINDING, EVENT_NAK, DHCP4_CLIENT_INIT, lose},
	{DHCP4_CLIENT_REBINDING, EVENT_TIMER, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_REBINDING, EVENT_RENEW, SAME, dhcp4_client_send_request},
	{DHCP4_CLIENT_REBINDING, EVENT_CONFLICT, DHCP4_CLIENT_INIT, give_up},
	{DHCP4_CLIENT_REBINDING, EVENT_END, DHCP4_CLIENT_INIT, expire},
};

// What no row has means nothing in that state: RFC 2131 figure 5 says "discard".
static void happen(struct dhcp4_uplink_client *c, enum dhcp4_event event, uint64_t now_ms)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool stays = row->next == SAME && event != EVENT_TIMER && event != EVENT_RENEW;

		if (row->event != event || (row->state != c->state && row->state != ANY))
			continue;
		if (!stays)
			enter(c, row->next == SAME ? c->state : (enum dhcp4_client_state)row->next,
				event, now_ms);
		if (row->action != NULL)
			row->action(c, now_ms);
		return;
	}
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
	happen(c, event, now_ms);
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
	happen(c, EVENT_NAK, now_ms);
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
		happen(c, EVENT_LINK_LOST, now_ms);
	else
		happen(c, c->wish.family == IP_NONE ? EVENT_UP : EVENT_UP_KNOWN, now_ms);
}

void dhcp4_client_conflict(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	char addr[ADDR_STR_BYTES];

	if (c->state != DHCP4_CLIENT_CHECKING)
		return;
	c->n_conflicts++;
	log_warning(c->name, "somebody on the link has the address %s that the server gave us",
		ip_addr_str(&c->offer.addr.addr, addr));
	happen(c, EVENT_CONFLICT, now_ms);
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
		happen(c, EVENT_CONFLICT, now_ms);
	}
}

void dhcp4_client_renew(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	if (c->state == DHCP4_CLIENT_RELEASED && !c->is_up)
		enter(c, DHCP4_CLIENT_DOWN, EVENT_RENEW, now_ms);
	else
		happen(c, EVENT_RENEW, now_ms);
}

void dhcp4_client_release(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	happen(c, EVENT_RELEASE, now_ms);
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
		happen(c, event, now_ms);
	return dhcp4_client_deadline(c);
}
