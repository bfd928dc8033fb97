// SPDX-License-Identifier: BSD-3-Clause
// What has the recorder write a file by itself, and what has not: over workers of the test's own,
// who have as many packets as it says.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/recorder.h"
#include "tests/unit/policy_fixture.h"

enum { PACKETS = 9000, PATIENCE_MS = 10000 };

static char directory[] = "/tmp/recorder-events-XXXXXX";

// The workers.
struct dp_recording {
	unsigned left;
	const char *name; // of the interface, as another router called it
};

static struct {
	uint64_t drops, since_ns;
	unsigned n_copies, n_packets;
	bool has_no_memory;
} workers;

bool dataplane_counter(const struct dataplane *dp, unsigned i, struct dp_counter *out)
{
	static const char *const names[] = {"drop_rule", "punt_arp"};

	if (i > 1)
		return false;
	*out = (struct dp_counter){names[i], "", workers.drops * (i == 0 ? 1 : 1000)};
	return true;
}

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	return -EBUSY;
}

bool dataplane_capture_next(struct dataplane *dp, int number, struct dp_captured *out)
{
	return false;
}

void dataplane_capture_counts(const struct dataplane *dp, int number, struct dp_capture_counts *out)
{
}

void dataplane_capture_stop(struct dataplane *dp, int number)
{
}

void dataplane_capture_free(struct dataplane *dp, int number)
{
}

bool dataplane_recorder_state(
	const struct dataplane *dp, unsigned worker, struct dp_recorder_state *out)
{
	return false;
}

bool dataplane_recorder_outlives(const struct dataplane *dp, struct error *err)
{
	return true;
}

struct dp_recording *dataplane_recording_left(
	const char *path, uint32_t last_sec, struct dp_recording_origin *origin, struct error *err)
{
	return NULL;
}

struct dp_recording *dataplane_recording_new(
	const struct dataplane *dp, uint64_t since_ns, struct error *err)
{
	struct dp_recording *copy = workers.has_no_memory ? NULL : malloc(sizeof(*copy));

	if (copy == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	*copy = (struct dp_recording){.left = workers.n_packets};
	workers.since_ns = since_ns;
	workers.n_copies++;
	return copy;
}

bool dataplane_recording_next(struct dp_recording *copy, struct dp_captured *out)
{
	static const uint8_t bytes[64];

	if (copy->left == 0)
		return false;
	copy->left--;
	*out = (struct dp_captured){.kind = DP_CAPTURE_RX,
		.interface = FIRST_ID,
		.interface_name = copy->name,
		.bytes = sizeof(bytes),
		.captured_bytes = sizeof(bytes),
		.data = bytes};
	return true;
}

void dataplane_recording_free(struct dp_recording *copy)
{
	free(copy);
}

// --- the house ---

static struct recorder *recorder;

static void open_with(const char *more)
{
	char text[1024];
	struct error err = {0};

	snprintf(text, sizeof(text), LAN_AND_WAN "recorder: {directory: %s%s}\n", directory, more);
	assert_int_equal(policy_fixture_open(text, NULL, &err), 0);
	for (unsigned i = 0; i < fixture.interfaces.n; i++)
		fixture.interfaces.list[i].is_link_up = true;
	memset(&workers, 0, sizeof(workers));
	workers.n_packets = PACKETS;
	recorder = recorder_start(&fixture);
	assert_non_null(recorder);
}

static int setup(void **state)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char command[128];

	recorder_stop(recorder);
	recorder = NULL;
	policy_fixture_close();
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static unsigned count_files(void)
{
	const struct recorder_files files = recorder_files_of(&fixture);

	return recorder_files_list(&files, NULL, 0);
}

static void finish_file(void)
{
	uint64_t begun = clock_now_ms();

	while (recorder_is_writing(recorder) && clock_now_ms() - begun < PATIENCE_MS)
		event_base_loop(fixture.base, EVLOOP_ONCE);
	assert_false(recorder_is_writing(recorder));
}

static void set_link(bool is_up)
{
	fixture.interfaces.list[1].is_link_up = is_up;
	recorder_link(recorder, &fixture.interfaces.list[1]);
}

// A second passes, with so many drops.
static void pass(unsigned drops)
{
	static const struct timespec ms = {.tv_nsec = 1100000};

	nanosleep(&ms, NULL);
	workers.drops += drops;
	recorder_turn(recorder, 0);
}

static void a_lost_link_writes_a_file_that_says_so(void **state)
{
	struct recorder_entry entry;
	struct recorder_state said;
	struct recorder_files files;

	open_with("");
	set_link(true); // it was before
	assert_int_equal(workers.n_copies, 0);
	set_link(false);
	assert_int_equal(workers.n_copies, 1); // at once: the rings go on
	assert_in_range(workers.since_ns / 1000000000, (uint64_t)time(NULL) - 32,
		(uint64_t)time(NULL) - 29);
	assert_true(recorder_is_writing(recorder));
	assert_int_equal(count_files(), 0);
	finish_file();
	files = recorder_files_of(&fixture);
	assert_int_equal(recorder_files_list(&files, &entry, 1), 1);
	assert_non_null(strstr(entry.name, "link-down"));
	assert_true(entry.bytes > PACKETS * 64);
	recorder_state(recorder, &said);
	assert_int_equal(said.n_written, 1);
	assert_string_equal(said.last, "interface wan lost its link");
	set_link(true); // is no event unless the config says so
	assert_int_equal(workers.n_copies, 1);
}

static void a_flood_of_drops_is_one_event(void **state)
{
	struct recorder_state said;

	open_with(", drops: 1000000");
	pass(1); // what counted 1000 is no drop
	assert_int_equal(workers.n_copies, 0);
	pass(1000000);
	assert_int_equal(workers.n_copies, 1);
	finish_file();
	for (unsigned i = 0; i < 5; i++)
		pass(1000000);
	assert_int_equal(workers.n_copies, 1);
	pass(0);
	pass(1000000); // another, but too soon after the first to be told
	assert_int_equal(workers.n_copies, 1);
	recorder_state(recorder, &said);
	assert_int_equal(said.n_passed_over, 1);
	assert_non_null(strstr(said.last, "drops a second"));
}

static void a_worker_that_stalls_is_an_event(void **state)
{
	open_with("");
	recorder_turn(recorder, 0);
	assert_int_equal(workers.n_copies, 0);
	recorder_turn(recorder, 1);
	assert_int_equal(workers.n_copies, 1);
}

static void what_the_config_does_not_name_is_no_event(void **state)
{
	open_with(", on: [link-up]");
	set_link(false);
	recorder_turn(recorder, 1);
	assert_int_equal(workers.n_copies, 0);
	set_link(true);
	assert_int_equal(workers.n_copies, 1);
}

static void nothing_is_written_by_itself_when_the_config_says_so(void **state)
{
	open_with(", on: nothing");
	set_link(false);
	set_link(true);
	pass(1000000000);
	recorder_turn(recorder, 1);
	assert_int_equal(workers.n_copies, 0);
}

static void an_event_waits_for_the_one_copy_that_there_is_memory_for(void **state)
{
	struct capture_request request = {.what = {.interfaces = UINT64_MAX, .snap_bytes = 96}};
	struct error err;

	open_with("");
	assert_true(capture_begin_recorded(&fixture, &request, 0, &err) > 0);
	set_link(false);
	assert_int_equal(workers.n_copies, 1);
	capture_forget_all(&fixture);
	recorder_turn(recorder, 0);
	assert_int_equal(workers.n_copies, 2);
	assert_true(recorder_is_writing(recorder));
}

static void a_file_is_no_larger_than_all_may_be(void **state)
{
	struct recorder_entry entry;
	struct recorder_files files;

	open_with(", space: 1");
	workers.n_packets = 1000000;
	set_link(false);
	finish_file();
	files = recorder_files_of(&fixture);
	assert_int_equal(recorder_files_list(&files, &entry, 1), 1);
	assert_in_range(entry.bytes, 900000, 1 << 20);
}

static void what_a_router_before_this_one_left_is_written_first(void **state)
{
	struct dp_recording *left = malloc(sizeof(*left));
	struct recorder_entry entry;
	struct recorder_state said;
	struct recorder_files files;
	char path[160], text[4096] = {0};
	FILE *file;

	*left = (struct dp_recording){.left = PACKETS, .name = "of-old"};
	fixture.leftover = (struct leftover){.recording = left, .origin = {.pid = 4711}};
	open_with("");
	assert_null(fixture.leftover.recording); // it is the file's
	assert_true(recorder_is_writing(recorder));
	set_link(false); // waits for it
	assert_int_equal(workers.n_copies, 0);
	finish_file();
	files = recorder_files_of(&fixture);
	assert_int_equal(recorder_files_list(&files, &entry, 1), 1);
	assert_non_null(strstr(entry.name, "-crash.pcapng"));
	assert_true(entry.bytes > PACKETS * 64);
	recorder_state(recorder, &said);
	assert_non_null(strstr(said.last, "process 4711, ended without a word"));
	snprintf(path, sizeof(path), "%s/%s", directory, entry.name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text), file) == sizeof(text));
	fclose(file);
	assert_non_null(memmem(text, sizeof(text), "of-old", strlen("of-old")));
	recorder_turn(recorder, 0);
	assert_int_equal(workers.n_copies, 1);
}

static void what_cannot_be_written_is_said_and_the_next_may(void **state)
{
	struct recorder_state said;

	open_with("");
	workers.has_no_memory = true;
	set_link(false);
	assert_false(recorder_is_writing(recorder));
	recorder_state(recorder, &said);
	assert_int_equal(said.n_written, 0);
	assert_int_equal(count_files(), 0);
}

int main(void)
{
#define IN_A_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		IN_A_HOUSE(a_lost_link_writes_a_file_that_says_so),
		IN_A_HOUSE(a_flood_of_drops_is_one_event),
		IN_A_HOUSE(a_worker_that_stalls_is_an_event),
		IN_A_HOUSE(what_the_config_does_not_name_is_no_event),
		IN_A_HOUSE(nothing_is_written_by_itself_when_the_config_says_so),
		IN_A_HOUSE(an_event_waits_for_the_one_copy_that_there_is_memory_for),
		IN_A_HOUSE(a_file_is_no_larger_than_all_may_be),
		IN_A_HOUSE(what_a_router_before_this_one_left_is_written_first),
		IN_A_HOUSE(what_cannot_be_written_is_said_and_the_next_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
