// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dns/answer.h"
#include "control/dns/relay.h"
#include "control/dns/strip.h"
#include "control/dns/unbound.h"
#include "control/hash.h"

enum {
	QUERY_MS_MAX = 4500, // then it has failed; who asked waits no longer
	RENEW_MS = 500,	     // at most so often
	LAST_BITS = 1 << 16, // a power of two
	FAILURES_ARE_OUTAGE = 3,
};

// A context of libunbound. It keeps to itself what it has, and nobody can have it fetch that anew:
// so there are two, and what is to be fetched before it ends is asked of the one that has not got
// it.
struct library {
	struct library *next; // of those that were replaced
	struct ub_ctx *ctx;
	unsigned n_queries;
};

struct resolver {
	struct dns_policy *policy;
	struct library *libraries[2];
	struct library *old; // until the last of their questions is over
	struct event *sweep;
	struct relay *relay; // NULL: full recursion
	uint64_t renewed_ms;
	unsigned n_failures;	     // in a row; full recursion
	uint8_t last[LAST_BITS / 8]; // by hash: which of the two had the question last
	uint64_t seed;
	uint8_t out[DNS_MESSAGE_BYTES + 1];
};

struct resolver_query {
	struct resolver *resolver;
	struct library *library;
	struct dns_question question;
	int number;	     // libunbound's; 0: it is over
	struct event *event; // it has taken too long, or was answered at once
	void *early;	     // what it has said at once
	size_t early_bytes;
	int verdict;
	bool is_do, is_cd, is_beginning, is_early, is_again;
	resolver_fn fn;
	void *ctx;
};

enum { VERDICT_BOGUS = 1, VERDICT_SECURE = 2 }; // of ub_event_callback_type

// --- the library ---

static void library_free(struct library *library)
{
	if (library == NULL)
		return;
	if (library->ctx != NULL)
		ub_ctx_delete(library->ctx);
	free(library);
}

static struct library *library_new(struct resolver *resolver, struct error *err)
{
	struct library *library = calloc(1, sizeof(*library));

	if (library == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	library->ctx = unbound_new(
		resolver->policy, resolver->relay != NULL ? relay_port(resolver->relay) : 0, err);
	if (library->ctx != NULL)
		return library;
	library_free(library);
	return NULL;
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct resolver *resolver = ctx;

	for (struct library **at = &resolver->old, *library; (library = *at) != NULL;) {
		if (library->n_queries > 0) {
			at = &library->next;
			continue;
		}
		*at = library->next;
		library_free(library);
	}
}

static void let_go(struct resolver *resolver, struct library *library)
{
	static const struct timeval now;

	// not at once: it may be libunbound that calls
	if (--library->n_queries == 0 && library != resolver->libraries[0] &&
		library != resolver->libraries[1])
		event_add(resolver->sweep, &now);
}

// An outage leaves marks: servers that are not asked for minutes, zones whose keys could not be had
// and which are forged for a minute therefore. They go with the context that has them.
static void renew(struct resolver *resolver)
{
	static const struct timeval now;
	uint64_t now_ms = clock_now_ms();
	struct error err = {0};

	if (now_ms - resolver->renewed_ms < RENEW_MS)
		return;
	resolver->renewed_ms = now_ms;
	for (unsigned i = 0; i < 2; i++) {
		struct library *fresh = library_new(resolver, &err);

		if (fresh == NULL) {
			log_warning("dns", "%s", err.text);
			return;
		}
		resolver->libraries[i]->next = resolver->old;
		resolver->old = resolver->libraries[i];
		resolver->libraries[i] = fresh;
	}
	event_add(resolver->sweep, &now);
}

static void on_back(void *ctx)
{
	struct resolver *resolver = ctx;

	if (!relay_was_cut(resolver->relay))
		return;
	relay_forget_cut(resolver->relay);
	renew(resolver);
}

// --- coming and going ---

static int open_parts(struct resolver *resolver, struct error *err)
{
	struct upstream_group *group = &resolver->policy->groups[0];

	resolver->sweep = event_new(resolver->policy->base, -1, 0, on_sweep, resolver);
	if (resolver->sweep == NULL)
		return error_set(err, "no memory for the DNS forwarder");
	if (resolver->policy->config.upstreams.n > 0) {
		resolver->relay = relay_new(resolver->policy, on_back, resolver, err);
		if (resolver->relay == NULL)
			return -1;
		group->on_back = on_back;
		group->on_back_ctx = resolver;
	}
	for (unsigned i = 0; i < 2; i++) {
		resolver->libraries[i] = library_new(resolver, err);
		if (resolver->libraries[i] == NULL)
			return -1;
	}
	return 0;
}

struct resolver *resolver_new(struct dns_policy *policy, struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	resolver->policy = policy;
	resolver->seed = hash_seed();
	if (open_parts(resolver, err) == 0)
		return resolver;
	resolver_free(resolver);
	return NULL;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	resolver->policy->groups[0].on_back = NULL;
	for (unsigned i = 0; i < 2; i++)
		library_free(resolver->libraries[i]);
	while (resolver->old != NULL) {
		struct library *library = resolver->old;

		resolver->old = library->next;
		library_free(library);
	}
	if (resolver->sweep != NULL)
		event_free(resolver->sweep);
	relay_free(resolver->relay);
	free(resolver);
}

// --- questions ---

static void wait_ms(struct resolver_query *query, unsigned ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(query->event, &wait);
}

static void end_query(struct resolver_query *query)
{
	if (query->number != 0)
		ub_cancel(query->library->ctx, query->number);
	query->number = 0;
	if (query->library != NULL)
		let_go(query->resolver, query->library);
	query->library = NULL;
}

static bool is_failure(const struct dns_message *answer, bool is_bogus)
{
	return is_bogus || answer == NULL || dns_message_rcode(answer) == DNS_SERVFAIL;
}

static bool ask_library(struct resolver_query *query, struct library *library);

// What failed in a context that was replaced meanwhile may have failed by its marks alone.
static bool ask_again(struct resolver_query *query)
{
	struct resolver *resolver = query->resolver;

	if (query->is_again || query->library == NULL || query->library == resolver->libraries[0] ||
		query->library == resolver->libraries[1])
		return false;
	query->is_again = true;
	end_query(query);
	return ask_library(query, resolver->libraries[0]);
}

// RFC 4035 section 3.2.1: who did not ask for DNSSEC's records does not get them. There is no
// answer instead of a bogus one, but for who validates it alone (CD).
static void deliver(struct resolver_query *query, const void *packet, size_t bytes, int verdict)
{
	struct resolver *resolver = query->resolver;
	bool is_bogus = verdict == VERDICT_BOGUS;
	struct dns_message answer, *given = NULL;
	size_t n = 0;

	query->number = 0;
	if (packet != NULL && bytes > 0 && (!is_bogus || query->is_cd) &&
		dns_message_parse(packet, bytes, &answer) == 0 &&
		answer_has_plain_question(&answer))
		n = query->is_do ? strip_nothing(&answer, resolver->out, DNS_MESSAGE_BYTES)
				 : strip_dnssec(&answer, resolver->out, DNS_MESSAGE_BYTES);
	if (n > 0 && dns_message_parse(resolver->out, n, &answer) == 0)
		given = &answer;
	if (!is_failure(given, is_bogus))
		resolver->n_failures = 0;
	else if (ask_again(query))
		return;
	else
		resolver->n_failures++;
	query->fn(query->ctx, given, verdict == VERDICT_SECURE, is_bogus);
	resolver_cancel(query);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct resolver_query *query = ctx;

	if (query->is_early) {
		deliver(query, query->early, query->early_bytes, query->verdict);
		return;
	}
	end_query(query);
	deliver(query, NULL, 0, 0);
}

// What libunbound knows already it says at once: the asker hears of it in the loop's next turn.
static void keep_early(struct resolver_query *query, const void *packet, size_t bytes, int verdict)
{
	query->is_early = true;
	query->verdict = verdict;
	if (packet != NULL && (query->early = malloc(bytes + 1)) != NULL) {
		memcpy(query->early, packet, bytes);
		query->early_bytes = bytes;
	}
}

static void on_answer(void *ctx, int rcode, void *packet, int bytes, int verdict, char *why_bogus,
	int was_limited)
{
	struct resolver_query *query = ctx;

	if (verdict == VERDICT_BOGUS && why_bogus != NULL)
		log_info("dns", "an answer is withheld: %s", why_bogus);
	if (query->is_beginning)
		keep_early(query, packet, bytes > 0 ? (size_t)bytes : 0, verdict);
	else
		deliver(query, packet, bytes > 0 ? (size_t)bytes : 0, verdict);
}

static bool ask_library(struct resolver_query *query, struct library *library)
{
	char name[DNS_NAME_STR_BYTES];
	int rc;

	dns_name_str(&query->question.name, name);
	query->library = library;
	library->n_queries++;
	free(query->early);
	query->early = NULL;
	query->early_bytes = 0;
	query->is_early = false;
	query->is_beginning = true;
	rc = ub_resolve_event(library->ctx, name, query->question.type, query->question.class,
		query, on_answer, &query->number);
	query->is_beginning = false;
	if (rc != 0) {
		query->number = 0;
		end_query(query);
		return false;
	}
	if (query->is_early) {
		query->number = 0;
		wait_ms(query, 0);
	} else {
		wait_ms(query, QUERY_MS_MAX);
	}
	return true;
}

// A collision has a name fetched anew a little later, when it has ended.
static struct library *choose(
	struct resolver *resolver, const struct dns_question *question, bool is_prefetch)
{
	uint64_t hash = hash_mix(
		dns_name_hash(&question->name, resolver->seed) ^ question->type, resolver->seed);
	uint8_t *last = &resolver->last[hash / 8 % sizeof(resolver->last)];
	uint8_t bit = (uint8_t)(1 << hash % 8);

	if (is_prefetch)
		*last ^= bit;
	else
		*last &= (uint8_t)~bit;
	return resolver->libraries[(*last & bit) != 0];
}

struct resolver_query *resolver_ask(
	struct resolver *resolver, const struct resolver_question *asked, resolver_fn fn, void *ctx)
{
	struct resolver_query *query = calloc(1, sizeof(*query));

	if (query == NULL)
		return NULL;
	query->resolver = resolver;
	query->question = *asked->question;
	query->is_do = asked->is_do;
	query->is_cd = asked->is_cd;
	query->fn = fn;
	query->ctx = ctx;
	query->event = event_new(resolver->policy->base, -1, 0, on_event, query);
	if (query->event == NULL) {
		free(query);
		return NULL;
	}
	if (resolver->relay == NULL && resolver->n_failures >= FAILURES_ARE_OUTAGE)
		renew(resolver);
	if (!ask_library(query, choose(resolver, asked->question, asked->is_prefetch))) {
		resolver_cancel(query);
		return NULL;
	}
	return query;
}

void resolver_cancel(struct resolver_query *query)
{
	if (query == NULL)
		return;
	end_query(query);
	event_free(query->event);
	free(query->early);
	free(query);
}
