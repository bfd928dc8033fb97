// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/compiled_policy.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"

static uint32_t seconds_or(uint32_t seconds, uint32_t otherwise)
{
	return seconds != 0 ? seconds : otherwise;
}

static struct dp_timeouts timeouts_of(const struct dp_timeouts *said)
{
	return (struct dp_timeouts){
		.tcp_unreplied = seconds_or(said->tcp_unreplied, TIMEOUT_TCP_UNREPLIED_SEC),
		.tcp_established = seconds_or(said->tcp_established, TIMEOUT_TCP_ESTABLISHED_SEC),
		.tcp_closing = seconds_or(said->tcp_closing, TIMEOUT_TCP_CLOSING_SEC),
		.tcp_closed = seconds_or(said->tcp_closed, TIMEOUT_TCP_CLOSED_SEC),
		.udp_unreplied = seconds_or(said->udp_unreplied, TIMEOUT_UDP_UNREPLIED_SEC),
		.udp_assured = seconds_or(said->udp_assured, TIMEOUT_UDP_ASSURED_SEC),
		.icmp = seconds_or(said->icmp, TIMEOUT_ICMP_SEC),
		.other = seconds_or(said->other, TIMEOUT_OTHER_SEC),
	};
}

static bool changes_destinations(const struct dp_policy *policy)
{
	for (unsigned i = 0; i < policy->n_nats; i++)
		if (policy->nats[i].kind != DP_NAT_SOURCE && policy->nats[i].kind != DP_NAT_EXEMPT)
			return true;
	return false;
}

static bool has_full_cones(const struct dp_policy *policy)
{
	for (unsigned i = 0; i < policy->n_nats; i++)
		if (policy->nats[i].is_full_cone)
			return true;
	return false;
}

static uint64_t timed_of(const struct dp_policy *policy, const struct dp_match_set *match)
{
	uint16_t timed =
		match->set != DP_INDEX_NONE ? policy->sets[match->set].timed : DP_INDEX_NONE;

	return timed < DP_TIMED_SETS_MAX ? UINT64_C(1) << timed : 0;
}

// All that rules and translations ask, but where a rule only turns away who is in it. Rules without
// a firewall are not looked at: nobody has checked them.
static uint64_t timed_that_give(const struct dp_policy *policy)
{
	uint64_t timed = 0;

	for (unsigned i = 0; policy->has_firewall && i < policy->n_rules; i++) {
		const struct dp_rule *rule = &policy->rules[i];
		bool turns_away = rule->action == DP_DROP || rule->action == DP_REJECT;

		if (!turns_away || rule->source.is_negated)
			timed |= timed_of(policy, &rule->source);
		if (!turns_away || rule->destination.is_negated)
			timed |= timed_of(policy, &rule->destination);
	}
	for (unsigned i = 0; i < policy->n_nats; i++)
		timed |= timed_of(policy, &policy->nats[i].source) |
			 timed_of(policy, &policy->nats[i].destination);
	return timed;
}

// Translations ask the rules' sets.
static struct set **sets_of(const struct ruleset *rules)
{
	struct set **sets = calloc(rules->n_sets + 1, sizeof(sets[0]));

	for (unsigned i = 0; sets != NULL && i < rules->n_sets; i++)
		sets[i] = rules->sets[i].set;
	return sets;
}

static int make_counts(struct compiled_policy *compiled)
{
	int error = rules_state_init(&compiled->carried, compiled->rules);

	for (unsigned i = 0; i < compiled->n_workers && error == 0; i++)
		error = rules_state_init(&compiled->counts[i], compiled->rules);
	return error;
}

struct compiled_policy *compiled_policy_new(
	struct dataplane *dp, const struct dp_policy *policy, struct error *err)
{
	struct compiled_policy *compiled = calloc(1, sizeof(*compiled));

	if (compiled == NULL) {
		error_set(err, "no memory for the policy");
		return NULL;
	}
	compiled->has_firewall = policy->has_firewall;
	compiled->tracks = policy->has_firewall || policy->n_nats > 0;
	compiled->picks_up = policy->picks_up;
	compiled->has_full_cones = has_full_cones(policy);
	compiled->changes_destinations = changes_destinations(policy) || compiled->has_full_cones;
	for (unsigned i = 0; i < DP_HELPER_COUNT; i++)
		compiled->has_helpers |= policy->helpers[i].n > 0;
	memcpy(compiled->helpers, policy->helpers, sizeof(compiled->helpers));
	compiled->host_flows_max = policy->host_flows_max;
	atomic_init(&compiled->schedules, policy->active_schedules);
	compiled->timeouts = timeouts_of(&policy->timeouts);
	compiled->n_workers = dp->options.n_workers;
	memcpy(compiled->hygiene, policy->hygiene, sizeof(compiled->hygiene));
	compiled->rules = ruleset_new(policy, dp->timed, dp->rates, err);
	if (compiled->rules == NULL)
		goto failed;
	compiled->sets = sets_of(compiled->rules);
	if (compiled->sets == NULL) {
		error_set(err, "no memory for %u sets", policy->n_sets);
		goto failed;
	}
	compiled->nat = nat_rules_new(policy, compiled->sets, dp->timed, err);
	if (compiled->nat == NULL)
		goto failed;
	compiled->timed_that_give = timed_that_give(policy);
	if (make_counts(compiled) != 0) {
		error_set(err, "no memory for the counters of %u rules", policy->n_rules);
		goto failed;
	}
	return compiled;

failed:
	compiled_policy_free(compiled);
	return NULL;
}

void compiled_policy_free(struct compiled_policy *policy)
{
	if (policy == NULL)
		return;
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_state_fini(&policy->counts[i]);
	rules_state_fini(&policy->carried);
	nat_rules_free(policy->nat);
	free(policy->sets);
	ruleset_free(policy->rules);
	free(policy);
}

// --- counts ---

struct dp_count compiled_policy_rule_count(const struct compiled_policy *policy, uint32_t rule)
{
	struct dp_count sum = {0};

	rules_count_add(&policy->carried.rules[rule], &sum.packets, &sum.bytes);
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].rules[rule], &sum.packets, &sum.bytes);
	return sum;
}

struct dp_count compiled_policy_named_count(const struct compiled_policy *policy, unsigned counter)
{
	struct dp_count sum = {0};

	rules_count_add(&policy->carried.counters[counter], &sum.packets, &sum.bytes);
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].counters[counter], &sum.packets, &sum.bytes);
	return sum;
}

struct dp_count compiled_policy_default_count(
	const struct compiled_policy *policy, enum dp_hook hook)
{
	struct dp_count sum = {0};

	rules_count_add(&policy->carried.defaults[hook], &sum.packets, &sum.bytes);
	for (unsigned i = 0; i < policy->n_workers; i++)
		rules_count_add(&policy->counts[i].defaults[hook], &sum.packets, &sum.bytes);
	return sum;
}

static void put_count(struct rule_count *to, struct dp_count count)
{
	atomic_store_explicit(&to->packets, count.packets, memory_order_relaxed);
	atomic_store_explicit(&to->bytes, count.bytes, memory_order_relaxed);
}

void compiled_policy_carry(const struct compiled_policy *policy, struct compiled_policy *next,
	const struct dp_policy *said)
{
	for (uint32_t i = 0; said->rules_before != NULL && i < next->rules->n_rules; i++)
		if (said->rules_before[i] < policy->rules->n_rules)
			put_count(&next->carried.rules[i],
				compiled_policy_rule_count(policy, said->rules_before[i]));
	for (unsigned i = 0; said->counters_before != NULL && i < next->rules->n_counters; i++)
		if (said->counters_before[i] < policy->rules->n_counters)
			put_count(&next->carried.counters[i],
				compiled_policy_named_count(policy, said->counters_before[i]));
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++)
		put_count(&next->carried.defaults[hook],
			compiled_policy_default_count(policy, (enum dp_hook)hook));
}
