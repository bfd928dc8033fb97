// SPDX-License-Identifier: BSD-3-Clause
// Who has which address of the DHCP server's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/api/filter.h"
#include "control/dhcp/dhcp4_service.h"

enum { LEASES_LOOKED_AT = 1024 }; // in one step

// Of dhcp4_lease_state, in its order.
#define LEASE_STATES "free|offered|bound|declined"

struct lease_walk {
	const struct router *router;
	struct ip_prefix address;
	struct mac_addr mac;
	bool has_mac;
	char subnet[CFG_NAME_MAX + 1]; // "": any
	int state;		       // -1: any
	uint32_t cursor;
	uint64_t n_taken;
	unsigned left;
};

static const struct dhcp4_scope *scope_of(
	const struct dhcp4_server *server, const struct dhcp4_lease *lease)
{
	const struct dhcp4_scopes *scopes = dhcp4_server_scopes(server);

	for (unsigned i = 0; i < scopes->n; i++)
		if (dhcp4_scope_has(&scopes->list[i], lease->address))
			return &scopes->list[i];
	return NULL;
}

static bool takes(const struct lease_walk *walk, const struct dhcp4_lease *lease,
	const struct dhcp4_scope *scope)
{
	struct ip_addr addr = ip4_addr(lease->address);

	if (walk->state >= 0 && lease->state != (enum dhcp4_lease_state)walk->state)
		return false;
	if (walk->has_mac && memcmp(&walk->mac, &lease->mac, sizeof(walk->mac)) != 0)
		return false;
	if (walk->subnet[0] != '\0' &&
		(scope == NULL || strcmp(scope->config->name, walk->subnet) != 0))
		return false;
	return filter_contains(&walk->address, &addr);
}

static json_t *lease_json(const struct dhcp4_lease *lease, const struct dhcp4_scope *scope)
{
	struct ip_addr addr = ip4_addr(lease->address);
	char client[DHCP4_CLIENT_STR_BYTES];
	json_t *to = json_object();

	show_put_addr(to, "address", &addr);
	json_object_set_new(
		to, "subnet", scope == NULL ? json_null() : json_string(scope->config->name));
	show_put_mac(to, "mac", &lease->mac);
	show_put_text(to, "client_id", dhcp4_client_str(&lease->client, client));
	show_put_text(to, "name", lease->host_name);
	show_put_text(to, "state", dhcp4_lease_state_name(lease->state));
	show_put_bool(to, "is_reserved",
		scope != NULL && dhcp4_scope_reservation(scope, lease->address) != NULL);
	json_object_set_new(to, "since", json_integer(lease->since));
	show_put_number(to, "left_sec", dhcp4_lease_left_sec(lease, clock_now_ms()));
	return to;
}

static bool read_mac(const json_t *params, struct lease_walk *asked, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, "mac");
	const char *text = json_string_value(value);

	asked->has_mac = value != NULL;
	if (value == NULL || (text != NULL && mac_addr_parse(text, &asked->mac) == 0))
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'mac' must be a MAC address");
	return false;
}

static bool read_subnet(const json_t *params, struct lease_walk *asked, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, "subnet");
	const struct cfg_dhcp *dhcp = &asked->router->config->dhcp;

	if (value == NULL)
		return true;
	for (unsigned i = 0; i < dhcp->n_subnets && json_is_string(value); i++)
		if (strcmp(dhcp->subnets[i].name, json_string_value(value)) == 0) {
			snprintf(asked->subnet, sizeof(asked->subnet), "%s", dhcp->subnets[i].name);
			return true;
		}
	rpc_fail(failure, RPC_INVALID_PARAMS, "'subnet' must be a name under 'dhcp-server'");
	return false;
}

static void *begin_leases(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"address", "subnet", "mac", "state", "limit", NULL};
	struct lease_walk *walk, asked = {.router = ctx};

	if (!show_check_names(params, keys, failure) ||
		!filter_read_prefix(params, "address", &asked.address, failure) ||
		!read_subnet(params, &asked, failure) || !read_mac(params, &asked, failure) ||
		!filter_read_choice(params, "state", LEASE_STATES, &asked.state, failure) ||
		!show_limit_of(params, &asked.left, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		*walk = asked;
	return walk;
}

static bool next_leases(void *ctx, json_t *rows)
{
	struct lease_walk *walk = ctx;
	const struct dhcp4_server *server;

	if (walk->router->dhcp4 == NULL)
		return false;
	server = dhcp4_service_server(walk->router->dhcp4);
	for (unsigned i = 0; i < LEASES_LOOKED_AT && json_array_size(rows) < RPC_ROWS_MAX; i++) {
		const struct dhcp4_lease *lease =
			dhcp4_leases_next(dhcp4_server_leases(server), &walk->cursor);
		const struct dhcp4_scope *scope;

		if (lease == NULL)
			return false;
		scope = scope_of(server, lease);
		if (!takes(walk, lease, scope))
			continue;
		walk->n_taken++;
		if (walk->left == 0)
			continue;
		json_array_append_new(rows, lease_json(lease, scope));
		walk->left--;
	}
	return true;
}

static json_t *end_leases(void *ctx)
{
	const struct lease_walk *walk = ctx;

	return json_pack("{s:I}", "total", (json_int_t)walk->n_taken);
}

const struct rpc_walk show_leases = {"leases", NULL, begin_leases, next_leases, end_leases, free};

// --- what the server does ---

json_t *show_dhcp(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct dhcp4_counters *counters;
	const struct dhcp4_server *server;
	struct hook_counts hooks;
	json_t *list, *to;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	if (router->dhcp4 == NULL)
		return json_pack("{s:o, s:o}", "subnets", list, "counters", json_object());
	server = dhcp4_service_server(router->dhcp4);
	for (unsigned i = 0; i < dhcp4_server_scopes(server)->n; i++) {
		const struct dhcp4_scope *scope = &dhcp4_server_scopes(server)->list[i];
		unsigned n_bound = 0;
		const struct dhcp4_lease *lease;
		uint32_t cursor = 0;
		char text[ADDR_STR_BYTES];

		while ((lease = dhcp4_leases_next(dhcp4_server_leases(server), &cursor)) != NULL)
			n_bound += lease->state == DHCP4_LEASE_BOUND &&
				   dhcp4_scope_has(scope, lease->address);
		to = json_object();
		show_put_text(to, "name", scope->config->name);
		show_put_text(to, "interface", scope->config->interface);
		show_put_text(to, "subnet", ip_prefix_str(&scope->config->subnet, text));
		show_put_number(to, "addresses", scope->pool.n_addresses);
		show_put_number(to, "reservations", scope->config->n_reservations);
		show_put_number(to, "leases", n_bound);
		json_array_append_new(list, to);
	}
	counters = dhcp4_server_counters(server);
	to = json_object();
	show_put_number(to, "received", counters->received);
	show_put_number(to, "offers", counters->offers);
	show_put_number(to, "acks", counters->acks);
	show_put_number(to, "naks", counters->naks);
	show_put_number(to, "releases", counters->releases);
	show_put_number(to, "informs", counters->informs);
	show_put_number(to, "declines", counters->declines);
	show_put_number(to, "conflicts", counters->conflicts);
	show_put_number(to, "broken", counters->broken);
	show_put_number(to, "not_ours", counters->not_ours);
	show_put_number(to, "for_others", counters->for_others);
	show_put_number(to, "refused", counters->refused);
	show_put_number(to, "unknown", counters->unknown);
	show_put_number(to, "no_address", counters->no_address);
	show_put_number(to, "over_limit", counters->over_limit);
	show_put_number(to, "probes_full", counters->probes_full);
	show_put_number(to, "table_full", counters->table_full);
	dhcp4_service_count_hooks(router->dhcp4, &hooks);
	show_put_number(to, "hooks_run", hooks.done);
	show_put_number(to, "hooks_failed", hooks.failed);
	show_put_number(to, "hooks_timed_out", hooks.timed_out);
	show_put_number(to, "hooks_refused", hooks.refused);
	show_put_number(to, "hooks_dropped", hooks.dropped);
	return json_pack("{s:o, s:o}", "subnets", list, "counters", to);
}
