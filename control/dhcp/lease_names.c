// SPDX-License-Identifier: BSD-3-Clause
// Two chained tables over the same names: by label and by address.
#include "control/dhcp/lease_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/hash.h"

enum { BUCKETS = 4096 };

struct named {
	struct named *next_by_label, *next_by_address;
	struct ip_addr address;
	char label[LEASE_NAME_BYTES];
	char *domain;
};

struct lease_names {
	const struct lease_names_ops *ops;
	void *ctx;
	uint64_t seed;
	unsigned n;
	struct named *by_label[BUCKETS], *by_address[BUCKETS];
};

// --- labels ---

// A host of such a name would be found where each looks for itself, for a proxy or for IPv6 (RFC
// 6761, RFC 7050, RFC 5214; WPAD has handed networks to strangers).
static bool is_special(const char *label)
{
	static const char *const words[] = {"localhost", "local", "localdomain", "broadcasthost",
		"wpad", "isatap", "ipv4only", "invalid", "test", NULL};

	for (const char *const *word = words; *word != NULL; word++)
		if (strcmp(*word, label) == 0)
			return true;
	return false;
}

bool lease_names_label(const char *said, char out[LEASE_NAME_BYTES])
{
	size_t n = 0;

	for (; *said != '\0' && *said != '.' && n < LEASE_NAME_BYTES - 1; said++) {
		char c = *said;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-') // "John's Mac": blanks and the like
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	return n > 0 && !is_special(out);
}

// --- chains ---

static struct named **label_chain(const struct lease_names *names, const char *label)
{
	uint64_t hash = hash_bytes(names->seed, label, strlen(label));

	return (struct named **)&names->by_label[hash_mix(hash, names->seed) % BUCKETS];
}

static struct named **address_chain(const struct lease_names *names, const struct ip_addr *address)
{
	uint8_t bytes[16];

	hash_address_bytes(address, bytes);
	return (struct named **)&names
		->by_address[hash_address(names->seed, bytes, address->family) % BUCKETS];
}

static struct named *find_label(const struct lease_names *names, const char *label)
{
	struct named *one = *label_chain(names, label);

	while (one != NULL && strcmp(one->label, label) != 0)
		one = one->next_by_label;
	return one;
}

static struct named *find_address(const struct lease_names *names, const struct ip_addr *address)
{
	struct named *one = *address_chain(names, address);

	while (one != NULL && !ip_addr_equal(&one->address, address))
		one = one->next_by_address;
	return one;
}

// --- changes ---

static void remove_one(struct lease_names *names, struct named *one)
{
	struct named **at = label_chain(names, one->label);

	while (*at != one)
		at = &(*at)->next_by_label;
	*at = one->next_by_label;
	at = address_chain(names, &one->address);
	while (*at != one)
		at = &(*at)->next_by_address;
	*at = one->next_by_address;
	names->n--;
	if (names->ops != NULL)
		names->ops->removed(names->ctx, one->label, &one->address);
	free(one->domain);
	free(one);
}

static bool add_one(struct lease_names *names, const struct ip_addr *address, const char *label,
	const char *domain)
{
	struct named *one = names->n < LEASE_NAMES_MAX ? calloc(1, sizeof(*one)) : NULL;
	struct named **chain;

	if (one == NULL)
		return false;
	one->domain = strdup(domain);
	if (one->domain == NULL) {
		free(one);
		return false;
	}
	one->address = *address;
	snprintf(one->label, sizeof(one->label), "%s", label);
	chain = label_chain(names, label);
	one->next_by_label = *chain;
	*chain = one;
	chain = address_chain(names, address);
	one->next_by_address = *chain;
	*chain = one;
	names->n++;
	return true;
}

bool lease_names_set(struct lease_names *names, const struct ip_addr *address, const char *said,
	const char *domain, uint32_t left_sec)
{
	struct lease_name name = {.domain = domain, .address = *address, .left_sec = left_sec};
	struct named *before = find_address(names, address), *other;
	bool is_label = lease_names_label(said, name.label);

	if (before != NULL && (!is_label || strcmp(before->label, name.label) != 0)) {
		remove_one(names, before);
		before = NULL;
	}
	if (!is_label)
		return false;
	other = find_label(names, name.label);
	if (before == NULL && (other != NULL || !add_one(names, address, name.label, domain)))
		return false;
	if (names->ops != NULL) // also when only its time is longer
		names->ops->added(names->ctx, &name);
	return true;
}

void lease_names_remove(struct lease_names *names, const struct ip_addr *address)
{
	struct named *one = find_address(names, address);

	if (one != NULL)
		remove_one(names, one);
}

// --- questions ---

bool lease_names_find(const struct lease_names *names, const char *label, struct ip_addr *address)
{
	char small[LEASE_NAME_BYTES];
	const struct named *one;

	if (!lease_names_label(label, small) || strcasecmp(small, label) != 0)
		return false;
	one = find_label(names, small);
	if (one != NULL)
		*address = one->address;
	return one != NULL;
}

const char *lease_names_of(const struct lease_names *names, const struct ip_addr *address)
{
	const struct named *one = find_address(names, address);

	return one == NULL ? NULL : one->label;
}

unsigned lease_names_count(const struct lease_names *names)
{
	return names->n;
}

// --- coming and going ---

struct lease_names *lease_names_new(void)
{
	struct lease_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	names->seed = hash_seed();
	return names;
}

void lease_names_listen(struct lease_names *names, const struct lease_names_ops *ops, void *ctx)
{
	names->ops = ops;
	names->ctx = ctx;
	for (unsigned i = 0; i < BUCKETS && ops != NULL; i++)
		for (const struct named *one = names->by_label[i]; one != NULL;
			one = one->next_by_label) {
			struct lease_name name = {.domain = one->domain, .address = one->address};

			snprintf(name.label, sizeof(name.label), "%s", one->label);
			ops->added(ctx, &name);
		}
}

void lease_names_free(struct lease_names *names)
{
	if (names == NULL)
		return;
	names->ops = NULL;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (names->by_label[i] != NULL)
			remove_one(names, names->by_label[i]);
	free(names);
}
