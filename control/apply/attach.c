// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/attach.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/addresses.h"
#include "control/api/events.h"
#include "control/egress.h"
#include "control/kernel.h"
#include "control/static_routes.h"

// --- one ---

static const struct cfg_port *port_of(
	const struct config *config, const struct cfg_interface *interface)
{
	unsigned i = 0;

	while (strcmp(config->ports[i].name, interface->port) != 0)
		i++;
	return &config->ports[i];
}

enum { VLAN_TEXT_BYTES = 16 };

static const char *vlan_text(const struct cfg_interface *interface, char out[VLAN_TEXT_BYTES])
{
	out[0] = '\0';
	if (interface->has_vlan)
		snprintf(out, VLAN_TEXT_BYTES, ", VLAN %u", interface->vlan);
	return out;
}

// Unless others are on it. True: it is gone.
static bool end_port(struct router *router, const char *name)
{
	struct port *port = ports_find(&router->ports, name);

	if (port == NULL || interfaces_use_port(&router->interfaces, port))
		return false;
	baselines_forget_port(&router->baselines, port);
	ports_remove(&router->ports, name);
	return true;
}

// `ids` as interfaces_add.
static int attach(struct router *router, const struct config *config,
	const struct cfg_interface *from, uint64_t ids, struct error *err)
{
	char text[VLAN_TEXT_BYTES];

	if (ports_add(&router->ports, config, port_of(config, from), router->cores.n_workers,
		    err) != 0)
		return -1;
	if (interfaces_add(&router->interfaces, config, from, &router->ports, ids, err) != 0) {
		end_port(router, from->port);
		return -1;
	}
	kernel_interface_came(router, interfaces_by_name(&router->interfaces, from->name));
	log_info(log_object("interface", from->name).text, "is there now, on port %s%s", from->port,
		vlan_text(from, text));
	return 0;
}

// The workers have let go of it when it is closed: packets that come by others go on meanwhile.
static void detach(struct router *router, const struct cfg_interface *from)
{
	const struct interface *interface = interfaces_by_name(&router->interfaces, from->name);
	char text[VLAN_TEXT_BYTES];
	bool has_port_gone;

	if (interface == NULL)
		return;
	kernel_interface_goes(router, interface);
	baselines_forget_interface(&router->baselines, interface->id);
	interfaces_remove(&router->interfaces, from->name);
	has_port_gone = end_port(router, from->port);
	log_info(log_object("interface", from->name).text, "goes, %s port %s%s",
		has_port_gone ? "with" : "others stay on", from->port, vlan_text(from, text));
	kernel_interface_went(router);
}

// --- what there will be ---

static void remove_name(struct interfaces *interfaces, const char *name)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (strcmp(interfaces->list[i].config->name, name) == 0) {
			interfaces->list[i] = interfaces->list[--interfaces->n];
			return;
		}
}

static void add_one(struct interfaces *interfaces, const struct cfg_interface *config, int id)
{
	interfaces->list[interfaces->n++] = (struct interface){.config = config, .id = id};
}

static uint64_t free_ids(const struct interfaces *there)
{
	uint64_t ids = UINT64_MAX;

	for (unsigned i = 0; i < there->n; i++)
		if (there->list[i].id >= 0)
			ids &= ~(UINT64_C(1) << there->list[i].id);
	return ids;
}

static_assert(DP_INTERFACES_MAX == 64, "a bit for each id");

// Ids of those that go are not used again: what is in force knows them as something else. Without
// free ones for all that come, nothing is foreseen.
int attach_foresee(struct steps_ctx *ctx, struct error *err)
{
	const struct plan *plan = ctx->plan;
	struct interfaces *next = ctx->firewall.interfaces, *between;
	uint64_t ids = free_ids(next);
	unsigned n_new = 0;

	for (unsigned i = 0; i < plan->n_interfaces; i++)
		n_new += plan->interfaces[i].after != NULL;
	if (plan->n_interfaces == 0 || n_new > (unsigned)__builtin_popcountll(ids))
		return 0;
	if (firewall_next_expect(&ctx->firewall, err) != 0)
		return -1;
	between = ctx->firewall.between;
	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		const struct plan_interface *one = &plan->interfaces[i];

		if (one->before != NULL)
			remove_name(next, one->before->name);
		if (one->before != NULL && one->goes_first)
			remove_name(between, one->before->name);
	}
	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		const struct cfg_interface *after = plan->interfaces[i].after;

		if (after == NULL)
			continue;
		ctx->ids[i] = (uint8_t)__builtin_ctzll(ids);
		ids &= ids - 1;
		add_one(next, after, ctx->ids[i]);
		add_one(between, after, ctx->ids[i]);
	}
	ctx->is_foreseen = true;
	return 0;
}

// --- those of a plan ---

static void detach_new(struct steps_ctx *ctx, unsigned n)
{
	while (n-- > 0)
		if (ctx->plan->interfaces[n].after != NULL)
			detach(ctx->router, ctx->plan->interfaces[n].after);
}

static int attach_addresses(
	struct steps_ctx *ctx, const struct cfg_interface *from, struct error *err)
{
	const struct interface *interface =
		interfaces_by_name(&ctx->router->interfaces, from->name);

	for (unsigned i = 0; i < from->n_addresses; i++)
		if (addresses_add(interface, ctx->router->netlink, &from->addresses[i], err) != 0)
			return -1;
	return 0;
}

// What went first is there again, as far as that can be.
static void attach_old(struct steps_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->plan->n_interfaces; i++) {
		const struct plan_interface *one = &ctx->plan->interfaces[i];
		struct error err = {0};
		char text[1024];

		if (!one->goes_first)
			continue;
		if (attach(ctx->router, ctx->before, one->before, 0, &err) != 0 ||
			attach_addresses(ctx, one->before, &err) != 0)
			log_error(log_object("interface", one->before->name).text,
				"cannot be taken back: %s", error_str(&err, text, sizeof(text)));
		else
			log_warning(log_object("interface", one->before->name).text,
				"is there again; its connections are not");
	}
}

// Bound to the interfaces that there are. A policy that was there before has room.
static void bind_policy_anew(struct steps_ctx *ctx)
{
	struct error err = {0};

	ctx->is_foreseen = false;
	if (firewall_rebind(&ctx->router->firewall, &ctx->firewall, ctx->now, &err) != 0)
		log_error("firewall", "%s", err.text);
}

static void bind_policy(struct steps_ctx *ctx)
{
	if (!ctx->is_foreseen ||
		firewall_bind(&ctx->router->firewall, &ctx->firewall, ctx->now) != 0)
		bind_policy_anew(ctx);
}

int attach_interfaces(struct steps_ctx *ctx, struct error *err)
{
	const struct plan *plan = ctx->plan;

	if (plan->n_interfaces == 0)
		return 0;
	for (unsigned i = 0; i < plan->n_interfaces; i++)
		if (plan->interfaces[i].goes_first)
			detach(ctx->router, plan->interfaces[i].before);
	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		const struct cfg_interface *after = plan->interfaces[i].after;
		uint64_t ids = ctx->is_foreseen ? UINT64_C(1) << ctx->ids[i] : 0;

		if (after == NULL || attach(ctx->router, ctx->after, after, ids, err) == 0)
			continue;
		detach_new(ctx, i);
		attach_old(ctx);
		bind_policy_anew(ctx);
		return -1;
	}
	bind_policy(ctx);
	return 0;
}

static bool leads_over(const struct config *config, const struct cfg_route *route,
	const struct cfg_interface *interface)
{
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		const struct cfg_interface *egress = egress_of_nexthop(config, &route->nexthops[i]);

		if (egress != NULL && strcmp(egress->name, interface->name) == 0)
			return true;
	}
	return false;
}

static bool leads_over_new(
	const struct steps_ctx *ctx, const struct config *config, const struct cfg_route *route)
{
	for (unsigned i = 0; i < ctx->plan->n_interfaces; i++) {
		const struct plan_interface *one = &ctx->plan->interfaces[i];
		const struct cfg_interface *is = config == ctx->after ? one->after
						 : one->goes_first    ? one->before
								      : NULL;

		if (is != NULL && leads_over(config, route, is))
			return true;
	}
	return false;
}

int attach_routes(struct steps_ctx *ctx, const struct config *config, struct error *err)
{
	struct router *router = ctx->router;

	for (unsigned i = 0; ctx->plan->n_interfaces > 0 && i < config->n_routes; i++)
		if (leads_over_new(ctx, config, &config->routes[i]) &&
			static_routes_can_be(config, &router->interfaces, &config->routes[i]) &&
			static_routes_add(config, &router->interfaces, router->netlink,
				&config->routes[i], NULL, err) != 0)
			return -1;
	return 0;
}

void attach_undo(struct steps_ctx *ctx)
{
	struct error err = {0};

	if (ctx->plan->n_interfaces == 0)
		return;
	detach_new(ctx, ctx->plan->n_interfaces);
	attach_old(ctx);
	if (attach_routes(ctx, ctx->before, &err) != 0)
		log_error("config", "cannot be taken back: %s", err.text);
	bind_policy_anew(ctx);
}

void attach_finish(struct steps_ctx *ctx)
{
	struct error err = {0};
	bool has_gone = false;

	for (unsigned i = 0; i < ctx->plan->n_interfaces; i++) {
		const struct plan_interface *one = &ctx->plan->interfaces[i];

		if (one->before == NULL || one->goes_first)
			continue;
		detach(ctx->router, one->before);
		has_gone = true;
	}
	// bound without them when what was in force is freed: nobody comes in their place until
	// then
	if (has_gone && !ctx->is_foreseen &&
		firewall_update(&ctx->router->firewall, ctx->now, &err) != 0)
		log_error("firewall", "%s", err.text);
}
