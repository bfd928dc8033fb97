// SPDX-License-Identifier: BSD-3-Clause
// A classifier while it is made: classifier.c, and classifier_rows.c for the rows of its classes.
// Control thread.
#pragma once

#include "dataplane/classifier.h"

// A dimension under construction.
struct classifier_draft {
	struct rule_classes classes;
	uint32_t *n_rules;     // of each set
	uint32_t *first_rules; // of each set: in `rules`
	uint32_t *rules;
	uint32_t *reach;  // of each set: words of the largest row that it is in
	uint64_t *row_of; // of each class
	uint32_t n_told;  // rules that it tells apart
};

struct classifier_build {
	const struct ruleset *rs;
	struct classifier *c;
	struct classifier_draft drafts[CLASSIFIER_DIMS]; // of dim_keys
	uint8_t *home;					 // of each rule: a draft
	uint64_t *scratch;				 // a row's words
	uint64_t used[CLASSIFIER_PAGES], visits[CLASSIFIER_PAGES];
	uint32_t n_at_home;
	uint32_t n_words, n_pages;
};

// How long the rows of a dimension will be, all together and for each set that is in them.
void classifier_measure_rows(struct classifier_build *b, unsigned d);
// When all are measured, the homes are found and the dense rows drawn.
void classifier_write_row(struct classifier_build *b, unsigned d, uint32_t class);
// From now on the dimension's values lead to rows. 0 or -ENOMEM.
int classifier_give_rows(struct classifier_dim *dim, const uint64_t *row_of);
