// SPDX-License-Identifier: BSD-3-Clause
// Writes to the state file, so that the loop never waits for a disk: one thread that does what it
// is given, one thing after the other, each told to the loop when it is done. Once the loop runs,
// nobody touches the file's connection on it. Control thread.
#pragma once

#include <event2/event.h>

enum { STATE_WRITER_QUEUE_MAX = 64 }; // each who writes has one or two here, and the rest at home

struct state_writer;

struct state_writer *state_writer_new(struct event_base *base); // NULL: no memory, or no thread
// Does what is queued, and tells it. NULL is fine.
void state_writer_free(struct state_writer *writer);

// Has the thread do run(ctx) after all that was posted before, then the loop done(ctx), in the same
// order; done may post more. Whoever posts touches no `ctx` in between. 0, or -ENOSPC.
int state_writer_post(
	struct state_writer *writer, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx);
// Waits for all that is posted, and what that posts, and tells it: for the end of who writes.
void state_writer_wait(struct state_writer *writer);
