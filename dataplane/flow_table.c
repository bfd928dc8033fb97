// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_table.h"

#include <errno.h>
#include <string.h>

#include "dataplane/flow_timer.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/memory.h"

enum {
	KEYS_PERCENT = 50, // four of a bucket's eight slots: two keys in a hundred are away
	ENDPOINTS_PERCENT = 87,
	// Of the flows that are alive few are of endpoints that another inside host calls.
	FLOWS_PER_CONE = 16,
	CONES_MIN = 1024,
};

static uint32_t cones_max(uint32_t capacity)
{
	return RTE_MAX(capacity / FLOWS_PER_CONE, (uint32_t)CONES_MIN);
}

// The outside endpoint of each flow behind a NAT, and the inside one of every other: it is entered
// only where the port had to change.
static uint64_t endpoints_max(uint32_t capacity)
{
	return (uint64_t)capacity + capacity / 2;
}

uint64_t flow_table_bytes(uint32_t capacity)
{
	return (uint64_t)capacity * sizeof(struct flow) +
	       flow_index_bytes(2 * (uint64_t)capacity, KEYS_PERCENT) +
	       flow_index_bytes(endpoints_max(capacity), ENDPOINTS_PERCENT) +
	       flow_shares_bytes(capacity) + flow_cones_bytes(cones_max(capacity));
}

int flow_table_init(struct flow_table *table, uint32_t capacity, const uint64_t seeds[2])
{
	memset(table, 0, sizeof(*table));
	table->capacity = capacity;
	table->free_head = FLOW_NONE;
	table->ends_now.flow = table->ends_next.flow = FLOW_NONE;
	memcpy(table->seeds, seeds, sizeof(table->seeds));
	flow_timer_init(table);
	table->flows_bytes = (uint64_t)capacity * sizeof(struct flow);
	table->flows = memory_map(table->flows_bytes);
	if (table->flows == NULL ||
		flow_index_init(&table->keys, 2 * (uint64_t)capacity, KEYS_PERCENT) != 0 ||
		flow_index_init(&table->endpoints, endpoints_max(capacity), ENDPOINTS_PERCENT) !=
			0 ||
		flow_shares_init(&table->shares, capacity) != 0 ||
		flow_cones_init(&table->cones, cones_max(capacity), seeds[0]) != 0) {
		flow_table_fini(table);
		return -ENOMEM;
	}
	return 0;
}

void flow_table_fini(struct flow_table *table)
{
	memory_unmap(table->flows, table->flows_bytes);
	table->flows = NULL;
	flow_index_fini(&table->keys);
	flow_index_fini(&table->endpoints);
	flow_shares_fini(&table->shares);
	flow_cones_fini(&table->cones);
}

bool flow_table_is_full(const struct flow_table *table)
{
	return table->free_head == FLOW_NONE && table->n_touched >= table->capacity;
}

struct flow *flow_alloc(struct flow_table *table)
{
	struct flow *flow;

	if (table->free_head != FLOW_NONE) {
		flow = &table->flows[table->free_head];
		table->free_head = flow->state.timer_next;
		memset(flow, 0, sizeof(*flow));
	} else if (table->n_touched < table->capacity) {
		flow = &table->flows[table->n_touched++];
	} else {
		return NULL;
	}
	table->n_used++;
	flow->state.timer_slot = FLOW_TIMER_OFF;
	flow->dir[1].flags = FLOW_IS_REPLY;
	return flow;
}

// Remote end and kind of an endpoint's key, which no packet has.
enum { KIND_EXTERNAL = 0xfe, KIND_INTERNAL = 0xfd };

static uint64_t endpoint_hash4(const struct flow_table *table, uint32_t addr_be, uint16_t port_be,
	uint8_t protocol, enum flow_name name)
{
	struct flow_key4 key = flow_key4_make(0, addr_be, 0, port_be, protocol,
		name == FLOW_NAME_EXTERNAL ? KIND_EXTERNAL : KIND_INTERNAL);

	return flow_hash4(table, &key);
}

static uint64_t endpoint_hash6(const struct flow_table *table, const uint8_t addr[16],
	uint16_t port_be, uint8_t protocol, enum flow_name name)
{
	uint8_t addrs[32] = {0};

	memcpy(addrs + 16, addr, 16);
	return flow_hash6(table, addrs,
		flow_tail(0, port_be, protocol,
			name == FLOW_NAME_EXTERNAL ? KIND_EXTERNAL : KIND_INTERNAL));
}

static uint64_t name_hash(
	const struct flow_table *table, const struct flow *flow, enum flow_name name)
{
	unsigned sent = flow_sent_by_endpoint(flow);
	const struct flow_dir *there = &flow->dir[sent], *back = &flow->dir[1 - sent];
	bool is_ip6 = there->flags & FLOW_IS_IP6;
	const struct flow_dir *dir = &flow->dir[name == FLOW_NAME_ORIGINAL ? 0 : 1];

	if (name == FLOW_NAME_EXTERNAL)
		return is_ip6 ? endpoint_hash6(table, back->key6.dst, back->key6.dport_be,
					back->key6.protocol, name)
			      : endpoint_hash4(table, back->key4.dst_be, back->key4.dport_be,
					back->key4.protocol, name);
	if (name == FLOW_NAME_INTERNAL)
		return is_ip6 ? endpoint_hash6(table, there->key6.src, there->key6.sport_be,
					there->key6.protocol, name)
			      : endpoint_hash4(table, there->key4.src_be, there->key4.sport_be,
					there->key4.protocol, name);
	if (is_ip6)
		return flow_hash6(table, dir->key6.src,
			flow_tail(dir->key6.sport_be, dir->key6.dport_be, dir->key6.protocol,
				dir->key6.kind));
	return flow_hash4(table, &dir->key4);
}

static struct flow_index *index_of(struct flow_table *table, enum flow_name name)
{
	return name == FLOW_NAME_ORIGINAL || name == FLOW_NAME_REPLY ? &table->keys
								     : &table->endpoints;
}

bool flow_enter_by(struct flow_table *table, struct flow *flow, enum flow_name name, uint64_t hash)
{
	return flow_index_put(
		index_of(table, name), hash, flow_index(table, flow) * FLOW_NAMES + name);
}

bool flow_enter(struct flow_table *table, struct flow *flow, enum flow_name name)
{
	return flow_enter_by(table, flow, name, name_hash(table, flow, name));
}

bool flow_has_room(const struct flow_table *table, const struct flow *flow)
{
	return flow_index_has_room(&table->keys, name_hash(table, flow, FLOW_NAME_ORIGINAL)) &&
	       flow_index_has_room(&table->keys, name_hash(table, flow, FLOW_NAME_REPLY));
}

void flow_leave(struct flow_table *table, struct flow *flow, enum flow_name name)
{
	uint32_t index = flow_index(table, flow);
	bool is_hashed = table->ends_now.flow == index && name != FLOW_NAME_INTERNAL;

	flow_index_take(index_of(table, name),
		is_hashed ? table->ends_now.hashes[name] : name_hash(table, flow, name),
		index * FLOW_NAMES + name);
}

static void key_kill(struct flow_dir *dir)
{
	if (dir->flags & FLOW_IS_IP6)
		dir->key6.kind = FLOW_KEY_DEAD;
	else
		dir->key4.kind = FLOW_KEY_DEAD;
}

static void hashes_forget(struct flow_table *table, uint32_t index)
{
	if (table->ends_now.flow == index)
		table->ends_now.flow = FLOW_NONE;
	if (unlikely(table->ends_next.flow == index))
		table->ends_next.flow = FLOW_NONE;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	flow_leave(table, flow, FLOW_NAME_ORIGINAL);
	flow_leave(table, flow, FLOW_NAME_REPLY);
	hashes_forget(table, flow_index(table, flow));
	flow_timer_stop(table, flow);
	flow_set_phase(table, flow, FLOW_FREE);
	key_kill(&flow->dir[0]);
	key_kill(&flow->dir[1]);
	flow->state.timer_next = table->free_head;
	table->free_head = flow_index(table, flow);
	table->n_used--;
	table->n_ended++;
}

static void prefetch_aged(const struct flow_table *table, uint32_t index)
{
	if (index != FLOW_NONE)
		rte_prefetch0(&table->flows[index].state);
}

void flow_prefetch_end(struct flow_table *table, const struct flow *flow)
{
	uint64_t *hashes = table->ends_next.hashes;

	table->ends_now = table->ends_next;
	table->ends_next.flow = flow_index(table, flow);
	hashes[FLOW_NAME_ORIGINAL] = name_hash(table, flow, FLOW_NAME_ORIGINAL);
	hashes[FLOW_NAME_REPLY] = name_hash(table, flow, FLOW_NAME_REPLY);
	hashes[FLOW_NAME_EXTERNAL] = name_hash(table, flow, FLOW_NAME_EXTERNAL);
	flow_prefetch_bucket(table, hashes[FLOW_NAME_ORIGINAL]);
	flow_prefetch_bucket(table, hashes[FLOW_NAME_REPLY]);
	flow_endpoint_prefetch(table, hashes[FLOW_NAME_EXTERNAL]);
	prefetch_aged(table, flow->state.age_prev);
	prefetch_aged(table, flow->state.age_next);
}

// Twins by a constant: the compiler makes one function of each.
static __rte_always_inline struct flow_dir *bucket_find(const struct flow_table *table,
	const struct flow_bucket *bucket, uint16_t tag, const void *key, uint64_t tail,
	const bool is_ip6)
{
	for (unsigned match = flow_bucket_match(bucket, tag); match != 0; match &= match - 1) {
		struct flow_dir *dir = flow_dir_at(table, bucket->slots[__builtin_ctz(match) >> 1]);

		if (is_ip6 ? flow_key6_equal(&dir->key6, key, tail)
			   : flow_key4_equal(&dir->key4, key))
			return dir;
	}
	return NULL;
}

static __rte_always_inline struct flow_dir *find(const struct flow_table *table, const void *key,
	uint64_t tail, uint64_t hash, const bool is_ip6)
{
	const struct flow_bucket *bucket = NULL;
	struct flow_dir *dir;

	while ((bucket = flow_index_next(&table->keys, hash, bucket)) != NULL) {
		dir = bucket_find(table, bucket, flow_tag(hash), key, tail, is_ip6);
		if (dir != NULL)
			return dir;
	}
	return NULL;
}

struct flow_dir *flow_find4(
	const struct flow_table *table, const struct flow_key4 *key, uint64_t hash)
{
	return find(table, key, 0, hash, false);
}

struct flow_dir *flow_find6(
	const struct flow_table *table, const uint8_t *addrs, uint64_t tail, uint64_t hash)
{
	return find(table, addrs, tail, hash, true);
}

struct flow_endpoint flow_endpoint_of(const struct flow *flow, enum flow_name name)
{
	unsigned sent = flow_sent_by_endpoint(flow);
	bool is_external = name == FLOW_NAME_EXTERNAL;
	const struct flow_dir *dir = &flow->dir[is_external ? 1 - sent : sent];
	struct flow_endpoint endpoint;

	endpoint.protocol = flow->state.protocol;
	if (dir->flags & FLOW_IS_IP6) {
		endpoint.addr = ip6_addr_of(is_external ? dir->key6.dst : dir->key6.src);
		endpoint.port_be = is_external ? dir->key6.dport_be : dir->key6.sport_be;
	} else {
		endpoint.addr = ip4_addr_of(is_external ? dir->key4.dst_be : dir->key4.src_be);
		endpoint.port_be = is_external ? dir->key4.dport_be : dir->key4.sport_be;
	}
	return endpoint;
}

bool flow_endpoint_is(
	const struct flow *flow, enum flow_name name, const struct flow_endpoint *endpoint)
{
	unsigned sent = flow_sent_by_endpoint(flow);
	const struct flow_dir *there = &flow->dir[sent], *back = &flow->dir[1 - sent];
	bool is_external = name == FLOW_NAME_EXTERNAL;
	bool is_ip6 = there->flags & FLOW_IS_IP6;

	if (is_ip6 != (endpoint->addr.family == IP_V6))
		return false;
	if (is_ip6)
		return flow->state.protocol == endpoint->protocol &&
		       (is_external ? back->key6.dport_be : there->key6.sport_be) ==
			       endpoint->port_be &&
		       memcmp(is_external ? back->key6.dst : there->key6.src, endpoint->addr.v6,
			       16) == 0;
	return flow->state.protocol == endpoint->protocol &&
	       (is_external ? back->key4.dport_be : there->key4.sport_be) == endpoint->port_be &&
	       memcmp(is_external ? &back->key4.dst_be : &there->key4.src_be, endpoint->addr.v4,
		       4) == 0;
}

uint64_t flow_endpoint_hash(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name)
{
	uint32_t addr_be;

	memcpy(&addr_be, endpoint->addr.v4, sizeof(addr_be));
	return endpoint->addr.family == IP_V6 ? endpoint_hash6(table, endpoint->addr.v6,
							endpoint->port_be, endpoint->protocol, name)
					      : endpoint_hash4(table, addr_be, endpoint->port_be,
							endpoint->protocol, name);
}

bool flow_endpoint_hints(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name)
{
	return flow_index_hints(&table->endpoints, flow_endpoint_hash(table, endpoint, name));
}

static struct flow *find_endpoint(const struct flow_table *table,
	const struct flow_endpoint *endpoint, enum flow_name name, uint64_t hash,
	flow_accepts_fn accepts, const void *ctx)
{
	const struct flow_bucket *bucket = NULL;

	while ((bucket = flow_index_next(&table->endpoints, hash, bucket)) != NULL) {
		for (unsigned match = flow_bucket_match(bucket, flow_tag(hash)); match != 0;
			match &= match - 1) {
			uint32_t slot = bucket->slots[__builtin_ctz(match) >> 1];
			struct flow *flow = &table->flows[slot / FLOW_NAMES];

			if (slot % FLOW_NAMES == name && flow_endpoint_is(flow, name, endpoint) &&
				(accepts == NULL || accepts(flow, ctx)))
				return flow;
		}
	}
	return NULL;
}

struct flow *flow_find_endpoint_if(const struct flow_table *table,
	const struct flow_endpoint *endpoint, enum flow_name name, flow_accepts_fn accepts,
	const void *ctx)
{
	return find_endpoint(
		table, endpoint, name, flow_endpoint_hash(table, endpoint, name), accepts, ctx);
}

struct flow *flow_find_endpoint(
	const struct flow_table *table, const struct flow_endpoint *endpoint, enum flow_name name)
{
	return flow_find_endpoint_by(
		table, endpoint, name, flow_endpoint_hash(table, endpoint, name));
}

struct flow *flow_find_endpoint_by(const struct flow_table *table,
	const struct flow_endpoint *endpoint, enum flow_name name, uint64_t hash)
{
	return find_endpoint(table, endpoint, name, hash, NULL, NULL);
}
