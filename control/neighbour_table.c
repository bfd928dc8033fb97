// SPDX-License-Identifier: BSD-3-Clause
#include "control/neighbour_table.h"

#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

enum { BUCKETS = 16384 };

struct neighbour_table {
	struct neighbour *buckets[BUCKETS];
	struct neighbour entries[NEIGHBOURS_TABLE_MAX];
	struct neighbour *free;
	uint64_t seed;
	uint32_t n;
	uint32_t n_resolving;
	uint32_t n_kernel[2]; // IPv4, IPv6: in the kernel's table as far as we know
	uint32_t kernel_max[2];
	uint64_t window_start_ms;
	uint32_t n_asked_in_window;
	uint8_t generation;
	struct neighbour_counters counters;
};

static unsigned family_index(const struct ip_addr *addr)
{
	return addr->family == IP_V6;
}

static struct neighbour **find(
	struct neighbour_table *table, int interface, const struct ip_addr *addr)
{
	uint8_t bytes[16];
	struct neighbour **at;

	hash_address_bytes(addr, bytes);
	at = &table->buckets[hash_address(table->seed, bytes,
				     (uint32_t)addr->family << 16 | (uint32_t)interface) %
			     BUCKETS];
	while (*at != NULL && ((*at)->interface != interface || !ip_addr_equal(&(*at)->addr, addr)))
		at = &(*at)->next;
	return at;
}

static bool in_kernel(enum neighbour_state state)
{
	return state == NEIGHBOUR_RESOLVING || state == NEIGHBOUR_VALID || state == NEIGHBOUR_STALE;
}

static bool has_mac(enum neighbour_state state)
{
	return state == NEIGHBOUR_VALID || state == NEIGHBOUR_STALE;
}

static void enter(struct neighbour_table *table, struct neighbour *n, enum neighbour_state state,
	uint64_t now_ms)
{
	unsigned family = family_index(&n->addr);

	table->n_resolving -= n->state == NEIGHBOUR_RESOLVING;
	table->n_kernel[family] -= in_kernel(n->state);
	n->state = state;
	n->since_ms = now_ms;
	table->n_resolving += state == NEIGHBOUR_RESOLVING;
	table->n_kernel[family] += in_kernel(state);
}

static struct neighbour *add(struct neighbour_table *table, struct neighbour **at, int interface,
	const struct ip_addr *addr)
{
	struct neighbour *n = table->free;

	if (n == NULL)
		return NULL;
	table->free = n->next;
	*n = (struct neighbour){.addr = *addr, .interface = interface};
	n->generation = table->generation;
	*at = n;
	table->n++;
	return n;
}

static void drop(struct neighbour_table *table, struct neighbour **at)
{
	struct neighbour *n = *at;

	enter(table, n, NEIGHBOUR_NONE, 0);
	*at = n->next;
	n->next = table->free;
	table->free = n;
	table->n--;
}

// The limits, in the order in which they are told apart.
static bool may_ask(struct neighbour_table *table, unsigned family, uint64_t now_ms)
{
	if (table->n_kernel[family] >= table->kernel_max[family]) {
		table->counters.refused_full++;
		return false;
	}
	if (table->n_resolving >= NEIGHBOURS_RESOLVING_MAX) {
		table->counters.refused_open++;
		return false;
	}
	if (now_ms - table->window_start_ms >= NEIGHBOURS_ASK_MS) {
		table->window_start_ms = now_ms;
		table->n_asked_in_window = 0;
	}
	if (table->n_asked_in_window >= NEIGHBOURS_ASK_MAX) {
		table->counters.refused_rate++;
		return false;
	}
	return true;
}

enum neighbour_verdict neighbour_table_want(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms)
{
	struct neighbour **at = find(table, interface, addr);
	struct neighbour *n = *at;

	if (n != NULL && n->state == NEIGHBOUR_RESOLVING)
		return NEIGHBOUR_WAIT;
	if (n != NULL && has_mac(n->state))
		return NEIGHBOUR_KNOWN;
	if (n != NULL && n->state == NEIGHBOUR_FAILED &&
		now_ms - n->since_ms < NEIGHBOURS_FAILED_MS)
		return NEIGHBOUR_FAILED_LATELY;
	if (!may_ask(table, family_index(addr), now_ms))
		return NEIGHBOUR_REFUSED;
	if (n == NULL)
		n = add(table, at, interface, addr);
	if (n == NULL) {
		table->counters.refused_full++;
		return NEIGHBOUR_REFUSED;
	}
	enter(table, n, NEIGHBOUR_RESOLVING, now_ms);
	table->n_asked_in_window++;
	table->counters.asked++;
	return NEIGHBOUR_ASK;
}

bool neighbour_table_learn(struct neighbour_table *table, int interface, const struct ip_addr *addr,
	const struct mac_addr *mac, bool is_stale)
{
	struct neighbour **at = find(table, interface, addr);
	struct neighbour *n = *at;
	bool is_news;

	if (n == NULL)
		n = add(table, at, interface, addr);
	if (n == NULL) {
		table->counters.ignored++;
		return false;
	}
	is_news = !has_mac(n->state) || memcmp(&n->mac, mac, sizeof(*mac)) != 0;
	n->mac = *mac;
	n->generation = table->generation;
	enter(table, n, is_stale ? NEIGHBOUR_STALE : NEIGHBOUR_VALID, 0);
	return is_news;
}

void neighbour_table_mark(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, bool is_permanent)
{
	struct neighbour *n = *find(table, interface, addr);

	if (n != NULL)
		n->is_permanent = is_permanent;
}

void neighbour_table_confirm(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms)
{
	struct neighbour *n = *find(table, interface, addr);

	if (n != NULL)
		n->confirmed_ms = now_ms;
}

struct neighbour_loss neighbour_table_fail(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms)
{
	struct neighbour **at = find(table, interface, addr);
	struct neighbour *n = *at;
	struct neighbour_loss loss = {false, false};

	if (n == NULL || n->state == NEIGHBOUR_FAILED)
		return loss;
	loss.tell_workers = true;
	// The kernel says this too of one that somebody removes (`ip neigh flush`): it answered
	// when it was last asked, so it may be asked again at once.
	if (has_mac(n->state)) {
		drop(table, at);
		return loss;
	}
	loss.was_our_quest = n->state == NEIGHBOUR_RESOLVING;
	table->counters.failed += loss.was_our_quest;
	enter(table, n, NEIGHBOUR_FAILED, now_ms);
	return loss;
}

bool neighbour_table_forget(
	struct neighbour_table *table, int interface, const struct ip_addr *addr)
{
	struct neighbour **at = find(table, interface, addr);
	bool tell;

	// A failure is remembered although its entry goes: we had it removed ourselves.
	if (*at == NULL || (*at)->state == NEIGHBOUR_FAILED)
		return false;
	tell = has_mac((*at)->state) || (*at)->state == NEIGHBOUR_RESOLVING;
	drop(table, at);
	return tell;
}

const struct neighbour *neighbour_table_find(
	const struct neighbour_table *table, int interface, const struct ip_addr *addr)
{
	// find() gives a link to write through; nothing is written here
	return *find((struct neighbour_table *)table, interface, addr);
}

bool neighbour_has_mac(const struct neighbour *neighbour)
{
	return neighbour != NULL && has_mac(neighbour->state);
}

static bool is_over(const struct neighbour *n, uint64_t now_ms)
{
	if (n->state == NEIGHBOUR_RESOLVING)
		return now_ms - n->since_ms >= NEIGHBOURS_RESOLVE_MS;
	return n->state == NEIGHBOUR_FAILED && now_ms - n->since_ms >= NEIGHBOURS_FAILED_MS;
}

void neighbour_table_expire(
	struct neighbour_table *table, uint64_t now_ms, neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct neighbour **at = &table->buckets[i];

		while (*at != NULL) {
			if (!is_over(*at, now_ms)) {
				at = &(*at)->next;
				continue;
			}
			if ((*at)->state == NEIGHBOUR_RESOLVING)
				fn(ctx, *at);
			drop(table, at);
		}
	}
}

void neighbour_table_sync_start(struct neighbour_table *table)
{
	table->generation++;
}

void neighbour_table_sync_end(struct neighbour_table *table, neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct neighbour **at = &table->buckets[i];

		while (*at != NULL) {
			if (!has_mac((*at)->state) || (*at)->generation == table->generation) {
				at = &(*at)->next;
				continue;
			}
			fn(ctx, *at);
			drop(table, at);
		}
	}
}

void neighbour_table_forget_interface(struct neighbour_table *table, int interface)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct neighbour **at = &table->buckets[i];

		while (*at != NULL) {
			if ((*at)->interface == interface)
				drop(table, at);
			else
				at = &(*at)->next;
		}
	}
}

void neighbour_table_each(const struct neighbour_table *table, neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (const struct neighbour *n = table->buckets[i]; n != NULL; n = n->next)
			fn(ctx, n);
}

uint32_t neighbour_table_count(const struct neighbour_table *table)
{
	return table->n;
}

const struct neighbour_counters *neighbour_table_counters(const struct neighbour_table *table)
{
	return &table->counters;
}

struct neighbour_table *neighbour_table_new(uint32_t kernel_max4, uint32_t kernel_max6)
{
	struct neighbour_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->seed = hash_seed();
	table->kernel_max[0] =
		kernel_max4 < NEIGHBOURS_KERNEL_MAX ? kernel_max4 : NEIGHBOURS_KERNEL_MAX;
	table->kernel_max[1] =
		kernel_max6 < NEIGHBOURS_KERNEL_MAX ? kernel_max6 : NEIGHBOURS_KERNEL_MAX;
	for (unsigned i = NEIGHBOURS_TABLE_MAX; i > 0; i--) {
		table->entries[i - 1].next = table->free;
		table->free = &table->entries[i - 1];
	}
	return table;
}

void neighbour_table_free(struct neighbour_table *table)
{
	free(table);
}
