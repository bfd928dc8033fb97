// SPDX-License-Identifier: BSD-3-Clause
// Which of many rules a packet may match, so that only those are asked: see classifier.c. What it
// cannot tell of a rule it leaves to be asked. Control builds it with the ruleset, workers read it.
#pragma once

#include "dataplane/port_rows.h"
#include "dataplane/rule_classes.h"
#include "dataplane/rules.h"

enum {
	// Rules to be walked: fewer are asked one by one. Less where all are in one word.
	CLASSIFIER_FROM = 64,
	CLASSIFIER_FROM_OF_WORD = 8,
	CLASSIFIER_DIMS = 4,
	CLASSIFIER_WORD = 64,	   // rules
	CLASSIFIER_PAGE = 64 * 64, // rules
	CLASSIFIER_PAGES = 64,
	CLASSIFIER_PROTOCOLS = 5, // FACT_TCP and those that follow
};

static_assert(DP_RULES_MAX <= CLASSIFIER_PAGE * CLASSIFIER_PAGES, "three digits of 64 a rule");

// A row has a bit for each rule, most of them 0: a bit for each page with any, and for each of
// those pages, in order, one of these.
struct row_page {
	uint64_t words;	 // with any bits
	uint64_t visits; // those that this row alone has to see to
	uint64_t first;	 // where these words stand, in order, in the rows
};

struct classifier_dim {
	enum rule_key key;
	unsigned slot;		  // in `any`
	struct class_table table; // of addresses: the row of each
	struct port_rows ports;	  // the same of ports
};

// A whole row, and which of its words are not zero.
struct dense_row {
	const uint64_t *words;
	const uint64_t *is_used;
};

struct classifier {
	unsigned from_rules; // CLASSIFIER_FROM, or that of a word
	bool is_one_word;    // all rules are: a row is one word, what takes any value with it
	struct classifier_dim dims[CLASSIFIER_DIMS];
	unsigned n_dims;
	// The same by what they ask; NULL: no rule does.
	const struct classifier_dim *source, *destination, *source_port, *destination_port;
	uint64_t *rows; // of all dimensions
	uint64_t n_rows_words;
	// By word, and by the dimensions' slots: a bit for each rule that takes any value, as far
	// as can be told. A row's own words have them too.
	uint64_t (*any)[CLASSIFIER_DIMS];
	uint64_t *homeless; // words with rules that take anything in all dimensions
	uint64_t homeless_pages;
	struct dense_row from[DP_ZONES_MAX], to[DP_ZONES_MAX];
	struct dense_row protocols[2][CLASSIFIER_PROTOCOLS]; // by family, IPv6 second
	// Of one word: those words.
	uint64_t from_word[DP_ZONES_MAX], to_word[DP_ZONES_MAX];
	uint64_t protocol_words[2][CLASSIFIER_PROTOCOLS];
	uint64_t *memory; // of the dense ones
	uint64_t memory_words;
};

// NULL: it would be of no use (errno 0), or there is no memory (ENOMEM). `rs` has its sets, matches
// and rows of zones.
struct classifier *classifier_new(const struct ruleset *rs);
void classifier_free(struct classifier *c); // NULL is fine
uint64_t classifier_bytes(const struct classifier *c);

// --- workers ---

// What a packet is to the classifier. Keeps pointers into it.
struct classifier_walk {
	const uint64_t *rows[CLASSIFIER_DIMS];
	const struct dense_row *from, *to, *protocol;
	uint64_t pages; // with rules that it may match
	uint64_t rules; // of one word: those themselves
};

// One of those pages.
struct classifier_page {
	uint64_t words; // with rules that it may match
	uint64_t has[CLASSIFIER_DIMS];
	const uint64_t *own[CLASSIFIER_DIMS];
};

// `facts` of the packet: enum rule_fact.
void classifier_begin(const struct classifier *c, struct classifier_walk *walk,
	const struct rule_subject *s, uint32_t facts);

static inline void classifier_open(const struct classifier *c, const struct classifier_walk *walk,
	unsigned page, struct classifier_page *out)
{
	uint64_t bit = UINT64_C(1) << page;

	out->words = c->homeless[page];
	for (unsigned d = 0; d < c->n_dims; d++) {
		const uint64_t *row = walk->rows[d];
		const struct row_page *p;

		if ((row[0] & bit) == 0) {
			out->has[d] = 0;
			continue;
		}
		p = (const struct row_page *)(row + 1) + __builtin_popcountll(row[0] & (bit - 1));
		out->words |= p->visits;
		out->has[d] = p->words;
		out->own[d] = c->rows + p->first;
	}
	out->words &=
		walk->from->is_used[page] & walk->to->is_used[page] & walk->protocol->is_used[page];
}

// The rules of a word of that page that may match.
static inline uint64_t classifier_word(const struct classifier *c,
	const struct classifier_walk *walk, const struct classifier_page *p, unsigned page,
	unsigned word)
{
	unsigned at = page * CLASSIFIER_PAGE / CLASSIFIER_WORD + word;
	uint64_t below = (UINT64_C(1) << word) - 1;
	uint64_t rules = walk->from->words[at] & walk->to->words[at] & walk->protocol->words[at];

	for (unsigned d = 0; d < c->n_dims; d++)
		rules &= p->has[d] >> word & 1 ? p->own[d][__builtin_popcountll(p->has[d] & below)]
					       : c->any[at][c->dims[d].slot];
	return rules;
}
