// SPDX-License-Identifier: BSD-3-Clause
// Names of the links: what a client that only speaks unicast asks for below .local is asked by
// multicast (RFC 6762), as often as the links can bear. A querier alone: it answers nobody on the
// link. DNS thread.
#pragma once

#include "control/dns/mdns_known.h"
#include "control/dns/mdns_links.h"

enum {
	MDNS_WAITING_MAX = 256, // questions at a time
	MDNS_ASKED_PER_SEC = 50,
};

struct mdns;
struct mdns_query;

// NULL: nobody could be asked. The answer may be that there is none. The query has ended with this
// call.
typedef void (*mdns_fn)(void *ctx, const struct dns_message *answer);

struct mdns *mdns_new(struct event_base *base, struct dns_stats *stats); // NULL without memory
void mdns_free(struct mdns *mdns);					 // NULL is fine

// From now on these interfaces are asked.
void mdns_set(struct mdns *mdns, const char *const *interfaces, unsigned n);
void mdns_look(struct mdns *mdns); // every moment
const struct mdns_nets *mdns_nets(const struct mdns *mdns);

// With the statistics' lock. NULL: there are too many, or no memory. `fn` is not called before this
// has returned, and without the lock.
struct mdns_query *mdns_ask(
	struct mdns *mdns, const struct dns_question *question, mdns_fn fn, void *ctx);
void mdns_cancel(struct mdns_query *query); // `fn` is not called; NULL is fine
