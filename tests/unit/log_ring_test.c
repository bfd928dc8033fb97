// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "cfg/base/log_ring.h"

static char walked[8 << 10];

static void write_down(void *ctx, const struct log_line *line)
{
	size_t n = strlen(walked);

	snprintf(walked + n, sizeof(walked) - n, "%s:%s ", line->object, line->text);
}

static unsigned walk(
	const struct log_ring *ring, const struct log_query *query, unsigned limit_lines)
{
	walked[0] = '\0';
	return log_ring_walk(ring, query, limit_lines, write_down, NULL);
}

static void add(struct log_ring *ring, enum log_part part, enum log_level level, const char *text)
{
	static uint64_t seq;

	seq++;
	log_ring_add(ring, &(struct log_line){.seq = seq,
				   .part = part,
				   .level = level,
				   .object = log_part_name(part),
				   .text = text});
}

static void empty(struct log_ring *ring)
{
	for (unsigned i = 0; i < LOG_PARTS; i++)
		for (unsigned k = 0; k < LOG_RING_LINES; k++)
			free(ring->parts[i].lines[k]);
	free(ring);
}

static void the_last_lines_come_in_order_and_by_part_and_level(void **state)
{
	struct log_ring *ring = calloc(1, sizeof(*ring));
	struct log_query all = {.level = LOG_LEVEL_DEBUG}, bad = {.level = LOG_LEVEL_WARNING},
			 nat = {.level = LOG_LEVEL_DEBUG, .has_part = true, .part = LOG_PART_NAT};

	assert_non_null(ring);
	add(ring, LOG_PART_NAT, LOG_LEVEL_INFO, "1");
	add(ring, LOG_PART_CONTROL, LOG_LEVEL_ERROR, "2");
	add(ring, LOG_PART_NAT, LOG_LEVEL_WARNING, "3");
	add(ring, LOG_PART_CONTROL, LOG_LEVEL_DEBUG, "4");
	assert_int_equal(walk(ring, &all, 10), 4);
	assert_string_equal(walked, "nat:1 control:2 nat:3 control:4 ");
	assert_int_equal(walk(ring, &all, 2), 4);
	assert_string_equal(walked, "nat:3 control:4 ");
	assert_int_equal(walk(ring, &bad, 10), 2);
	assert_string_equal(walked, "control:2 nat:3 ");
	assert_int_equal(walk(ring, &nat, 1), 2);
	assert_string_equal(walked, "nat:3 ");
	empty(ring);
}

static void a_part_that_says_much_washes_away_nobody_elses_lines(void **state)
{
	struct log_ring *ring = calloc(1, sizeof(*ring));
	struct log_query all = {.level = LOG_LEVEL_DEBUG};
	char text[16];

	assert_non_null(ring);
	add(ring, LOG_PART_FIREWALL, LOG_LEVEL_ERROR, "kept");
	for (unsigned i = 1; i <= 3 * LOG_RING_LINES + 5; i++) {
		snprintf(text, sizeof(text), "%u", i);
		add(ring, LOG_PART_PACKETS, LOG_LEVEL_INFO, text);
	}
	assert_int_equal(walk(ring, &all, 3), LOG_RING_LINES + 1);
	assert_string_equal(walked, "packets:603 packets:604 packets:605 ");
	walk(ring, &all, LOG_RING_LINES + 1);
	assert_memory_equal(walked, "firewall:kept packets:406 packets:407 ", 38);
	empty(ring);
}

static bool swallow(const struct log_line *line)
{
	return true;
}

static void a_line_that_was_said_can_be_asked_for(void **state)
{
	struct log_query query = {
		.level = LOG_LEVEL_INFO, .has_part = true, .part = LOG_PART_ROUTES};
	unsigned before;

	log_set_sink(swallow);
	walked[0] = '\0';
	before = log_recent(&query, 1, write_down, NULL);
	log_packet("rule input/1", "SRC=198.18.0.7");
	log_info("route 198.18.0.0/15", "gone");
	log_debug("route 198.18.0.0/15", "unheard");
	walked[0] = '\0';
	assert_int_equal(log_recent(&query, 1, write_down, NULL), before + 1);
	assert_string_equal(walked, "route 198.18.0.0/15:gone ");
	query.part = LOG_PART_PACKETS;
	walked[0] = '\0';
	assert_in_range(log_recent(&query, 1, write_down, NULL), 1, LOG_RING_LINES);
	assert_string_equal(walked, "rule input/1:SRC=198.18.0.7 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_lines_come_in_order_and_by_part_and_level),
		cmocka_unit_test(a_part_that_says_much_washes_away_nobody_elses_lines),
		cmocka_unit_test(a_line_that_was_said_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
