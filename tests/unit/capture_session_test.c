// SPDX-License-Identifier: BSD-3-Clause
// The methods capture.start, .read and .stop over workers of the test's own, who have as many
// packets as it says: what is refused and with what words, where a capture ends, what is bounded.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <event2/event.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cfg/base/clock.h"
#include "control/api/show_parts.h"
#include "control/capture.h"
#include "tests/unit/policy_fixture.h"

enum { PACKET_BYTES = 1000, BUFFERED_MAX = 5 << 20 };

static const char router[] =
	LAN_AND_WAN "firewall: {forward: [{from: home, action: drop, comment: nobody}]}\n";

// The workers.
static struct {
	struct dp_capture asked;
	bool is_running;
	int n_started;
	uint64_t left, taken; // packets
	uint64_t since_ns;
	int n_recordings;
	struct dp_captured packet;
} workers;

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	workers.asked = *capture;
	workers.is_running = true;
	return workers.n_started++ % DP_CAPTURES_MAX;
}

bool dataplane_capture_next(struct dataplane *dp, int number, struct dp_captured *out)
{
	if (workers.left == 0)
		return false;
	workers.left--;
	workers.taken++;
	*out = workers.packet;
	return true;
}

void dataplane_capture_counts(const struct dataplane *dp, int number, struct dp_capture_counts *out)
{
	*out = (struct dp_capture_counts){.lost = 3, .unseen = 4};
}

void dataplane_capture_stop(struct dataplane *dp, int number)
{
	workers.is_running = false;
}

void dataplane_capture_free(struct dataplane *dp, int number)
{
	workers.is_running = false;
}

// What the recorder has: the same packets.
struct dp_recording {
	int unused;
};

static struct dp_recording the_recording;

struct dp_recording *dataplane_recording_new(
	const struct dataplane *dp, uint64_t since_ns, struct error *err)
{
	workers.since_ns = since_ns;
	workers.n_recordings++;
	return &the_recording;
}

bool dataplane_recording_next(struct dp_recording *from, struct dp_captured *out)
{
	return dataplane_capture_next(NULL, 0, out);
}

void dataplane_recording_free(struct dp_recording *from)
{
	workers.n_recordings -= from != NULL;
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

bool dataplane_counter(const struct dataplane *dp, unsigned i, struct dp_counter *out)
{
	return false;
}

static int setup(void **state)
{
	static const uint8_t bytes[PACKET_BYTES];
	struct error err = {0};
	int rc = policy_fixture_open(router, NULL, &err);

	memset(&workers, 0, sizeof(workers));
	workers.packet = (struct dp_captured){.kind = DP_CAPTURE_RX,
		.interface = FIRST_ID,
		.bytes = PACKET_BYTES,
		.captured_bytes = PACKET_BYTES,
		.data = bytes};
	return rc;
}

static int teardown(void **state)
{
	capture_forget_all(&fixture);
	policy_fixture_close();
	return 0;
}

static json_t *call(json_t *(*method)(void *, const json_t *, struct rpc_failure *), json_t *params,
	struct rpc_failure *failure)
{
	json_t *result = method(&fixture, params, failure);

	json_decref(params);
	return result;
}

static json_int_t start(const char *params)
{
	struct rpc_failure failure = {0};
	json_t *result = call(capture_start, json_loads(params, 0, NULL), &failure);
	json_int_t number = json_integer_value(json_object_get(result, "capture"));

	assert_true(number > 0);
	json_decref(result);
	return number;
}

// One answer; its bytes are appended to `out`.
static json_t *read_once(json_int_t number, struct evbuffer *out)
{
	struct rpc_failure failure = {0};
	json_t *state = call(capture_read, json_pack("{s:I}", "capture", number), &failure);
	const char *text = json_string_value(json_object_get(state, "pcapng"));
	struct base64_decode_ctx base64;
	uint8_t *bytes;
	size_t n = 0;

	assert_non_null(text);
	bytes = malloc(BASE64_DECODE_LENGTH(strlen(text)) + 1);
	base64_decode_init(&base64);
	assert_true(base64_decode_update(&base64, &n, bytes, strlen(text), text));
	assert_true(base64_decode_final(&base64));
	evbuffer_add(out, bytes, n);
	free(bytes);
	return state;
}

static bool is_over(const json_t *state)
{
	return json_is_true(json_object_get(state, "is_over"));
}

static void what_makes_no_sense_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *params, *words;
	} rows[] = {
		{"{\"kinds\": [\"rx\", \"up\"]}", "'kinds' are rx, tx and drop"},
		{"{\"kinds\": \"rx\"}", "are lists"},
		{"{\"interfaces\": [\"dmz\"]}", "there is no interface 'dmz'"},
		{"{\"snap\": 13}", "'snap' is 14 to 65535"},
		{"{\"count\": -1}", "not negative"},
		{"{\"for_sec\": 4294967296}", "not negative"},
		{"{\"program\": [[6, 0, 0, 1], [6, 0, 0]]}", "step 1 of 'program'"},
		{"{\"program\": [[65536, 0, 0, 0]]}", "step 0 of 'program'"},
		{"{\"program\": [[6, 256, 0, 0]]}", "step 0 of 'program'"},
		{"{\"program\": [[6, 0, 0, 4294967296]]}", "step 0 of 'program'"},
		{"{\"program\": [7]}", "step 0 of 'program'"},
		{"{\"porgram\": []}", "porgram"},
	};
	struct rpc_failure failure;
	json_t *long_one = json_array();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(call(capture_start, json_loads(rows[i].params, 0, NULL), &failure));
		assert_int_equal(failure.code, RPC_INVALID_PARAMS);
		assert_non_null(strstr(failure.text, rows[i].words));
	}
	for (unsigned i = 0; i <= DP_FILTER_STEPS_MAX; i++)
		json_array_append_new(long_one, json_pack("[iiii]", 6, 0, 0, 1));
	assert_null(call(capture_start, json_pack("{s:o}", "program", long_one), &failure));
	assert_non_null(strstr(failure.text, "1025 steps"));
	assert_false(workers.is_running);
	assert_null(call(capture_read, json_pack("{s:i}", "capture", 1), &failure));
	assert_null(call(capture_stop, json_pack("{s:i}", "capture", 1), &failure));
}

static void the_workers_are_asked_for_what_the_client_wants(void **state)
{
	start("{\"interfaces\": [\"wan\"], \"kinds\": [\"tx\", \"drop\"], \"snap\": 96,"
	      " \"thorough\": true, \"program\": [[6, 0, 0, 262144]]}");
	assert_int_equal(workers.asked.interfaces, 1 << (FIRST_ID + 1));
	assert_int_equal(workers.asked.kinds, DP_CAPTURE_TX | DP_CAPTURE_DROP);
	assert_int_equal(workers.asked.snap_bytes, 96);
	assert_true(workers.asked.is_thorough);
	assert_int_equal(workers.asked.n_steps, 1);
	capture_forget_all(&fixture);
	start("{}");
	assert_true(workers.asked.interfaces == UINT64_MAX);
	assert_int_equal(workers.asked.kinds, DP_CAPTURE_ALL);
	assert_int_equal(workers.asked.n_steps, 0);
	assert_false(workers.asked.is_thorough);
}

static void it_ends_by_itself_with_the_count(void **state)
{
	struct evbuffer *got = evbuffer_new();
	struct rpc_failure failure;
	json_int_t number;
	json_t *answer;

	number = start("{\"count\": 5}");
	workers.left = 100;
	answer = read_once(number, got);
	assert_true(is_over(answer));
	assert_int_equal(json_integer_value(json_object_get(answer, "packets")), 5);
	assert_int_equal(json_integer_value(json_object_get(answer, "lost")), 3);
	assert_int_equal(json_integer_value(json_object_get(answer, "unseen")), 4);
	json_decref(answer);
	assert_false(workers.is_running);
	assert_true(evbuffer_get_length(got) > 5 * PACKET_BYTES);
	assert_memory_equal(evbuffer_pullup(got, 4), "\n\r\r\n", 4);
	assert_null(call(capture_read, json_pack("{s:I}", "capture", number), &failure));
	assert_non_null(strstr(failure.text, "there is no capture"));
	assert_int_not_equal(start("{}"), number);
	evbuffer_free(got);
}

static void as_many_as_there_is_room_for_and_each_has_its_number(void **state)
{
	struct rpc_failure failure;
	json_int_t numbers[CAPTURE_SESSIONS_MAX];

	for (unsigned i = 0; i < CAPTURE_SESSIONS_MAX; i++) {
		numbers[i] = start("{}");
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(numbers[i], numbers[k]);
	}
	assert_null(call(capture_start, NULL, &failure));
	assert_non_null(strstr(failure.text, "4 captures are under way"));
	json_decref(call(capture_stop, json_pack("{s:I}", "capture", numbers[1]), &failure));
	json_decref(call(capture_read, json_pack("{s:I}", "capture", numbers[1]), &failure));
	assert_null(call(capture_read, json_pack("{s:I}", "capture", numbers[1]), &failure));
	json_decref(call(capture_read, json_pack("{s:I}", "capture", numbers[2]), &failure));
	start("{}");
}

static void what_was_recorded_is_read_as_a_capture_that_ends_by_itself(void **state)
{
	struct evbuffer *got = evbuffer_new();
	struct rpc_failure failure;
	json_t *answer = call(recorder_write, json_pack("{s:i}", "last_sec", 60), &failure);
	json_int_t number = json_integer_value(json_object_get(answer, "capture"));

	json_decref(answer);
	assert_true(number > 0);
	assert_in_range(workers.since_ns / 1000000000, (uint64_t)time(NULL) - 62,
		(uint64_t)time(NULL) - 59);
	// the second copy has no memory
	assert_null(call(recorder_write, NULL, &failure));
	assert_non_null(strstr(failure.text, "already"));
	workers.left = 3;
	answer = read_once(number, got);
	assert_true(is_over(answer));
	assert_int_equal(json_integer_value(json_object_get(answer, "packets")), 3);
	json_decref(answer);
	assert_int_equal(workers.n_recordings, 0);
	assert_true(evbuffer_get_length(got) > 3 * PACKET_BYTES);
	assert_null(call(recorder_write, json_pack("{s:i}", "last_sec", -1), &failure));
	assert_null(call(recorder_write, json_pack("{s:i}", "lst", 1), &failure));
	assert_non_null(strstr(failure.text, "lst"));
	evbuffer_free(got);
}

static void what_is_there_when_it_is_stopped_can_still_be_read(void **state)
{
	struct evbuffer *got = evbuffer_new();
	struct rpc_failure failure;
	json_int_t number = start("{}");
	bool was_over = false;

	workers.left = 900;
	json_decref(call(capture_stop, json_pack("{s:I}", "capture", number), &failure));
	assert_false(workers.is_running);
	for (unsigned i = 0; i < 20 && !was_over; i++) {
		json_t *answer = read_once(number, got);

		was_over = is_over(answer);
		json_decref(answer);
	}
	assert_true(was_over);
	assert_true(evbuffer_get_length(got) > 900 * PACKET_BYTES);
	evbuffer_free(got);
}

static void a_drop_names_the_rule_by_file_and_line(void **state)
{
	struct evbuffer *got = evbuffer_new();
	json_int_t number = start("{}");
	static const char *const words[] = {
		"drop_rule: dropped; rule test.yaml:4: from: home, action: drop (nobody)",
		"drop_rule: dropped; by no rule but the default"};

	workers.packet.kind = DP_CAPTURE_DROP;
	workers.packet.reason = "drop_rule";
	workers.packet.help = "dropped";
	workers.packet.is_by_firewall = true;
	for (int rule = 0; rule >= -1; rule--) {
		workers.packet.rule = rule;
		workers.left = 1;
		json_decref(read_once(number, got));
		assert_int_not_equal(
			evbuffer_search(got, words[-rule], strlen(words[-rule]), NULL).pos, -1);
	}
	workers.packet.rule = 1000; // of a policy that is no more
	workers.left = 1;
	json_decref(read_once(number, got));
	evbuffer_free(got);
}

static void who_does_not_come_gets_no_more_than_the_buffer_and_is_forgotten(void **state)
{
	uint64_t begun = clock_now_ms();

	start("{}");
	workers.left = UINT64_MAX;
	while (fixture.captures[0] != NULL && clock_now_ms() - begun < 10000)
		event_base_loop(fixture.base, EVLOOP_ONCE);
	assert_null(fixture.captures[0]);
	assert_false(workers.is_running);
	assert_true(clock_now_ms() - begun > 2000);
	assert_true(workers.taken * PACKET_BYTES > 1 << 20);
	assert_true(workers.taken * PACKET_BYTES < BUFFERED_MAX);
}

int main(void)
{
#define IN_A_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		IN_A_HOUSE(what_makes_no_sense_is_refused_with_a_sentence),
		IN_A_HOUSE(the_workers_are_asked_for_what_the_client_wants),
		IN_A_HOUSE(it_ends_by_itself_with_the_count),
		IN_A_HOUSE(as_many_as_there_is_room_for_and_each_has_its_number),
		IN_A_HOUSE(what_was_recorded_is_read_as_a_capture_that_ends_by_itself),
		IN_A_HOUSE(what_is_there_when_it_is_stopped_can_still_be_read),
		IN_A_HOUSE(a_drop_names_the_rule_by_file_and_line),
		IN_A_HOUSE(who_does_not_come_gets_no_more_than_the_buffer_and_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
