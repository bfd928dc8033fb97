// SPDX-License-Identifier: BSD-3-Clause
// Two sockets each. Before there is an address, and for whatever is broadcast, a packet socket:
// the kernel neither sends from 0.0.0.0 nor takes what is for an address that it does not have.
// Once there is one, a UDP socket beside it sends what goes to the server alone; it takes nothing,
// but that it is there keeps the kernel from calling port 68 unreachable.
#include "control/dhcp/dhcp4_uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/addresses.h"
#include "control/api/events.h"
#include "control/apply/start.h"
#include "control/dhcp/arp_probe.h"
#include "control/dhcp/dhcp4_binding.h"
#include "control/dhcp/dhcp4_hook.h"
#include "control/dhcp/dhcp4_memory.h"
#include "control/dhcp/packet_socket.h"
#include "control/egress.h"
#include "control/uplink/uplink_metric.h"
#include "control/wall_clock.h"

enum {
	READS_PER_TURN = 32,  // then the rest of the loop has its turn
	METRIC_FIRST = 100,   // above the machine's own, of a management card
	METRIC_STEP = 10,     // room for several gateways of one uplink
	TIMER_MS_MAX = 60000, // looks at the clock that often, whatever it is waiting for
};

static const struct interface *interface_of(const struct dhcp4_uplink *u)
{
	return interfaces_by_name(&u->all->router->interfaces, u->name);
}

// --- sockets ---

static void close_unicast(struct dhcp4_uplink *u)
{
	if (u->unicast_fd >= 0)
		close(u->unicast_fd);
	u->unicast_fd = -1;
}

static int open_unicast(struct dhcp4_uplink *u, const struct ip_addr *addr)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog filter = {.len = 1, .filter = nothing};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(DHCP4_CLIENT_PORT)};
	int on = 1;

	close_unicast(u);
	memcpy(&at.sin_addr, addr->v4, sizeof(at.sin_addr));
	u->unicast_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->unicast_fd >= 0 &&
		setsockopt(u->unicast_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ==
			0 &&
		setsockopt(u->unicast_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		setsockopt(u->unicast_fd, SOL_SOCKET, SO_BINDTODEVICE, u->name,
			(socklen_t)strlen(u->name)) == 0 &&
		bind(u->unicast_fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	return -errno;
}

static int send_unicast(struct dhcp4_uplink *u, const struct dhcp4_outgoing *message)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(DHCP4_SERVER_PORT)};

	if (u->unicast_fd < 0)
		return -ENOTCONN;
	memcpy(&to.sin_addr, message->dst.v4, sizeof(to.sin_addr));
	return sendto(u->unicast_fd, message->bytes, message->n_bytes, 0, (struct sockaddr *)&to,
		       sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static int send_broadcast(struct dhcp4_uplink *u, const struct dhcp4_outgoing *message)
{
	struct packet_socket_target target = {
		.source = ip4_number(&message->src),
		.destination = ip4_number(&message->dst),
		.source_port = DHCP4_CLIENT_PORT,
		.destination_port = DHCP4_SERVER_PORT,
		.mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	};

	return packet_socket_send(&u->socket, &target, message->bytes, message->n_bytes);
}

// --- the client's ops ---

static void op_send(void *ctx, const struct dhcp4_outgoing *message)
{
	struct dhcp4_uplink *u = ctx;
	bool is_broadcast = ip4_number(&message->dst) == UINT32_MAX;
	int rc = is_broadcast ? send_broadcast(u, message) : send_unicast(u, message);

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

static void on_contested(void *ctx)
{
	struct dhcp4_uplink *u = ctx;

	dhcp4_client_contested(&u->client, clock_now_ms());
	dhcp4_uplink_turn(u);
}

static void defend(struct dhcp4_uplink *u, const struct ip_addr *addr)
{
	struct error err = {0};

	u->defence.contested = on_contested;
	u->defence.ctx = u;
	if (dhcp4_defence_open(&u->defence, u->all->router->base, u->name, u->ifindex,
		    ip4_number(addr), &err) != 0)
		log_warning(u->client.name, "the address is not defended: %s", err.text);
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
				return "its subnet overlaps with that of another "
				       "interface of ours";
	}
	return NULL;
}

// --- what a lease is good for ---

uint32_t dhcp4_uplink_left_sec(const struct dhcp4_uplink_client *client, uint64_t now_ms)
{
	if (client->end_ms == DHCP4_NEVER)
		return ADDRESSES_FOREVER;
	return client->end_ms <= now_ms ? 1 : (uint32_t)((client->end_ms - now_ms + 999) / 1000);
}

static void keep(struct dhcp4_uplink *u, uint32_t for_sec)
{
	int64_t ends_at = for_sec == ADDRESSES_FOREVER ? INT64_MAX : wall_clock_now() + for_sec;
	struct error err = {0};

	if (u->all->keeps &&
		dhcp4_memory_put(u->all->router->start->state, u->name, u->identity.client_id,
			u->identity.n_client_id, &u->client.lease.addr.addr, ends_at, &err) != 0)
		log_warning(u->client.name, "the lease is not kept: %s", err.text);
}

static void forget(struct dhcp4_uplink *u)
{
	struct error err = {0};

	if (u->all->keeps && dhcp4_memory_forget(u->all->router->start->state, u->name, &err) != 0)
		log_warning(u->client.name, "%s", err.text);
}

static void tell_dns(struct dhcp4_uplink *u, const struct dhcp4_grant *grant)
{
	struct learned_dns_entry entry = {.by = "dhcp4", .rank = u->wishes.metric};

	memcpy(entry.interface, u->name, sizeof(entry.interface));
	if (u->uses_dns && grant != NULL) {
		entry.n_servers = grant->n_dns;
		memcpy(entry.servers, grant->dns, sizeof(entry.servers));
		entry.n_domains = grant->n_domains;
		memcpy(entry.domains, grant->domains, sizeof(entry.domains));
	}
	if (learned_dns_set(&u->all->router->learned_dns, &entry) != 0)
		log_warning(u->client.name, "no memory for its name servers");
}

static void run_hook(
	const struct dhcp4_uplink *u, const char *what, const struct dhcp4_grant *grant)
{
	const struct interface *interface = interface_of(u);
	struct hook_call call;

	if (interface == NULL || interface->config->dhcp4.hook == NULL)
		return;
	if (u->all->hooks == NULL)
		u->all->hooks = hooks_new();
	if (u->all->hooks == NULL) {
		log_error(u->client.name, "no memory for the hook");
		return;
	}
	dhcp4_hook_call_uplink(&call, interface->config->dhcp4.hook, what, u->name, grant);
	hooks_add(u->all->hooks, u->client.name, &call);
}

static void tell(const struct dhcp4_uplink *u, const char *what, const struct dhcp4_grant *grant)
{
	const struct router *router = u->all->router;
	char addr[ADDR_STR_BYTES], server[ADDR_STR_BYTES];

	if (events_are_heard(router, STREAM_UPLINKS))
		events_publish(router, STREAM_UPLINKS,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "interface", u->name, "by", "dhcp4",
				"what", what, "address", ip_prefix_str(&grant->addr, addr),
				"server", ip_addr_str(&grant->server, server)));
	run_hook(u, what, grant);
}

void dhcp4_uplink_set_binding(struct dhcp4_uplink *u)
{
	const struct interface *interface = interface_of(u);

	if (interface == NULL || interface->is_gone)
		return;
	dhcp4_binding_set(&u->binding, interface, u->all->router->netlink, &u->client.lease,
		dhcp4_uplink_left_sec(&u->client, clock_now_ms()), &u->wishes);
	tell_dns(u, &u->client.lease);
}

static void op_bind(void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before)
{
	struct dhcp4_uplink *u = ctx;
	bool is_same = before != NULL && dhcp4_grant_is_same_address(before, lease);
	uint32_t for_sec = dhcp4_uplink_left_sec(&u->client, clock_now_ms());
	char addr[ADDR_STR_BYTES], server[ADDR_STR_BYTES];
	int rc;

	close_probe(u);
	dhcp4_uplink_set_binding(u);
	rc = is_same && u->unicast_fd >= 0 ? 0 : open_unicast(u, &lease->addr.addr);
	if (rc != 0)
		log_warning(u->client.name, "no socket for renewing: %s", strerror(-rc));
	keep(u, for_sec);
	if (!is_same || u->defence.readable == NULL)
		defend(u, &lease->addr.addr);
	if (is_same)
		log_debug(u->client.name, "%s is ours for %u s more",
			ip_prefix_str(&lease->addr, addr), for_sec);
	else
		log_info(u->client.name, "%s for %u s, from the server %s",
			ip_prefix_str(&lease->addr, addr), lease->sec,
			ip_addr_str(&lease->server, server));
	tell(u, is_same ? "renewed" : before == NULL ? "bound" : "changed", lease);
}

static void op_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why)
{
	struct dhcp4_uplink *u = ctx;
	const struct interface *interface = interface_of(u);
	char addr[ADDR_STR_BYTES];

	log_warning(
		u->client.name, "%s is no longer ours: %s", ip_prefix_str(&lease->addr, addr), why);
	close_unicast(u);
	dhcp4_defence_close(&u->defence);
	if (interface != NULL && !interface->is_gone)
		dhcp4_binding_clear(&u->binding, interface, u->all->router->netlink);
	u->binding.is_there = false;
	tell_dns(u, NULL);
	forget(u);
	tell(u, "lost", lease);
}

static const struct dhcp4_client_ops client_ops = {
	.send = op_send,
	.probe = op_probe,
	.announce = op_announce,
	.bind = op_bind,
	.unbind = op_unbind,
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
			dhcp4_client_rx(
				&u->client, message.payload, message.payload_bytes, clock_now_ms());
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
	close_unicast(u);
	packet_socket_close(&u->socket);
	free(u);
}

static uint32_t metric_of(const struct config *config, const struct cfg_interface *interface)
{
	uint32_t metric = METRIC_FIRST;

	if (interface->dhcp4.has_metric)
		return interface->dhcp4.metric;
	for (unsigned i = 0; &config->interfaces[i] != interface; i++)
		metric += config->interfaces[i].dhcp4.is_on ? METRIC_STEP : 0;
	return metric;
}

void dhcp4_uplink_read_wishes(
	struct dhcp4_uplink *u, const struct config *config, const struct cfg_interface *from)
{
	u->wishes = (struct dhcp4_binding_wishes){
		.uses_routes = from->dhcp4.uses_routes,
		.uses_mtu = from->dhcp4.uses_mtu,
		.metric = egress_uplink(config, from->name) == NULL
				  ? metric_of(config, from)
				  : uplink_metric_behind(metric_of(config, from)),
	};
	u->uses_dns = from->dhcp4.uses_dns;
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
	if (all->keeps)
		wish = dhcp4_memory_get(all->router->start->state, u->name, u->identity.client_id,
			u->identity.n_client_id, wall_clock_now());
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
