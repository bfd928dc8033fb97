// SPDX-License-Identifier: BSD-3-Clause
// Three chained hash tables over the same leases, and a list of places to walk them by.
#include "control/dhcp/dhcp4_lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

struct dhcp4_leases {
	unsigned max, n, n_buckets; // a power of 2
	uint64_t seed;
	struct dhcp4_lease **by_address, **by_client, **by_origin;
};

// --- chains ---

static struct dhcp4_lease **address_chain(const struct dhcp4_leases *leases, uint32_t address)
{
	uint64_t hash = hash_mix(leases->seed ^ address, 0x9e3779b97f4a7c15u);

	return &leases->by_address[hash & (leases->n_buckets - 1)];
}

static struct dhcp4_lease **client_chain(
	const struct dhcp4_leases *leases, uint32_t network, const struct dhcp4_client *client)
{
	uint64_t hash = hash_bytes(leases->seed ^ network, client->bytes, client->n);

	return &leases->by_client[hash_mix(hash, leases->seed) & (leases->n_buckets - 1)];
}

static struct dhcp4_lease **origin_chain(const struct dhcp4_leases *leases, uint64_t origin)
{
	return &leases->by_origin[hash_mix(leases->seed ^ origin, 0xd6e8feb86659fd93u) &
				  (leases->n_buckets - 1)];
}

static void unlink_client(struct dhcp4_leases *leases, struct dhcp4_lease *lease)
{
	struct dhcp4_lease **at = client_chain(leases, lease->network, &lease->client);

	if (lease->client.n == 0)
		return;
	while (*at != lease)
		at = &(*at)->next_by_client;
	*at = lease->next_by_client;
}

static void unlink_origin(struct dhcp4_leases *leases, struct dhcp4_lease *lease)
{
	struct dhcp4_lease **at = origin_chain(leases, lease->origin);

	if (lease->origin == 0)
		return;
	while (*at != lease)
		at = &(*at)->next_by_origin;
	*at = lease->next_by_origin;
	lease->origin = 0;
}

// --- finding ---

bool dhcp4_client_is_equal(const struct dhcp4_client *a, const struct dhcp4_client *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

struct dhcp4_lease *dhcp4_leases_by_address(const struct dhcp4_leases *leases, uint32_t address)
{
	struct dhcp4_lease *lease = *address_chain(leases, address);

	while (lease != NULL && lease->address != address)
		lease = lease->next_by_address;
	return lease;
}

struct dhcp4_lease *dhcp4_leases_by_client(
	const struct dhcp4_leases *leases, uint32_t network, const struct dhcp4_client *client)
{
	struct dhcp4_lease *lease = *client_chain(leases, network, client);

	while (lease != NULL &&
		(lease->network != network || !dhcp4_client_is_equal(&lease->client, client)))
		lease = lease->next_by_client;
	return lease;
}

unsigned dhcp4_leases_count_origin(
	const struct dhcp4_leases *leases, uint64_t origin, unsigned most)
{
	unsigned n = 0;

	for (struct dhcp4_lease *lease = *origin_chain(leases, origin); lease != NULL && n < most;
		lease = lease->next_by_origin)
		n += lease->origin == origin && lease->state != DHCP4_LEASE_FREE;
	return n;
}

// --- changing ---

struct dhcp4_lease *dhcp4_leases_add(struct dhcp4_leases *leases, uint32_t address,
	uint32_t network, const struct dhcp4_client *client)
{
	struct dhcp4_lease *lease, **chain = address_chain(leases, address);

	if (leases->n == leases->max)
		return NULL;
	lease = calloc(1, sizeof(*lease));
	if (lease == NULL)
		return NULL;
	lease->address = address;
	lease->network = network;
	lease->next_by_address = *chain;
	*chain = lease;
	leases->n++;
	dhcp4_leases_give_to(leases, lease, client);
	return lease;
}

void dhcp4_leases_give_to(
	struct dhcp4_leases *leases, struct dhcp4_lease *lease, const struct dhcp4_client *client)
{
	struct dhcp4_lease **chain;

	unlink_client(leases, lease);
	unlink_origin(leases, lease);
	lease->client.n = 0;
	lease->state = DHCP4_LEASE_FREE;
	lease->is_probed = false;
	lease->since = 0;
	lease->host_name[0] = '\0';
	if (client == NULL || client->n == 0)
		return;
	lease->client = *client;
	chain = client_chain(leases, lease->network, client);
	lease->next_by_client = *chain;
	*chain = lease;
}

void dhcp4_leases_set_origin(
	struct dhcp4_leases *leases, struct dhcp4_lease *lease, uint64_t origin)
{
	struct dhcp4_lease **chain = origin_chain(leases, origin);

	if (lease->origin == origin)
		return;
	unlink_origin(leases, lease);
	if (origin == 0)
		return;
	lease->origin = origin;
	lease->next_by_origin = *chain;
	*chain = lease;
}

void dhcp4_leases_remove(struct dhcp4_leases *leases, struct dhcp4_lease *lease)
{
	struct dhcp4_lease **at = address_chain(leases, lease->address);

	dhcp4_leases_give_to(leases, lease, NULL);
	while (*at != lease)
		at = &(*at)->next_by_address;
	*at = lease->next_by_address;
	leases->n--;
	free(lease);
}

// --- all of them ---

// The cursor is a bucket and how far its chain was gone: chains are short.
struct dhcp4_lease *dhcp4_leases_next(const struct dhcp4_leases *leases, uint32_t *cursor)
{
	enum { DEPTH_BITS = 8 };

	while (*cursor >> DEPTH_BITS < leases->n_buckets) {
		struct dhcp4_lease *lease = leases->by_address[*cursor >> DEPTH_BITS];
		uint32_t depth = *cursor & ((1u << DEPTH_BITS) - 1);

		while (lease != NULL && depth-- > 0)
			lease = lease->next_by_address;
		if (lease != NULL) {
			++*cursor;
			return lease;
		}
		*cursor = ((*cursor >> DEPTH_BITS) + 1) << DEPTH_BITS;
	}
	return NULL;
}

struct dhcp4_leases *dhcp4_leases_new(unsigned max)
{
	struct dhcp4_leases *leases = calloc(1, sizeof(*leases));

	if (leases == NULL)
		return NULL;
	leases->max = max;
	leases->seed = hash_seed();
	for (leases->n_buckets = 64; leases->n_buckets < max; leases->n_buckets *= 2)
		;
	leases->by_address = calloc(leases->n_buckets, sizeof(*leases->by_address));
	leases->by_client = calloc(leases->n_buckets, sizeof(*leases->by_client));
	leases->by_origin = calloc(leases->n_buckets, sizeof(*leases->by_origin));
	if (leases->by_address != NULL && leases->by_client != NULL && leases->by_origin != NULL)
		return leases;
	dhcp4_leases_free(leases);
	return NULL;
}

void dhcp4_leases_free(struct dhcp4_leases *leases)
{
	if (leases == NULL)
		return;
	for (unsigned i = 0; i < leases->n_buckets && leases->by_address != NULL; i++)
		while (leases->by_address[i] != NULL) {
			struct dhcp4_lease *lease = leases->by_address[i];

			leases->by_address[i] = lease->next_by_address;
			free(lease);
		}
	free(leases->by_address);
	free(leases->by_client);
	free(leases->by_origin);
	free(leases);
}

const char *dhcp4_client_str(const struct dhcp4_client *client, char out[DHCP4_CLIENT_STR_BYTES])
{
	out[0] = '\0';
	for (unsigned i = 1; i < client->n && client->bytes[0] == 1; i++)
		snprintf(out + 2 * (size_t)(i - 1), 3, "%02x", client->bytes[i]);
	return out;
}

const char *dhcp4_lease_state_name(enum dhcp4_lease_state state)
{
	static const char *const names[] = {"free", "offered", "bound", "declined"};

	return names[state];
}

uint32_t dhcp4_lease_left_sec(const struct dhcp4_lease *lease, uint64_t now_ms)
{
	return lease->ends_ms > now_ms ? (uint32_t)((lease->ends_ms - now_ms + 999) / 1000) : 0;
}
