// SPDX-License-Identifier: BSD-3-Clause
// One question asked of a group of upstreams: the best one first, the next beside it when that is
// slow, all of them again after that; the first good answer counts. UDP from a port of its own
// (RFC 5452 section 9.2), by TCP where it was cut; of upstreams with TLS by TLS alone. DNS thread.
#pragma once

#include "control/dns/dns_message.h"
#include "control/dns/upstream.h"

struct exchange;

// NULL: nobody gave an answer in time. The answer has the question asked and is well-formed, it may
// be an error. `upstream`: who gave it. The exchange has ended with this call.
typedef void (*exchange_fn)(
	void *ctx, const struct dns_message *answer, const struct upstream *upstream);

enum {
	EXCHANGE_MAX = 2048,	   // at a time
	EXCHANGE_MS_MAX = 4000,	   // then it has failed
	EXCHANGE_UDP_BYTES = 1232, // offered by EDNS: no fragments on any path
};

// `flags`: DNS_CD where the asker has it; `is_do`: DNSSEC's records are wanted. NULL: there are too
// many, or no memory. `fn` is not called before this has returned.
struct exchange *exchange_new(struct upstream_group *group, const struct dns_question *question,
	uint16_t flags, bool is_do, exchange_fn fn, void *ctx);
// The same of one upstream alone.
struct exchange *exchange_probe(struct upstream_group *group, struct upstream *upstream,
	const struct dns_question *question, exchange_fn fn, void *ctx);
void exchange_cancel(struct exchange *exchange); // `fn` is not called; NULL is fine
