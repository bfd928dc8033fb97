// SPDX-License-Identifier: BSD-3-Clause
// What the classifier (classifier.c) leaves of the rules for a packet.
#include "dataplane/classifier.h"

#include <string.h>

#include <rte_byteorder.h>

// Apart, so that IPv4 has no registers to save.
static __attribute__((noinline)) uint32_t row_of_ip6(
	const struct class_table *table, const uint8_t *addr)
{
	uint64_t halves[2];

	memcpy(halves, addr, sizeof(halves));
	return table->of_ip6[bounds128_rank(
		&table->ip6, (unsigned __int128)rte_be_to_cpu_64(halves[0]) << 64 |
				     rte_be_to_cpu_64(halves[1]))];
}

static inline uint32_t row_of_ip4(const struct class_table *table, const uint8_t *addr)
{
	uint32_t addr_be;

	memcpy(&addr_be, addr, sizeof(addr_be));
	return table->of_low[bounds32_rank(&table->low, rte_be_to_cpu_32(addr_be))];
}

static inline uint32_t row_of_address(
	const struct class_table *table, uint8_t family, const uint8_t *addr)
{
	return family == IP_V6 ? row_of_ip6(table, addr) : row_of_ip4(table, addr);
}

static unsigned protocol_of(const struct rule_subject *s)
{
	return (unsigned)__builtin_ctz(s->facts / FACT_TCP); // its own is the only one
}

static inline uint64_t word_of(const struct classifier *c, const struct rule_subject *s)
{
	uint64_t rules = c->from_word[s->from] & c->to_word[s->to] &
			 c->protocol_words[s->family == IP_V6][protocol_of(s)];

	// Which dimensions there are does not change from packet to packet.
	if (c->source_port != NULL)
		rules &= c->rows[port_rows_find(&c->source_port->ports, s->sport)];
	if (c->destination_port != NULL)
		rules &= c->rows[port_rows_find(&c->destination_port->ports, s->dport)];
	return rules;
}

static __attribute__((noinline)) uint64_t find_word6(
	const struct classifier *c, const struct rule_subject *s)
{
	uint64_t rules = word_of(c, s);

	if (c->source != NULL)
		rules &= c->rows[row_of_ip6(&c->source->table, s->src)];
	if (c->destination != NULL)
		rules &= c->rows[row_of_ip6(&c->destination->table, s->dst)];
	return rules;
}

uint64_t classifier_find_word(const struct classifier *c, const struct rule_subject *s)
{
	uint64_t rules;

	if (s->family == IP_V6)
		return find_word6(c, s);
	rules = word_of(c, s);
	if (c->source != NULL)
		rules &= c->rows[row_of_ip4(&c->source->table, s->src)];
	if (c->destination != NULL)
		rules &= c->rows[row_of_ip4(&c->destination->table, s->dst)];
	return rules;
}

static inline void find_row(
	const struct classifier *c, struct classifier_walk *walk, unsigned d, uint32_t row)
{
	walk->rows[d] = row;
	__builtin_prefetch(c->rows + row);
	__builtin_prefetch(c->rows + row + CLASSIFIER_LINE_WORDS); // most are on two lines
}

static void find_rows(const struct classifier *c, struct classifier_walk *walk,
	const struct rule_subject *s, uint32_t first, uint32_t end)
{
	unsigned d = 0;

	walk->first = first;
	walk->end = end;
	walk->from_row = &c->from[s->from];
	walk->to_row = &c->to[s->to];
	walk->protocol_row = &c->protocols[s->family == IP_V6][protocol_of(s)];
	// in the order of `dims`
	if (c->source != NULL)
		find_row(c, walk, d++, row_of_address(&c->source->table, s->family, s->src));
	if (c->destination != NULL)
		find_row(c, walk, d++, row_of_address(&c->destination->table, s->family, s->dst));
	if (c->source_port != NULL)
		find_row(c, walk, d++, port_rows_find(&c->source_port->ports, s->sport));
	if (c->destination_port != NULL)
		find_row(c, walk, d++, port_rows_find(&c->destination_port->ports, s->dport));
}

// A page of rules, as a packet sees it.
struct page {
	uint64_t words; // with rules that it may match
	uint64_t has[CLASSIFIER_DIMS];
	uint64_t own[CLASSIFIER_DIMS]; // where they begin in the rows
};

static inline void open_page(const struct classifier *c, const struct classifier_walk *walk,
	unsigned at, struct page *page)
{
	uint64_t bit = UINT64_C(1) << at;

	page->words = c->homeless[at];
	for (unsigned d = 0; d < c->n_dims; d++) {
		const uint64_t *row = c->rows + walk->rows[d];
		const struct row_page *p = (const struct row_page *)(row + 1) +
					   __builtin_popcountll(row[0] & (bit - 1));
		uint64_t has = -(row[0] >> at & 1); // else what stands there is another's

		page->words |= p->visits & has;
		page->has[d] = p->words & has;
		page->own[d] = p->first & has;
	}
	page->words &= walk->from_row->is_used[at] & walk->to_row->is_used[at] &
		       walk->protocol_row->is_used[at];
}

// The rules of a word of that page that may match.
static inline uint64_t rules_of(const struct classifier *c, const struct classifier_walk *walk,
	const struct page *page, unsigned word)
{
	uint32_t at = word % CLASSIFIER_WORDS_PER_PAGE;
	uint64_t below = (UINT64_C(1) << at) - 1;
	uint64_t rules = walk->from_row->words[word] & walk->to_row->words[word] &
			 walk->protocol_row->words[word];

	for (unsigned d = 0; d < c->n_dims; d++) {
		uintptr_t own = (uintptr_t)(c->rows + page->own[d] +
					    __builtin_popcountll(page->has[d] & below));
		uintptr_t any = (uintptr_t)&c->any[word][c->dims[d].slot];
		uintptr_t is_own = -(uintptr_t)(page->has[d] >> at & 1);

		rules &= *(const uint64_t *)((own & is_own) | (any & ~is_own));
	}
	return rules;
}

uint64_t classifier_find_next(const struct classifier *c, const struct classifier_walk *walk,
	uint32_t first, uint32_t end, uint32_t *word)
{
	uint64_t pages = walk->pages & UINT64_MAX << first / CLASSIFIER_PAGE;

	for (; pages != 0; pages &= pages - 1) {
		unsigned at = (unsigned)__builtin_ctzll(pages);
		struct page page;

		if (at * CLASSIFIER_PAGE >= end)
			break;
		open_page(c, walk, at, &page);
		if (at == first / CLASSIFIER_PAGE)
			page.words &= UINT64_MAX
				      << first / CLASSIFIER_WORD % CLASSIFIER_WORDS_PER_PAGE;
		for (; page.words != 0; page.words &= page.words - 1) {
			uint64_t rules;

			*word = at * CLASSIFIER_WORDS_PER_PAGE +
				(unsigned)__builtin_ctzll(page.words);
			if (*word * CLASSIFIER_WORD >= end)
				return 0;
			rules = rules_of(c, walk, &page, *word);
			if (*word == first / CLASSIFIER_WORD)
				rules &= UINT64_MAX << first % CLASSIFIER_WORD;
			if (rules != 0)
				return rules;
		}
	}
	return 0;
}

static void find_first(const struct classifier *c, struct classifier_walk *walk)
{
	walk->pages = c->homeless_pages;
	for (unsigned d = 0; d < c->n_dims; d++)
		walk->pages |= c->rows[walk->rows[d]];
	walk->rules = classifier_find_next(c, walk, walk->first, walk->end, &walk->word);
	if (walk->rules == 0)
		walk->word = (walk->end - 1) / CLASSIFIER_WORD;
	else if (walk->word == walk->end / CLASSIFIER_WORD)
		walk->rules &= ~(UINT64_MAX << walk->end % CLASSIFIER_WORD);
}

void classifier_find(const struct classifier *c, struct classifier_walk *walk,
	const struct rule_subject *s, uint32_t first, uint32_t end)
{
	if (c->is_one_word) {
		walk->rules = classifier_find_word(c, s);
		walk->word = walk->first = 0;
		walk->end = CLASSIFIER_WORD;
		return;
	}
	find_rows(c, walk, s, first, end);
	find_first(c, walk);
}
