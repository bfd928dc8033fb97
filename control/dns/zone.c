// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/zone.h"

#include <stdlib.h>

#include "control/dns/dns_message.h"
#include "control/hash.h"

struct dns_zones {
	struct arena *arena;
	struct dns_zone_node **slots;
	uint32_t n, room;	      // room: a power of 2
	struct dns_zone_node **order; // in which they were added, `n` of them
	uint64_t seed;
};

enum { ROOM_FIRST = 256 };

struct dns_zones *dns_zones_new(void)
{
	struct dns_zones *zones = calloc(1, sizeof(*zones));

	if (zones == NULL)
		return NULL;
	zones->arena = arena_new(DNS_ZONE_BYTES_MAX);
	zones->slots = calloc(ROOM_FIRST, sizeof(*zones->slots));
	zones->order = calloc(ROOM_FIRST, sizeof(*zones->order));
	zones->room = ROOM_FIRST;
	zones->seed = hash_seed();
	if (zones->arena != NULL && zones->slots != NULL && zones->order != NULL)
		return zones;
	dns_zones_free(zones);
	return NULL;
}

void dns_zones_free(struct dns_zones *zones)
{
	if (zones == NULL)
		return;
	arena_free(zones->arena);
	free(zones->slots);
	free(zones->order);
	free(zones);
}

// --- nodes ---

static struct dns_zone_node **slot_of(const struct dns_zones *zones, const struct dns_name *name)
{
	uint32_t i = (uint32_t)dns_name_hash(name, zones->seed) & (zones->room - 1);

	while (zones->slots[i] != NULL && !dns_name_equal(&zones->slots[i]->name, name))
		i = (i + 1) & (zones->room - 1);
	return &zones->slots[i];
}

static int grow(struct dns_zones *zones)
{
	uint32_t room = zones->room * 2;
	struct dns_zone_node **slots = calloc(room, sizeof(*slots));
	struct dns_zone_node **order = reallocarray(zones->order, room, sizeof(*order));

	if (order != NULL)
		zones->order = order;
	if (slots == NULL || order == NULL) {
		free(slots);
		return -1;
	}
	free(zones->slots);
	zones->slots = slots;
	zones->room = room;
	for (uint32_t i = 0; i < zones->n; i++)
		*slot_of(zones, &order[i]->name) = order[i];
	return 0;
}

static struct dns_zone_node *get(struct dns_zones *zones, const struct dns_name *name)
{
	struct dns_zone_node **slot = slot_of(zones, name);
	struct dns_zone_node *node;

	if (*slot != NULL)
		return *slot;
	if (zones->n * 2 >= zones->room) {
		if (grow(zones) != 0)
			return NULL;
		slot = slot_of(zones, name);
	}
	node = arena_alloc(zones->arena, sizeof(*node));
	if (node == NULL)
		return NULL;
	node->name = *name;
	node->end = (struct dns_zone_record **)&node->records;
	*slot = zones->order[zones->n++] = node;
	return node;
}

int dns_zones_add(struct dns_zones *zones, const struct dns_name *name, enum dns_zone_kind kind,
	uint32_t ttl_sec, const char *because)
{
	struct dns_zone_node *node = get(zones, name);

	if (node == NULL)
		return -1;
	if (node->kind != DNS_ZONE_NONE)
		return 0;
	node->kind = kind;
	node->ttl_sec = ttl_sec;
	node->because = because;
	return 0;
}

// --- records ---

int dns_zones_add_record(struct dns_zones *zones, const struct dns_name *name, uint16_t type,
	uint32_t ttl_sec, const void *data, size_t n, const struct dns_name *target)
{
	struct dns_zone_node *node = get(zones, name);
	struct dns_zone_record *record = arena_alloc(zones->arena, sizeof(*record));
	uint8_t *bytes = arena_alloc(zones->arena, n);
	struct dns_name *name_copy = NULL;

	if (target != NULL) {
		name_copy = arena_alloc(zones->arena, sizeof(*name_copy));
		if (name_copy != NULL)
			*name_copy = *target;
	}
	if (node == NULL || arena_is_exhausted(zones->arena))
		return -1;
	if (n > 0)
		memcpy(bytes, data, n);
	*record = (struct dns_zone_record){.type = type,
		.ttl_sec = ttl_sec,
		.data_bytes = (uint16_t)n,
		.data = bytes,
		.target = name_copy};
	*node->end = record;
	node->end = (struct dns_zone_record **)&record->next;
	return 0;
}

int dns_zones_add_address(struct dns_zones *zones, const struct dns_name *name, uint32_t ttl_sec,
	const struct ip_addr *addr)
{
	return dns_zones_add_record(zones, name, addr->family == IP_V4 ? DNS_A : DNS_AAAA, ttl_sec,
		addr->bytes, ip_family_bits(addr->family) / 8, NULL);
}

// The first that has an address is who it belongs to.
static int add_reverse(struct dns_zones *zones, const struct dns_zone_node *node)
{
	for (const struct dns_zone_record *r = node->records; r != NULL; r = r->next) {
		struct ip_addr addr = {.family = r->type == DNS_A ? IP_V4 : IP_V6};
		struct dns_name reverse;
		struct dns_zone_node *there;

		if (r->type != DNS_A && r->type != DNS_AAAA)
			continue;
		memcpy(addr.bytes, r->data, r->data_bytes);
		dns_name_of_address(&addr, &reverse);
		there = *slot_of(zones, &reverse);
		if (there != NULL && there->records != NULL)
			continue;
		if (dns_zones_add_record(
			    zones, &reverse, DNS_PTR, r->ttl_sec, NULL, 0, &node->name) != 0)
			return -1;
	}
	return 0;
}

static const struct dns_zone_node *find_zone(
	const struct dns_zones *zones, const struct dns_name *name)
{
	struct dns_name at = *name;

	for (;;) {
		const struct dns_zone_node *node = *slot_of(zones, &at);

		if (node != NULL && node->kind != DNS_ZONE_NONE)
			return node;
		if (at.n_labels == 0)
			return NULL;
		at = dns_name_without(&at, 1);
	}
}

static int add_names_between(struct dns_zones *zones, const struct dns_name *name)
{
	const struct dns_zone_node *zone = find_zone(zones, name);
	struct dns_name at = *name;

	if (zone == NULL)
		return 0;
	while (at.n_labels > zone->name.n_labels) {
		if (get(zones, &at) == NULL)
			return -1;
		at = dns_name_without(&at, 1);
	}
	return 0;
}

int dns_zones_end(struct dns_zones *zones)
{
	uint32_t n_said = zones->n;

	for (uint32_t i = 0; i < n_said; i++)
		if (zones->order[i]->kind != DNS_ZONE_WILD &&
			add_reverse(zones, zones->order[i]) != 0)
			return -1;
	n_said = zones->n;
	for (uint32_t i = 0; i < n_said; i++)
		if (zones->order[i]->records != NULL &&
			add_names_between(zones, &zones->order[i]->name) != 0)
			return -1;
	return 0;
}

const struct dns_zone_node *dns_zones_find(const struct dns_zones *zones,
	const struct dns_name *name, const struct dns_zone_node **zone)
{
	*zone = find_zone(zones, name);
	return *slot_of(zones, name);
}
