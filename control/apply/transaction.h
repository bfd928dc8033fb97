// SPDX-License-Identifier: BSD-3-Clause
// Several steps that are done all or not at all: when one fails, what those before it have done is
// undone, the last first. Any thread.
#pragma once

#include "cfg/base/error.h"

struct transaction_step {
	const char *name; // what it does, as in "the kernel's addresses"
	// 0, or -1 with the reason and nothing of its own left behind.
	int (*run)(void *ctx, struct error *err);
	void (*undo)(void *ctx); // says itself what it cannot undo; NULL: there is nothing to undo
};

// A part of them, from one on up to another: those before it have been done, and are undone too. 0,
// or -1 with the name of the step that failed and its reason.
int transaction_go_on(const struct transaction_step *steps, unsigned from, unsigned to, void *ctx,
	const char **failed, struct error *err);
// The first of them, which have been done.
void transaction_undo(const struct transaction_step *steps, unsigned n, void *ctx);
