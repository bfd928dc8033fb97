// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/steps.h"

#include <string.h>

#include "cfg/base/log.h"
#include "cfg/diff.h"
#include "control/addresses.h"
#include "control/apply/attach.h"
#include "control/apply/crew.h"
#include "control/apply/gateways.h"
#include "control/dhcp/dhcp.h"
#include "control/dhcp/dhcp4_uplinks.h"
#include "control/dns/set_feed.h"
#include "control/host_names.h"
#include "control/kernel.h"
#include "control/static_routes.h"
#include "control/uplink/uplinks.h"

static void log_not_undone(const struct error *err)
{
	log_error("config", "cannot be taken back: %s", err->text);
}

// --- sets with a timeout, and the policy made ready ---

static void revert_timed(void *at)
{
	struct steps_ctx *ctx = at;

	timed_sets_revert(&ctx->router->bans.sets, &ctx->timed);
}

static int open_timed(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	ctx->timed = ctx->router->bans.sets;
	if (bans_follow(&ctx->router->bans, ctx->after, ctx->now, err) != 0)
		return -1;
	if (firewall_next_init(&ctx->router->firewall, ctx->after, &ctx->firewall, err) == 0 &&
		attach_foresee(ctx, err) == 0)
		return 0;
	revert_timed(ctx);
	return -1;
}

static int prepare_policy(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	ctx->firewall.wish = ctx->wish;
	return firewall_prepare(&ctx->router->firewall, &ctx->firewall, err);
}

// --- the cores that the workers run on ---

static void unmove_workers(void *at)
{
	struct steps_ctx *ctx = at;
	struct error err = {0};

	if (ctx->plan->workers.move && crew_follow(ctx->router, &ctx->cores, &err) != 0)
		log_not_undone(&err);
}

static int move_workers(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	ctx->cores = ctx->router->cores;
	return ctx->plan->workers.move ? crew_follow(ctx->router, &ctx->plan->workers.after, err)
				       : 0;
}

// --- interfaces that come, and those in whose place they do ---

static int change_interfaces(void *at, struct error *err)
{
	return attach_interfaces(at, err);
}

static void unchange_interfaces(void *at)
{
	attach_undo(at);
}

// --- MTU: the port has room before its interface sends more ---

static int set_mtu(
	struct steps_ctx *ctx, const struct interface *interface, uint16_t mtu, struct error *err)
{
	struct error why = {0};

	if (mtu > port_info(interface->port)->mtu && port_set_mtu(interface->port, mtu, &why) != 0)
		return error_set(err, "the port %s does not take an MTU of %u: %s",
			interface->config->port, mtu, why.text);
	if (tap_set_mtu(&interface->tap, ctx->router->netlink, mtu) != 0)
		return error_set(err, "the kernel does not take an MTU of %u for '%s'", mtu,
			interface->config->name);
	return 0;
}

static void undo_mtus(struct steps_ctx *ctx, unsigned n)
{
	while (n-- > 0) {
		const struct interface *interface =
			interfaces_by_name(&ctx->router->interfaces, ctx->plan->mtus[n].interface);
		struct error err = {0};

		if (interface != NULL && set_mtu(ctx, interface, ctx->mtus[n], &err) != 0)
			log_not_undone(&err);
	}
}

static int set_mtus(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	for (unsigned i = 0; i < ctx->plan->n_mtus; i++) {
		const struct plan_mtu *mtu = &ctx->plan->mtus[i];
		const struct interface *interface =
			interfaces_by_name(&ctx->router->interfaces, mtu->interface);

		if (interface == NULL)
			continue;
		ctx->mtus[i] = interface->mtu;
		if (set_mtu(ctx, interface, mtu->after, err) != 0) {
			undo_mtus(ctx, i + 1); // the port may have it, and the kernel not
			return -1;
		}
	}
	return 0;
}

static void unset_mtus(void *at)
{
	struct steps_ctx *ctx = at;

	undo_mtus(ctx, ctx->plan->n_mtus);
}

// --- addresses ---

typedef int (*address_fn)(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, struct error *err);

static int change_address(
	struct steps_ctx *ctx, const struct plan_address *address, address_fn fn, struct error *err)
{
	const struct interface *interface =
		interfaces_by_name(&ctx->router->interfaces, address->interface);

	if (interface == NULL || interface->is_gone)
		return 0;
	return fn(interface, ctx->router->netlink, &address->prefix, err);
}

// Does `fn` to each, and where one fails `back` to those before it.
static int change_addresses(struct steps_ctx *ctx, const struct plan_address *list, unsigned n,
	address_fn fn, address_fn back, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		struct error why = {0};

		if (change_address(ctx, &list[i], fn, err) == 0)
			continue;
		while (back != NULL && i-- > 0)
			if (change_address(ctx, &list[i], back, &why) != 0)
				log_not_undone(&why);
		return -1;
	}
	return 0;
}

static int add_addresses(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	return change_addresses(
		ctx, ctx->plan->added, ctx->plan->n_added, addresses_add, addresses_remove, err);
}

static void unadd_addresses(void *at)
{
	struct steps_ctx *ctx = at;
	struct error err = {0};

	if (change_addresses(
		    ctx, ctx->plan->added, ctx->plan->n_added, addresses_remove, NULL, &err) != 0)
		log_not_undone(&err);
}

// The kernel takes routes and other addresses of the subnet away with an address: what the config
// says is there again.
static int complete(struct steps_ctx *ctx, const struct config *config, struct error *err)
{
	for (unsigned i = 0; i < config->n_interfaces; i++)
		for (unsigned k = 0; k < config->interfaces[i].n_addresses; k++) {
			struct plan_address address = {
				config->interfaces[i].name, config->interfaces[i].addresses[k]};

			if (change_address(ctx, &address, addresses_add, err) != 0)
				return -1;
		}
	return static_routes_complete(config, &ctx->router->interfaces, ctx->router->netlink, err);
}

static void unremove_addresses(void *at)
{
	struct steps_ctx *ctx = at;
	struct error err = {0};

	if (ctx->plan->n_removed > 0 && complete(ctx, ctx->before, &err) != 0)
		log_not_undone(&err);
}

static int remove_addresses(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	if (change_addresses(ctx, ctx->plan->removed, ctx->plan->n_removed, addresses_remove, NULL,
		    err) == 0 &&
		(ctx->plan->n_removed == 0 || complete(ctx, ctx->after, err) == 0))
		return 0;
	unremove_addresses(ctx);
	return -1;
}

// --- routes ---

// An IPv6 route is changed in one step, and there is nothing left of the old one.
static bool is_replaced(const struct plan_route *route)
{
	return route->before != NULL && route->after != NULL &&
	       route->before->to.addr.family == IP_V6;
}

static void undo_added(struct steps_ctx *ctx, unsigned n)
{
	const struct router *router = ctx->router;

	while (n-- > 0) {
		const struct plan_route *route = &ctx->plan->routes[n];
		struct error err = {0};
		int rc = 0;

		if (is_replaced(route) &&
			static_routes_can_be(ctx->before, &router->interfaces, route->before))
			rc = static_routes_add(ctx->before, &router->interfaces, router->netlink,
				route->before, route->after, &err);
		else if (route->after != NULL)
			rc = static_routes_delete(ctx->after, &router->interfaces, router->netlink,
				route->after, &err);
		if (rc != 0)
			log_not_undone(&err);
	}
}

// What it leads to must be known before packets come that the new policy lets there: so the
// workers hear of it at once.
static int add_routes(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;
	const struct router *router = ctx->router;

	gateways_ask(ctx->router, ctx->after, ctx->plan);
	for (unsigned i = 0; i < ctx->plan->n_routes; i++) {
		const struct plan_route *route = &ctx->plan->routes[i];

		if (route->after == NULL ||
			static_routes_add(ctx->after, &router->interfaces, router->netlink,
				route->after, route->before, err) == 0)
			continue;
		undo_added(ctx, i);
		return -1;
	}
	if (attach_routes(ctx, ctx->after, err) != 0) {
		undo_added(ctx, ctx->plan->n_routes);
		return -1;
	}
	netlink_catch_up(router->netlink);
	return 0;
}

static void unadd_routes(void *at)
{
	struct steps_ctx *ctx = at;

	undo_added(ctx, ctx->plan->n_routes);
}

static void undo_removed(struct steps_ctx *ctx, unsigned n)
{
	const struct router *router = ctx->router;

	while (n-- > 0) {
		const struct plan_route *route = &ctx->plan->routes[n];
		struct error err = {0};

		if (route->before != NULL && !is_replaced(route) &&
			static_routes_can_be(ctx->before, &router->interfaces, route->before) &&
			static_routes_add(ctx->before, &router->interfaces, router->netlink,
				route->before, route->after, &err) != 0)
			log_not_undone(&err);
	}
}

static int remove_routes(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;
	const struct router *router = ctx->router;

	for (unsigned i = 0; i < ctx->plan->n_routes; i++) {
		const struct plan_route *route = &ctx->plan->routes[i];

		if (route->before == NULL || is_replaced(route) ||
			static_routes_delete(ctx->before, &router->interfaces, router->netlink,
				route->before, err) == 0)
			continue;
		undo_removed(ctx, i);
		return -1;
	}
	return 0;
}

static void unremove_routes(void *at)
{
	struct steps_ctx *ctx = at;

	undo_removed(ctx, ctx->plan->n_routes);
}

// --- the policy in force ---

static int exchange_policy(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	kernel_follow_config(ctx->router, ctx->after);
	return firewall_exchange(&ctx->router->firewall, &ctx->firewall, ctx->now, err);
}

// It is compiled anew, and asks for the sets by the names that they had.
static void exchange_policy_back(void *at)
{
	struct steps_ctx *ctx = at;
	struct error err = {0};

	revert_timed(ctx);
	if (firewall_exchange(&ctx->router->firewall, &ctx->firewall, ctx->now, &err) != 0)
		log_not_undone(&err);
}

// --- DNS ---

// Along the model, without what is large and of no concern here.
static bool is_dns_same(const struct steps_ctx *ctx)
{
	struct config before = *ctx->before, after = *ctx->after;
	struct cfg_changes changes = {0};
	bool is_same = true;

	before.n_routes = after.n_routes = before.n_nats = after.n_nats = 0;
	before.n_sets = after.n_sets = 0;
	before.firewall = after.firewall = (struct cfg_firewall){0};
	if (config_diff(&before, &after, &changes) != 0)
		is_same = false;
	for (unsigned i = 0; i < changes.n; i++)
		is_same &= strcmp(changes.list[i].path, "dns") != 0 &&
			   strncmp(changes.list[i].path, "dns.", 4) != 0 &&
			   strncmp(changes.list[i].path, "dns[", 4) != 0;
	cfg_changes_free(&changes);
	return is_same;
}

int steps_begin_dns(struct steps_ctx *ctx, struct error *err)
{
	struct router *router = ctx->router;

	ctx->dns = dns_change_begin(router->dns, &ctx->after->dns, &router->learned_dns,
		router->dns_names, router->set_feed, err);
	return ctx->dns != NULL ? 0 : -1;
}

int steps_prepare_dns(struct steps_ctx *ctx, struct error *err)
{
	if (!is_dns_same(ctx))
		return dns_change_prepare(ctx->dns, err);
	dns_change_end(ctx->dns); // the cache stays
	ctx->dns = NULL;
	return 0;
}

static int commit_dns(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;
	struct router *router = ctx->router;

	if (ctx->dns != NULL)
		router->dns = dns_change_commit(ctx->dns, &router->learned_dns);
	return 0;
}

// --- sets that are filled by name ---

static int follow_names(void *at, struct error *err)
{
	struct steps_ctx *ctx = at;

	if (set_feed_follow(ctx->router->set_feed, ctx->after) != 0)
		return error_set(err, "no memory for sets that are filled by name");
	return 0;
}

static void follow_names_back(void *at)
{
	struct steps_ctx *ctx = at;

	set_feed_follow(ctx->router->set_feed, ctx->before);
}

const struct transaction_step steps[STEPS] = {
	{"sets with a timeout", open_timed, revert_timed}, {"policy", prepare_policy, NULL},
	{"workers", move_workers, unmove_workers},
	{"interfaces", change_interfaces, unchange_interfaces}, {"MTU", set_mtus, unset_mtus},
	{"new addresses", add_addresses, unadd_addresses}, {"new routes", add_routes, unadd_routes},
	{"policy in force", exchange_policy, exchange_policy_back},
	{"old routes", remove_routes, unremove_routes},
	{"old addresses", remove_addresses, unremove_addresses},
	{"sets by name", follow_names, follow_names_back},
	{"DNS", commit_dns, NULL}, // it was made ready: nothing can fail any more
};

// --- the end ---

// The routes of uplinks stand behind the one that is used. That one is there before they go behind,
// and until they have come to the front: between these the kernel would go by any of them, and who
// is translated to its address ends.
static void follow_uplinks(struct router *router, const struct config *after)
{
	if (after->n_uplinks > 0)
		uplinks_follow(router->ways_out, after);
	dhcp4_uplinks_follow(router->uplinks, after);
	if (after->n_uplinks == 0)
		uplinks_follow(router->ways_out, after);
}

void steps_finish(struct steps_ctx *ctx, struct config *after)
{
	struct router *router = ctx->router;
	struct config *before = router->config;

	attach_finish(ctx);
	for (unsigned i = 0; i < router->interfaces.n; i++)
		for (unsigned k = 0; k < after->n_interfaces; k++)
			if (strcmp(router->interfaces.list[i].config->name,
				    after->interfaces[k].name) == 0) {
				router->interfaces.list[i].config = &after->interfaces[k];
				break;
			}
	for (unsigned i = 0; i < router->ports.n; i++)
		for (unsigned k = 0; k < after->n_ports; k++)
			if (strcmp(router->ports.list[i].config->name, after->ports[k].name) == 0) {
				router->ports.list[i].config = &after->ports[k];
				break;
			}
	ctx->old = before;
	router->config = after; // names of leases are of its domain
	host_names_follow(router, before, after);
	dhcp_follow(router, after);
	follow_uplinks(router, after);
}

void steps_fini(struct steps_ctx *ctx)
{
	dns_change_end(ctx->dns);
	ctx->dns = NULL;
	firewall_next_fini(&ctx->firewall); // the old policy, while what it names is there
	config_free(ctx->old);
	ctx->old = NULL;
}

void steps_over(struct steps_ctx *ctx)
{
	firewall_next_over(&ctx->router->firewall, ctx->now);
}
