// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_change.h"

#include <stdlib.h>

#include "cfg/base/log.h"
#include "control/dns/dns_policy.h"
#include "control/dns/front.h"
#include "control/dns/listeners.h"
#include "control/learned_dns.h"

struct dns_change {
	struct dns *former; // that there was; NULL: none
	struct dns *dns;    // that there will be: the same, a new one or NULL
	const struct cfg_dns *config;
	struct dns_names *names;
	struct learned_dns learned; // at its beginning
	struct dns_policy *policy;
	struct cache *cache;
	struct dns_wish *begin, *finish; // made before anything can fail
	bool is_begun, is_in_force;
	int rc; // of `begin`
	struct error err;
};

// --- in the forwarder's thread ---

static void begin_policy(struct dns_parts *parts, void *ctx)
{
	struct dns_change *change = ctx;

	change->rc = dns_policy_begin(change->policy, parts->base, &change->err);
}

static void put_in_force(struct dns_parts *parts, struct dns_policy *policy, struct cache *cache)
{
	front_set_policy(parts->front, policy, cache);
	listeners_set(parts->listeners, policy->config.listen, policy->config.n_listen,
		policy->config.port);
}

static void finish(struct dns_parts *parts, void *ctx)
{
	struct dns_change *change = ctx;

	if (change->is_in_force)
		put_in_force(parts, change->policy, change->cache);
	else
		dns_policy_free(change->policy);
}

// --- a change ---

static int open_change(struct dns_change *change, struct set_feed *feed, struct error *err)
{
	if (!change->config->is_there)
		return 0;
	change->begin = dns_wish_new(begin_policy, change, NULL);
	change->finish = dns_wish_new(finish, change, NULL);
	if (change->begin == NULL || change->finish == NULL)
		return error_set(err, "no memory for the DNS forwarder");
	change->dns = change->former != NULL ? change->former : dns_new(feed, err);
	return change->dns != NULL ? 0 : -1;
}

struct dns_change *dns_change_begin(struct dns *now, const struct cfg_dns *config,
	const struct learned_dns *learned, struct dns_names *names, struct set_feed *feed,
	struct error *err)
{
	struct dns_change *change = calloc(1, sizeof(*change));

	if (change == NULL || learned_dns_copy(&change->learned, learned) != 0) {
		free(change);
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	change->former = now;
	change->config = config;
	change->names = names;
	if (open_change(change, feed, err) == 0)
		return change;
	dns_change_end(change);
	return NULL;
}

int dns_change_prepare(struct dns_change *change, struct error *err)
{
	struct cache_limits limits;

	if (change->dns == NULL)
		return 0;
	change->policy = dns_policy_new(change->config, &change->learned, change->names, err);
	if (change->policy == NULL || dns_policy_read(change->policy, err) != 0)
		return -1;
	dns_policy_limits(change->policy, &limits);
	change->cache = cache_new(&limits);
	if (change->cache == NULL)
		return error_set(err, "no memory for the DNS forwarder's cache");
	change->is_begun = true;
	dns_put(change->dns, change->begin);
	dns_wish_wait(change->begin);
	if (change->rc != 0)
		*err = change->err;
	return change->rc;
}

struct dns *dns_change_commit(struct dns_change *change, const struct learned_dns *learned)
{
	change->is_in_force = true;
	if (change->dns == NULL)
		return NULL;
	dns_put(change->dns, change->finish);
	if (learned->n_changes != change->learned.n_changes &&
		cfg_dns_wants_learned(change->config))
		dns_relearn(change->dns, learned);
	return change->dns;
}

// What was begun in the thread ends there.
static void wait_for_finish(struct dns_change *change)
{
	if (!change->is_in_force)
		dns_put(change->dns, change->finish);
	dns_wish_wait(change->finish);
}

void dns_change_end(struct dns_change *change)
{
	if (change == NULL)
		return;
	if (change->is_begun)
		wait_for_finish(change);
	else
		dns_policy_free(change->policy);
	if (!change->is_in_force)
		cache_free(change->cache);
	if (change->is_in_force && change->former != change->dns)
		dns_free(change->former);
	else if (!change->is_in_force && change->former != change->dns)
		dns_free(change->dns);
	dns_wish_leave(change->begin);
	dns_wish_leave(change->finish);
	learned_dns_fini(&change->learned);
	free(change);
}

int dns_change_now(struct dns **dns, const struct cfg_dns *config,
	const struct learned_dns *learned, struct dns_names *names, struct set_feed *feed,
	struct error *err)
{
	struct dns_change *change = dns_change_begin(*dns, config, learned, names, feed, err);
	int rc;

	if (change == NULL)
		return -1;
	rc = dns_change_prepare(change, err);
	if (rc == 0)
		*dns = dns_change_commit(change, learned);
	dns_change_end(change);
	return rc;
}

// --- what is learned ---

static int relearn(struct dns_parts *parts, const struct learned_dns *learned, struct error *err)
{
	struct cache_limits limits;
	struct dns_policy *policy;
	struct cache *cache;

	policy = dns_policy_relearn(front_policy(parts->front), learned, err);
	if (policy == NULL || dns_policy_begin(policy, parts->base, err) != 0) {
		dns_policy_free(policy);
		return -1;
	}
	dns_policy_limits(policy, &limits);
	cache = cache_new(&limits);
	if (cache == NULL) {
		dns_policy_free(policy);
		return error_set(err, "no memory for the DNS forwarder's cache");
	}
	put_in_force(parts, policy, cache);
	return 0;
}

static void say_not_relearned(const struct error *err)
{
	log_error("dns", "stays with the upstreams that it has: %s", err->text);
}

static void on_learned(struct dns_parts *parts, void *learned)
{
	struct error err = {0};

	if (front_policy(parts->front) != NULL && relearn(parts, learned, &err) != 0)
		say_not_relearned(&err);
}

static void free_learned(void *learned)
{
	learned_dns_fini(learned);
	free(learned);
}

void dns_relearn(struct dns *dns, const struct learned_dns *learned)
{
	static const struct error no_memory = {.text = "no memory"};
	struct learned_dns *copy = calloc(1, sizeof(*copy));
	struct dns_wish *wish = NULL;

	if (copy != NULL && learned_dns_copy(copy, learned) == 0)
		wish = dns_wish_new(on_learned, copy, free_learned);
	if (wish != NULL) {
		dns_put(dns, wish);
		dns_wish_leave(wish);
		return;
	}
	say_not_relearned(&no_memory);
	if (copy != NULL)
		free_learned(copy);
}
