// SPDX-License-Identifier: BSD-3-Clause
// Echo questions as they are sent, and what counts as an answer to one.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "cfg/base/addr.h"
#include "control/uplink/uplink_echo.h"

static const struct uplink_echo question = {.id = 0x1234, .sequence = 0x00ff};

static void a_question_has_its_checksum(void **state)
{
	uint8_t bytes[UPLINK_ECHO_BYTES];
	uint32_t sum = 0;

	assert_int_equal(uplink_echo_write(IP_V4, &question, bytes), UPLINK_ECHO_BYTES);
	assert_int_equal(bytes[0], 8);
	for (size_t i = 0; i < sizeof(bytes); i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff); // RFC 1071
}

// An answer of IPv4 with `words` words of header.
static size_t answer4(uint8_t *out, unsigned words)
{
	memset(out, 0, 128);
	out[0] = (uint8_t)(0x40 | words);
	out[9] = 1;
	uplink_echo_write(IP_V4, &question, out + words * 4);
	out[words * 4] = 0; // answers
	return words * 4 + UPLINK_ECHO_BYTES;
}

static void an_answer_is_read_behind_any_header(void **state)
{
	uint8_t bytes[128];

	for (unsigned words = 5; words <= 15; words++) {
		struct uplink_echo echo = {0};
		size_t n = answer4(bytes, words);

		assert_true(uplink_echo_read(IP_V4, bytes, n, &echo));
		assert_int_equal(echo.id, question.id);
		assert_int_equal(echo.sequence, question.sequence);
	}
}

static void an_answer_of_ip6_has_no_header(void **state)
{
	uint8_t bytes[UPLINK_ECHO_BYTES];
	struct uplink_echo echo = {0};

	uplink_echo_write(IP_V6, &question, bytes);
	assert_false(uplink_echo_read(IP_V6, bytes, sizeof(bytes), &echo)); // a question
	bytes[0] = 129;
	assert_true(uplink_echo_read(IP_V6, bytes, sizeof(bytes), &echo));
	assert_int_equal(echo.sequence, question.sequence);
}

static void nothing_else_is_an_answer(void **state)
{
	uint8_t bytes[128];
	struct uplink_echo echo;
	size_t n = answer4(bytes, 5);

	for (size_t cut = 0; cut < 28; cut++)
		assert_false(uplink_echo_read(IP_V4, bytes, cut, &echo));
	bytes[9] = 17;
	assert_false(uplink_echo_read(IP_V4, bytes, n, &echo));
	n = answer4(bytes, 5);
	bytes[20] = 3;
	assert_false(uplink_echo_read(IP_V4, bytes, n, &echo));
	n = answer4(bytes, 5);
	bytes[21] = 1;
	assert_false(uplink_echo_read(IP_V4, bytes, n, &echo));
	n = answer4(bytes, 4);
	assert_false(uplink_echo_read(IP_V4, bytes, n, &echo)); // no such header
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_has_its_checksum),
		cmocka_unit_test(an_answer_is_read_behind_any_header),
		cmocka_unit_test(an_answer_of_ip6_has_no_header),
		cmocka_unit_test(nothing_else_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
