// SPDX-License-Identifier: BSD-3-Clause
// A judgement, narrated: the rules are gone through one by one by what rules_match.c asks of each,
// and of those that do not match it is said what said no. Nothing is counted or taken where the
// ruleset is a rehearsal's. Control thread.
#pragma once

#include "dataplane/explain.h"
#include "dataplane/rules.h"

// Fills in which rules match on the way, which one decides, and which nearly would have; `verdict`
// is what rules_judge said of the same.
void rules_why(const struct ruleset *rs, enum dp_hook hook, const struct rule_subject *s,
	const struct rules_now *now, const struct rule_verdict *verdict,
	struct dp_explained_rules *out);

// Keeps those of whom fewest things said no, the first ones first.
void rules_why_note(struct dp_miss *misses, unsigned *n, const struct dp_miss *miss);
