// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_table.h"

#include <errno.h>
#include <string.h>

#include "dataplane/memory.h"

enum {
	// Slots for each direction at a full table: 8 slots a bucket, filled to five on average.
	BUCKET_FILL = 5,
	TIMER_SLOT_NONE = UINT16_MAX,
};

static_assert(WHEEL_SLOTS < UINT16_MAX, "a slot fits in flow_state.timer_slot");

static uint32_t bucket_count(uint32_t capacity)
{
	uint64_t want = (2 * (uint64_t)capacity + BUCKET_FILL - 1) / BUCKET_FILL;
	uint32_t n = 16;

	while (n < want && n < UINT32_C(1) << 30)
		n <<= 1;
	return n;
}

uint64_t flow_table_bytes(uint32_t capacity)
{
	return (uint64_t)capacity * sizeof(struct flow) +
	       (uint64_t)bucket_count(capacity) * sizeof(struct flow_bucket);
}

int flow_table_init(struct flow_table *table, uint32_t capacity, const uint64_t seeds[2])
{
	uint32_t n_buckets = bucket_count(capacity);

	memset(table, 0, sizeof(*table));
	table->capacity = capacity;
	table->bucket_mask = n_buckets - 1;
	table->free_head = FLOW_NONE;
	table->spare_oldest = table->spare_newest = FLOW_NONE;
	memcpy(table->seeds, seeds, sizeof(table->seeds));
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		table->wheel[i] = FLOW_NONE;
	table->flows_bytes = (uint64_t)capacity * sizeof(struct flow);
	table->buckets_bytes = (uint64_t)n_buckets * sizeof(struct flow_bucket);
	table->flows = memory_map(table->flows_bytes);
	table->buckets = memory_map(table->buckets_bytes);
	if (table->flows == NULL || table->buckets == NULL) {
		flow_table_fini(table);
		return -ENOMEM;
	}
	return 0;
}

void flow_table_fini(struct flow_table *table)
{
	memory_unmap(table->flows, table->flows_bytes);
	memory_unmap(table->buckets, table->buckets_bytes);
	table->flows = NULL;
	table->buckets = NULL;
}

static uint32_t flow_index(const struct flow_table *table, const struct flow *flow)
{
	return (uint32_t)(flow - table->flows);
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
	flow->state.timer_slot = TIMER_SLOT_NONE;
	flow->dir[1].flags = FLOW_IS_REPLY;
	return flow;
}

static uint64_t flow_dir_hash(const struct flow_table *table, const struct flow *flow, unsigned dir)
{
	return flow_hash4(table, &flow->dir[dir].key4);
}

static int bucket_free_slot(const struct flow_bucket *bucket)
{
	unsigned match = flow_bucket_match(bucket, 0);

	return match != 0 ? __builtin_ctz(match) >> 1 : -1;
}

static void bucket_put(struct flow_bucket *bucket, int slot, uint16_t tag, uint32_t dir)
{
	bucket->dirs[slot] = dir;
	bucket->tags[slot] = tag;
}

// Makes room in a full bucket by sending a key that is in its first choice to its second one.
// One step deep: at the fill that bucket_count allows, two full buckets whose sixteen keys all
// have full alternatives are not met in practice.
static int bucket_make_room(struct flow_table *table, uint32_t b)
{
	struct flow_bucket *bucket = &table->buckets[b];

	for (int slot = 0; slot < BUCKET_SLOTS; slot++) {
		uint32_t dir = bucket->dirs[slot];
		const struct flow *flow = &table->flows[dir >> 1];
		uint64_t hash = flow_dir_hash(table, flow, dir & 1);
		uint32_t other = flow_bucket_other(table, b, bucket->tags[slot]);
		int room = bucket_free_slot(&table->buckets[other]);

		if (room < 0)
			continue;
		bucket_put(&table->buckets[other], room, bucket->tags[slot], dir);
		if (flow_bucket_first(table, hash) == b)
			bucket->n_away++;
		else
			table->buckets[other].n_away--; // it came home
		bucket->tags[slot] = 0;
		return slot;
	}
	return -1;
}

bool flow_enter(struct flow_table *table, struct flow *flow, unsigned dir)
{
	uint64_t hash = flow_dir_hash(table, flow, dir);
	uint32_t first = flow_bucket_first(table, hash);
	uint16_t tag = flow_tag(hash);
	uint32_t id = flow_index(table, flow) * 2 + dir;
	uint32_t other;
	int slot = bucket_free_slot(&table->buckets[first]);

	if (likely(slot >= 0)) {
		bucket_put(&table->buckets[first], slot, tag, id);
		return true;
	}
	other = flow_bucket_other(table, first, tag);
	slot = bucket_free_slot(&table->buckets[other]);
	if (slot >= 0) {
		bucket_put(&table->buckets[other], slot, tag, id);
		table->buckets[first].n_away++;
		return true;
	}
	slot = bucket_make_room(table, first);
	if (slot >= 0) {
		bucket_put(&table->buckets[first], slot, tag, id);
		return true;
	}
	return false;
}

static bool bucket_take_out(struct flow_bucket *bucket, uint16_t tag, uint32_t id)
{
	for (unsigned match = flow_bucket_match(bucket, tag); match != 0; match &= match - 1) {
		unsigned slot = (unsigned)__builtin_ctz(match) >> 1;

		if (bucket->dirs[slot] == id) {
			bucket->tags[slot] = 0;
			return true;
		}
	}
	return false;
}

static void flow_leave(struct flow_table *table, struct flow *flow, unsigned dir)
{
	uint64_t hash = flow_dir_hash(table, flow, dir);
	uint32_t first = flow_bucket_first(table, hash);
	uint16_t tag = flow_tag(hash);
	uint32_t id = flow_index(table, flow) * 2 + dir;

	if (bucket_take_out(&table->buckets[first], tag, id))
		return;
	if (bucket_take_out(&table->buckets[flow_bucket_other(table, first, tag)], tag, id))
		table->buckets[first].n_away--;
}

static void flow_timer_stop(struct flow_table *table, struct flow *flow)
{
	struct flow_state *state = &flow->state;

	if (state->timer_slot == TIMER_SLOT_NONE)
		return;
	if (state->timer_prev != FLOW_NONE)
		table->flows[state->timer_prev].state.timer_next = state->timer_next;
	else
		table->wheel[state->timer_slot] = state->timer_next;
	if (state->timer_next != FLOW_NONE)
		table->flows[state->timer_next].state.timer_prev = state->timer_prev;
	state->timer_slot = TIMER_SLOT_NONE;
}

void flow_timer_set(struct flow_table *table, struct flow *flow, uint32_t deadline_sec)
{
	struct flow_state *state = &flow->state;
	uint32_t soonest = table->wheel_sec + 1;
	uint32_t latest = table->wheel_sec + WHEEL_SLOTS - 1;
	uint32_t head;

	flow_timer_stop(table, flow);
	if ((int32_t)(deadline_sec - soonest) < 0)
		deadline_sec = soonest;
	else if ((int32_t)(deadline_sec - latest) > 0)
		deadline_sec = latest; // looked at then, and sent round again
	state->timer_slot = (uint16_t)(deadline_sec % WHEEL_SLOTS);
	head = table->wheel[state->timer_slot];
	state->timer_next = head;
	state->timer_prev = FLOW_NONE;
	if (head != FLOW_NONE)
		table->flows[head].state.timer_prev = flow_index(table, flow);
	table->wheel[state->timer_slot] = flow_index(table, flow);
}

static uint32_t *age_link_to(struct flow_table *table, uint32_t older)
{
	return older != FLOW_NONE ? &table->flows[older].state.age_next : &table->spare_oldest;
}

static uint32_t *age_link_back(struct flow_table *table, uint32_t newer)
{
	return newer != FLOW_NONE ? &table->flows[newer].state.age_prev : &table->spare_newest;
}

static bool is_spare(uint8_t phase)
{
	return phase == FLOW_UNREPLIED || phase == FLOW_TCP_CLOSED;
}

void flow_set_phase(struct flow_table *table, struct flow *flow, enum flow_phase phase)
{
	struct flow_state *state = &flow->state;

	if (is_spare(state->state)) {
		*age_link_to(table, state->age_prev) = state->age_next;
		*age_link_back(table, state->age_next) = state->age_prev;
	}
	if (is_spare((uint8_t)phase)) {
		state->age_next = FLOW_NONE;
		state->age_prev = table->spare_newest;
		*age_link_to(table, state->age_prev) = flow_index(table, flow);
		table->spare_newest = flow_index(table, flow);
	}
	state->state = (uint8_t)phase;
}

struct flow *flow_oldest_spare(const struct flow_table *table)
{
	return table->spare_oldest != FLOW_NONE ? &table->flows[table->spare_oldest] : NULL;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	flow_leave(table, flow, 0);
	flow_leave(table, flow, 1);
	flow_timer_stop(table, flow);
	flow_set_phase(table, flow, FLOW_FREE);
	flow->dir[0].key4.kind = flow->dir[1].key4.kind = FLOW_KEY_DEAD;
	flow->state.timer_next = table->free_head;
	table->free_head = flow_index(table, flow);
	table->n_used--;
}

unsigned flow_table_expire(
	struct flow_table *table, uint32_t now_sec, unsigned budget, flow_timeout_fn timeout)
{
	unsigned n_ended = 0;

	while ((int32_t)(now_sec - table->wheel_sec) > 0) {
		uint32_t slot = (table->wheel_sec + 1) % WHEEL_SLOTS;

		while (table->wheel[slot] != FLOW_NONE) {
			struct flow *flow = &table->flows[table->wheel[slot]];
			uint32_t seen = flow->dir[0].last_seen_sec;
			uint32_t deadline;

			if (budget-- == 0)
				return n_ended;
			if (flow->state.timer_next != FLOW_NONE)
				rte_prefetch0(&table->flows[flow->state.timer_next].state);
			if ((int32_t)(flow->dir[1].last_seen_sec - seen) > 0)
				seen = flow->dir[1].last_seen_sec;
			deadline = seen + timeout(&flow->state);
			if ((int32_t)(deadline - now_sec) > 0) {
				// at least one slot ahead of the one being emptied
				flow_timer_stop(table, flow);
				flow_timer_set(table, flow,
					(int32_t)(deadline - table->wheel_sec) > 1
						? deadline
						: table->wheel_sec + 2);
				continue;
			}
			flow_remove(table, flow);
			n_ended++;
		}
		table->wheel_sec++;
	}
	return n_ended;
}

static struct flow_dir *bucket_find4(const struct flow_table *table,
	const struct flow_bucket *bucket, uint16_t tag, const struct flow_key4 *key)
{
	for (unsigned match = flow_bucket_match(bucket, tag); match != 0; match &= match - 1) {
		struct flow_dir *dir = flow_dir_at(table, bucket->dirs[__builtin_ctz(match) >> 1]);

		if (flow_key4_equal(&dir->key4, key))
			return dir;
	}
	return NULL;
}

struct flow_dir *flow_find4(
	const struct flow_table *table, const struct flow_key4 *key, uint64_t hash)
{
	uint32_t first = flow_bucket_first(table, hash);
	uint16_t tag = flow_tag(hash);
	const struct flow_bucket *bucket = &table->buckets[first];
	struct flow_dir *dir = bucket_find4(table, bucket, tag, key);

	if (dir != NULL || bucket->n_away == 0)
		return dir;
	return bucket_find4(table, &table->buckets[flow_bucket_other(table, first, tag)], tag, key);
}
