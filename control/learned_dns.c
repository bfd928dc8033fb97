// SPDX-License-Identifier: BSD-3-Clause
#include "control/learned_dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void learned_dns_fini(struct learned_dns *learned)
{
	while (learned->n > 0)
		free(learned->list[--learned->n]);
}

static void tell(const struct learned_dns *learned)
{
	for (unsigned i = 0; i < learned->n_listeners; i++)
		learned->listeners[i].fn(learned->listeners[i].ctx);
}

// -1: nothing was told that way.
static int find(const struct learned_dns *learned, const char *interface, const char *by)
{
	for (unsigned i = 0; i < learned->n; i++)
		if (strcmp(learned->list[i]->interface, interface) == 0 &&
			strcmp(learned->list[i]->by, by) == 0)
			return (int)i;
	return -1;
}

static bool is_same(const struct learned_dns_entry *a, const struct learned_dns_entry *b)
{
	if (a->rank != b->rank || a->n_servers != b->n_servers || a->n_domains != b->n_domains)
		return false;
	for (unsigned i = 0; i < a->n_servers; i++)
		if (!ip_addr_equal(&a->servers[i], &b->servers[i]))
			return false;
	for (unsigned i = 0; i < a->n_domains; i++)
		if (strcmp(a->domains[i], b->domains[i]) != 0)
			return false;
	return true;
}

static void take_out(struct learned_dns *learned, unsigned at)
{
	free(learned->list[at]);
	learned->n--;
	memmove(&learned->list[at], &learned->list[at + 1],
		(learned->n - at) * sizeof(learned->list[0]));
}

// Behind those of the same rank.
static void put_in(struct learned_dns *learned, struct learned_dns_entry *entry)
{
	unsigned at = 0;

	while (at < learned->n && learned->list[at]->rank <= entry->rank)
		at++;
	memmove(&learned->list[at + 1], &learned->list[at],
		(learned->n - at) * sizeof(learned->list[0]));
	learned->list[at] = entry;
	learned->n++;
}

void learned_dns_forget(struct learned_dns *learned, const char *interface, const char *by)
{
	int at = find(learned, interface, by);

	if (at < 0)
		return;
	take_out(learned, (unsigned)at);
	tell(learned);
}

int learned_dns_set(struct learned_dns *learned, const struct learned_dns_entry *entry)
{
	int at = find(learned, entry->interface, entry->by);
	struct learned_dns_entry *copy;

	if (entry->n_servers + entry->n_domains == 0) {
		learned_dns_forget(learned, entry->interface, entry->by);
		return 0;
	}
	if (at >= 0 && is_same(learned->list[at], entry))
		return 0;
	if (at < 0 && learned->n == LEARNED_DNS_MAX)
		return -ENOSPC;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	*copy = *entry;
	if (at >= 0)
		take_out(learned, (unsigned)at);
	put_in(learned, copy);
	tell(learned);
	return 0;
}

int learned_dns_listen(struct learned_dns *learned, learned_dns_fn fn, void *ctx)
{
	if (learned->n_listeners == LEARNED_DNS_LISTENERS_MAX)
		return -ENOSPC;
	learned->listeners[learned->n_listeners++] = (struct learned_dns_listener){fn, ctx};
	return 0;
}
