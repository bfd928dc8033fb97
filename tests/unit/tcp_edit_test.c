// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "dataplane/tcp_edit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Ten bytes at 1000 became fourteen, after five more that earlier stretches had added.
static struct tcp_edit edit_at(uint32_t at)
{
	return (struct tcp_edit){.at = at, .before = 5, .old_bytes = 10, .new_bytes = 14};
}

static void numbers_move_behind_the_stretch(void **state)
{
	static const struct {
		uint32_t there, forth;
	} rows[] = {{0, 5}, {-1, 4}, {10, 19}, {11, 20}, {500, 509}, {-500, -495}};
	static const uint32_t places[] = {1000, 0, UINT32_MAX - 4, 0x7ffffffb};

	for (unsigned p = 0; p < COUNT(places); p++) {
		struct tcp_edit edit = edit_at(places[p]);

		for (unsigned i = 0; i < COUNT(rows); i++) {
			uint32_t seq = places[p] + rows[i].there;
			uint32_t forth = places[p] + rows[i].forth;

			assert_int_equal(tcp_edit_forth(&edit, seq), forth);
			assert_int_equal(tcp_edit_back(&edit, forth, false), seq);
			assert_int_equal(tcp_edit_back(&edit, forth, true), seq);
		}
		for (uint32_t i = 6; i < 19; i++) { // in the middle of the new text
			assert_int_equal(tcp_edit_back(&edit, places[p] + i, false), places[p]);
			assert_int_equal(tcp_edit_back(&edit, places[p] + i, true), places[p] + 10);
		}
	}
}

static void without_a_stretch_nothing_moves(void **state)
{
	static const uint32_t numbers[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};
	struct tcp_edit edit = {0};

	for (unsigned i = 0; i < COUNT(numbers); i++) {
		assert_int_equal(tcp_edit_forth(&edit, numbers[i]), numbers[i]);
		assert_int_equal(tcp_edit_back(&edit, numbers[i], false), numbers[i]);
		assert_int_equal(tcp_edit_part(&edit, numbers[i], 100), TCP_EDIT_NOTHING);
	}
}

static void stretches_add_up(void **state)
{
	struct tcp_edit edit = {0};
	uint32_t at = UINT32_MAX - 300, sum = 0;

	for (uint32_t i = 0; i < 40; i++) { // past the end of numbers
		uint16_t old_bytes = (uint16_t)(10 + i % 7), new_bytes = (uint16_t)(8 + i % 11);

		tcp_edit_begin(&edit, at, old_bytes, "abcdefghijklmnopqrst", new_bytes);
		assert_int_equal(tcp_edit_forth(&edit, at), at + sum);
		sum += new_bytes - old_bytes;
		assert_int_equal(tcp_edit_forth(&edit, at + old_bytes), at + old_bytes + sum);
		assert_memory_equal(edit.text, "abcdefghijklmnopqrst", new_bytes);
		at += 100;
	}
}

static void a_stretch_long_past_is_settled(void **state)
{
	struct tcp_edit edit = edit_at(1000);

	tcp_edit_settle(&edit, 5000);
	assert_int_equal(edit.old_bytes, 10);
	tcp_edit_settle(&edit, 1000 + (1 << 20));
	assert_int_equal(edit.old_bytes, 0);
	for (uint32_t ack = 1 << 20; ack < UINT32_C(0xf0000000); ack += 1 << 28) {
		tcp_edit_settle(&edit, ack); // half of all numbers further on, and more
		assert_int_equal(tcp_edit_forth(&edit, ack + 1), ack + 10);
		assert_int_equal(tcp_edit_back(&edit, ack + 10, false), ack + 1);
	}
}

static void a_segment_has_all_some_or_nothing_of_it(void **state)
{
	static const struct {
		uint32_t seq, bytes;
		enum tcp_edit_part part;
	} rows[] = {
		{1000, 10, TCP_EDIT_ALL},
		{990, 30, TCP_EDIT_ALL},
		{1000, 9, TCP_EDIT_SOME},
		{1001, 20, TCP_EDIT_SOME},
		{1004, 2, TCP_EDIT_SOME},
		{990, 10, TCP_EDIT_NOTHING},
		{990, 11, TCP_EDIT_SOME},
		{1010, 10, TCP_EDIT_NOTHING},
		{1009, 1, TCP_EDIT_SOME},
	};
	struct tcp_edit edit = edit_at(1000);

	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_int_equal(tcp_edit_part(&edit, rows[i].seq, rows[i].bytes), rows[i].part);
}

// --- headers ---

struct header {
	struct rte_tcp_hdr tcp;
	uint8_t options[40];
};

static uint16_t sum_of(const struct header *header)
{
	return rte_raw_cksum(header, (size_t)(header->tcp.data_off >> 4) * 4);
}

static struct header header_of(const uint8_t *options, uint8_t bytes)
{
	struct header header = {.tcp = {
					.sent_seq = RTE_BE32(2000),
					.recv_ack = RTE_BE32(1019),
					.tcp_flags = RTE_TCP_ACK_FLAG,
					.data_off = (uint8_t)((20 + bytes) / 4 << 4),
				}};

	if (bytes > 0)
		memcpy(header.options, options, bytes);
	header.tcp.cksum = (uint16_t)~sum_of(&header);
	return header;
}

static void put_block(uint8_t *at, uint32_t left, uint32_t right)
{
	left = rte_cpu_to_be_32(left);
	right = rte_cpu_to_be_32(right);
	memcpy(at, &left, 4);
	memcpy(at + 4, &right, 4);
}

static void a_header_is_told_in_the_other_ends_numbers(void **state)
{
	uint8_t options[40] = {1, 1, 5, 18}, wanted[40] = {1, 1, 5, 18};
	struct tcp_edit own = {.at = 1500, .old_bytes = 10, .new_bytes = 7}, other = edit_at(1000);
	struct header header;

	put_block(options + 4, 1029, 1129);
	put_block(wanted + 4, 1020, 1120);
	put_block(options + 12, 1010, 1012); // nobody has only a part of it
	put_block(wanted + 12, 1010, 1010);
	header = header_of(options, 20);
	tcp_edit_header(&header.tcp, &own, &other);
	assert_int_equal(header.tcp.sent_seq, RTE_BE32(1997));
	assert_int_equal(header.tcp.recv_ack, RTE_BE32(1010));
	assert_memory_equal(header.options, wanted, 20);
	assert_int_equal(sum_of(&header), 0xffff);
}

static void without_ack_there_is_no_number_to_tell(void **state)
{
	struct tcp_edit own = {0}, other = edit_at(1000);
	struct header header = header_of(NULL, 0);

	header.tcp.tcp_flags = RTE_TCP_RST_FLAG;
	tcp_edit_header(&header.tcp, &own, &other);
	assert_int_equal(header.tcp.recv_ack, RTE_BE32(1019));
}

static void options_that_lie_about_their_length_are_left(void **state)
{
	static const uint8_t options[][8] = {
		{5, 0, 1, 1, 1, 1, 1, 1},
		{5, 1, 1, 1, 1, 1, 1, 1},
		{5, 9, 1, 1, 1, 1, 1, 1},
		{5, 255, 1, 1, 1, 1, 1, 1},
		{1, 1, 1, 1, 1, 1, 1, 5},
		{5, 7, 1, 1, 1, 1, 1, 0},
		{0, 5, 6, 1, 1, 1, 1, 1},
	};
	struct tcp_edit own = {0}, other = edit_at(1000);

	for (unsigned i = 0; i < COUNT(options); i++) {
		struct header header = header_of(options[i], 8);

		tcp_edit_header(&header.tcp, &own, &other);
		assert_memory_equal(header.options, options[i], 8);
		assert_int_equal(sum_of(&header), 0xffff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_move_behind_the_stretch),
		cmocka_unit_test(without_a_stretch_nothing_moves),
		cmocka_unit_test(stretches_add_up),
		cmocka_unit_test(a_stretch_long_past_is_settled),
		cmocka_unit_test(a_segment_has_all_some_or_nothing_of_it),
		cmocka_unit_test(a_header_is_told_in_the_other_ends_numbers),
		cmocka_unit_test(without_ack_there_is_no_number_to_tell),
		cmocka_unit_test(options_that_lie_about_their_length_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
