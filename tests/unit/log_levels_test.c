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

#include "cfg/print.h"
#include "control/cli/log.h"
#include "control/log_levels.h"
#include "tests/unit/config_fixture.h"

static enum log_level level_of(enum log_part part)
{
	struct log_part_state now;

	log_part_state(part, &now);
	return now.level;
}

static void follow(const char *text)
{
	struct config *config = parse_good(text);

	log_levels_follow(&config->log);
	config_free(config);
}

static void parts_have_the_level_of_the_file_or_their_own(void **state)
{
	follow("log: {level: warning, parts: {drivers: debug, packets: error}}\n");
	for (unsigned i = 0; i < LOG_PARTS; i++) {
		enum log_level expected = LOG_LEVEL_WARNING;

		if (i == LOG_PART_DRIVERS)
			expected = LOG_LEVEL_DEBUG;
		else if (i == LOG_PART_PACKETS)
			expected = LOG_LEVEL_ERROR;
		assert_int_equal(level_of((enum log_part)i), expected);
	}
	follow("memory: {hugepages: auto}\n");
	for (unsigned i = 0; i < LOG_PARTS; i++)
		assert_int_equal(level_of((enum log_part)i), LOG_LEVEL_INFO);
}

static void each_part_can_be_named_in_a_file(void **state)
{
	for (unsigned i = 0; i < LOG_PARTS; i++) {
		char text[64];

		snprintf(text, sizeof(text), "log: {parts: {%s: error}}\n",
			log_part_name((enum log_part)i));
		follow(text);
		for (unsigned k = 0; k < LOG_PARTS; k++)
			assert_int_equal(level_of((enum log_part)k),
				k == i ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO);
	}
}

static void what_is_set_by_hand_outlives_a_new_file(void **state)
{
	log_set_by_hand(LOG_PART_NAT, LOG_LEVEL_DEBUG);
	follow("log: {level: error}\n");
	assert_int_equal(level_of(LOG_PART_NAT), LOG_LEVEL_DEBUG);
	assert_int_equal(level_of(LOG_PART_ROUTES), LOG_LEVEL_ERROR);
	log_clear_by_hand(LOG_PART_NAT);
	assert_int_equal(level_of(LOG_PART_NAT), LOG_LEVEL_ERROR);
}

static void mistakes_are_pointed_at(void **state)
{
	static const struct fault faults[] = {
		{"log: {level: verbose}\n", 1, 14,
			"`level`: expected error, warning, info or debug, got `verbose`"},
		{"log: {parts: {driver: debug}}\n", 1, 15, "did you mean `drivers`"},
		{"log: {parts: {drivers: loud}}\n", 1, 24,
			"expected error, warning, info or debug"},
		{"log: {parts: debug}\n", 1, 14, "expected a mapping"},
	};

	expect_faults(faults, COUNT(faults));
}

static void the_command_takes_each_part_and_level(void **state)
{
	char parts[256] = "", levels[64] = "";

	for (unsigned i = 0; i < LOG_PARTS; i++)
		snprintf(parts + strlen(parts), sizeof(parts) - strlen(parts), "%s|",
			log_part_name((enum log_part)i));
	for (unsigned i = 0; i < LOG_LEVELS; i++)
		snprintf(levels + strlen(levels), sizeof(levels) - strlen(levels), "%s|",
			log_level_name((enum log_level)i));
	assert_memory_equal(log_change_args[0].choices, parts, strlen(parts));
	assert_string_equal(log_change_args[0].choices + strlen(parts), "all");
	assert_memory_equal(log_change_args[1].choices, levels, strlen(levels));
	assert_string_equal(log_change_args[1].choices + strlen(levels), "default");
	assert_memory_equal(log_show_args[0].choices, parts, strlen(parts) - 1);
	assert_int_equal(strlen(log_show_args[0].choices), strlen(parts) - 1);
	assert_memory_equal(log_show_args[1].choices, levels, strlen(levels) - 1);
	assert_int_equal(strlen(log_show_args[1].choices), strlen(levels) - 1);
}

static void a_section_is_printed_as_it_was_meant(void **state)
{
	struct config *config =
		parse_good("log: {level: info, parts: {packets: info, drivers: debug}}\n");
	size_t bytes;
	char *text = config_print(config, &bytes);

	assert_non_null(text);
	assert_string_equal(text, "log: { parts: { drivers: debug, packets: info } }\n");
	free(text);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_have_the_level_of_the_file_or_their_own),
		cmocka_unit_test(each_part_can_be_named_in_a_file),
		cmocka_unit_test(what_is_set_by_hand_outlives_a_new_file),
		cmocka_unit_test(mistakes_are_pointed_at),
		cmocka_unit_test(the_command_takes_each_part_and_level),
		cmocka_unit_test(a_section_is_printed_as_it_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
