// SPDX-License-Identifier: BSD-3-Clause
#include "control/baselines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/policy.h"

void baselines_fini(struct baselines *baselines)
{
	free(baselines->rules);
	*baselines = (struct baselines){0};
}

// --- what is taken off ---

// What is below its baseline began anew since: all of it counts.
static uint64_t since(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now;
}

static void take_off(struct dp_count *count, const struct dp_count *then)
{
	count->packets = since(count->packets, then->packets);
	count->bytes = since(count->bytes, then->bytes);
}

void baselines_interface(const struct baselines *baselines, const struct dataplane *dp, int id,
	struct dp_interface_stats *out)
{
	const struct dp_interface_stats *then;

	if (dataplane_interface_stats(dp, id, out) != 0)
		return;
	then = &baselines->interfaces[id];
	out->rx_packets = since(out->rx_packets, then->rx_packets);
	out->rx_bytes = since(out->rx_bytes, then->rx_bytes);
	out->tx_packets = since(out->tx_packets, then->tx_packets);
	out->tx_bytes = since(out->tx_bytes, then->tx_bytes);
	out->tx_dropped = since(out->tx_dropped, then->tx_dropped);
}

void baselines_port(const struct baselines *baselines, struct port *port, struct port_stats *out)
{
	const struct port_stats *then = NULL;

	port_stats(port, out);
	for (unsigned i = 0; i < baselines->n_ports; i++)
		if (strcmp(baselines->ports[i].name, port_info(port)->name) == 0)
			then = &baselines->ports[i].stats;
	if (then == NULL)
		return;
	out->rx_packets = since(out->rx_packets, then->rx_packets);
	out->rx_bytes = since(out->rx_bytes, then->rx_bytes);
	out->tx_packets = since(out->tx_packets, then->tx_packets);
	out->tx_bytes = since(out->tx_bytes, then->tx_bytes);
	out->rx_missed = since(out->rx_missed, then->rx_missed);
	out->rx_nombuf = since(out->rx_nombuf, then->rx_nombuf);
	out->rx_errors = since(out->rx_errors, then->rx_errors);
	out->tx_errors = since(out->tx_errors, then->tx_errors);
}

bool baselines_counter(const struct baselines *baselines, const struct dataplane *dp, unsigned i,
	struct dp_counter *out)
{
	if (!dataplane_counter(dp, i, out))
		return false;
	if (i < BASELINE_COUNTERS_MAX)
		out->packets = since(out->packets, baselines->counters[i]);
	return true;
}

void baselines_rule(const struct baselines *baselines, const struct dataplane *dp, uint32_t rule,
	struct dp_count *out)
{
	dataplane_rule_count(dp, rule, out);
	if (rule < baselines->n_rules)
		take_off(out, &baselines->rules[rule]);
}

void baselines_named(const struct baselines *baselines, const struct dataplane *dp,
	unsigned counter, struct dp_count *out)
{
	dataplane_named_count(dp, counter, out);
	take_off(out, &baselines->named[counter]);
}

void baselines_default(const struct baselines *baselines, const struct dataplane *dp,
	enum dp_hook hook, struct dp_count *out)
{
	dataplane_default_count(dp, hook, out);
	take_off(out, &baselines->defaults[hook]);
}

// --- clearing ---

static void clear_interfaces(
	struct baselines *baselines, const struct dataplane *dp, const struct ports *ports)
{
	for (int i = 0; i < DP_INTERFACES_MAX; i++)
		if (dataplane_interface_stats(dp, i, &baselines->interfaces[i]) != 0)
			baselines->interfaces[i] = (struct dp_interface_stats){0};
	baselines->n_ports = 0;
	for (unsigned i = 0; i < ports->n && i < DP_INTERFACES_MAX; i++) {
		struct baseline_port *to = &baselines->ports[baselines->n_ports++];

		snprintf(to->name, sizeof(to->name), "%s", port_info(ports->list[i].port)->name);
		port_stats(ports->list[i].port, &to->stats);
	}
}

static void clear_drops(struct baselines *baselines, const struct dataplane *dp)
{
	struct dp_counter counter;

	for (unsigned i = 0; i < BASELINE_COUNTERS_MAX && dataplane_counter(dp, i, &counter); i++)
		baselines->counters[i] = counter.packets;
}

static int clear_rules(struct baselines *baselines, const struct dataplane *dp)
{
	struct dp_count count, *rules;
	uint32_t n = 0;

	while (dataplane_rule_count(dp, n, &count))
		n++;
	rules = calloc(n + 1, sizeof(rules[0]));
	if (rules == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		dataplane_rule_count(dp, i, &rules[i]);
	free(baselines->rules);
	baselines->rules = rules;
	baselines->n_rules = n;
	for (unsigned i = 0; i < DP_COUNTERS_MAX; i++)
		dataplane_named_count(dp, i, &baselines->named[i]);
	for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
		dataplane_default_count(dp, (enum dp_hook)i, &baselines->defaults[i]);
	return 0;
}

int baselines_clear(struct baselines *baselines, enum baseline_kind kind,
	const struct dataplane *dp, const struct ports *ports)
{
	int rc = 0;

	switch (kind) {
	case BASELINE_INTERFACES:
		clear_interfaces(baselines, dp, ports);
		break;
	case BASELINE_DROPS:
		clear_drops(baselines, dp);
		break;
	case BASELINE_RULES:
		rc = clear_rules(baselines, dp);
		break;
	case BASELINE_KINDS:
		return -EINVAL;
	}
	if (rc == 0)
		baselines->cleared_ms[kind] = clock_now_ms();
	return rc;
}

void baselines_forget_interface(struct baselines *baselines, int id)
{
	baselines->interfaces[id] = (struct dp_interface_stats){0};
}

void baselines_forget_port(struct baselines *baselines, const struct port *port)
{
	for (unsigned i = 0; i < baselines->n_ports; i++)
		if (strcmp(baselines->ports[i].name, port_info(port)->name) == 0)
			baselines->ports[i].stats = (struct port_stats){0};
}

// --- from one policy to the next ---

void baselines_follow(struct baselines *baselines, const struct policy *policy)
{
	const struct dp_policy *dp = &policy->dp;
	struct dp_count named[DP_COUNTERS_MAX] = {0}, *rules;

	if (baselines->rules == NULL)
		return;
	rules = calloc(dp->n_rules + 1, sizeof(rules[0]));
	for (uint32_t i = 0; rules != NULL && dp->rules_before != NULL && i < dp->n_rules; i++)
		if (dp->rules_before[i] < baselines->n_rules)
			rules[i] = baselines->rules[dp->rules_before[i]];
	for (unsigned i = 0; dp->counters_before != NULL && i < policy->n_counters; i++)
		if (dp->counters_before[i] < DP_COUNTERS_MAX)
			named[i] = baselines->named[dp->counters_before[i]];
	memcpy(baselines->named, named, sizeof(named));
	free(baselines->rules);
	baselines->rules = rules; // without memory: since the start again
	baselines->n_rules = rules == NULL ? 0 : dp->n_rules;
}
