// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/uplink/uplink_ways.h"

enum { ANSWERS_PER_TURN = 32 };

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

// --- what it is, and who is asked ---

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

	uplink_ways_set(u, interface);
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
	uplink_ways_forget(u);
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
