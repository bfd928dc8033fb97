// SPDX-License-Identifier: BSD-3-Clause
// A revision on trial: for how long, what it goes back to, and the probes that may confirm it
// before (probation.h). Says when; who has it does what follows. Control thread.
#pragma once

#include <stddef.h>

#include "control/router.h"

struct trial;

// From the loop, while one is on: its time is over, or all its probes have passed (once).
struct trial_calls {
	void (*over)(void *ctx);
	void (*passed)(void *ctx);
};

struct trial *trial_new(
	struct router *router, const struct trial_calls *calls, void *ctx); // NULL: no memory
void trial_free(struct trial *trial);					    // NULL is fine

// None is on before. `fallback` is what it goes back to.
void trial_begin(struct trial *trial, int64_t revision, int64_t fallback, unsigned sec);
// `name` as probes.h has it. 0, or -1 with the reason: nothing but a person confirms it.
int trial_probe(struct trial *trial, unsigned probes, const char *name, struct error *err);
void trial_end_probes(struct trial *trial);
// None is on after; safe without.
void trial_end(struct trial *trial);
// `over` is called again, so much later.
void trial_ask_again(struct trial *trial, unsigned sec);

int64_t trial_revision(const struct trial *trial); // 0: none is on
int64_t trial_fallback(const struct trial *trial);
unsigned trial_left_sec(const struct trial *trial);
// Why it goes, once its time is over: a sentence.
void trial_tell(const struct trial *trial, char *to, size_t bytes);
