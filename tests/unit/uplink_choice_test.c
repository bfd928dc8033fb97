// SPDX-License-Identifier: BSD-3-Clause
// Which uplinks are used, and how flows are shared among them.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "control/uplink/uplink_choice.h"

enum { N = 3 };

#define UP	   UPLINK_UP
#define DEGRADED   UPLINK_DEGRADED
#define RECOVERING UPLINK_RECOVERING
#define DOWN	   UPLINK_DOWN
#define CUT	   (UPLINK_UP + 1) // down, with its link
#define WAYLESS	   (UPLINK_UP + 2)

struct row {
	const char *what;
	int state[N];
	uint32_t priority[N], weight[N];
	uint32_t shares[N];
};

static const struct row rows[] = {
	{"the lowest priority", {UP, UP, UP}, {1, 2, 3}, {1, 1, 1}, {1, 0, 0}},
	{"whatever the order", {UP, UP, UP}, {3, 2, 1}, {1, 1, 1}, {0, 0, 1}},
	{"the next one", {DOWN, UP, UP}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0}},
	{"a cut one too", {CUT, UP, UP}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0}},
	{"held is passed over", {RECOVERING, UP, DOWN}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0}},
	{"but not for a dead one", {RECOVERING, DOWN, CUT}, {2, 1, 3}, {1, 1, 1}, {1, 0, 0}},
	{"a bad one is passed over", {DEGRADED, DOWN, UP}, {1, 2, 3}, {1, 1, 1}, {0, 0, 1}},
	{"a bad one before none", {DEGRADED, DOWN, DOWN}, {1, 2, 3}, {1, 1, 1}, {1, 0, 0}},
	{"all dead: the first stays", {DOWN, DOWN, DOWN}, {1, 2, 3}, {1, 1, 1}, {1, 0, 0}},
	{"all dead, a link is better", {CUT, DOWN, DOWN}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0}},
	{"all cut: the first stays", {CUT, CUT, CUT}, {1, 2, 3}, {1, 1, 1}, {1, 0, 0}},
	{"without a way there is none", {WAYLESS, UP, UP}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0}},
	{"nobody has a way", {WAYLESS, WAYLESS, WAYLESS}, {1, 2, 3}, {1, 1, 1}, {0, 0, 0}},
	{"alike they share", {UP, UP, UP}, {1, 1, 2}, {1, 1, 1}, {1, 1, 0}},
	{"by weight", {UP, UP, UP}, {1, 1, 1}, {3, 2, 1}, {3, 2, 1}},
	{"without common factors", {UP, UP, UP}, {1, 1, 2}, {12, 4, 1}, {3, 1, 0}},
	{"as many as there is room", {UP, UP, UP}, {1, 1, 1}, {16, 15, 1}, {8, 7, 1}},
	{"alone it has it all", {UP, DOWN, DOWN}, {1, 1, 1}, {5, 5, 5}, {1, 0, 0}},
};

static void fill(const struct row *row, struct uplink_candidate *list)
{
	for (unsigned i = 0; i < N; i++)
		list[i] = (struct uplink_candidate){
			.has_way = row->state[i] != WAYLESS,
			.is_link_up = row->state[i] != CUT,
			.state = row->state[i] > UP ? DOWN : (enum uplink_state)row->state[i],
			.priority = row->priority[i],
			.weight = row->weight[i],
		};
}

static void those_that_work_best_are_used(void **state)
{
	for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct uplink_candidate list[N];
		unsigned n_used = 0, n;

		fill(&rows[r], list);
		n = uplink_choose(list, N);
		for (unsigned i = 0; i < N; i++) {
			if (list[i].shares != rows[r].shares[i])
				fail_msg("%s: uplink %u has %u shares, not %u", rows[r].what, i,
					list[i].shares, rows[r].shares[i]);
			n_used += list[i].shares > 0;
		}
		assert_int_equal(n, n_used);
	}
}

static void why_one_is_not_used_has_a_word(void **state)
{
	struct uplink_candidate list[N];
	struct row row = {"", {DOWN, UP, UP}, {1, 2, 3}, {1, 1, 1}, {0}};

	fill(&row, list);
	uplink_choose(list, N);
	assert_string_equal(uplink_why_not(list, N, 0), "down");
	assert_null(uplink_why_not(list, N, 1));
	assert_string_equal(uplink_why_not(list, N, 2), "priority");
	row.state[0] = WAYLESS;
	fill(&row, list);
	uplink_choose(list, N);
	assert_string_equal(uplink_why_not(list, N, 0), "no next router");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_work_best_are_used),
		cmocka_unit_test(why_one_is_not_used_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
