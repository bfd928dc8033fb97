// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/packet_log.h"
#include "tests/unit/policy_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct cfg_interface lan = {.name = "lan"}, wan = {.name = "wan"};
static struct interfaces interfaces;
static struct packet_log_rule rule;

static int setup(void **state)
{
	interfaces.n = 2;
	interfaces.list[0] = (struct interface){.config = &lan, .id = 3};
	interfaces.list[1] = (struct interface){.config = &wan, .id = 7};
	rule = (struct packet_log_rule){"input", 1, "", "/etc/millrace/house.yaml", 42};
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
		char text[PACKET_LOG_BYTES], expected[PACKET_LOG_BYTES];

		rule.prefix = rows[i].prefix;
		event.log = rows[i].line;
		assert_int_equal(ip_addr_parse(rows[i].src, &event.addr), 0);
		assert_int_equal(ip_addr_parse(rows[i].dst, &event.log.dst), 0);
		snprintf(expected, sizeof(expected), "%s RULE=house.yaml:42", rows[i].expected);
		assert_string_equal(packet_log_str(&interfaces, &rule, &event, text), expected);
	}
}

static void the_longest_line_fits(void **state)
{
	static const char addr[] = "2001:db8:1111:2222:3333:4444:5555:6666";
	struct dp_event event = {.kind = DP_EVENT_LOG, .interface = 3};
	char text[PACKET_LOG_BYTES], prefix[DP_LOG_PREFIX_MAX + 1], path[256];

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
	memset(path, 'f', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	rule = (struct packet_log_rule){"input", 1, prefix, path, 2147483647};
	packet_log_str(&interfaces, &rule, &event, text);
	assert_string_equal(strrchr(text, ':'), ":2147483647");
	assert_true(strlen(text) + 2 * (CFG_NAME_MAX - 3) < PACKET_LOG_BYTES);
}

// --- what the log has in the end ---

#define RULES                                                                                      \
	LAN_AND_WAN "firewall:\n"                                                                  \
		    "  input:\n"                                                                   \
		    "    - { from: home, action: accept }\n"                                       \
		    "    - { protocol: tcp, log: 'ssh: ', action: drop }\n"                        \
		    "  forward: [{ jump: visits }]\n"                                              \
		    "  lists:\n"                                                                   \
		    "    visits: [{ log: \"visit\" }]\n"

static struct {
	unsigned n;
	struct log_line last;
	char object[LOG_OBJECT_BYTES], text[LOG_TEXT_BYTES];
} sink;

static bool take_line(const struct log_line *line)
{
	sink.n++;
	sink.last = *line;
	snprintf(sink.object, sizeof(sink.object), "%s", line->object);
	snprintf(sink.text, sizeof(sink.text), "%s", line->text);
	return true;
}

static int open_rules(void **state)
{
	struct error err;

	memset(&sink, 0, sizeof(sink));
	log_set_sink(take_line);
	return policy_fixture_open(RULES, NULL, &err);
}

static int close_rules(void **state)
{
	policy_fixture_close();
	log_set_sink(NULL);
	return 0;
}

static struct dp_event event_of(unsigned of_rule)
{
	return (struct dp_event){.kind = DP_EVENT_LOG,
		.interface = FIRST_ID,
		.log = {.rule = of_rule, .policy = fixture.firewall.policy->serial}};
}

static unsigned said_of(unsigned of_rule)
{
	struct dp_event event = event_of(of_rule);
	struct packet_log log = {0};
	unsigned before = sink.n;

	packet_log_begin_turn(&log);
	packet_log_write(&log, fixture.firewall.policy, &fixture.interfaces, &event);
	return sink.n - before;
}

static void a_line_names_the_rule_and_its_place(void **state)
{
	assert_int_equal(said_of(1), 1);
	assert_string_equal(sink.object, "rule input/2");
	assert_int_equal(sink.last.part, LOG_PART_PACKETS);
	assert_int_equal(sink.last.level, LOG_LEVEL_INFO);
	assert_memory_equal(sink.text, "ssh: IN=lan OUT= SRC=", 21);
	assert_string_equal(strrchr(sink.text, ':'), ":7");
	assert_int_equal(said_of(3), 1);
	assert_string_equal(sink.object, "rule visits/1");
	assert_memory_equal(sink.text, "visit IN=lan ", 13);
}

static void a_rule_that_has_gone_says_nothing(void **state)
{
	assert_int_equal(said_of(0), 0); // has no log
	assert_int_equal(said_of(4), 0); // is not there
	assert_int_equal(said_of(UINT32_MAX), 0);
}

// Its number may be another rule's by now, with another prefix.
static void what_the_policy_before_has_logged_is_counted(void **state)
{
	struct dp_event event = event_of(1);
	struct packet_log log = {0};
	struct error err = {0};

	packet_log_begin_turn(&log);
	packet_log_write(&log, fixture.firewall.policy, &fixture.interfaces, &event);
	assert_int_equal(log.n_left_out, 0);
	sink.n = 0;
	assert_int_equal(firewall_update(&fixture.firewall, 0, &err), 0);
	packet_log_write(&log, fixture.firewall.policy, &fixture.interfaces, &event);
	assert_int_equal(sink.n, 0);
	assert_int_equal(log.n_left_out, 1);
	assert_int_equal(said_of(1), 1);
}

static void a_turn_writes_so_many_lines_and_counts_the_others(void **state)
{
	struct dp_event event = event_of(1);
	struct packet_log log = {0};
	unsigned n_packets;
	char expected[64];

	for (unsigned turn = 1; turn <= 2; turn++) {
		sink.n = 0;
		packet_log_begin_turn(&log);
		for (int i = 0; i < 1000; i++)
			packet_log_write(
				&log, fixture.firewall.policy, &fixture.interfaces, &event);
		assert_in_range(sink.n, 1, 999);
		assert_int_equal(log.n_left_out, turn * (1000 - sink.n));
	}
	n_packets = (unsigned)log.n_left_out;
	packet_log_tell_left_out(&log);
	snprintf(expected, sizeof(expected), "%u lines of rules were left out", n_packets);
	assert_string_equal(sink.text, expected);
	assert_int_equal(log.n_left_out, 0);
}

#define RULES_TEST(name) cmocka_unit_test_setup_teardown(name, open_rules, close_rules)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_has_the_fields_that_people_know, setup),
		cmocka_unit_test_setup(the_longest_line_fits, setup),
		RULES_TEST(a_line_names_the_rule_and_its_place),
		RULES_TEST(a_rule_that_has_gone_says_nothing),
		RULES_TEST(what_the_policy_before_has_logged_is_counted),
		RULES_TEST(a_turn_writes_so_many_lines_and_counts_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
