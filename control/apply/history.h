// SPDX-License-Identifier: BSD-3-Clause
// Every config that the router was given: numbered, with its text, who gave it, when and why, in
// the state file. What a call here has taken is on the disk. One is on trial from before it takes
// effect until it has stood its test: whoever starts next and finds it on trial knows that its
// maker did not live to see that. Bounded in number and in bytes. Any thread: what writes or reads
// texts waits for the disk; the rest is in memory too, and waits for nothing.
#pragma once

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/error.h"

enum {
	HISTORY_KEPT = 50,
	HISTORY_BYTES_MAX = 64 << 20, // of all texts, the newest good one apart
	HISTORY_WHO_MAX = 63,
	HISTORY_WHY_MAX = 255,
};

enum revision_state {
	REVISION_GOOD = 0,
	REVISION_TRIAL,
	REVISION_UNDONE, // it was on trial, and is no longer in force
};

struct revision {
	int64_t number;
	int64_t at; // wall clock
	enum revision_state state;
	int64_t uid;	 // of who gave it; -1: millraced itself
	const char *who; // the program
	const char *why;
	const char *file;   // what it was read from
	uint64_t file_hash; // of what the file that the daemon starts from held at that time
};

struct history;

// Of the daemon that starts from `origin`: others may keep theirs in the same file. `db` stays the
// caller's and must outlive it. NULL with the reason.
struct history *history_open(sqlite3 *db, const char *origin, struct error *err);
void history_close(struct history *history); // NULL is fine

// Long: 0, or -1 with the reason. Texts that are too long are cut; `number` is not looked at.
int history_add(struct history *history, const struct revision *revision, const char *text,
	size_t text_bytes, int64_t *number, struct error *err);
int history_settle(
	struct history *history, int64_t number, enum revision_state state, struct error *err);
// It never took effect.
int history_forget(struct history *history, int64_t number, struct error *err);

// Long. The text of one, to be freed; NULL with the reason.
char *history_text(struct history *history, int64_t number, size_t *text_bytes, struct error *err);

// Of that number, 0: of each, the newest first. What it is shown is valid during the call; `fn`
// asks nothing of the history.
typedef void (*history_fn)(void *ctx, const struct revision *revision);
void history_each(struct history *history, int64_t number, history_fn fn, void *ctx);

// 0: there is none.
int64_t history_newest(struct history *history, enum revision_state state);
// The newest good one that is older than that one. 0: there is none.
int64_t history_before(struct history *history, int64_t number);
