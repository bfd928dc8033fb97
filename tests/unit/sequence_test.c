// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

enum { LONG = 24, MANY = 100000 };

static const char *const letters[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
	"m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x"};

// What is in common in the order of both, by trying all.
static unsigned longest_common(
	const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	unsigned best[LONG + 1][LONG + 1] = {{0}};

	for (unsigned i = 1; i <= n_a; i++) {
		for (unsigned j = 1; j <= n_b; j++) {
			unsigned less =
				best[i - 1][j] > best[i][j - 1] ? best[i - 1][j] : best[i][j - 1];
			bool is_same = strcmp(a[i - 1], b[j - 1]) == 0;

			best[i][j] = is_same ? best[i - 1][j - 1] + 1 : less;
		}
	}
	return best[n_a][n_b];
}

// Pairs of equal texts, in the order of both. Returns how many.
static unsigned expect_pairs(const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	unsigned match[LONG];
	unsigned n = 0, next = 0;

	assert_int_equal(sequence_match(a, n_a, b, n_b, match), 0);
	for (unsigned i = 0; i < n_a; i++) {
		if (match[i] == SEQUENCE_NONE)
			continue;
		assert_in_range(match[i], next, n_b - 1);
		assert_string_equal(a[i], b[match[i]]);
		next = match[i] + 1;
		n++;
	}
	return n;
}

// Some of the letters, each once, in any order.
static unsigned shuffle(const char **out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LONG; i++) {
		unsigned at = random_below(n + 1);

		if (one_in(4))
			continue;
		if (one_in(2)) // most keep their order
			at = n;
		memmove(out + at + 1, out + at, (n - at) * sizeof(*out));
		out[at] = letters[i];
		n++;
	}
	return n;
}

static void of_texts_that_differ_it_finds_the_most(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		const char *a[LONG + 1], *b[LONG + 1];
		unsigned n_a = shuffle(a), n_b = shuffle(b);

		assert_int_equal(expect_pairs(a, n_a, b, n_b), longest_common(a, n_a, b, n_b));
	}
}

static void of_texts_that_repeat_it_finds_pairs_in_order(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		const char *a[LONG], *b[LONG];
		unsigned n_a = random_below(LONG + 1), n_b = random_below(LONG + 1);

		for (unsigned k = 0; k < n_a; k++)
			a[k] = letters[random_below(6)];
		for (unsigned k = 0; k < n_b; k++)
			b[k] = letters[random_below(6)];
		expect_pairs(a, n_a, b, n_b);
		assert_int_equal(expect_pairs(a, n_a, a, n_a), n_a);
	}
}

// As hard as it gets: nothing keeps its place, and all texts are the same but two.
static void many_take_no_longer_than_their_number_says(void **state)
{
	static const char *a[MANY], *b[MANY];
	static unsigned match[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		a[i] = letters[i % 2];
		b[i] = letters[1 - i % 2];
	}
	assert_int_equal(sequence_match(a, MANY, b, MANY, match), 0);
	for (unsigned i = 0; i < MANY; i++)
		b[i] = letters[2];
	assert_int_equal(sequence_match(a, MANY, b, MANY, match), 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(match[i], SEQUENCE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_texts_that_differ_it_finds_the_most),
		cmocka_unit_test(of_texts_that_repeat_it_finds_pairs_in_order),
		cmocka_unit_test(many_take_no_longer_than_their_number_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
