// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "control/api/dns_task.h"
#include "control/api/show_parts.h"

enum {
	CLIENTS_DEFAULT = 20,
	MEDIAN_PERMILLE = 500,
	P99_PERMILLE = 990,
};

static const char *const codes[DNS_STATS_CODES] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
	"NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "11", "12",
	"13", "14", "15"};

static json_t *times_json(const struct dns_times *times)
{
	json_t *to = json_object(), *list = json_array();

	show_put_number(to, "answers", times->n);
	show_put_number(to, "mean_us", times->n == 0 ? 0 : times->sum_us / times->n);
	show_put_number(to, "median_us", dns_times_at(times, MEDIAN_PERMILLE));
	show_put_number(to, "p99_us", dns_times_at(times, P99_PERMILLE));
	for (unsigned i = 0; i < DNS_STATS_TIMES; i++)
		json_array_append_new(list, json_integer((json_int_t)times->below[i]));
	json_object_set_new(to, "below_power_of_2_us", list);
	return to;
}

static json_t *types_json(const struct dns_stats *stats)
{
	json_t *to = json_object();
	char text[DNS_TYPE_STR_BYTES];

	for (unsigned i = 0; i < DNS_STATS_TYPES && stats->types[i].n > 0; i++)
		show_put_number(to, dns_type_str(stats->types[i].type, text), stats->types[i].n);
	if (stats->other_types > 0)
		show_put_number(to, "other", stats->other_types);
	return to;
}

static json_t *codes_json(const struct dns_stats *stats)
{
	json_t *to = json_object();

	for (unsigned i = 0; i < DNS_STATS_CODES; i++)
		if (stats->codes[i] > 0)
			show_put_number(to, codes[i], stats->codes[i]);
	return to;
}

static json_t *counts_json(const struct dns_stats *stats)
{
	json_t *to = json_object();

	for (unsigned i = 0; i < DNS_COUNTS; i++)
		show_put_number(to, dns_count_name((enum dns_count)i), stats->counts[i]);
	return to;
}

static json_t *upstreams_json(const struct dns_state *state)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < state->n_upstreams; i++) {
		const struct dns_upstream_state *from = &state->upstreams[i];
		json_t *to = json_object();

		show_put_text(to, "upstream", from->name);
		show_put_text(to, "domain", from->domain);
		show_put_number(to, "sent", from->counts.sent);
		show_put_number(to, "answered", from->counts.answered);
		show_put_number(to, "silent", from->counts.silent);
		show_put_number(to, "broken", from->counts.broken);
		show_put_number(to, "useless", from->counts.useless);
		show_put_number(to, "forged", from->counts.forged);
		json_object_set_new(to, "has_cookies", json_boolean(from->has_cookies));
		show_put_number(to, "rtt_us", from->rtt_us);
		show_put_number(to, "failures_in_a_row", from->n_failures);
		json_array_append_new(list, to);
	}
	return list;
}

static int compare_clients(const void *a, const void *b)
{
	const struct dns_client_count *x = a, *y = b;

	return x->queries == y->queries ? 0 : x->queries < y->queries ? 1 : -1;
}

static json_t *clients_json(struct dns_stats *stats, unsigned limit)
{
	json_t *list = json_array();

	qsort(stats->clients, DNS_STATS_CLIENTS, sizeof(stats->clients[0]), compare_clients);
	for (unsigned i = 0; i < DNS_STATS_CLIENTS && i < limit; i++) {
		json_t *to;

		if (stats->clients[i].queries == 0)
			break;
		to = json_object();
		show_put_addr(to, "client", &stats->clients[i].addr);
		show_put_number(to, "queries", stats->clients[i].queries);
		json_array_append_new(list, to);
	}
	return list;
}

static json_t *listen_json(const struct dns_state *state)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < state->n_listen; i++) {
		json_t *to = json_object();

		show_put_text(to, "interface", state->listen[i].name);
		show_put_bool(to, "is_open", state->listen[i].is_open);
		json_array_append_new(list, to);
	}
	return list;
}

struct shown {
	struct dns_task *asked;
	unsigned limit; // of clients
};

static void *begin(struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	struct shown *shown;
	unsigned limit;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	if (json_object_get(params, "limit") == NULL)
		limit = CLIENTS_DEFAULT;
	shown = calloc(1, sizeof(*shown));
	if (shown == NULL)
		return NULL;
	shown->limit = limit;
	shown->asked = dns_task_new(
		session->rpc->ctx, dns_tell_state, malloc(sizeof(struct dns_state)), failure);
	if (shown->asked != NULL)
		return shown;
	free(shown);
	return NULL;
}

static json_t *state_json(struct dns_state *state, unsigned limit)
{
	json_t *result = json_object();

	json_object_set_new(result, "listen", listen_json(state));
	json_object_set_new(result, "counts", counts_json(&state->stats));
	json_object_set_new(result, "types", types_json(&state->stats));
	json_object_set_new(result, "codes", codes_json(&state->stats));
	json_object_set_new(result, "cache",
		json_pack("{s:I, s:I, s:I}", "entries", (json_int_t)state->cache.entries, "bytes",
			(json_int_t)state->cache.bytes, "evicted",
			(json_int_t)state->cache.evicted));
	show_put_number(result, "under_way", state->under_way);
	json_object_set_new(result, "at_once", times_json(&state->stats.hit_times));
	json_object_set_new(result, "resolved", times_json(&state->stats.resolved_times));
	json_object_set_new(result, "upstreams", upstreams_json(state));
	json_object_set_new(result, "clients", clients_json(&state->stats, limit));
	return result;
}

static enum rpc_task_state go_on(void *task, json_t **result, struct rpc_failure *failure)
{
	const struct shown *shown = task;
	void *state;
	enum rpc_task_state is = dns_task_go_on(shown->asked, &state, failure);

	if (state != NULL)
		*result = state_json(state, shown->limit);
	return is;
}

static void end(void *task)
{
	struct shown *shown = task;

	dns_task_free(shown->asked);
	free(shown);
}

const struct rpc_task show_dns = {.begin = begin, .go_on = go_on, .free = end};
