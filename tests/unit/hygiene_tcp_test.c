// SPDX-License-Identifier: BSD-3-Clause
// The TCP header of a flow's first packet: its flags, and a SYN's options.
#include "tests/unit/hygiene_fixture.h"

enum { ECN = RTE_TCP_ECE_FLAG | RTE_TCP_CWR_FLAG };

static void each_of_the_64_sets_of_flags_is_judged(void **state)
{
	for (unsigned flags = 0; flags < 64; flags++) {
		enum counter expected = COUNTER_COUNT;

		if (flags == 0)
			expected = COUNTER_DROP_TCP_NO_FLAGS;
		else if (flags == 63 || flags == (FIN | PSH | URG))
			expected = COUNTER_DROP_TCP_ALL_FLAGS;
		else if ((flags & SYN) && (flags & FIN))
			expected = COUNTER_DROP_TCP_SYN_FIN;
		else if ((flags & SYN) && (flags & RST))
			expected = COUNTER_DROP_TCP_SYN_RST;
		assert_int_equal(hygiene_tcp_flags((uint8_t)flags), expected);
		assert_int_equal(hygiene_tcp_flags((uint8_t)(flags | ECN)), expected);
		assert_int_equal(
			hygiene_tcp_flags_are_odd((uint8_t)flags), expected != COUNTER_COUNT);
	}
}

static void a_first_packets_tcp_header_is_judged_in_both_families(void **state)
{
	static const struct {
		uint16_t checks;
		uint8_t flags;
		enum counter expected;
	} rows[] = {
		{DP_HYGIENE_TCP_FLAGS, SYN | FIN, COUNTER_DROP_TCP_SYN_FIN},
		{DP_HYGIENE_TCP_FLAGS, SYN | RST, COUNTER_DROP_TCP_SYN_RST},
		{DP_HYGIENE_TCP_FLAGS, 63, COUNTER_DROP_TCP_ALL_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, FIN | PSH | URG, COUNTER_DROP_TCP_ALL_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, 0, COUNTER_DROP_TCP_NO_FLAGS},
		{DP_HYGIENE_TCP_FLAGS, SYN | ECN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_FLAGS, ACK, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN | ECN, COUNTER_COUNT},
		{DP_HYGIENE_TCP_NEW, SYN | ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, RST, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_NEW, FIN | ACK, COUNTER_DROP_TCP_NEW},
		{DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_NEW, 0, COUNTER_DROP_TCP_NO_FLAGS},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = "192.31.196.7",
			.dst = "192.175.48.2",
			.protocol = IPPROTO_TCP,
			.tcp_flags = rows[i].flags};

		assert_verdict(&probe, LTE, rows[i].checks, rows[i].expected);
		probe.src = "2620:4f:8000:f::7";
		probe.dst = "2620:4f:8000:1::9";
		assert_verdict(&probe, NET, rows[i].checks, rows[i].expected);
	}
}

static void a_syns_options_are_read_to_the_end_of_its_header(void **state)
{
	static const struct {
		uint8_t n_options, options[OPTIONS_MAX];
		enum counter expected;
	} rows[] = {
		{0, {0}, COUNTER_COUNT},
		{4, {2, 4, 0x05, 0xb4}, COUNTER_COUNT},
		{4, {2, 4, 0x01, 0xf4}, COUNTER_COUNT}, // 500
		{4, {2, 4, 0x01, 0xf3}, COUNTER_DROP_TCP_MSS},
		{4, {2, 4, 0, 0}, COUNTER_DROP_TCP_MSS},
		{8, {1, 1, 1, 1, 2, 4, 0, 48}, COUNTER_DROP_TCP_MSS},
		{12, {3, 3, 7, 4, 2, 1, 1, 1, 2, 4, 1, 0}, COUNTER_DROP_TCP_MSS},
		{8, {2, 4, 0x05, 0xb4, 2, 4, 0, 1}, COUNTER_DROP_TCP_MSS}, // said again
		{8, {0, 0, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT},		   // behind the end
		{4, {2, 3, 0, 0}, COUNTER_COUNT},			   // no MSS of its length
		{8, {2, 6, 0, 0, 0, 0, 0, 0}, COUNTER_COUNT},
		{8, {8, 0, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT}, // no stepping over it
		{8, {8, 1, 0, 0, 2, 4, 0, 1}, COUNTER_COUNT},
		{4, {1, 1, 1, 2}, COUNTER_DROP_TCP_OPTIONS}, // no room for its length
		{4, {1, 1, 2, 4}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 5, 0, 0}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 255, 0, 0}, COUNTER_DROP_TCP_OPTIONS},
		{4, {8, 4, 0, 0}, COUNTER_COUNT},
		{40, {254, 40}, COUNTER_COUNT},
		{40, {254, 36, [36] = 2, 4, 0, 1}, COUNTER_DROP_TCP_MSS},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct probe probe = {.src = "10.1.0.7",
			.dst = "192.31.196.7",
			.protocol = IPPROTO_TCP,
			.tcp_flags = SYN,
			.n_options = rows[i].n_options};

		memcpy(probe.options, rows[i].options, sizeof(probe.options));
		assert_verdict(&probe, LAN, DP_HYGIENE_TCP_MSS, rows[i].expected);
		probe.tcp_flags = ACK; // an MSS is a SYN's
		assert_verdict(&probe, LAN, DP_HYGIENE_TCP_MSS, COUNTER_COUNT);
	}
}

static void what_is_no_tcp_header_is_not_read_as_one(void **state)
{
	const struct probe fragment = {.src = "10.1.0.7",
		.dst = "192.31.196.7",
		.protocol = IPPROTO_TCP,
		.fragment = RTE_IPV4_HDR_MF_FLAG};
	const struct probe datagram = {.src = "10.1.0.7", .dst = "192.31.196.7"};

	assert_int_equal(check(&fragment, LAN, ALL), COUNTER_COUNT);
	assert_int_equal(check(&datagram, LAN, ALL), COUNTER_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_of_the_64_sets_of_flags_is_judged),
		TEST(a_first_packets_tcp_header_is_judged_in_both_families),
		TEST(a_syns_options_are_read_to_the_end_of_its_header),
		TEST(what_is_no_tcp_header_is_not_read_as_one),
	};

	return cmocka_run_group_tests(tests, world_start, NULL);
}
