// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

static const struct model_key seconds = {
	.key = "x", .type = MODEL_SECONDS, .min = 1, .max = CFG_DURATION_MAX_SEC};
static const struct model_key flags = {.key = "x", .type = MODEL_TCP_FLAG};
static const struct model_key dscp = {.key = "x", .type = MODEL_DSCP};
static const struct model_key mark = {.key = "x", .type = MODEL_MARK};
static const struct model_key rate = {.key = "x", .type = MODEL_RATE};
static const struct model_key when = {.key = "x", .type = MODEL_TIME};

static void read_good(const struct model_key *key, const char *text, void *out)
{
	struct error err = {.text = ""};

	if (value_rule_read(key, text, out, &err) != 0)
		fail_msg("%s: %s", text, err.text);
}

static void durations_have_units(void **state)
{
	static const struct {
		const char *text;
		uint32_t sec;
	} rows[] = {{"1s", 1}, {"90s", 90}, {"5m", 300}, {"2h4m", 7440}, {"1d", 86400},
		{"1d2h3m4s", 93784}, {"365d", CFG_DURATION_MAX_SEC}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t sec = 0;

		read_good(&seconds, rows[i].text, &sec);
		assert_int_equal(sec, rows[i].sec);
	}
}

static void rates_are_read(void **state)
{
	static const struct {
		const char *text;
		struct cfg_rate rate;
	} rows[] = {
		{"5/s", {5, 1, 5, false, false}},
		{"100/m burst 20", {100, 60, 20, false, false}},
		{"10/m per source", {10, 60, 10, true, false}},
		{"over 10/h per source burst 3", {10, 3600, 3, true, true}},
		{"over 1/d  burst 7 per source", {1, 86400, 7, true, true}},
		{"10000000/s", {10000000, 1, 10000000, false, false}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_rate read = {0};

		read_good(&rate, rows[i].text, &read);
		assert_int_equal(read.packets, rows[i].rate.packets);
		assert_int_equal(read.per_sec, rows[i].rate.per_sec);
		assert_int_equal(read.burst, rows[i].rate.burst);
		assert_int_equal(read.is_per_source, rows[i].rate.is_per_source);
		assert_int_equal(read.is_above, rows[i].rate.is_above);
	}
}

static void times_have_days_hours_or_both(void **state)
{
	static const struct {
		const char *text;
		struct cfg_time time;
	} rows[] = {
		{"mon-fri 08:00-18:00", {0x3e, 480, 1080}},
		{"sat,sun", {0x41, 0, 1440}},
		{"22:00-06:30", {0x7f, 1320, 390}},
		{"fri-mon 00:00-24:00", {0x63, 0, 1440}},
		{"mon,wed-thu 23:59-00:00", {0x1a, 1439, 0}},
		{"sun-sat", {0x7f, 0, 1440}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_time read = {0};

		read_good(&when, rows[i].text, &read);
		assert_int_equal(read.days, rows[i].time.days);
		assert_int_equal(read.first_min, rows[i].time.first_min);
		assert_int_equal(read.last_min, rows[i].time.last_min);
	}
}

static void marks_have_a_mask(void **state)
{
	static const struct {
		const char *text;
		struct cfg_mark mark;
	} rows[] = {
		{"7", {7, UINT32_MAX}},
		{"0", {0, UINT32_MAX}},
		{"0x10/0xff", {16, 255}},
		{"0xFFFFFFFF", {UINT32_MAX, UINT32_MAX}},
		{"4294967295", {UINT32_MAX, UINT32_MAX}},
		{"0/1", {0, 1}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cfg_mark read = {0};

		read_good(&mark, rows[i].text, &read);
		assert_int_equal(read.value, rows[i].mark.value);
		assert_int_equal(read.mask, rows[i].mark.mask);
	}
}

static void bits_add_up_over_a_list(void **state)
{
	struct cfg_tcp_flags tcp = {0};
	uint64_t dscps = 0;

	read_good(&flags, "syn, not ack", &tcp);
	assert_int_equal(tcp.mask, 0x12);
	assert_int_equal(tcp.flags, 0x02);
	read_good(&flags, "!fin,rst", &tcp);
	assert_int_equal(tcp.mask, 0x17);
	assert_int_equal(tcp.flags, 0x06);
	read_good(&dscp, "ef", &dscps);
	read_good(&dscp, "63", &dscps);
	read_good(&dscp, "cs0", &dscps);
	assert_true(dscps == (1ull << 46 | 1ull << 63 | 1));
}

static void what_cannot_be_read_is_refused_with_a_reason(void **state)
{
	static const struct {
		const struct model_key *key;
		const char *text, *piece;
	} rows[] = {
		{&seconds, "", "expected a duration"},
		{&seconds, "90", "its unit is missing"},
		{&seconds, "m", "expected a duration"},
		{&seconds, "4m2h", "expected a duration"},
		{&seconds, "1m1m", "expected a duration"},
		{&seconds, "01m", "expected a duration"},
		{&seconds, "1w", "expected a duration"},
		{&seconds, "1m ", "expected a duration"},
		{&seconds, "-1s", "expected a duration"},
		{&seconds, "0s", "at least 1 s"},
		{&seconds, "366d", "at most 31536000 s"},
		{&seconds, "4294967295d4294967295h", "at most 31536000 s"},
		{&seconds, "4294967296s", "expected a duration"},
		{&flags, "", "expected TCP flags"},
		{&flags, "syn,", "expected TCP flags"},
		{&flags, ",syn", "expected TCP flags"},
		{&flags, "sync", "expected TCP flags"},
		{&flags, "not", "expected TCP flags"},
		{&flags, "not not syn", "expected TCP flags"},
		{&flags, "syn,!syn", "syn cannot be there and not be there"},
		{&dscp, "64", "expected a DSCP"},
		{&dscp, "af44", "expected a DSCP"},
		{&dscp, "046", "expected a DSCP"},
		{&mark, "", "expected a mark"},
		{&mark, "0x", "expected a mark"},
		{&mark, "0x123456789", "expected a mark"},
		{&mark, "4294967296", "expected a mark"},
		{&mark, "1/", "expected a mark"},
		{&mark, "1/1/1", "expected a mark"},
		{&mark, "0/0", "the mask"},
		{&mark, "0x100/0xff", "the mask"},
		{&rate, "", "expected a rate"},
		{&rate, "0/s", "expected a rate"},
		{&rate, "5", "expected a rate"},
		{&rate, "5/", "expected a rate"},
		{&rate, "5/sec", "expected a rate"},
		{&rate, "10000001/s", "expected a rate"},
		{&rate, "over", "expected a rate"},
		{&rate, "5/s over", "expected a rate"},
		{&rate, "5/s burst", "expected a rate"},
		{&rate, "5/s burst 0", "expected a rate"},
		{&rate, "5/s burst 1 burst 2", "expected a rate"},
		{&rate, "5/s burst 1x", "expected a rate"},
		{&rate, "5/s per", "expected a rate"},
		{&rate, "5/s per host", "expected a rate"},
		{&rate, "5/s per source per source", "expected a rate"},
		{&rate, "1 2 3 4 5 6 7 8 9", "expected a rate"},
		{&when, "", "expected a time"},
		{&when, " ", "expected a time"},
		{&when, "monday", "expected a time"},
		{&when, "mo", "expected a time"},
		{&when, "mon-", "expected a time"},
		{&when, "mon,", "expected a time"},
		{&when, "mon+fri", "expected a time"},
		{&when, "mon 08:00", "expected a time"},
		{&when, "8:00-18:00", "expected a time"},
		{&when, "08:60-18:00", "expected a time"},
		{&when, "24:00-24:00", "expected a time"},
		{&when, "08:00-24:01", "expected a time"},
		{&when, "08:00-18:00 mon", "expected a time"},
		{&when, "mon tue", "expected a time"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err = {.text = ""};
		uint64_t out[8] = {0};

		if (value_rule_read(rows[i].key, rows[i].text, out, &err) == 0)
			fail_msg("not refused: %s", rows[i].text);
		if (strstr(err.text, rows[i].piece) == NULL)
			fail_msg("%s: expected %s, got %s", rows[i].text, rows[i].piece, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(times_have_days_hours_or_both),
		cmocka_unit_test(marks_have_a_mask),
		cmocka_unit_test(bits_add_up_over_a_list),
		cmocka_unit_test(what_cannot_be_read_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
