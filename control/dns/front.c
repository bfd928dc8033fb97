// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dns/block_lists.h"
#include "control/dns/blocked_answer.h"
#include "control/dns/gate.h"
#include "control/dns/mdns.h"
#include "control/dns/resolve.h"
#include "control/dns/strip.h"

enum {
	EDNS_VERSION = 0,
	MS_PER_SEC = 1000,
	CLEAR_AT_ONCE = 1000, // entries; then questions have their turn
};

struct front {
	struct event_base *base;
	struct dns_stats *stats;
	struct dns_policy *policy; // NULL: none yet
	struct cache *cache;
	struct cache *old_cache; // of the policy before, which goes bit by bit; NULL: none
	struct event *clear_event;
	struct gate *gate;
	struct mdns *mdns;
	struct resolve *resolve;
	struct block_lists *lists;
	struct set_feed *feed;
};

static void use_blocks(void *ctx, const struct block_store *blocks)
{
	struct front *front = ctx;

	if (front->policy != NULL)
		dns_local_use_blocks(front->policy->local, blocks);
}

// A large cache takes long to free: nobody waits for that, not who asks, and not control.
static void on_clear(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval now;
	struct front *front = ctx;

	if (!cache_clear_some(front->old_cache, CLEAR_AT_ONCE)) {
		event_add(front->clear_event, &now);
		return;
	}
	cache_free(front->old_cache);
	front->old_cache = NULL;
}

static void retire_cache(struct front *front, struct cache *cache)
{
	static const struct timeval now;

	cache_free(front->old_cache); // the one before is not gone yet: two at a time are enough
	front->old_cache = cache;
	event_add(front->clear_event, &now);
}

struct front *front_new(struct event_base *base, struct dns_stats *stats, struct set_feed *feed)
{
	static const struct cache_limits none;
	struct front *front = calloc(1, sizeof(*front));

	if (front == NULL)
		return NULL;
	front->base = base;
	front->stats = stats;
	front->feed = feed;
	front->cache = cache_new(&none);
	front->gate = gate_new(stats);
	front->mdns = mdns_new(base, stats);
	front->resolve = resolve_new(base, stats, feed, front->mdns);
	front->lists = block_lists_new(base, use_blocks, front);
	front->clear_event = event_new(base, -1, 0, on_clear, front);
	if (front->cache == NULL || front->gate == NULL || front->mdns == NULL ||
		front->resolve == NULL || front->lists == NULL || front->clear_event == NULL) {
		front_free(front);
		return NULL;
	}
	return front;
}

void front_free(struct front *front)
{
	if (front == NULL)
		return;
	block_lists_free(front->lists);
	resolve_free(front->resolve);
	mdns_free(front->mdns);
	dns_policy_retire(front->policy);
	gate_free(front->gate);
	if (front->clear_event != NULL)
		event_free(front->clear_event);
	cache_free(front->old_cache);
	cache_free(front->cache);
	free(front);
}

void front_set_policy(struct front *front, struct dns_policy *policy, struct cache *cache)
{
	retire_cache(front, front->cache);
	front->cache = cache;
	resolve_set_policy(front->resolve, policy, cache);
	dns_policy_retire(front->policy);
	front->policy = policy;
	// what is read already counts until the lists of this config are
	use_blocks(front, block_lists_in_use(front->lists));
	mdns_set(front->mdns, policy->config.mdns, policy->config.n_mdns);
	dns_local_use_nets(policy->local, mdns_nets(front->mdns));
	if (block_lists_set(front->lists, &policy->config.local) != 0)
		log_error("dns", "no memory to read the block lists");
}

struct dns_policy *front_policy(const struct front *front)
{
	return front->policy;
}

void front_cache_counts(const struct front *front, struct cache_counts *out)
{
	cache_count(front->cache, out);
}

void front_look(struct front *front)
{
	mdns_look(front->mdns);
}

unsigned front_waiting(const struct front *front)
{
	return resolve_waiting(front->resolve);
}

// --- what is answered without looking further ---

// RFC 1035 section 4.1.1, RFC 6891 section 6.1.3. A class other than IN has no servers here.
static enum dns_rcode fault_of(const struct dns_message *query, int parsed)
{
	if ((query->flags & DNS_OPCODE) != 0)
		return DNS_NOTIMP;
	if (parsed != 0 || query->n_questions != 1 || query->question.name.len == 0)
		return DNS_FORMERR;
	if (query->edns.is_there && query->edns.version != EDNS_VERSION)
		return DNS_BADVERS;
	if (query->question.type == DNS_ANY || query->question.class != DNS_CLASS_IN ||
		query->question.type == DNS_OPT)
		return DNS_NOTIMP; // RFC 8482 section 4.3
	if (query->question.type >= 249 && query->question.type <= 254)
		return DNS_NOTIMP; // transfers and other questions that are no names'
	return DNS_NOERROR;
}

static enum front_verdict answer_code(struct front *front, const struct asker *asker,
	enum dns_rcode rcode, uint8_t *out, size_t room, size_t *out_n)
{
	*out_n = answer_write_code(&asker->asked, rcode, out, room);
	if ((unsigned)rcode < DNS_STATS_CODES)
		front->stats->codes[rcode]++;
	return *out_n > 0 ? FRONT_ANSWERED : FRONT_DROPPED;
}

static enum front_verdict drop(struct front *front, enum dns_count why)
{
	dns_stats_count(front->stats, why);
	return FRONT_DROPPED;
}

size_t answer_join(
	const struct asker *asker, const uint8_t *answer, size_t n, uint8_t *out, size_t room)
{
	struct dns_message first, second;

	if (dns_message_parse(asker->alias, asker->alias_bytes, &first) != 0 ||
		dns_message_parse(answer, n, &second) != 0)
		return 0;
	return strip_join(&first, &second, out, room);
}

// Names that are known here, or are not to be known. False: it goes on, with `key` of its view.
static bool ask_local(struct front *front, const struct dns_message *query, struct asker *asker,
	uint32_t now_sec, struct cache_key *key, uint8_t *out, size_t room, size_t *out_n)
{
	const struct dns_local *local = front->policy->local;
	struct dns_local_result result;

	if (room > asker->asked.room_bytes)
		room = asker->asked.room_bytes;
	dns_local_answer(local, query, &asker->client, now_sec, out, room, &result);
	key->view = result.view;
	if (result.is_unsure && !asker->is_stream &&
		dns_local_may_wait(local, &asker->client, now_sec)) {
		dns_stats_count(front->stats, DNS_COUNT_CUT_UNSURE);
		*out_n = answer_write_cut(&asker->asked, out, room);
		return true;
	}
	if (result.verdict == DNS_LOCAL_GO_ON || result.verdict == DNS_LOCAL_LINK)
		return false;
	if (result.verdict == DNS_LOCAL_ALIAS && (asker->alias = malloc(result.n)) != NULL) {
		memcpy(asker->alias, out, result.n);
		asker->alias_bytes = result.n;
		key->question.name = result.target;
		return false;
	}
	dns_stats_count(front->stats,
		result.verdict == DNS_LOCAL_BLOCKED ? DNS_COUNT_BLOCKED : DNS_COUNT_LOCAL);
	front->stats->codes[result.rcode & DNS_RCODE]++;
	*out_n = result.n;
	return true;
}

// An answer of the cache leads to a blocked name by its aliases: what is said instead, or 0.
static size_t block_aliases(struct front *front, const struct cache_key *key,
	const struct asker *asker, const uint8_t *answer, size_t n, uint8_t *out, size_t room)
{
	struct dns_blocked blocked;
	struct dns_message parsed;
	struct dns_name alias;
	enum dns_rcode rcode;

	if (key->view == 0 || dns_message_parse(answer, n, &parsed) != 0 ||
		!blocked_alias_find(front->policy->local, key->view, &parsed, &blocked, &alias))
		return 0;
	n = blocked_alias_write(&asker->asked, &blocked, &alias, out, room, &rcode);
	dns_stats_count(front->stats, DNS_COUNT_BLOCKED);
	dns_stats_count(front->stats, DNS_COUNT_BLOCKED_ALIAS);
	front->stats->codes[rcode & DNS_RCODE]++;
	return n;
}

// --- the way ---

static enum front_verdict ask_cache(struct front *front, const struct cache_key *key,
	struct asker *asker, uint64_t now_ms, uint8_t *out, size_t room, size_t *out_n)
{
	uint32_t now_sec = (uint32_t)(now_ms / MS_PER_SEC);
	size_t n;

	switch (cache_get(front->cache, key, now_sec, out, room, &n)) {
	case CACHE_NONE:
	case CACHE_STALE:
		break;
	case CACHE_ENDING:
		if (resolve_prefetch(front->resolve, front->policy, key))
			dns_stats_count(front->stats, DNS_COUNT_PREFETCHED);
		// fall through
	case CACHE_FRESH:
		dns_stats_count(front->stats, DNS_COUNT_HITS);
		*out_n = block_aliases(front, key, asker, out, n, out, room);
		if (*out_n > 0)
			return FRONT_ANSWERED;
		front->stats->codes[out[3] & DNS_RCODE]++;
		*out_n = answer_finish(&asker->asked, answer_is_validated(out), out, n, room);
		return FRONT_ANSWERED;
	}
	if (resolve_ask(front->resolve, front->policy, key, asker))
		return FRONT_WAITS;
	dns_stats_count(front->stats, DNS_COUNT_DROP_FULL);
	return asker->is_stream ? answer_code(front, asker, DNS_SERVFAIL, out, room, out_n)
				: FRONT_DROPPED;
}

// What a local alias leads to, behind the alias.
static enum front_verdict ask_alias(struct front *front, const struct cache_key *key,
	struct asker *asker, uint64_t now_ms, uint8_t *out, size_t room, size_t *out_n)
{
	static uint8_t target[DNS_MESSAGE_BYTES];
	enum cache_state state = cache_get(
		front->cache, key, (uint32_t)(now_ms / MS_PER_SEC), target, sizeof(target), out_n);
	bool is_blocked = false;

	if (state != CACHE_FRESH && state != CACHE_ENDING) {
		if (resolve_ask(front->resolve, front->policy, key, asker))
			return FRONT_WAITS;
		*out_n = 0;
	} else {
		size_t n = *out_n;

		dns_stats_count(front->stats, DNS_COUNT_HITS);
		*out_n = block_aliases(front, key, asker, target, n, out, room);
		is_blocked = *out_n > 0;
		if (!is_blocked)
			*out_n = answer_join(asker, target, n, out, room);
	}
	free(asker->alias);
	asker->alias = NULL;
	if (is_blocked)
		return FRONT_ANSWERED;
	if (*out_n == 0)
		return answer_code(front, asker, DNS_SERVFAIL, out, room, out_n);
	front->stats->codes[out[3] & DNS_RCODE]++;
	*out_n = answer_finish(&asker->asked, false, out, *out_n, room);
	return FRONT_ANSWERED;
}

static enum front_verdict ask(struct front *front, const uint8_t *bytes, size_t n,
	struct asker *asker, uint64_t now_ms, uint8_t *out, size_t room, size_t *out_n)
{
	struct dns_message query;
	struct cache_key key;
	enum dns_rcode fault;
	enum cookie_is cookie;
	int parsed = dns_message_parse(bytes, n, &query);

	if (parsed == -ENOMSG || (query.flags & DNS_QR) != 0 || front->policy == NULL)
		return drop(front, DNS_COUNT_DROP_MALFORMED);
	dns_stats_count(front->stats, asker->is_stream ? DNS_COUNT_TCP : DNS_COUNT_UDP);
	asker->alias = NULL;
	asked_by(&query, asker->is_stream, &asker->asked);
	switch (gate_take(
		front->gate, &query, &parsed, asker, front->policy->config.rate, now_ms, &cookie)) {
	case GATE_OPEN:
		break;
	case GATE_CUT:
		*out_n = answer_write_cut(&asker->asked, out, room);
		return *out_n > 0 ? FRONT_ANSWERED : FRONT_DROPPED;
	case GATE_BADCOOKIE:
		return answer_code(front, asker, DNS_BADCOOKIE, out, room, out_n);
	case GATE_DROP:
		return FRONT_DROPPED;
	}
	if (!dns_policy_may_ask(front->policy, &asker->client)) {
		dns_stats_count(front->stats, DNS_COUNT_REFUSED_ACCESS);
		answer_code(front, asker, DNS_REFUSED, out, room, out_n);
		*out_n = answer_explain(&asker->asked, DNS_EXTRA_PROHIBITED,
			"`access` does not have the client", out, *out_n, room);
		return *out_n > 0 ? FRONT_ANSWERED : FRONT_DROPPED;
	}
	if (gate_asks_for_cookie(&query, parsed, asker))
		return answer_code(front, asker,
			cookie == COOKIE_IS_BAD ? DNS_BADCOOKIE : DNS_NOERROR, out, room, out_n);
	fault = fault_of(&query, parsed);
	if (fault != DNS_NOERROR) {
		if (parsed != 0)
			dns_stats_count(front->stats, DNS_COUNT_DROP_MALFORMED);
		return answer_code(front, asker, fault, out, room, out_n);
	}
	dns_stats_query(front->stats, query.question.type, &asker->client);
	key = (struct cache_key){
		.question = query.question,
		.is_do = query.edns.is_do,
		.is_cd = (query.flags & DNS_CD) != 0,
	};
	if (ask_local(
		    front, &query, asker, (uint32_t)(now_ms / MS_PER_SEC), &key, out, room, out_n))
		return FRONT_ANSWERED;
	return asker->alias == NULL ? ask_cache(front, &key, asker, now_ms, out, room, out_n)
				    : ask_alias(front, &key, asker, now_ms, out, room, out_n);
}

enum front_verdict front_ask(struct front *front, const uint8_t *bytes, size_t n,
	struct asker *asker, uint64_t now_ms, uint8_t *out, size_t room, size_t *out_n)
{
	enum front_verdict verdict = ask(front, bytes, n, asker, now_ms, out, room, out_n);

	if (verdict == FRONT_ANSWERED && !set_feed_note(front->feed, out, *out_n))
		return drop(front, DNS_COUNT_DROP_SETS);
	if (verdict == FRONT_ANSWERED)
		*out_n = answer_put_cookie(&asker->asked, out, *out_n, room);
	return verdict;
}
