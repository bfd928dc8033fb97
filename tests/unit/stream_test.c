// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/stream.h"

static struct stream stream;
static struct rpc_session session;
static struct evbuffer *out;

static int setup(void **state)
{
	stream = (struct stream){0};
	session = (struct rpc_session){.owner = &stream};
	out = evbuffer_new();
	return 0;
}

static int teardown(void **state)
{
	stream_fini(&stream);
	evbuffer_free(out);
	return 0;
}

// The topics that it has then, or why not, as text; until the next call.
static const char *call(
	json_t *(*method)(struct rpc_session *, const json_t *, struct rpc_failure *),
	const char *params)
{
	static char text[512];
	struct rpc_failure failure = {0};
	json_t *asked = params == NULL ? NULL : json_loads(params, 0, NULL), *result;
	char *dump;

	result = method(&session, asked, &failure);
	json_decref(asked);
	dump = result == NULL ? NULL : json_dumps(result, JSON_COMPACT);
	snprintf(text, sizeof(text), "%s", dump == NULL ? failure.text : dump);
	free(dump);
	json_decref(result);
	return text;
}

static void topics_are_chosen_and_given_up(void **state)
{
	assert_string_equal(call(stream_subscribe, "{\"topics\":[\"sets\",\"links\"]}"),
		"{\"topics\":[\"links\",\"sets\"]}");
	assert_string_equal(call(stream_subscribe, "{\"topics\":[\"drops\"]}"),
		"{\"topics\":[\"links\",\"drops\",\"sets\"]}");
	assert_string_equal(call(stream_unsubscribe, "{\"topics\":[\"links\",\"config\"]}"),
		"{\"topics\":[\"drops\",\"sets\"]}");
	assert_string_equal(call(stream_unsubscribe, NULL), "{\"topics\":[]}");
	assert_string_equal(call(stream_subscribe, NULL),
		"{\"topics\":[\"links\",\"drops\",\"sets\","
		"\"neighbours\",\"alarms\",\"config\",\"uplinks\",\"leases\",\"commands\"]}");
}

static void what_is_no_topic_changes_nothing(void **state)
{
	static const char *const wrong[] = {"{\"topics\":[]}", "{\"topics\":\"links\"}",
		"{\"topics\":[\"links\",\"link\"]}", "{\"topics\":[1]}", "{\"topic\":[\"links\"]}",
		"{\"topics\":[\"links\"],\"more\":1}"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_non_null(strstr(call(stream_subscribe, wrong[i]),
			"links|drops|sets|neighbours|alarms|config|uplinks|leases|commands"));
		assert_int_equal(stream.topics, 0);
	}
}

static void only_what_was_subscribed_to_comes_and_in_order(void **state)
{
	call(stream_subscribe, "{\"topics\":[\"links\"]}");
	assert_true(stream_put(&stream, STREAM_LINKS, "a\n", 2));
	assert_false(stream_put(&stream, STREAM_SETS, "b\n", 2));
	assert_true(stream_put(&stream, STREAM_LINKS, "c\n", 2));
	stream_flush(&stream, out);
	assert_int_equal(evbuffer_get_length(out), 4);
	assert_memory_equal(evbuffer_pullup(out, -1), "a\nc\n", 4);
	stream_flush(&stream, out);
	assert_int_equal(evbuffer_get_length(out), 4);
}

// The gap stands where it is: what fits again afterwards does not overtake it.
static void what_does_not_fit_is_counted_in_its_place(void **state)
{
	static char line[1000];
	unsigned n_kept = STREAM_WAITING_MAX / sizeof(line);
	static const char lost[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"lost\",\"params\":{\"events\":8}}\n";
	size_t kept = n_kept * sizeof(line);

	memset(line, 'x', sizeof(line));
	call(stream_subscribe, NULL);
	for (unsigned i = 0; i < n_kept + 7; i++)
		stream_put(&stream, STREAM_DROPS, line, sizeof(line));
	stream_put(&stream, STREAM_DROPS, "\n", 1);
	assert_int_equal(evbuffer_get_length(stream.waiting), kept);
	stream_flush(&stream, out);
	assert_int_equal(evbuffer_get_length(out), kept + strlen(lost));
	assert_memory_equal(evbuffer_pullup(out, -1) + kept, lost, strlen(lost));
	stream_put(&stream, STREAM_DROPS, "z\n", 2);
	stream_flush(&stream, out);
	assert_memory_equal(evbuffer_pullup(out, -1) + kept + strlen(lost), "z\n", 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(topics_are_chosen_and_given_up),
		TEST(what_is_no_topic_changes_nothing),
		TEST(only_what_was_subscribed_to_comes_and_in_order),
		TEST(what_does_not_fit_is_counted_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
