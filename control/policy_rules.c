// SPDX-License-Identifier: BSD-3-Clause
#include <assert.h>
#include <stdio.h>

#include "control/policy_build.h"

// --- zones ---

static uint32_t zone_bit(const struct policy_build *build, const char *name)
{
	return 1u << name_table_find(&build->zones, name);
}

static uint32_t zone_bits(const struct policy_build *build, const struct cfg_names *zones)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < zones->n; i++)
		bits |= zone_bit(build, zones->names[i]);
	return bits;
}

// --- what a rule has beside its matches ---

static int add_rate(struct policy_build *build, const struct cfg_rate *rate, struct cfg_place place,
	uint16_t *out)
{
	struct dp_policy *dp = &build->policy->dp;

	if (dp->n_rates == DP_RATES_MAX)
		return policy_refuse(build, place,
			"too many rates: the most is %d, those of logs included", DP_RATES_MAX);
	build->arrays->rates[dp->n_rates] = (struct dp_rate){
		.packets = rate->packets,
		.per_sec = rate->per_sec,
		.burst = rate->burst,
		.is_per_source = rate->is_per_source,
	};
	*out = (uint16_t)dp->n_rates++;
	return 0;
}

static int add_log(struct policy_build *build, const struct cfg_rule *rule, uint16_t *out)
{
	struct dp_policy *dp = &build->policy->dp;
	struct dp_log *log = &build->arrays->logs[dp->n_logs];

	if (dp->n_logs == DP_LOGS_MAX)
		return policy_refuse(build, rule->place,
			"too many rules with a log: the most is %d", DP_LOGS_MAX);
	if (add_rate(build, &rule->log_rate, rule->place, &log->rate) != 0)
		return -1;
	snprintf(log->prefix, sizeof(log->prefix), "%s", rule->log);
	*out = (uint16_t)dp->n_logs++;
	return 0;
}

// Rules with the same name of a counter share it.
static int use_counter(struct policy_build *build, const struct cfg_rule *rule, uint16_t *out)
{
	struct policy *policy = build->policy;
	int64_t known = name_table_find(&build->counters, rule->counter);

	if (known == NAME_TABLE_NONE) {
		if (policy->n_counters == DP_COUNTERS_MAX)
			return policy_refuse(build, rule->place,
				"too many named counters: the most is %d", DP_COUNTERS_MAX);
		known = policy->n_counters;
		if (name_table_add(&build->counters, rule->counter, (uint32_t)known) != 0)
			return error_set(build->err, "no memory for the counters");
		policy->counters[policy->n_counters++] = rule->counter;
	}
	*out = (uint16_t)known;
	return 0;
}

static int use_schedule(struct policy_build *build, const struct cfg_rule *rule, uint16_t *out)
{
	struct policy *policy = build->policy;
	struct schedule schedule = {.times = rule->times, .n = rule->n_times};
	unsigned i = 0;

	while (i < policy->n_schedules && !schedule_is_equal(&policy->schedules[i], &schedule))
		i++;
	if (i == DP_SCHEDULES_MAX)
		return policy_refuse(build, rule->place, "too many different times: the most is %d",
			DP_SCHEDULES_MAX);
	if (i == policy->n_schedules)
		policy->schedules[policy->n_schedules++] = schedule;
	*out = (uint16_t)i;
	return 0;
}

// --- a rule ---

static const enum dp_action actions[] = {
	[CFG_CONTINUE] = DP_CONTINUE,
	[CFG_ACCEPT] = DP_ACCEPT,
	[CFG_DROP] = DP_DROP,
	[CFG_REJECT] = DP_REJECT,
	[CFG_JUMP] = DP_JUMP,
	[CFG_RETURN] = DP_RETURN,
};

static const enum dp_reject rejects[] = {
	[CFG_REJECT_AUTO] = DP_REJECT_AUTO,
	[CFG_REJECT_RST] = DP_REJECT_RST,
	[CFG_REJECT_PORT] = DP_REJECT_PORT,
	[CFG_REJECT_HOST] = DP_REJECT_HOST,
	[CFG_REJECT_NET] = DP_REJECT_NET,
	[CFG_REJECT_PROHIBITED] = DP_REJECT_PROHIBITED,
};

static_assert((int)DP_STATE_NEW == (int)CFG_STATE_NEW &&
		      (int)DP_STATE_ESTABLISHED == (int)CFG_STATE_ESTABLISHED &&
		      (int)DP_STATE_RELATED == (int)CFG_STATE_RELATED &&
		      (int)DP_STATE_INVALID == (int)CFG_STATE_INVALID,
	"states pass as they are");

static int make_matches(
	struct policy_build *build, const struct cfg_rule *rule, struct dp_rule *out)
{
	const struct {
		enum cfg_set_kind kind;
		const struct cfg_match *from;
		struct dp_match_set *to;
	} rows[] = {
		{CFG_SET_INTERFACES, &rule->in_interface, &out->in_interface},
		{CFG_SET_INTERFACES, &rule->out_interface, &out->out_interface},
		{CFG_SET_ADDRESSES, &rule->source, &out->source},
		{CFG_SET_ADDRESSES, &rule->destination, &out->destination},
		{CFG_SET_PORTS, &rule->source_port, &out->source_port},
		{CFG_SET_PORTS, &rule->port, &out->destination_port},
		{CFG_SET_PROTOCOLS, &rule->protocol, &out->protocol},
		{CFG_SET_ICMP, &rule->icmp, &out->icmp},
		{CFG_SET_ICMP6, &rule->icmp6, &out->icmp6},
		{CFG_SET_MACS, &rule->mac, &out->mac},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (policy_match(build, rows[i].kind, rows[i].from, rule->place, rows[i].to) != 0)
			return -1;
	return 0;
}

static int make_effects(
	struct policy_build *build, const struct cfg_rule *rule, struct dp_rule *out)
{
	if (rule->n_times > 0 && use_schedule(build, rule, &out->schedule) != 0)
		return -1;
	if (rule->rate.packets > 0 && add_rate(build, &rule->rate, rule->place, &out->rate) != 0)
		return -1;
	if (rule->counter != NULL && use_counter(build, rule, &out->counter) != 0)
		return -1;
	if (rule->log != NULL && add_log(build, rule, &out->log) != 0)
		return -1;
	if (rule->add_set != NULL)
		out->add_timed = timed_sets_find(build->in->timed, rule->add_set);
	if (rule->action == CFG_JUMP)
		out->jump_list = (uint16_t)name_table_find(&build->lists, rule->jump);
	return 0;
}

static int make_rule(struct policy_build *build, const struct cfg_rule *rule, struct dp_rule *out)
{
	*out = dp_rule_any(actions[rule->action]);
	out->from_zones = zone_bits(build, &rule->from);
	out->to_zones = zone_bits(build, &rule->to);
	out->family = rule->family;
	out->tcp_flags_mask = rule->tcp_flags.mask;
	out->tcp_flags = rule->tcp_flags.flags;
	out->dscps = rule->dscps;
	out->states = rule->states;
	out->is_dnat = rule->has_dnat ? rule->is_dnat : -1;
	out->mark = rule->mark.value;
	out->mark_mask = rule->mark.mask;
	out->is_above_rate = rule->rate.is_above;
	out->set_mark = rule->set_mark.value;
	out->set_mark_mask = rule->set_mark.mask;
	out->add_sec = rule->add_sec;
	out->add_destination = rule->add_destination;
	out->add_ip6_len = (uint8_t)rule->add_ip6_len;
	out->reject = rejects[rule->reject];
	if (make_matches(build, rule, out) != 0)
		return -1;
	return make_effects(build, rule, out);
}

static int make_list(struct policy_build *build, unsigned index, const struct cfg_list *list)
{
	struct policy *policy = build->policy;

	policy->lists[index] = (struct dp_list){.first = policy->dp.n_rules, .n = list->n_rules};
	for (unsigned i = 0; i < list->n_rules; i++) {
		unsigned at = policy->dp.n_rules++;

		policy->rules[at] = &list->rules[i];
		if (make_rule(build, &list->rules[i], &build->arrays->rules[at]) != 0)
			return -1;
	}
	return 0;
}

// --- all of them; the hooks' lists first, under the hooks' numbers ---

static_assert((int)DP_HOOK_INPUT == (int)CFG_HOOK_INPUT &&
		      (int)DP_HOOK_FORWARD == (int)CFG_HOOK_FORWARD &&
		      (int)DP_HOOK_OUTPUT == (int)CFG_HOOK_OUTPUT,
	"hooks pass as they are");
static_assert(CFG_LISTS_MAX + DP_HOOK_COUNT <= DP_LISTS_MAX, "room for each list");
static_assert((int)CFG_LOG_PREFIX_MAX <= (int)DP_LOG_PREFIX_MAX, "prefixes are never cut");

int policy_rules(struct policy_build *build)
{
	const struct cfg_firewall *firewall = &build->in->config->firewall;
	struct dp_policy *dp = &build->policy->dp;

	dp->n_lists = DP_HOOK_COUNT + firewall->n_lists;
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		dp->hooks[hook] = (uint16_t)hook;
		dp->defaults[hook] = actions[firewall->defaults[hook]];
		if (make_list(build, hook, &firewall->hooks[hook]) != 0)
			return -1;
	}
	for (unsigned i = 0; i < firewall->n_lists; i++)
		if (make_list(build, DP_HOOK_COUNT + i, &firewall->lists[i]) != 0)
			return -1;
	return 0;
}
