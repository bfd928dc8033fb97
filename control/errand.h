// SPDX-License-Identifier: BSD-3-Clause
// What takes long, done by a thread of its own while the loop goes on: one thing at a time. Who
// sends it owns what it works on, and touches none of it until it is back. Control thread.
#pragma once

#include <event2/event.h>

struct errand;

struct errand *errand_new(struct event_base *base); // NULL: no memory
void errand_free(struct errand *errand);	    // waits for what is under way; NULL is fine

// Has a thread do run(ctx), then the loop done(ctx). -EBUSY while another is under way, or -errno.
int errand_begin(struct errand *errand, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx);
