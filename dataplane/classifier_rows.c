// SPDX-License-Identifier: BSD-3-Clause
// Rows of classes; see classifier.c for what they are, and classifier.h for how they stand in
// memory.
#include <errno.h>

#include "dataplane/classifier_build.h"

// Bits of all the rules of a class; what was there has been cleared.
static void draw_row(struct classifier_build *b, unsigned d, uint32_t class)
{
	const struct classifier_draft *draft = &b->drafts[d];

	for (uint32_t k = draft->classes.firsts[class]; k < draft->classes.firsts[class + 1]; k++) {
		uint32_t set = draft->classes.members[k];
		const uint32_t *rules = draft->rules + draft->first_rules[set];

		for (uint32_t i = 0; i < draft->n_rules[set]; i++) {
			uint32_t word = rules[i] / CLASSIFIER_WORD;
			uint64_t bit = UINT64_C(1) << word % CLASSIFIER_WORDS_PER_PAGE;

			b->scratch[word] |= UINT64_C(1) << rules[i] % CLASSIFIER_WORD;
			b->used[word / CLASSIFIER_WORDS_PER_PAGE] |= bit;
			if (b->home[rules[i]] == d)
				b->visits[word / CLASSIFIER_WORDS_PER_PAGE] |= bit;
		}
	}
}

static void clear_row(struct classifier_build *b)
{
	for (uint32_t page = 0; page < b->n_pages; page++) {
		for (uint64_t words = b->used[page]; words != 0; words &= words - 1)
			b->scratch[page * CLASSIFIER_WORDS_PER_PAGE +
				   (uint32_t)__builtin_ctzll(words)] = 0;
		b->used[page] = b->visits[page] = 0;
	}
}

// Words of it that are not zero; `n_pages` gets the pages.
static uint32_t measure_row(const struct classifier_build *b, uint32_t *n_pages)
{
	uint32_t n = 0;

	*n_pages = 0;
	for (uint32_t page = 0; page < b->n_pages; page++) {
		n += (uint32_t)__builtin_popcountll(b->used[page]);
		*n_pages += b->used[page] != 0;
	}
	return n;
}

// Where the next row goes: on no more cache lines than it needs.
static uint64_t place_row(struct classifier *c, uint32_t n_words, uint32_t n_pages)
{
	uint64_t size = 1, line = CLASSIFIER_LINE_WORDS, at = c->n_rows_words;

	if (!c->is_one_word)
		size += n_pages * sizeof(struct row_page) / sizeof(uint64_t) + n_words;
	if (at % line + size > (size + line - 1) / line * line)
		at = (at + line - 1) / line * line;
	c->n_rows_words = at + size;
	return at;
}

void classifier_measure_rows(struct classifier_build *b, unsigned d)
{
	struct classifier_draft *draft = &b->drafts[d];

	for (uint32_t class = 0; class < draft->classes.n; class ++) {
		uint32_t n_words, n_pages;

		draw_row(b, d, class);
		n_words = measure_row(b, &n_pages);
		clear_row(b);
		draft->row_of[class] = place_row(b->c, n_words, n_pages);
		for (uint32_t k = draft->classes.firsts[class];
			k < draft->classes.firsts[class + 1]; k++) {
			uint32_t *reach = &draft->reach[draft->classes.members[k]];

			*reach = n_words > *reach ? n_words : *reach;
		}
	}
}

void classifier_write_row(struct classifier_build *b, unsigned d, uint32_t class)
{
	uint64_t *rows = b->c->rows, *row = rows + b->drafts[d].row_of[class];
	uint32_t n_pages;
	struct row_page *pages = (struct row_page *)(row + 1);
	uint64_t *word_at;

	draw_row(b, d, class);
	if (b->c->is_one_word) {
		row[0] = b->scratch[0] | b->c->any[0][d];
		clear_row(b);
		return;
	}
	measure_row(b, &n_pages);
	word_at = (uint64_t *)(pages + n_pages);
	for (uint32_t page = 0; page < b->n_pages; page++) {
		if (b->used[page] == 0)
			continue;
		row[0] |= UINT64_C(1) << page;
		*pages++ = (struct row_page){
			b->used[page], b->visits[page], (uint64_t)(word_at - rows)};
		for (uint64_t words = b->used[page]; words != 0; words &= words - 1) {
			uint32_t at =
				page * CLASSIFIER_WORDS_PER_PAGE + (uint32_t)__builtin_ctzll(words);

			*word_at++ = b->scratch[at] | b->c->any[at][d];
		}
	}
	clear_row(b);
}

int classifier_give_rows(struct classifier_dim *dim, const uint64_t *row_of)
{
	struct class_table *table = &dim->table;

	for (uint32_t rank = 0; rank <= table->low.n; rank++)
		table->of_low[rank] = (uint32_t)row_of[table->of_low[rank]];
	for (uint32_t rank = 0; rank <= table->ip6.layers[1]; rank++)
		table->of_ip6[rank] = (uint32_t)row_of[table->of_ip6[rank]];
	if (!classifier_is_of_ports(dim->key))
		return 0;
	if (port_rows_init(&dim->ports, table) != 0)
		return -ENOMEM;
	class_table_fini(table);
	return 0;
}
