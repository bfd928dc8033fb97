// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "cfg/base/log.h"
#include "control/packet_log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct cfg_interface lan = {.name = "lan"}, wan = {.name = "wan"};
static struct interfaces interfaces;

static int setup(void **state)
{
	interfaces.n = 2;
	interfaces.list[0] = (struct interface){.config = &lan, .id = 3};
	interfaces.list[1] = (struct interface){.config = &wan, .id = 7};
	return 0;
}

static const struct {
	const char *prefix;
	struct dp_log_line line;
	int interface;
	const char *src, *dst;
	const char *expected;
} rows[] = {
	{"ssh: ",
		{.action = DP_DROP,
			.out_interface = -1,
			.sport = 40000,
			.dport = 22,
			.bytes = 60,
			.protocol = 6,
			.tcp_flags = 0x02,
			.mac = {{2, 0, 0, 0, 0, 9}}},
		7, "198.51.100.7", "203.0.113.2",
		"ssh: IN=wan OUT= MACSRC=02:00:00:00:00:09 SRC=198.51.100.7 DST=203.0.113.2 "
		"LEN=60 PROTO=TCP SPT=40000 DPT=22 SYN ACTION=drop"},
	{"x",
		{.action = DP_ACCEPT,
			.out_interface = 7,
			.sport = 53,
			.dport = 1024,
			.bytes = 90,
			.protocol = 17},
		3, "2001:db8::1", "2001:db8::2",
		"x IN=lan OUT=wan SRC=2001:db8::1 DST=2001:db8::2 LEN=90 PROTO=UDP SPT=53 "
		"DPT=1024 ACTION=accept"},
	{"", {.action = DP_REJECT, .out_interface = 7, .icmp = 3 << 8 | 4, .protocol = 1}, -1,
		"203.0.113.2", "198.51.100.7",
		"IN= OUT=wan SRC=203.0.113.2 DST=198.51.100.7 LEN=0 PROTO=ICMP TYPE=3 CODE=4 "
		"ACTION=reject"},
	{"6 ", {.action = DP_CONTINUE, .out_interface = -1, .icmp = 128 << 8, .protocol = 58}, 3,
		"fe80::1", "fe80::2",
		"6 IN=lan OUT= SRC=fe80::1 DST=fe80::2 LEN=0 PROTO=ICMPv6 TYPE=128 CODE=0 "
		"ACTION=continue"},
	// a later fragment has no ports; an interface that has gone has no name
	{"f ", {.action = DP_DROP, .out_interface = 9, .bytes = 1500, .protocol = 17}, 3,
		"198.18.0.2", "198.18.0.3",
		"f IN=lan OUT= SRC=198.18.0.2 DST=198.18.0.3 LEN=1500 PROTO=UDP ACTION=drop"},
	{"g ", {.action = DP_DROP, .out_interface = -1, .bytes = 24, .protocol = 47}, 3,
		"198.18.0.2", "198.18.0.3",
		"g IN=lan OUT= SRC=198.18.0.2 DST=198.18.0.3 LEN=24 PROTO=47 ACTION=drop"},
	{"all ",
		{.action = DP_DROP,
			.out_interface = -1,
			.sport = 1,
			.dport = 2,
			.bytes = 40,
			.protocol = 6,
			.tcp_flags = 0xff},
		3, "198.18.0.2", "198.18.0.3",
		"all IN=lan OUT= SRC=198.18.0.2 DST=198.18.0.3 LEN=40 PROTO=TCP SPT=1 DPT=2 CWR "
		"ECE URG ACK PSH RST SYN FIN ACTION=drop"},
};

static void a_line_has_the_fields_that_people_know(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dp_event event = {.kind = DP_EVENT_LOG, .interface = rows[i].interface};
		char text[PACKET_LOG_BYTES];

		event.log = rows[i].line;
		assert_int_equal(ip_addr_parse(rows[i].src, &event.addr), 0);
		assert_int_equal(ip_addr_parse(rows[i].dst, &event.log.dst), 0);
		assert_string_equal(packet_log_str(&interfaces, rows[i].prefix, &event, text),
			rows[i].expected);
	}
}

static void the_longest_line_fits(void **state)
{
	static const char addr[] = "2001:db8:1111:2222:3333:4444:5555:6666";
	struct dp_event event = {.kind = DP_EVENT_LOG, .interface = 3};
	char text[PACKET_LOG_BYTES], prefix[DP_LOG_PREFIX_MAX + 1];

	memset(prefix, 'p', sizeof(prefix));
	prefix[sizeof(prefix) - 1] = '\0';
	event.log = (struct dp_log_line){.action = DP_CONTINUE,
		.out_interface = 7,
		.sport = 65535,
		.dport = 65535,
		.bytes = 65535,
		.protocol = 6,
		.tcp_flags = 0xff,
		.mac = {{2, 1, 1, 1, 1, 1}}};
	ip_addr_parse(addr, &event.addr);
	ip_addr_parse(addr, &event.log.dst);
	packet_log_str(&interfaces, prefix, &event, text);
	assert_non_null(strstr(text, " ACTION=continue"));
	assert_true(strlen(text) + 2 * (CFG_NAME_MAX - 3) < PACKET_LOG_BYTES);
}

static void a_turn_writes_so_many_lines_and_counts_the_others(void **state)
{
	struct dp_event event = {.kind = DP_EVENT_LOG, .interface = 3};
	struct packet_log log = {0};

	log_set_level(LOG_LEVEL_WARNING);
	for (int turn = 1; turn <= 2; turn++) {
		packet_log_begin_turn(&log);
		for (int i = 0; i < 1000; i++)
			packet_log_write(&log, &interfaces, "x", &event);
		assert_int_equal(log.n_left_out, turn * (1000 - log.n_this_turn));
		assert_in_range(log.n_this_turn, 1, 999);
	}
	packet_log_tell_left_out(&log);
	assert_int_equal(log.n_left_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_has_the_fields_that_people_know, setup),
		cmocka_unit_test_setup(the_longest_line_fits, setup),
		cmocka_unit_test_setup(a_turn_writes_so_many_lines_and_counts_the_others, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
