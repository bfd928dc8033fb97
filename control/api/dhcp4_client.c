// SPDX-License-Identifier: BSD-3-Clause
// What the DHCPv4 clients of the uplinks have, and what can be asked of them: dhcp.renew and
// dhcp.release.
#include "cfg/base/clock.h"
#include "control/api/show_parts.h"
#include "control/dhcp/dhcp4_uplinks.h"

// Seconds from now; null for what does not come.
static void put_deadline(json_t *to, const char *key, uint64_t at_ms, uint64_t now_ms)
{
	json_object_set_new(to, key,
		at_ms == DHCP4_NEVER
			? json_null()
			: json_integer(at_ms > now_ms ? (json_int_t)((at_ms - now_ms) / 1000) : 0));
}

static json_t *counts_json(const struct dhcp4_client_counts *counts)
{
	json_t *to = json_object();

	show_put_number(to, "sent", counts->sent);
	show_put_number(to, "received", counts->received);
	show_put_number(to, "offers", counts->offers);
	show_put_number(to, "acks", counts->acks);
	show_put_number(to, "naks", counts->naks);
	show_put_number(to, "declines", counts->declines);
	show_put_number(to, "defended", counts->defended);
	show_put_number(to, "malformed", counts->malformed);
	show_put_number(to, "not_for_us", counts->not_for_us);
	show_put_number(to, "unusable", counts->unusable);
	return to;
}

static void put_lease(json_t *to, const struct dhcp4_uplink_client *client)
{
	const struct dhcp4_grant *lease = &client->lease;
	json_t *gateways = json_array(), *dns = json_array(), *domains = json_array();
	uint64_t now_ms = clock_now_ms();
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < lease->n_routes; i++)
		if (lease->routes[i].to.len == 0 && lease->routes[i].via.family != IP_NONE)
			json_array_append_new(
				gateways, json_string(ip_addr_str(&lease->routes[i].via, text)));
	for (unsigned i = 0; i < lease->n_dns; i++)
		json_array_append_new(dns, json_string(ip_addr_str(&lease->dns[i], text)));
	for (unsigned i = 0; i < lease->n_domains; i++)
		json_array_append_new(domains, json_string(lease->domains[i]));
	show_put_text(to, "address", ip_prefix_str(&lease->addr, text));
	show_put_addr(to, "server", &lease->server);
	put_deadline(to, "renews_sec", client->t1_ms, now_ms);
	put_deadline(to, "rebinds_sec", client->t2_ms, now_ms);
	put_deadline(to, "expires_sec", client->end_ms, now_ms);
	json_object_set_new(to, "gateways", gateways);
	json_object_set_new(to, "dns", dns);
	json_object_set_new(to, "domains", domains);
	show_put_number(to, "mtu", lease->mtu);
}

static json_t *client_json(const struct dhcp4_uplink_client *client)
{
	json_t *to = json_object();

	show_put_text(to, "state", dhcp4_client_state_name(client->state));
	if (client->is_bound)
		put_lease(to, client);
	else
		json_object_set_new(to, "address", json_null());
	json_object_set_new(to, "counts", counts_json(&client->counts));
	return to;
}

void show_put_dhcp4(json_t *to, const struct router *router, const char *interface)
{
	const struct dhcp4_uplink_client *client = dhcp4_uplinks_find(router->uplinks, interface);

	json_object_set_new(to, "dhcp4", client == NULL ? json_null() : client_json(client));
}

typedef bool (*by_hand_fn)(struct dhcp4_uplinks *uplinks, const char *interface);

static json_t *by_hand(
	struct router *router, const json_t *params, by_hand_fn fn, struct rpc_failure *failure)
{
	static const char *const keys[] = {"interface", NULL};
	const char *name = json_string_value(json_object_get(params, "interface"));
	json_t *to;

	if (!show_check_keys(params, keys, failure))
		return NULL;
	if (name == NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "'interface' is missing");
	if (!fn(router->uplinks, name))
		return rpc_fail(failure, RPC_INVALID_PARAMS,
			"no interface '%.64s' has its address by DHCP", name);
	to = json_object();
	show_put_text(to, "interface", name);
	show_put_dhcp4(to, router, name);
	return to;
}

json_t *dhcp4_renew(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	return by_hand(ctx, params, dhcp4_uplinks_renew, failure);
}

json_t *dhcp4_release(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	return by_hand(ctx, params, dhcp4_uplinks_release, failure);
}
