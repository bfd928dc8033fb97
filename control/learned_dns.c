// SPDX-License-Identifier: BSD-3-Clause
#include "control/learned_dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void learned_dns_fini(struct learned_dns *learned)
{
	while (learned->n > 0)
		free(learned->list[--learned->n]);
}

int learned_dns_copy(struct learned_dns *to, const struct learned_dns *from)
{
	*to = (struct learned_dns){.n_changes = from->n_changes};
	for (; to->n < from->n; to->n++) {
		to->list[to->n] = malloc(sizeof(*to->list[0]));
		if (to->list[to->n] == NULL) {
			learned_dns_fini(to);
			return -ENOMEM;
		}
		*to->list[to->n] = *from->list[to->n];
	}
	return 0;
}

static void tell(struct learned_dns *learned)
{
	learned->n_changes++;
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

// What is there, and what is told.
static bool is_same(const struct learned_dns_entry *a, const struct learned_dns_entry *b)
{
	if (a->told_rank != b->rank || a->n_servers != b->n_servers || a->n_domains != b->n_domains)
		return false;
	for (unsigned i = 0; i < a->n_servers; i++)
		if (!ip_addr_equal(&a->servers[i], &b->servers[i]))
			return false;
	for (unsigned i = 0; i < a->n_domains; i++)
		if (strcmp(a->domains[i], b->domains[i]) != 0)
			return false;
	return true;
}

static struct learned_dns_rank *find_rank(struct learned_dns *learned, const char *interface)
{
	for (unsigned i = 0; i < learned->n_ranks; i++)
		if (strcmp(learned->ranks[i].interface, interface) == 0)
			return &learned->ranks[i];
	return NULL;
}

// Whether that changes it.
static bool put_rank(struct learned_dns *learned, struct learned_dns_entry *entry)
{
	const struct learned_dns_rank *own = find_rank(learned, entry->interface);
	uint32_t rank = own != NULL ? own->rank : entry->told_rank;
	bool is_changed = rank != entry->rank || entry->is_of_uplink != (own != NULL);

	entry->rank = rank;
	entry->is_of_uplink = own != NULL;
	return is_changed;
}

static struct learned_dns_entry *take_out(struct learned_dns *learned, unsigned at)
{
	struct learned_dns_entry *entry = learned->list[at];

	learned->n--;
	memmove(&learned->list[at], &learned->list[at + 1],
		(learned->n - at) * sizeof(learned->list[0]));
	return entry;
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
	free(take_out(learned, (unsigned)at));
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
	copy->told_rank = entry->rank;
	put_rank(learned, copy);
	if (at >= 0)
		free(take_out(learned, (unsigned)at));
	put_in(learned, copy);
	tell(learned);
	return 0;
}

static int set_rank(struct learned_dns *learned, const char *interface, uint32_t rank)
{
	struct learned_dns_rank *own = find_rank(learned, interface);

	if (rank == LEARNED_DNS_AS_TOLD) {
		if (own != NULL)
			*own = learned->ranks[--learned->n_ranks];
		return 0;
	}
	if (own == NULL && learned->n_ranks == CFG_UPLINKS_MAX)
		return -ENOSPC;
	if (own == NULL) {
		own = &learned->ranks[learned->n_ranks++];
		snprintf(own->interface, sizeof(own->interface), "%s", interface);
	}
	own->rank = rank;
	return 0;
}

int learned_dns_rank(struct learned_dns *learned, const char *interface, uint32_t rank)
{
	struct learned_dns_entry *moved[LEARNED_DNS_MAX];
	int rc = set_rank(learned, interface, rank);
	unsigned n = 0;

	for (unsigned i = 0; i < learned->n;) {
		if (put_rank(learned, learned->list[i]))
			moved[n++] = take_out(learned, i);
		else
			i++;
	}
	for (unsigned i = 0; i < n; i++)
		put_in(learned, moved[i]);
	if (n > 0)
		tell(learned);
	return rc;
}

int learned_dns_listen(struct learned_dns *learned, learned_dns_fn fn, void *ctx)
{
	if (learned->n_listeners == LEARNED_DNS_LISTENERS_MAX)
		return -ENOSPC;
	learned->listeners[learned->n_listeners++] = (struct learned_dns_listener){fn, ctx};
	return 0;
}
