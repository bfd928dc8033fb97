// SPDX-License-Identifier: BSD-3-Clause
// What others want of the forwarder's thread: they put a wish into its box and go on, no lock
// between them; the thread does them in turn. Who may wait, waits; the control loop asks again
// later. Any thread but where it says otherwise.
#pragma once

#include <event2/event.h>
#include <stdbool.h>

struct dns_mail;
struct dns_parts; // what the thread works with
struct dns_wish;

// In the thread. Not called when that ends before.
typedef void (*dns_wish_fn)(struct dns_parts *parts, void *ctx);

// `ctx` is freed by `free_ctx` (or NULL) when nobody looks at it any more. NULL: no memory, and
// `ctx` stays the caller's.
struct dns_wish *dns_wish_new(dns_wish_fn fn, void *ctx, void (*free_ctx)(void *ctx));
bool dns_wish_is_over(struct dns_wish *wish); // true once and for all; who put it asks
void dns_wish_wait(struct dns_wish *wish);    // until then; not for the loop
// It was done: not, where the thread ended before.
bool dns_wish_was_done(const struct dns_wish *wish);
// Nobody looks at it any more: it goes now, or when the thread is through with it. NULL is fine.
void dns_wish_leave(struct dns_wish *wish);

// The box of a thread with that loop. NULL: no memory.
struct dns_mail *dns_mail_new(struct event_base *base, struct dns_parts *parts);
// The thread is not there any more: what is left in the box is over.
void dns_mail_free(struct dns_mail *mail); // NULL is fine
// Once for each wish; never fails.
void dns_mail_put(struct dns_mail *mail, struct dns_wish *wish);
