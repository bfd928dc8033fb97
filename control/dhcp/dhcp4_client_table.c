// SPDX-License-Identifier: BSD-3-Clause
// RFC 2131 figure 5 is the table below. Beside it: CHECKING, between ACK and BOUND, is RFC 5227's
// probe; and an address outlives its state. A link that went and came again, or a server that does
// not answer, take nothing away until the lease ends or a server says NAK.
#include "control/dhcp/dhcp4_client_private.h"

#include "cfg/base/log.h"

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

void dhcp4_client_enter(struct dhcp4_uplink_client *c, enum dhcp4_client_state to,
	enum dhcp4_event why, uint64_t now_ms)
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
	// it stays so until somebody says otherwise
	{DHCP4_CLIENT_RELEASED, EVENT_LINK_LOST, SAME, NULL},
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
void dhcp4_client_happen(struct dhcp4_uplink_client *c, enum dhcp4_event event, uint64_t now_ms)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool stays = row->next == SAME && event != EVENT_TIMER && event != EVENT_RENEW;

		if (row->event != event || (row->state != c->state && row->state != ANY))
			continue;
		if (!stays)
			dhcp4_client_enter(c,
				row->next == SAME ? c->state : (enum dhcp4_client_state)row->next,
				event, now_ms);
		if (row->action != NULL)
			row->action(c, now_ms);
		return;
	}
}
