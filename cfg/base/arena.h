// SPDX-License-Identifier: BSD-3-Clause
// Memory that is freed all at once: many small allocations with one owner and one lifetime. An
// arena has a limit, so that no input can make it grow without end. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

// NULL without memory. `limit_bytes` bounds the sum of what is taken from the system.
struct arena *arena_new(size_t limit_bytes);

// Zeroed, aligned for any type, valid until arena_free; a size of 0 is a valid pointer too. NULL
// without memory or beyond the limit, which arena_is_exhausted then tells for ever after.
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_alloc_array(struct arena *arena, size_t n, size_t bytes); // the product may overflow
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len); // len bytes and a NUL

// Whether any allocation ever failed: a builder may ask once at its end.
bool arena_is_exhausted(const struct arena *arena);

void arena_free(struct arena *arena); // NULL is fine
