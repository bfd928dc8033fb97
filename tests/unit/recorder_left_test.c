// SPDX-License-Identifier: BSD-3-Clause
// What a killed router's recorder has left is read to its last whole packet, and nothing of it is
// believed: over an image that the pipeline has written, and copies of it that are damaged.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/recorder_image.h"
#include "dataplane/recording.h"
#include "tests/unit/house_fixture.h"

enum { RING_BYTES = 64 + 6 * 128, SNAP = 96, SLOTS = 6, FOREVER_SEC = 100000 };

static char image_path[] = "/dev/shm/millrace-recorder-test-XXXXXX";

static void record(struct fixture *f)
{
	struct error err;
	int fd;

	strcpy(image_path + strlen(image_path) - 6, "XXXXXX");
	fd = mkstemp(image_path);
	assert_true(fd >= 0);
	close(fd);
	unlink(image_path);
	f->dp->options.recorder = (struct dp_recorder){.ring_bytes = RING_BYTES,
		.snap_bytes = SNAP,
		.kinds = DP_CAPTURE_RX,
		.image = image_path};
	assert_int_equal(observers_init(f->dp), 0);
	assert_true(dataplane_recorder_outlives(f->dp, &err));
	recorder_name_interface(f->dp->recorder, FIXTURE_LAN, "lan-of-old");
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

// What a router that was killed now would leave.
struct left {
	uint64_t n_bytes;
	uint8_t *bytes;
};

static struct left leave(struct fixture *f)
{
	struct recorder_image *image = f->dp->recorder->image;
	struct left left = {.n_bytes = image->bytes};

	left.bytes = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(left.n_bytes, 64ul));
	memcpy(left.bytes, image->head, left.n_bytes);
	return left;
}

static struct recorder_head *head_of(const struct left *left)
{
	return (struct recorder_head *)(void *)left->bytes;
}

static struct recorder_ring *ring_of(const struct left *left)
{
	return (struct recorder_ring *)(void *)(left->bytes + RECORDER_IMAGE_HEAD_BYTES);
}

// The numbers of the packets that are shown, 99: there is no more.
static void assert_shown(const struct left *left, uint32_t last_sec, const unsigned *wanted)
{
	struct dp_recording_origin origin;
	struct dp_captured got;
	struct error err = {0};
	struct dp_recording *recording =
		dataplane_recording_of_image(left->bytes, left->n_bytes, last_sec, &origin, &err);
	unsigned number;

	if (recording == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(origin.pid, getpid());
	for (; *wanted != 99; wanted++) {
		assert_true(dataplane_recording_next(recording, &got));
		assert_int_equal(got.captured_bytes, got.bytes);
		assert_string_equal(got.interface_name, "lan-of-old");
		memcpy(&number, got.data + 20, sizeof(number));
		assert_int_equal(number, *wanted);
	}
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
}

static void the_newest_are_there_to_the_last(void **state)
{
	struct fixture *f = *state;
	struct left left;

	record(f);
	for (unsigned n = 1; n <= 4; n++)
		arrive(f, n);
	left = leave(f);
	assert_shown(&left, FOREVER_SEC, (const unsigned[]){1, 2, 3, 4, 99});
	free(left.bytes);
	for (unsigned n = 5; n <= 9; n++)
		arrive(f, n);
	left = leave(f);
	assert_shown(&left, FOREVER_SEC, (const unsigned[]){4, 5, 6, 7, 8, 9, 99});
	free(left.bytes);
}

static void a_burst_that_was_being_written_is_left_out_with_what_it_wrote_over(void **state)
{
	struct fixture *f = *state;
	struct left left;

	record(f);
	for (unsigned n = 1; n <= 9; n++)
		arrive(f, n);
	left = leave(f);
	atomic_store(&ring_of(&left)->begun, 11);
	// where it was, and it is only half there
	memset((void *)&ring_of(&left)->words[(size_t)(9 % SLOTS) * 16], 0xee, 50);
	assert_shown(&left, FOREVER_SEC, (const unsigned[]){6, 7, 8, 9, 99});
	free(left.bytes);
}

static void only_the_last_seconds_before_the_last_packet_are_shown(void **state)
{
	struct fixture *f = *state;
	struct left left;

	record(f);
	for (unsigned n = 1; n <= 4; n++)
		arrive(f, n);
	left = leave(f);
	for (unsigned i = 0; i < 2; i++) // nine seconds earlier
		ring_of(&left)->words[(size_t)i * 16 + RECORDER_TSC] -= 9 * rte_get_tsc_hz();
	assert_shown(&left, 8, (const unsigned[]){3, 4, 99});
	assert_shown(&left, 10, (const unsigned[]){1, 2, 3, 4, 99});
	free(left.bytes);
}

static void a_packet_that_no_worker_writes_is_passed_over(void **state)
{
	static const struct {
		unsigned word;
		uint64_t value;
	} rows[] = {
		{RECORDER_TSC, UINT64_MAX},			       // to come
		{RECORDER_PACKET, 60ull << 32 | 60ull << 16 | 3 << 8}, // of two kinds
		{RECORDER_PACKET, 60ull << 32 | 60ull << 16 | 0 << 8},
		{RECORDER_PACKET, 60ull << 32 | 61ull << 16 | DP_CAPTURE_RX << 8}, // more than all
		{RECORDER_PACKET, 9000ull << 32 | 105ull << 16 | DP_CAPTURE_RX << 8}, // than a slot
		{RECORDER_VERDICT, COUNTER_COUNT},
	};
	struct fixture *f = *state;

	record(f);
	for (unsigned n = 1; n <= 4; n++)
		arrive(f, n);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct left left = leave(f);

		ring_of(&left)->words[2 * 16 + rows[i].word] = rows[i].value;
		assert_shown(&left, FOREVER_SEC, (const unsigned[]){1, 2, 4, 99});
		free(left.bytes);
	}
}

static void a_ring_whose_counts_cannot_be_has_nothing(void **state)
{
	static const uint64_t rows[][2] = {// begun, done
		{3, 4}, {UINT64_MAX, 4}, {4 + SLOTS + 1, 4}};
	struct fixture *f = *state;

	record(f);
	for (unsigned n = 1; n <= 4; n++)
		arrive(f, n);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct left left = leave(f);

		atomic_store(&ring_of(&left)->begun, rows[i][0]);
		atomic_store(&ring_of(&left)->done, rows[i][1]);
		assert_shown(&left, FOREVER_SEC, (const unsigned[]){99});
		free(left.bytes);
	}
}

static void a_head_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	struct dp_recording_origin origin;
	struct error err;

	record(f);
	arrive(f, 1);
	for (unsigned row = 0; row < 10; row++) {
		struct left left = leave(f);
		struct recorder_head *head = head_of(&left);

		if (row == 0)
			head->magic++;
		else if (row == 1)
			head->version++;
		else if (row == 2)
			head->n_workers = 0;
		else if (row == 3)
			head->n_workers = 2; // there is room for one
		else if (row == 4)
			head->n_slots = 0;
		else if (row == 5)
			head->n_slots++;
		else if (row == 6)
			head->slot_words = RECORDER_BYTES;
		else if (row == 7)
			head->slot_words = UINT32_MAX;
		else if (row == 8)
			head->ring_bytes = UINT64_MAX - 63;
		else
			left.n_bytes--;
		assert_null(dataplane_recording_of_image(
			left.bytes, left.n_bytes, FOREVER_SEC, &origin, &err));
		assert_non_null(strstr(err.text, "damaged"));
		free(left.bytes);
	}
}

static void names_that_are_none_and_reasons_of_another_version_are_not_told(void **state)
{
	struct fixture *f = *state;
	struct dp_recording_origin origin;
	struct dp_recording *recording;
	struct dp_captured got;
	struct error err;
	struct left left;

	record(f);
	arrive(f, 1);
	left = leave(f);
	memset(head_of(&left)->interfaces[FIXTURE_LAN], 'x', RECORDER_IMAGE_NAME_BYTES);
	ring_of(&left)->words[RECORDER_VERDICT] = COUNTER_DROP_RULE;
	for (unsigned i = 0; i < 2; i++) {
		recording = dataplane_recording_of_image(
			left.bytes, left.n_bytes, FOREVER_SEC, &origin, &err);
		assert_true(dataplane_recording_next(recording, &got));
		assert_string_equal(got.interface_name, "router");
		assert_false(got.is_by_firewall); // its rules are not those of now
		if (i == 0)
			assert_string_equal(got.reason, "drop_rule");
		else
			assert_null(got.reason);
		dataplane_recording_free(recording);
		head_of(&left)->reasons++;
	}
	free(left.bytes);
}

static void a_living_routers_image_is_its_own_and_goes_with_it(void **state)
{
	struct fixture *f = *state;
	struct dp_recording_origin origin;
	struct error err = {0};
	struct stat st;

	record(f);
	assert_null(dataplane_recording_left(image_path, FOREVER_SEC, &origin, &err));
	assert_non_null(strstr(err.text, "which lives"));
	assert_int_equal(stat(image_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	observers_free(f->dp);
	assert_int_equal(stat(image_path, &st), -1);
	err.text[0] = '\0';
	assert_null(dataplane_recording_left(image_path, FOREVER_SEC, &origin, &err));
	assert_string_equal(err.text, ""); // there is none, which is as it should be
}

static void the_image_of_a_dead_one_is_taken_away_and_read(void **state)
{
	struct fixture *f = *state;
	struct dp_recording_origin origin;
	struct dp_recording *recording;
	struct dp_captured got;
	struct error err = {0};
	struct left left;
	char path[64];
	int fd;

	record(f);
	arrive(f, 1);
	left = leave(f);
	snprintf(path, sizeof(path), "%s.dead", image_path);
	fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
	assert_int_equal(write(fd, left.bytes, left.n_bytes), left.n_bytes);
	close(fd);
	recording = dataplane_recording_left(path, FOREVER_SEC, &origin, &err);
	assert_int_equal(access(path, F_OK), -1);
	assert_non_null(recording);
	assert_true(dataplane_recording_next(recording, &got));
	assert_false(dataplane_recording_next(recording, &got));
	dataplane_recording_free(recording);
	free(left.bytes);
}

static void where_there_can_be_no_image_the_rings_are_the_processs_own(void **state)
{
	struct fixture *f = *state;
	struct dp_recorder_state kept;
	struct error err = {0};

	f->dp->options.recorder = (struct dp_recorder){.ring_bytes = RING_BYTES,
		.snap_bytes = SNAP,
		.kinds = DP_CAPTURE_RX,
		.image = "/nonexistent/image"};
	assert_int_equal(observers_init(f->dp), 0);
	assert_false(dataplane_recorder_outlives(f->dp, &err));
	assert_non_null(strstr(err.text, "/nonexistent/image: cannot be made: No such file"));
	arrive(f, 1);
	assert_true(dataplane_recorder_state(f->dp, 0, &kept));
	assert_int_equal(kept.recorded, 1);
}

int main(void)
{
#define WITH_NAT(test) cmocka_unit_test_setup_teardown(test, fixture_setup_nat, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_NAT(the_newest_are_there_to_the_last),
		WITH_NAT(a_burst_that_was_being_written_is_left_out_with_what_it_wrote_over),
		WITH_NAT(only_the_last_seconds_before_the_last_packet_are_shown),
		WITH_NAT(a_packet_that_no_worker_writes_is_passed_over),
		WITH_NAT(a_ring_whose_counts_cannot_be_has_nothing),
		WITH_NAT(a_head_that_is_none_is_refused),
		WITH_NAT(names_that_are_none_and_reasons_of_another_version_are_not_told),
		WITH_NAT(a_living_routers_image_is_its_own_and_goes_with_it),
		WITH_NAT(the_image_of_a_dead_one_is_taken_away_and_read),
		WITH_NAT(where_there_can_be_no_image_the_rings_are_the_processs_own),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
