// SPDX-License-Identifier: BSD-3-Clause
// The headers that DHCP is sent with, and what is taken of what comes.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "control/dhcp/packet_socket.h"

static const struct packet_socket_target target = {
	.source = 0xc6120001,
	.destination = 0xffffffff,
	.source_port = 67,
	.destination_port = 68,
};

static size_t make(uint8_t *out, const char *payload)
{
	size_t n = packet_socket_write_headers(&target, payload, strlen(payload), out);

	memcpy(out + n, payload, strlen(payload));
	return n + strlen(payload);
}

// By hand: RFC 1071 over the header, RFC 768 over pseudo header and all of UDP.
static void headers_are_as_the_rfcs_have_them(void **state)
{
	static const uint8_t expected[] = {0x45, 0x10, 0, 31, 0, 0, 0, 0, 64, 17, 0xb4, 0xab, 0xc6,
		0x12, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 67, 0, 68, 0, 11, 0x74, 0xdb, 'a', 'b', 'c'};
	uint8_t out[64];

	assert_int_equal(make(out, "abc"), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

static void what_was_made_is_taken(void **state)
{
	struct packet_socket_message message;
	uint8_t out[64];
	size_t n = make(out, "abc");

	assert_true(packet_socket_parse(out, n, 68, false, &message));
	assert_int_equal(message.source, 0xc6120001);
	assert_int_equal(message.destination, 0xffffffff);
	assert_int_equal(message.source_port, 67);
	assert_int_equal(message.payload_bytes, 3);
	assert_memory_equal(message.payload, "abc", 3);
	assert_true(packet_socket_parse(out, n + 9, 0, false, &message)); // padded on the wire
	assert_int_equal(message.payload_bytes, 3);
}

static void what_is_broken_is_not(void **state)
{
	struct packet_socket_message message;
	uint8_t good[64], out[64];
	size_t n = make(good, "abc");

	for (size_t cut = 0; cut < n; cut++)
		assert_false(packet_socket_parse(good, cut, 68, true, &message));
	assert_false(packet_socket_parse(good, n, 67, false, &message));
	for (size_t i = 0; i < n; i++) { // each byte counts in a sum
		memcpy(out, good, n);
		out[i] ^= 0x21;
		assert_false(packet_socket_parse(out, n, 0, false, &message));
	}
	memcpy(out, good, n);
	out[n - 1] ^= 1;
	assert_true(packet_socket_parse(out, n, 68, true, &message)); // not made yet: veth, TAP
	memcpy(out, good, n);
	out[26] = out[27] = 0;
	out[n - 1] ^= 1;
	assert_true(packet_socket_parse(out, n, 68, false, &message)); // RFC 768: none was made
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_the_rfcs_have_them),
		cmocka_unit_test(what_was_made_is_taken),
		cmocka_unit_test(what_is_broken_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
