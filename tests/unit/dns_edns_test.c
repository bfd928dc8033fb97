// SPDX-License-Identifier: BSD-3-Clause
// What EDNS carries beside: why an answer is what it is (RFC 8914), padding (RFC 7830).
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/dns/pad.h"

enum { EXTRA_OPTION = 15, PADDING_OPTION = 12 };

static uint8_t wire[DNS_MESSAGE_BYTES], out[DNS_MESSAGE_BYTES];

// A question for a name of that many bytes in its first label.
static size_t write_query(size_t label, bool has_edns, uint16_t udp_bytes)
{
	struct cursor_out to = cursor_out_of(wire, sizeof(wire));

	cursor_put(&to, "\x12\x34\1\0\0\1\0\0\0\0\0", DNS_HEADER_BYTES - 1);
	cursor_put_u8(&to, has_edns);
	cursor_put_u8(&to, (uint8_t)label);
	for (size_t i = 0; i < label; i++)
		cursor_put_u8(&to, 'a');
	cursor_put(&to, "\0\0\1\0\1", 5);
	if (has_edns) {
		cursor_put(&to, "\0\0\x29", 3);
		cursor_put_u16(&to, udp_bytes);
		cursor_put_zeroes(&to, 6);
	}
	return to.n;
}

static void assert_option(const struct dns_message *message, uint16_t option, uint16_t bytes)
{
	struct cursor in =
		cursor_of(message->bytes + message->edns.options_at, message->edns.options_bytes);

	assert_int_equal(cursor_u16(&in), option);
	assert_int_equal(cursor_u16(&in), bytes);
	assert_int_equal(in.left, bytes);
}

static void every_padded_question_is_of_whole_blocks(void **state)
{
	for (size_t label = 1; label <= DNS_LABEL_BYTES_MAX; label++) {
		size_t n = write_query(label, true, 1232), padded;
		struct dns_message message;

		padded = dns_pad(wire, n, sizeof(wire));
		assert_int_equal(padded % PAD_BLOCK_BYTES, 0);
		assert_in_range(padded, n + 4, n + 4 + PAD_BLOCK_BYTES - 1);
		assert_int_equal(dns_message_parse(wire, padded, &message), 0);
		assert_int_equal(message.question.name.len, label + 2);
		assert_option(&message, PADDING_OPTION, (uint16_t)(padded - n - 4));
	}
}

static void what_has_no_room_is_not_padded(void **state)
{
	size_t n = write_query(5, true, 1232);

	memcpy(out, wire, n);
	assert_int_equal(dns_pad(wire, n, PAD_BLOCK_BYTES - 1), n);
	assert_memory_equal(wire, out, n);
	assert_int_equal(dns_pad(wire, n, PAD_BLOCK_BYTES), PAD_BLOCK_BYTES);
}

static size_t explain(bool has_edns, uint16_t udp_bytes, const char *text, struct dns_message *got)
{
	struct dns_message query;
	struct asked asked;
	size_t n;

	assert_int_equal(dns_message_parse(wire, write_query(5, has_edns, udp_bytes), &query), 0);
	asked_by(&query, false, &asked);
	n = answer_write_code(&asked, DNS_REFUSED, out, sizeof(out));
	n = answer_explain(&asked, DNS_EXTRA_PROHIBITED, text, out, n, sizeof(out));
	assert_int_equal(dns_message_parse(out, n, got), 0);
	assert_int_equal(dns_message_rcode(got), DNS_REFUSED);
	return n;
}

static void a_reason_goes_to_who_speaks_edns(void **state)
{
	struct dns_message got;
	char text[DNS_UDP_BYTES];

	explain(true, 1232, "why", &got);
	assert_option(&got, EXTRA_OPTION, 5);
	assert_memory_equal(got.bytes + got.edns.options_at + 4, "\0\x12why", 5);
	explain(true, 1232, "", &got);
	assert_option(&got, EXTRA_OPTION, 2);
	assert_int_equal(explain(false, 0, "why", &got), 23);
	assert_false(got.edns.is_there);
	// cut at what a text may have
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	explain(true, 512, text, &got);
	assert_option(&got, EXTRA_OPTION, 2 + DNS_EXTRA_TEXT_MAX);
}

static void a_reason_without_room_has_no_text_or_is_not_there(void **state)
{
	struct dns_message query, got;
	struct asked asked;
	size_t n, told;

	assert_int_equal(dns_message_parse(wire, write_query(5, true, 1232), &query), 0);
	asked_by(&query, false, &asked);
	n = answer_write_code(&asked, DNS_REFUSED, out, sizeof(out));
	told = answer_explain(&asked, DNS_EXTRA_PROHIBITED, "why", out, n, n + 8);
	assert_int_equal(told, n + 6);
	assert_int_equal(dns_message_parse(out, told, &got), 0);
	assert_option(&got, EXTRA_OPTION, 2);
	n = answer_write_code(&asked, DNS_REFUSED, out, sizeof(out));
	assert_int_equal(answer_explain(&asked, DNS_EXTRA_PROHIBITED, "why", out, n, n + 5), n);
	assert_int_equal(dns_message_parse(out, n, &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_padded_question_is_of_whole_blocks),
		cmocka_unit_test(what_has_no_room_is_not_padded),
		cmocka_unit_test(a_reason_goes_to_who_speaks_edns),
		cmocka_unit_test(a_reason_without_room_has_no_text_or_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
