// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "control/api/rpc.h"

static unsigned n_calls;

static json_t *echo(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	n_calls++;
	if (json_object_get(params, "fail") != NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "as you wish");
	return json_pack("{s:s}", "said", "hello");
}

static const struct rpc_method methods[] = {{"echo", echo, RPC_READS}, {"set", echo}, {NULL}};
static const struct rpc rpc = {.methods = methods};
static struct rpc_session session;
static struct evbuffer *in, *out;

static int setup(void **state)
{
	n_calls = 0;
	session = (struct rpc_session){.rpc = &rpc, .may_write = true};
	in = evbuffer_new();
	out = evbuffer_new();
	return 0;
}

static int teardown(void **state)
{
	evbuffer_free(in);
	evbuffer_free(out);
	return 0;
}

static enum rpc_step feed(const char *bytes, size_t len)
{
	evbuffer_add(in, bytes, len);
	return rpc_step(&session, in, out);
}

// The next answer, to be released; NULL when there is none.
static json_t *next_answer(void)
{
	char *line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF);
	json_t *answer = line == NULL ? NULL : json_loads(line, 0, NULL);

	free(line);
	return answer;
}

static void a_request_gets_its_result_under_its_id(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x7\",\"method\":\"echo\"}\n";
	json_t *answer;

	assert_int_equal(feed(request, strlen(request)), RPC_TOOK_LINE);
	answer = next_answer();
	assert_string_equal(json_string_value(json_object_get(answer, "id")), "x7");
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_non_null(json_object_get(json_object_get(answer, "result"), "said"));
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
}

static void what_is_wrong_gets_the_standards_code(void **state)
{
	static const struct {
		const char *line;
		int code;
	} rows[] = {
		{"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\"\n", -32700},
		{"\n", -32700},
		{"\xff\xfe\x80\n", -32700},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"echo\"}\n", -32700},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}\n", -32700},
		{"[]\n", -32600},
		{"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}]\n", -32600},
		{"1\n", -32600},
		{"\"echo\"\n", -32600},
		{"null\n", -32600},
		{"{}\n", -32600},
		{"{\"id\":1,\"method\":\"echo\"}\n", -32600},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}\n", -32600},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}\n", -32600},
		{"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"echo\"}\n", -32600},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ech\"}\n", -32601},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}\n", -32601},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[1]}\n", -32602},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"fail\":1}}\n",
			-32602},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer, *error;

		assert_int_equal(feed(rows[i].line, strlen(rows[i].line)), RPC_TOOK_LINE);
		answer = next_answer();
		error = json_object_get(answer, "error");
		assert_int_equal(json_integer_value(json_object_get(error, "code")), rows[i].code);
		assert_non_null(json_string_value(json_object_get(error, "message")));
		assert_non_null(json_object_get(answer, "id"));
		assert_null(json_object_get(answer, "result"));
		json_decref(answer);
	}
}

static void a_name_that_is_cut_inside_a_letter_still_gets_an_answer(void **state)
{
	char line[256] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x";
	json_t *answer;

	for (unsigned i = 0; i < 40; i++)
		strcat(line, "\u00fc"); // two bytes each
	strcat(line, "\"}\n");
	feed(line, strlen(line));
	answer = next_answer();
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		-32601);
	json_decref(answer);
}

static void two_requests_in_one_write_get_two_answers_in_order(void **state)
{
	static const char both[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n"
				   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}\n";
	json_t *answer;

	assert_int_equal(feed(both, strlen(both)), RPC_TOOK_LINE);
	assert_int_equal(rpc_step(&session, in, out), RPC_TOOK_LINE);
	assert_int_equal(rpc_step(&session, in, out), RPC_NEEDS_MORE);
	for (int id = 1; id <= 2; id++) {
		answer = next_answer();
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), id);
		json_decref(answer);
	}
}

static void half_a_line_waits_for_the_rest(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n";

	for (size_t i = 0; i + 1 < strlen(request); i++)
		assert_int_equal(feed(request + i, 1), RPC_NEEDS_MORE);
	assert_int_equal(evbuffer_get_length(out), 0);
	assert_int_equal(feed("\n", 1), RPC_TOOK_LINE);
	assert_int_equal(n_calls, 1);
}

static void a_notification_is_done_but_not_answered(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n";

	assert_int_equal(feed(request, strlen(request)), RPC_TOOK_LINE);
	assert_int_equal(n_calls, 1);
	assert_int_equal(evbuffer_get_length(out), 0);
}

static void who_may_only_read_writes_nothing(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"set\"}\n";
	json_t *answer, *error;

	session.may_write = false;
	feed(request, strlen(request));
	answer = next_answer();
	error = json_object_get(answer, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), RPC_NOT_ALLOWED);
	assert_non_null(strstr(
		json_string_value(json_object_get(error, "message")), "group millrace-admin"));
	json_decref(answer);
	assert_int_equal(n_calls, 0);
	session.may_write = true;
	feed(request, strlen(request));
	json_decref(next_answer());
	assert_int_equal(n_calls, 1);
}

static void a_line_of_64_kib_is_taken_and_no_longer_one(void **state)
{
	static char line[RPC_LINE_MAX + 2];
	json_t *answer;

	memset(line, ' ', sizeof(line));
	line[RPC_LINE_MAX] = '\n';
	assert_int_equal(feed(line, RPC_LINE_MAX + 1), RPC_TOOK_LINE); // blank: no JSON
	json_decref(next_answer());
	line[RPC_LINE_MAX] = ' ';
	line[RPC_LINE_MAX + 1] = '\n';
	assert_int_equal(feed(line, sizeof(line)), RPC_LINE_TOO_LONG);
	answer = next_answer();
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		-32600);
	json_decref(answer);
}

static void an_endless_line_is_cut_off_before_its_end(void **state)
{
	static char line[RPC_LINE_MAX + 1];

	memset(line, '[', sizeof(line));
	assert_int_equal(feed(line, RPC_LINE_MAX), RPC_NEEDS_MORE);
	assert_int_equal(feed(line, 1), RPC_LINE_TOO_LONG);
}

static void deep_nesting_is_no_valid_request(void **state)
{
	static char line[RPC_LINE_MAX];
	json_t *answer;

	memset(line, '[', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(feed(line, sizeof(line)), RPC_TOOK_LINE);
	answer = next_answer();
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		-32700);
	json_decref(answer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_gets_its_result_under_its_id),
		TEST(what_is_wrong_gets_the_standards_code),
		TEST(a_name_that_is_cut_inside_a_letter_still_gets_an_answer),
		TEST(two_requests_in_one_write_get_two_answers_in_order),
		TEST(half_a_line_waits_for_the_rest),
		TEST(a_notification_is_done_but_not_answered),
		TEST(who_may_only_read_writes_nothing),
		TEST(a_line_of_64_kib_is_taken_and_no_longer_one),
		TEST(an_endless_line_is_cut_off_before_its_end),
		TEST(deep_nesting_is_no_valid_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
