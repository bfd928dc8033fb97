// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_uplinks.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/apply/start.h"
#include "control/dhcp/dhcp4_uplink_lease.h"
#include "control/hooks.h"

static struct dhcp4_uplink *find(const struct dhcp4_uplinks *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->list[i]->name, name) == 0)
			return all->list[i];
	return NULL;
}

static void take_out(struct dhcp4_uplinks *all, unsigned at)
{
	struct dhcp4_uplink *u = all->list[at];

	dhcp4_client_release(&u->client, clock_now_ms());
	dhcp4_uplink_free(u);
	all->list[at] = all->list[--all->n];
}

// Whether it may go on as it is, with what the config wishes now.
static bool goes_on(struct dhcp4_uplink *u, const struct config *config,
	const struct cfg_interface *from, const struct interface *interface)
{
	struct dhcp4_identity identity;

	dhcp4_identity_make(&identity, &from->dhcp4, &port_info(interface->port)->mac);
	if (interface->tap.ifindex != u->ifindex ||
		memcmp(&identity, &u->identity, sizeof(identity)) != 0)
		return false;
	dhcp4_uplink_read_wishes(u, config, from);
	if (u->client.is_bound)
		dhcp4_uplink_set_binding(u);
	dhcp4_binding_repair(&u->binding, interface, u->all->router->netlink,
		dhcp4_uplink_left_sec(&u->client, clock_now_ms()));
	return true;
}

static int follow(struct dhcp4_uplinks *all, const struct config *config, struct error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *from = &config->interfaces[i];
		const struct interface *interface =
			interfaces_by_name(&all->router->interfaces, from->name);
		struct dhcp4_uplink *u = find(all, from->name);

		if (u != NULL)
			u->is_wanted = from->dhcp4.is_on && interface != NULL &&
				       goes_on(u, config, from, interface);
	}
	for (unsigned i = all->n; i > 0; i--)
		if (!all->list[i - 1]->is_wanted)
			take_out(all, i - 1);
	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *from = &config->interfaces[i];
		const struct interface *interface =
			interfaces_by_name(&all->router->interfaces, from->name);

		if (from->dhcp4.is_on && interface != NULL && find(all, from->name) == NULL &&
			dhcp4_uplink_add(all, config, from, interface, err) != 0)
			rc = -1;
	}
	return rc;
}

struct dhcp4_uplinks *dhcp4_uplinks_new(struct router *router, struct error *err)
{
	struct dhcp4_uplinks *all = calloc(1, sizeof(*all));
	struct error why = {0};

	if (all == NULL) {
		error_set(err, "no memory for DHCP clients");
		return NULL;
	}
	all->router = router;
	if (router->state_writer != NULL) {
		all->memory = dhcp4_memory_open(router->start->state, router->state_writer, &why);
		if (all->memory == NULL)
			log_warning("control", "leases are not kept: %s", why.text);
	}
	if (follow(all, router->config, err) == 0)
		return all;
	dhcp4_uplinks_free(all);
	return NULL;
}

void dhcp4_uplinks_free(struct dhcp4_uplinks *all)
{
	if (all == NULL)
		return;
	while (all->n > 0)
		dhcp4_uplink_free(all->list[--all->n]);
	dhcp4_memory_close(all->memory);
	hooks_free(all->hooks);
	free(all);
}

void dhcp4_uplinks_follow(struct dhcp4_uplinks *all, const struct config *config)
{
	struct error err = {0};

	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		all->list[i]->is_wanted = false;
	if (follow(all, config, &err) != 0)
		log_error("control", "%s", err.text);
}

void dhcp4_uplinks_interface_changed(
	struct dhcp4_uplinks *all, const struct interface *interface, bool was_by_hand)
{
	struct dhcp4_uplink *u = all == NULL ? NULL : find(all, interface->config->name);

	if (u == NULL)
		return;
	if (was_by_hand && interface->is_admin_up)
		dhcp4_binding_repair(&u->binding, interface, all->router->netlink,
			dhcp4_uplink_left_sec(&u->client, clock_now_ms()));
	dhcp4_client_link(&u->client, interface_is_up(interface), clock_now_ms());
	dhcp4_uplink_turn(u);
}

const struct dhcp4_uplink_client *dhcp4_uplinks_find(
	const struct dhcp4_uplinks *all, const char *name)
{
	const struct dhcp4_uplink *u = all == NULL ? NULL : find(all, name);

	return u == NULL ? NULL : &u->client;
}

bool dhcp4_uplinks_renew(struct dhcp4_uplinks *all, const char *name)
{
	struct dhcp4_uplink *u = all == NULL ? NULL : find(all, name);

	if (u == NULL)
		return false;
	dhcp4_client_renew(&u->client, clock_now_ms());
	dhcp4_uplink_turn(u);
	return true;
}

bool dhcp4_uplinks_release(struct dhcp4_uplinks *all, const char *name)
{
	struct dhcp4_uplink *u = all == NULL ? NULL : find(all, name);

	if (u == NULL)
		return false;
	dhcp4_client_release(&u->client, clock_now_ms());
	dhcp4_uplink_turn(u);
	return true;
}
