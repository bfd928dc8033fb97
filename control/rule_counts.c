// SPDX-License-Identifier: BSD-3-Clause
#include "control/rule_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"
#include "control/name_table.h"
#include "control/policy_build.h"
#include "control/rule_text.h"

enum { SEED = 3 };

struct rule_key {
	uint64_t key; // of its list's name and its text
	uint32_t rule;
};

// --- keys ---

static int compare_keys(const void *a, const void *b)
{
	const struct rule_key *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->rule < y->rule ? -1 : 1;
}

static int make_keys(struct policy *policy)
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
			policy->keys[i] = (struct rule_key){hash_bytes(SEED, text, bytes), i};
		}
	}
	bool is_short = ferror(out) != 0;

	fclose(out);
	free(text);
	qsort(policy->keys, policy->dp.n_rules, sizeof(policy->keys[0]), compare_keys);
	return is_short ? -1 : 0;
}

// --- from one policy to the next ---

static void match_rules(const struct policy *before, const struct policy *next)
{
	uint32_t *rules_before = next->arrays->rules_before;
	unsigned i = 0, k = 0;

	for (unsigned rule = 0; rule < next->dp.n_rules; rule++)
		rules_before[rule] = DP_RULES_MAX;
	while (i < before->dp.n_rules && k < next->dp.n_rules) {
		uint64_t was = before->keys[i].key, is = next->keys[k].key;

		if (was == is)
			rules_before[next->keys[k].rule] = before->keys[i].rule;
		if (was <= is)
			i++;
		if (was >= is)
			k++;
	}
}

static int match_counters(const struct policy *before, const struct policy *next)
{
	struct name_table names = {0};
	int rc = 0;

	for (unsigned i = 0; i < before->n_counters && rc == 0; i++)
		rc = name_table_add(&names, before->counters[i], i);
	for (unsigned i = 0; i < next->n_counters && rc == 0; i++) {
		int64_t was = name_table_find(&names, next->counters[i]);

		next->arrays->counters_before[i] =
			was == NAME_TABLE_NONE ? DP_INDEX_NONE : (uint16_t)was;
	}
	name_table_fini(&names);
	return rc;
}

int rule_counts_prepare(struct policy *next)
{
	if (next->keys != NULL)
		return 0;
	next->keys = calloc(next->dp.n_rules + 1, sizeof(next->keys[0]));
	return next->keys == NULL ? -1 : make_keys(next);
}

int rule_counts_go_on(const struct policy *before, struct policy *next)
{
	if (rule_counts_prepare(next) != 0)
		return -1;
	if (before == NULL)
		return 0;
	next->arrays->rules_before =
		calloc(next->dp.n_rules + 1, sizeof(next->arrays->rules_before[0]));
	if (next->arrays->rules_before == NULL || match_counters(before, next) != 0)
		return -1;
	match_rules(before, next);
	next->dp.rules_before = next->arrays->rules_before;
	next->dp.counters_before = next->arrays->counters_before;
	return 0;
}
