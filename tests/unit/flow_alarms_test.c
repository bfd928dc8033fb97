// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/flow_alarms.h"

static void an_alarm_names_the_host_and_how_many_it_has(void **state)
{
	static const struct cfg_interface lan = {.name = "lan"};
	static const struct {
		enum dp_event_kind kind;
		int interface;
		const char *addr;
		const char *expected;
	} rows[] = {
		{DP_EVENT_FLOWS_FULL, 3, "198.18.0.7",
			"a worker's flow table is nine tenths full; 4096 of its flows are of "
			"198.18.0.7 on lan"},
		{DP_EVENT_FLOWS_FULL, -1, NULL,
			"a worker's flow table is nine tenths full; 4096 of its flows are of "
			"the router itself"},
		{DP_EVENT_FLOWS_FULL, 3, NULL,
			"a worker's flow table is nine tenths full; 4096 of its flows are of "
			"unnamed hosts on lan"},
		{DP_EVENT_HOST_LIMIT, 3, "2001:db8:0:5::",
			"2001:db8:0:5::/64 on lan has reached its limit with 4096 flows on one "
			"worker"},
		{DP_EVENT_HOST_LIMIT, 4, "198.18.0.7",
			"198.18.0.7 on an interface now gone has reached its limit with 4096 flows "
			"on one worker"},
	};
	static struct interfaces interfaces = {.n = 1};

	interfaces.list[0].config = &lan;
	interfaces.list[0].id = 3;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dp_event event = {
			.kind = rows[i].kind, .interface = rows[i].interface, .flows = 4096};
		char text[FLOW_ALARM_BYTES];

		if (rows[i].addr != NULL)
			assert_int_equal(ip_addr_parse(rows[i].addr, &event.addr), 0);
		assert_string_equal(flow_alarm_str(&interfaces, &event, text), rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alarm_names_the_host_and_how_many_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
