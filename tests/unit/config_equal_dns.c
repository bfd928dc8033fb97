// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/config_equal_private.h"

static bool same_texts(const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	bool is_same = n_a == n_b;

	for (unsigned i = 0; i < n_a && is_same; i++)
		is_same = same_text(a[i], b[i]);
	return is_same;
}

static bool same_addresses(
	const struct ip_addr *a, unsigned n_a, const struct ip_addr *b, unsigned n_b)
{
	bool is_same = n_a == n_b;

	for (unsigned i = 0; i < n_a && is_same; i++)
		is_same = ip_addr_equal(&a[i], &b[i]);
	return is_same;
}

static bool same_upstreams(const struct cfg_dns_upstreams *a, const struct cfg_dns_upstreams *b)
{
	return same_texts(a->texts, a->n, b->texts, b->n);
}

static bool same_record(const struct cfg_dns_record *a, const struct cfg_dns_record *b)
{
	return same_text(a->name, b->name) && same_text(a->cname, b->cname) &&
	       same_text(a->ptr, b->ptr) && a->ttl_sec == b->ttl_sec &&
	       same_addresses(a->addresses, a->n_addresses, b->addresses, b->n_addresses) &&
	       same_texts(a->mx, a->n_mx, b->mx, b->n_mx) &&
	       same_texts(a->srv, a->n_srv, b->srv, b->n_srv) &&
	       same_texts(a->txt, a->n_txt, b->txt, b->n_txt);
}

static bool same_blocking(const struct cfg_dns_blocking *a, const struct cfg_dns_blocking *b)
{
	return same_texts(a->clients, a->n_clients, b->clients, b->n_clients) &&
	       same_texts(a->lists, a->n_lists, b->lists, b->n_lists) &&
	       same_names(&a->allow, &b->allow) && same_names(&a->names, &b->names) &&
	       a->answer == b->answer;
}

static bool same_local(const struct cfg_dns_local *a, const struct cfg_dns_local *b)
{
	bool is_same =
		a->n_records == b->n_records && a->n_zones == b->n_zones &&
		a->n_lists == b->n_lists && a->n_blocking == b->n_blocking &&
		same_text(a->domain, b->domain) && a->is_rebind_allowed == b->is_rebind_allowed &&
		same_names(&a->rebind_exempt, &b->rebind_exempt) && a->is_canary == b->is_canary;

	for (unsigned i = 0; i < a->n_records && is_same; i++)
		is_same = same_record(&a->records[i], &b->records[i]);
	for (unsigned i = 0; i < a->n_zones && is_same; i++)
		is_same = same_text(a->zones[i].name, b->zones[i].name) &&
			  a->zones[i].ttl_sec == b->zones[i].ttl_sec &&
			  same_addresses(a->zones[i].addresses, a->zones[i].n_addresses,
				  b->zones[i].addresses, b->zones[i].n_addresses);
	for (unsigned i = 0; i < a->n_lists && is_same; i++)
		is_same = same_text(a->lists[i].name, b->lists[i].name) &&
			  same_text(a->lists[i].file, b->lists[i].file);
	for (unsigned i = 0; i < a->n_blocking && is_same; i++)
		is_same = same_blocking(&a->blocking[i], &b->blocking[i]);
	return is_same;
}

bool config_equal_dns(const struct cfg_dns *a, const struct cfg_dns *b)
{
	bool is_same =
		a->is_there == b->is_there &&
		same_texts(a->listen, a->n_listen, b->listen, b->n_listen) && a->port == b->port &&
		a->n_access == b->n_access && same_upstreams(&a->upstreams, &b->upstreams) &&
		same_text(a->tls_certificates, b->tls_certificates) &&
		a->n_domains == b->n_domains &&
		same_texts(a->mdns, a->n_mdns, b->mdns, b->n_mdns) &&
		a->validates == b->validates && same_text(a->trust_anchor, b->trust_anchor) &&
		a->rate == b->rate && a->cache_mib == b->cache_mib &&
		a->ttl_min_sec == b->ttl_min_sec && a->ttl_max_sec == b->ttl_max_sec &&
		a->stale_sec == b->stale_sec && same_local(&a->local, &b->local);

	for (unsigned i = 0; i < a->n_access && is_same; i++)
		is_same = same_prefix(&a->access[i], &b->access[i]);
	for (unsigned i = 0; i < a->n_domains && is_same; i++)
		is_same = same_texts(a->domains[i].names, a->domains[i].n_names,
				  b->domains[i].names, b->domains[i].n_names) &&
			  same_upstreams(&a->domains[i].upstreams, &b->domains[i].upstreams);
	return is_same;
}
