// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/plan_routes.h"
#include "control/egress.h"

// --- what is for life: workers, memory, cards ---

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

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_mac(bool has_a, const struct mac_addr *a, bool has_b, const struct mac_addr *b)
{
	return has_a == has_b && (!has_a || memcmp(a, b, sizeof(*a)) == 0);
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
	if (before->n_cores != after->n_cores ||
		memcmp(before->cores, after->cores, before->n_cores * sizeof(before->cores[0])) !=
			0)
		needs_restart(plan, "workers.cores");
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

static bool is_same_card(const struct cfg_port *a, const struct cfg_port *b)
{
	return is_same_text(a->match_name, b->match_name) &&
	       is_same_text(a->match_pci, b->match_pci) &&
	       is_same_mac(a->has_match_mac, &a->match_mac, b->has_match_mac, &b->match_mac);
}

static bool is_same_virtual(const struct cfg_port *a, const struct cfg_port *b)
{
	return is_same_text(a->memif_socket, b->memif_socket) &&
	       a->memif_is_server == b->memif_is_server && is_same_text(a->tap_name, b->tap_name) &&
	       is_same_text(a->pcap_rx, b->pcap_rx) && is_same_text(a->pcap_tx, b->pcap_tx) &&
	       a->pcap_repeat == b->pcap_repeat;
}

static const struct cfg_port *find_port(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_ports; i++)
		if (strcmp(config->ports[i].name, name) == 0)
			return &config->ports[i];
	return NULL;
}

static const struct cfg_interface *find_interface(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (strcmp(config->interfaces[i].name, name) == 0)
			return &config->interfaces[i];
	return NULL;
}

// A port that no interface is on is not opened, whatever is said of it.
static bool is_open(const struct config *config, const char *port)
{
	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (strcmp(config->interfaces[i].port, port) == 0)
			return true;
	return false;
}

static void compare_port(struct plan *plan, const struct cfg_port *a, const struct cfg_port *b)
{
	if (!is_same_card(a, b))
		needs_restart(plan, "ports.%s.match", a->name);
	if (a->driver != b->driver)
		needs_restart(plan, "ports.%s.driver", a->name);
	if (!is_same_mac(a->has_mac, &a->mac, b->has_mac, &b->mac))
		needs_restart(plan, "ports.%s.mac", a->name);
	if (a->queues != b->queues)
		needs_restart(plan, "ports.%s.queues", a->name);
	if (a->allow_no_iommu != b->allow_no_iommu)
		needs_restart(plan, "ports.%s.allow-no-iommu", a->name);
	if (!is_same_virtual(a, b))
		needs_restart(plan, "ports.%s", a->name);
	if (a->mtu == b->mtu)
		return;
	if (b->mtu == 0) // nobody has noted what the card had
		needs_restart(plan, "ports.%s.mtu", a->name);
	else
		plan->mtus[plan->n_mtus++] = (struct plan_mtu){a->name, b->mtu};
}

static void compare_ports(
	struct plan *plan, const struct config *before, const struct config *after)
{
	for (unsigned i = 0; i < before->n_ports; i++) {
		const struct cfg_port *a = &before->ports[i], *b = find_port(after, a->name);

		if (b != NULL && is_open(before, a->name) && is_open(after, a->name))
			compare_port(plan, a, b);
	}
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

// --- interfaces ---

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

// To what leads outside, the workers and the card's RSS are set up once.
static void compare_interfaces(
	struct plan *plan, const struct config *before, const struct config *after)
{
	for (unsigned i = 0; i < before->n_interfaces; i++) {
		const struct cfg_interface *a = &before->interfaces[i];
		const struct cfg_interface *b = find_interface(after, a->name);

		if (b == NULL) {
			needs_restart(plan, "interfaces.%s", a->name);
			continue;
		}
		if (strcmp(a->port, b->port) != 0)
			needs_restart(plan, "interfaces.%s.port", a->name);
		if (egress_is_outside(before, a->name) != egress_is_outside(after, a->name))
			needs_restart(plan, "interfaces.%s leads to the internet %s", a->name,
				egress_is_outside(after, a->name) ? "now" : "no longer");
		list_addresses(b, a, plan->added, &plan->n_added);
		list_addresses(a, b, plan->removed, &plan->n_removed);
	}
	for (unsigned i = 0; i < after->n_interfaces; i++)
		if (find_interface(before, after->interfaces[i].name) == NULL)
			needs_restart(plan, "interfaces.%s", after->interfaces[i].name);
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
	plan->mtus = calloc(before->n_ports + 1, sizeof(plan->mtus[0]));
	if (plan->added == NULL || plan->removed == NULL || plan->mtus == NULL ||
		plan_routes(plan, before, after) != 0) {
		plan_free(plan);
		return NULL;
	}
	compare_router(plan, before, after);
	compare_ports(plan, before, after);
	compare_interfaces(plan, before, after);
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
	free(plan->mtus);
	free(plan);
}
