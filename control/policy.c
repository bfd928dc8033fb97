// SPDX-License-Identifier: BSD-3-Clause
#include "control/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/policy_build.h"

static_assert(CFG_ZONES_MAX + 2 <= DP_ZONES_MAX, "room for each zone");

int policy_refuse(struct policy_build *build, struct cfg_place place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(build->err->text, sizeof(build->err->text), fmt, ap);
	va_end(ap);
	config_locate(build->in->config, place, build->err);
	return -1;
}

int policy_interface_id(const struct policy_build *build, const char *name)
{
	const struct interface *interface = interfaces_by_name(build->in->interfaces, name);

	return interface == NULL ? -1 : interface->id;
}

// --- names ---

static int add_name(struct name_table *table, const char *name, unsigned number, struct error *err)
{
	return name_table_add(table, name, number) == 0 ? 0
							: error_set(err, "no memory for the names");
}

static int add_names(struct policy_build *build)
{
	const struct config *config = build->in->config;

	if (add_name(&build->zones, CFG_ZONE_ROUTER, DP_ZONE_ROUTER, build->err) != 0 ||
		add_name(&build->zones, CFG_ZONE_NONE, DP_ZONE_NONE, build->err) != 0)
		return -1;
	for (unsigned i = 0; i < config->n_zones; i++)
		if (add_name(&build->zones, config->zones[i].name, DP_ZONE_NONE + 1 + i,
			    build->err) != 0)
			return -1;
	for (unsigned i = 0; i < config->n_sets; i++)
		if (add_name(&build->sets, config->sets[i].name, i, build->err) != 0)
			return -1;
	for (unsigned i = 0; i < config->firewall.n_lists; i++)
		if (add_name(&build->lists, config->firewall.lists[i].name, DP_HOOK_COUNT + i,
			    build->err) != 0)
			return -1;
	return 0;
}

// --- interfaces: zone and hygiene of each ---

static uint16_t reverse_path_bit(enum cfg_reverse_path reverse_path)
{
	switch (reverse_path) {
	case CFG_REVERSE_PATH_UNSAID:
	case CFG_REVERSE_PATH_OFF:
		break;
	case CFG_REVERSE_PATH_STRICT:
		return DP_HYGIENE_RPF_STRICT;
	case CFG_REVERSE_PATH_FEASIBLE:
		return DP_HYGIENE_RPF_FEASIBLE;
	case CFG_REVERSE_PATH_LOOSE:
		return DP_HYGIENE_RPF_LOOSE;
	}
	return 0;
}

static_assert((int)DP_HYGIENE_TCP_FLAGS == (int)CFG_HYGIENE_TCP_FLAGS &&
		      (int)DP_HYGIENE_TCP_MSS == (int)CFG_HYGIENE_TCP_MSS &&
		      (int)DP_HYGIENE_TCP_NEW == (int)CFG_HYGIENE_TCP_NEW &&
		      (int)DP_HYGIENE_OWN_SOURCE == (int)CFG_HYGIENE_OWN_SOURCE &&
		      (int)DP_HYGIENE_MARTIAN == (int)CFG_HYGIENE_MARTIAN &&
		      (int)DP_HYGIENE_LAND == (int)CFG_HYGIENE_LAND &&
		      (int)DP_HYGIENE_BROADCAST_SOURCE == (int)CFG_HYGIENE_BROADCAST_SOURCE &&
		      (int)DP_HYGIENE_ROUTING_HEADER == (int)CFG_HYGIENE_ROUTING_HEADER &&
		      (int)DP_HYGIENE_PRIVATE_OUT == (int)CFG_HYGIENE_PRIVATE_OUT,
	"checks pass as they are");

static uint16_t hygiene_of(const struct cfg_hygiene *all, const char *interface)
{
	const struct cfg_hygiene *its = all;

	for (unsigned i = 0; i < all->n_interfaces; i++)
		if (strcmp(all->interfaces[i].interface, interface) == 0)
			its = &all->interfaces[i];
	return its->checks.on | reverse_path_bit(its->reverse_path);
}

static void describe_interfaces(struct policy_build *build)
{
	const struct config *config = build->in->config;
	const struct interfaces *interfaces = build->in->interfaces;
	struct dp_policy *dp = &build->policy->dp;

	memset(dp->zones, DP_ZONE_NONE, sizeof(dp->zones));
	for (unsigned i = 0; i < config->n_zones; i++) {
		const struct cfg_names *names = &config->zones[i].interfaces;

		for (unsigned k = 0; k < names->n; k++) {
			int id = policy_interface_id(build, names->names[k]);

			if (id >= 0)
				dp->zones[id] = (uint8_t)(DP_ZONE_NONE + 1 + i);
		}
	}
	for (unsigned i = 0; i < interfaces->n; i++) {
		const struct interface *interface = &interfaces->list[i];

		if (interface->id >= 0)
			dp->hygiene[interface->id] =
				hygiene_of(&config->firewall.hygiene, interface->config->name);
	}
}

// --- all of it ---

static unsigned count_rules(const struct cfg_firewall *firewall)
{
	unsigned n = 0;

	for (unsigned hook = 0; hook < CFG_HOOK_COUNT; hook++)
		n += firewall->hooks[hook].n_rules;
	for (unsigned i = 0; i < firewall->n_lists; i++)
		n += firewall->lists[i].n_rules;
	return n;
}

static int take_memory(struct policy_build *build)
{
	const struct config *config = build->in->config;
	struct policy *policy = build->policy;
	unsigned n_rules = count_rules(&config->firewall);

	if (n_rules > DP_RULES_MAX)
		return error_set(
			build->err, "%u rules are too many: the most is %d", n_rules, DP_RULES_MAX);
	policy->rules = calloc(n_rules + 1, sizeof(policy->rules[0]));
	policy->lists = calloc(DP_HOOK_COUNT + config->firewall.n_lists, sizeof(policy->lists[0]));
	policy->counters = calloc(DP_COUNTERS_MAX, sizeof(policy->counters[0]));
	policy->arrays = calloc(1, sizeof(*policy->arrays));
	build->arrays = policy->arrays;
	policy->nats = calloc(DP_NATS_MAX, sizeof(policy->nats[0]));
	policy->sets = malloc((config->n_sets + 1) * sizeof(policy->sets[0]));
	build->named = policy->sets;
	if (policy->arrays != NULL)
		policy->arrays->rules = calloc(n_rules + 1, sizeof(policy->arrays->rules[0]));
	if (policy->rules == NULL || policy->lists == NULL || policy->counters == NULL ||
		policy->arrays == NULL || policy->arrays->rules == NULL || policy->nats == NULL ||
		policy->sets == NULL)
		return error_set(build->err, "no memory for the policy");
	for (unsigned i = 0; i < config->n_sets; i++)
		build->named[i] = DP_INDEX_NONE;
	memset(build->slots, 0xff, sizeof(build->slots)); // DP_INDEX_NONE
	return 0;
}

static void show_arrays(struct policy *policy)
{
	struct dp_policy *dp = &policy->dp;

	dp->lists = policy->lists;
	dp->rules = policy->arrays->rules;
	dp->sets = policy->arrays->sets;
	dp->rates = policy->arrays->rates;
	dp->logs = policy->arrays->logs;
	dp->nats = policy->arrays->nats;
}

static_assert((int)CFG_HELPER_PORTS_MAX == (int)DP_HELPER_PORTS_MAX, "ports pass as they are");

static void describe_helpers(const struct cfg_helpers *helpers, struct dp_policy *dp)
{
	struct dp_helper_ports *ftp = &dp->helpers[DP_HELPER_FTP];
	struct dp_helper_ports *tftp = &dp->helpers[DP_HELPER_TFTP];

	memcpy(ftp->ports, helpers->ftp, sizeof(ftp->ports));
	ftp->n = helpers->n_ftp;
	memcpy(tftp->ports, helpers->tftp, sizeof(tftp->ports));
	tftp->n = helpers->n_tftp;
}

static int compile(struct policy_build *build)
{
	const struct config *config = build->in->config;
	const struct cfg_timeouts *timeouts = &config->timeouts;
	struct dp_policy *dp = &build->policy->dp;

	if (take_memory(build) != 0 || add_names(build) != 0)
		return -1;
	show_arrays(build->policy);
	dp->has_firewall = config->firewall.is_there;
	dp->timeouts = (struct dp_timeouts){
		.tcp_unreplied = timeouts->tcp_unreplied,
		.tcp_established = timeouts->tcp_established,
		.tcp_closing = timeouts->tcp_closing,
		.tcp_closed = timeouts->tcp_closed,
		.udp_unreplied = timeouts->udp_unreplied,
		.udp_assured = timeouts->udp_assured,
		.icmp = timeouts->icmp,
		.other = timeouts->other,
	};
	dp->picks_up = config->picks_up;
	dp->host_flows_max = config->host_flows_max;
	describe_helpers(&config->helpers, dp);
	describe_interfaces(build);
	if (policy_rules(build) != 0)
		return -1;
	return policy_nats(build);
}

struct policy *policy_new(const struct policy_input *in, struct error *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	struct policy_build *build = calloc(1, sizeof(*build));
	int rc = -1;

	if (policy == NULL || build == NULL) {
		error_set(err, "no memory for the policy");
	} else {
		policy->config = in->config;
		build->in = in;
		build->policy = policy;
		build->err = err;
		rc = compile(build);
		name_table_fini(&build->zones);
		name_table_fini(&build->sets);
		name_table_fini(&build->lists);
		name_table_fini(&build->counters);
	}
	free(build);
	if (rc == 0)
		return policy;
	policy_free(policy);
	return NULL;
}

void policy_drop_arrays(struct policy *policy)
{
	struct dp_policy *dp = &policy->dp;

	if (policy->arrays == NULL)
		return;
	for (unsigned i = 0; i < DP_SETS_MAX; i++)
		set_elements_fini(&policy->arrays->elements[i]);
	free(policy->arrays->rules);
	free(policy->arrays->rules_before);
	free(policy->arrays);
	policy->arrays = NULL;
	dp->rules = NULL;
	dp->sets = NULL;
	dp->rates = NULL;
	dp->logs = NULL;
	dp->nats = NULL;
	dp->rules_before = NULL;
	dp->counters_before = NULL;
}

void policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	policy_drop_arrays(policy);
	free(policy->rules);
	free(policy->lists);
	free(policy->nats);
	free(policy->sets);
	free(policy->counters);
	free(policy->keys);
	free(policy);
}

const char *policy_list_name(const struct policy *policy, unsigned list)
{
	static const char *const hooks[] = {
		[CFG_HOOK_INPUT] = "input",
		[CFG_HOOK_FORWARD] = "forward",
		[CFG_HOOK_OUTPUT] = "output",
	};

	return list < CFG_HOOK_COUNT ? hooks[list]
				     : policy->config->firewall.lists[list - CFG_HOOK_COUNT].name;
}

const char *policy_list_of(const struct policy *policy, uint32_t rule)
{
	for (unsigned i = 0; i < policy->dp.n_lists; i++)
		if (rule - policy->lists[i].first < policy->lists[i].n)
			return policy_list_name(policy, i);
	return "";
}
