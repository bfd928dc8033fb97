// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "dataplane/memory.h"
#include "perf/bench_world.h"

enum {
	PARTS = 10000,
	ALLOCATIONS6 = 40000, // networks of 32 bits that longer IPv6 prefixes lie in
	LINE_BYTES = 4096,
};

// How many of PARTS prefixes have a length, as route collectors see it in the middle of the 2020s;
// what is missing is of the last length.
struct share {
	uint8_t len;
	uint16_t parts;
};

static const struct share mix4[] = {
	{11, 1},
	{12, 3},
	{13, 6},
	{14, 12},
	{15, 20},
	{16, 140},
	{17, 85},
	{18, 140},
	{19, 260},
	{20, 450},
	{21, 500},
	{22, 1080},
	{23, 1000},
	{24, PARTS},
};

static const struct share mix6[] = {
	{29, 420},
	{32, 1150},
	{33, 160},
	{34, 140},
	{35, 60},
	{36, 420},
	{37, 50},
	{38, 140},
	{39, 80},
	{40, 800},
	{42, 120},
	{44, 950},
	{45, 180},
	{46, 400},
	{47, 280},
	{48, PARTS},
};

static uint8_t random_len(uint8_t family, uint64_t *seed)
{
	const struct share *mix = family == IP_V6 ? mix6 : mix4;
	uint32_t part = bench_random(seed) % PARTS;

	while (part >= mix->parts) {
		part -= mix->parts;
		mix++;
	}
	return mix->len;
}

// Nothing that the FIB answers by itself: 0/8, 127/8, 169.254/16, class D and E.
static struct ip_addr random_addr4(uint64_t *seed)
{
	for (;;) {
		uint32_t addr = bench_random(seed), first = addr >> 24;

		if (first != 0 && first != 127 && first != 169 && first < 224)
			return bench_ip4(addr);
	}
}

// Registries hand out networks of 32 bits; most of what is announced lies within a few of them.
static struct ip_addr random_addr6(uint64_t *seed)
{
	uint64_t allocation = bench_random(seed) % ALLOCATIONS6 + 1;
	uint32_t high = rte_cpu_to_be_32(0x20000000 | (bench_random(&allocation) & 0x0fffffff));
	uint32_t low = bench_random(seed);
	struct ip_addr addr = {.family = IP_V6};

	memcpy(addr.v6, &high, sizeof(high));
	memcpy(addr.v6 + 4, &low, sizeof(low));
	return addr;
}

// --- the hash table ---

static uint32_t slot_of(const struct bench_table *table, const struct ip_prefix *prefix)
{
	uint64_t words[2];

	memcpy(words, prefix->addr.bytes, sizeof(words));
	words[0] = (words[0] ^ prefix->len) * UINT64_C(0x9e3779b97f4a7c15);
	words[0] = (words[0] ^ words[0] >> 29 ^ words[1]) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(words[0] >> 32) & table->mask;
}

// The slot that holds the prefix, or the empty one where it would be.
static uint32_t *slot_find(const struct bench_table *table, const struct ip_prefix *prefix)
{
	for (uint32_t i = slot_of(table, prefix);; i = (i + 1) & table->mask) {
		uint32_t index = table->slots[i];

		if (index == 0 ||
			(table->prefixes[index - 1].len == prefix->len &&
				ip_addr_equal(&table->prefixes[index - 1].addr, &prefix->addr)))
			return &table->slots[i];
	}
}

static void add(struct bench_table *table, const struct ip_prefix *prefix)
{
	struct ip_prefix network = ip_prefix_network(prefix);
	uint32_t *slot = slot_find(table, &network);

	if (*slot != 0 || table->n == table->max)
		return;
	table->prefixes[table->n++] = network;
	*slot = table->n;
	table->lengths[network.len / 64] |= UINT64_C(1) << network.len % 64;
}

static int init(struct bench_table *table, uint32_t max, struct error *err)
{
	uint32_t n_slots = 16;

	while (n_slots < 2 * (uint64_t)max)
		n_slots *= 2;
	*table = (struct bench_table){.max = max, .mask = n_slots - 1};
	table->prefixes = memory_map(max * sizeof(*table->prefixes));
	table->slots = memory_map(n_slots * sizeof(*table->slots));
	if (table->prefixes != NULL && table->slots != NULL)
		return 0;
	bench_table_free(table);
	return error_set(err, "no memory for a table of %u prefixes", max);
}

void bench_table_free(struct bench_table *table)
{
	memory_unmap(table->prefixes, table->max * sizeof(*table->prefixes));
	memory_unmap(table->slots, (table->mask + UINT64_C(1)) * sizeof(*table->slots));
	*table = (struct bench_table){0};
}

int bench_table_make(struct bench_table *table, uint8_t family, uint32_t n, struct error *err)
{
	uint64_t seed = 88172645463325252;

	if (init(table, n, err) < 0)
		return -1;
	while (table->n < n) {
		struct ip_prefix prefix = {.len = random_len(family, &seed)};

		prefix.addr = family == IP_V6 ? random_addr6(&seed) : random_addr4(&seed);
		add(table, &prefix);
	}
	return 0;
}

// --- files ---

// Cuts the line into pieces.
static bool line_parse(char *line, uint8_t family, struct ip_prefix *out)
{
	char *save = NULL;

	for (char *field = strtok_r(line, ",| \t\r\n\"", &save); field != NULL;
		field = strtok_r(NULL, ",| \t\r\n\"", &save))
		if (strchr(field, '/') != NULL && ip_prefix_parse(field, out) == 0)
			return out->addr.family == family;
	return false;
}

int bench_table_read(struct bench_table *table, uint8_t family, const char *path, uint32_t max,
	struct error *err)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES];
	struct ip_prefix prefix;
	bool is_whole;
	bool is_start = true; // of a line: some are longer, and their prefix is at their beginning

	if (f == NULL)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (init(table, max, err) < 0) {
		fclose(f);
		return -1;
	}
	while (table->n < max && fgets(line, sizeof(line), f) != NULL) {
		bool is_end = strchr(line, '\n') != NULL;

		if (is_start && line_parse(line, family, &prefix))
			add(table, &prefix);
		is_start = is_end;
	}
	is_whole = ferror(f) == 0;
	fclose(f);
	if (is_whole)
		return 0;
	bench_table_free(table);
	return error_set(err, "%s: it cannot be read to its end", path);
}

// --- asking it ---

uint32_t bench_table_find(const struct bench_table *table, const struct ip_addr *addr)
{
	for (int len = addr->family == IP_V6 ? 128 : 32; len >= 0; len--) {
		struct ip_prefix prefix = {*addr, (uint8_t)len};
		uint32_t index;

		if ((table->lengths[len / 64] >> len % 64 & 1) == 0)
			continue;
		prefix = ip_prefix_network(&prefix);
		index = *slot_find(table, &prefix);
		if (index != 0)
			return index - 1;
	}
	return BENCH_TABLE_NONE;
}

struct ip_addr bench_table_host(const struct ip_prefix *prefix, uint64_t *seed)
{
	struct ip_addr host = prefix->addr;
	unsigned n_bits = host.family == IP_V6 ? 128 : 32;

	for (unsigned bit = prefix->len; bit < n_bits; bit++)
		if (bench_random(seed) & 1)
			host.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return host;
}
