// SPDX-License-Identifier: BSD-3-Clause
// Two sockets each. Before there is an address, and for whatever is broadcast, a packet socket:
// the kernel neither sends from 0.0.0.0 nor takes what is for an address that it does not have.
// Once there is one, that of dhcp4_unicast.h beside it.
#include "control/dhcp/dhcp4_uplink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_unicast.h"
#include "control/dhcp/dhcp4_uplink_lease.h"
#include "control/wall_clock.h"

enum {
	READS_PER_TURN = 32,  // then the rest of the loop has its turn
	TIMER_MS_MAX = 60000, // looks at the clock that often, whatever it is waiting for
};

// --- the client's ops ---

static int send_frame(
	struct dhcp4_uplink *u, const struct dhcp4_outgoing *message, const struct mac_addr *mac)
{
	struct packet_socket_target target = {
		.source = ip4_number(&message->src),
		.destination = ip4_number(&message->dst),
		.source_port = DHCP4_CLIENT_PORT,
		.destination_port = DHCP4_SERVER_PORT,
		.mac = *mac,
	};

	return packet_socket_send(&u->socket, &target, message->bytes, message->n_bytes);
}

// The last one goes back the way that the lease came: by the time that the kernel knew the way to
// the server, the address it is sent from is gone.
static void op_send(void *ctx, const struct dhcp4_outgoing *message)
{
	static const struct mac_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct dhcp4_uplink *u = ctx;
	bool is_broadcast = ip4_number(&message->dst) == UINT32_MAX;
	int rc;

	if (is_broadcast)
		rc = send_frame(u, message, &everybody);
	else if (message->is_last)
		rc = send_frame(u, message, &u->granted_by);
	else
		rc = dhcp4_unicast_send(u->unicast_fd, message);
	if (rc != 0) // it will be said again
		log_debug(u->client.name, "cannot send: %s", strerror(-rc));
}

static void on_arp(evutil_socket_t fd, short what, void *ctx);

static void close_probe(struct dhcp4_uplink *u)
{
	if (u->probe_readable != NULL)
		event_free(u->probe_readable);
	u->probe_readable = NULL;
	arp_probe_close(&u->probe);
}

static int open_probe(struct dhcp4_uplink *u)
{
	struct error err = {0};

	if (arp_probe_open(&u->probe, u->name, u->ifindex, true, &err) != 0) {
		log_warning(u->client.name, "%s", err.text);
		return -1;
	}
	u->probe_readable =
		event_new(u->all->router->base, u->probe.fd, EV_READ | EV_PERSIST, on_arp, u);
	if (u->probe_readable != NULL && event_add(u->probe_readable, NULL) == 0)
		return 0;
	close_probe(u);
	return -1;
}

static void op_probe(void *ctx, const struct ip_addr *addr)
{
	struct dhcp4_uplink *u = ctx;
	int rc;

	if (u->probe.fd < 0 && open_probe(u) != 0)
		return;
	rc = arp_probe_ask(&u->probe, ip4_number(addr));
	if (rc != 0)
		log_debug(u->client.name, "cannot ask who has the address: %s", strerror(-rc));
}

static void op_announce(void *ctx, const struct ip_addr *addr)
{
	struct dhcp4_uplink *u = ctx;
	int rc = dhcp4_defence_announce(&u->defence);

	if (rc != 0)
		log_debug(u->client.name, "cannot say that the address is ours: %s", strerror(-rc));
}

static uint32_t op_random(void *ctx)
{
	uint32_t value = 0;

	// The pool is ready long before a router starts.
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		value = (uint32_t)clock_now_ns();
	return value;
}

// A provider's box that hands out the very network that the house has would cut the house off.
static const char *op_why_not(void *ctx, const struct dhcp4_grant *grant)
{
	const struct dhcp4_uplink *u = ctx;
	const struct interfaces *interfaces = &u->all->router->interfaces;

	for (unsigned i = 0; i < interfaces->n; i++) {
		const struct interface *other = &interfaces->list[i];

		if (strcmp(other->config->name, u->name) == 0)
			continue;
		for (unsigned k = 0; k < other->n_addresses; k++)
			if (ip_prefix_overlaps(&other->addresses[k].prefix, &grant->addr))
				return "its subnet overlaps with that of another interface of ours";
	}
	return NULL;
}

static const struct dhcp4_client_ops client_ops = {
	.send = op_send,
	.probe = op_probe,
	.announce = op_announce,
	.bind = dhcp4_uplink_bind,
	.unbind = dhcp4_uplink_unbind,
	.why_not = op_why_not,
	.random = op_random,
};

// --- the loop ---

// After whatever happened: what is due, and the timer for what comes.
void dhcp4_uplink_turn(struct dhcp4_uplink *u)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t next_ms = dhcp4_client_tick(&u->client, now_ms);
	uint64_t wait_ms = next_ms - now_ms;
	struct timeval wait;

	if (wait_ms > TIMER_MS_MAX)
		wait_ms = TIMER_MS_MAX;
	wait = (struct timeval){.tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
	event_add(u->timer, &wait);
	if (u->client.state != DHCP4_CLIENT_CHECKING)
		close_probe(u);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	dhcp4_uplink_turn(ctx);
}

static void on_arp(evutil_socket_t fd, short what, void *ctx)
{
	struct dhcp4_uplink *u = ctx;
	struct mac_addr mac;
	uint32_t addr;

	for (unsigned i = 0; i < READS_PER_TURN && arp_probe_hear(&u->probe, &addr, &mac) == 1;
		i++) {
		bool is_our_own = memcmp(&mac, &u->identity.mac, sizeof(mac)) == 0;

		if (u->client.state != DHCP4_CLIENT_CHECKING)
			break;
		if (!is_our_own && addr == ip4_number(&u->client.offer.addr.addr))
			dhcp4_client_conflict(&u->client, clock_now_ms());
	}
	dhcp4_uplink_turn(u);
}

static void take(struct dhcp4_uplink *u, const struct packet_socket_message *message)
{
	uint64_t acks = u->client.counts.acks;

	dhcp4_client_rx(&u->client, message->payload, message->payload_bytes, clock_now_ms());
	if (u->client.counts.acks != acks)
		u->granted_by = message->source_mac;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct dhcp4_uplink *u = ctx;
	uint8_t frame[PACKET_SOCKET_FRAME_MAX];

	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		struct packet_socket_message message;
		int rc = packet_socket_receive(&u->socket, frame, &message);

		if (rc == -EBADMSG)
			continue;
		if (rc <= 0)
			break;
		if (message.source_port == DHCP4_SERVER_PORT)
			take(u, &message);
	}
	dhcp4_uplink_turn(u);
}

// --- coming and going ---

void dhcp4_uplink_free(struct dhcp4_uplink *u)
{
	if (u == NULL)
		return;
	if (u->readable != NULL)
		event_free(u->readable);
	if (u->timer != NULL)
		event_free(u->timer);
	close_probe(u);
	dhcp4_defence_close(&u->defence);
	if (u->unicast_fd >= 0)
		close(u->unicast_fd);
	packet_socket_close(&u->socket);
	free(u);
}

static int open_loop(struct dhcp4_uplink *u, struct error *err)
{
	struct event_base *base = u->all->router->base;

	if (packet_socket_open(&u->socket, u->ifindex, DHCP4_CLIENT_PORT, err) != 0)
		return -1;
	u->readable = event_new(base, u->socket.fd, EV_READ | EV_PERSIST, on_readable, u);
	u->timer = event_new(base, -1, 0, on_timer, u);
	if (u->readable == NULL || u->timer == NULL || event_add(u->readable, NULL) != 0)
		return error_set(err, "no memory for the events of a DHCP client");
	return 0;
}

int dhcp4_uplink_add(struct dhcp4_uplinks *all, const struct config *config,
	const struct cfg_interface *from, const struct interface *interface, struct error *err)
{
	struct dhcp4_uplink *u = calloc(1, sizeof(*u));
	struct ip_addr wish = {0};

	if (u == NULL)
		return error_set(err, "no memory for a DHCP client");
	u->all = all;
	u->ifindex = interface->tap.ifindex;
	u->unicast_fd = u->socket.fd = u->probe.fd = -1;
	u->is_wanted = true;
	memcpy(u->name, from->name, strlen(from->name));
	dhcp4_identity_make(&u->identity, &from->dhcp4, &port_info(interface->port)->mac);
	dhcp4_uplink_read_wishes(u, config, from);
	if (all->memory != NULL)
		wish = dhcp4_memory_get(all->memory, u->name, &u->identity, wall_clock_now());
	dhcp4_client_init(&u->client, &client_ops, u, log_object("dhcp", from->name).text,
		&u->identity, &wish);
	if (open_loop(u, err) != 0) {
		dhcp4_uplink_free(u);
		return -1;
	}
	all->list[all->n++] = u;
	dhcp4_client_link(&u->client, interface_is_up(interface), clock_now_ms());
	dhcp4_uplink_turn(u);
	return 0;
}
