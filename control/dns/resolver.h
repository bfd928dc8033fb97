// SPDX-License-Identifier: BSD-3-Clause
// Questions whose answers libunbound validates (DNSSEC), or finds from the root down. It takes some
// care to have a library that keeps answers fetch what is about to end, and forget an outage as
// soon as that is over. DNS thread.
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

struct resolver_question {
	const struct dns_question *question;
	bool is_do, is_cd;
	bool is_prefetch; // fetched, though it is known
};

// NULL: no memory. `fn` is not called before this has returned, and is called within 5 s.
struct resolver_query *resolver_ask(struct resolver *resolver,
	const struct resolver_question *asked, resolver_fn fn, void *ctx);
void resolver_cancel(struct resolver_query *query); // `fn` is not called; NULL is fine
