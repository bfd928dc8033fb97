// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_policy.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/arena.h"
#include "cfg/base/log.h"
#include "control/dns/resolver.h"
#include "control/dns/upstream_stream.h"
#include "control/learned_dns.h"

enum { ARENA_BYTES_MAX = 64 << 20 };

// --- a config that outlives its file ---

static const char *copy_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strdup(arena, text);
}

static void copy_upstreams(struct arena *arena, struct cfg_dns_upstreams *upstreams)
{
	for (unsigned i = 0; i < upstreams->n; i++)
		upstreams->texts[i] = copy_text(arena, upstreams->texts[i]);
}

// What of it is read after dns_local_new.
static void copy_lists(struct arena *arena, struct cfg_dns_local *to)
{
	const struct cfg_dns_list *lists = to->lists;
	unsigned n = to->n_lists;

	*to = (struct cfg_dns_local){.lists = arena_alloc_array(arena, n, sizeof(*lists))};
	for (; to->lists != NULL && to->n_lists < n; to->n_lists++) {
		struct cfg_dns_list *list = &to->lists[to->n_lists];

		list->name = copy_text(arena, lists[to->n_lists].name);
		list->file = copy_text(arena, lists[to->n_lists].file);
	}
}

static void put_servers(struct dns_policy *policy, const struct learned_dns_entry *entry,
	struct cfg_dns_upstreams *out)
{
	const char *interface =
		entry->is_of_uplink ? arena_strdup(policy->arena, entry->interface) : NULL;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < entry->n_servers && out->n < CFG_DNS_UPSTREAMS_MAX; i++) {
		policy->told_by[out->n] = interface;
		out->texts[out->n++] =
			arena_strdup(policy->arena, ip_addr_str(&entry->servers[i], text));
	}
}

// The servers of the best uplink that has some, of all ways it was told by. Without any the word
// stays: nobody is asked then, which is not the same as asking everybody from the root. A
// provider's servers answer its own customers, and two providers may tell of one address.
static void put_learned(struct dns_policy *policy, const struct learned_dns *learned)
{
	struct cfg_dns_upstreams *upstreams = &policy->config.upstreams;
	struct cfg_dns_upstreams out = {0};

	for (unsigned i = 0; i < upstreams->n; i++) {
		unsigned n_before = out.n;

		for (unsigned k = 0;
			learned != NULL && k < learned->n &&
			cfg_dns_upstream_is_learned(upstreams->texts[i]) &&
			(out.n == n_before || learned->list[k]->rank == learned->list[k - 1]->rank);
			k++)
			put_servers(policy, learned->list[k], &out);
		if (out.n == n_before && out.n < CFG_DNS_UPSTREAMS_MAX)
			out.texts[out.n++] = upstreams->texts[i];
	}
	*upstreams = out;
}

static void copy_config(struct dns_policy *policy, const struct cfg_dns *config)
{
	struct cfg_dns *to = &policy->config;

	*to = *config;
	for (unsigned i = 0; i < to->n_listen; i++)
		to->listen[i] = copy_text(policy->arena, to->listen[i]);
	for (unsigned i = 0; i < to->n_mdns; i++)
		to->mdns[i] = copy_text(policy->arena, to->mdns[i]);
	copy_upstreams(policy->arena, &to->upstreams);
	to->tls_certificates = copy_text(policy->arena, to->tls_certificates);
	to->trust_anchor = copy_text(policy->arena, to->trust_anchor);
	to->root_hints = copy_text(policy->arena, to->root_hints);
	to->domains = arena_alloc_array(policy->arena, to->n_domains, sizeof(*to->domains));
	for (unsigned i = 0; i < to->n_domains && to->domains != NULL; i++) {
		struct cfg_dns_domain *domain = &to->domains[i];

		*domain = config->domains[i];
		for (unsigned k = 0; k < domain->n_names; k++)
			domain->names[k] = copy_text(policy->arena, domain->names[k]);
		copy_upstreams(policy->arena, &domain->upstreams);
	}
	copy_lists(policy->arena, &to->local);
}

static int compare_domains(const void *a, const void *b)
{
	const struct dns_domain *x = a, *y = b;

	return (int)y->name.n_labels - (int)x->name.n_labels;
}

static void list_domains(struct dns_policy *policy)
{
	const struct cfg_dns *config = &policy->config;
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_domains; i++)
		n += config->domains[i].n_names;
	policy->domains = arena_alloc_array(policy->arena, n, sizeof(*policy->domains));
	for (unsigned i = 0; i < config->n_domains && policy->domains != NULL; i++)
		for (unsigned k = 0; k < config->domains[i].n_names; k++) {
			struct dns_domain *domain = &policy->domains[policy->n_domains];

			if (dns_name_parse(config->domains[i].names[k], &domain->name) != 0)
				continue;
			domain->group = &policy->groups[i + 1];
			policy->n_domains++;
		}
	if (policy->n_domains > 1)
		qsort(policy->domains, policy->n_domains, sizeof(*policy->domains),
			compare_domains);
}

// All but what policies share.
static struct dns_policy *copy_policy(
	const struct cfg_dns *config, const struct learned_dns *learned, struct error *err)
{
	struct dns_policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL || (policy->arena = arena_new(ARENA_BYTES_MAX)) == NULL) {
		free(policy);
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	copy_config(policy, config);
	policy->asked = policy->config.upstreams;
	put_learned(policy, learned);
	policy->groups =
		arena_alloc_array(policy->arena, config->n_domains + 1, sizeof(*policy->groups));
	if (policy->groups != NULL)
		list_domains(policy);
	if (!arena_is_exhausted(policy->arena))
		return policy;
	dns_policy_free(policy);
	error_set(err, "no memory for the DNS forwarder");
	return NULL;
}

static void share(struct dns_policy *policy, struct dns_policy_shared *shared)
{
	policy->shared = shared;
	policy->local = shared->local;
	shared->n_policies++;
}

static void unshare(struct dns_policy_shared *shared)
{
	if (shared == NULL || --shared->n_policies > 0)
		return;
	dns_local_free(shared->local);
	upstream_tls_free(shared->ssl_ctx);
	free(shared);
}

struct dns_policy *dns_policy_new(const struct cfg_dns *config, const struct learned_dns *learned,
	struct dns_names *names, struct error *err)
{
	struct dns_policy *policy = copy_policy(config, learned, err);
	struct dns_policy_shared *shared = calloc(1, sizeof(*shared));

	if (policy == NULL || shared == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		goto fail;
	}
	shared->local = dns_local_new(config, names, err);
	if (shared->local == NULL)
		goto fail;
	share(policy, shared);
	return policy;
fail:
	free(shared);
	dns_policy_free(policy);
	return NULL;
}

struct dns_policy *dns_policy_relearn(
	const struct dns_policy *from, const struct learned_dns *learned, struct error *err)
{
	struct cfg_dns config = from->config;
	struct dns_policy *policy;

	config.upstreams = from->asked;
	policy = copy_policy(&config, learned, err);
	if (policy != NULL)
		share(policy, from->shared);
	return policy;
}

// --- its upstreams ---

static bool wants_tls(const struct cfg_dns_upstreams *upstreams)
{
	struct cfg_dns_upstream upstream;

	for (unsigned i = 0; i < upstreams->n; i++)
		if (cfg_dns_upstream_parse(upstreams->texts[i], &upstream, NULL) == 0 &&
			upstream.tls_name[0] != '\0')
			return true;
	return false;
}

// The authorities of a machine are a hundred and more, and take long to read.
int dns_policy_read(struct dns_policy *policy, struct error *err)
{
	bool wants = wants_tls(&policy->config.upstreams);

	for (unsigned i = 0; i < policy->config.n_domains; i++)
		wants |= wants_tls(&policy->config.domains[i].upstreams);
	if (!wants)
		return 0;
	policy->shared->ssl_ctx = upstream_tls_new(policy->config.tls_certificates, err);
	return policy->shared->ssl_ctx != NULL ? 0 : -1;
}

static int begin_group(struct dns_policy *policy, const struct cfg_dns_upstreams *upstreams,
	const char *const *interfaces, struct error *err)
{
	struct upstream_group *group = &policy->groups[policy->n_groups];

	policy->n_groups++;
	if (upstream_group_init(
		    group, upstreams, interfaces, policy->base, policy->shared->ssl_ctx) != 0)
		return error_set(err, "no memory for the DNS forwarder's upstreams");
	upstream_group_warm(group);
	return 0;
}

int dns_policy_begin(struct dns_policy *policy, struct event_base *base, struct error *err)
{
	policy->base = base;
	if (begin_group(policy, &policy->config.upstreams, policy->told_by, err) != 0)
		return -1;
	for (unsigned i = 0; i < policy->config.n_domains; i++)
		if (begin_group(policy, &policy->config.domains[i].upstreams, NULL, err) != 0)
			return -1;
	if (!policy->config.validates && policy->config.upstreams.n > 0)
		return 0;
	policy->resolver = resolver_new(policy, err);
	return policy->resolver != NULL ? 0 : -1;
}

void dns_policy_free(struct dns_policy *policy)
{
	if (policy == NULL)
		return;
	resolver_free(policy->resolver);
	for (unsigned i = 0; i < policy->n_groups; i++)
		upstream_group_fini(&policy->groups[i]);
	unshare(policy->shared);
	arena_free(policy->arena);
	free(policy);
}

void dns_policy_hold(struct dns_policy *policy)
{
	policy->n_under_way++;
}

static void on_free(evutil_socket_t fd, short what, void *ctx)
{
	dns_policy_free(ctx);
}

// Not at once: who lets go may have been called by what is freed here.
static void free_soon(struct dns_policy *policy)
{
	static const struct timeval now;

	event_base_once(policy->base, -1, EV_TIMEOUT, on_free, policy, &now);
}

void dns_policy_let_go(struct dns_policy *policy)
{
	policy->n_under_way--;
	if (policy->is_retired && policy->n_under_way == 0)
		free_soon(policy);
}

void dns_policy_retire(struct dns_policy *policy)
{
	if (policy == NULL)
		return;
	policy->is_retired = true;
	if (policy->n_under_way == 0)
		free_soon(policy);
}

// --- what it says ---

bool dns_policy_may_ask(const struct dns_policy *policy, const struct ip_addr *client)
{
	for (unsigned i = 0; i < policy->config.n_access; i++)
		if (ip_prefix_contains(&policy->config.access[i], client))
			return true;
	return policy->config.n_access == 0;
}

struct upstream_group *dns_policy_domain(
	const struct dns_policy *policy, const struct dns_name *name)
{
	for (unsigned i = 0; i < policy->n_domains; i++)
		if (dns_name_is_within(name, &policy->domains[i].name))
			return policy->domains[i].group;
	return NULL;
}

void dns_policy_limits(const struct dns_policy *policy, struct cache_limits *out)
{
	*out = (struct cache_limits){
		.bytes = (size_t)policy->config.cache_mib << 20,
		.ttl_min_sec = policy->config.ttl_min_sec,
		.ttl_max_sec = policy->config.ttl_max_sec,
		.stale_sec = policy->config.stale_sec,
	};
}
