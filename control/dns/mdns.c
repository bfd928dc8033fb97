// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/mdns.h"

#include <stdlib.h>

#include "cfg/base/clock.h"

enum {
	TICK_MS = 20,
	MS_PER_SEC = 1000,
};

struct mdns_query {
	struct mdns_query *next, **link;
	struct mdns *mdns;
	struct mdns_question *question;
	mdns_fn fn;
	void *ctx;
};

struct mdns {
	struct dns_stats *stats;
	struct mdns_links *links;
	struct mdns_known *known;
	struct mdns_query *queries;
	unsigned n_queries;
	struct event *timer; // while somebody waits
	uint64_t credit_ms, credited_ms;
	uint8_t out[DNS_MESSAGE_BYTES];
};

static void arm(struct mdns *mdns, unsigned ms)
{
	struct timeval wait = {.tv_usec = (suseconds_t)ms * 1000};

	event_add(mdns->timer, &wait);
}

static void free_query(struct mdns_query *query)
{
	*query->link = query->next;
	if (query->next != NULL)
		query->next->link = query->link;
	query->mdns->n_queries--;
	mdns_known_let_go(query->question);
	free(query);
}

void mdns_cancel(struct mdns_query *query)
{
	if (query != NULL)
		free_query(query);
}

// --- answers ---

static void finish(struct mdns_query *query, uint64_t now_ms)
{
	struct mdns *mdns = query->mdns;
	struct dns_message answer;
	mdns_fn fn = query->fn;
	void *ctx = query->ctx;
	size_t n = mdns_question_answer(query->question, now_ms, mdns->out, sizeof(mdns->out));
	bool is_good = dns_message_parse(mdns->out, n, &answer) == 0;

	free_query(query);
	fn(ctx, is_good ? &answer : NULL);
}

// Who is answered may be the last that waited, or one of many: the list is begun anew.
static bool finish_one(struct mdns *mdns, uint64_t now_ms)
{
	for (struct mdns_query *query = mdns->queries; query != NULL; query = query->next)
		if (mdns_question_state(query->question, now_ms) != MDNS_STATE_WAIT) {
			finish(query, now_ms);
			return true;
		}
	return false;
}

static void send_question(struct mdns *mdns, struct mdns_question *question, uint64_t now_ms)
{
	uint8_t bytes[MDNS_QUERY_BYTES_MAX];
	size_t n = mdns_question_write(question, now_ms, bytes);

	mdns_links_send(mdns->links, bytes, n);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct mdns *mdns = ctx;
	uint64_t now_ms = clock_now_ms();

	while (finish_one(mdns, now_ms))
		;
	for (struct mdns_query *query = mdns->queries; query != NULL; query = query->next)
		if (mdns_question_wants_again(query->question, now_ms))
			send_question(mdns, query->question, now_ms);
	if (mdns->queries != NULL)
		arm(mdns, TICK_MS);
}

static void on_message(void *ctx, const uint8_t *bytes, size_t n)
{
	struct mdns *mdns = ctx;
	uint64_t now_ms = clock_now_ms();
	struct dns_message message;

	// RFC 6762 section 18.3 and 18.11: others are silently ignored
	if (dns_message_parse(bytes, n, &message) != 0 ||
		(message.flags & (DNS_OPCODE | DNS_RCODE)) != 0)
		return;
	if (!mdns_known_take(mdns->known, &message, now_ms))
		return;
	while (finish_one(mdns, now_ms))
		;
}

// --- questions ---

// A token a question, a second's worth at once.
static bool may_ask(struct mdns *mdns, uint64_t now_ms)
{
	mdns->credit_ms += (now_ms - mdns->credited_ms) * MDNS_ASKED_PER_SEC;
	if (mdns->credit_ms > (uint64_t)MDNS_ASKED_PER_SEC * MS_PER_SEC)
		mdns->credit_ms = (uint64_t)MDNS_ASKED_PER_SEC * MS_PER_SEC;
	mdns->credited_ms = now_ms;
	if (mdns->credit_ms < MS_PER_SEC)
		return false;
	mdns->credit_ms -= MS_PER_SEC;
	return true;
}

static bool begin(struct mdns *mdns, struct mdns_question *question, uint64_t now_ms)
{
	if (mdns_question_state(question, now_ms) != MDNS_STATE_ASK)
		return true;
	if (!may_ask(mdns, now_ms)) {
		dns_stats_count(mdns->stats, DNS_COUNT_DROP_MDNS_RATE);
		return false;
	}
	dns_stats_count(mdns->stats, DNS_COUNT_MDNS_ASKED);
	send_question(mdns, question, now_ms);
	return true;
}

struct mdns_query *mdns_ask(
	struct mdns *mdns, const struct dns_question *question, mdns_fn fn, void *ctx)
{
	uint64_t now_ms = clock_now_ms();
	struct mdns_query *query;

	if (mdns->n_queries == MDNS_WAITING_MAX)
		return NULL;
	query = calloc(1, sizeof(*query));
	if (query == NULL)
		return NULL;
	query->mdns = mdns;
	query->fn = fn;
	query->ctx = ctx;
	query->question = mdns_known_hold(mdns->known, question, now_ms);
	if (query->question == NULL) {
		free(query);
		return NULL;
	}
	query->next = mdns->queries;
	query->link = &mdns->queries;
	if (query->next != NULL)
		query->next->link = &query->next;
	mdns->queries = query;
	mdns->n_queries++;
	if (!begin(mdns, query->question, now_ms)) {
		free_query(query);
		return NULL;
	}
	// what is known already is told in the loop's next turn
	if (mdns_question_state(query->question, now_ms) != MDNS_STATE_WAIT)
		arm(mdns, 0);
	else if (!event_pending(mdns->timer, EV_TIMEOUT, NULL))
		arm(mdns, TICK_MS);
	return query;
}

// --- coming and going ---

void mdns_set(struct mdns *mdns, const char *const *interfaces, unsigned n)
{
	if (mdns_links_set(mdns->links, interfaces, n))
		mdns_known_clear(mdns->known);
}

void mdns_look(struct mdns *mdns)
{
	mdns_links_look(mdns->links);
}

const struct mdns_nets *mdns_nets(const struct mdns *mdns)
{
	return mdns_links_nets(mdns->links);
}

struct mdns *mdns_new(struct event_base *base, struct dns_stats *stats)
{
	struct mdns *mdns = calloc(1, sizeof(*mdns));

	if (mdns == NULL)
		return NULL;
	mdns->stats = stats;
	mdns->known = mdns_known_new();
	mdns->links = mdns_links_new(base, stats, on_message, mdns);
	mdns->timer = event_new(base, -1, 0, on_timer, mdns);
	if (mdns->known != NULL && mdns->links != NULL && mdns->timer != NULL)
		return mdns;
	mdns_free(mdns);
	return NULL;
}

void mdns_free(struct mdns *mdns)
{
	if (mdns == NULL)
		return;
	while (mdns->queries != NULL)
		free_query(mdns->queries);
	if (mdns->timer != NULL)
		event_free(mdns->timer);
	mdns_links_free(mdns->links);
	mdns_known_free(mdns->known);
	free(mdns);
}
