// SPDX-License-Identifier: BSD-3-Clause
// libunbound, where answers are validated (DNSSEC) or found from the root down. Debian's library
// is built without TLS and asks one server at a time, so it does not talk to upstreams by itself:
// all its questions come to a socket on the loopback, and go on from there as any other (relay.h).
// DNS thread.
#pragma once

#include "control/dns/dns_policy.h"

struct resolver;
struct resolver_query;

// NULL: it failed. The answer is of the library's own making.
typedef void (*resolver_fn)(
	void *ctx, const struct dns_message *answer, bool is_validated, bool is_bogus);

// `policy` is borrowed and has its groups. NULL with the reason.
struct resolver *resolver_new(struct dns_policy *policy, struct error *err);
void resolver_free(struct resolver *resolver); // NULL is fine

// NULL: no memory. `fn` is not called before this has returned.
struct resolver_query *resolver_ask(struct resolver *resolver, const struct dns_question *question,
	bool is_do, bool is_cd, resolver_fn fn, void *ctx);
void resolver_cancel(struct resolver_query *query); // `fn` is not called; NULL is fine
