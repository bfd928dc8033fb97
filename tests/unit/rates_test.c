// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "control/cli/rates.h"

static void counters_become_rates_and_the_rest_stays(void **state)
{
	static const struct {
		const char *before, *now, *rates;
		double seconds;
	} rows[] = {
		{"{\"list\":[{\"name\":\"lan\",\"rx_packets\":100,\"mtu\":1500}]}",
			"{\"list\":[{\"name\":\"lan\",\"rx_packets\":350,\"mtu\":1500}]}",
			"{\"list\":[{\"name\":\"lan\",\"rx_packets\":125,\"mtu\":1500}]}", 2},
		// a row in another place, a new one, one that began anew
		{"{\"flows\":[{\"src\":\"a\",\"sport\":1,\"tx_bytes\":10},"
		 "{\"src\":\"a\",\"sport\":2,\"tx_bytes\":100},{\"src\":\"c\",\"tx_bytes\":9}]}",
			"{\"flows\":[{\"src\":\"a\",\"sport\":2,\"tx_bytes\":101},"
			"{\"src\":\"a\",\"sport\":1,\"tx_bytes\":30},"
			"{\"src\":\"b\",\"sport\":2,\"tx_bytes\":5},{\"src\":\"c\",\"tx_bytes\":1}]"
			"}",
			"{\"flows\":[{\"src\":\"a\",\"sport\":2,\"tx_bytes\":1},"
			"{\"src\":\"a\",\"sport\":1,\"tx_bytes\":20},"
			"{\"src\":\"b\",\"sport\":2,\"tx_bytes\":0},{\"src\":\"c\",\"tx_bytes\":0}]"
			"}",
			1},
		// rules within lists
		{"{\"lists\":[{\"name\":\"input\",\"rules\":[{\"rule\":\"x\",\"packets\":1}]}]}",
			"{\"lists\":[{\"name\":\"input\",\"rules\":[{\"rule\":\"x\",\"packets\":6}]"
			"}]}",
			"{\"lists\":[{\"name\":\"input\",\"rules\":[{\"rule\":\"x\",\"packets\":5}]"
			"}]}",
			1},
		{"{\"list\":[1,\"a\",null]}", "{\"list\":[1,\"a\",null],\"packets\":\"7\"}",
			"{\"list\":[1,\"a\",null],\"packets\":\"7\"}", 1},
		{NULL, "{\"list\":[{\"name\":\"lan\",\"packets\":5}]}",
			"{\"list\":[{\"name\":\"lan\",\"packets\":0}]}", 1},
		{"{\"packets\":1}", "{\"packets\":5}", "{\"packets\":0}", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *before =
			rows[i].before == NULL ? NULL : json_loads(rows[i].before, 0, NULL);
		json_t *now = json_loads(rows[i].now, 0, NULL);
		char *text;

		rates_of(now, before, rows[i].seconds);
		text = json_dumps(now, JSON_COMPACT);
		assert_string_equal(text, rows[i].rates);
		free(text);
		json_decref(now);
		json_decref(before);
	}
}

static void the_fastest_counters_come_first(void **state)
{
	json_t *now = json_loads("{\"counters\":[{\"name\":\"a\",\"packets\":0},"
				 "{\"name\":\"b\",\"packets\":5},{\"name\":\"c\",\"packets\":0},"
				 "{\"name\":\"d\",\"packets\":9},{\"name\":\"e\",\"packets\":5}]}",
		0, NULL);
	static const char wanted[] = "dbeac";
	json_t *one;
	size_t i;

	rates_sort_counters(now);
	json_array_foreach(json_object_get(now, "counters"), i, one)
	{
		assert_int_equal(json_string_value(json_object_get(one, "name"))[0], wanted[i]);
	}
	assert_int_equal(i, 5);
	json_decref(now);
	now = json_object();
	rates_sort_counters(now);
	assert_int_equal(json_object_size(now), 0);
	json_decref(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_become_rates_and_the_rest_stays),
		cmocka_unit_test(the_fastest_counters_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
