// SPDX-License-Identifier: BSD-3-Clause
#include "control/ban_queue.h"

#include <assert.h>
#include <string.h>

#include "control/hash.h"

enum {
	NOTES = BAN_QUEUE_MAX + BAN_ASKED_MAX,
	SLOTS = 2 * NOTES,
};

static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of 2");
static_assert(NOTES < UINT16_MAX, "an index fits a slot");

void ban_queue_init(struct ban_queue *queue)
{
	memset(queue, 0, sizeof(*queue));
	queue->seed = hash_seed();
}

static bool is_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_addr_equal(&a->addr, &b->addr);
}

// The prefix's slot, or the free one where it would be.
static uint16_t *slot_of(struct ban_queue *queue, uint16_t timed, const struct ip_prefix *prefix)
{
	uint32_t tag = (uint32_t)timed << 16 | (uint32_t)prefix->len << 8 | prefix->addr.family;
	uint8_t bytes[16];
	uint32_t at;

	hash_address_bytes(&prefix->addr, bytes);
	at = (uint32_t)hash_address(queue->seed, bytes, tag) & (SLOTS - 1);
	for (;; at = (at + 1) & (SLOTS - 1)) {
		const struct ban_note *note;

		if (queue->slots[at] == 0)
			return &queue->slots[at];
		note = &queue->list[queue->slots[at] - 1];
		if (note->timed == timed && is_equal(&note->prefix, prefix))
			return &queue->slots[at];
	}
}

static void add(struct ban_queue *queue, uint16_t *slot, const struct ban_note *note)
{
	queue->list[queue->n++] = *note;
	*slot = (uint16_t)queue->n;
}

bool ban_queue_knows(struct ban_queue *queue, uint16_t timed, const struct ip_prefix *prefix)
{
	return *slot_of(queue, timed, prefix) != 0;
}

bool ban_queue_has(struct ban_queue *queue, const struct ban_note *note)
{
	uint16_t slot = *slot_of(queue, note->timed, &note->prefix);
	const struct ban_note *known = slot == 0 ? NULL : &queue->list[slot - 1];

	return known != NULL && !known->is_cancelled && known->ends_at >= note->ends_at;
}

bool ban_queue_put(struct ban_queue *queue, const struct ban_note *note)
{
	uint16_t *slot = slot_of(queue, note->timed, &note->prefix);
	struct ban_note *known;

	if (*slot == 0) {
		if (queue->n >= BAN_QUEUE_MAX)
			return false;
		add(queue, slot, note);
		return true;
	}
	known = &queue->list[*slot - 1];
	if (known->is_cancelled || note->ends_at > known->ends_at)
		*known = *note;
	return true;
}

void ban_queue_cancel(struct ban_queue *queue, uint16_t timed, const struct ip_prefix *prefix)
{
	uint16_t *slot = slot_of(queue, timed, prefix);

	if (*slot != 0)
		queue->list[*slot - 1].is_cancelled = true;
	else if (queue->n < NOTES)
		add(queue, slot,
			&(struct ban_note){
				.prefix = *prefix, .timed = timed, .is_cancelled = true});
}

void ban_queue_clear(struct ban_queue *queue)
{
	queue->n = 0;
	memset(queue->slots, 0, sizeof(queue->slots));
}
