// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>

#include "cfg/base/log.h"
#include "control/dns/answer.h"
#include "control/dns/relay.h"
#include "control/dns/strip.h"

struct resolver {
	struct dns_policy *policy;
	struct ub_ctx *ctx;
	struct relay *relay; // NULL: full recursion
	uint8_t out[DNS_MESSAGE_BYTES + 1];
};

struct resolver_query {
	struct resolver *resolver;
	int number; // libunbound's; 0: it is over
	struct event *event;
	void *early; // what it has said at once
	size_t early_bytes;
	int verdict;
	bool is_do, is_cd, is_beginning;
	resolver_fn fn;
	void *ctx;
};

enum { VERDICT_BOGUS = 1, VERDICT_SECURE = 2 }; // of ub_event_callback_type

// IANA's root keys (RFC 8509 names the first, the second is of 2024), as DS records.
static const char *const root_keys[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

// --- its settings ---

static int set(struct resolver *resolver, const char *option, const char *value, struct error *err)
{
	char name[64];
	char text[64];
	int rc;

	snprintf(name, sizeof(name), "%s:", option);
	snprintf(text, sizeof(text), "%s", value);
	rc = ub_ctx_set_option(resolver->ctx, name, text);
	return rc == 0 ? 0
		       : error_set(err, "dns: libunbound does not take %s: %s", option,
				 ub_strerror(rc));
}

static int set_number(
	struct resolver *resolver, const char *option, unsigned long number, struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", number);
	return set(resolver, option, text, err);
}

static int set_anchors(struct resolver *resolver, struct error *err)
{
	const char *file = resolver->policy->config.trust_anchor;
	int rc = 0;

	if (file != NULL) {
		rc = ub_ctx_add_ta_file(resolver->ctx, file);
		return rc == 0 ? 0
			       : error_set(err, "dns: cannot take the trust anchors of %s: %s",
					 file, ub_strerror(rc));
	}
	for (size_t i = 0; i < sizeof(root_keys) / sizeof(root_keys[0]) && rc == 0; i++)
		rc = ub_ctx_add_ta(resolver->ctx, root_keys[i]);
	return rc == 0 ? 0 : error_set(err, "dns: trust anchors: %s", ub_strerror(rc));
}

static int set_upstreams(struct resolver *resolver, struct error *err)
{
	char address[64];
	int rc;

	if (resolver->policy->config.upstreams.n == 0)
		return 0;
	resolver->relay = relay_new(resolver->policy, err);
	if (resolver->relay == NULL)
		return -1;
	snprintf(address, sizeof(address), "127.0.0.1@%u", relay_port(resolver->relay));
	rc = ub_ctx_set_fwd(resolver->ctx, address);
	return rc == 0 ? 0 : error_set(err, "dns: upstreams: %s", ub_strerror(rc));
}

static int configure(struct resolver *resolver, struct error *err)
{
	const struct cfg_dns *config = &resolver->policy->config;
	struct resolver *r = resolver;

	// What it may keep is beside our own cache: NSEC records above all, RFC 8198.
	if (set(r, "do-not-query-localhost", "no", err) != 0 ||
		set(r, "qname-minimisation", "yes", err) != 0 ||
		set(r, "aggressive-nsec", "yes", err) != 0 ||
		set(r, "harden-dnssec-stripped", "yes", err) != 0 ||
		set(r, "use-syslog", "no", err) != 0 || set(r, "verbosity", "0", err) != 0 ||
		set(r, "target-fetch-policy", "2 1 0 0 0", err) != 0 ||
		set_number(r, "cache-max-ttl", config->ttl_max_sec, err) != 0 ||
		set_number(r, "edns-buffer-size",
			config->upstreams.n > 0 ? RELAY_BYTES : EXCHANGE_UDP_BYTES, err) != 0 ||
		set_number(r, "msg-cache-size", (unsigned long)config->cache_mib << 19, err) != 0 ||
		set_number(r, "rrset-cache-size", (unsigned long)config->cache_mib << 20, err) != 0)
		return -1;
	if (config->validates && set_anchors(resolver, err) != 0)
		return -1;
	return set_upstreams(resolver, err);
}

struct resolver *resolver_new(struct dns_policy *policy, struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	resolver->policy = policy;
	resolver->ctx = ub_ctx_create_event(policy->base);
	if (resolver->ctx == NULL) {
		error_set(err, "dns: libunbound cannot start");
		resolver_free(resolver);
		return NULL;
	}
	ub_ctx_debugout(resolver->ctx, NULL);
	if (configure(resolver, err) != 0) {
		resolver_free(resolver);
		return NULL;
	}
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	if (resolver->ctx != NULL)
		ub_ctx_delete(resolver->ctx);
	relay_free(resolver->relay);
	free(resolver);
}

// --- questions ---

// RFC 4035 section 3.2.1: who did not ask for DNSSEC's records does not get them. There is no
// answer instead of a bogus one, but for who validates it alone (CD).
static void deliver(struct resolver_query *query, const void *packet, size_t bytes, int verdict)
{
	struct resolver *resolver = query->resolver;
	bool is_bogus = verdict == VERDICT_BOGUS;
	struct dns_message answer, *given = NULL;
	size_t n = 0;

	if (packet != NULL && bytes > 0 && (!is_bogus || query->is_cd) &&
		dns_message_parse(packet, bytes, &answer) == 0 &&
		answer_has_plain_question(&answer))
		n = query->is_do ? strip_nothing(&answer, resolver->out, DNS_MESSAGE_BYTES)
				 : strip_dnssec(&answer, resolver->out, DNS_MESSAGE_BYTES);
	if (n > 0 && dns_message_parse(resolver->out, n, &answer) == 0)
		given = &answer;
	query->number = 0;
	query->fn(query->ctx, given, verdict == VERDICT_SECURE, is_bogus);
	resolver_cancel(query);
}

static void on_early(evutil_socket_t fd, short what, void *ctx)
{
	struct resolver_query *query = ctx;

	deliver(query, query->early, query->early_bytes, query->verdict);
}

// What libunbound knows already it says at once: the asker hears of it in the loop's next turn.
static void keep_early(struct resolver_query *query, const void *packet, size_t bytes, int verdict)
{
	static const struct timeval now;

	query->verdict = verdict;
	if (packet != NULL && (query->early = malloc(bytes + 1)) != NULL) {
		memcpy(query->early, packet, bytes);
		query->early_bytes = bytes;
	}
	event_add(query->event, &now);
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

struct resolver_query *resolver_ask(struct resolver *resolver, const struct dns_question *question,
	bool is_do, bool is_cd, resolver_fn fn, void *ctx)
{
	struct resolver_query *query = calloc(1, sizeof(*query));
	char name[DNS_NAME_STR_BYTES];
	int rc;

	if (query == NULL)
		return NULL;
	query->resolver = resolver;
	query->is_do = is_do;
	query->is_cd = is_cd;
	query->fn = fn;
	query->ctx = ctx;
	query->event = event_new(resolver->policy->base, -1, 0, on_early, query);
	if (query->event == NULL) {
		free(query);
		return NULL;
	}
	dns_name_str(&question->name, name);
	query->is_beginning = true;
	rc = ub_resolve_event(resolver->ctx, name, question->type, question->class, query,
		on_answer, &query->number);
	query->is_beginning = false;
	if (rc != 0) {
		resolver_cancel(query);
		return NULL;
	}
	return query;
}

void resolver_cancel(struct resolver_query *query)
{
	if (query == NULL)
		return;
	if (query->number != 0)
		ub_cancel(query->resolver->ctx, query->number);
	event_free(query->event);
	free(query->early);
	free(query);
}
