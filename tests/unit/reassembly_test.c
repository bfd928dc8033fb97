// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>

#include "tests/unit/reassembly_fixture.h"

static void pieces_in_any_order_make_the_packet(void **state)
{
	static const unsigned orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 0, 2, 1}, {1, 2, 3, 0}};
	static const uint32_t ends[] = {0, 800, 1600, 1608, 2001};

	for (unsigned i = 0; i < RTE_DIM(orders); i++) {
		for (unsigned j = 0; j < 4; j++) {
			unsigned k = orders[i][j];
			struct rte_mbuf *m = add_part((uint16_t)i, ends[k], ends[k + 1], k != 3);

			if (j < 3)
				assert_null(m);
			else
				check_whole(m, (uint16_t)i, 2001);
		}
	}
	assert_int_equal(counted(COUNTER_REASSEMBLED), RTE_DIM(orders));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void packets_under_way_together_do_not_mix(void **state)
{
	struct ip4_packet p;

	// told apart by identifier, and by protocol (RFC 791 3.2)
	for (uint16_t id = 0; id < 300; id++)
		assert_null(add_part(id, 0, 800, true));
	p = part(5, 0, 800, true);
	p.protocol = 47;
	p.fill = 0x55;
	assert_null(add(&p));
	for (uint16_t id = 300; id-- > 0;)
		check_whole(add_part(id, 800, 1000, false), id, 1000);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void senders_do_not_mix(void **state)
{
	struct ip4_packet p = part(7, 0, 800, true);
	uint32_t n = ip4_packet_frame(&p, bytes);

	assert_null(add(&p));
	bytes[L3_OFFSET + 15]++; // another source, another destination
	assert_null(reassembly_add4(&worker, frame_new(bytes, n, n, n)));
	bytes[L3_OFFSET + 15]--;
	bytes[L3_OFFSET + 19]++;
	assert_null(reassembly_add4(&worker, frame_new(bytes, n, n, n)));
	check_whole(add_part(7, 800, 900, false), 7, 900);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void the_largest_packet_there_is_comes_through(void **state)
{
	for (uint32_t at = 0; at < 65515; at += 1480) {
		bool is_last = at + 1480 >= 65515;
		struct rte_mbuf *m = add_part(3, at, is_last ? 65515 : at + 1480, !is_last);

		if (is_last)
			check_whole(m, 3, 65515);
		else
			assert_null(m);
	}
}

static void padding_of_small_frames_is_no_payload(void **state)
{
	struct ip4_packet p = part(3, 0, 24, true);

	p.padding_bytes = 2;
	assert_null(add(&p));
	p = part(3, 24, 25, false);
	p.padding_bytes = 25;
	check_whole(add(&p), 3, 25);
}

static void pieces_in_several_buffers_are_taken(void **state)
{
	struct ip4_packet p = part(3, 1480, 2960, true);

	assert_null(reassembly_add4(&worker, ip4_packet_new(&p, 500, 300)));
	p = part(3, 0, 1480, true);
	assert_null(reassembly_add4(&worker, ip4_packet_new(&p, 100, 700)));
	check_whole(add_part(3, 2960, 3000, false), 3, 3000);
}

static void the_first_piece_gives_the_header(void **state)
{
	struct ip4_packet p = part(3, 0, 800, true);
	struct rte_mbuf *m;

	p.n_options = 8;
	memcpy(p.options, "\x94\x04\x00\x00\x07\x04\x04\x00", 8);
	assert_null(add(&p));
	p = part(3, 800, 1000, false);
	p.n_options = 4;
	memcpy(p.options, "\x94\x04\x00\x00", 4);
	m = add(&p);
	assert_non_null(m);
	p = part(3, 0, 1000, false);
	p.n_options = 8;
	memcpy(p.options, "\x94\x04\x00\x00\x07\x04\x04\x00", 8);
	assert_int_equal(flatten(m, bytes), ip4_packet_frame(&p, want));
	assert_memory_equal(bytes + L3_OFFSET, want + L3_OFFSET, 1028);
	rte_pktmbuf_free(m);
}

static void a_packet_that_is_no_fragment_passes(void **state)
{
	check_whole(add_part(3, 0, 500, false), 3, 500);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void an_exact_duplicate_changes_nothing(void **state)
{
	struct ip4_packet forged = part(3, 800, 1600, true);

	assert_null(add_part(3, 0, 800, true));
	assert_null(add_part(3, 0, 800, true));
	assert_null(add_part(3, 800, 1600, true));
	forged.fill = 0x77; // the first to come stands
	assert_null(add(&forged));
	assert_null(add_part(3, 1608, 1700, false));
	assert_null(add_part(3, 1608, 1700, false));
	check_whole(add_part(3, 1600, 1608, true), 3, 1700);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 3);
	assert_int_equal(counted(COUNTER_REASSEMBLED), 1);
}

// The ways a second piece can lie over a first one, [800, 1600).
static void overlapping_pieces_never_make_a_packet(void **state)
{
	static const struct {
		const char *what;
		uint32_t from, to;
	} rows[] = {
		{"into its front", 400, 808},
		{"over its front to its end", 400, 1600},
		{"over all of it", 400, 2000},
		{"from its start, shorter", 800, 1200},
		{"from its start, longer", 800, 2000},
		{"inside", 1000, 1200},
		{"inside, to its end", 1200, 1600},
		{"out of its end", 1592, 2000},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		for (unsigned order = 0; order < 2; order++) {
			uint16_t id = (uint16_t)(2 * i + order);
			struct rte_mbuf *m = NULL;

			assert_null(add_part(id, 0, 400, true));
			if (order == 0)
				assert_null(add_part(id, 800, 1600, true));
			assert_null(add_part(id, rows[i].from, rows[i].to, true));
			if (order == 1)
				assert_null(add_part(id, 800, 1600, true));
			// all there is, afterwards, and everything once more
			for (unsigned again = 0; again < 2 && m == NULL; again++)
				for (uint32_t at = 0; at < 2400 && m == NULL; at += 400)
					m = add_part(id, at, at + 400, at != 2000);
			if (m != NULL)
				fail_msg("%s: made a packet", rows[i].what);
		}
	}
	assert_int_equal(counted(COUNTER_REASSEMBLED), 0);
}

static void pieces_that_disagree_about_the_end_never_make_a_packet(void **state)
{
	static const struct {
		const char *what;
		struct {
			uint32_t from, to;
			bool more;
		} parts[4];
	} rows[] = {
		{"two ends, the second later", {{1600, 2000, false}, {2000, 2400, false}}},
		{"two ends, the second sooner", {{2000, 2400, false}, {1600, 2000, false}}},
		{"more at the end", {{1600, 2000, false}, {1600, 2000, true}}},
		{"an end where more was", {{1600, 2000, true}, {1600, 2000, false}}},
		{"a piece behind the end", {{1600, 2000, false}, {2000, 2400, true}}},
		{"an end before a piece", {{2000, 2400, true}, {1600, 2000, false}}},
		{"an end inside a piece", {{1600, 2400, true}, {2000, 2200, false}}},
		{"a last piece at the start", {{800, 1600, true}, {0, 800, false}}},
	};

	for (uint16_t i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *m = NULL;

		for (unsigned j = 0; j < 4 && rows[i].parts[j].to != 0; j++)
			assert_null(add_part(i, rows[i].parts[j].from, rows[i].parts[j].to,
				rows[i].parts[j].more));
		for (uint32_t at = 0; at < 2400 && m == NULL; at += 400)
			m = add_part(i, at, at + 400, at != 2000);
		for (uint32_t at = 0; at < 2000 && m == NULL; at += 400)
			m = add_part(i, at, at + 400, at != 1600);
		if (m != NULL)
			fail_msg("%s: made a packet", rows[i].what);
	}
	assert_int_equal(counted(COUNTER_REASSEMBLED), 0);
}

static void malformed_pieces_are_dropped(void **state)
{
	struct ip4_packet p;
	unsigned n = 0;

	assert_null(add_part(1, 0, 801, true)); // others follow off a boundary of eight
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), ++n);
	p = part(2, 65528, 65528 + 1480, false); // past the end of any packet
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), ++n);
	p = part(3, 64000, 64000 + 1520, false); // past it with its header
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), ++n);
	p = part(4, 800, 800, true); // nothing in it
	p.padding_bytes = 26;
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), ++n);
	p = part(5, 800, 800, false);
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), ++n);
	assert_int_equal(counted(COUNTER_REASSEMBLED), 0);
}

static void a_header_that_lies_is_dropped(void **state)
{
	struct ip4_packet p = part(1, 800, 1000, true);
	uint32_t n = ip4_packet_frame(&p, bytes);

	bytes[L3_OFFSET] = 0x44; // shorter than a header
	assert_null(reassembly_add4(&worker, frame_new(bytes, n, n, n)));
	bytes[L3_OFFSET] = 0x4f; // past the first buffer
	assert_null(reassembly_add4(&worker, frame_new(bytes, n, 60, n)));
	bytes[L3_OFFSET] = 0x45;
	bytes[L3_OFFSET + 3]++; // longer than the frame
	assert_null(reassembly_add4(&worker, frame_new(bytes, n, n, n)));
	assert_null(reassembly_add4(&worker, frame_new(bytes, 30, 30, 30)));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 4);
}

static void first_pieces_too_short_for_their_headers_are_dropped(void **state)
{
	static const struct {
		const char *what;
		uint8_t protocol;
		uint32_t payload_bytes;
		uint8_t at, value; // a byte of layer 4
		bool is_kept;
	} rows[] = {
		{"tcp of 8", IPPROTO_TCP, 8, 0, 0, false},
		{"tcp of 16", IPPROTO_TCP, 16, 12, 0x50, false},
		{"tcp of 24", IPPROTO_TCP, 24, 12, 0x50, true},
		{"tcp of 24 with options to 40", IPPROTO_TCP, 24, 12, 0xa0, false},
		{"tcp of 40 with options to 40", IPPROTO_TCP, 40, 12, 0xa0, true},
		{"udp of 8", IPPROTO_UDP, 8, 0, 0, true},
		{"echo of 8", IPPROTO_ICMP, 8, 0, 8, true},
		{"error of 32", IPPROTO_ICMP, 32, 0, 3, false},
		{"error of 40", IPPROTO_ICMP, 40, 8, 0x45, true},
		{"error of 40 about options", IPPROTO_ICMP, 40, 8, 0x4f, false},
		{"error of 80 about options", IPPROTO_ICMP, 80, 8, 0x4f, true},
		{"gre of 8", 47, 8, 0, 0, true},
		{"sctp of 8", IPPROTO_SCTP, 8, 0, 0, false},
		{"sctp of 16", IPPROTO_SCTP, 16, 0, 0, true},
	};

	for (uint16_t i = 0; i < RTE_DIM(rows); i++) {
		struct ip4_packet p = part(i, 0, rows[i].payload_bytes, true);
		uint64_t before = counted(COUNTER_DROP_REASSEMBLY);
		uint32_t n;

		p.protocol = rows[i].protocol;
		n = ip4_packet_frame(&p, bytes);
		if (rows[i].protocol == IPPROTO_ICMP)
			bytes[L3_OFFSET + 20] = 3;
		bytes[L3_OFFSET + 20 + rows[i].at] = rows[i].value;
		assert_null(reassembly_add4(&worker, frame_new(bytes, n, n, n)));
		if ((counted(COUNTER_DROP_REASSEMBLY) == before) != rows[i].is_kept)
			fail_msg("%s: %s", rows[i].what, rows[i].is_kept ? "dropped" : "kept");
	}
}

static void headers_in_a_later_buffer_are_too_short_as_well(void **state)
{
	struct ip4_packet p = part(1, 0, 800, true);

	p.protocol = IPPROTO_TCP;
	assert_null(reassembly_add4(&worker, ip4_packet_new(&p, L3_OFFSET + 20 + 10, 2000)));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 1);
}

static void a_piece_that_could_only_replace_tcp_flags_is_dropped(void **state)
{
	struct ip4_packet p = part(1, 8, 800, true);

	p.protocol = IPPROTO_TCP;
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 1);
	p.protocol = IPPROTO_UDP;
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 1);
}

static void options_cannot_make_a_packet_longer_than_its_length_field(void **state)
{
	struct ip4_packet p = part(3, 0, 1440, true);
	struct rte_mbuf *m = NULL;

	p.n_options = 40;
	memset(p.options, 1, 40);
	assert_null(add(&p));
	for (uint32_t at = 1440; at < 65515; at += 1440)
		m = add_part(3, at, RTE_MIN(at + 1440, 65515u), at + 1440 < 65515);
	assert_null(m);
	assert_int_equal(counted(COUNTER_REASSEMBLED), 0);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 46);
}

// RFC 3168 5.3; the table is in reassembly6_test.c
static void a_congestion_mark_on_any_piece_marks_the_whole(void **state)
{
	enum { NOT_ECT = 0, ECT0 = 2, CE = 3 };
	struct ip4_packet p = part(1, 0, 800, true);
	struct rte_mbuf *m;

	p.ecn = ECT0;
	assert_null(add(&p));
	p = part(1, 800, 1000, false);
	p.ecn = CE;
	m = add(&p);
	assert_non_null(m);
	assert_int_equal(packet_ip4(m)->type_of_service, 0x28 | CE);
	assert_int_equal(ones_sum((const uint8_t *)packet_ip4(m), 20, 0), 0xffff);
	rte_pktmbuf_free(m);
	p.id = 2;
	assert_null(add(&p));
	p = part(2, 0, 800, true);
	p.ecn = NOT_ECT;
	assert_null(add(&p));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 2);
}

static void the_whole_remembers_its_largest_piece(void **state)
{
	static const struct {
		uint32_t ends[3];
		uint8_t n_options; // of the second
		uint16_t largest;
	} rows[] = {
		{{800, 1000, 1100}, 0, 820},
		{{200, 1000, 1100}, 0, 820},
		{{8, 16, 1001}, 0, 20 + 985},
		{{800, 1600, 1700}, 8, 828},
	};

	for (uint16_t i = 0; i < RTE_DIM(rows); i++) {
		const uint32_t *ends = rows[i].ends;
		struct ip4_packet second = part(i, ends[0], ends[1], true);
		struct rte_mbuf *m;

		second.n_options = rows[i].n_options;
		second.padding_bytes = 30;
		assert_null(add(&second));
		assert_null(add_part(i, 0, ends[0], true));
		m = add_part(i, ends[1], ends[2], false);
		assert_non_null(m);
		assert_int_equal(fragment_largest(m), rows[i].largest);
		rte_pktmbuf_free(m);
	}
}

// Fragments of few datagrams at random, as an attacker would, against a model of which bytes came
// from where: a packet that comes out must be one that a sender could have meant.
static void random_pieces_only_ever_make_sound_packets(void **state)
{
	unsigned n_whole = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t from = random32() % 6 * 8, to = from + 8 + random32() % 3 * 8;
		bool more = random32() % 3 != 0;
		struct ip4_packet p = part((uint16_t)(random32() % 20), from, to, more);
		struct rte_mbuf *m = add(&p);

		worker.now_ms += random32() % 100;
		if (m == NULL)
			continue;
		n_whole++;
		flatten(m, bytes);
		check_whole(m, (uint16_t)(bytes[L3_OFFSET + 4] << 8 | bytes[L3_OFFSET + 5]),
			(uint32_t)(bytes[L3_OFFSET + 2] << 8 | bytes[L3_OFFSET + 3]) - 20);
	}
	assert_true(n_whole > 1000);
	assert_int_equal(counted(COUNTER_REASSEMBLED), n_whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pieces_in_any_order_make_the_packet),
		TEST(packets_under_way_together_do_not_mix),
		TEST(senders_do_not_mix),
		TEST(the_largest_packet_there_is_comes_through),
		TEST(padding_of_small_frames_is_no_payload),
		TEST(pieces_in_several_buffers_are_taken),
		TEST(the_first_piece_gives_the_header),
		TEST(a_packet_that_is_no_fragment_passes),
		TEST(an_exact_duplicate_changes_nothing),
		TEST(overlapping_pieces_never_make_a_packet),
		TEST(pieces_that_disagree_about_the_end_never_make_a_packet),
		TEST(malformed_pieces_are_dropped),
		TEST(a_header_that_lies_is_dropped),
		TEST(first_pieces_too_short_for_their_headers_are_dropped),
		TEST(headers_in_a_later_buffer_are_too_short_as_well),
		TEST(a_piece_that_could_only_replace_tcp_flags_is_dropped),
		TEST(options_cannot_make_a_packet_longer_than_its_length_field),
		TEST(a_congestion_mark_on_any_piece_marks_the_whole),
		TEST(the_whole_remembers_its_largest_piece),
		TEST(random_pieces_only_ever_make_sound_packets),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
