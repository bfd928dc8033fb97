// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include "tests/unit/ip6_packet.h"

enum { CODE = NEXTHOP_ADJACENCY_BASE + 5, PIECES = 16 };

static uint8_t bytes[70000], want[70000];

static int setup(void **state)
{
	worker_setup(state);
	return reassembly_init(&worker);
}

static int teardown(void **state)
{
	reassembly_fini(&worker);
	return worker_teardown(state);
}

// Cuts `whole` at multiples of `payload`, puts the pieces together from the last to the first.
static unsigned cut_and_join(const struct ip6_packet *whole, uint32_t payload,
	struct ip6_packet parts[PIECES], struct rte_mbuf **m)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < whole->payload_bytes; at += payload) {
		uint32_t end = RTE_MIN(at + payload, whole->payload_bytes);

		assert_true(n < PIECES);
		parts[n++] = ip6_part(whole, at, end, end < whole->payload_bytes);
	}
	for (unsigned i = n; i-- > 0;) {
		*m = reassembly_add6(&worker, ip6_packet_new(&parts[i]));
		assert_int_equal(*m != NULL, i == 0);
	}
	return n;
}

static void check_sent(unsigned i, const struct ip6_packet *part)
{
	uint32_t n = ip6_packet_frame(part, want);

	assert_int_equal(sent[i].code, CODE);
	assert_true(sent[i].is_ip6);
	assert_int_equal(sent[i].m->nb_segs, 1);
	assert_true(RTE_MBUF_DIRECT(sent[i].m));
	assert_int_equal(sent[i].m->pkt_len, n);
	assert_memory_equal(rte_pktmbuf_mtod_offset(sent[i].m, void *, L3_OFFSET), want + L3_OFFSET,
		n - L3_OFFSET);
}

static void what_was_cut_at_equal_sizes_leaves_as_it_came_byte_by_byte(void **state)
{
	static const struct {
		uint32_t payload_bytes, payload; // of the whole, of a piece
		unsigned n_before;
	} rows[] = {
		{2000, 1448, 0},
		{2896, 1448, 0},
		{2897, 1448, 0},
		{2895, 1448, 0},
		{1233, 1232, 0},
		{16, 8, 0},
		{100, 8, 0},
		{4000, 1400, 1},
		{4000, 1000, 2},
		{4000, 1000, 3},
		{15999, 1448, 3},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip6_packet parts[PIECES],
			whole = {.id = 0xdeadbe00 + i,
				.ecn = 2,
				.before = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING},
				.n_before = rows[i].n_before,
				.payload_bytes = rows[i].payload_bytes};
		struct rte_mbuf *m;
		unsigned n = cut_and_join(&whole, rows[i].payload, parts, &m);

		assert_int_equal(
			fragment_largest(m), 40 + 8 * rows[i].n_before + 8 + rows[i].payload);
		fragment_send6(&worker, m, CODE);
		assert_int_equal(n_sent, n);
		for (unsigned j = 0; j < n; j++)
			check_sent(j, &parts[j]);
		sent_free();
		assert_int_equal(counted(COUNTER_FRAGMENTED), i + 1);
	}
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 0);
}

static void what_the_router_changes_on_the_way_is_in_every_piece(void **state)
{
	struct ip6_packet parts[PIECES], whole = {.id = 1, .payload_bytes = 2000};
	struct rte_mbuf *m;

	cut_and_join(&whole, 1000, parts, &m);
	packet_ip6(m)->hop_limits--;
	packet_ip6(m)->src_addr[0] = 0xfd;
	// what queues write on the way
	m->packet_type = INBOX_WHOLE;
	m->port = 3;
	m->hash.usr = UINT32_MAX;
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	fragment_send6(&worker, m, CODE);
	assert_int_equal(n_sent, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct rte_ipv6_hdr *ip = packet_ip6(sent[i].m);

		assert_int_equal(ip->hop_limits, 62);
		assert_int_equal(ip->src_addr[0], 0xfd);
	}
}

static void pieces_of_all_sizes_leave_in_some_no_larger(void **state)
{
	static const uint32_t ends[] = {0, 16, 1016, 1024, 2224, 2300};
	struct ip6_packet whole = {.id = 9, .payload_bytes = 2300};
	struct rte_mbuf *m = NULL;

	for (unsigned i = 0; i < 5; i++) {
		struct ip6_packet p = ip6_part(&whole, ends[i], ends[i + 1], i < 4);

		m = reassembly_add6(&worker, ip6_packet_new(&p));
	}
	assert_int_equal(fragment_largest(m), 48 + 1200);
	fragment_send6(&worker, m, CODE);
	assert_int_equal(n_sent, 2);
	for (unsigned i = 0; i < 2; i++) {
		struct ip6_packet p = ip6_part(&whole, i * 1200, i == 0 ? 1200 : 2300, i == 0);

		check_sent(i, &p);
	}
}

static void what_never_was_in_pieces_is_not_put_into_some(void **state)
{
	struct ip6_packet whole = {.payload_bytes = 1000};
	uint32_t n = ip6_packet_frame(&whole, bytes);
	struct rte_mbuf *m = frame_new(bytes, n, n, n);

	m->tx_offload = UINT64_MAX; // a port's frames may have anything there
	assert_int_equal(fragment_largest(m), 0);
	fragment_send6(&worker, m, CODE);
	m = frame_new(bytes, n, 500, n);
	assert_int_equal(fragment_largest(m), 0);
	fragment_send6(&worker, m, CODE);
	assert_int_equal(n_sent, 0);
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 2);
}

// A first piece of headers, and many full ones without, must not become a hundred small packets.
static void nobody_gets_more_packets_out_of_it_than_he_sent(void **state)
{
	for (unsigned n_before = 0; n_before <= 6; n_before += 6) {
		struct ip6_packet whole = {.payload_bytes = 8 + 10 * 48};
		struct ip6_packet p = ip6_part(&whole, 0, 8, true);
		struct rte_mbuf *m;

		p.n_before = n_before;
		memset(p.before, IPPROTO_DSTOPTS, sizeof(p.before));
		assert_null(reassembly_add6(&worker, ip6_packet_new(&p)));
		for (unsigned i = 0; i < 10; i++) {
			p = ip6_part(&whole, 8 + 48 * i, 8 + 48 * i + 48, i < 9);
			m = reassembly_add6(&worker, ip6_packet_new(&p));
		}
		fragment_send6(&worker, m, CODE);
		assert_int_equal(n_sent, n_before == 0 ? 11 : 0);
		sent_free();
	}
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 1);
}

static void all_pieces_or_none_when_buffers_run_out(void **state)
{
	static struct rte_mbuf *taken[POOL_SIZE];
	struct ip6_packet parts[PIECES], whole = {.payload_bytes = 3000};

	for (unsigned left = 0; left <= 3; left++) {
		struct rte_mbuf *m;
		unsigned n = POOL_SIZE - cut_and_join(&whole, 1000, parts, &m) - left;

		assert_int_equal(rte_pktmbuf_alloc_bulk(worker.pool, taken, n), 0);
		fragment_send6(&worker, m, CODE);
		rte_pktmbuf_free_bulk(taken, n);
		assert_int_equal(n_sent, left == 3 ? 3 : 0);
	}
	assert_int_equal(counted(COUNTER_DROP_FRAGMENT_FAILED), 3);
	assert_int_equal(counted(COUNTER_FRAGMENTED), 1);
}

static void random_packets_survive_router_behind_router(void **state)
{
	for (unsigned round = 0; round < 20000; round++) {
		struct ip6_packet parts[PIECES],
			whole = {.id = random32(),
				.fill = (uint8_t)random32(),
				.before = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING},
				.n_before = random32() % 4,
				.payload_bytes = 200 + random32() % 5000};
		uint32_t payload = (whole.payload_bytes / 12 / 8 + 1 + random32() % 60) * 8;
		unsigned n_routers = 1 + random32() % 3;
		struct rte_mbuf *m;

		payload = RTE_MIN(payload, (whole.payload_bytes - 1) / 8 * 8);
		cut_and_join(&whole, payload, parts, &m);
		while (n_routers-- > 0) {
			unsigned n;

			fragment_send6(&worker, m, CODE);
			n = n_sent;
			n_sent = 0;
			m = NULL;
			for (unsigned left = n; left > 0; left--) {
				unsigned i = random32() % left;

				assert_null(m);
				memset(packet_eth(sent[i].m), 0xee, L3_OFFSET);
				m = reassembly_add6(&worker, sent[i].m);
				sent[i] = sent[left - 1];
			}
		}
		ip6_check_whole(m, &whole);
	}
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_cut_at_equal_sizes_leaves_as_it_came_byte_by_byte),
		TEST(what_the_router_changes_on_the_way_is_in_every_piece),
		TEST(pieces_of_all_sizes_leave_in_some_no_larger),
		TEST(what_never_was_in_pieces_is_not_put_into_some),
		TEST(nobody_gets_more_packets_out_of_it_than_he_sent),
		TEST(all_pieces_or_none_when_buffers_run_out),
		TEST(random_packets_survive_router_behind_router),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
