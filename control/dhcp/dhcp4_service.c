// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_hook.h"
#include "control/dhcp/dhcp4_keeper.h"
#include "control/dhcp/dhcp4_link.h"
#include "control/wall_clock.h"

enum {
	FOLLOW_MS = 1000, // an interface that has come is seen
	FULL_SAID_MS = 60000,
};

struct dhcp4_service {
	struct event_base *base;
	struct dhcp4_server *server;
	struct dhcp4_keeper *keeper; // of its leases
	struct event *timer;
	struct dhcp4_link links[CFG_DHCP_SUBNETS_MAX];
	uint64_t next_follow_ms, full_said_ms;
	struct hooks *hooks; // NULL: none has been run
	dhcp4_tell_fn tell;
	void *tell_ctx;
};

static struct dhcp4_now now_is(void)
{
	return (struct dhcp4_now){.ms = clock_now_ms(), .wall = wall_clock_now()};
}

// --- out ---

static struct dhcp4_link *link_of(struct dhcp4_service *service, const char *interface)
{
	for (unsigned i = 0; i < CFG_DHCP_SUBNETS_MAX; i++)
		if (service->links[i].is_used && strcmp(service->links[i].name, interface) == 0)
			return &service->links[i];
	return NULL;
}

static void send_reply(void *ctx, const struct dhcp4_reply *reply)
{
	struct dhcp4_link *link = link_of(ctx, reply->interface);
	struct packet_socket_target target = {
		.source = reply->source,
		.destination = reply->destination,
		.source_port = DHCP4_SERVER_PORT,
		.destination_port = reply->destination_port,
		.mac = reply->mac,
	};
	int rc;

	if (link == NULL || !dhcp4_link_is_open(link))
		return;
	rc = packet_socket_send(&link->packets, &target, reply->bytes, reply->n);
	if (rc != 0)
		log_warning(log_object("dhcp", link->name).text, "cannot send: %s", strerror(-rc));
}

static bool probe(void *ctx, const char *interface, uint32_t address)
{
	struct dhcp4_link *link = link_of(ctx, interface);

	return link != NULL && dhcp4_link_is_open(link) && arp_probe_ask(&link->arp, address) == 0;
}

static void run_hook(struct dhcp4_service *service, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease)
{
	struct hook_call call;

	if (service->hooks == NULL)
		service->hooks = hooks_new();
	if (service->hooks == NULL) {
		log_error("dhcp", "no memory for the hook");
		return;
	}
	dhcp4_hook_call_server(
		&call, event, scope, lease, dhcp4_lease_left_sec(lease, clock_now_ms()));
	hooks_add(service->hooks, log_object("dhcp", scope->config->name).text, &call);
}

static void tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	struct dhcp4_service *service = ctx;
	char address[ADDR_STR_BYTES], mac[ADDR_STR_BYTES];
	uint64_t now_ms = clock_now_ms();
	struct ip_addr addr;

	if (scope == NULL)
		return;
	if (event == DHCP4_POOL_FULL) {
		if (service->full_said_ms != 0 && now_ms - service->full_said_ms < FULL_SAID_MS)
			return;
		service->full_said_ms = now_ms;
		log_warning(log_object("dhcp", scope->config->name).text,
			"has no address left to give");
	} else {
		addr = ip4_addr(lease->address);
		log_debug(log_object("dhcp", scope->config->name).text, "%s on %s: %s, %s",
			ip_addr_str(&addr, address), scope->config->interface,
			dhcp4_event_name(event), mac_addr_str(&lease->mac, mac));
	}
	if (lease != NULL && scope->config->hook != NULL)
		run_hook(service, event, scope, lease);
	if (service->tell != NULL)
		service->tell(service->tell_ctx, event, scope, lease);
}

static void store_lease(void *ctx, const struct dhcp4_lease *lease, const struct dhcp4_reply *reply)
{
	struct dhcp4_service *service = ctx;

	dhcp4_keeper_put(service->keeper, lease, reply);
}

static const struct dhcp4_server_ops server_ops = {send_reply, store_lease, probe, tell};

// --- in ---

static void tick(struct dhcp4_service *service)
{
	struct dhcp4_now now = now_is();
	uint64_t deadline;
	struct timeval wait;

	if (now.ms >= service->next_follow_ms) {
		for (unsigned i = 0; i < CFG_DHCP_SUBNETS_MAX; i++)
			if (service->links[i].is_used)
				dhcp4_link_follow(&service->links[i], service->base);
		service->next_follow_ms = now.ms + FOLLOW_MS;
	}
	deadline = dhcp4_server_tick(service->server, &now);
	if (deadline > service->next_follow_ms)
		deadline = service->next_follow_ms;
	deadline = deadline > now.ms ? deadline - now.ms : 1;
	wait = (struct timeval){(time_t)(deadline / 1000), (suseconds_t)(deadline % 1000 * 1000)};
	event_add(service->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	tick(ctx);
}

static void on_message(
	void *ctx, const char *interface, const struct packet_socket_message *message)
{
	struct dhcp4_service *service = ctx;
	struct dhcp4_now now = now_is();
	struct dhcp4_rx rx = {
		.interface = interface,
		.source_mac = message->source_mac,
		.source = message->source,
		.bytes = message->payload,
		.n = message->payload_bytes,
	};

	dhcp4_server_rx(service->server, &rx, &now);
}

static void on_arp_heard(void *ctx, uint32_t address, const struct mac_addr *mac)
{
	struct dhcp4_service *service = ctx;
	struct dhcp4_now now = now_is();

	dhcp4_server_heard(service->server, address, mac, &now);
}

static const struct dhcp4_link_ops link_ops = {on_message, on_arp_heard};

// --- the config ---

static bool is_served(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->dhcp.n_subnets; i++)
		if (strcmp(config->dhcp.subnets[i].interface, interface) == 0)
			return true;
	return false;
}

static void add_link(struct dhcp4_service *service, const char *interface)
{
	for (unsigned i = 0; i < CFG_DHCP_SUBNETS_MAX; i++)
		if (!service->links[i].is_used) {
			dhcp4_link_init(&service->links[i], interface, &link_ops, service);
			return;
		}
}

void dhcp4_service_follow(struct dhcp4_service *service, const struct config *config)
{
	for (unsigned i = 0; i < CFG_DHCP_SUBNETS_MAX; i++)
		if (service->links[i].is_used && !is_served(config, service->links[i].name))
			dhcp4_link_close(&service->links[i]);
	for (unsigned i = 0; i < config->dhcp.n_subnets; i++)
		if (link_of(service, config->dhcp.subnets[i].interface) == NULL)
			add_link(service, config->dhcp.subnets[i].interface);
	if (dhcp4_server_configure(service->server, &config->dhcp) != 0)
		log_error("dhcp", "no memory for its pools: nobody is served");
	service->next_follow_ms = 0;
	tick(service);
}

// --- coming and going ---

struct dhcp4_service *dhcp4_service_new(struct event_base *base, const struct config *config,
	const char *path, dhcp4_tell_fn tell_fn, void *ctx, struct error *err)
{
	struct dhcp4_service *service = calloc(1, sizeof(*service));

	if (service == NULL)
		goto no_memory;
	service->base = base;
	service->tell = tell_fn;
	service->tell_ctx = ctx;
	service->server = dhcp4_server_new(&server_ops, service, DHCP4_LEASES_MAX);
	service->timer = event_new(base, -1, 0, on_timer, service);
	if (service->server == NULL || service->timer == NULL)
		goto no_memory;
	service->keeper = dhcp4_keeper_new(base, path, service->server, send_reply, service);
	if (service->keeper == NULL)
		goto no_memory;
	dhcp4_service_follow(service, config);
	return service;
no_memory:
	error_set(err, "no memory for the DHCP server");
	dhcp4_service_free(service);
	return NULL;
}

void dhcp4_service_free(struct dhcp4_service *service)
{
	if (service == NULL)
		return;
	for (unsigned i = 0; i < CFG_DHCP_SUBNETS_MAX; i++)
		if (service->links[i].is_used)
			dhcp4_link_close(&service->links[i]);
	if (service->timer != NULL)
		event_free(service->timer);
	dhcp4_keeper_free(service->keeper);
	hooks_free(service->hooks);
	dhcp4_server_free(service->server);
	free(service);
}

const struct dhcp4_server *dhcp4_service_server(const struct dhcp4_service *service)
{
	return service->server;
}

void dhcp4_service_count_hooks(const struct dhcp4_service *service, struct hook_counts *counts)
{
	hooks_count(service->hooks, counts);
}

char *dhcp4_service_path(const char *state_file)
{
	char *path;

	return asprintf(&path, "%s.leases", state_file) < 0 ? NULL : path;
}
