// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MIB = 1024 * 1024 };

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	struct arena *arena = arena_new(8 * MIB);
	unsigned char *blocks[300];
	size_t sizes[300];

	assert_non_null(arena);
	for (unsigned i = 0; i < 300; i++) {
		sizes[i] = (i * 37) % 900;
		if (i % 50 == 0)
			sizes[i] = 70000; // more than a chunk holds
		blocks[i] = arena_alloc(arena, sizes[i]);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(blocks[i][j], 0);
		memset(blocks[i], (int)i & 0xff, sizes[i]);
	}
	for (unsigned i = 0; i < 300; i++) {
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(blocks[i][j], i & 0xff);
	}
	assert_false(arena_is_exhausted(arena));
	arena_free(arena);
}

static void the_limit_holds_and_is_remembered(void **state)
{
	struct arena *arena = arena_new(MIB);
	size_t taken = 0;

	assert_non_null(arena);
	while (arena_alloc(arena, 1000) != NULL)
		taken += 1000;
	assert_true(taken <= MIB);
	assert_true(taken >= MIB * 9 / 10); // and most of it could be used
	assert_true(arena_is_exhausted(arena));
	arena_free(arena);
}

static void more_than_the_limit_at_once_is_refused(void **state)
{
	static const size_t sizes[] = {MIB + 1, SIZE_MAX / 2, SIZE_MAX - 8, SIZE_MAX};

	for (unsigned i = 0; i < 4; i++) {
		struct arena *arena = arena_new(MIB);

		assert_non_null(arena);
		assert_null(arena_alloc(arena, sizes[i]));
		assert_true(arena_is_exhausted(arena));
		assert_non_null(arena_alloc(arena, 16)); // a small one still goes
		assert_true(arena_is_exhausted(arena));
		arena_free(arena);
	}
}

static void an_array_whose_size_overflows_is_refused(void **state)
{
	struct arena *arena = arena_new(MIB);

	assert_null(arena_alloc_array(arena, SIZE_MAX / 4, 8));
	assert_true(arena_is_exhausted(arena));
	assert_non_null(arena_alloc_array(arena, 4, 8));
	arena_free(arena);
}

static void without_a_limit_absurd_sizes_fail_too(void **state)
{
	struct arena *arena = arena_new(SIZE_MAX);

	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_strndup(arena, "", SIZE_MAX));
	assert_non_null(arena_alloc(arena, 100));
	arena_free(arena);
}

static void strings_are_copied_with_their_end(void **state)
{
	struct arena *arena = arena_new(MIB);
	char source[] = "wan";
	char *copy = arena_strdup(arena, source);
	char *part = arena_strndup(arena, source, 2);

	source[0] = 'x';
	assert_string_equal(copy, "wan");
	assert_string_equal(part, "wa");
	assert_string_equal(arena_strdup(arena, ""), "");
	arena_free(arena);
}

static void freeing_nothing_is_fine(void **state)
{
	arena_free(NULL);
	arena_free(arena_new(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(the_limit_holds_and_is_remembered),
		cmocka_unit_test(more_than_the_limit_at_once_is_refused),
		cmocka_unit_test(an_array_whose_size_overflows_is_refused),
		cmocka_unit_test(without_a_limit_absurd_sizes_fail_too),
		cmocka_unit_test(strings_are_copied_with_their_end),
		cmocka_unit_test(freeing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
