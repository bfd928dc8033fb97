// SPDX-License-Identifier: BSD-3-Clause
// What the client says in each of its states: RFC 2131 4.3.6 and table 5.
#include "control/dhcp/dhcp4_client_private.h"

static const struct ip_addr any = {.family = IP_V4};
static const struct ip_addr broadcast = {.family = IP_V4, .v4 = {255, 255, 255, 255}};

static void send(struct dhcp4_uplink_client *c, const struct dhcp4_client_query *query,
	const struct ip_addr *src, const struct ip_addr *dst)
{
	uint8_t bytes[DHCP4_QUERY_BYTES_MAX];
	struct dhcp4_outgoing message = {
		.bytes = bytes, .src = *src, .dst = *dst, .is_last = query->type == DHCP4_RELEASE};

	message.n_bytes = dhcp4_client_query_write(query, &c->identity, bytes, sizeof(bytes));
	if (message.n_bytes == 0)
		return; // the config's lengths leave room
	c->counts.sent++;
	c->ops->send(c->ctx, &message);
}

static uint16_t secs_of(const struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	uint64_t sec = (now_ms - c->began_ms) / 1000;

	return sec > UINT16_MAX ? UINT16_MAX : (uint16_t)sec;
}

// We hear unicast to an address that is not ours yet. But a server may not be able to send it, and
// what it gives may be of a network that leads elsewhere: every other time we ask for broadcast.
static bool is_other_way(const struct dhcp4_uplink_client *c)
{
	return c->tries % 2 == 0;
}

void dhcp4_client_send_discover(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	struct dhcp4_client_query query = {
		.type = DHCP4_DISCOVER, .xid = c->xid, .requested = c->wish};

	query.secs = c->secs = secs_of(c, now_ms);
	query.wants_broadcast = c->wants_broadcast = is_other_way(c);
	send(c, &query, &any, &broadcast);
}

void dhcp4_client_send_request(struct dhcp4_uplink_client *c, uint64_t now_ms)
{
	struct dhcp4_client_query query = {.type = DHCP4_REQUEST, .xid = c->xid};

	if (c->state != DHCP4_CLIENT_REQUESTING)
		c->secs = secs_of(c, now_ms);
	query.secs = c->secs; // 3.1: "the same value in the secs field as the DHCPDISCOVER"
	if (c->state == DHCP4_CLIENT_REQUESTING) {
		query.wants_broadcast = c->wants_broadcast != is_other_way(c);
		query.requested = c->offer.addr.addr;
		query.server = c->offer.server;
	} else if (c->state == DHCP4_CLIENT_REBOOTING) {
		query.wants_broadcast = is_other_way(c);
		query.requested = c->wish;
	} else {
		query.ciaddr = c->lease.addr.addr;
	}
	if (c->state == DHCP4_CLIENT_RENEWING)
		send(c, &query, &c->lease.addr.addr, &c->lease.server);
	else if (c->state == DHCP4_CLIENT_REBINDING)
		send(c, &query, &c->lease.addr.addr, &broadcast);
	else
		send(c, &query, &any, &broadcast);
}

void dhcp4_client_send_decline(struct dhcp4_uplink_client *c)
{
	struct dhcp4_client_query query = {
		.type = DHCP4_DECLINE,
		.xid = c->ops->random(c->ctx),
		.requested = c->offer.addr.addr,
		.server = c->offer.server,
		.message = "somebody on the link has it",
	};

	send(c, &query, &any, &broadcast);
}

void dhcp4_client_send_release(struct dhcp4_uplink_client *c)
{
	struct dhcp4_client_query query = {
		.type = DHCP4_RELEASE,
		.xid = c->ops->random(c->ctx),
		.ciaddr = c->lease.addr.addr,
		.server = c->lease.server,
	};

	send(c, &query, &c->lease.addr.addr, &c->lease.server);
}
