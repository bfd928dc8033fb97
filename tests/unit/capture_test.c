// SPDX-License-Identifier: BSD-3-Clause
// Captures as control sees them: what of the pipeline's packets comes out, which of them a filter
// keeps, what a drop is called, and that all of it is bounded.
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "dataplane/capture_filter.h"
#include "dataplane/observe.h"
#include "tests/unit/house_fixture.h"

static struct dp_filter_step steps[DP_FILTER_STEPS_MAX];

static unsigned compile(const char *text)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;
	unsigned n;

	assert_int_equal(pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN), 0);
	n = program.bf_len;
	assert_true(n <= DP_FILTER_STEPS_MAX);
	for (unsigned i = 0; i < n; i++)
		steps[i] = (struct dp_filter_step){program.bf_insns[i].code, program.bf_insns[i].jt,
			program.bf_insns[i].jf, program.bf_insns[i].k};
	pcap_freecode(&program);
	pcap_close(pcap);
	return n;
}

static void start(struct fixture *f, uint8_t kinds, const char *filter)
{
	struct dp_capture capture = {
		.interfaces = UINT64_MAX, .kinds = kinds, .snap_bytes = 96, .is_thorough = true};
	struct error err = {0};

	if (filter != NULL) {
		capture.filter = steps;
		capture.n_steps = compile(filter);
	}
	assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), 0);
}

static unsigned count_rest(struct fixture *f)
{
	struct dp_captured got;
	unsigned n = 0;

	while (dataplane_capture_next(f->dp, 0, &got))
		n++;
	return n;
}

// What worker_flush does before the port has them; the fixture's interfaces have none.
static void leave(struct fixture *f, uint8_t iface)
{
	observe_leave(f->w, iface, f->w->tx[iface].pkts, f->w->tx[iface].n);
}

static void a_packet_is_seen_as_it_came_and_as_it_left(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m = frame_build(f, &fixture_udp_out), *sent;
	struct dp_captured got;
	uint8_t before[64];
	uint32_t bytes = m->pkt_len;

	memcpy(before, rte_pktmbuf_mtod(m, void *), 42);
	start(f, DP_CAPTURE_ALL, NULL);
	fixture_rx(f, m, FIXTURE_LAN);
	leave(f, FIXTURE_WAN);
	sent = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(sent);

	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_int_equal(got.kind, DP_CAPTURE_RX);
	assert_int_equal(got.interface, FIXTURE_LAN);
	assert_int_equal(got.bytes, bytes);
	assert_memory_equal(got.data, before, 42);
	assert_null(got.reason);

	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_int_equal(got.kind, DP_CAPTURE_TX);
	assert_int_equal(got.interface, FIXTURE_WAN);
	assert_memory_equal(got.data, rte_pktmbuf_mtod(sent, void *), 42);
	assert_memory_not_equal(got.data, before, 42); // another source, other MACs, one hop less
	assert_false(dataplane_capture_next(f->dp, 0, &got));
	rte_pktmbuf_free(sent);
}

static void times_are_those_of_the_wall_and_rise(void **state)
{
	struct fixture *f = *state;
	struct timespec t;
	struct dp_captured got;
	uint64_t last;

	clock_gettime(CLOCK_REALTIME, &t);
	last = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	start(f, DP_CAPTURE_RX, NULL);
	for (unsigned i = 0; i < 5; i++)
		assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	for (unsigned i = 0; i < 5; i++) {
		assert_true(dataplane_capture_next(f->dp, 0, &got));
		assert_true(got.time_ns + 1000 >= last); // two clocks, rounded
		last = got.time_ns;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	assert_true(last < (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static void of_a_long_packet_only_the_snap_length_is_copied(void **state)
{
	struct fixture *f = *state;
	struct frame large = fixture_udp_out;
	struct dp_captured got;

	large.payload_bytes = 1000;
	start(f, DP_CAPTURE_RX, NULL);
	assert_true(fixture_passes(f, &large, FIXTURE_WAN));
	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_int_equal(got.bytes, 1042);
	assert_int_equal(got.captured_bytes, 96);
}

static void a_drop_says_its_reason_and_the_rule(void **state)
{
	struct fixture *f = *state;
	struct frame forbidden = fixture_udp_out, stray = fixture_udp_out;
	struct dp_captured got;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_WAN, 1 << ZONE_LAN, DP_ACCEPT);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_DROP);
	house_apply(&h, f);
	stray.ttl = 1;
	stray.dst = FIXTURE_FAR_LAN;
	start(f, DP_CAPTURE_DROP, NULL);
	assert_false(fixture_passes(f, &forbidden, FIXTURE_WAN));
	assert_false(fixture_passes(f, &stray, FIXTURE_LAN2));

	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_int_equal(got.kind, DP_CAPTURE_DROP);
	assert_int_equal(got.interface, FIXTURE_LAN);
	assert_string_equal(got.reason, "drop_rule");
	assert_true(got.is_by_firewall);
	assert_int_equal(got.rule, 1);
	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_string_equal(got.reason, "drop_ttl");
	assert_false(got.is_by_firewall);

	h.policy.n_rules = 0;
	house_apply(&h, f);
	assert_false(fixture_passes(f, &forbidden, FIXTURE_WAN));
	assert_true(dataplane_capture_next(f->dp, 0, &got));
	assert_true(got.is_by_firewall);
	assert_int_equal(got.rule, -1); // the hook's default
}

static void only_what_was_asked_for_is_captured(void **state)
{
	static const struct {
		uint64_t interfaces;
		uint8_t kinds;
		unsigned n;
	} rows[] = {
		{UINT64_MAX, DP_CAPTURE_RX, 1},
		{UINT64_MAX, DP_CAPTURE_TX, 1},
		{UINT64_MAX, DP_CAPTURE_DROP, 0},
		{UINT64_MAX, DP_CAPTURE_ALL, 2},
		{1 << FIXTURE_LAN, DP_CAPTURE_ALL, 1},
		{1 << FIXTURE_LAN, DP_CAPTURE_TX, 0},
		{1 << FIXTURE_WAN, DP_CAPTURE_TX, 1},
		{0, DP_CAPTURE_ALL, 0},
	};
	struct fixture *f = *state;
	struct error err = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dp_capture capture = {.interfaces = rows[i].interfaces,
			.kinds = rows[i].kinds,
			.snap_bytes = 64,
			.is_thorough = true};

		assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), 0);
		fixture_rx(f, frame_build(f, &fixture_udp_out), FIXTURE_LAN);
		leave(f, FIXTURE_WAN);
		rte_pktmbuf_free(fixture_sent(f, FIXTURE_WAN));
		assert_int_equal(count_rest(f), rows[i].n);
		dataplane_capture_free(f->dp, 0);
	}
}

static void a_stopped_capture_can_still_be_read(void **state)
{
	struct fixture *f = *state;

	start(f, DP_CAPTURE_RX, NULL);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	dataplane_capture_stop(f->dp, 0);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(count_rest(f), 1);
}

// Each by its own filter, and none by that of another; one more than there is room for is refused.
static void several_captures_see_each_its_own(void **state)
{
	static const char *const texts[] = {"udp", "tcp", "udp and host 198.18.0.7", "not udp"};
	static const bool sees[] = {true, false, true, false};
	struct fixture *f = *state;
	struct dp_capture capture = {.interfaces = UINT64_MAX,
		.kinds = DP_CAPTURE_RX,
		.snap_bytes = 64,
		.is_thorough = true,
		.filter = steps};
	struct dp_captured got;
	struct error err = {0};

	for (int i = 0; i < DP_CAPTURES_MAX; i++) {
		capture.n_steps = compile(texts[i]);
		assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), i);
	}
	assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), -EBUSY);
	assert_non_null(strstr(err.text, "4 captures"));
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	for (int i = 0; i < DP_CAPTURES_MAX; i++) {
		assert_int_equal(dataplane_capture_next(f->dp, i, &got), sees[i]);
		assert_false(dataplane_capture_next(f->dp, i, &got));
	}
	dataplane_capture_free(f->dp, 0); // the others go on
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_false(dataplane_capture_next(f->dp, 0, &got));
	assert_true(dataplane_capture_next(f->dp, 2, &got));
	capture.n_steps = 0; // and the place is free
	assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), 0);
	for (int i = 0; i < DP_CAPTURES_MAX; i++)
		dataplane_capture_free(f->dp, i);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_null(f->w->observers);
}

static void what_finds_the_ring_full_is_lost_by_name_and_the_rest_is_whole(void **state)
{
	struct fixture *f = *state;
	struct dp_capture_counts counts;
	struct frame numbered = fixture_udp_out;
	struct dp_captured got;
	unsigned n = 0;

	numbered.payload_bytes = 60;
	start(f, DP_CAPTURE_RX, NULL);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			struct rte_mbuf *m = frame_build(f, &numbered);

			rte_pktmbuf_mtod(m, uint8_t *)[12] = 0x88; // ends at once, and is numbered
			memcpy(rte_pktmbuf_mtod(m, uint8_t *) + 20, &i, sizeof(i));
			fixture_rx(f, m, FIXTURE_LAN);
			rte_pktmbuf_free(fixture_punted(f));
		}
		dataplane_capture_counts(f->dp, 0, &counts);
		for (n = 0; dataplane_capture_next(f->dp, 0, &got); n++) {
			assert_int_equal(got.captured_bytes, 96);
			assert_memory_equal(got.data + 20, &n, sizeof(n)); // the first ones
		}
		assert_true(n > 10000 && n < 20000);
	}
	dataplane_capture_counts(f->dp, 0, &counts);
	assert_true(counts.lost > 0);
	assert_int_equal(fixture_counter(f, COUNTER_CAPTURE_LOST), counts.lost);
	assert_int_equal(counts.unseen, 0);
}

static void a_worker_without_time_to_spare_lets_packets_go_by_by_name(void **state)
{
	struct dp_capture capture = {
		.interfaces = UINT64_MAX, .kinds = DP_CAPTURE_RX, .snap_bytes = 64};
	struct dp_capture_counts counts;
	struct fixture *f = *state;
	struct error err = {0};
	unsigned n = 0;

	assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), 0);
	do { // the machine may hold the test for a while, which looks like time to spare
		assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
		n++;
		dataplane_capture_counts(f->dp, 0, &counts);
	} while (counts.unseen < 1000 && n < 1000000);
	assert_int_equal(counts.unseen, 1000);
	assert_int_equal(fixture_counter(f, COUNTER_CAPTURE_UNSEEN), counts.unseen);
	assert_int_equal(count_rest(f) + counts.lost + counts.unseen, n);

	for (unsigned i = 0; i < 100; i++) {
		f->w->idle_turns++; // and with time, none
		assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	}
	assert_int_equal(count_rest(f), 100);
}

// A worker that slept, or whose thread has ended, still knows it: its tables' packets end then.
static void a_capture_that_is_gone_sees_no_packet_of_the_end(void **state)
{
	struct fixture *f = *state;
	struct frame piece = fixture_udp_out;

	piece.fragment = 0x2000; // the others never come
	piece.payload_bytes = 64;
	start(f, DP_CAPTURE_DROP, NULL);
	assert_false(fixture_passes(f, &piece, FIXTURE_WAN));
	dataplane_capture_free(f->dp, 0);
	assert_non_null(f->w->observers);
	worker_fini(f->w);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REASSEMBLY), 1);
}

// --- filters ---

static const char *const filters[] = {"tcp port 443", "udp", "icmp", "arp", "ip6",
	"host 198.18.0.7", "src net 198.18.0.0/24 and not port 53", "udp port 53 or tcp port 80",
	"portrange 1000-5000", "ip[8] < 10", "tcp[tcpflags] & tcp-syn != 0", "greater 500",
	"ip6 and udp port 53", "vlan 5", "ether host 02:00:00:00:00:01",
	"port 53 and host 198.18.0.8", "net 198.51.100.0/24", "ip proto 47",
	"ip[6:2] & 0x1fff = 0 and udp dst port 443",
	"dst port 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 53 or 443", "ether broadcast",
	"not ip", "icmp6 or icmp"};

static void random_frame(uint8_t *bytes, unsigned n)
{
	static const uint8_t types[][2] = {{8, 0}, {0x86, 0xdd}, {8, 6}, {0x81, 0}};
	static const uint8_t protocols[] = {1, 6, 17, 47, 58};
	static const uint8_t ports[] = {53, 80, 7};
	unsigned kind = (unsigned)rand() % 4, header = 14 + 20;

	for (unsigned i = 0; i < n; i++)
		bytes[i] = (uint8_t)rand();
	if (rand() % 16 == 0)
		return;
	memcpy(bytes + 12, types[kind], 2);
	if (kind == 0) {
		bytes[14] = rand() % 4 ? 0x45 : (uint8_t)(0x40 | rand() % 16);
		header = 14u + 4 * (bytes[14] & 15);
		bytes[23] = protocols[rand() % 5];
		if (rand() % 2)
			bytes[20] = bytes[21] = 0;
		memcpy(bytes + 26, (uint8_t[]){198, 18, 0, (uint8_t)(7 + rand() % 2)}, 4);
		memcpy(bytes + 30, (uint8_t[]){198, 51, 100, 10}, 4);
	} else if (kind == 1) {
		bytes[20] = protocols[rand() % 5];
		header = 54;
	}
	if (header + 4 <= n && rand() % 2) {
		bytes[header] = 1;
		bytes[header + 1] = 0xbb;
	}
	if (header + 4 <= n && rand() % 2) {
		bytes[header + 2] = 0;
		bytes[header + 3] = ports[rand() % 3];
	}
}

static void the_sieve_refuses_nothing_that_its_filter_keeps(void **state)
{
	struct fixture *f = *state;
	struct capture_filter *filter = malloc(sizeof(*filter));
	unsigned n_closed = 0;
	struct error err;

	(void)f;
	srand(7);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		unsigned n = compile(filters[i]), n_sifted = 0, n_wanted = 0;

		assert_int_equal(filter_make(filter, steps, n, &err), 0);
		n_closed += !filter->sieve.is_open;
		for (unsigned k = 0; k < 20000; k++) {
			struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
			unsigned bytes = 14 + (unsigned)rand() % 120;
			bool is_wanted, is_worth;
			uint8_t kept[64];

			random_frame((uint8_t *)rte_pktmbuf_append(m, (uint16_t)bytes), bytes);
			is_wanted = filter_matches(filter, m);
			is_worth = sieve_burst(&filter->sieve, &m, 1, kept) == 1;
			if (is_wanted && !is_worth)
				fail_msg("'%s' loses a packet", filters[i]);
			n_wanted += is_wanted;
			n_sifted += is_worth;
			rte_pktmbuf_free(m);
		}
		assert_true(n_sifted >= n_wanted);
		if (i < 2) // the commonest kinds are worth nothing if all passes
			assert_true(n_sifted < 16000);
	}
	assert_true(n_closed >= 12);
	free(filter);
}

static void an_unsound_program_is_refused(void **state)
{
	static const struct dp_filter_step last = {BPF_RET | BPF_K, 0, 0, 1};
	static const struct dp_filter_step unsound[] = {
		{BPF_LDX | BPF_W | BPF_ABS, 0, 0, 0},	// libpcap's own check lets it pass
		{BPF_LD | BPF_B | BPF_MEM, 0, 0, 0},	// this too
		{BPF_LD | BPF_MEM, 0, 0, BPF_MEMWORDS}, // past the scratch memory
		{BPF_ST, 0, 0, 0xffffffff},
		{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0},
		{BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32},
		{BPF_JMP | BPF_JA, 0, 0, 1},	      // past the end
		{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, // for ever
		{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0},
		{0xffff, 0, 0, 0},
	};
	struct capture_filter *filter = malloc(sizeof(*filter));
	struct dp_filter_step program[2] = {{0}, last};
	struct error err;

	for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++) {
		program[0] = unsound[i];
		assert_int_equal(filter_make(filter, program, 2, &err), -EINVAL);
	}
	program[0] = (struct dp_filter_step){BPF_LD | BPF_W | BPF_LEN, 0, 0, 0};
	assert_int_equal(filter_make(filter, program, 2, &err), 0);
	assert_int_equal(filter_make(filter, program, 1, &err), -EINVAL); // it has no end
	assert_int_equal(filter_make(filter, program, DP_FILTER_STEPS_MAX + 1, &err), -EINVAL);
	free(filter);
}

static void a_filter_keeps_what_it_says(void **state)
{
	struct fixture *f = *state;
	struct frame other = fixture_udp_out;
	char text[64];

	other.dport++;
	snprintf(text, sizeof(text), "udp dst port %u", other.dport);
	start(f, DP_CAPTURE_RX, text);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_true(fixture_passes(f, &other, FIXTURE_WAN));
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(count_rest(f), 1);
}

int main(void)
{
#define WITH_NAT(test) cmocka_unit_test_setup_teardown(test, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_NAT(a_packet_is_seen_as_it_came_and_as_it_left),
		WITH_NAT(times_are_those_of_the_wall_and_rise),
		WITH_NAT(of_a_long_packet_only_the_snap_length_is_copied),
		WITH_NAT(a_drop_says_its_reason_and_the_rule),
		WITH_NAT(only_what_was_asked_for_is_captured),
		WITH_NAT(a_stopped_capture_can_still_be_read),
		WITH_NAT(several_captures_see_each_its_own),
		WITH_NAT(what_finds_the_ring_full_is_lost_by_name_and_the_rest_is_whole),
		WITH_NAT(a_worker_without_time_to_spare_lets_packets_go_by_by_name),
		WITH_NAT(a_capture_that_is_gone_sees_no_packet_of_the_end),
		WITH_NAT(a_filter_keeps_what_it_says),
		WITH_NAT(the_sieve_refuses_nothing_that_its_filter_keeps),
		cmocka_unit_test(an_unsound_program_is_refused),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
