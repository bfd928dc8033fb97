// SPDX-License-Identifier: BSD-3-Clause
// Four things tell rules apart well: addresses and ports of both ends. Each is a dimension, cut
// into classes of values (rule_classes.h), and each class has a row: a bit for each rule that names
// it. Rules that take any value of a dimension are kept apart, in one row of it, so that a class's
// own row stays as sparse as the rules that name it. What a packet may match is then, word by word
// of 64 rules, the AND over the dimensions of (class's row | row of any).
//
// Which words to look at? Every rule has one dimension for its home, that of the smallest rows it
// is in; a row notes in which words it is at home. A packet visits those words of its four rows
// only, and those with rules that have no home. So the walk is as long as the most telling thing of
// each rule leaves it, and never longer than all the words.
//
// The rules of a house are 64 at most: one word. There a row is that word, and the AND of four of
// them and the dense ones is all that there is to do.
//
// Negated sets, timed ones, very large ones and those that match nearly everything count as any: a
// rule is asked for them itself. What a row answers, it is not asked again. Zones, families and
// protocols have few values and dense rows.
//
// Memory: some 2 bytes a rule for dense rows, those of any included; then for each class 8 bytes,
// for each page of 4096 rules in its row 24 and for each word 8; for each bound of the sets 8
// (IPv6: 22), and there are 2^20 of them in a dimension at most. The budget of pairs of a rule and
// a class that it matches keeps all rows of a dimension below 16 words a rule (and 65536), and four
// times that with their pages, however the sets overlap. 10,000 rules take 2 MB; the worst tangle
// of sets with all those bounds could make 80 of them. Hosts that are in the same groups are one
// class: groups of many cost what groups of few do.
#include "dataplane/classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/classifier_build.h"
#include "dataplane/memory.h"

enum {
	NO_HOME = CLASSIFIER_DIMS,
	BUDGET_PER_RULE = 16, // see rule_classes.h
	BUDGET_AT_LEAST = 65536,
};

static_assert(FACT_OTHER_PROTOCOL == FACT_TCP << (CLASSIFIER_PROTOCOLS - 1), "one after the other");

enum { DIM_SOURCE, DIM_DESTINATION, DIM_SOURCE_PORT, DIM_DESTINATION_PORT };

static const enum rule_key dim_keys[CLASSIFIER_DIMS] = {
	[DIM_SOURCE] = KEY_SOURCE,
	[DIM_DESTINATION] = KEY_DESTINATION,
	[DIM_SOURCE_PORT] = KEY_SOURCE_PORT,
	[DIM_DESTINATION_PORT] = KEY_DESTINATION_PORT,
};

// --- what rules ask ---

static bool asks_plainly(const struct rule_match *m, enum rule_key key)
{
	return m->sets[key] != DP_INDEX_NONE && !(m->is_negated >> key & 1);
}

static bool is_told_apart(
	const struct classifier_draft *draft, const struct rule_match *m, enum rule_key key)
{
	return asks_plainly(m, key) && draft->classes.is_told_apart[m->sets[key]];
}

// The rules of each set, one set's after another's.
static int sort_rules_by_set(
	const struct ruleset *rs, struct classifier_draft *draft, enum rule_key key)
{
	uint32_t n = 0;

	draft->n_rules = calloc(rs->n_sets + 1u, sizeof(draft->n_rules[0]));
	draft->first_rules = calloc(rs->n_sets + 1u, sizeof(draft->first_rules[0]));
	draft->reach = calloc(rs->n_sets + 1u, sizeof(draft->reach[0]));
	draft->rules = malloc((rs->n_rules + 1u) * sizeof(draft->rules[0]));
	if (draft->n_rules == NULL || draft->first_rules == NULL || draft->reach == NULL ||
		draft->rules == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rs->n_rules; i++)
		if (asks_plainly(&rs->matches[i], key))
			draft->n_rules[rs->matches[i].sets[key]]++;
	for (uint32_t set = 0; set < rs->n_sets; set++) {
		draft->first_rules[set] = n;
		n += draft->n_rules[set];
		draft->n_rules[set] = 0;
	}
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		uint32_t set = rs->matches[i].sets[key];

		if (asks_plainly(&rs->matches[i], key))
			draft->rules[draft->first_rules[set] + draft->n_rules[set]++] = i;
	}
	return 0;
}

static int find_classes(struct classifier_build *b, unsigned d)
{
	struct classifier_draft *draft = &b->drafts[d];
	enum rule_key key = dim_keys[d];
	struct rule_classes_input in = {
		.sets = b->rs->sets,
		.n_rules = draft->n_rules,
		.n_sets = b->rs->n_sets,
		.is_address = key == KEY_SOURCE || key == KEY_DESTINATION,
		.budget = (uint64_t)BUDGET_PER_RULE * b->rs->n_rules + BUDGET_AT_LEAST,
	};

	if (rule_classes_init(&draft->classes, &b->c->dims[d].table, &in) != 0)
		return -ENOMEM;
	draft->row_of = calloc(draft->classes.n, sizeof(draft->row_of[0]));
	return draft->row_of != NULL ? 0 : -ENOMEM;
}

// --- homes ---

// Does it name ports that no row tells apart?
static bool names_ports_beside(const struct classifier_build *b, const struct rule_match *m)
{
	bool names_source = m->first_sport > 0 || m->last_sport < UINT16_MAX;
	bool names_destination = m->first_dport > 0 || m->last_dport < UINT16_MAX;

	return (names_source && !is_told_apart(&b->drafts[DIM_SOURCE_PORT], m, KEY_SOURCE_PORT)) ||
	       (names_destination &&
		       !is_told_apart(&b->drafts[DIM_DESTINATION_PORT], m, KEY_DESTINATION_PORT));
}

static void note_rest(const struct classifier_build *b, struct rule_match *m)
{
	m->asks_fields_beside = m->tcp_flags_mask != 0 || m->mark_mask != 0 ||
				m->dscps != UINT64_MAX || names_ports_beside(b, m);
	m->asks_closely_beside =
		m->asks_beside != 0 || m->schedule != RULE_ALWAYS || m->rate != DP_INDEX_NONE;
}

static void find_homes(struct classifier_build *b)
{
	for (uint32_t i = 0; i < b->rs->n_rules; i++) {
		struct rule_match *m = &b->rs->matches[i];
		uint32_t least = UINT32_MAX;

		b->home[i] = NO_HOME;
		m->asks_beside = m->asks;
		for (unsigned d = 0; d < CLASSIFIER_DIMS; d++) {
			uint32_t reach;

			if (!is_told_apart(&b->drafts[d], m, dim_keys[d]))
				continue;
			m->asks_beside &= (uint16_t) ~(1 << dim_keys[d]);
			b->drafts[d].n_told++;
			reach = b->drafts[d].reach[m->sets[dim_keys[d]]];
			if (reach < least) {
				least = reach;
				b->home[i] = (uint8_t)d;
			}
		}
		b->n_at_home += b->home[i] != NO_HOME;
		note_rest(b, m);
	}
}

// --- dense rows ---

static void set_bit(uint64_t *row, uint32_t i)
{
	row[i / 64] |= UINT64_C(1) << i % 64;
}

static struct dense_row dense_row(
	const struct classifier_build *b, const uint64_t *words, uint64_t *is_used)
{
	for (uint32_t word = 0; word < b->n_words; word++)
		if (words[word] != 0)
			set_bit(is_used, word);
	return (struct dense_row){words, is_used};
}

static void draw_protocol(
	const struct classifier_build *b, unsigned family, unsigned protocol, uint64_t *row)
{
	uint32_t facts = (family == 0 ? FACT_IP4 : FACT_IP6) | FACT_TCP << protocol;

	for (uint32_t i = 0; i < b->rs->n_rules; i++)
		if ((b->rs->matches[i].refuses & facts) == 0)
			set_bit(row, i);
}

static int draw_dense_rows(struct classifier_build *b)
{
	const unsigned n_protocols = 2 * CLASSIFIER_PROTOCOLS;
	struct classifier *c = b->c;
	uint64_t *at;

	c->memory_words = (n_protocols + CLASSIFIER_DIMS) * (uint64_t)b->n_words +
			  (n_protocols + 2 * DP_ZONES_MAX + 1) * (uint64_t)b->n_pages;
	c->memory = at = memory_new(c->memory_words * sizeof(at[0]));
	if (at == NULL)
		return -ENOMEM;
	c->any = (uint64_t(*)[CLASSIFIER_DIMS])at;
	at += CLASSIFIER_DIMS * (uint64_t)b->n_words;
	for (unsigned i = 0; i < n_protocols; i++) {
		uint64_t *words = at;

		at += b->n_words;
		draw_protocol(b, i / CLASSIFIER_PROTOCOLS, i % CLASSIFIER_PROTOCOLS, words);
		c->protocols[i / CLASSIFIER_PROTOCOLS][i % CLASSIFIER_PROTOCOLS] =
			dense_row(b, words, at);
		c->protocol_words[i / CLASSIFIER_PROTOCOLS][i % CLASSIFIER_PROTOCOLS] = words[0];
		at += b->n_pages;
	}
	for (unsigned zone = 0; zone < DP_ZONES_MAX; zone++) {
		c->from[zone] = dense_row(b, b->rs->from_rows[zone], at);
		c->to[zone] = dense_row(b, b->rs->to_rows[zone], at + b->n_pages);
		c->from_word[zone] = c->from[zone].words[0];
		c->to_word[zone] = c->to[zone].words[0];
		at += 2 * b->n_pages;
	}
	c->homeless = at;
	for (uint32_t i = 0; i < b->rs->n_rules; i++) {
		for (unsigned d = 0; d < CLASSIFIER_DIMS; d++)
			if (!is_told_apart(&b->drafts[d], &b->rs->matches[i], dim_keys[d]))
				c->any[i / 64][d] |= UINT64_C(1) << i % 64;
		if (b->home[i] == NO_HOME) {
			set_bit(c->homeless, i / CLASSIFIER_WORD);
			c->homeless_pages |= UINT64_C(1) << i / CLASSIFIER_PAGE;
		}
	}
	return 0;
}

// --- all of it ---

static void dim_fini(struct classifier_dim *dim)
{
	class_table_fini(&dim->table);
	port_rows_fini(&dim->ports);
}

static const struct classifier_dim *find_dim(const struct classifier *c, enum rule_key key)
{
	for (unsigned d = 0; d < c->n_dims; d++)
		if (c->dims[d].key == key)
			return &c->dims[d];
	return NULL;
}

// Dimensions that no rule names are not looked at. An empty set has no bounds, but who names it is
// told apart from all.
static void drop_idle_dims(struct classifier_build *b)
{
	struct classifier *c = b->c;

	for (unsigned d = 0; d < CLASSIFIER_DIMS; d++) {
		struct classifier_dim *dim = &c->dims[d];

		if (b->drafts[d].n_told == 0)
			dim_fini(dim);
		else
			c->dims[c->n_dims++] = *dim;
	}
	for (unsigned d = c->n_dims; d < CLASSIFIER_DIMS; d++)
		c->dims[d] = (struct classifier_dim){0};
	c->source = find_dim(c, KEY_SOURCE);
	c->destination = find_dim(c, KEY_DESTINATION);
	c->source_port = find_dim(c, KEY_SOURCE_PORT);
	c->destination_port = find_dim(c, KEY_DESTINATION_PORT);
}

static int fill(struct classifier_build *b)
{
	struct classifier *c = b->c;

	for (unsigned d = 0; d < CLASSIFIER_DIMS; d++) {
		c->dims[d].key = dim_keys[d];
		c->dims[d].slot = d;
		if (sort_rules_by_set(b->rs, &b->drafts[d], dim_keys[d]) != 0 ||
			find_classes(b, d) != 0)
			return -ENOMEM;
		classifier_measure_rows(b, d);
	}
	find_homes(b);
	if (b->n_at_home < c->from_rules)
		return 0;
	if (!c->is_one_word) // a page that the last row has not is read, and not minded
		c->n_rows_words += sizeof(struct row_page) / sizeof(c->rows[0]);
	c->rows = memory_new(c->n_rows_words * sizeof(c->rows[0]));
	if (c->rows == NULL || draw_dense_rows(b) != 0)
		return -ENOMEM;
	for (unsigned d = 0; d < CLASSIFIER_DIMS; d++) {
		for (uint32_t class = 0; class < b->drafts[d].classes.n; class ++)
			classifier_write_row(b, d, class);
		if (classifier_give_rows(&c->dims[d], b->drafts[d].row_of) != 0)
			return -ENOMEM;
	}
	drop_idle_dims(b);
	return 0;
}

static void build_fini(struct classifier_build *b)
{
	for (unsigned d = 0; d < CLASSIFIER_DIMS; d++) {
		struct classifier_draft *draft = &b->drafts[d];

		rule_classes_fini(&draft->classes);
		free(draft->n_rules);
		free(draft->first_rules);
		free(draft->rules);
		free(draft->reach);
		free(draft->row_of);
	}
	free(b->home);
	free(b->scratch);
}

struct classifier *classifier_new(const struct ruleset *rs)
{
	struct classifier_build b = {.rs = rs};
	int error = -ENOMEM;

	errno = 0;
	if (rs->n_rules < CLASSIFIER_FROM_OF_WORD)
		return NULL;
	b.n_words = (rs->n_rules + CLASSIFIER_WORD - 1) / CLASSIFIER_WORD;
	b.n_pages = (rs->n_rules + CLASSIFIER_PAGE - 1) / CLASSIFIER_PAGE;
	b.c = calloc(1, sizeof(*b.c));
	b.home = calloc(rs->n_rules, sizeof(b.home[0]));
	b.scratch = calloc(b.n_words, sizeof(b.scratch[0]));
	if (b.c != NULL && b.home != NULL && b.scratch != NULL) {
		b.c->is_one_word = b.n_words == 1;
		b.c->from_rules = b.c->is_one_word ? CLASSIFIER_FROM_OF_WORD : CLASSIFIER_FROM;
		error = fill(&b);
	}
	build_fini(&b);
	if (error == 0 && b.n_at_home >= b.c->from_rules)
		return b.c;
	classifier_free(b.c);
	errno = -error;
	return NULL;
}

void classifier_free(struct classifier *c)
{
	if (c == NULL)
		return;
	for (unsigned d = 0; d < CLASSIFIER_DIMS; d++)
		dim_fini(&c->dims[d]);
	memory_free(c->rows, c->n_rows_words * sizeof(c->rows[0]));
	memory_free(c->memory, c->memory_words * sizeof(c->memory[0]));
	free(c);
}

uint64_t classifier_bytes(const struct classifier *c)
{
	uint64_t bytes = sizeof(*c) + (c->n_rows_words + c->memory_words) * sizeof(c->rows[0]);

	for (unsigned d = 0; d < c->n_dims; d++)
		bytes += class_table_bytes(&c->dims[d].table) + port_rows_bytes(&c->dims[d].ports);
	return bytes;
}
