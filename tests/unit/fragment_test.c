// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include "tests/unit/ip4_packet.h"

enum { CODE = NEXTHOP_ADJACENCY_BASE + 5 };

static uint8_t bytes[70000];

static const uint8_t *piece(unsigned i)
{
	assert_true(i < n_sent);
	assert_int_equal(sent[i].m->nb_segs, 1);
	assert_true(RTE_MBUF_DIRECT(sent[i].m));
	assert_int_equal(sent[i].code, CODE);
	return rte_pktmbuf_mtod_offset(sent[i].m, const uint8_t *, L3_OFFSET);
}

static uint32_t header_bytes(const uint8_t *ip)
{
	return (uint32_t)(ip[0] & 15) * 4;
}

static uint32_t total_bytes(const uint8_t *ip)
{
	return (uint32_t)ip[2] << 8 | ip[3];
}

static uint16_t fragment_field(const uint8_t *ip)
{
	return (uint16_t)(ip[6] << 8 | ip[7]);
}

// What RFC 791 3.2 wants of the pieces of `p`, whatever their number.
static void check_pieces(const struct ip4_packet *p, uint16_t mtu)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < n_sent; i++) {
		const uint8_t *ip = piece(i);
		uint32_t header = header_bytes(ip), payload = total_bytes(ip) - header;
		bool is_last = i + 1 == n_sent;

		assert_int_equal(sent[i].m->pkt_len, L3_OFFSET + header + payload);
		assert_in_range(header + payload, header + 1, mtu);
		assert_true(is_last || payload % 8 == 0);
		// as much as fits: no needless pieces
		assert_true(is_last || header + payload + 8 > mtu);
		assert_int_equal(ones_sum(ip, header, 0), 0xffff);
		assert_int_equal(fragment_field(ip) & 0x1fff, (p->fragment & 0x1fff) + at / 8);
		assert_int_equal(
			fragment_field(ip) & 0x2000, is_last ? p->fragment & 0x2000 : 0x2000);
		assert_int_equal(ip[1], 0x28);
		assert_int_equal(ip[4] << 8 | ip[5], p->id);
		assert_int_equal(ip[8], 63);
		assert_memory_equal(ip + 12, "\xc6\x33\x64\x07\xcb\x00\x71\x09", 8);
		for (uint32_t j = 0; j < payload; j++)
			assert_int_equal(
				ip[header + j], payload_byte(p->payload_at + at + j, p->fill));
		at += payload;
	}
	assert_int_equal(at, p->payload_bytes);
}

static void cut(const struct ip4_packet *p, uint16_t mtu, uint32_t first, uint32_t segment)
{
	sent_free();
	fragment_send4(&worker, ip4_packet_new(p, first, segment), CODE, mtu);
}

static void sizes_around_the_mtu_make_the_pieces_they_should(void **state)
{
	static const struct {
		uint32_t payload_bytes;
		uint16_t mtu;
		unsigned pieces;
	} rows[] = {
		{1, 1500, 1},
		{1480, 1500, 1},
		{1481, 1500, 2},
		{1487, 1500, 2},
		{1488, 1500, 2},
		{2959, 1500, 2},
		{2960, 1500, 2},
		{2961, 1500, 3},
		{1472, 1492, 1},
		{1473, 1492, 2},
		{1473, 1499, 1}, // 1479 bytes of room hold 1472 of any piece but the last
		{1479, 1499, 1},
		{1480, 1499, 2},
		{2951, 1499, 2},
		{2952, 1499, 3},
		{1480, 68, 31}, // 48 a piece
		{65515, 1500, 45},
		{65515, 576, 119},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip4_packet p = {
			.id = (uint16_t)(i + 1), .payload_bytes = rows[i].payload_bytes};

		cut(&p, rows[i].mtu, 1600, 1600);
		if (n_sent != rows[i].pieces)
			fail_msg("%u bytes by %u: %u pieces, not %u", rows[i].payload_bytes,
				rows[i].mtu, n_sent, rows[i].pieces);
		check_pieces(&p, rows[i].mtu);
		assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 0);
	}
}

static void only_what_was_cut_counts_as_cut(void **state)
{
	struct ip4_packet p = {.payload_bytes = 1480};

	cut(&p, 1500, 2000, 2000);
	assert_int_equal(counted(COUNTER_FRAGMENTED), 0);
	p.payload_bytes = 3000;
	cut(&p, 1500, 1600, 1600);
	assert_int_equal(counted(COUNTER_FRAGMENTED), 1);
}

static void padding_of_the_frame_is_left_behind(void **state)
{
	struct ip4_packet p = {.payload_bytes = 100, .padding_bytes = 30};

	cut(&p, 1500, 2000, 2000);
	assert_int_equal(n_sent, 1);
	check_pieces(&p, 1500);
	p.payload_bytes = 1600;
	cut(&p, 1500, 2000, 2000);
	assert_int_equal(n_sent, 2);
	check_pieces(&p, 1500);
}

static void a_chain_that_fits_becomes_one_buffer_bit_for_bit(void **state)
{
	static uint8_t want[2000];
	struct ip4_packet p = {.id = 9, .fragment = 0x4000, .payload_bytes = 1200};
	uint32_t n = ip4_packet_frame(&p, want);

	cut(&p, 1500, L3_OFFSET + 20, 100);
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent[0].m->pkt_len, n);
	assert_memory_equal(piece(0), want + L3_OFFSET, n - L3_OFFSET);
}

static void a_fragment_is_cut_further_where_it_stands(void **state)
{
	static const uint16_t fields[] = {0x2000, 0x2001, 0x2000 | 185, 185, 1000};

	for (unsigned i = 0; i < RTE_DIM(fields); i++) {
		struct ip4_packet p = {.id = 77,
			.fragment = fields[i],
			.payload_at = (fields[i] & 0x1fffu) * 8,
			.payload_bytes = (fields[i] & 0x2000) != 0 ? 1480 : 1477};

		cut(&p, 600, 2000, 2000);
		assert_int_equal(n_sent, 3);
		check_pieces(&p, 600);
	}
}

static void options_go_where_their_copied_flag_says(void **state)
{
	static const struct {
		uint8_t n;
		uint8_t options[12];
		uint8_t n_later;
		uint8_t later[12];
	} rows[] = {
		// NOP, record route (7, not copied)
		{8, {1, 7, 7, 4, 0, 0, 0, 0}, 0, {0}},
		// router alert (148, copied)
		{4, {148, 4, 0, 0}, 4, {148, 4, 0, 0}},
		// record route first, then router alert
		{12, {7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0}, 4, {148, 4, 0, 0}},
		// router alert, then an end: what follows is no option
		{12, {148, 4, 0, 0, 0, 148, 4, 9, 9, 9, 9, 9}, 4, {148, 4, 0, 0}},
		// copied and of odd length: padded
		{8, {0x88, 3, 5, 1, 1, 1, 1, 1}, 4, {0x88, 3, 5, 0}},
		// malformed lengths end the copying
		{4, {148, 0, 0, 0}, 0, {0}},
		{4, {148, 1, 0, 0}, 0, {0}},
		{4, {148, 5, 0, 0}, 0, {0}},
		{4, {1, 1, 1, 148}, 0, {0}},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip4_packet p = {
			.id = (uint16_t)i, .payload_bytes = 3000, .n_options = rows[i].n};

		memcpy(p.options, rows[i].options, rows[i].n);
		cut(&p, 1500, 1600, 1600);
		assert_int_equal(n_sent, 3);
		check_pieces(&p, 1500);
		assert_int_equal(header_bytes(piece(0)), 20 + rows[i].n);
		assert_memory_equal(piece(0) + 20, rows[i].options, rows[i].n);
		for (unsigned j = 1; j < n_sent; j++) {
			assert_int_equal(header_bytes(piece(j)), 20 + rows[i].n_later);
			if (rows[i].n_later > 0)
				assert_memory_equal(piece(j) + 20, rows[i].later, rows[i].n_later);
		}
	}
}

static void forty_bytes_of_options_still_leave_room_at_the_smallest_mtu(void **state)
{
	struct ip4_packet p = {.payload_bytes = 30, .n_options = 40};

	memset(p.options, 1, sizeof(p.options));
	cut(&p, 68, 2000, 2000);
	assert_int_equal(n_sent, 2); // 8, and 22 behind a header without options
	check_pieces(&p, 68);
}

static void what_cannot_be_cut_is_dropped_and_counted(void **state)
{
	static const struct {
		const char *what;
		struct ip4_packet p;
		uint16_t mtu;
	} rows[] = {
		{"may not be fragmented", {.fragment = 0x4000, .payload_bytes = 1481}, 1500},
		{"an mtu no link has", {.payload_bytes = 1481}, 67},
		{"no mtu", {.payload_bytes = 1481}, 0},
		{"others follow off a boundary", {.fragment = 0x2000, .payload_bytes = 1601}, 1500},
		{"past the end of any packet", {.fragment = 0x1fff, .payload_bytes = 1600}, 1500},
		{"more pieces than anyone needs", {.payload_bytes = 65515}, 80},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		cut(&rows[i].p, rows[i].mtu, 1600, 1600);
		if (n_sent != 0 || counted(COUNTER_DROP_FRAGMENT_FAILED) != i + 1)
			fail_msg("%s: %u pieces", rows[i].what, n_sent);
	}
	assert_int_equal(counted(COUNTER_FRAGMENTED), 0);
}

static void a_header_that_lies_is_dropped(void **state)
{
	struct ip4_packet p = {.payload_bytes = 100};
	uint32_t n = ip4_packet_frame(&p, bytes);

	bytes[L3_OFFSET] = 0x44; // header shorter than one
	fragment_send4(&worker, frame_new(bytes, n, n, n), CODE, 1500);
	bytes[L3_OFFSET] = 0x4f; // options past the first buffer
	fragment_send4(&worker, frame_new(bytes, n, 40, n), CODE, 1500);
	bytes[L3_OFFSET] = 0x45;
	bytes[L3_OFFSET + 3] = 19; // shorter than its header
	fragment_send4(&worker, frame_new(bytes, n, n, n), CODE, 1500);
	bytes[L3_OFFSET + 3] = 121; // longer than the frame
	fragment_send4(&worker, frame_new(bytes, n, n, n), CODE, 1500);
	fragment_send4(&worker, frame_new(bytes, 30, 30, 30), CODE, 1500);
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 5);
	assert_int_equal(n_sent, 0);
}

static void all_pieces_or_none_when_buffers_run_out(void **state)
{
	static struct rte_mbuf *taken[POOL_SIZE];
	struct ip4_packet p = {.payload_bytes = 4000};

	for (unsigned left = 0; left <= 3; left++) {
		struct rte_mbuf *m = ip4_packet_new(&p, 1600, 1600);
		unsigned n = POOL_SIZE - m->nb_segs - left;

		assert_int_equal(rte_pktmbuf_alloc_bulk(worker.pool, taken, n), 0);
		fragment_send4(&worker, m, CODE, 1500);
		rte_pktmbuf_free_bulk(taken, n);
		assert_int_equal(n_sent, left == 3 ? 3 : 0);
	}
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 3);
	assert_int_equal(counted(COUNTER_FRAGMENTED), 1);
}

static void an_mtu_beyond_the_buffers_makes_pieces_that_fit_them(void **state)
{
	struct ip4_packet p = {.payload_bytes = 9000};

	cut(&p, 9600, 1600, 1600);
	assert_true(n_sent > 1);
	check_pieces(&p, 2048 - L3_OFFSET);
}

// Cut into pieces of at most `size`, and put together again.
static struct rte_mbuf *came_in_pieces(const struct ip4_packet *p, uint16_t size)
{
	struct rte_mbuf *whole = NULL;
	unsigned n;

	cut(p, size, 1600, 1600);
	n = n_sent;
	n_sent = 0;
	for (unsigned i = 0; i < n; i++) {
		assert_null(whole);
		whole = reassembly_add4(&worker, sent[i].m);
	}
	assert_non_null(whole);
	return whole;
}

static void what_came_in_pieces_leaves_in_none_larger(void **state)
{
	static const struct {
		uint32_t payload_bytes;
		uint16_t came, mtu, leaves; // the size of a full piece
	} rows[] = {
		{3000, 1500, 1500, 1500},
		{3000, 1500, 9000, 1500},
		{3000, 1276, 1500, 1276},
		{900, 500, 1500, 500}, // would fit as it is
		{3000, 1500, 1276, 1276},
		{3000, 1500, 68, 68},
		{100, 68, 1500, 68},
	};

	assert_int_equal(reassembly_init(&worker), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip4_packet p = {.id = (uint16_t)i, .payload_bytes = rows[i].payload_bytes};
		struct rte_mbuf *m = came_in_pieces(&p, rows[i].came);

		fragment_send4(&worker, m, CODE, rows[i].mtu);
		assert_true(n_sent > 1);
		check_pieces(&p, rows[i].leaves);
	}
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 0);
	reassembly_fini(&worker);
}

// No link is that small, so pieces below its size need not be kept as they are.
static void pieces_below_the_least_mtu_grow_to_it(void **state)
{
	struct ip4_packet p = {.id = 1, .payload_bytes = 96}, piece = p;
	struct rte_mbuf *m = NULL;

	assert_int_equal(reassembly_init(&worker), 0);
	piece.payload_bytes = 8;
	for (unsigned i = 0; i < 12; i++) {
		piece.payload_at = 8 * i;
		piece.fragment = (uint16_t)(i | (i < 11 ? 0x2000 : 0));
		m = reassembly_add4(&worker, ip4_packet_new(&piece, 200, 200));
	}
	assert_int_equal(fragment_largest(m), 28);
	fragment_send4(&worker, m, CODE, 1500);
	assert_int_equal(n_sent, 2);
	check_pieces(&p, 68);
	reassembly_fini(&worker);
}

// A first piece whose options every other must copy, and many that had none.
static void nobody_gets_more_packets_out_of_it_than_he_sent(void **state)
{
	struct ip4_packet piece = {
		.id = 1, .fragment = 0x2000, .payload_bytes = 8, .n_options = 40};
	struct rte_mbuf *m = NULL;

	assert_int_equal(reassembly_init(&worker), 0);
	memcpy(piece.options, "\x94\x28", 2);
	assert_null(reassembly_add4(&worker, ip4_packet_new(&piece, 200, 200)));
	piece.n_options = 0;
	piece.payload_bytes = 48;
	for (unsigned i = 0; i < 10; i++) {
		piece.payload_at = 8 + 48 * i;
		piece.fragment = (uint16_t)(piece.payload_at / 8 | (i < 9 ? 0x2000 : 0));
		m = reassembly_add4(&worker, ip4_packet_new(&piece, 200, 200));
	}
	fragment_send4(&worker, m, CODE, 1500); // 61 pieces of 68 bytes, of 11
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 1);
	reassembly_fini(&worker);
}

// What is cut comes back whole, whatever the order.
static void random_packets_survive_the_round_trip(void **state)
{
	unsigned n_whole = 0;

	assert_int_equal(reassembly_init(&worker), 0);
	for (unsigned round = 0; round < 100000; round++) {
		static uint8_t want[70000];
		bool is_long = round % 64 == 0;
		struct ip4_packet p = {.id = (uint16_t)round,
			.fill = (uint8_t)random32(),
			.payload_bytes = 8 + random32() % (is_long ? 20000 : 700),
			.n_options = (uint8_t)(random32() % 3 * 4),
			.options = {148, 4, 0, 0, 1, 1, 1, 1},
			.padding_bytes = random32() % 20};
		uint32_t n = ip4_packet_frame(&p, want) - p.padding_bytes;
		uint16_t mtu =
			(uint16_t)(is_long ? 576 + random32() % 1000 : 68 + random32() % 600);
		struct rte_mbuf *whole = NULL;

		cut(&p, mtu, 100 + random32() % 500, 50 + random32() % 1500);
		assert_true(n_sent > 0 && n_sent <= REASSEMBLY_PIECES_MAX);
		for (unsigned left = n_sent; left > 0; left--) {
			unsigned i = random32() % left;
			struct rte_mbuf *m = sent[i].m;

			assert_null(whole);
			sent[i] = sent[left - 1];
			n_sent = left - 1;
			whole = reassembly_add4(&worker, m);
		}
		assert_non_null(whole);
		assert_int_equal(flatten(whole, bytes), n);
		if (memcmp(bytes + L3_OFFSET, want + L3_OFFSET, n - L3_OFFSET) != 0)
			fail_msg("packet %u of %u bytes by %u differs", round, n, mtu);
		rte_pktmbuf_free(whole);
		n_whole++;
	}
	assert_int_equal(n_whole, 100000);
	assert_int_equal(counted(COUNTER_REASSEMBLED), n_whole);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
	reassembly_fini(&worker);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_setup, worker_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sizes_around_the_mtu_make_the_pieces_they_should),
		TEST(only_what_was_cut_counts_as_cut),
		TEST(padding_of_the_frame_is_left_behind),
		TEST(a_chain_that_fits_becomes_one_buffer_bit_for_bit),
		TEST(a_fragment_is_cut_further_where_it_stands),
		TEST(options_go_where_their_copied_flag_says),
		TEST(forty_bytes_of_options_still_leave_room_at_the_smallest_mtu),
		TEST(what_cannot_be_cut_is_dropped_and_counted),
		TEST(a_header_that_lies_is_dropped),
		TEST(all_pieces_or_none_when_buffers_run_out),
		TEST(an_mtu_beyond_the_buffers_makes_pieces_that_fit_them),
		TEST(what_came_in_pieces_leaves_in_none_larger),
		TEST(pieces_below_the_least_mtu_grow_to_it),
		TEST(nobody_gets_more_packets_out_of_it_than_he_sent),
		TEST(random_packets_survive_the_round_trip),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
