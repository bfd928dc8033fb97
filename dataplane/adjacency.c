// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/adjacency.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_jhash.h>
#include <rte_malloc.h>
#include <rte_random.h>

static struct adjacency_key key_of(uint8_t iface, const struct ip_addr *addr)
{
	struct adjacency_key key = {.addr.family = addr->family, .iface = iface};

	// Bytes past an IPv4 address are anybody's guess and must not tell neighbours apart.
	memcpy(key.addr.bytes, addr->bytes, addr->family == IP_V4 ? 4 : sizeof(key.addr.bytes));
	return key;
}

int adjacency_table_init(struct adjacency_table *table, struct rte_rcu_qsbr *rcu)
{
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters params = {
		.name = name,
		.entries = 2 * ADJACENCIES_MAX, // half empty: a free slot is always found
		.key_len = sizeof(struct adjacency_key),
		.hash_func = rte_jhash,
		.hash_func_init_val = (uint32_t)rte_rand(), // hosts choose their addresses
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};
	struct rte_hash_rcu_config rcu_config = {.v = rcu, .mode = RTE_HASH_QSBR_MODE_SYNC};

	*table = (struct adjacency_table){.n_free = ADJACENCIES_MAX, .next_known = UINT64_MAX};
	snprintf(name, sizeof(name), "adj_%zx", (size_t)table);
	table->entries = rte_zmalloc(
		"adjacencies", sizeof(struct adjacency) * ADJACENCIES_MAX, RTE_CACHE_LINE_SIZE);
	table->free_list = malloc(sizeof(table->free_list[0]) * ADJACENCIES_MAX);
	table->index = rte_hash_create(&params);
	if (table->entries == NULL || table->free_list == NULL || table->index == NULL ||
		(rcu != NULL && rte_hash_rcu_qsbr_add(table->index, &rcu_config) != 0)) {
		adjacency_table_fini(table);
		return -ENOMEM;
	}
	table->has_rcu = rcu != NULL;
	for (unsigned i = 0; i < ADJACENCIES_MAX; i++)
		table->free_list[i] = (uint16_t)(ADJACENCIES_MAX - 1 - i);
	return 0;
}

void adjacency_table_fini(struct adjacency_table *table)
{
	rte_hash_free(table->index);
	rte_free(table->entries);
	free(table->free_list);
	*table = (struct adjacency_table){0};
}

uint16_t adjacency_find(
	const struct adjacency_table *table, uint8_t iface, const struct ip_addr *addr)
{
	struct adjacency_key key = key_of(iface, addr);
	void *data;

	if (rte_hash_lookup_data(table->index, &key, &data) < 0)
		return ADJACENCY_NONE;
	return (uint16_t)(uintptr_t)data;
}

uint16_t adjacency_get(struct adjacency_table *table, uint8_t iface, const struct ip_addr *addr,
	const struct mac_addr *own_mac, uint16_t mtu)
{
	struct adjacency_key key = key_of(iface, addr);
	uint16_t i = adjacency_find(table, iface, addr);
	struct adjacency *adj;

	if (i != ADJACENCY_NONE)
		return i;
	if (table->n_free == 0)
		return ADJACENCY_NONE;
	i = table->free_list[table->n_free - 1];
	adj = &table->entries[i];
	memset(adj, 0, sizeof(*adj));
	memcpy(&adj->eth.src_addr, own_mac->bytes, sizeof(adj->eth.src_addr));
	adj->eth.ether_type =
		rte_cpu_to_be_16(addr->family == IP_V4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	adj->mtu = mtu;
	adj->iface = iface;
	adj->addr = key.addr;
	if (rte_hash_add_key_data(table->index, &key, (void *)(uintptr_t)i) != 0)
		return ADJACENCY_NONE;
	adj->is_used = 1;
	table->n_free--;
	return i;
}

void adjacency_resolve(
	struct adjacency_table *table, struct adjacency *adj, const struct mac_addr *mac)
{
	uint64_t next = table->next_known;
	uint8_t word[sizeof(uint64_t)];
	uint64_t value;

	memcpy(word, mac->bytes, sizeof(mac->bytes));
	memcpy(word + sizeof(mac->bytes), adj->eth.src_addr.addr_bytes, 2);
	memcpy(&value, word, sizeof(value));
	atomic_store_explicit(&adj->dst_word, value, memory_order_relaxed);
	if (adj->known_at != 0) // by another MAC
		return;
	atomic_store_explicit(&adj->known_at, next, memory_order_release);
	atomic_store_explicit(&table->next_known, next - 1, memory_order_release);
}

void adjacency_unresolve(struct adjacency *adj)
{
	atomic_store_explicit(&adj->known_at, 0, memory_order_release);
}

void adjacency_remove(struct adjacency_table *table, uint16_t i)
{
	struct adjacency *adj;
	struct adjacency_key key;
	int32_t slot;

	if (i >= ADJACENCIES_MAX)
		return;
	adj = &table->entries[i];
	if (!adj->is_used)
		return;
	key = key_of(adj->iface, &adj->addr);
	// With RCU this returns when every worker has passed by, the slot free again.
	slot = rte_hash_del_key(table->index, &key);
	if (slot >= 0 && !table->has_rcu)
		rte_hash_free_key_with_position(table->index, slot);
	adj->n_refs = 0;
	adj->is_neighbour = 0;
	adj->is_used = 0;
	adjacency_unresolve(adj);
	table->free_list[table->n_free++] = i;
}
