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

// 0, or -1 with the name of the step that failed and its reason.
int transaction_run(const struct transaction_step *steps, unsigned n, void *ctx,
	const char **failed, struct error *err);
