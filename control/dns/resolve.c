// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dns/blocked_answer.h"
#include "control/dns/mdns.h"
#include "control/dns/resolver.h"
#include "control/hash.h"

enum {
	QUESTIONS_MAX = 2048, // under way
	ASKERS_MAX = 16384,   // of all together
	BUCKETS = 4096,	      // a power of two
	STALE_MS = 1800,      // RFC 8767 section 5: the client response timer
	NS_PER_US = 1000,
	MS_PER_SEC = 1000,
};

struct waiter {
	struct waiter *next;
	struct asker asker;
};

struct under_way {
	struct under_way *next; // in its bucket
	struct resolve *resolve;
	struct dns_policy *policy;
	struct cache_key key;
	uint64_t hash;
	struct waiter *waiters;
	struct exchange *exchange; // one of these three
	struct resolver_query *query;
	struct mdns_query *link;
	bool is_of_link, is_bogus;
	struct event *timer; // then, what is stale goes
};

struct resolve {
	struct event_base *base;
	struct set_feed *feed;
	struct mdns *mdns;
	struct dns_stats *stats;
	const struct dns_policy *policy; // the one in force, and what its questions fill
	struct cache *cache;
	struct under_way *buckets[BUCKETS];
	unsigned n_questions, n_askers;
	uint64_t seed;
	uint8_t out[DNS_MESSAGE_BYTES + 1], one[DNS_MESSAGE_BYTES + 1]; // for all, for one of them
};

static uint64_t hash_of(const struct resolve *resolve, const struct cache_key *key)
{
	return dns_name_hash(&key->question.name, resolve->seed) ^
	       hash_mix((uint64_t)key->question.type << 2 | (key->is_do ? 2u : 0) |
				(key->is_cd ? 1u : 0),
		       resolve->seed);
}

static struct under_way **find(struct resolve *resolve, const struct dns_policy *policy,
	uint64_t hash, const struct cache_key *key)
{
	struct under_way **at = &resolve->buckets[hash % BUCKETS];

	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->hash == hash && (*at)->policy == policy &&
			(*at)->key.question.type == key->question.type &&
			(*at)->key.is_do == key->is_do && (*at)->key.is_cd == key->is_cd &&
			(*at)->key.view == key->view &&
			dns_name_equal(&(*at)->key.question.name, &key->question.name))
			break;
	return at;
}

static void free_under_way(struct under_way *question)
{
	struct resolve *resolve = question->resolve;
	struct under_way **at = &resolve->buckets[question->hash % BUCKETS];

	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
	resolve->n_questions--;
	exchange_cancel(question->exchange);
	resolver_cancel(question->query);
	mdns_cancel(question->link);
	if (question->timer != NULL)
		event_free(question->timer);
	dns_policy_let_go(question->policy);
	free(question);
}

// --- answers ---

static void free_waiter(struct resolve *resolve, struct waiter *waiter)
{
	resolve->n_askers--;
	free(waiter->asker.alias);
	free(waiter);
}

static struct waiter *take_waiter(struct under_way *question)
{
	struct waiter *waiter = question->waiters;

	if (waiter != NULL)
		question->waiters = waiter->next;
	return waiter;
}

// What all get, as this one asked for it.
static size_t make_one(struct resolve *resolve, const struct asker *asker, size_t n)
{
	const struct dns_name *name = &asker->asked.question.name;

	if (asker->alias != NULL)
		return answer_join(asker, resolve->out, n, resolve->one, DNS_MESSAGE_BYTES);
	memcpy(resolve->one, resolve->out, n);
	memcpy(resolve->one + DNS_HEADER_BYTES, name->bytes, name->len);
	return n;
}

// `n` bytes of resolve->one, or 0.
static void reply(struct resolve *resolve, const struct asker *asker, size_t n)
{
	if (n > 0)
		n = answer_put_cookie(&asker->asked, resolve->one, n, DNS_MESSAGE_BYTES);
	asker->reply(asker, resolve->one, n);
}

// One that leads to a blocked name by its aliases: all get what is said instead.
static bool block_all(struct under_way *question, size_t n)
{
	struct resolve *resolve = question->resolve;
	struct dns_blocked blocked;
	struct dns_message answer;
	struct waiter *waiter;
	struct dns_name alias;
	enum dns_rcode rcode;

	// lists are those of the policy in force
	if (question->policy != resolve->policy || question->key.view == 0 ||
		dns_message_parse(resolve->out, n, &answer) != 0 ||
		!blocked_alias_find(
			question->policy->local, question->key.view, &answer, &blocked, &alias))
		return false;
	while ((waiter = take_waiter(question)) != NULL) {
		n = blocked_alias_write(&waiter->asker.asked, &blocked, &alias, resolve->one,
			DNS_MESSAGE_BYTES, &rcode);
		dns_stats_count(resolve->stats, DNS_COUNT_BLOCKED);
		dns_stats_count(resolve->stats, DNS_COUNT_BLOCKED_ALIAS);
		resolve->stats->codes[rcode & DNS_RCODE]++;
		reply(resolve, &waiter->asker, n);
		free_waiter(resolve, waiter);
	}
	return true;
}

// `n` bytes of resolve->out are an answer without OPT.
static void answer_all(
	struct under_way *question, size_t n, bool is_validated, enum dns_extra extra)
{
	struct resolve *resolve = question->resolve;
	uint64_t now_ns = clock_now_ns();
	struct waiter *waiter;

	if (block_all(question, n))
		return;
	while ((waiter = take_waiter(question)) != NULL) {
		const struct asker *asker = &waiter->asker;
		size_t bytes = make_one(resolve, asker, n);

		if (bytes > 0)
			bytes = answer_finish(&asker->asked, is_validated && asker->alias == NULL,
				resolve->one, bytes, DNS_MESSAGE_BYTES);
		if (bytes > 0)
			bytes = answer_explain(
				&asker->asked, extra, "", resolve->one, bytes, DNS_MESSAGE_BYTES);
		if (bytes > 0 && !set_feed_note(resolve->feed, resolve->one, bytes)) {
			dns_stats_count(resolve->stats, DNS_COUNT_DROP_SETS);
			bytes = 0;
		}
		resolve->stats->codes[resolve->out[3] & DNS_RCODE]++;
		dns_stats_time(
			&resolve->stats->resolved_times, (now_ns - asker->came_ns) / NS_PER_US);
		reply(resolve, asker, bytes);
		free_waiter(resolve, waiter);
	}
}

static void answer_all_code(
	struct under_way *question, enum dns_rcode rcode, enum dns_extra extra, const char *why)
{
	struct resolve *resolve = question->resolve;
	struct waiter *waiter;

	while ((waiter = take_waiter(question)) != NULL) {
		size_t bytes = answer_write_code(
			&waiter->asker.asked, rcode, resolve->one, DNS_MESSAGE_BYTES);

		bytes = answer_explain(
			&waiter->asker.asked, extra, why, resolve->one, bytes, DNS_MESSAGE_BYTES);

		resolve->stats->codes[rcode & DNS_RCODE]++;
		reply(resolve, &waiter->asker, bytes);
		free_waiter(resolve, waiter);
	}
}

static bool answer_stale(struct under_way *question)
{
	struct resolve *resolve = question->resolve;
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	size_t n;

	if (question->policy != resolve->policy ||
		cache_get(resolve->cache, &question->key, now_sec, resolve->out, DNS_MESSAGE_BYTES,
			&n) == CACHE_NONE)
		return false;
	cache_note_failure(resolve->cache, &question->key, now_sec);
	for (const struct waiter *w = question->waiters; w != NULL; w = w->next)
		dns_stats_count(resolve->stats, DNS_COUNT_STALE);
	answer_all(question, n, false,
		(resolve->out[3] & DNS_RCODE) == DNS_NXDOMAIN ? DNS_EXTRA_STALE_NXDOMAIN
							      : DNS_EXTRA_STALE);
	return true;
}

static void on_stale_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct under_way *question = ctx;
	struct dns_stats *stats = question->resolve->stats;

	pthread_mutex_lock(&stats->lock);
	answer_stale(question);
	pthread_mutex_unlock(&stats->lock);
}

static bool is_useful(const struct dns_message *answer)
{
	return answer != NULL && (dns_message_rcode(answer) == DNS_NOERROR ||
					 dns_message_rcode(answer) == DNS_NXDOMAIN);
}

// Who is asked for a domain of its own may well lead into networks of ours.
static bool is_believed(
	const struct under_way *question, const struct dns_message *answer, char why[DNS_WHY_BYTES])
{
	if (question->is_of_link ||
		dns_policy_domain(question->policy, &question->key.question.name) != NULL ||
		dns_local_allows(question->policy->local, answer, why))
		return true;
	log_info("dns", "an answer is withheld: %s", why);
	return false;
}

// Whoever has it: it goes to all who wait, and into the cache.
static void take_answer(
	struct under_way *question, const struct dns_message *answer, bool is_validated)
{
	struct resolve *resolve = question->resolve;
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	char why[DNS_WHY_BYTES];
	struct dns_message copy;
	size_t n;

	pthread_mutex_lock(&resolve->stats->lock);
	if (!is_useful(answer) && answer_stale(question)) {
		free_under_way(question);
		goto out;
	}
	if (answer == NULL || answer->n > DNS_MESSAGE_BYTES) {
		dns_stats_count(resolve->stats, DNS_COUNT_FAILED);
		if (question->is_bogus)
			answer_all_code(question, DNS_SERVFAIL, DNS_EXTRA_BOGUS,
				"DNSSEC says that it is forged");
		else
			answer_all_code(question, DNS_SERVFAIL, DNS_EXTRA_UNREACHABLE,
				"nobody who could know answers");
		free_under_way(question);
		goto out;
	}
	if (!is_believed(question, answer, why)) {
		dns_stats_count(resolve->stats, DNS_COUNT_REBIND);
		answer_all_code(question, DNS_NOERROR, DNS_EXTRA_FILTERED, why);
		free_under_way(question);
		goto out;
	}
	dns_stats_count(resolve->stats, DNS_COUNT_RESOLVED);
	memcpy(resolve->out, answer->bytes, answer->n);
	copy = *answer;
	copy.bytes = resolve->out;
	n = answer_without_opt(resolve->out, &copy);
	// the flag is ours: an upstream's word on it counts for nothing
	answer_set_validated(resolve->out, is_validated);
	// what links say is kept where it is heard when it changes
	if (question->policy == resolve->policy && !question->is_of_link)
		cache_put(resolve->cache, &question->key, &copy, now_sec);
	answer_all(question, n, is_validated, DNS_EXTRA_NONE);
	free_under_way(question);
out:
	pthread_mutex_unlock(&resolve->stats->lock);
}

static void on_exchange(
	void *ctx, const struct dns_message *answer, const struct upstream *upstream)
{
	struct under_way *question = ctx;

	question->exchange = NULL;
	take_answer(question, answer, false);
}

static void on_resolver(
	void *ctx, const struct dns_message *answer, bool is_validated, bool is_bogus)
{
	struct under_way *question = ctx;

	question->query = NULL;
	question->is_bogus = is_bogus;
	if (is_bogus) {
		pthread_mutex_lock(&question->resolve->stats->lock);
		dns_stats_count(question->resolve->stats, DNS_COUNT_BOGUS);
		pthread_mutex_unlock(&question->resolve->stats->lock);
	}
	take_answer(question, answer, is_validated);
}

static void on_link(void *ctx, const struct dns_message *answer)
{
	struct under_way *question = ctx;

	question->link = NULL;
	take_answer(question, answer, false);
}

// --- questions ---

static bool begin(struct under_way *question, bool is_prefetch)
{
	const struct cache_key *key = &question->key;
	struct dns_policy *policy = question->policy;
	struct upstream_group *group = dns_policy_domain(policy, &key->question.name);
	uint16_t flags = key->is_cd ? DNS_CD : 0;

	question->is_of_link = dns_local_asks_link(policy->local, &key->question.name);
	if (question->is_of_link) {
		question->link =
			mdns_ask(question->resolve->mdns, &key->question, on_link, question);
		return question->link != NULL;
	}
	if (group == NULL && policy->resolver != NULL) {
		question->query = resolver_ask(policy->resolver,
			&(struct resolver_question){.question = &key->question,
				.is_do = key->is_do,
				.is_cd = key->is_cd,
				.is_prefetch = is_prefetch},
			on_resolver, question);
		return question->query != NULL;
	}
	if (group == NULL)
		group = &policy->groups[0];
	question->exchange =
		exchange_new(group, &key->question, flags, key->is_do, on_exchange, question);
	return question->exchange != NULL;
}

// With what is stale, where there is any: after a while, or at once where that is known to be vain.
static void arm_stale(struct under_way *question)
{
	struct resolve *resolve = question->resolve;
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	unsigned ms = STALE_MS;
	struct timeval wait;

	if (question->policy != resolve->policy ||
		cache_look(resolve->cache, &question->key, now_sec) != CACHE_STALE)
		return;
	if (cache_has_failed(resolve->cache, &question->key, now_sec))
		ms = 0;
	else if (question->timer != NULL)
		return; // it runs
	if (question->timer == NULL)
		question->timer = event_new(resolve->base, -1, 0, on_stale_timer, question);
	wait = (struct timeval){.tv_sec = ms / MS_PER_SEC, .tv_usec = ms % MS_PER_SEC * 1000};
	if (question->timer != NULL)
		event_add(question->timer, &wait);
}

static struct under_way *new_question(struct resolve *resolve, struct dns_policy *policy,
	const struct cache_key *key, uint64_t hash, bool is_prefetch)
{
	struct under_way *question;

	if (resolve->n_questions == QUESTIONS_MAX)
		return NULL;
	question = calloc(1, sizeof(*question));
	if (question == NULL)
		return NULL;
	question->resolve = resolve;
	question->policy = policy;
	question->key = *key;
	question->hash = hash;
	question->next = resolve->buckets[hash % BUCKETS];
	resolve->buckets[hash % BUCKETS] = question;
	resolve->n_questions++;
	dns_policy_hold(policy);
	if (!begin(question, is_prefetch)) {
		free_under_way(question);
		return NULL;
	}
	return question;
}

bool resolve_ask(struct resolve *resolve, struct dns_policy *policy, const struct cache_key *key,
	const struct asker *asker)
{
	uint64_t hash = hash_of(resolve, key);
	struct under_way *question = *find(resolve, policy, hash, key);
	struct waiter *waiter;

	if (resolve->n_askers == ASKERS_MAX)
		return false;
	waiter = malloc(sizeof(*waiter));
	if (waiter == NULL)
		return false;
	waiter->asker = *asker;
	if (question != NULL)
		dns_stats_count(resolve->stats, DNS_COUNT_JOINED);
	else
		question = new_question(resolve, policy, key, hash, false);
	if (question == NULL) {
		free(waiter);
		return false;
	}
	waiter->next = question->waiters;
	question->waiters = waiter;
	resolve->n_askers++;
	arm_stale(question);
	return true;
}

bool resolve_prefetch(
	struct resolve *resolve, struct dns_policy *policy, const struct cache_key *key)
{
	uint64_t hash = hash_of(resolve, key);

	return *find(resolve, policy, hash, key) == NULL &&
	       new_question(resolve, policy, key, hash, true) != NULL;
}

unsigned resolve_waiting(const struct resolve *resolve)
{
	return resolve->n_questions;
}

// --- coming and going ---

struct resolve *resolve_new(
	struct event_base *base, struct dns_stats *stats, struct set_feed *feed, struct mdns *mdns)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));

	if (resolve == NULL)
		return NULL;
	resolve->base = base;
	resolve->stats = stats;
	resolve->feed = feed;
	resolve->mdns = mdns;
	resolve->seed = hash_seed();
	return resolve;
}

void resolve_set_policy(
	struct resolve *resolve, const struct dns_policy *policy, struct cache *cache)
{
	resolve->policy = policy;
	resolve->cache = cache;
}

void resolve_free(struct resolve *resolve)
{
	if (resolve == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (resolve->buckets[i] != NULL) {
			struct under_way *question = resolve->buckets[i];
			struct waiter *waiter;

			while ((waiter = take_waiter(question)) != NULL) {
				waiter->asker.reply(&waiter->asker, NULL, 0);
				free_waiter(resolve, waiter);
			}
			free_under_way(question);
		}
	free(resolve);
}
