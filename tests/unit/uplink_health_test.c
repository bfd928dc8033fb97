// SPDX-License-Identifier: BSD-3-Clause
// When an uplink counts as dead, as working and as good enough, on a clock of the test's.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "control/uplink/uplink_health.h"

enum { SECOND = 1000 };

static struct uplink_health health;
static uint64_t now_ms;
static unsigned n_changed;

struct question {
	uint16_t sequence;
	unsigned n;
};
static struct question asked[UPLINK_TARGETS_MAX];

static void on_ask(void *ctx, unsigned index, uint16_t sequence)
{
	asked[index].sequence = sequence;
	asked[index].n++;
}

static void on_changed(void *ctx, enum uplink_state before)
{
	n_changed++;
}

static const struct uplink_health_ops ops = {.ask = on_ask, .changed = on_changed};
static const struct uplink_health_config usual = {.interval_ms = SECOND,
	.hold_ms = 10 * SECOND,
	.lost = 3,
	.answered = 3,
	.loss_percent = 25};

static void begin(unsigned n_targets)
{
	for (unsigned i = 0; i < UPLINK_TARGETS_MAX; i++)
		asked[i] = (struct question){0};
	now_ms = 5000;
	n_changed = 0;
	uplink_health_init(&health, &usual, n_targets, &ops, NULL, now_ms);
	uplink_health_link(&health, true, now_ms);
}

// One interval, in which the targets of these bits answer after 20 ms.
static void interval(unsigned answering)
{
	uint64_t end_ms = now_ms + SECOND;

	uplink_health_tick(&health, now_ms);
	for (unsigned i = 0; i < health.n_targets; i++)
		if ((answering >> i & 1) != 0)
			uplink_health_rx(&health, i, asked[i].sequence, 20000, now_ms + 20);
	now_ms = end_ms;
	uplink_health_tick(&health, now_ms);
}

static void intervals(unsigned n, unsigned answering)
{
	while (n-- > 0)
		interval(answering);
}

static void a_router_that_starts_does_not_wait_for_proof(void **state)
{
	begin(2);
	assert_int_equal(health.state, UPLINK_UP);
}

static void a_link_that_was_never_up_is_down(void **state)
{
	uplink_health_init(&health, &usual, 1, &ops, NULL, 0);
	asked[0].n = 0;
	uplink_health_tick(&health, 100 * SECOND);
	assert_int_equal(health.state, UPLINK_DOWN);
	assert_int_equal(asked[0].n, 0); // nobody is asked over a dead link
}

static void silence_of_all_targets_is_death(void **state)
{
	begin(2);
	intervals(5, 3);
	intervals(2, 0);
	assert_int_equal(health.state, UPLINK_UP);
	interval(0);
	assert_int_equal(health.state, UPLINK_DOWN);
	assert_int_equal(n_changed, 2); // up at the start, down now
}

static void silence_of_one_target_means_nothing(void **state)
{
	begin(2);
	intervals(30, 1);
	assert_int_equal(health.state, UPLINK_UP);
	intervals(30, 2);
	assert_int_equal(health.state, UPLINK_UP);
}

static void a_link_that_goes_is_death_at_once(void **state)
{
	begin(1);
	intervals(5, 1);
	uplink_health_link(&health, false, now_ms);
	assert_int_equal(health.state, UPLINK_DOWN);
	assert_int_equal(health.since_ms, now_ms);
}

static void who_answers_again_is_held_first(void **state)
{
	begin(1);
	intervals(4, 0);
	assert_int_equal(health.state, UPLINK_DOWN);
	intervals(2, 1);
	assert_int_equal(health.state, UPLINK_DOWN);
	interval(1);
	assert_int_equal(health.state, UPLINK_RECOVERING);
	intervals(9, 1);
	assert_int_equal(health.state, UPLINK_RECOVERING);
	intervals(1, 1);
	assert_int_equal(health.state, UPLINK_UP);
}

static void who_fails_while_held_begins_anew(void **state)
{
	begin(1);
	intervals(4, 0);
	intervals(6, 1);
	assert_int_equal(health.state, UPLINK_RECOVERING);
	intervals(4, 0);
	assert_int_equal(health.state, UPLINK_DOWN);
}

// How long until it is used again once it answers.
static unsigned seconds_to_recover(void)
{
	unsigned n = 0;

	for (; health.state != UPLINK_UP && n < 10000; n++)
		interval(1);
	return n;
}

static void who_fails_often_is_held_for_longer(void **state)
{
	unsigned first, second, last;

	begin(1);
	intervals(4, 0);
	first = seconds_to_recover();
	intervals(4, 0);
	second = seconds_to_recover();
	assert_in_range(first, 12, 14);
	assert_in_range(second, 22, 24);
	for (unsigned i = 0; i < 10; i++) {
		intervals(4, 0);
		last = seconds_to_recover();
	}
	assert_in_range(last, 320, 325); // bounded
	intervals(UPLINK_FLAP_MS / SECOND + 1, 1);
	intervals(4, 0);
	assert_in_range(seconds_to_recover(), 12, 14); // and forgotten
}

static void much_loss_is_noticed_and_little_forgiven(void **state)
{
	begin(1);
	for (unsigned i = 0; i < 40; i++)
		interval(i % 3 != 0);
	assert_int_equal(health.state, UPLINK_DEGRADED);
	intervals(18, 1);
	assert_int_equal(health.state, UPLINK_RECOVERING);
	intervals(25, 1);
	assert_int_equal(health.state, UPLINK_UP);
}

static void some_loss_does_not_matter(void **state)
{
	unsigned loss;

	begin(1);
	for (unsigned i = 0; i < 200; i++)
		interval(i % 10 != 0);
	assert_int_equal(health.state, UPLINK_UP);
	assert_true(uplink_health_loss(&health, &loss));
	assert_int_equal(loss, 10);
}

static void loss_is_that_of_the_best_target(void **state)
{
	unsigned loss;

	begin(2);
	intervals(30, 1); // the other one is out of order
	assert_true(uplink_health_loss(&health, &loss));
	assert_int_equal(loss, 0);
	assert_int_equal(health.state, UPLINK_UP);
}

static void late_and_foreign_answers_count_for_nothing(void **state)
{
	uint16_t sequence;

	begin(1);
	intervals(1, 1);
	sequence = asked[0].sequence; // a new question is open: this tick asked it
	uplink_health_rx(&health, 0, (uint16_t)(sequence - 1), 1000, now_ms);
	assert_true(health.targets[0].is_waiting);
	uplink_health_rx(&health, 7, sequence, 1000, now_ms);
	assert_true(health.targets[0].is_waiting);
	uplink_health_rx(&health, 0, sequence, 1000, now_ms + 5);
	assert_false(health.targets[0].is_waiting);
	uplink_health_rx(&health, 0, sequence, 1000, now_ms + 6); // twice
	assert_int_equal(health.n_answered, 2);
}

static void the_round_trip_is_smoothed(void **state)
{
	begin(1);
	interval(1);
	assert_int_equal(uplink_health_rtt_us(&health), 20000);
	uplink_health_rx(&health, 0, asked[0].sequence, 100000, now_ms);
	assert_in_range(uplink_health_rtt_us(&health), 25000, 35000);
}

static void other_targets_are_asked_at_once_and_the_state_stays(void **state)
{
	begin(1);
	intervals(4, 0);
	assert_int_equal(health.state, UPLINK_DOWN);
	uplink_health_configure(&health, &usual, 2, now_ms);
	asked[1].n = 0;
	uplink_health_tick(&health, now_ms);
	assert_int_equal(asked[1].n, 1);
	assert_int_equal(health.state, UPLINK_DOWN);
}

static void the_tick_says_when_it_is_due(void **state)
{
	begin(1);
	assert_int_equal(uplink_health_tick(&health, now_ms), now_ms + UPLINK_WAIT_MS);
	uplink_health_rx(&health, 0, asked[0].sequence, 1000, now_ms + 1);
	assert_int_equal(uplink_health_tick(&health, now_ms + 1), now_ms + SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_that_starts_does_not_wait_for_proof),
		cmocka_unit_test(a_link_that_was_never_up_is_down),
		cmocka_unit_test(silence_of_all_targets_is_death),
		cmocka_unit_test(silence_of_one_target_means_nothing),
		cmocka_unit_test(a_link_that_goes_is_death_at_once),
		cmocka_unit_test(who_answers_again_is_held_first),
		cmocka_unit_test(who_fails_while_held_begins_anew),
		cmocka_unit_test(who_fails_often_is_held_for_longer),
		cmocka_unit_test(much_loss_is_noticed_and_little_forgiven),
		cmocka_unit_test(some_loss_does_not_matter),
		cmocka_unit_test(loss_is_that_of_the_best_target),
		cmocka_unit_test(late_and_foreign_answers_count_for_nothing),
		cmocka_unit_test(the_round_trip_is_smoothed),
		cmocka_unit_test(other_targets_are_asked_at_once_and_the_state_stays),
		cmocka_unit_test(the_tick_says_when_it_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
