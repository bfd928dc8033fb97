// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/log_limit.h"

#include <string.h>

enum { PROBES = 8, WHOLE = 1000 };

static uint32_t full_of(enum log_level level)
{
	return (level == LOG_LEVEL_DEBUG ? LOG_LIMIT_BURST_DEBUG : LOG_LIMIT_BURST) * WHOLE;
}

static void refill(struct log_place *place, uint64_t now_ms)
{
	uint64_t full = full_of(place->level), past_ms = now_ms - place->at_ms;

	if (now_ms < place->at_ms)
		return;
	if (past_ms >= LOG_LIMIT_REFILL_MS)
		place->tokens = (uint32_t)full;
	else
		place->tokens += (uint32_t)(full * past_ms / LOG_LIMIT_REFILL_MS);
	if (place->tokens > full)
		place->tokens = (uint32_t)full;
	place->at_ms = now_ms;
}

// As good as never used: nothing is lost when another takes it.
static bool is_idle(struct log_place *place, uint64_t now_ms)
{
	refill(place, now_ms);
	return place->n_left_out == 0 && place->tokens == full_of(place->level);
}

struct log_place *log_limit_place(struct log_limit *limit, uintptr_t key, enum log_level level,
	enum log_part part, uint64_t now_ms)
{
	uint64_t hash = (uint64_t)key * 0x9e3779b97f4a7c15u;
	unsigned first = (unsigned)(hash >> 32) % LOG_LIMIT_PLACES;
	struct log_place *room = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct log_place *place = &limit->places[(first + i) % LOG_LIMIT_PLACES];

		if (place->key == key)
			return place;
		if (room == NULL && (place->key == 0 || is_idle(place, now_ms)))
			room = place;
	}
	if (room == NULL)
		return &limit->places[first];
	*room = (struct log_place){.key = key,
		.level = level,
		.part = part,
		.at_ms = now_ms,
		.tokens = full_of(level)};
	return room;
}

bool log_limit_take(struct log_place *place, uint64_t now_ms)
{
	refill(place, now_ms);
	if (place->tokens >= WHOLE) {
		place->tokens -= WHOLE;
		return true;
	}
	if (place->n_left_out++ == 0)
		place->told_ms = now_ms;
	return false;
}

struct log_place *log_limit_due(struct log_limit *limit, unsigned *i, bool is_all, uint64_t now_ms)
{
	for (; *i < LOG_LIMIT_PLACES; (*i)++) {
		struct log_place *place = &limit->places[*i];

		if (place->n_left_out > 0 &&
			(is_all || now_ms - place->told_ms >= LOG_LIMIT_TELL_MS))
			return place;
	}
	return NULL;
}

void log_limit_told(struct log_place *place, uint64_t now_ms)
{
	place->n_left_out = 0;
	place->told_ms = now_ms;
	place->object[0] = place->sample[0] = '\0';
}
