// SPDX-License-Identifier: BSD-3-Clause
// Which of the flows that live a plan would end, and by what: each is judged by the policy that the
// plan has compiled. As of the moment that each was looked at, with the routes and addresses of
// now. Control thread, a millisecond at a time.
#pragma once

#include "control/apply/plan.h"
#include "control/firewall.h"
#include "dataplane/forecast.h"

enum {
	FORESIGHT_FLOWS_MAX = 1000000, // that are judged unless somebody wants another number
	FORESIGHT_SHOWN = 500,	       // of those that end
	FORESIGHT_CAUSES = 64,	       // that are told apart
};

struct foresight_cause {
	enum dp_foresight what;
	const struct cfg_rule *rule; // the config's; NULL: none, see `list` and `reason`
	const char *list; // of the rule, or the hook whose default decides; NULL: not the firewall
	const char *reason; // of a refusal: the counter
	uint64_t flows;
};

struct foresight {
	uint64_t judged, ends;
	bool is_all;					 // of them
	struct foresight_cause causes[FORESIGHT_CAUSES]; // most flows first, at the end
	unsigned n_causes;
	uint64_t n_others; // that end by further causes
	struct dp_flow shown[FORESIGHT_SHOWN];
	int16_t shown_cause[FORESIGHT_SHOWN]; // -1: a further one
	unsigned n_shown;
	// its own
	uint64_t limit;
	const struct policy *policy;
	struct dp_forecast *forecast;
};

// `next` must stay until foresight_end, and its config as long as this. `flows_max` 0: the usual
// number. NULL: no memory.
struct foresight *foresight_new(const struct firewall *firewall, const struct firewall_next *next,
	const struct plan *plan, uint64_t flows_max, int64_t now);
// True: there is more.
bool foresight_go_on(struct foresight *foresight);
// What it has found stays.
void foresight_end(struct foresight *foresight);  // NULL is fine
void foresight_free(struct foresight *foresight); // NULL is fine
