// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/plan_interfaces.h"
#include "control/apply/plan_routes.h"

// --- what is for life: the number of workers, memory ---

static void __attribute__((format(printf, 2, 3)))
needs_restart(struct plan *plan, const char *fmt, ...)
{
	va_list ap;

	if (plan->n_restarts == PLAN_RESTARTS_MAX) {
		plan->n_more_restarts++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(plan->restarts[plan->n_restarts++], PLAN_PATH_MAX + 1, fmt, ap);
	va_end(ap);
}

// Its rings are as large as at the start; what is done with them follows the config.
static void compare_recorder(
	struct plan *plan, const struct cfg_recorder *before, const struct cfg_recorder *after)
{
	if (before->is_there != after->is_there) {
		needs_restart(plan, "recorder");
		return;
	}
	if (before->memory_mib != after->memory_mib)
		needs_restart(plan, "recorder.memory");
	if (before->packet_bytes != after->packet_bytes)
		needs_restart(plan, "recorder.packet-bytes");
	if (before->kinds != after->kinds)
		needs_restart(plan, "recorder.packets");
}

static void compare_router(
	struct plan *plan, const struct config *before, const struct config *after)
{
	if (before->idle != after->idle)
		needs_restart(plan, "workers.idle");
	if (before->hugepages != after->hugepages)
		needs_restart(plan, "memory.hugepages");
	if (before->flow_capacity != after->flow_capacity)
		needs_restart(plan, "flows.capacity");
	if (strcmp(before->state_file, after->state_file) != 0)
		needs_restart(plan, "state.file");
	compare_recorder(plan, &before->recorder, &after->recorder);
}

static void compare_sets(struct plan *plan, const struct config *before, const struct config *after)
{
	for (unsigned i = 0; i < after->n_sets; i++) {
		const struct cfg_set *b = &after->sets[i];

		if (b->timeout_sec == 0)
			continue;
		for (unsigned k = 0; k < before->n_sets; k++) {
			const struct cfg_set *a = &before->sets[k];

			if (a->timeout_sec != 0 && strcmp(a->name, b->name) == 0 &&
				a->capacity != b->capacity)
				needs_restart(plan, "sets.%s.capacity", a->name);
		}
	}
}

// Flows are divided among so many workers for life: what changes is how many cores they share.
int plan_cores(struct plan *plan, const struct config *before, const struct config *after,
	const struct cores *now, const cpu_set_t *allowed, struct error *err)
{
	struct cores *next = &plan->workers.after;

	if (before->n_workers == after->n_workers && before->n_cores == after->n_cores &&
		memcmp(before->cores, after->cores, before->n_cores * sizeof(before->cores[0])) ==
			0)
		return 0;
	if (cores_choose(next, after, allowed, err) != 0)
		return -1;
	if (next->n_cores > now->n_workers ||
		(after->n_workers != 0 && after->n_workers != now->n_workers))
		needs_restart(plan, "workers.count");
	next->n_workers = now->n_workers;
	plan->workers.move =
		next->n_cores != now->n_cores ||
		memcmp(next->workers, now->workers, next->n_cores * sizeof(next->workers[0])) != 0;
	return 0;
}

// --- addresses ---

static bool has_address(const struct cfg_interface *interface, const struct ip_prefix *prefix)
{
	for (unsigned i = 0; i < interface->n_addresses; i++)
		if (interface->addresses[i].len == prefix->len &&
			ip_addr_equal(&interface->addresses[i].addr, &prefix->addr))
			return true;
	return false;
}

// The addresses of `a` that are not on `b`.
static void list_addresses(const struct cfg_interface *a, const struct cfg_interface *b,
	struct plan_address *out, unsigned *n)
{
	for (unsigned i = 0; i < a->n_addresses; i++)
		if (!has_address(b, &a->addresses[i]))
			out[(*n)++] = (struct plan_address){a->name, a->addresses[i]};
}

static void compare_addresses(
	struct plan *plan, const struct config *before, const struct config *after)
{
	static const struct cfg_interface none;

	for (unsigned i = 0; i < after->n_interfaces; i++) {
		const struct cfg_interface *b = &after->interfaces[i];
		const struct cfg_interface *a =
			plan_is_kept(plan, b->name) ? plan_find_interface(before, b->name) : &none;

		list_addresses(b, a, plan->added, &plan->n_added);
		if (a != &none)
			list_addresses(a, b, plan->removed, &plan->n_removed);
	}
}

// --- all of it ---

struct plan *plan_new(const struct config *before, const struct config *after)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (plan == NULL)
		return NULL;
	plan->added =
		calloc((size_t)after->n_interfaces * CFG_ADDRESSES_MAX + 1, sizeof(plan->added[0]));
	plan->removed = calloc(
		(size_t)before->n_interfaces * CFG_ADDRESSES_MAX + 1, sizeof(plan->removed[0]));
	if (plan->added == NULL || plan->removed == NULL || plan_routes(plan, before, after) != 0 ||
		plan_interfaces(plan, before, after) != 0) {
		plan_free(plan);
		return NULL;
	}
	compare_router(plan, before, after);
	compare_addresses(plan, before, after);
	compare_sets(plan, before, after);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->added);
	free(plan->removed);
	free(plan->routes);
	free(plan->interfaces);
	free(plan->mtus);
	free(plan);
}
