// SPDX-License-Identifier: BSD-3-Clause
// Programs of the operator's that are told what happens, one after the other in its order, by a
// thread of their own: nobody who tells waits for them. What waits is bounded, and what finds no
// room is counted. Control thread, but for that one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/hook_process.h"

enum {
	HOOKS_WAITING_MAX = 4096,
	HOOKS_WORDS_MAX = 32,	// arguments and environment of one run
	HOOKS_BYTES_MAX = 2048, // of them all
};

struct hooks;

struct hooks *hooks_new(void); // NULL: no memory
// What waits is dropped; one that runs has HOOK_STOP_MS to end. NULL is fine.
void hooks_free(struct hooks *hooks);

// What one run is told; begun, filled, and given to hooks_add, which takes a copy.
struct hook_call {
	char bytes[HOOKS_BYTES_MAX];
	unsigned n_bytes;
	unsigned at[HOOKS_WORDS_MAX], n_arguments, n_words; // the program is the first argument
	bool is_cut;					    // something had no room
};

void hook_call_begin(struct hook_call *call, const char *program);
// All arguments before the first variable.
void hook_call_argument(struct hook_call *call, const char *text);
void hook_call_set(struct hook_call *call, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// False: it is dropped, and counted. `object` is the log's.
bool hooks_add(struct hooks *hooks, const char *object, const struct hook_call *call);

struct hook_counts {
	uint64_t done, failed, timed_out, refused, dropped;
};
void hooks_count(struct hooks *hooks, struct hook_counts *counts); // of NULL: none
