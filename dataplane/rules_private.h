// SPDX-License-Identifier: BSD-3-Clause
// A judgement under way: rules.c follows the lists and does what rules say, rules_match.c finds the
// next one that matches. Worker threads.
#pragma once

#include "dataplane/classifier.h"

struct judgement {
	const struct ruleset *rs;
	struct rules_state *state;
	const struct rule_subject *s;
	const struct rules_now *now;
	uint32_t mark; // as the rules so far have left it
	bool asked_rate;
	const struct classifier_walk *walk; // NULL: no list was long enough so far
	struct classifier_walk *own_walk;   // room for one
};

// A stretch of a list.
struct place {
	uint32_t next, end;
};

static inline bool rules_are_classified(const struct ruleset *rs, struct place place)
{
	return rs->classifier != NULL && place.end - place.next >= rs->classifier->from_rules;
}

// The next rule that matches; `here.end`: none.
uint32_t rules_next(struct judgement *j, struct place here);
// Of these of one word, where all rules are, the first that matches; CLASSIFIER_WORD: none.
uint32_t rules_first_of_word(struct judgement *j, uint64_t rules);
// What one of the sets that a rule asks says, and its schedule.
bool rules_set_matches(const struct judgement *j, const struct rule_match *m, enum rule_key key);
bool rules_is_active(const struct judgement *j, const struct rule_match *m);
// Asks that rate, and takes from it.
bool rules_rate_allows(const struct judgement *j, uint16_t cell);
