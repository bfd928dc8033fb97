// SPDX-License-Identifier: BSD-3-Clause
// Whether a server takes connections again. The kernel sends the first packet of a connection anew
// after one second, then two, then four: a server that returns meanwhile would not be noticed for
// as long. So it is knocked at beside, by a new connection every KNOCK_MS, until it opens. DNS
// thread.
#pragma once

#include <event2/event.h>

struct upstream;
struct upstream_knock;

enum { KNOCK_MS = 300 };

// It has opened: called once, and nothing is tried after that. The knock may be freed in it.
typedef void (*upstream_knock_fn)(void *ctx);

// The first comes after KNOCK_MS. `upstream` is borrowed. NULL: no memory.
struct upstream_knock *upstream_knock_new(
	struct event_base *base, const struct upstream *upstream, upstream_knock_fn fn, void *ctx);
void upstream_knock_free(struct upstream_knock *knock); // NULL is fine
