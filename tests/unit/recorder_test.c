// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder: what the workers keep of the pipeline's packets, what a copy of it says, and
// that a copy never shows half a packet, whatever the worker does meanwhile. The last test is meant
// for ThreadSanitizer too:
//   CC=clang meson setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized
//   ninja -C build-tsan tests/unit/recorder_test
//   build-tsan/tests/unit/recorder_test
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "dataplane/observe.h"
#include "dataplane/recorder.h"
#include "tests/unit/house_fixture.h"

enum { RING_BYTES = 64 << 10, SNAP = 96, SLOT_BYTES = 128 };

static void record(struct fixture *f, uint8_t kinds)
{
	f->dp->options.recorder =
		(struct dp_recorder){.ring_bytes = RING_BYTES, .snap_bytes = SNAP, .kinds = kinds};
	assert_int_equal(observers_init(f->dp), 0);
}

static struct dp_recording *copy_since(const struct fixture *f, uint64_t since_ns)
{
	struct error err = {0};
	struct dp_recording *recording = dataplane_recording_new(f->dp, since_ns, &err);

	if (recording == NULL)
		fail_msg("%s", err.text);
	return recording;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

// What worker_flush does before the port has them; the fixture's interfaces have none.
static void leave(struct fixture *f, uint8_t iface)
{
	observe_leave(f->w, iface, f->w->tx[iface].pkts, f->w->tx[iface].n);
}

static void what_passed_and_what_was_dropped_is_told_with_its_verdict(void **state)
{
	struct fixture *f = *state;
	struct frame forbidden = fixture_udp_out;
	struct dp_recording *recording;
	struct dp_captured got;
	uint64_t before = wall_ns();
	struct rte_mbuf *sent;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT);
	house_apply(&h, f);
	record(f, DP_CAPTURE_ALL);
	fixture_rx(f, frame_build(f, &fixture_udp_out), FIXTURE_LAN);
	leave(f, FIXTURE_WAN);
	sent = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(sent);
	h.rules[0].action = DP_DROP;
	house_apply(&h, f);
	forbidden.payload_bytes = 300;
	assert_false(fixture_passes(f, &forbidden, FIXTURE_WAN));

	recording = copy_since(f, 0);
	assert_true(dataplane_recording_next(recording, &got));
	assert_int_equal(got.kind, DP_CAPTURE_RX);
	assert_int_equal(got.interface, FIXTURE_LAN);
	assert_in_range(got.time_ns, before - 1000000, wall_ns() + 1000000);
	assert_null(got.reason);
	assert_true(dataplane_recording_next(recording, &got));
	assert_int_equal(got.kind, DP_CAPTURE_TX);
	assert_int_equal(got.interface, FIXTURE_WAN);
	assert_int_equal(got.bytes, sent->pkt_len);
	assert_int_equal(got.captured_bytes, sent->pkt_len);
	assert_memory_equal(got.data, rte_pktmbuf_mtod(sent, void *), got.captured_bytes);
	assert_true(dataplane_recording_next(recording, &got));
	assert_int_equal(got.kind, DP_CAPTURE_RX);
	assert_int_equal(got.bytes, 342);
	assert_int_equal(got.captured_bytes, SNAP);
	assert_true(dataplane_recording_next(recording, &got));
	assert_int_equal(got.kind, DP_CAPTURE_DROP);
	assert_int_equal(got.interface, FIXTURE_LAN);
	assert_string_equal(got.reason, "drop_rule");
	assert_true(got.is_by_firewall);
	assert_int_equal(got.rule, 0);
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
	rte_pktmbuf_free(sent);
}

static void only_the_kinds_that_were_asked_for_are_kept(void **state)
{
	struct fixture *f = *state;
	struct dp_recorder_state kept;

	record(f, DP_CAPTURE_DROP);
	fixture_rx(f, frame_build(f, &fixture_udp_out), FIXTURE_LAN);
	leave(f, FIXTURE_WAN);
	rte_pktmbuf_free(fixture_sent(f, FIXTURE_WAN));
	assert_true(dataplane_recorder_state(f->dp, 0, &kept));
	assert_int_equal(kept.recorded, 0);
	assert_int_equal(kept.oldest_ns, 0);
}

// Numbered frames that end at once, as a host's odd protocol does.
static void arrive(struct fixture *f, unsigned number)
{
	struct rte_mbuf *m = frame_build(f, &fixture_udp_out);

	rte_pktmbuf_mtod(m, uint8_t *)[12] = 0x88;
	memcpy(rte_pktmbuf_mtod(m, uint8_t *) + 20, &number, sizeof(number));
	fixture_rx(f, m, FIXTURE_LAN);
	rte_pktmbuf_free(fixture_punted(f));
}

static void the_newest_are_kept_when_the_ring_is_full(void **state)
{
	struct fixture *f = *state;
	struct dp_recorder_state kept;
	struct dp_recording *recording;
	struct dp_captured got;
	unsigned n_slots, first;

	record(f, DP_CAPTURE_RX);
	n_slots = f->dp->recorder->n_slots;
	assert_in_range(n_slots, RING_BYTES / SLOT_BYTES - 4, RING_BYTES / SLOT_BYTES);
	for (unsigned n = 0; n < 3 * n_slots + 7; n++)
		arrive(f, n);
	assert_true(dataplane_recorder_state(f->dp, 0, &kept));
	assert_int_equal(kept.recorded, 3 * n_slots + 7);
	assert_int_equal(kept.held, n_slots);
	assert_int_equal(kept.held_max, n_slots);
	assert_in_range(kept.oldest_ns, wall_ns() - UINT64_C(60000000000), wall_ns());
	recording = copy_since(f, 0);
	arrive(f, 0); // after the copy: not in it
	first = 2 * n_slots + 7;
	for (unsigned n = 0; n < n_slots; n++) {
		unsigned number;

		assert_true(dataplane_recording_next(recording, &got));
		memcpy(&number, got.data + 20, sizeof(number));
		assert_int_equal(number, first + n);
	}
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
}

static void what_is_older_than_asked_for_is_left_out(void **state)
{
	static const struct timespec while_ = {.tv_nsec = 20000000};
	struct fixture *f = *state;
	struct dp_recording *recording;
	struct dp_captured got;
	uint64_t since;
	unsigned number;

	record(f, DP_CAPTURE_RX);
	arrive(f, 1);
	arrive(f, 2);
	since = wall_ns() + 10000000;
	nanosleep(&while_, NULL);
	arrive(f, 3);
	recording = copy_since(f, since);
	assert_true(dataplane_recording_next(recording, &got));
	memcpy(&number, got.data + 20, sizeof(number));
	assert_int_equal(number, 3);
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
}

static void the_workers_packets_are_in_the_order_of_time(void **state)
{
	struct fixture *f = *state;
	struct dp_recording *recording;
	struct dp_captured got;
	uint64_t last = 0;

	record(f, DP_CAPTURE_RX);
	for (unsigned n = 0; n < 10; n++) {
		f->w = dataplane_worker(f->dp, n % 2);
		arrive(f, n);
	}
	f->w = dataplane_worker(f->dp, 0);
	recording = copy_since(f, 0);
	for (unsigned n = 0; n < 10; n++) {
		unsigned number;

		assert_true(dataplane_recording_next(recording, &got));
		memcpy(&number, got.data + 20, sizeof(number));
		assert_int_equal(number, n);
		assert_true(got.time_ns >= last);
		last = got.time_ns;
	}
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
}

static void a_capture_beside_it_changes_nothing(void **state)
{
	struct dp_capture capture = {.interfaces = UINT64_MAX,
		.kinds = DP_CAPTURE_RX,
		.snap_bytes = 64,
		.is_thorough = true};
	struct fixture *f = *state;
	struct dp_recorder_state kept;
	struct dp_captured got;
	struct error err;

	record(f, DP_CAPTURE_RX);
	assert_int_equal(dataplane_capture_start(f->dp, &capture, &err), 0);
	arrive(f, 1);
	dataplane_capture_free(f->dp, 0);
	arrive(f, 2);
	assert_false(dataplane_capture_next(f->dp, 0, &got));
	assert_true(dataplane_recorder_state(f->dp, 0, &kept));
	assert_int_equal(kept.recorded, 2);
}

static void without_one_nothing_is_kept_and_that_is_said(void **state)
{
	struct fixture *f = *state;
	struct dp_recorder_state kept;
	struct error err = {0};

	assert_null(f->w->observers);
	assert_false(dataplane_recorder_state(f->dp, 0, &kept));
	assert_null(dataplane_recording_new(f->dp, 0, &err));
	assert_non_null(strstr(err.text, "there is no recorder"));
}

// --- under a worker that never stops ---

enum { COPIES = 300, BYTES = 88 };

struct writing {
	struct recorder *recorder;
	struct worker *w;
	_Atomic bool must_stop;
};

// Bursts of packets each of whose words are its number, which is the burst's clock too.
static void *write_on(void *arg)
{
	struct writing *writing = arg;
	struct rte_mbuf packets[BURST], *pkts[BURST];
	static uint8_t bytes[BURST][DP_RECORDER_SNAP_MAX + RECORDER_PAIR];
	uint64_t number = 0;

	memset(packets, 0, sizeof(packets));
	for (unsigned i = 0; i < BURST; i++) {
		packets[i].buf_addr = bytes[i];
		packets[i].buf_len = sizeof(bytes[i]);
		packets[i].data_len = BYTES;
		pkts[i] = &packets[i];
	}
	while (!atomic_load_explicit(&writing->must_stop, memory_order_relaxed)) {
		unsigned n = 1 + (unsigned)(number * 7 % BURST);

		number++;
		writing->w->observing.now_tsc = number;
		for (unsigned i = 0; i < n; i++) {
			for (unsigned k = 0; k < BYTES; k += sizeof(number))
				memcpy(bytes[i] + k, &number, sizeof(number));
			packets[i].pkt_len = (uint32_t)number;
		}
		recorder_note(
			writing->w, writing->recorder, DP_CAPTURE_RX, (uint8_t)number, pkts, n);
	}
	return NULL;
}

static uint64_t check_copy(struct dp_recording *recording)
{
	struct dp_captured got;
	uint64_t n = 0, last = 0, number;

	for (; dataplane_recording_next(recording, &got); n++) {
		assert_int_equal(got.captured_bytes, BYTES);
		memcpy(&number, got.data, sizeof(number));
		for (unsigned k = 0; k < BYTES; k += sizeof(number))
			assert_memory_equal(got.data + k, &number, sizeof(number));
		assert_int_equal(got.bytes, (uint32_t)number);
		if ((uint8_t)number != INTERFACE_NONE)
			assert_int_equal(got.interface, (uint8_t)number);
		assert_true(number >= last && (last == 0 || number <= last + 1));
		last = number;
	}
	return n;
}

static void no_copy_shows_half_a_packet(void **state)
{
	const struct dp_recorder options = {
		.ring_bytes = RING_BYTES, .snap_bytes = SNAP, .kinds = DP_CAPTURE_ALL};
	struct writing writing = {.recorder = recorder_new(&options, 1)};
	struct dataplane *dp = calloc(1, sizeof(*dp));
	uint64_t n_shown = 0, n_left_out = 0;
	struct dp_recorder_state kept;
	pthread_t thread;
	struct error err;

	writing.w = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(struct worker));
	memset(writing.w, 0, sizeof(struct worker));
	dp->recorder = writing.recorder;
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
	for (unsigned i = 0; i < COPIES || n_left_out == 0 || n_shown == 0; i++) {
		struct dp_recording *recording = dataplane_recording_new(dp, 0, &err);
		uint64_t n = check_copy(recording);

		assert_true(dataplane_recorder_state(dp, 0, &kept));
		n_shown += n;
		if (kept.recorded > writing.recorder->n_slots)
			n_left_out += writing.recorder->n_slots - n; // it went on meanwhile
		dataplane_recording_free(recording);
	}
	atomic_store(&writing.must_stop, true);
	pthread_join(thread, NULL);
	recorder_free(writing.recorder);
	free(writing.w);
	free(dp);
}

int main(void)
{
#define WITH_NAT(test) cmocka_unit_test_setup_teardown(test, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_NAT(what_passed_and_what_was_dropped_is_told_with_its_verdict),
		WITH_NAT(only_the_kinds_that_were_asked_for_are_kept),
		WITH_NAT(the_newest_are_kept_when_the_ring_is_full),
		WITH_NAT(what_is_older_than_asked_for_is_left_out),
		cmocka_unit_test_setup_teardown(the_workers_packets_are_in_the_order_of_time,
			fixture_setup_nat_of_two, fixture_teardown),
		WITH_NAT(a_capture_beside_it_changes_nothing),
		WITH_NAT(without_one_nothing_is_kept_and_that_is_said),
		cmocka_unit_test(no_copy_shows_half_a_packet),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
