// SPDX-License-Identifier: BSD-3-Clause
#include "control/rule_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"
#include "control/name_table.h"
#include "control/rule_text.h"

enum { SEED = 3 };

struct rule_key {
	uint64_t key; // of its list's name and its text
	uint32_t rule;
};

struct rule_counts {
	struct dp_count *rules, *counters; // from before this policy
	struct dp_count defaults[DP_HOOK_COUNT];
	struct rule_key *keys; // sorted: equal rules in their order
	unsigned n_rules;
};

// --- keys ---

static int compare_keys(const void *a, const void *b)
{
	const struct rule_key *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->rule < y->rule ? -1 : 1;
}

static int make_keys(struct rule_counts *counts, const struct policy *policy)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (out == NULL)
		return -1;
	for (unsigned list = 0; list < policy->dp.n_lists; list++) {
		const struct dp_list *its = &policy->lists[list];

		for (uint32_t i = its->first; i < its->first + its->n; i++) {
			rewind(out);
			fprintf(out, "%s: ", policy_list_name(policy, list));
			rule_text_write(out, policy->rules[i]);
			if (fflush(out) != 0)
				break;
			counts->keys[i] = (struct rule_key){hash_bytes(SEED, text, bytes), i};
		}
	}
	bool is_short = ferror(out) != 0;

	fclose(out);
	free(text);
	qsort(counts->keys, counts->n_rules, sizeof(counts->keys[0]), compare_keys);
	return is_short ? -1 : 0;
}

// --- sums ---

static struct dp_count sum(struct dp_count a, struct dp_count b)
{
	return (struct dp_count){a.packets + b.packets, a.bytes + b.bytes};
}

struct dp_count rule_counts_rule(
	const struct rule_counts *counts, const struct dataplane *dp, unsigned rule)
{
	struct dp_count now = {0};

	dataplane_rule_count(dp, rule, &now);
	return sum(counts->rules[rule], now);
}

struct dp_count rule_counts_named(
	const struct rule_counts *counts, const struct dataplane *dp, unsigned counter)
{
	struct dp_count now = {0};

	dataplane_named_count(dp, counter, &now);
	return sum(counts->counters[counter], now);
}

struct dp_count rule_counts_default(
	const struct rule_counts *counts, const struct dataplane *dp, enum dp_hook hook)
{
	struct dp_count now = {0};

	dataplane_default_count(dp, hook, &now);
	return sum(counts->defaults[hook], now);
}

// --- from one policy to the next ---

static void carry_rules(
	const struct dataplane *dp, const struct rule_counts *from, struct rule_counts *to)
{
	unsigned i = 0, k = 0;

	while (i < from->n_rules && k < to->n_rules) {
		const struct rule_key *before = &from->keys[i], *next = &to->keys[k];

		if (before->key == next->key)
			to->rules[next->rule] = rule_counts_rule(from, dp, before->rule);
		if (before->key <= next->key)
			i++;
		if (before->key >= next->key)
			k++;
	}
}

static int carry_counters(const struct dataplane *dp, const struct rule_counts *from,
	const struct policy *before, struct rule_counts *to, const struct policy *next)
{
	struct name_table names = {0};
	int rc = 0;

	for (unsigned i = 0; i < next->n_counters && rc == 0; i++)
		rc = name_table_add(&names, next->counters[i], i);
	for (unsigned i = 0; i < before->n_counters && rc == 0; i++) {
		int64_t at = name_table_find(&names, before->counters[i]);

		if (at != NAME_TABLE_NONE)
			to->counters[at] = rule_counts_named(from, dp, i);
	}
	name_table_fini(&names);
	return rc;
}

struct rule_counts *rule_counts_new(const struct dataplane *dp, const struct rule_counts *counts,
	const struct policy *before, const struct policy *next)
{
	struct rule_counts *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return NULL;
	made->n_rules = next->dp.n_rules;
	made->rules = calloc(made->n_rules + 1, sizeof(made->rules[0]));
	made->keys = calloc(made->n_rules + 1, sizeof(made->keys[0]));
	made->counters = calloc(next->n_counters + 1, sizeof(made->counters[0]));
	if (made->rules == NULL || made->keys == NULL || made->counters == NULL)
		goto fail;
	if (make_keys(made, next) != 0)
		goto fail;
	if (counts == NULL)
		return made;
	carry_rules(dp, counts, made);
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++)
		made->defaults[hook] = rule_counts_default(counts, dp, (enum dp_hook)hook);
	if (carry_counters(dp, counts, before, made, next) == 0)
		return made;
fail:
	rule_counts_free(made);
	return NULL;
}

void rule_counts_free(struct rule_counts *counts)
{
	if (counts == NULL)
		return;
	free(counts->rules);
	free(counts->keys);
	free(counts->counters);
	free(counts);
}
