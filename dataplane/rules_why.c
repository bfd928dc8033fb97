// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rules_why.h"

#include <string.h>

#include "dataplane/rules_private.h"

// --- what said no ---

struct noes {
	const char *first;
	unsigned n;
};

static void no(struct noes *noes, const char *field)
{
	if (noes->first == NULL)
		noes->first = field;
	noes->n++;
}

static void no_if(struct noes *noes, bool is_so, const char *field)
{
	if (is_so)
		no(noes, field);
}

static bool row_has(const uint64_t *row, uint32_t rule)
{
	return (row[rule / 64] >> rule % 64 & 1) != 0;
}

static void ask_facts(struct noes *noes, uint32_t refused)
{
	static const struct {
		uint32_t facts;
		const char *field;
	} names[] = {
		{FACT_IP4 | FACT_IP6, "family"},
		{FACT_TCP | FACT_UDP | FACT_ICMP | FACT_ICMP6 | FACT_OTHER_PROTOCOL, "protocol"},
		{FACT_NO_PORTS, "port"},
		{FACT_NO_ICMP, "icmp"},
		{FACT_NO_TCP_FLAGS, "tcp-flags"},
		{FACT_NO_IN, "in-interface"},
		{FACT_NO_OUT, "out-interface"},
		{FACT_NEW | FACT_ESTABLISHED | FACT_RELATED | FACT_INVALID, "state"},
		{FACT_DNAT | FACT_NO_DNAT, "dnat"},
		{FACT_NO_MAC, "mac"},
		{FACT_ESSENTIAL4 | FACT_ESSENTIAL6, "icmp (essential)"},
		{FACT_REVIEW, "review"},
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		no_if(noes, (refused & names[i].facts) != 0, names[i].field);
}

static void ask_sets(struct noes *noes, const struct judgement *j, const struct rule_match *m)
{
	static const struct {
		enum rule_key key;
		const char *field;
	} order[] = {
		{KEY_IN_INTERFACE, "in-interface"},
		{KEY_OUT_INTERFACE, "out-interface"},
		{KEY_SOURCE, "source"},
		{KEY_DESTINATION, "destination"},
		{KEY_PROTOCOL, "protocol"},
		{KEY_SOURCE_PORT, "source-port"},
		{KEY_DESTINATION_PORT, "port"},
		{KEY_ICMP, "icmp"},
		{KEY_ICMP6, "icmp6"},
		{KEY_MAC, "mac"},
	};
	const struct rule_subject *s = j->s;

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		enum rule_key key = order[i].key;
		bool says_no = (m->asks >> key & 1) != 0 && !rules_set_matches(j, m, key);

		if (key == KEY_DESTINATION_PORT)
			says_no |= s->dport < m->first_dport || s->dport > m->last_dport;
		if (key == KEY_SOURCE_PORT)
			says_no |= s->sport < m->first_sport || s->sport > m->last_sport;
		no_if(noes, says_no, order[i].field);
	}
}

static struct noes ask(struct judgement *j, uint32_t rule)
{
	const struct rule_match *m = &j->rs->matches[rule];
	const struct rule_subject *s = j->s;
	struct noes noes = {0};

	no_if(&noes, !row_has(j->rs->from_rows[s->from], rule), "from");
	no_if(&noes, !row_has(j->rs->to_rows[s->to], rule), "to");
	ask_facts(&noes, s->facts & m->refuses);
	ask_sets(&noes, j, m);
	no_if(&noes, (s->tcp_flags & m->tcp_flags_mask) != m->tcp_flags, "tcp-flags");
	no_if(&noes, (j->mark & m->mark_mask) != m->mark, "mark");
	no_if(&noes, (m->dscps >> s->dscp & 1) == 0, "dscp");
	no_if(&noes, !rules_is_active(j, m), "time");
	if (noes.n == 0 && m->rate != DP_INDEX_NONE) { // asked last: nobody else would have taken
		j->asked_rate = true;
		no_if(&noes, !s->is_review && rules_rate_allows(j, m->rate) == m->is_above_rate,
			"rate");
		no_if(&noes, s->is_review && m->is_above_rate, "rate");
	}
	return noes;
}

// --- those that nearly matched ---

void rules_why_note(struct dp_miss *misses, unsigned *n, const struct dp_miss *miss)
{
	unsigned worst = 0;

	if (*n < DP_EXPLAIN_MISSES_MAX) {
		misses[(*n)++] = *miss;
		return;
	}
	for (unsigned i = 1; i < *n; i++)
		if (misses[i].n_fields >= misses[worst].n_fields)
			worst = i;
	if (miss->n_fields >= misses[worst].n_fields)
		return;
	memmove(&misses[worst], &misses[worst + 1], (*n - 1 - worst) * sizeof(misses[0]));
	misses[*n - 1] = *miss;
}

// --- the walk, as rules.c has it ---

static int64_t narrate(struct judgement *j, struct place here, struct dp_explained_rules *out)
{
	struct place above[DP_JUMPS_MAX];
	unsigned depth = 0;

	for (;;) {
		uint32_t rule = here.next++;
		const struct rule_effect *e;
		struct noes noes;

		if (rule >= here.end) {
			if (depth == 0)
				return RULE_DEFAULT;
			here = above[--depth];
			continue;
		}
		noes = ask(j, rule);
		if (noes.n > 0) {
			struct dp_miss miss = {rule, noes.first, noes.n};

			out->n_passed++;
			rules_why_note(out->misses, &out->n_misses, &miss);
			continue;
		}
		if (out->n_matched < DP_EXPLAIN_RULES_MAX)
			out->matched[out->n_matched++] = rule;
		e = &j->rs->effects[rule];
		j->mark = (j->mark & ~e->set_mark_mask) | e->set_mark;
		switch ((enum dp_action)e->action) {
		case DP_CONTINUE:
			break;
		case DP_ACCEPT:
		case DP_DROP:
		case DP_REJECT:
			return rule;
		case DP_JUMP:
			above[depth++] = here;
			here.next = j->rs->lists[e->jump_list].first;
			here.end = here.next + j->rs->lists[e->jump_list].n;
			break;
		case DP_RETURN:
			here.next = here.end;
			break;
		}
	}
}

static const char *default_reason(enum dp_hook hook, const struct rule_subject *s)
{
	if (s->is_essential)
		return "no link and no path works without it";
	if (s->state == DP_STATE_RELATED)
		return "a helper expects it";
	if (hook == DP_HOOK_FORWARD && s->from == s->to && s->from != DP_ZONE_NONE)
		return "it stays within its zone";
	return "the default";
}

void rules_why(const struct ruleset *rs, enum dp_hook hook, const struct rule_subject *s,
	const struct rules_now *now, const struct rule_verdict *verdict,
	struct dp_explained_rules *out)
{
	struct rule_subject subject = *s;
	struct judgement j = {.rs = rs, .s = &subject, .now = now, .mark = s->mark};
	struct place place = {0};

	subject.facts = rules_facts(s); // of all that is known: a first packet's has less in it
	if (rs->hooks[hook] != DP_INDEX_NONE) {
		const struct dp_list *list = &rs->lists[rs->hooks[hook]];

		place = (struct place){list->first, list->first + list->n};
	}
	out->is_asked = true;
	out->hook = hook;
	out->from_zone = s->from;
	out->to_zone = s->to;
	out->rule = narrate(&j, place, out);
	out->is_in_doubt = out->rule != verdict->rule;
	out->action = (enum dp_action)verdict->action;
	out->reject = (enum dp_reject)verdict->reject;
	out->by_default = out->rule == RULE_DEFAULT ? default_reason(hook, s) : NULL;
	out->asked_rate = j.asked_rate;
	out->n_logs = verdict->n_logs;
	out->n_additions = verdict->n_additions;
	out->mark = verdict->mark;
}
