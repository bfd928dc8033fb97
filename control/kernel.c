// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel.h"

#include <string.h>

#include "cfg/base/log.h"
#include "control/addresses.h"
#include "control/announce.h"
#include "control/api/events.h"
#include "control/dhcp/dhcp4_uplinks.h"
#include "control/dns/names.h"
#include "control/recorder.h"
#include "control/static_routes.h"
#include "control/uplink/uplinks.h"

enum { FIRST_DUMP_MS = 30000 }; // a million routes take a few seconds

static int install_addresses(struct router *router, struct error *err)
{
	for (unsigned i = 0; i < router->interfaces.n; i++) {
		const struct interface *interface = &router->interfaces.list[i];

		if (addresses_install(interface, router->netlink, err) == 0)
			continue;
		config_locate(router->config, interface->config->place, err);
		return -1;
	}
	return 0;
}

int kernel_install(struct router *router, struct error *err)
{
	if (install_addresses(router, err) != 0)
		return -1;
	router->has_static_routes = true;
	return static_routes_install(router->config, &router->interfaces, router->netlink, err);
}

// Setting a device down by hand costs it its IPv6 addresses and the routes over it; what the
// config says is there again when it comes up.
static void reinstall(struct router *router, const struct interface *interface)
{
	struct error err = {0};
	char text[1024];

	if (addresses_install(interface, router->netlink, &err) != 0 ||
		static_routes_install(router->config, &router->interfaces, router->netlink, &err) !=
			0)
		log_error(log_object("interface", interface->config->name).text, "%s",
			error_str(&err, text, sizeof(text)));
}

static void on_interface_changed(void *ctx, struct interface *interface, bool was_by_hand)
{
	struct router *router = ctx;

	if (was_by_hand && interface->is_admin_up)
		reinstall(router, interface);
	events_link(router, interface);
	recorder_link(router->recorder, interface);
	if (interface_is_up(interface))
		announce(interface);
	routes_interface_changed(&router->routes, interface, was_by_hand);
	uplinks_interface_changed(router->ways_out); // first: packets wait for it
	dhcp4_uplinks_interface_changed(router->uplinks, interface, was_by_hand);
}

static void on_other_went(void *ctx, int ifindex)
{
	struct router *router = ctx;

	routes_device_went(&router->routes, ifindex);
}

static void on_neighbour_changed(
	void *ctx, int interface, const struct ip_addr *addr, const struct mac_addr *mac)
{
	const struct router *router = ctx;

	if (mac != NULL && router->dns_names != NULL)
		dns_hosts_learn(dns_names_hosts(router->dns_names), addr, mac);
	events_neighbour(router, interface, addr, mac);
}

static void connect_handlers(struct router *router)
{
	struct netlink_handler links = interfaces_handler(&router->interfaces);
	struct netlink_handler addresses = addresses_handler(&router->interfaces);
	struct netlink_handler routes = routes_handler(&router->routes);
	struct netlink_handler neighbours = neighbours_handler(&router->neighbours);

	netlink_handle(router->netlink, NETLINK_LINKS, &links);
	netlink_handle(router->netlink, NETLINK_ADDRESSES, &addresses);
	netlink_handle(router->netlink, NETLINK_ROUTES, &routes);
	netlink_handle(router->netlink, NETLINK_NEIGHBOURS, &neighbours);
	router->interfaces.changed = on_interface_changed;
	router->interfaces.other_went = on_other_went;
	router->interfaces.changed_ctx = router;
	router->neighbours.changed = on_neighbour_changed;
	router->neighbours.changed_ctx = router;
}

// Others do without what it costs: a route that changes with each of its alternatives.
static bool asks_for_alternatives(const struct cfg_hygiene *all)
{
	bool asks = all->reverse_path == CFG_REVERSE_PATH_FEASIBLE;

	for (unsigned i = 0; i < all->n_interfaces; i++)
		asks |= all->interfaces[i].reverse_path == CFG_REVERSE_PATH_FEASIBLE;
	return asks;
}

void kernel_follow_config(struct router *router, const struct config *config)
{
	if (asks_for_alternatives(&config->firewall.hygiene))
		rib_tell_alternatives(router->rib);
}

// What it has by itself, its link-local address above all, was told before anybody listened.
void kernel_interface_came(struct router *router, const struct interface *interface)
{
	routes_interface_came(&router->routes, interface);
	netlink_sync(router->netlink, NETLINK_ADDRESSES);
	netlink_sync(router->netlink, NETLINK_ROUTES);
}

void kernel_interface_goes(struct router *router, const struct interface *interface)
{
	netlink_catch_up(router->netlink);
	uplinks_interface_goes(router->ways_out, interface);
	routes_interface_goes(&router->routes, interface);
	neighbour_table_forget_interface(router->neighbours.table, interface->id);
}

// The kernel takes IPv4's routes over a device away without a word.
void kernel_interface_went(struct router *router)
{
	netlink_sync(router->netlink, NETLINK_ROUTES);
}

int kernel_follow(struct router *router, struct error *err)
{
	int rc;

	router->rib = rib_new(router->dp);
	if (router->rib == NULL)
		return error_set(err, "no memory for the routes");
	kernel_follow_config(router, router->config);
	routes_init(&router->routes, router->rib, &router->interfaces, router->netlink);
	if (neighbours_init(&router->neighbours, &router->interfaces, router->netlink,
		    &router->neighbour_limits, err) != 0)
		return -1;
	// what was told while the devices were being made is history
	netlink_discard(router->netlink);
	connect_handlers(router);
	for (int topic = 0; topic < NETLINK_TOPICS; topic++)
		netlink_sync(router->netlink, (enum netlink_topic)topic);
	rc = netlink_wait(router->netlink, FIRST_DUMP_MS);
	if (rc != 0)
		return error_set(
			err, "cannot read the kernel's addresses and routes: %s", strerror(-rc));
	return 0;
}

void kernel_leave(struct router *router)
{
	static const struct netlink_handler nobody = {0};

	if (router->has_static_routes)
		static_routes_remove(router->config, router->netlink);
	for (int topic = 0; router->netlink != NULL && topic < NETLINK_TOPICS; topic++)
		netlink_handle(router->netlink, (enum netlink_topic)topic, &nobody);
	neighbours_fini(&router->neighbours);
	rib_free(router->rib);
	router->rib = NULL;
}
