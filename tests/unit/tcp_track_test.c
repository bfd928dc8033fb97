// SPDX-License-Identifier: BSD-3-Clause
// What of an established TCP connection fits its windows, and how far they reach.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tcp_world.h"

// An established connection: both sides' scales (one more; 0: none) and the windows that they have
// announced since; each has sent nothing yet.
static void establish(struct tcp_world *world, const uint8_t scales[2], const uint16_t windows[2])
{
	const struct segment handshake[] = {
		{0, SYN, ISN_0, 0, 0, 64240, scales[0]},
		{1, SYN | ACK, ISN_1, ISN_0 + 1, 0, 65160, scales[1]},
		{0, ACK, ISN_0 + 1, ISN_1 + 1, 0, windows[0], 0},
		{1, ACK, ISN_1 + 1, ISN_0 + 1, 0, windows[1], 0},
	};

	tcp_world_init(world, false);
	for (unsigned i = 0; i < RTE_DIM(handshake); i++)
		assert_int_equal(tcp_world_send(world, &handshake[i]), OK);
	assert_int_equal(tcp_world_phase(world), FLOW_TCP_ESTABLISHED);
}

enum { WRONG_ACK = 0x60000000 };

// What the opener sends next, from the number behind its SYN on. `is_plain`: without a second look.
static const struct window_row {
	const char *name;
	uint8_t scales[2];
	uint16_t windows[2];
	uint32_t seq, bytes, ack;
	unsigned verdict;
	bool is_plain;
} window_rows[] = {
	{"the next segment", {8, 8}, {502, 509}, 0, 1448, 0, OK, true},
	{"a pure acknowledgement", {8, 8}, {502, 509}, 0, 0, 0, OK, true},
	{"a segment of GRO, 64 KiB", {8, 8}, {502, 1024}, 0, 65483, 0, OK, true},
	{"a keep-alive: one byte back, empty", {8, 8}, {502, 509}, UINT32_MAX, 0, 0, OK, true},
	{"a keep-alive: one byte back, with a byte", {8, 8}, {502, 509}, UINT32_MAX, 1, 0, OK,
		true},
	{"all before it was lost, one window", {8, 8}, {502, 4096}, 4096 * 128 - 1448, 1448, 0, OK,
		false},
	{"sent again, one window back", {8, 8}, {502, 4096}, -(4096 * 128u), 1448, 0, OK, false},
	{"the same without scaling", {0, 0}, {502, 65535}, 65535 - 1448, 1448, 0, OK, true},
	{"a probe of a window that is full", {0, 0}, {502, 65535}, 65535, 1, 0, OK, false},
	{"a window ahead and more, by one who knows it all", {8, 8}, {502, 512}, (1 << 20) - 1, 0,
		0, OK, false},
	{"a window ahead and more, by one who does not", {8, 8}, {502, 512}, (1 << 17) + 1, 0, -1u,
		NO_WINDOW, false},
	{"scaling that only one side wants", {15, 0}, {502, 1024}, 65536 * 8, 1, 0, NO_WINDOW,
		false},
	{"scale 14, a window of 1 GiB", {15, 15}, {502, 65535}, 65535u << 14, 0, 0, OK, false},
	{"scale 15 and more means 14", {15, 200}, {502, 65535}, 65535u << 14, 0, 0, OK, false},
	{"beyond every window", {8, 8}, {502, 512}, 1 << 20, 0, 0, NO_WINDOW, false},
	{"long before every window", {8, 8}, {502, 512}, -(1u << 20) - 1, 0, 0, NO_WINDOW, false},
	{"more than a step ahead, by one who knows the other side", {8, 8}, {502, 512}, 1 << 16, 0,
		0, OK, false},
	{"more than a step ahead, by one who does not", {8, 8}, {502, 512}, 1 << 16, 0, WRONG_ACK,
		NO_WINDOW, false},
	{"far behind, by one who knows the other side", {8, 8}, {502, 512}, -(1u << 20), 0, 0, OK,
		false},
	{"far behind, by one who does not", {8, 8}, {502, 512}, -(1u << 20), 0, WRONG_ACK,
		NO_WINDOW, false},
	{"the middle of nowhere", {8, 8}, {502, 512}, 0x80000000, 100, 0, NO_WINDOW, false},
};

static void only_what_fits_a_window_passes(void **state)
{
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(window_rows); i++) {
		const struct window_row *row = &window_rows[i];
		struct segment s = {0, ACK, ISN_0 + 1 + row->seq, ISN_1 + 1 + row->ack, row->bytes,
			row->windows[0], 0};
		unsigned verdict, n_slow;

		establish(&world, row->scales, row->windows);
		n_slow = world.n_slow;
		verdict = tcp_world_send(&world, &s);
		if (verdict != row->verdict || (world.n_slow == n_slow) != row->is_plain)
			fail_msg("%s: verdict %u, %s", row->name, verdict,
				world.n_slow == n_slow ? "plain" : "not plain");
	}
}

static void a_connection_is_followed_past_the_end_of_numbers(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {8, 8};
	const uint16_t windows[2] = {502, 502};
	struct segment data = {0, ACK, ISN_0 + 1, ISN_1 + 1, 60000, 502, 0};
	struct segment ack = {1, ACK, ISN_1 + 1, 0, 0, 502, 0};
	unsigned n_slow;

	(void)state;
	establish(&world, scales, windows);
	n_slow = world.n_slow;
	for (unsigned i = 0; i < 200000; i++) { // 12 GB
		assert_int_equal(tcp_world_send(&world, &data), OK);
		data.seq += data.bytes;
		ack.ack = data.seq;
		assert_int_equal(tcp_world_send(&world, &ack), OK);
	}
	assert_int_equal(world.n_slow, n_slow);
	assert_int_equal(world.flow.dir[0].tcp_end, data.seq);
}

static void a_window_that_grows_reaches_as_far_at_once(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {1, 9};
	const uint16_t windows[2] = {502, 100};
	struct segment ack = {1, ACK, ISN_1 + 1, ISN_0 + 1, 0, 100, 0};

	(void)state;
	establish(&world, scales, windows);
	for (uint32_t window = 200; window <= 65535; window += 200) {
		// the last of a whole window; the others were lost on their way to the router
		struct segment s = {0, ACK, ack.ack + (window << 8) - 100, ISN_1 + 1, 100, 502, 0};

		ack.window = (uint16_t)window;
		assert_int_equal(tcp_world_send(&world, &ack), OK);
		assert_int_equal(tcp_world_send(&world, &s), OK);
		s.seq = ack.ack; // and the first, sent again
		assert_int_equal(tcp_world_send(&world, &s), OK);
		ack.ack += window << 8;
	}
}

static void options_that_lie_about_their_length_are_no_options(void **state)
{
	static const uint8_t rows[][8] = {
		{3, 2, 7, 0, 0, 0, 0, 0},   // too short for what it is
		{3, 4, 7, 0, 0, 0, 0, 0},   // too long
		{2, 0, 3, 3, 7, 0, 0, 0},   // a length of nothing
		{2, 200, 3, 3, 7, 0, 0, 0}, // past the header
		{1, 1, 1, 1, 1, 1, 1, 3},   // cut off
		{0, 3, 3, 7, 0, 0, 0, 0},   // behind the end
		{8, 7, 0, 0, 0, 0, 0, 3},   // its length is the next header
	};
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct segment s = {0, SYN, ISN_0, 0, 0, 100, 1};
		enum flow_phase phase;
		struct packet p;

		tcp_world_init(&world, false);
		p = tcp_world_packet(&world, &s);
		memcpy((uint8_t *)packet_l4(&p) + sizeof(struct rte_tcp_hdr), rows[i], 8);
		assert_int_equal(tcp_track_slow(&p, &world.flow.dir[0], false, &phase), OK);
		assert_int_equal(world.flow.state.tcp_scales, 0);
	}
}

static void a_syn_that_begins_is_noted_as_any_other(void **state)
{
	static struct tcp_world world, slow;

	(void)state;
	for (unsigned scale = 0; scale < 20; scale++) {
		for (uint32_t bytes = 0; bytes < 1400; bytes += 700) {
			struct segment s = {
				0, SYN, UINT32_MAX - 700, 0, bytes, 0xffff, (uint8_t)scale};
			enum flow_phase phase;
			struct packet p;

			tcp_world_init(&world, false);
			tcp_world_init(&slow, false);
			p = tcp_world_packet(&slow, &s);
			assert_true(tcp_track_begins(&p));
			assert_int_equal(tcp_track_slow(&p, &slow.flow.dir[0], false, &phase), OK);
			assert_int_equal(phase, FLOW_UNREPLIED);
			tcp_track_begin(&p, &world.flow);
			assert_memory_equal(&world.flow, &slow.flow, sizeof(world.flow));
		}
	}
}

static void what_else_has_a_syn_does_not_begin_plainly(void **state)
{
	static const uint8_t flags[] = {ACK, SYN | ACK, SYN | RST, SYN | FIN, RST, FIN | ACK};
	static struct tcp_world world;

	(void)state;
	tcp_world_init(&world, false);
	for (unsigned i = 0; i < RTE_DIM(flags); i++) {
		struct segment s = {0, flags[i], ISN_0, 0, 0, 100, 0};
		struct packet p = tcp_world_packet(&world, &s);

		assert_false(tcp_track_begins(&p));
	}
}

static void a_quote_is_of_what_was_sent_lately(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {8, 8};
	const uint16_t windows[2] = {502, 502};
	struct segment data = {0, ACK, ISN_0 + 1, ISN_1 + 1, 50000, 502, 0};

	(void)state;
	tcp_world_init(&world, false);
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], 0)); // before anything was sent
	establish(&world, scales, windows);
	assert_int_equal(tcp_world_send(&world, &data), OK);
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 1));
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 40000));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 0x40000));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 - 0x40000));
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[1], ISN_1 + 1));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[1], ISN_0 + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_fits_a_window_passes),
		cmocka_unit_test(a_connection_is_followed_past_the_end_of_numbers),
		cmocka_unit_test(a_window_that_grows_reaches_as_far_at_once),
		cmocka_unit_test(options_that_lie_about_their_length_are_no_options),
		cmocka_unit_test(a_syn_that_begins_is_noted_as_any_other),
		cmocka_unit_test(what_else_has_a_syn_does_not_begin_plainly),
		cmocka_unit_test(a_quote_is_of_what_was_sent_lately),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
