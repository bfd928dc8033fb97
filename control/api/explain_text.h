// SPDX-License-Identifier: BSD-3-Clause
// Words for what a packet meets on its way: steps of `explain`. Control thread.
#pragma once

#include "control/api/explain.h"

// What is written while the steps of one packet are put together.
struct explain_steps {
	const struct router *router;
	const struct dp_explanation *why;
	json_t *list;
};

// Begins a step: what was decided. The others are about the last one that was begun.
void step_begin(struct explain_steps *steps, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void step_because(struct explain_steps *steps, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void step_place(struct explain_steps *steps, struct cfg_place place);
// Why not another: who, and what of it said no.
void step_passed_over(struct explain_steps *steps, const struct cfg_place *place, const char *field,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

// In explain_policy.c and explain_route.c.
void step_rules(struct explain_steps *steps);
void step_sets(struct explain_steps *steps);
void step_nat(struct explain_steps *steps, bool is_source);
void step_route(struct explain_steps *steps);
// In explain_uplink.c: of a packet that leaves by one.
void step_uplink(struct explain_steps *steps);
const char *explain_interface_name(const struct router *router, int id); // "router" below 0
