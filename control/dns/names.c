// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "control/hash.h"

enum { BUCKETS = DNS_NAMES_MAX, NONE = UINT32_MAX };

struct entry {
	struct dns_known_name known;
	uint32_t next_of_name, next_of_address; // or the next that is free
};

struct dns_names {
	pthread_mutex_t lock;
	struct dns_hosts *hosts;
	uint64_t seed;
	struct entry *entries; // grows by doubling
	uint32_t room, n, first_free;
	uint32_t by_name[BUCKETS], by_address[BUCKETS];
};

struct dns_names *dns_names_new(void)
{
	struct dns_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	names->hosts = dns_hosts_new();
	if (names->hosts == NULL) {
		free(names);
		return NULL;
	}
	pthread_mutex_init(&names->lock, NULL);
	names->seed = hash_seed();
	names->first_free = NONE;
	memset(names->by_name, 0xff, sizeof(names->by_name));
	memset(names->by_address, 0xff, sizeof(names->by_address));
	return names;
}

void dns_names_free(struct dns_names *names)
{
	if (names == NULL)
		return;
	pthread_mutex_destroy(&names->lock);
	dns_hosts_free(names->hosts);
	free(names->entries);
	free(names);
}

struct dns_hosts *dns_names_hosts(struct dns_names *names)
{
	return names->hosts;
}

static uint32_t *name_bucket(struct dns_names *names, const struct dns_name *name)
{
	return &names->by_name[dns_name_hash(name, names->seed) % BUCKETS];
}

static uint32_t *address_bucket(struct dns_names *names, const struct ip_addr *addr)
{
	uint8_t bytes[16];

	hash_address_bytes(addr, bytes);
	return &names->by_address[hash_address(names->seed, bytes, addr->family) % BUCKETS];
}

static bool has_ended(const struct dns_known_name *known, uint32_t now_sec)
{
	return known->ends_at_sec != DNS_NAMES_FOREVER && known->ends_at_sec <= now_sec;
}

// --- places ---

static bool grow(struct dns_names *names)
{
	uint32_t room = names->room == 0 ? 64 : 2 * names->room;
	struct entry *entries;

	if (room > DNS_NAMES_MAX)
		return false;
	entries = reallocarray(names->entries, room, sizeof(*entries));
	if (entries == NULL)
		return false;
	for (uint32_t i = names->room; i < room; i++)
		entries[i].next_of_name = i + 1 < room ? i + 1 : NONE;
	names->first_free = names->room;
	names->entries = entries;
	names->room = room;
	return true;
}

static void link_entry(struct dns_names *names, uint32_t i)
{
	struct entry *entry = &names->entries[i];
	uint32_t *of_name = name_bucket(names, &entry->known.name);
	uint32_t *of_address = address_bucket(names, &entry->known.addr);

	entry->next_of_name = *of_name;
	*of_name = i;
	entry->next_of_address = *of_address;
	*of_address = i;
	names->n++;
}

static void remove_entry(struct dns_names *names, uint32_t i)
{
	struct entry *entry = &names->entries[i];
	uint32_t *at = name_bucket(names, &entry->known.name);

	while (*at != i)
		at = &names->entries[*at].next_of_name;
	*at = entry->next_of_name;
	at = address_bucket(names, &entry->known.addr);
	while (*at != i)
		at = &names->entries[*at].next_of_address;
	*at = entry->next_of_address;
	entry->next_of_name = names->first_free;
	names->first_free = i;
	names->n--;
}

static bool make_room(struct dns_names *names, uint32_t now_sec)
{
	if (names->first_free != NONE || grow(names))
		return true;
	// Full: what has ended makes room. Its owners have not said so, so this is seldom.
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
		uint32_t next;

		for (uint32_t i = names->by_name[bucket]; i != NONE; i = next) {
			next = names->entries[i].next_of_name;
			if (has_ended(&names->entries[i].known, now_sec))
				remove_entry(names, i);
		}
	}
	return names->first_free != NONE;
}

// --- adding and removing ---

static int add(struct dns_names *names, const struct dns_known_name *known, uint32_t now_sec)
{
	unsigned n_of_name = 0;
	uint32_t next;

	for (uint32_t i = *name_bucket(names, &known->name); i != NONE; i = next) {
		struct dns_known_name *other = &names->entries[i].known;

		next = names->entries[i].next_of_name;
		if (!dns_name_equal(&other->name, &known->name))
			continue;
		if (other->owner == known->owner && ip_addr_equal(&other->addr, &known->addr)) {
			*other = *known;
			return 0;
		}
		if (other->owner == known->owner)
			n_of_name++;
		else if (has_ended(other, now_sec) || other->source < known->source)
			remove_entry(names, i);
		else
			return -EEXIST;
	}
	if (n_of_name == DNS_NAMES_OF_ONE_MAX || !make_room(names, now_sec))
		return -ENOSPC;
	next = names->first_free;
	names->first_free = names->entries[next].next_of_name;
	names->entries[next].known = *known;
	link_entry(names, next);
	return 0;
}

int dns_names_add(struct dns_names *names, const struct dns_known_name *known, uint32_t now_sec)
{
	int rc;

	pthread_mutex_lock(&names->lock);
	rc = add(names, known, now_sec);
	pthread_mutex_unlock(&names->lock);
	return rc;
}

int dns_names_remove(
	struct dns_names *names, const struct dns_name *name, const struct ip_addr *addr)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&names->lock);
	for (uint32_t i = *name_bucket(names, name); i != NONE;
		i = names->entries[i].next_of_name) {
		const struct dns_known_name *known = &names->entries[i].known;

		if (!dns_name_equal(&known->name, name) || !ip_addr_equal(&known->addr, addr))
			continue;
		remove_entry(names, i);
		rc = 0;
		break;
	}
	pthread_mutex_unlock(&names->lock);
	return rc;
}

uint32_t dns_names_count(struct dns_names *names)
{
	uint32_t n;

	pthread_mutex_lock(&names->lock);
	n = names->n;
	pthread_mutex_unlock(&names->lock);
	return n;
}

// --- finding ---

unsigned dns_names_find(struct dns_names *names, const struct dns_name *name, uint32_t now_sec,
	struct dns_known_name out[DNS_NAMES_OF_ONE_MAX])
{
	unsigned n = 0;

	pthread_mutex_lock(&names->lock);
	for (uint32_t i = *name_bucket(names, name); i != NONE && n < DNS_NAMES_OF_ONE_MAX;
		i = names->entries[i].next_of_name) {
		const struct dns_known_name *known = &names->entries[i].known;

		if (!has_ended(known, now_sec) && dns_name_equal(&known->name, name))
			out[n++] = *known;
	}
	pthread_mutex_unlock(&names->lock);
	return n;
}

unsigned dns_names_find_address(struct dns_names *names, const struct ip_addr *addr,
	uint32_t now_sec, struct dns_known_name out[DNS_NAMES_OF_ONE_MAX])
{
	unsigned n = 0;

	pthread_mutex_lock(&names->lock);
	for (uint32_t i = *address_bucket(names, addr); i != NONE && n < DNS_NAMES_OF_ONE_MAX;
		i = names->entries[i].next_of_address) {
		const struct dns_known_name *known = &names->entries[i].known;

		if (!has_ended(known, now_sec) && ip_addr_equal(&known->addr, addr))
			out[n++] = *known;
	}
	pthread_mutex_unlock(&names->lock);
	return n;
}
