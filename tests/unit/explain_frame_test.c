// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "cfg/base/endpoint.h"
#include "control/explain_frame.h"

static uint16_t folded(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static struct explain_frame frame_of(const char *src, const char *dst, uint8_t protocol)
{
	struct explain_frame frame = {.protocol = protocol,
		.sport = 5000,
		.dport = 443,
		.tcp_flags = 2,
		.icmp_type = 8,
		.hops = 64,
		.payload_bytes = 33};

	assert_int_equal(ip_addr_parse(src, &frame.src), 0);
	assert_int_equal(ip_addr_parse(dst, &frame.dst), 0);
	return frame;
}

static void every_checksum_is_right(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	uint8_t out[EXPLAIN_FRAME_MAX];

	for (unsigned i = 0; i < sizeof(protocols); i++) {
		struct explain_frame four = frame_of("198.18.0.7", "203.0.113.9", protocols[i]);
		struct explain_frame six = frame_of("2001:db8::7", "2001:db8:f::9", protocols[i]);
		size_t n = explain_frame_write(&four, out);
		uint32_t pseudo = protocols[i] + (uint32_t)(n - 34);

		assert_int_equal(folded(out + 14, 20, 0), 0xffff);
		if (protocols[i] == IPPROTO_ICMP)
			assert_int_equal(folded(out + 34, n - 34, 0), 0xffff);
		else if (protocols[i] != IPPROTO_ICMPV6)
			assert_int_equal(
				folded(out + 34, n - 34, pseudo + folded(out + 26, 8, 0)), 0xffff);
		n = explain_frame_write(&six, out);
		pseudo = protocols[i] + (uint32_t)(n - 54);
		if (protocols[i] != IPPROTO_ICMP)
			assert_int_equal(
				folded(out + 54, n - 54, pseudo + folded(out + 22, 32, 0)), 0xffff);
	}
}

static void the_largest_fits(void **state)
{
	struct explain_frame frame = frame_of("2001:db8::7", "2001:db8:f::9", IPPROTO_TCP);
	uint8_t out[EXPLAIN_FRAME_MAX];

	frame.mss = 1400;
	frame.is_fragment = true;
	frame.payload_bytes = EXPLAIN_PAYLOAD_MAX;
	assert_in_range(explain_frame_write(&frame, out), 1500, EXPLAIN_FRAME_MAX);
	assert_int_equal(out[14 + 6], IPPROTO_FRAGMENT);
}

static void an_endpoint_is_read_and_written_alike(void **state)
{
	static const char *const right[] = {"198.18.0.7", "198.18.0.7:5000", "2001:db8::7",
		"[2001:db8::7]:5000", "198.18.0.7:0", "[2001:db8::7]:65535"};
	static const char *const wrong[] = {"", ":", "198.18.0.7:", "198.18.0.7:65536",
		"[198.18.0.7]:5", "198.18.0.7:-1", "[2001:db8::7", "[2001:db8::7]5", "198.18.0:5",
		"198.18.0.7:123456", "[2001:db8::7]:", "[]:5", "2001:db8::7:x"};
	struct ip_endpoint endpoint;
	char text[ADDR_STR_BYTES];

	for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		assert_int_equal(ip_endpoint_parse(right[i], &endpoint), 0);
		assert_string_equal(ip_endpoint_str(&endpoint, text), right[i]);
	}
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_not_equal(ip_endpoint_parse(wrong[i], &endpoint), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_checksum_is_right),
		cmocka_unit_test(the_largest_fits),
		cmocka_unit_test(an_endpoint_is_read_and_written_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
