// SPDX-License-Identifier: BSD-3-Clause
// Sets of numbers as ranges, against sets of numbers as numbers: all there are of six bits.
#include "cfg/spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/random.h"

enum { BITS = 6, NUMBERS = 1 << BITS, ROUNDS = 20000 };

struct both {
	struct span room[8];
	struct spans spans;
	uint64_t numbers; // bits
};

static uint64_t numbers_of(unsigned first, unsigned last)
{
	return (last == 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1) &
	       ~((UINT64_C(1) << first) - 1);
}

static void draw_set(struct both *both)
{
	both->spans = (struct spans){.list = both->room, .n = random_below(8)};
	both->numbers = 0;
	for (unsigned i = 0; i < both->spans.n; i++) {
		unsigned first = random_below(NUMBERS);
		unsigned last = first + random_below(NUMBERS - first);

		if (one_in(2))
			last = first + (last - first) / 8;
		both->room[i] = (struct span){first, last};
		both->numbers |= numbers_of(first, last);
	}
	spans_tidy(&both->spans);
}

static void assert_tidy(const struct both *both)
{
	uint64_t numbers = 0;

	for (unsigned i = 0; i < both->spans.n; i++) {
		const struct span *span = &both->spans.list[i];

		assert_true(span->first <= span->last);
		assert_true(i == 0 || both->spans.list[i - 1].last + 1 < span->first);
		numbers |= numbers_of((unsigned)span->first, (unsigned)span->last);
	}
	assert_true(numbers == both->numbers);
}

static void they_are_what_the_numbers_in_them_are(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct both a, b;

		draw_set(&a);
		draw_set(&b);
		assert_tidy(&a);
		assert_true(spans_cover(&a.spans, &b.spans) == !(b.numbers & ~a.numbers));
		assert_true(spans_meet(&a.spans, &b.spans) == ((a.numbers & b.numbers) != 0));
		assert_true(spans_cover_rest(&a.spans, &b.spans, NUMBERS - 1) ==
			    ((a.numbers | b.numbers) == UINT64_MAX));
	}
}

static void their_blocks_are_all_of_them_and_as_few_as_can_be(void **state)
{
	struct span_block blocks[NUMBERS];

	for (int i = 0; i < ROUNDS; i++) {
		struct both a;
		unsigned n;
		uint64_t numbers = 0;

		draw_set(&a);
		n = spans_blocks(&a.spans, BITS, blocks, NUMBERS);
		for (unsigned j = 0; j < n; j++) {
			unsigned first = (unsigned)blocks[j].first;
			unsigned size = 1u << (BITS - blocks[j].len);
			uint64_t block = numbers_of(first, first + size - 1);
			unsigned parent = first & ~size; // of it and its neighbour

			assert_int_equal(first % size, 0);
			assert_true((numbers & block) == 0);
			if (size < NUMBERS)
				assert_true(numbers_of(parent, parent + size * 2 - 1) & ~a.numbers);
			numbers |= block;
		}
		assert_true(numbers == a.numbers);
		if (n > 0)
			assert_int_equal(spans_blocks(&a.spans, BITS, blocks, n - 1), n);
	}
}

static void the_last_number_of_all_has_none_after_it(void **state)
{
	const unsigned __int128 last = ~(unsigned __int128)0;
	struct span list[] = {{last - 1, last}, {0, last}, {last, last}};
	struct spans all = {list, 3};
	static const struct spans none;
	struct span_block blocks[2];

	spans_tidy(&all);
	assert_int_equal(all.n, 1);
	assert_true(spans_cover_rest(&all, &none, last));
	assert_int_equal(spans_blocks(&all, 128, blocks, 2), 1);
	assert_int_equal(blocks[0].len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_what_the_numbers_in_them_are),
		cmocka_unit_test(their_blocks_are_all_of_them_and_as_few_as_can_be),
		cmocka_unit_test(the_last_number_of_all_has_none_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
