// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_BYTES_MIN = 16 * 1024,
	CHUNK_BYTES_MAX = 1024 * 1024,
};

// Chunks grow from min to max. An allocation too large for the next one has a chunk to itself,
// put behind the current one, whose room is still good for small ones.
struct chunk {
	struct chunk *next;
	size_t room;
	size_t used;
	max_align_t data[];
};

struct arena {
	struct chunk *chunks; // the first is the current one
	size_t next_bytes;
	size_t left_bytes; // of the limit
	bool is_exhausted;
};

static struct chunk *chunk_new(struct arena *arena, size_t room)
{
	struct chunk *chunk;

	if (room > arena->left_bytes)
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + room); // no overflow: room is within the limit
	if (chunk == NULL)
		return NULL;
	chunk->room = room;
	arena->left_bytes -= room;
	return chunk;
}

static void *chunk_take(struct chunk *chunk, size_t bytes, size_t align)
{
	size_t start;

	if (chunk == NULL)
		return NULL;
	start = (chunk->used + align - 1) & ~(align - 1);
	if (start > chunk->room || bytes > chunk->room - start)
		return NULL;
	chunk->used = start + bytes;
	return (char *)chunk->data + start;
}

static void *take(struct arena *arena, size_t bytes, size_t align)
{
	void *memory = chunk_take(arena->chunks, bytes, align);
	struct chunk *chunk;

	if (memory != NULL)
		return memory;
	if (bytes > arena->next_bytes / 4) {
		chunk = chunk_new(arena, bytes);
		if (chunk == NULL)
			goto exhausted;
		if (arena->chunks != NULL) {
			chunk->next = arena->chunks->next;
			arena->chunks->next = chunk;
		} else {
			arena->chunks = chunk;
		}
		return chunk_take(chunk, bytes, align);
	}
	// near the limit a smaller chunk than usual may still hold this one
	chunk = chunk_new(arena,
		arena->next_bytes <= arena->left_bytes ? arena->next_bytes : arena->left_bytes);
	if (chunk == NULL || chunk->room < bytes) {
		if (chunk != NULL) {
			arena->left_bytes += chunk->room;
			free(chunk);
		}
		goto exhausted;
	}
	if (arena->next_bytes < CHUNK_BYTES_MAX)
		arena->next_bytes *= 2;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk_take(chunk, bytes, align);

exhausted:
	arena->is_exhausted = true;
	return NULL;
}

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return NULL;
	arena->next_bytes = CHUNK_BYTES_MIN;
	// leaves room for a chunk's head in any size computed from it
	arena->left_bytes = limit_bytes < SIZE_MAX / 2 ? limit_bytes : SIZE_MAX / 2;
	return arena;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	return take(arena, bytes, _Alignof(max_align_t));
}

void *arena_alloc_array(struct arena *arena, size_t n, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(n, bytes, &total)) {
		arena->is_exhausted = true;
		return NULL;
	}
	return arena_alloc(arena, total);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy;

	if (len == SIZE_MAX) {
		arena->is_exhausted = true;
		return NULL;
	}
	copy = take(arena, len + 1, 1);
	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

bool arena_is_exhausted(const struct arena *arena)
{
	return arena->is_exhausted;
}

void arena_free(struct arena *arena)
{
	struct chunk *next;

	if (arena == NULL)
		return;
	for (struct chunk *chunk = arena->chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}
