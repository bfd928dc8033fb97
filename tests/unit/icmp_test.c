// SPDX-License-Identifier: BSD-3-Clause
// What an error says of the packet that it is about.
#include "tests/unit/icmp_fixture.h"

// Header and checksum of an IPv4 error, by an arithmetic of its own.
static void check4(const struct offender *o, uint8_t type, uint8_t code, uint32_t rest)
{
	static uint8_t frame[70000];
	uint32_t packet = offender_bytes(o, frame) - L3_OFFSET - o->padding_bytes;
	uint32_t total = RTE_MIN(28 + packet, 576u);
	uint8_t want[28] = {0x45, (uint8_t)(0xc0 | (o->tos & 0x1c)), (uint8_t)(total >> 8),
		(uint8_t)total, 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0, 198, 51, 100, 1, 198, 51, 100,
		7, type, code, 0, 0, (uint8_t)(rest >> 24), (uint8_t)(rest >> 16),
		(uint8_t)(rest >> 8), (uint8_t)rest};
	const uint8_t *ip = sent_ip(0);

	assert_int_equal(sent_bytes(0), total);
	assert_int_equal(ones_sum(ip, 20, 0), 0xffff);
	assert_int_equal(ones_sum(ip + 20, total - 20, 0), 0xffff);
	memcpy(want + 4, ip + 4, 2);   // identifier: any
	memcpy(want + 10, ip + 10, 2); // checksums: right, as seen above
	memcpy(want + 22, ip + 22, 2);
	assert_memory_equal(ip, want, sizeof(want));
	assert_memory_equal(ip + 28, frame + L3_OFFSET, total - 28);
}

static void check6(const struct offender *o, uint8_t type, uint8_t code, uint32_t rest)
{
	static const uint8_t from[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
	static uint8_t frame[70000];
	uint32_t packet = offender_bytes(o, frame) - L3_OFFSET - o->padding_bytes;
	uint32_t total = RTE_MIN(48 + packet, 1280u);
	struct ip_addr to = address(o->src);
	uint8_t want[48] = {0x60, 0, 0, 0, (uint8_t)((total - 40) >> 8), (uint8_t)(total - 40),
		IPPROTO_ICMPV6, 64};
	const uint8_t *ip = sent_ip(0);

	memcpy(want + 8, from, 16);
	memcpy(want + 24, to.v6, 16);
	want[40] = type;
	want[41] = code;
	want[44] = (uint8_t)(rest >> 24);
	want[45] = (uint8_t)(rest >> 16);
	want[46] = (uint8_t)(rest >> 8);
	want[47] = (uint8_t)rest;
	assert_int_equal(sent_bytes(0), total);
	// RFC 8200 8.1: both addresses, the length and the next header lead the sum
	assert_int_equal(ones_sum(ip + 8, total - 8, total - 40 + IPPROTO_ICMPV6), 0xffff);
	memcpy(want + 42, ip + 42, 2);
	assert_memory_equal(ip, want, sizeof(want));
	assert_memory_equal(ip + 48, frame + L3_OFFSET, total - 48);
}

static void each_kind_says_what_the_rfcs_say(void **state)
{
	static const struct {
		enum icmp_error_kind kind;
		uint8_t type4, code4, type6, code6;
	} rows[] = {
		{ICMP_ERROR_TTL, 11, 0, 3, 0},
		{ICMP_ERROR_NO_ROUTE, 3, 0, 1, 0},
		{ICMP_ERROR_HOST, 3, 1, 1, 3},
		{ICMP_ERROR_PROHIBITED, 3, 13, 1, 1},
		{ICMP_ERROR_TOO_BIG, 3, 4, 2, 0},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint32_t rest = rows[i].kind == ICMP_ERROR_TOO_BIG ? 1391 : 0;

		provoke(&plain4, rows[i].kind, 1391);
		check4(&plain4, rows[i].type4, rows[i].code4, rest);
		assert_int_equal(sent[0].code, NEXTHOP_CONNECTED_BASE + LAN);
		assert_false(sent[0].is_ip6);
		provoke(&plain6, rows[i].kind, 1391);
		check6(&plain6, rows[i].type6, rows[i].code6, rest);
		assert_int_equal(sent[0].code, NEXTHOP_CONNECTED_BASE + LAN);
		assert_true(sent[0].is_ip6);
	}
	assert_int_equal(counted(COUNTER_ICMP_SENT), 2 * RTE_DIM(rows));
	assert_int_equal(counted(COUNTER_DROP_TTL), 2 * RTE_DIM(rows));
	assert_int_equal(counted(COUNTER_ICMP_LIMITED), 0);
}

static void beyond_scope_exists_in_ip6_only(void **state)
{
	provoke(&plain6, ICMP_ERROR_SCOPE, 0);
	check6(&plain6, 1, 2, 0);
	provoke(&plain4, ICMP_ERROR_SCOPE, 0);
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_TTL), 2);
}

static void the_quote_is_as_long_as_the_rfcs_allow_and_without_padding(void **state)
{
	static const uint16_t lengths[] = {0, 1, 8, 26, 527, 528, 529, 530, 1191, 1192, 1193, 1460};

	for (unsigned i = 0; i < RTE_DIM(lengths); i++) {
		for (unsigned padding = 0; padding <= 18; padding += 9) {
			struct offender o4 = plain4, o6 = plain6;

			o4.l4_bytes = o6.l4_bytes = lengths[i];
			o4.padding_bytes = o6.padding_bytes = (uint16_t)padding;
			provoke(&o4, ICMP_ERROR_TTL, 0);
			check4(&o4, 11, 0, 0);
			provoke(&o6, ICMP_ERROR_TTL, 0);
			check6(&o6, 3, 0, 0);
		}
	}
}

static void options_are_quoted_too(void **state)
{
	struct offender o = plain4;

	for (o.options_bytes = 0; o.options_bytes <= 40; o.options_bytes += 4) {
		provoke(&o, ICMP_ERROR_TTL, 0);
		check4(&o, 11, 0, 0);
	}
}

static void a_packet_in_several_buffers_is_quoted_right(void **state)
{
	struct offender o = plain4, o6 = plain6;

	o.l4_bytes = o6.l4_bytes = 1400;
	for (uint32_t segment = 1; segment < 300; segment += 37) {
		provoke_from(&o, LAN, ICMP_ERROR_TOO_BIG, 1400, L3_OFFSET + 20, segment);
		check4(&o, 3, 4, 1400);
		provoke_from(&o6, LAN, ICMP_ERROR_TOO_BIG, 1400, L3_OFFSET + 40 + 8, segment);
		check6(&o6, 2, 0, 1400);
	}
}

static void the_service_of_the_packet_is_kept_but_not_its_ecn(void **state)
{
	static const uint8_t tos[] = {0x00, 0x10, 0x1c, 0x1e, 0xb8, 0xff, 0x03};
	struct offender o = plain4;

	for (unsigned i = 0; i < RTE_DIM(tos); i++) {
		o.tos = tos[i];
		provoke(&o, ICMP_ERROR_TTL, 0);
		assert_int_equal(sent_ip(0)[1], 0xc0 | (tos[i] & 0x1c));
		check4(&o, 11, 0, 0);
	}
}

static void identifiers_differ(void **state)
{
	uint16_t first, second;

	provoke(&plain4, ICMP_ERROR_TTL, 0);
	memcpy(&first, sent_ip(0) + 4, 2);
	provoke(&plain4, ICMP_ERROR_TTL, 0);
	memcpy(&second, sent_ip(0) + 4, 2);
	assert_int_not_equal(first, second);
}

static void errors_fit_a_narrow_link(void **state)
{
	struct offender o = plain4;

	o.src = "198.18.0.9";
	o.l4_bytes = 1000;
	adjacencies[7].mtu = 300;
	provoke(&o, ICMP_ERROR_TTL, 0);
	assert_int_equal(sent_bytes(0), 300);
	assert_int_equal(ones_sum(sent_ip(0) + 20, 280, 0), 0xffff);
	adjacencies[7].mtu = 1500;
}

// Anything a sender can put behind sound IP headers.
static void noise_never_breaks_anything(void **state)
{
	static const uint8_t protocols6[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT,
		IPPROTO_AH, IPPROTO_DSTOPTS, IPPROTO_ICMPV6, IPPROTO_MH, IPPROTO_UDP};

	for (unsigned i = 0; i < 50000; i++) {
		struct offender o = i % 2 == 0 ? plain4 : plain6;

		o.protocol = i % 2 == 0 ? (uint8_t)(random32() % 3 == 0 ? IPPROTO_ICMP : random32())
					: protocols6[random32() % RTE_DIM(protocols6)];
		o.l4_bytes = (uint16_t)(random32() % 100);
		o.options_bytes = (uint8_t)(random32() % 11 * 4);
		o.fragment = random32() % 4 == 0 ? (uint16_t)random32() : 0;
		for (unsigned j = 0; j < sizeof(o.l4); j++)
			o.l4[j] = random32() % 2 == 0
					  ? (uint8_t)random32()
					  : protocols6[random32() % RTE_DIM(protocols6)];
		provoke_from(&o, LAN, (enum icmp_error_kind)(random32() % 6), (uint16_t)random32(),
			L3_OFFSET + 60 + random32() % 50, 20);
		assert_true(n_sent <= 1);
	}
	assert_true(counted(COUNTER_ICMP_SENT) > 1000);
	assert_int_equal(counted(COUNTER_DROP_TTL), 50000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_setup, worker_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_kind_says_what_the_rfcs_say),
		TEST(beyond_scope_exists_in_ip6_only),
		TEST(the_quote_is_as_long_as_the_rfcs_allow_and_without_padding),
		TEST(options_are_quoted_too),
		TEST(a_packet_in_several_buffers_is_quoted_right),
		TEST(the_service_of_the_packet_is_kept_but_not_its_ecn),
		TEST(identifiers_differ),
		TEST(errors_fit_a_narrow_link),
		TEST(noise_never_breaks_anything),
	};
#undef TEST

	if (world_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
