// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_uplink_lease.h"

#include <string.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/addresses.h"
#include "control/api/events.h"
#include "control/dhcp/dhcp4_hook.h"
#include "control/dhcp/dhcp4_unicast.h"
#include "control/egress.h"
#include "control/uplink/uplink_metric.h"
#include "control/wall_clock.h"

enum {
	METRIC_FIRST = 100, // above the machine's own, of a management card
	METRIC_STEP = 10,   // room for several gateways of one uplink
};

static const struct interface *interface_of(const struct dhcp4_uplink *u)
{
	return interfaces_by_name(&u->all->router->interfaces, u->name);
}

// --- what is wished ---

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

// --- where it goes ---

uint32_t dhcp4_uplink_left_sec(const struct dhcp4_uplink_client *client, uint64_t now_ms)
{
	if (client->end_ms == DHCP4_NEVER)
		return ADDRESSES_FOREVER;
	return client->end_ms <= now_ms ? 1 : (uint32_t)((client->end_ms - now_ms + 999) / 1000);
}

static void keep(struct dhcp4_uplink *u, uint32_t for_sec)
{
	int64_t ends_at = for_sec == ADDRESSES_FOREVER ? INT64_MAX : wall_clock_now() + for_sec;

	if (u->all->memory != NULL)
		dhcp4_memory_put(
			u->all->memory, u->name, &u->identity, &u->client.lease.addr.addr, ends_at);
}

static void forget(struct dhcp4_uplink *u)
{
	if (u->all->memory != NULL)
		dhcp4_memory_forget(u->all->memory, u->name);
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

void dhcp4_uplink_set_binding(struct dhcp4_uplink *u)
{
	const struct interface *interface = interface_of(u);

	if (interface == NULL || interface->is_gone)
		return;
	dhcp4_binding_set(&u->binding, interface, u->all->router->netlink, &u->client.lease,
		dhcp4_uplink_left_sec(&u->client, clock_now_ms()), &u->wishes);
	tell_dns(u, &u->client.lease);
}

// --- who is told ---

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

// --- on the link ---

static void close_unicast(struct dhcp4_uplink *u)
{
	if (u->unicast_fd >= 0)
		close(u->unicast_fd);
	u->unicast_fd = -1;
}

static void open_unicast(struct dhcp4_uplink *u, const struct ip_addr *addr)
{
	close_unicast(u);
	u->unicast_fd = dhcp4_unicast_open(u->name, addr);
	if (u->unicast_fd < 0)
		log_warning(u->client.name, "no socket for renewing: %s", strerror(-u->unicast_fd));
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

// --- coming and going ---

void dhcp4_uplink_bind(void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before)
{
	struct dhcp4_uplink *u = ctx;
	bool is_same = before != NULL && dhcp4_grant_is_same_address(before, lease);
	uint32_t for_sec = dhcp4_uplink_left_sec(&u->client, clock_now_ms());
	char addr[ADDR_STR_BYTES], server[ADDR_STR_BYTES];

	dhcp4_uplink_set_binding(u);
	if (!is_same || u->unicast_fd < 0)
		open_unicast(u, &lease->addr.addr);
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

void dhcp4_uplink_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why)
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
