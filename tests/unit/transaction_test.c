// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "control/apply/transaction.h"

struct diary {
	char text[64]; // a letter for what was done, a small one for what was undone
	char failing;
};

static void note(struct diary *diary, char letter)
{
	diary->text[strlen(diary->text)] = letter;
}

static int run(struct diary *diary, char letter, struct error *err)
{
	if (diary->failing == letter)
		return error_set(err, "%c does not work", letter);
	note(diary, letter);
	return 0;
}

static int run_a(void *ctx, struct error *err)
{
	return run(ctx, 'A', err);
}

static void undo_a(void *ctx)
{
	note(ctx, 'a');
}

static int run_b(void *ctx, struct error *err)
{
	return run(ctx, 'B', err);
}

static int run_c(void *ctx, struct error *err)
{
	return run(ctx, 'C', err);
}

static void undo_c(void *ctx)
{
	note(ctx, 'c');
}

static int run_d(void *ctx, struct error *err)
{
	return run(ctx, 'D', err);
}

static const struct transaction_step steps[] = {
	{"first", run_a, undo_a},
	{"without undo", run_b, NULL},
	{"third", run_c, undo_c},
	{"last", run_d, NULL},
};

static void what_was_done_is_undone_the_last_first(void **state)
{
	static const struct {
		char failing;
		const char *text, *step;
	} rows[] = {
		{0, "ABCD", NULL},
		{'A', "", "first"},
		{'B', "Aa", "without undo"},
		{'C', "ABa", "third"},
		{'D', "ABCca", "last"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diary diary = {.failing = rows[i].failing};
		const char *failed = NULL;
		struct error err = {0};
		int rc = transaction_go_on(steps, 0, 4, &diary, &failed, &err);

		assert_string_equal(diary.text, rows[i].text);
		if (rows[i].step == NULL) {
			assert_int_equal(rc, 0);
			assert_null(failed);
		} else {
			assert_int_equal(rc, -1);
			assert_string_equal(failed, rows[i].step);
			assert_int_equal(err.text[0], rows[i].failing);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_done_is_undone_the_last_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
