// SPDX-License-Identifier: BSD-3-Clause
// What reassembly_test.c and reassembly_limits_test.c show of IPv4 and of the engine that both
// share is not repeated here.
#include "dataplane/fragment.h"
#include "dataplane/parse.h"

#include "tests/unit/ip6_packet.h"

static uint8_t bytes[70000];

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

static struct rte_mbuf *add(const struct ip6_packet *p)
{
	return reassembly_add6(&worker, ip6_packet_new(p));
}

static struct rte_mbuf *add_part(
	const struct ip6_packet *whole, uint32_t from, uint32_t to, bool more)
{
	struct ip6_packet p = ip6_part(whole, from, to, more);

	return add(&p);
}

static void pieces_in_any_order_make_the_packet(void **state)
{
	static const unsigned orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 0, 2, 1}, {1, 2, 3, 0}};
	static const uint32_t ends[] = {0, 800, 1600, 1608, 2001};

	for (unsigned i = 0; i < RTE_DIM(orders); i++) {
		struct ip6_packet whole = {.id = 0x12345678 + i, .payload_bytes = 2001};

		for (unsigned j = 0; j < 4; j++) {
			unsigned k = orders[i][j];
			struct rte_mbuf *m = add_part(&whole, ends[k], ends[k + 1], k != 3);

			if (j < 3) {
				assert_null(m);
				continue;
			}
			assert_non_null(m);
			assert_int_equal(fragment_largest(m), 40 + 8 + 800);
			ip6_check_whole(m, &whole);
		}
	}
	assert_int_equal(counted(COUNTER_REASSEMBLED), RTE_DIM(orders));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void pieces_of_two_interfaces_do_not_mix(void **state)
{
	struct ip6_packet whole = {.id = 7, .payload_bytes = 1000};
	struct ip6_packet first = ip6_part(&whole, 0, 800, true);
	struct ip6_packet last = ip6_part(&whole, 800, 1000, false);
	struct rte_mbuf *m[3] = {
		ip6_packet_new(&first), ip6_packet_new(&last), ip6_packet_new(&last)};

	m[0]->port = m[2]->port = 1;
	m[1]->port = 2;
	assert_null(reassembly_add6(&worker, m[0]));
	assert_null(reassembly_add6(&worker, m[1]));
	ip6_check_whole(reassembly_add6(&worker, m[2]), &whole);
}

static void packets_under_way_together_do_not_mix(void **state)
{
	struct ip6_packet a = {.id = 7, .payload_bytes = 1000}, others[] = {a, a, a};

	others[0].id = 7 << 16;
	others[1].host = 1;
	others[2].net = 1;
	assert_null(add_part(&a, 0, 800, true));
	for (unsigned i = 0; i < RTE_DIM(others); i++) {
		others[i].fill = (uint8_t)(i + 1);
		assert_null(add_part(&others[i], 0, 800, true));
	}
	for (unsigned i = 0; i < RTE_DIM(others); i++)
		ip6_check_whole(add_part(&others[i], 800, 1000, false), &others[i]);
	ip6_check_whole(add_part(&a, 800, 1000, false), &a);
}

static void the_families_do_not_mix(void **state)
{
	// an IPv4 fragment whose key reads like the other's but for the family
	struct ip6_packet whole = {.id = 7, .payload_bytes = 1000};
	struct ip6_packet p = ip6_part(&whole, 0, 800, true);
	uint32_t n = ip6_packet_frame(&p, bytes);
	struct rte_ipv4_hdr ip4 = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(20 + 200),
		.packet_id = RTE_BE16(7),
		.fragment_offset = RTE_BE16(100),
		.src_addr = RTE_BE32(0x20010db8),
		.dst_addr = RTE_BE32(0x20010db8),
	};

	memset(bytes + L3_OFFSET + 8 + 4, 0, 12);
	memset(bytes + L3_OFFSET + 24 + 4, 0, 12);
	memcpy(bytes + L3_OFFSET + 40 + 4, "\0\7\0\0", 4); // as an IPv4 identifier stands in it
	assert_null(reassembly_add6(&worker, frame_new(bytes, n, n, n)));
	memset(bytes, 0, 300);
	memcpy(bytes + L3_OFFSET, &ip4, sizeof(ip4));
	assert_null(reassembly_add4(&worker, frame_new(bytes, 300, 300, 300)));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

// RFC 8200 4.5: only the first piece's are "retained in the reassembled packet".
static void the_first_piece_gives_all_headers(void **state)
{
	static const struct {
		const char *what;
		uint8_t before[IP6_BEFORE_MAX];
		unsigned n_before;
	} rows[] = {
		{"none", {0}, 0},
		{"hop-by-hop", {IPPROTO_HOPOPTS}, 1},
		{"routing", {IPPROTO_ROUTING}, 1},
		{"destination options", {IPPROTO_DSTOPTS}, 1},
		{"all", {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING}, 3},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		for (unsigned j = 0; j < RTE_DIM(rows); j++) {
			for (unsigned first = 0; first < 2; first++) {
				struct ip6_packet whole = {.id = i,
					.payload_bytes = 900,
					.n_before = rows[i].n_before};
				struct ip6_packet parts[2] = {ip6_part(&whole, 0, 800, true),
					ip6_part(&whole, 800, 900, false)};

				memcpy(whole.before, rows[i].before, IP6_BEFORE_MAX);
				memcpy(parts[0].before, rows[i].before, IP6_BEFORE_MAX);
				memcpy(parts[1].before, rows[j].before, IP6_BEFORE_MAX);
				parts[1].n_before = rows[j].n_before;
				parts[1].next = IPPROTO_TCP; // nobody's business in a later piece
				assert_null(add(&parts[first]));
				ip6_check_whole(add(&parts[1 - first]), &whole);
			}
		}
	}
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void headers_behind_the_fragment_header_are_payload(void **state)
{
	struct ip6_packet whole = {
		.id = 9, .next = IPPROTO_DSTOPTS, .payload_bytes = 1000, .fill = 3};
	struct ip6_packet p = ip6_part(&whole, 0, 800, true);
	uint32_t n = ip6_packet_frame(&p, bytes);
	struct rte_mbuf *m;

	// destination options of 16 bytes, another 8, then the protocol
	memcpy(bytes + L3_OFFSET + 48, "\x3c\x01\x01\x0c", 4);
	memcpy(bytes + L3_OFFSET + 64, "\xfd\x00\x01\x04", 4);
	assert_null(reassembly_add6(&worker, frame_new(bytes, n, n, n)));
	m = add_part(&whole, 800, 1000, false);
	assert_non_null(m);
	assert_memory_equal(
		rte_pktmbuf_mtod_offset(m, void *, L3_OFFSET + 40), bytes + L3_OFFSET + 48, 800);
	assert_int_equal(packet_ip6(m)->proto, IPPROTO_DSTOPTS);
	assert_int_equal(packet_ip6(m)->payload_len, RTE_BE16(1000));
	rte_pktmbuf_free(m);
}

static void padding_of_small_frames_is_no_payload(void **state)
{
	struct ip6_packet whole = {.id = 9, .payload_bytes = 17};
	struct ip6_packet p = ip6_part(&whole, 0, 16, true);

	p.padding_bytes = 3;
	assert_null(add(&p));
	p = ip6_part(&whole, 16, 17, false);
	p.padding_bytes = 30;
	ip6_check_whole(add(&p), &whole);
}

static struct rte_mbuf *add_all(const struct ip6_packet *whole, uint32_t piece)
{
	struct rte_mbuf *m = NULL;

	for (uint32_t at = 0; at < whole->payload_bytes; at += piece) {
		bool is_last = at + piece >= whole->payload_bytes;

		assert_null(m);
		m = add_part(whole, at, is_last ? whole->payload_bytes : at + piece, !is_last);
	}
	return m;
}

static void the_largest_packet_there_is_comes_through(void **state)
{
	struct ip6_packet whole = {.id = 3, .payload_bytes = 65535};

	ip6_check_whole(add_all(&whole, 1448), &whole);
	// headers before it count (RFC 8200 4.5)
	whole.before[0] = IPPROTO_HOPOPTS;
	whole.n_before = 1;
	whole.payload_bytes = 65527;
	ip6_check_whole(add_all(&whole, 1440), &whole);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
	whole.payload_bytes = 65528;
	assert_null(add_all(&whole, 1440));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 46);
	assert_int_equal(counted(COUNTER_REASSEMBLED), 2);
}

static void the_parser_takes_the_largest_datagram_there_is(void **state)
{
	struct ip6_packet whole = {.id = 3, .next = IPPROTO_UDP, .payload_bytes = 65535};
	struct packet p = {.flags = 0};
	struct rte_mbuf *m;

	for (uint32_t at = 0; at < 65535; at += 1448) {
		struct ip6_packet piece =
			ip6_part(&whole, at, RTE_MIN(at + 1448, 65535u), at + 1448 < 65535);
		uint32_t n = ip6_packet_frame(&piece, bytes);

		if (at == 0)
			memset(bytes + L3_OFFSET + 48 + 4, 0xff, 2); // its length
		m = reassembly_add6(&worker, frame_new(bytes, n, n, n));
	}
	p.m = m;
	assert_non_null(m);
	assert_int_equal(packet_parse_ip6(&p, m->pkt_len - L3_OFFSET), PACKET_IP6);
	assert_true(packet_parse_ip6_upper(&p));
	assert_int_equal(p.flags, 0);
	rte_pktmbuf_free(m);
}

// Bytes patched into a piece's payload, that is, its upper layer or more extension headers.
static void malformed_pieces_are_dropped_by_name(void **state)
{
	static const struct {
		const char *what;
		struct ip6_packet p;
		const char *patch;
		unsigned n_patch;
		enum counter reason;
	} rows[] = {
		{"others follow off a boundary of eight", {.more = true, .payload_bytes = 801}, "",
			0, COUNTER_DROP_IP6_EXTENSION},
		{"past the end of any packet", {.payload_at = 65528, .payload_bytes = 8}, "", 0,
			COUNTER_DROP_IP6_EXTENSION},
		{"nothing in it", {.payload_at = 800, .more = true}, "", 0,
			COUNTER_DROP_REASSEMBLY},
		{"nothing in the last", {.payload_at = 800}, "", 0, COUNTER_DROP_REASSEMBLY},
		{"nothing in the first", {.more = true}, "", 0, COUNTER_DROP_REASSEMBLY},
		{"authentication before the fragment header",
			{.more = true, .n_before = 1, .before = {IPPROTO_AH}, .payload_bytes = 800},
			"", 0, COUNTER_DROP_REASSEMBLY},
		{"hop-by-hop behind destination options",
			{.more = true,
				.n_before = 2,
				.before = {IPPROTO_DSTOPTS, IPPROTO_HOPOPTS},
				.payload_bytes = 800},
			"", 0, COUNTER_DROP_IP6_EXTENSION},
		{"a fragment in a first fragment",
			{.more = true, .next = IPPROTO_FRAGMENT, .payload_bytes = 800},
			"\xfd\0\0\1\0\0\0\1", 8, COUNTER_DROP_IP6_EXTENSION},
		{"an atomic fragment in a first fragment",
			{.more = true, .next = IPPROTO_FRAGMENT, .payload_bytes = 800},
			"\xfd\0\0\0\0\0\0\1", 8, COUNTER_DROP_IP6_EXTENSION},
		{"options longer than the first piece",
			{.more = true, .next = IPPROTO_DSTOPTS, .payload_bytes = 16},
			"\x11\x02\x01\x14", 4, COUNTER_DROP_IP6_EXTENSION},
		{"options to the end of the first piece",
			{.more = true, .next = IPPROTO_DSTOPTS, .payload_bytes = 16},
			"\xfd\x01\x01\x0c", 4, COUNTER_DROP_REASSEMBLY},
		{"options, and udp in the next piece",
			{.more = true, .next = IPPROTO_DSTOPTS, .payload_bytes = 16},
			"\x11\x01\x01\x0c", 4, COUNTER_DROP_UDP_HEADER},
		{"tcp of 16", {.more = true, .next = IPPROTO_TCP, .payload_bytes = 16}, "", 0,
			COUNTER_DROP_TCP_HEADER},
		{"tcp of 24 with options to 40",
			{.more = true, .next = IPPROTO_TCP, .payload_bytes = 24},
			"\0\1\0\2\0\0\0\0\0\0\0\0\xa0\2", 14, COUNTER_DROP_TCP_HEADER},
		{"an icmp error", {.more = true, .next = IPPROTO_ICMPV6, .payload_bytes = 800},
			"\2\0\0\0", 4, COUNTER_DROP_REASSEMBLY},
		{"sctp of 8", {.more = true, .next = IPPROTO_SCTP, .payload_bytes = 8}, "", 0,
			COUNTER_DROP_REASSEMBLY},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t before = counted(rows[i].reason);
		struct ip6_packet p = rows[i].p;
		struct rte_mbuf *m;
		uint32_t n;

		p.is_fragment = true;
		p.id = i;
		n = ip6_packet_frame(&p, bytes);
		memcpy(bytes + n - p.payload_bytes, rows[i].patch, rows[i].n_patch);
		m = reassembly_add6(&worker, frame_new(bytes, n, n, n));
		if (m != NULL || counted(rows[i].reason) != before + 1)
			fail_msg("%s: not dropped as it should", rows[i].what);
	}
	reassembly_fini(&worker); // nothing waits
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
}

static void what_is_just_enough_for_a_first_piece_waits(void **state)
{
	static const struct {
		uint8_t next;
		uint32_t payload_bytes;
		const char *patch;
		unsigned n_patch;
	} rows[] = {
		{IPPROTO_TCP, 24, "\0\1\0\2\0\0\0\0\0\0\0\0\x60\2", 14},
		{IPPROTO_UDP, 8, "\0\1\0\2\4\0\0\0", 8},
		{IPPROTO_ICMPV6, 8, "\x80\0\0\0", 4},
		{IPPROTO_SCTP, 16, "", 0},
		{ANY_PROTOCOL, 8, "", 0},
		{IPPROTO_DSTOPTS, 16, "\xfd\0\1\4\0\0\0\0", 8},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip6_packet p = {.id = i,
			.is_fragment = true,
			.more = true,
			.next = rows[i].next,
			.payload_bytes = rows[i].payload_bytes};
		uint32_t n = ip6_packet_frame(&p, bytes);

		memcpy(bytes + n - p.payload_bytes, rows[i].patch, rows[i].n_patch);
		assert_null(reassembly_add6(&worker, frame_new(bytes, n, n, n)));
		assert_int_equal(rte_mempool_in_use_count(worker.pool), i + 1);
	}
}

static void frames_that_lie_or_come_in_several_buffers_are_dropped(void **state)
{
	struct ip6_packet p = {.is_fragment = true, .more = true, .payload_bytes = 800};
	uint32_t n = ip6_packet_frame(&p, bytes);

	assert_null(reassembly_add6(&worker, frame_new(bytes, n, 100, 800)));
	assert_null(reassembly_add6(&worker, frame_new(bytes, 40, 40, 40)));
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 2);
	assert_null(reassembly_add6(&worker, frame_new(bytes, n - 1, n, n)));
	assert_int_equal(counted(COUNTER_DROP_IP6_LENGTH), 1);
	bytes[L3_OFFSET] = 0x45;
	assert_null(reassembly_add6(&worker, frame_new(bytes, n, n, n)));
	assert_int_equal(counted(COUNTER_DROP_IP6_VERSION), 1);
}

// RFC 6980 5, however small its fragments; the certification path advertisement may be in pieces.
static void neighbour_discovery_behind_a_fragment_header_is_dropped(void **state)
{
	static const struct {
		uint8_t type;
		bool is_dropped;
	} rows[] = {{128, false}, {132, false}, {133, true}, {134, true}, {135, true}, {136, true},
		{137, true}, {138, false}, {148, true}, {149, false}};
	uint64_t n_dropped = 0;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		for (unsigned atomic = 0; atomic < 2; atomic++) {
			struct ip6_packet p = {.id = i,
				.is_fragment = true,
				.more = !atomic,
				.next = IPPROTO_ICMPV6,
				.payload_bytes = 32};
			uint32_t n = ip6_packet_frame(&p, bytes);
			struct rte_mbuf *m;

			bytes[L3_OFFSET + offsetof(struct rte_ipv6_hdr, hop_limits)] =
				1; // as 132 has
			bytes[n - 32] = rows[i].type;
			m = reassembly_add6(&worker, frame_new(bytes, n, n, n));
			assert_int_equal(m != NULL, atomic && !rows[i].is_dropped);
			rte_pktmbuf_free(m);
			n_dropped += rows[i].is_dropped;
			assert_int_equal(counted(COUNTER_DROP_ND_FRAGMENT), n_dropped);
		}
	}
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void an_atomic_fragment_comes_back_as_it_is_and_disturbs_nobody(void **state)
{
	struct ip6_packet whole = {.id = 7, .payload_bytes = 1000};
	struct ip6_packet atomic = whole;
	struct rte_mbuf *m;

	atomic.is_fragment = true;
	assert_null(add_part(&whole, 0, 800, true));
	m = add(&atomic);
	assert_int_equal(fragment_largest(m), 0);
	ip6_check_whole(m, &atomic);
	assert_int_equal(counted(COUNTER_REASSEMBLED), 0);
	ip6_check_whole(add_part(&whole, 800, 1000, false), &whole);
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 0);
}

static void a_packet_that_is_no_fragment_comes_back_as_it_is(void **state)
{
	struct ip6_packet whole = {.payload_bytes = 1000};

	ip6_check_whole(add(&whole), &whole);
}

// RFC 5722: "the entire datagram (and any constituent fragments) MUST be silently discarded".
static void overlapping_pieces_never_make_a_packet(void **state)
{
	static const struct {
		uint32_t from, to;
	} rows[] = {{0, 808}, {792, 1600}, {400, 800}, {0, 400}, {808, 816}, {0, 1600}};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip6_packet whole = {.id = i, .payload_bytes = 1700};

		assert_null(add_part(&whole, 0, 800, true));
		assert_null(add_part(&whole, 800, 1600, true));
		assert_null(add_part(&whole, rows[i].from, rows[i].to, true));
		assert_null(add_part(&whole, 1600, 1700, false));
		for (unsigned j = 0; j < 3; j++)
			assert_null(add_part(&whole, j * 800, j < 2 ? j * 800 + 800 : 1700, j < 2));
	}
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 7 * RTE_DIM(rows));
}

// RFC 3168 5.3
static void a_congestion_mark_on_any_piece_marks_the_whole(void **state)
{
	enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3, LOST = 4 };
	static const struct {
		uint8_t first, second, whole;
	} rows[] = {{ECT0, ECT0, ECT0}, {ECT0, CE, CE}, {CE, ECT0, CE}, {CE, ECT1, CE},
		{CE, CE, CE}, {CE, NOT_ECT, LOST}, {NOT_ECT, CE, LOST}, {NOT_ECT, NOT_ECT, NOT_ECT},
		{ECT1, ECT0, ECT1}};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip6_packet whole = {.id = i, .payload_bytes = 900};
		struct ip6_packet a = ip6_part(&whole, 0, 800, true);
		struct ip6_packet b = ip6_part(&whole, 800, 900, false);
		struct rte_mbuf *m;

		a.ecn = rows[i].first;
		b.ecn = rows[i].second;
		assert_null(add(&a));
		m = add(&b);
		assert_int_equal(m == NULL, rows[i].whole == LOST);
		whole.ecn = rows[i].whole;
		if (m != NULL)
			ip6_check_whole(m, &whole);
	}
	assert_int_equal(counted(COUNTER_DROP_REASSEMBLY), 4);
}

static void one_that_floods_from_all_of_its_prefix_pushes_only_itself_out(void **state)
{
	enum { HOSTS = 40 };
	struct ip6_packet whole = {.payload_bytes = 900};
	unsigned n_whole = 0;

	for (unsigned i = 0; i < HOSTS; i++) {
		whole.net = i + 1;
		assert_null(add_part(&whole, 0, 800, true));
	}
	whole.net = 0;
	for (unsigned i = 0; i < 20000; i++) {
		whole.id = i;
		whole.host = (uint8_t)i;
		assert_null(add_part(&whole, 0, 800, true));
	}
	whole.id = whole.host = 0;
	for (unsigned i = 0; i < HOSTS; i++) {
		struct rte_mbuf *m;

		whole.net = i + 1;
		m = add_part(&whole, 800, 900, false);
		n_whole += m != NULL;
		rte_pktmbuf_free(m);
	}
	// all but those that share a lane with it
	assert_in_range(n_whole, HOSTS - 3, HOSTS);
}

// Packets of random headers, cut anywhere, in any order, some pieces twice, some lost: what comes
// out is a packet that went in, and without losses all of them come out.
static void random_pieces_make_the_very_packet_or_nothing(void **state)
{
	enum { PIECES = 12 };
	static const uint8_t kinds[] = {IPPROTO_DSTOPTS, IPPROTO_ROUTING};
	unsigned n_whole = 0, n_lossless = 0;

	for (unsigned round = 0; round < 20000; round++) {
		struct ip6_packet whole = {.id = round,
			.fill = (uint8_t)random32(),
			.n_before = random32() % 3,
			.payload_bytes = 16 + random32() % 4000};
		bool has_losses = random32() % 2;
		struct ip6_packet parts[2 * PIECES];
		unsigned n = 0, n_came = 0;

		for (unsigned i = 0; i < whole.n_before; i++)
			whole.before[i] = kinds[random32() % 2];
		for (uint32_t at = 0; at < whole.payload_bytes && n < PIECES; n++) {
			uint32_t left = whole.payload_bytes - at;
			uint32_t part = 8 + random32() % 1400 / 8 * 8;

			if (at == 0) // not all in one: that would be atomic
				part = RTE_MIN(part, (left - 1) / 8 * 8);
			else if (n == PIECES - 1 && left <= 1400)
				part = left;
			part = RTE_MIN(part, left);
			parts[n] = ip6_part(&whole, at, at + part, part < left);
			at += part;
		}
		if (parts[n - 1].more)
			has_losses = true; // cut too small: the rest never comes
		for (unsigned i = n; i > 0 && random32() % 4 == 0; i--)
			parts[n++] = parts[random32() % i];
		if (has_losses) {
			parts[random32() % n] = parts[n - 1];
			n--;
		}
		for (unsigned left = n; left > 0; left--) {
			unsigned i = random32() % left;
			struct rte_mbuf *m = add(&parts[i]);

			parts[i] = parts[left - 1];
			if (m == NULL)
				continue;
			ip6_check_whole(m, &whole);
			n_came++; // a second time, where each piece came twice
		}
		n_lossless += !has_losses;
		assert_true(has_losses || n_came > 0);
		n_whole += n_came;
		worker.now_ms += 10;
		reassembly_tick(&worker);
	}
	assert_true(n_lossless > 5000 && n_whole >= n_lossless);
	assert_int_equal(counted(COUNTER_REASSEMBLED), n_whole);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pieces_in_any_order_make_the_packet),
		TEST(pieces_of_two_interfaces_do_not_mix),
		TEST(packets_under_way_together_do_not_mix),
		TEST(the_families_do_not_mix),
		TEST(the_first_piece_gives_all_headers),
		TEST(headers_behind_the_fragment_header_are_payload),
		TEST(padding_of_small_frames_is_no_payload),
		TEST(the_largest_packet_there_is_comes_through),
		TEST(the_parser_takes_the_largest_datagram_there_is),
		TEST(malformed_pieces_are_dropped_by_name),
		TEST(what_is_just_enough_for_a_first_piece_waits),
		TEST(frames_that_lie_or_come_in_several_buffers_are_dropped),
		TEST(neighbour_discovery_behind_a_fragment_header_is_dropped),
		TEST(an_atomic_fragment_comes_back_as_it_is_and_disturbs_nobody),
		TEST(a_packet_that_is_no_fragment_comes_back_as_it_is),
		TEST(overlapping_pieces_never_make_a_packet),
		TEST(a_congestion_mark_on_any_piece_marks_the_whole),
		TEST(one_that_floods_from_all_of_its_prefix_pushes_only_itself_out),
		TEST(random_pieces_make_the_very_packet_or_nothing),
	};
#undef TEST

	if (fixture_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
