// SPDX-License-Identifier: BSD-3-Clause
// Pieces of IPv4 that must not be cut (RFC 791 2.3, RFC 1191): what came with DF leaves no smaller
// than it came, or its sender is told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/owner.h"
#include "dataplane/pipeline.h"
#include "tests/unit/dataplane_fixture.h"

enum {
	DF = RTE_IPV4_HDR_DF_FLAG,
	MF = RTE_IPV4_HDR_MF_FLAG,
	HEADER = sizeof(struct rte_ipv4_hdr),
	PIECES_MAX = 5,
};

// A packet in pieces, from the first on. The sizes are of IP; 0: no such piece.
struct pieces {
	uint16_t sizes[PIECES_MAX];
	uint16_t df[PIECES_MAX];
};

static struct frame whole_of(const struct pieces *pieces)
{
	struct frame whole = fixture_udp_out;

	whole.payload_bytes = 0;
	for (unsigned i = 0; i < PIECES_MAX && pieces->sizes[i] != 0; i++)
		whole.payload_bytes += pieces->sizes[i] - HEADER;
	whole.payload_bytes -= sizeof(struct rte_udp_hdr);
	return whole;
}

static struct rte_mbuf *piece_build(
	const struct fixture *f, const struct frame *whole, const struct pieces *pieces, unsigned i)
{
	struct rte_mbuf *m = frame_build(f, whole);
	uint16_t bytes = pieces->sizes[i] - HEADER, at = 0, total = m->pkt_len - L3_OFFSET - HEADER;
	struct rte_ipv4_hdr *ip = packet_ip4(m);

	for (unsigned j = 0; j < i; j++)
		at += pieces->sizes[j] - HEADER;
	memmove(ip + 1, (uint8_t *)(ip + 1) + at, bytes);
	rte_pktmbuf_trim(m, total - bytes);
	ip->total_length = rte_cpu_to_be_16(pieces->sizes[i]);
	ip->fragment_offset = rte_cpu_to_be_16(
		(uint16_t)(pieces->df[i] | (at + bytes < total ? MF : 0) | at / 8));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return m;
}

// All pieces, the last first when `backwards`, and the inbox's turn.
static void arrive(
	struct fixture *f, const struct frame *whole, const struct pieces *pieces, bool backwards)
{
	struct rte_mbuf *m = NULL;
	unsigned n = 0;

	while (n < PIECES_MAX && pieces->sizes[n] != 0)
		n++;
	for (unsigned i = 0; i < n; i++)
		fixture_rx(
			f, piece_build(f, whole, pieces, backwards ? n - 1 - i : i), whole->iface);
	assert_int_equal(rte_ring_dequeue(f->w->inbox, (void **)&m), 0);
	assert_int_equal(m->packet_type, INBOX_WHOLE);
	pipeline_whole(f->w, (uint8_t)m->port, m);
}

static uint16_t fragment_word(struct rte_mbuf *m)
{
	return rte_be_to_cpu_16(packet_ip4(m)->fragment_offset);
}

// `pieces` of `whole` left by the interface, and nothing else.
static void check_left(struct fixture *f, const struct frame *whole, const struct pieces *pieces)
{
	for (unsigned i = 0; i < PIECES_MAX && pieces->sizes[i] != 0; i++) {
		struct rte_mbuf *want = piece_build(f, whole, pieces, i);
		struct rte_mbuf *m = fixture_sent(f, FIXTURE_WAN);
		unsigned from = i == 0 ? sizeof(struct rte_udp_hdr) : 0; // NAT's

		assert_non_null(m);
		assert_int_equal(fragment_word(m), fragment_word(want));
		assert_int_equal(m->pkt_len, want->pkt_len);
		assert_int_equal(rte_raw_cksum(packet_ip4(m), HEADER), 0xffff);
		assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
		assert_memory_equal((uint8_t *)(packet_ip4(m) + 1) + from,
			(uint8_t *)(packet_ip4(want) + 1) + from, pieces->sizes[i] - HEADER - from);
		rte_pktmbuf_free(m);
		rte_pktmbuf_free(want);
	}
	assert_null(fixture_sent(f, FIXTURE_WAN));
}

// In either order: what the pieces say together counts.
static void check_passes(
	struct fixture *f, const struct pieces *came, uint16_t mtu, const struct pieces *left)
{
	struct frame whole = whole_of(came);

	assert_int_equal(dataplane_interface_set_mtu(f->dp, FIXTURE_WAN, mtu), 0);
	for (unsigned backwards = 0; backwards < 2; backwards++) {
		arrive(f, &whole, came, backwards);
		check_left(f, &whole, left);
		assert_null(fixture_sent(f, FIXTURE_LAN));
	}
}

static void pieces_with_df_leave_as_they_came(void **state)
{
	static const struct pieces rows[] = {
		{{820, 820, 200}, {DF, DF, DF}},
		{{820, 820}, {DF, DF}},
		{{220, 220, 220, 220, 100}, {DF, DF, DF, DF, DF}}, // would fit as one
		{{68, 44}, {DF, DF}},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		check_passes(f, &rows[i], 1500, &rows[i]);
		check_passes(f, &rows[i], rows[i].sizes[0], &rows[i]); // just so
	}
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FRAGMENT_FAILED), 0);
}

// Linux does the same (ip_frag_reasm): when the largest piece there was has DF, all get it, and
// else none, for then a small one would have all leave in pieces of its size.
static void of_a_mixed_packet_the_largest_piece_decides(void **state)
{
	static const struct {
		struct pieces came, left;
		uint16_t mtu;
	} rows[] = {
		{{{820, 220}, {DF}}, {{820, 220}, {DF, DF}}, 1500},
		{{{220, 820, 100}, {0, DF}}, {{820, 300}, {DF, DF}}, 820},
		{{{820, 820, 100}, {0, DF}}, {{820, 820, 100}, {DF, DF, DF}}, 1500},
		{{{220, 820}, {DF}}, {{820, 220}, {0}}, 1500},
		{{{220, 820}, {DF}}, {{604, 436}, {0}}, 604},
		{{{220, 820}, {DF}}, {{220, 220, 220, 220, 220}, {0}}, 220},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		check_passes(f, &rows[i].came, rows[i].mtu, &rows[i].left);
}

static void pieces_without_df_are_cut_smaller_as_ever(void **state)
{
	static const struct pieces came = {{820, 420}, {0}}, left = {{620, 620}, {0}};

	check_passes(*state, &came, 620, &left);
}

// RFC 1191 4: "the MTU of the next-hop network". The quote is of what the sender sent.
static void on_a_narrower_way_out_the_sender_is_told(void **state)
{
	static const struct pieces rows[] = {
		{{820, 820, 200}, {DF, DF, DF}},
		{{820, 200}, {DF}},
		{{220, 820}, {0, DF}},
		{{812, 28}, {DF, DF}},
	};
	struct fixture *f = *state;

	assert_int_equal(dataplane_interface_set_mtu(f->dp, FIXTURE_WAN, 811), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct frame whole = whole_of(&rows[i]);
		const struct rte_icmp_hdr *icmp;
		const struct rte_ipv4_hdr *quote;
		const struct rte_udp_hdr *udp;
		struct rte_mbuf *m;

		arrive(f, &whole, &rows[i], i % 2 != 0);
		assert_null(fixture_sent(f, FIXTURE_WAN));
		assert_int_equal(fixture_counter(f, COUNTER_DROP_TOO_BIG), i + 1);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_dst(m), FIXTURE_PC);
		icmp = (const struct rte_icmp_hdr *)(packet_ip4(m) + 1);
		assert_int_equal(icmp->icmp_type, 3);
		assert_int_equal(icmp->icmp_code, 4);
		assert_int_equal(rte_be_to_cpu_16(icmp->icmp_seq_nb), 811);
		quote = (const struct rte_ipv4_hdr *)(icmp + 1);
		assert_int_equal(rte_be_to_cpu_32(quote->src_addr), FIXTURE_PC);
		assert_int_equal(rte_be_to_cpu_16(quote->fragment_offset), DF);
		udp = (const struct rte_udp_hdr *)(quote + 1);
		assert_int_equal(rte_be_to_cpu_16(udp->src_port), whole.sport);
		rte_pktmbuf_free(m);
	}
}

// It may pass them on by a device of the machine's own.
static void the_kernel_gets_the_pieces(void **state)
{
	static const struct pieces came = {{820, 820, 200}, {DF, DF, DF}};
	struct fixture *f = *state;
	struct frame whole = whole_of(&came);
	struct rte_mbuf *m, *want;

	whole.dst = FIXTURE_OWN_LAN;
	arrive(f, &whole, &came, false);
	for (unsigned i = 0; i < 3; i++) {
		want = piece_build(f, &whole, &came, i);
		m = fixture_punted(f);
		assert_non_null(m);
		assert_int_equal(m->nb_segs, 1);
		assert_int_equal(m->port, FIXTURE_LAN);
		assert_int_equal(m->pkt_len, want->pkt_len);
		assert_memory_equal(
			rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(want, void *), want->pkt_len);
		rte_pktmbuf_free(m);
		rte_pktmbuf_free(want);
	}
	assert_null(fixture_punted(f));
}

// A packet that came in one piece is the kernel's to see as it is.
static void the_kernel_gets_what_was_whole_with_it(void **state)
{
	struct fixture *f = *state;
	struct frame whole = fixture_udp_out;
	struct rte_mbuf *m;

	whole.dst = FIXTURE_OWN_LAN;
	whole.fragment = DF;
	fixture_rx(f, frame_build(f, &whole), FIXTURE_LAN);
	m = fixture_punted(f);
	assert_non_null(m);
	assert_int_equal(fragment_word(m), DF);
	rte_pktmbuf_free(m);
}

// What it passes on for another device of the machine.
static void what_the_kernel_sends_in_pieces_with_df_leaves_so(void **state)
{
	static const struct pieces came = {{820, 820, 200}, {DF, DF, DF}};
	struct fixture *f = *state;
	struct frame whole = whole_of(&came);
	struct rte_mbuf *m = NULL;

	whole.iface = FIXTURE_WAN;
	whole.src = FIXTURE_OWN_WAN;
	for (unsigned i = 0; i < 3; i++)
		fixture_host(f, piece_build(f, &whole, &came, i), FIXTURE_WAN);
	assert_int_equal(rte_ring_dequeue(f->w->inbox, (void **)&m), 0);
	fixture_host(f, m, FIXTURE_WAN);
	check_left(f, &whole, &came);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(pieces_with_df_leave_as_they_came),
		WITH(of_a_mixed_packet_the_largest_piece_decides),
		WITH(pieces_without_df_are_cut_smaller_as_ever),
		WITH(on_a_narrower_way_out_the_sender_is_told),
		WITH(the_kernel_gets_the_pieces),
		WITH(the_kernel_gets_what_was_whole_with_it),
		WITH(what_the_kernel_sends_in_pieces_with_df_leaves_so),
	};
#undef WITH

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
