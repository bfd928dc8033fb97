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
	CLASSIFIER_WORDS_PER_PAGE = CLASSIFIER_PAGE / CLASSIFIER_WORD,
	CLASSIFIER_PAGES = 64,
	CLASSIFIER_LINE_WORDS = 8, // of a row on a cache line
	CLASSIFIER_PROTOCOLS = 5,  // FACT_TCP and those that follow
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

static inline bool classifier_is_of_ports(enum rule_key key)
{
	return key == KEY_SOURCE_PORT || key == KEY_DESTINATION_PORT;
}

// --- workers ---

// What a packet is to the classifier.
struct classifier_walk {
	uint64_t rules; // of the first word with rules that it may match: those. 0: there is none
	uint32_t word;	// which; of one that has none, the last that was looked at
	uint32_t first, end; // between these rules, and no others are told of
	uint64_t pages;	     // with rules that it may match
	uint32_t rows[CLASSIFIER_DIMS];
	const struct dense_row *from_row, *to_row, *protocol_row;
};

// Of one word, which of its rules may match.
uint64_t classifier_find_word(const struct classifier *c, const struct rule_subject *s);
// Of more, in two steps, for many packets to take the first one of all before the second one of
// any: the packet's values found among the rules', then the first word with rules that may match
// from rule `first` on, before `end`.
void classifier_find_rows(const struct classifier *c, struct classifier_walk *walk,
	const struct rule_subject *s, uint32_t first, uint32_t end);
void classifier_find_first(const struct classifier *c, struct classifier_walk *walk);
// The same from any rule on. 0: no word before `end` has any; else `word` is which.
uint64_t classifier_find_next(const struct classifier *c, const struct classifier_walk *walk,
	uint32_t first, uint32_t end, uint32_t *word);

static inline void classifier_find(const struct classifier *c, struct classifier_walk *walk,
	const struct rule_subject *s, uint32_t first, uint32_t end)
{
	if (c->is_one_word) {
		walk->rules = classifier_find_word(c, s);
		walk->word = walk->first = 0;
		walk->end = CLASSIFIER_WORD;
		return;
	}
	classifier_find_rows(c, walk, s, first, end);
	classifier_find_first(c, walk);
}
