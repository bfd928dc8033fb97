// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/addresses.h"
#include "control/uplink/uplink_metric.h"

enum { ROUTES_MAX = 32, ANSWERS_PER_TURN = 32 };

static const uint8_t families[] = {IP_V4, IP_V6};

const struct interface *uplink_interface(const struct uplink *u)
{
	const struct interface *interface =
		interfaces_by_name(&u->router->interfaces, u->interface);

	return interface == NULL || interface->is_gone ? NULL : interface;
}

static struct log_object object_of(const struct uplink *u)
{
	return log_object("uplink", u->name);
}

// --- asking ---

static void ask_neighbour(struct uplink *u, const struct ip_addr *addr)
{
	const struct interface *interface = uplink_interface(u);

	if (interface != NULL)
		neighbours_probe(&u->router->neighbours, interface->id, addr);
}

static void op_ask(void *ctx, unsigned index, uint16_t sequence)
{
	struct uplink *u = ctx;
	const struct ip_addr *target = &u->targets[index];
	int rc;

	u->asked_us[index] = uplink_probe_now_us();
	if (u->asks_neighbours) {
		ask_neighbour(u, target);
		return;
	}
	// Without a way the kernel would look for it on the link.
	if (!u->has_way[target->family == IP_V6])
		return;
	rc = uplink_probe_ask(&u->probe, target, sequence);
	if (rc != 0) // lost in its time
		log_debug(object_of(u).text, "cannot send a probe: %s", strerror(-rc));
}

static void op_changed(void *ctx, enum uplink_state before)
{
	struct uplink *u = ctx;

	u->changed(u, before);
}

static const struct uplink_health_ops health_ops = {.ask = op_ask, .changed = op_changed};

// --- hearing ---

static void hear_neighbours(struct uplink *u)
{
	const struct interface *interface = uplink_interface(u);

	for (unsigned i = 0; i < u->health.n_targets && interface != NULL; i++) {
		const struct uplink_target *target = &u->health.targets[i];
		const struct neighbour *neighbour = neighbour_table_find(
			u->router->neighbours.table, interface->id, &u->targets[i]);

		if (!target->is_waiting || neighbour == NULL)
			continue;
		if (neighbour->is_permanent) // nobody asks it, as somebody has said so
			uplink_health_rx(&u->health, i, target->sequence, 0, clock_now_ms());
		else if (neighbour->confirmed_ms >= target->asked_ms)
			uplink_health_rx(&u->health, i, target->sequence,
				(uint32_t)(neighbour->confirmed_ms - target->asked_ms) * 1000,
				clock_now_ms());
	}
}

static void turn(struct uplink *u)
{
	uint64_t now_ms = clock_now_ms(), next_ms;
	struct timeval wait;

	if (u->asks_neighbours)
		hear_neighbours(u);
	next_ms = uplink_health_tick(&u->health, now_ms);
	next_ms = next_ms > now_ms ? next_ms - now_ms : 1;
	wait = (struct timeval){.tv_sec = (time_t)(next_ms / 1000),
		.tv_usec = (suseconds_t)(next_ms % 1000 * 1000)};
	event_add(u->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct uplink *u = ctx;

	uplink_refresh(u);
	turn(u);
}

static void on_answer(struct uplink *u, const struct uplink_probe_answer *answer)
{
	for (unsigned i = 0; i < u->health.n_targets; i++) {
		int64_t took_us = answer->time_us - u->asked_us[i];

		if (!ip_addr_equal(&u->targets[i], &answer->from))
			continue;
		if (took_us < 1)
			took_us = 1; // the clock was set
		if (took_us <= UPLINK_WAIT_MS * 1000)
			uplink_health_rx(
				&u->health, i, answer->sequence, (uint32_t)took_us, clock_now_ms());
	}
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct uplink *u = ctx;
	struct uplink_probe_answer answer;

	for (unsigned f = 0; f < UPLINK_PROBE_FAMILIES; f++)
		for (unsigned i = 0; u->probe.fds[f] == fd && i < ANSWERS_PER_TURN &&
				     uplink_probe_hear(&u->probe, families[f], &answer) == 1;
			i++)
			on_answer(u, &answer);
	turn(u);
}

static void close_probe(struct uplink *u)
{
	for (unsigned i = 0; i < UPLINK_PROBE_FAMILIES; i++) {
		if (u->readable[i] != NULL)
			event_free(u->readable[i]);
		u->readable[i] = NULL;
	}
	if (u->is_probe_open)
		uplink_probe_close(&u->probe);
	u->is_probe_open = false;
}

static void open_probe(struct uplink *u)
{
	int rc = uplink_probe_open(&u->probe, u->interface);

	u->is_probe_open = rc == 0;
	if (rc != 0)
		log_warning(object_of(u).text, "cannot be probed: %s", strerror(-rc));
	for (unsigned i = 0; i < UPLINK_PROBE_FAMILIES && rc == 0; i++) {
		if (u->probe.fds[i] < 0)
			continue;
		u->readable[i] = event_new(
			u->router->base, u->probe.fds[i], EV_READ | EV_PERSIST, on_readable, u);
		if (u->readable[i] != NULL)
			event_add(u->readable[i], NULL);
	}
}

// --- its ways ---

static bool find_way(const struct uplink *u, const struct interface *interface, unsigned f,
	struct uplink_way *way)
{
	const struct ip_addr any = {.family = families[f]};
	struct rib_found found[ROUTES_MAX];
	unsigned n;

	*way = (struct uplink_way){.ifindex = interface->tap.ifindex, .shares = 1};
	for (unsigned i = 0; i < u->config.n_via; i++)
		if (u->config.via[i].family == families[f]) {
			way->via = u->config.via[i];
			return true;
		}
	n = rib_find(u->router->rib, &any, found, ROUTES_MAX);
	for (unsigned i = 0; i < n; i++) {
		const struct dp_route *route = &found[i].route.route;

		if (route->to.len > 0 || route->kind != DP_ROUTE_UNICAST ||
			found[i].route.protocol == UPLINK_ROUTES_PROTOCOL)
			continue;
		for (unsigned k = 0; k < route->n_nexthops; k++)
			if (route->nexthops[k].interface == interface->id) {
				way->via = route->nexthops[k].via;
				return true;
			}
	}
	return false;
}

static bool is_same_way(const struct uplink_way *a, const struct uplink_way *b)
{
	return a->ifindex == b->ifindex && a->via.family == b->via.family &&
	       (a->via.family == IP_NONE || ip_addr_equal(&a->via, &b->via));
}

// The workers may have forgotten it with the interface: its id may be another's.
static void tell_workers(struct uplink *u, const struct interface *interface, unsigned f)
{
	int id = interface == NULL || !u->has_way[f] ? -1 : interface->id;
	struct dp_nexthop nexthop = {.interface = id, .via = u->ways[f].via};

	if (u->reply_id[f] >= 0 && u->reply_id[f] != id)
		dataplane_reply_way_set(u->router->dp, u->reply_id[f], families[f], NULL);
	if (id >= 0 && dataplane_reply_way_set(u->router->dp, id, families[f], &nexthop) != 0)
		id = -1;
	u->reply_id[f] = id;
	dataplane_routes_commit(u->router->dp);
}

static void set_way(struct uplink *u, const struct interface *interface, unsigned f)
{
	struct netlink *netlink = u->router->netlink;
	struct uplink_way way = {0};
	bool has_way =
		interface != NULL && interface->is_admin_up && find_way(u, interface, f, &way);
	bool wants_spare = has_way && u->config.n_via > 0;
	int rc;

	if (has_way == u->has_way[f] && wants_spare == u->has_spare[f] &&
		(!has_way || is_same_way(&way, &u->ways[f])))
		return;
	rc = uplink_routes_own(netlink, families[f], u->number, has_way ? &way : NULL, wants_spare);
	if (rc < 0 && has_way) {
		log_warning(object_of(u).text, "the kernel does not take its route: %s",
			nl_geterror(rc));
		return; // once more at the next turn
	}
	u->has_way[f] = has_way;
	u->has_spare[f] = wants_spare;
	u->ways[f] = way;
	tell_workers(u, interface, f);
}

static bool is_among(const struct ip_addr *list, unsigned n, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < n; i++)
		if (ip_addr_equal(&list[i], addr))
			return true;
	return false;
}

static void set_rules(struct uplink *u, const struct interface *interface)
{
	struct ip_addr wanted[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; interface != NULL && i < interface->n_addresses; i++) {
		const struct ip_addr *addr = &interface->addresses[i].prefix.addr;

		if (u->has_way[addr->family == IP_V6] && !ip_addr_is_link_local(addr) &&
			!is_among(wanted, n, addr))
			wanted[n++] = *addr;
	}
	for (unsigned i = 0; i < n; i++)
		if (!is_among(u->ruled, u->n_ruled, &wanted[i]))
			uplink_routes_rule(u->router->netlink, u->number, &wanted[i], true);
	for (unsigned i = 0; i < u->n_ruled; i++)
		if (!is_among(wanted, n, &u->ruled[i]))
			uplink_routes_rule(u->router->netlink, u->number, &u->ruled[i], false);
	memcpy(u->ruled, wanted, n * sizeof(wanted[0]));
	u->n_ruled = n;
}

// Its probes, or its next routers. Whether they are others than before.
static bool set_targets(struct uplink *u)
{
	struct ip_addr targets[UPLINK_TARGETS_MAX];
	unsigned n = 0;

	u->asks_neighbours = u->config.n_probes == 0;
	for (unsigned i = 0; i < u->config.n_probes; i++)
		targets[n++] = u->config.probes[i];
	for (unsigned f = 0; f < 2 && u->asks_neighbours; f++)
		if (u->has_way[f] && u->ways[f].via.family != IP_NONE)
			targets[n++] = u->ways[f].via;
	if (n == u->health.n_targets && memcmp(targets, u->targets, n * sizeof(targets[0])) == 0)
		return false;
	memcpy(u->targets, targets, n * sizeof(targets[0]));
	u->health.n_targets = n;
	return true;
}

static struct uplink_health_config health_config(const struct cfg_uplink *config)
{
	return (struct uplink_health_config){
		.interval_ms = config->interval_sec * 1000,
		.hold_ms = config->hold_sec * 1000,
		.lost = config->lost,
		.answered = config->answered,
		.loss_percent = config->loss_percent,
	};
}

void uplink_refresh(struct uplink *u)
{
	const struct interface *interface = uplink_interface(u);
	struct uplink_health_config config = health_config(&u->config);
	bool is_up;

	for (unsigned f = 0; f < 2; f++)
		set_way(u, interface, f);
	set_rules(u, interface);
	if (interface != NULL && !u->is_probe_open)
		open_probe(u);
	is_up = interface != NULL && interface_is_up(interface) && (u->has_way[0] || u->has_way[1]);
	if (set_targets(u))
		uplink_health_configure(&u->health, &config, u->health.n_targets, clock_now_ms());
	if (is_up == u->health.is_link_up)
		return;
	uplink_health_link(&u->health, is_up, clock_now_ms());
	turn(u);
}

void uplink_configure(struct uplink *u, const struct cfg_uplink *config)
{
	struct uplink_health_config health = health_config(config);

	u->config = *config;
	u->config.name = u->name;
	u->config.interface = u->interface;
	set_targets(u);
	uplink_health_configure(&u->health, &health, u->health.n_targets, clock_now_ms());
}

void uplink_forget_ways(struct uplink *u)
{
	for (unsigned f = 0; f < 2; f++) {
		if (u->has_way[f])
			uplink_routes_own(
				u->router->netlink, families[f], u->number, NULL, u->has_spare[f]);
		u->has_way[f] = u->has_spare[f] = false;
		tell_workers(u, NULL, f);
	}
	set_rules(u, NULL);
	close_probe(u); // it is bound to that device
}

struct uplink *uplink_new(struct router *router, const struct cfg_uplink *config, unsigned number,
	void (*changed)(struct uplink *uplink, enum uplink_state before), void *changed_ctx)
{
	struct uplink_health_config health = health_config(config);
	struct uplink *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	*u = (struct uplink){.router = router,
		.changed = changed,
		.changed_ctx = changed_ctx,
		.number = number,
		.reply_id = {-1, -1}};
	snprintf(u->name, sizeof(u->name), "%s", config->name);
	snprintf(u->interface, sizeof(u->interface), "%s", config->interface);
	u->timer = event_new(router->base, -1, 0, on_timer, u);
	if (u->timer == NULL) {
		free(u);
		return NULL;
	}
	uplink_health_init(&u->health, &health, 0, &health_ops, u, clock_now_ms());
	uplink_configure(u, config);
	turn(u);
	return u;
}

void uplink_free(struct uplink *u)
{
	if (u == NULL)
		return;
	uplink_forget_ways(u);
	event_free(u->timer);
	free(u);
}
