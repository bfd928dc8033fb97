// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/recording_dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/port.h"

struct recording recording;

struct port {
	struct port_info info;
	bool is_open;
};

static struct port ports[DP_INTERFACES_MAX];

static void *copy_of(const void *array, size_t n, size_t bytes)
{
	void *copy = calloc(n + 1, bytes);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, array, n * bytes);
	return copy;
}

// All that policies and timed sets hold was made by copy_of.
static void forget_policy(void)
{
	const struct dp_policy *policy = &recording.policy;

	for (unsigned i = 0; i < policy->n_sets; i++) {
		free((void *)policy->sets[i].prefixes);
		free((void *)policy->sets[i].ranges);
		free((void *)policy->sets[i].macs);
	}
	free((void *)policy->lists);
	free((void *)policy->rules);
	free((void *)policy->sets);
	free((void *)policy->rates);
	free((void *)policy->logs);
	free((void *)policy->nats);
	recording.policy = (struct dp_policy){0};
}

struct dataplane *recording_reset(void)
{
	static char stands_for_it;

	forget_policy();
	for (unsigned i = 0; i < DP_TIMED_SETS_MAX; i++)
		free(recording.timed[i].entries);
	memset(&recording, 0, sizeof(recording));
	memset(ports, 0, sizeof(ports));
	recording.port_mtu = recording.port_mtu_set = recording.port_mtu_max = 1500;
	recording.link = (struct port_link){true, 1000, true};
	return (struct dataplane *)&stands_for_it;
}

static unsigned find_route(const struct ip_prefix *to)
{
	unsigned i = 0;

	while (i < recording.n_routes &&
		(recording.routes[i].to.len != to->len ||
			!ip_addr_equal(&recording.routes[i].to.addr, &to->addr)))
		i++;
	return i;
}

const struct dp_route *recorded_route(const char *text)
{
	struct ip_prefix to;
	unsigned at;

	if (ip_prefix_parse(text, &to) != 0)
		return NULL;
	at = find_route(&to);
	return at < recording.n_routes ? &recording.routes[at] : NULL;
}

int dataplane_route_set(struct dataplane *dp, const struct dp_route *route)
{
	unsigned at;

	recording.n_route_sets++;
	if (recording.only_counts)
		return 0;
	at = find_route(&route->to);
	if (at == RECORDED_MAX || recording.is_refusing)
		return -ENOSPC;
	if (at == recording.n_routes && recording.route_capacity > 0 &&
		recording.n_routes >= recording.route_capacity)
		return -ENOSPC;
	recording.routes[at] = *route;
	if (at == recording.n_routes)
		recording.n_routes++;
	return 0;
}

int dataplane_route_delete(struct dataplane *dp, const struct ip_prefix *to)
{
	unsigned at = find_route(to);

	recording.n_route_deletes++;
	if (recording.only_counts)
		return 0;
	if (at == recording.n_routes)
		return -ENOENT;
	recording.routes[at] = recording.routes[--recording.n_routes];
	return 0;
}

int dataplane_reply_way_set(
	struct dataplane *dp, int id, uint8_t family, const struct dp_nexthop *way)
{
	return 0;
}

void dataplane_routes_commit(struct dataplane *dp)
{
	recording.n_commits++;
}

static unsigned find_neighbour(int interface, const struct ip_addr *addr)
{
	unsigned i = 0;

	while (i < recording.n_neighbours &&
		(recording.neighbours[i].interface != interface ||
			!ip_addr_equal(&recording.neighbours[i].addr, addr)))
		i++;
	return i;
}

const struct recorded_neighbour *recorded_neighbour(int interface, const char *text)
{
	struct ip_addr addr;
	unsigned at;

	if (ip_addr_parse(text, &addr) != 0)
		return NULL;
	at = find_neighbour(interface, &addr);
	return at < recording.n_neighbours ? &recording.neighbours[at] : NULL;
}

int dataplane_neighbour_set(
	struct dataplane *dp, int interface, const struct ip_addr *addr, const struct mac_addr *mac)
{
	unsigned at = find_neighbour(interface, addr);

	if (at == RECORDED_MAX)
		return -ENOSPC;
	recording.neighbours[at] = (struct recorded_neighbour){interface, *addr, *mac};
	if (at == recording.n_neighbours)
		recording.n_neighbours++;
	return 0;
}

int dataplane_neighbour_delete(struct dataplane *dp, int interface, const struct ip_addr *addr)
{
	unsigned at = find_neighbour(interface, addr);

	recording.n_neighbour_deletes++;
	if (at == recording.n_neighbours)
		return -ENOENT;
	recording.neighbours[at] = recording.neighbours[--recording.n_neighbours];
	return 0;
}

void dataplane_neighbours_used(struct dataplane *dp, dp_neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < recording.n_used; i++)
		fn(ctx, recording.used[i].interface, &recording.used[i].addr);
	recording.n_used = 0;
}

int dataplane_interface_add(struct dataplane *dp, const struct dp_interface *told)
{
	for (int id = 0; id < DP_INTERFACES_MAX; id++) {
		if (recording.interfaces[id].is_used ||
			(told->ids != 0 && (told->ids >> id & 1) == 0))
			continue;
		recording.interfaces[id] =
			(struct recorded_interface){.is_used = true, .told = *told};
		return id;
	}
	return -ENOSPC;
}

int dataplane_interface_remove(struct dataplane *dp, int id)
{
	recording.interfaces[id].is_used = false;
	return 0;
}

int dataplane_interface_set_link(struct dataplane *dp, int id, bool is_up)
{
	recording.interfaces[id].is_up = is_up;
	return 0;
}

int dataplane_cores_set(struct dataplane *dp, const int *cores, unsigned n, struct error *err)
{
	if (recording.is_refusing_cores)
		return error_set(err, "no thread");
	memcpy(recording.cores, cores, n * sizeof(*cores));
	recording.n_cores = n;
	recording.n_core_sets++;
	return 0;
}

int dataplane_interface_set_mtu(struct dataplane *dp, int id, uint16_t mtu)
{
	recording.interfaces[id].told.mtu = mtu;
	return 0;
}

int dataplane_interface_set_addresses(
	struct dataplane *dp, int id, const struct ip_prefix *addresses, unsigned n)
{
	recording.interfaces[id].n_addresses = n;
	memcpy(recording.interfaces[id].addresses, addresses, n * sizeof(*addresses));
	return 0;
}

// --- policy ---

static void carry_counts(const struct dp_policy *next)
{
	struct dp_count rules[RECORDED_RULES_MAX] = {0}, named[RECORDED_RULES_MAX] = {0};

	for (unsigned i = 0; next->rules_before != NULL && i < next->n_rules; i++) {
		uint16_t counter = next->rules[i].counter;

		if (i < RECORDED_RULES_MAX && next->rules_before[i] < RECORDED_RULES_MAX)
			rules[i] = recording.rule_counts[next->rules_before[i]];
		if (counter < RECORDED_RULES_MAX &&
			next->counters_before[counter] < RECORDED_RULES_MAX)
			named[counter] = recording.named_counts[next->counters_before[counter]];
	}
	memcpy(recording.rule_counts, rules, sizeof(rules));
	memcpy(recording.named_counts, named, sizeof(named));
}

struct compiled_policy *dataplane_policy_compile(
	struct dataplane *dp, const struct dp_policy *policy, struct error *err)
{
	static char stands_for_it;

	if (!recording.is_refusing_policies)
		return (struct compiled_policy *)&stands_for_it;
	error_set(err, "as you wish");
	return NULL;
}

void dataplane_policy_free(struct compiled_policy *policy)
{
}

struct compiled_policy *dataplane_policy_exchange(struct dataplane *dp,
	struct compiled_policy *next, const struct dp_policy *policy, struct error *err)
{
	struct dp_set *sets;

	forget_policy();
	recording.policy = *policy;
	recording.policy.lists = copy_of(policy->lists, policy->n_lists, sizeof(policy->lists[0]));
	recording.policy.rules = copy_of(policy->rules, policy->n_rules, sizeof(policy->rules[0]));
	recording.policy.rates = copy_of(policy->rates, policy->n_rates, sizeof(policy->rates[0]));
	recording.policy.logs = copy_of(policy->logs, policy->n_logs, sizeof(policy->logs[0]));
	recording.policy.nats = copy_of(policy->nats, policy->n_nats, sizeof(policy->nats[0]));
	sets = copy_of(policy->sets, policy->n_sets, sizeof(policy->sets[0]));
	for (unsigned i = 0; i < policy->n_sets; i++) {
		sets[i].prefixes =
			copy_of(sets[i].prefixes, sets[i].n_prefixes, sizeof(sets[i].prefixes[0]));
		sets[i].ranges =
			copy_of(sets[i].ranges, sets[i].n_ranges, sizeof(sets[i].ranges[0]));
		sets[i].macs = copy_of(sets[i].macs, sets[i].n_macs, sizeof(sets[i].macs[0]));
	}
	recording.policy.sets = sets;
	recording.n_policies++;
	recording.schedules = policy->active_schedules;
	recording.policy.rules_before = NULL;
	recording.policy.counters_before = NULL;
	carry_counts(policy);
	return next;
}

uint32_t dataplane_policy_serial(const struct dataplane *dp)
{
	return recording.n_policies;
}

void dataplane_schedules_set(struct dataplane *dp, uint64_t active)
{
	recording.schedules = active;
	recording.n_schedule_sets++;
}

bool dataplane_rule_count(const struct dataplane *dp, uint32_t rule, struct dp_count *out)
{
	if (rule >= recording.policy.n_rules || rule >= RECORDED_RULES_MAX)
		return false;
	*out = recording.rule_counts[rule];
	return true;
}

bool dataplane_named_count(const struct dataplane *dp, unsigned counter, struct dp_count *out)
{
	if (counter >= RECORDED_RULES_MAX)
		return false;
	*out = recording.named_counts[counter];
	return true;
}

bool dataplane_default_count(const struct dataplane *dp, enum dp_hook hook, struct dp_count *out)
{
	*out = recording.default_counts[hook];
	return true;
}

// --- timed sets ---

int dataplane_timed_open(struct dataplane *dp, uint16_t timed, uint32_t capacity)
{
	if (recording.timed[timed].capacity != 0)
		return -EEXIST;
	recording.timed[timed].capacity = capacity;
	recording.timed[timed].entries = copy_of(NULL, 0, sizeof(struct dp_timed_entry));
	return 0;
}

static uint32_t find_timed(const struct recorded_timed_set *set, const struct ip_prefix *prefix)
{
	uint32_t i = 0;

	while (i < set->n && (set->entries[i].prefix.len != prefix->len ||
				     !ip_addr_equal(&set->entries[i].prefix.addr, &prefix->addr)))
		i++;
	return i;
}

const struct dp_timed_entry *recorded_timed(unsigned timed, const char *text)
{
	struct recorded_timed_set *set = &recording.timed[timed];
	struct ip_prefix prefix;
	uint32_t at;

	if (ip_prefix_parse(text, &prefix) != 0)
		abort();
	at = find_timed(set, &prefix);
	return at < set->n ? &set->entries[at] : NULL;
}

int dataplane_timed_add(
	struct dataplane *dp, uint16_t timed, const struct dp_timed_entry *entry, bool replaces)
{
	struct recorded_timed_set *set = &recording.timed[timed];
	uint32_t at = find_timed(set, &entry->prefix);

	if (at == set->n) {
		if (set->n == set->capacity)
			return -ENOSPC;
		set->entries = realloc(set->entries, (set->n + 1) * sizeof(struct dp_timed_entry));
		if (set->entries == NULL)
			abort();
		set->entries[set->n++] = *entry;
	} else if (replaces || entry->left_sec > set->entries[at].left_sec) {
		set->entries[at] = *entry;
	}
	return 0;
}

int dataplane_timed_delete(struct dataplane *dp, uint16_t timed, const struct ip_prefix *prefix)
{
	struct recorded_timed_set *set = &recording.timed[timed];
	uint32_t at = find_timed(set, prefix);

	if (at == set->n)
		return -ENOENT;
	set->entries[at] = set->entries[--set->n];
	return 0;
}

bool dataplane_timed_next(
	const struct dataplane *dp, uint16_t timed, uint32_t *cursor, struct dp_timed_entry *entry)
{
	const struct recorded_timed_set *set = &recording.timed[timed];

	if (*cursor >= set->n)
		return false;
	*entry = set->entries[(*cursor)++];
	return true;
}

bool dataplane_timed_some(const struct dataplane *dp, uint16_t timed, uint32_t *cursor,
	struct dp_timed_entry *out, unsigned max, unsigned *n)
{
	*n = 0;
	while (*n < max && dataplane_timed_next(dp, timed, cursor, &out[*n]))
		++*n;
	return *cursor < recording.timed[timed].n;
}

// --- counters and flows ---

int dataplane_interface_stats(const struct dataplane *dp, int id, struct dp_interface_stats *out)
{
	if (!recording.interfaces[id].is_used)
		return -ENOENT;
	*out = recording.stats[id];
	return 0;
}

bool dataplane_flows(const struct dataplane *dp, uint64_t *cursor, struct dp_flow *out,
	unsigned max, unsigned *n)
{
	*n = 0;
	while (*n < max && *cursor < recording.n_flows)
		out[(*n)++] = recording.flows[(*cursor)++];
	return *cursor < recording.n_flows;
}

struct dp_forecast {
	unsigned at;
};

struct dp_forecast *dataplane_forecast_new(struct dataplane *dp, const struct dp_forecast_of *of)
{
	recording.n_forecasts++;
	recording.forecast_interfaces = of->interfaces_gone;
	return calloc(1, sizeof(struct dp_forecast));
}

void dataplane_forecast_free(struct dp_forecast *forecast)
{
	free(forecast);
}

int dataplane_forecast_some(struct dp_forecast *forecast, struct dp_foreseen out[DP_FORECAST_LOOKS],
	unsigned *n, uint64_t *judged)
{
	unsigned first = recording.n_living - recording.n_foreseen;

	*n = 0;
	recording.n_forecast_parts++;
	for (unsigned i = 0; i < DP_FORECAST_LOOKS && forecast->at < recording.n_living; i++) {
		if (forecast->at >= first)
			out[(*n)++] = recording.foreseen[forecast->at - first];
		forecast->at++;
		++*judged;
	}
	return forecast->at < recording.n_living;
}

// The workers do one flow each time that they are asked whether they are done.
int dataplane_flow_end(struct dataplane *dp, const struct dp_flow *flow, bool resets)
{
	if (recording.n_ends - recording.n_ended >= RECORDED_ENDS_ROOM)
		return -EAGAIN;
	recording.ends[recording.n_ends] = *flow;
	recording.ends_reset[recording.n_ends++] = resets;
	return 0;
}

bool dataplane_flows_ended(struct dataplane *dp, uint64_t *n)
{
	if (recording.n_ended < recording.n_ends && !recording.is_stalled)
		recording.n_ended++;
	*n = recording.n_ended;
	return recording.n_ended == recording.n_ends;
}

// --- ports ---

int port_stats(struct port *asked, struct port_stats *out)
{
	*out = recording.port_stats;
	return 0;
}

static struct port_info info_of(const char *name, uint16_t mtu)
{
	struct port_info info = {
		.driver = PORT_DRIVER_NULL,
		.n_rxq = 1,
		.n_txq = 1,
		.mac = {{0x02, 0, 0, 0, 0xaa, 0x01}},
		.mtu = mtu,
	};

	snprintf(info.name, sizeof(info.name), "%s", name);
	return info;
}

struct port *port_open(const struct port_spec *spec, struct error *err)
{
	unsigned i = 0;

	while (ports[i].is_open)
		i++;
	ports[i] = (struct port){
		info_of(spec->name, spec->mtu != 0 ? spec->mtu : recording.port_mtu), true};
	return &ports[i];
}

void port_close(struct port *closed)
{
	closed->is_open = false;
}

const struct port_info *port_info(const struct port *asked)
{
	return &asked->info;
}

void port_link(const struct port *asked, struct port_link *out)
{
	*out = recording.link;
}

int port_set_mtu(struct port *asked, uint16_t mtu, struct error *err)
{
	if (mtu > recording.port_mtu_max)
		return error_set(err, "too large");
	asked->info.mtu = recording.port_mtu_set = mtu;
	return 0;
}

int port_vlan_add(struct port *asked, uint16_t vlan, struct error *err)
{
	if (vlan == recording.vlan_refused)
		return error_set(err, "the card does not take VLAN %u", vlan);
	recording.n_port_vlans++;
	return 0;
}

void port_vlan_remove(struct port *asked, uint16_t vlan)
{
	recording.n_port_vlans -= vlan != recording.vlan_refused;
}

const char *port_driver_name(enum port_driver driver)
{
	return "null";
}
