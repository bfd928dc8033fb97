// SPDX-License-Identifier: BSD-3-Clause
// The steps from one config to another on a running router, in their order: what is new is there
// before packets are judged by it, and what is old goes after that. Control thread.
#pragma once

#include "control/apply/plan.h"
#include "control/apply/transaction.h"
#include "control/dns/dns_change.h"
#include "control/firewall.h"
#include "control/router.h"

struct steps_ctx {
	struct router *router;
	const struct config *before, *after;
	const struct plan *plan;
	struct set_files_wish wish;
	int64_t now;
	// the steps' own
	struct timed_sets timed;
	uint16_t mtus[CFG_INTERFACES_MAX]; // before, as plan->mtus
	struct firewall_next firewall;
	// Of attach.c: the policy is compiled for interfaces before they come, with these ids of
	// theirs, by plan->interfaces; false: for those that were there.
	bool is_foreseen;
	uint8_t ids[2 * CFG_INTERFACES_MAX];
	struct dns_change *dns; // NULL: it stays as it is
	struct cores cores;	// before
	struct config *old;	// that the router had: nobody's any more
};

enum {
	STEPS = 12,
	STEPS_LONG = 1, // that one takes long, and may be another thread's
};
extern const struct transaction_step steps[STEPS];

// Before the steps that follow the long one: the forwarder is asked to get ready for the config
// that comes, which takes long in prepare; that is another thread's. 0, or -1 with the reason.
int steps_begin_dns(struct steps_ctx *ctx, struct error *err);
int steps_prepare_dns(struct steps_ctx *ctx, struct error *err);

// After the last step: whatever points into the old config points into the new one, which is the
// router's from now on.
void steps_finish(struct steps_ctx *ctx, struct config *after);
// Frees what the steps hold, whether they came to their end or not. Any thread; then, of the
// control thread, steps_over.
void steps_fini(struct steps_ctx *ctx);
void steps_over(struct steps_ctx *ctx);
