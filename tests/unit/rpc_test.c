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

#include "control/api/rpc.h"
#include "tests/unit/rpc_text.h"

static unsigned n_calls;

static json_t *echo(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	n_calls++;
	if (json_object_get(params, "fail") != NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "as you wish");
	return json_pack("{s:s}", "said", "hello");
}

// Counts to 70, in steps of 30; a step now and then finds nothing.
enum { COUNT_TO = 70, COUNT_STEP = 30 };
static unsigned n_walks;

static void *begin_count(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	if (json_object_get(params, "fail") != NULL)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "as you wish");
	n_walks++;
	return calloc(1, sizeof(unsigned));
}

static bool next_count(void *ctx, json_t *rows)
{
	unsigned *at = ctx;

	if (*at % 2 == 0)
		for (unsigned i = 0; i < COUNT_STEP && *at / 2 + i < COUNT_TO; i++)
			json_array_append_new(rows, json_integer((json_int_t)(*at / 2 + i)));
	*at += *at % 2 == 0 ? 1 : COUNT_STEP * 2 - 1;
	return *at / 2 < COUNT_TO;
}

static json_t *end_count(void *ctx)
{
	return json_pack("{s:i, s:s}", "total", COUNT_TO, "said", "all");
}

static void free_count(void *ctx)
{
	n_walks--;
	free(ctx);
}

static const struct rpc_walk count_walk = {
	"numbers", NULL, begin_count, next_count, end_count, free_count};

// Waits once, and then has a long answer.
enum { TELL_BYTES = 100000 };
struct tale {
	unsigned n_asked;
	char text[TELL_BYTES + 1];
};

static void *begin_tale(struct rpc_session *its, const json_t *params, struct rpc_failure *failure)
{
	n_walks++;
	return calloc(1, sizeof(struct tale));
}

static enum rpc_task_state tale_on(void *task, json_t **result, struct rpc_failure *failure)
{
	struct tale *tale = task;

	if (tale->n_asked++ == 0)
		return RPC_TASK_WAITS;
	memset(tale->text, '1', TELL_BYTES);
	return RPC_TASK_TEXT;
}

static const char *tale_text(void *task, size_t *bytes)
{
	const struct tale *tale = task;

	*bytes = TELL_BYTES;
	return tale->text;
}

static const struct rpc_task tale = {begin_tale, tale_on, NULL, free_count, tale_text};

static const struct rpc_method methods[] = {{"echo", echo, RPC_READS},
	{"count", NULL, RPC_READS, &count_walk}, {"tell", .effect = RPC_READS, .task = &tale},
	{"set", echo}, {NULL}};
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
	rpc_session_fini(&session);
	return n_walks == 0 ? 0 : -1;
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

	assert_int_equal(feed(request, strlen(request)), RPC_GOES_ON);
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
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\",\"params\":{\"fail\":1}}\n",
			-32602},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer, *error;

		assert_int_equal(feed(rows[i].line, strlen(rows[i].line)), RPC_GOES_ON);
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

	assert_int_equal(feed(both, strlen(both)), RPC_GOES_ON);
	assert_int_equal(rpc_step(&session, in, out), RPC_GOES_ON);
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
	assert_int_equal(feed("\n", 1), RPC_GOES_ON);
	assert_int_equal(n_calls, 1);
}

static void a_notification_is_done_but_not_answered(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n";

	assert_int_equal(feed(request, strlen(request)), RPC_GOES_ON);
	assert_int_equal(n_calls, 1);
	assert_int_equal(evbuffer_get_length(out), 0);
}

// The line with ' for "; everything it leads to is answered.
static void feed_all(const char *line)
{
	rpc_text_add(in, "%s", line);
	while (rpc_step(&session, in, out) == RPC_GOES_ON)
		;
}

// The next line as it was written, with ' for ".
static const char *next_text(void)
{
	return rpc_text_next(out);
}

static void an_id_comes_back_as_it_was(void **state)
{
	static const char *const ids[] = {
		"1", "-7", "0", "9007199254740993", "1.5", "''", "'a b'", "'1'", "null"};
	char line[128], wanted[128];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(line, sizeof(line), "{'jsonrpc':'2.0','id':%s,'method':'echo'}", ids[i]);
		feed_all(line);
		snprintf(wanted, sizeof(wanted),
			"{'jsonrpc':'2.0','result':{'said':'hello'},'id':%s}", ids[i]);
		assert_string_equal(next_text(), wanted);
	}
}

// The rows of chapter 7 of the standard that are about batches.
static void a_batch_gets_one_line_with_all_its_answers(void **state)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{"[{'jsonrpc':'2.0','id':1,'method':'echo'}]",
			"[{'jsonrpc':'2.0','result':{'said':'hello'},'id':1}]"},
		{"[{'jsonrpc':'2.0','id':1,'method':'echo'},{'jsonrpc':'2.0','method':'echo'},"
		 "{'jsonrpc':'2.0','id':'2','method':'nothing'},1,{'foo':'boo'}]",
			"[{'jsonrpc':'2.0','result':{'said':'hello'},'id':1},"
			"{'jsonrpc':'2.0','error':{'code':-32601,'message':'there is no method "
			"'nothing''},'id':'2'},"
			"{'jsonrpc':'2.0','error':{'code':-32600,'message':'a request is one JSON "
			"object, or an array of some'},'id':null},"
			"{'jsonrpc':'2.0','error':{'code':-32600,'message':'a request needs "
			"\\'jsonrpc\\': \\'2.0\\' and a \\'method\\''},'id':null}]"},
		{"[1]", "[{'jsonrpc':'2.0','error':{'code':-32600,'message':'a request is one JSON "
			"object, or an array of some'},'id':null}]"},
		{"[[]]", "[{'jsonrpc':'2.0','error':{'code':-32600,'message':'a request is one "
			 "JSON object, or an array of some'},'id':null}]"},
		{"[{'jsonrpc':'2.0','method':'echo'},{'jsonrpc':'2.0','method':'echo'}]", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text;

		feed_all(rows[i].line);
		text = next_text();
		if (rows[i].answer == NULL)
			assert_null(text);
		else
			assert_string_equal(text, rows[i].answer);
	}
	assert_int_equal(n_calls, 5);
	feed_all("{'jsonrpc':'2.0','id':3,'method':'echo'}");
	assert_string_equal(next_text(), "{'jsonrpc':'2.0','result':{'said':'hello'},'id':3}");
}

static void a_batch_has_a_largest_number_of_requests(void **state)
{
	evbuffer_add_printf(in, "[0");
	for (unsigned i = 1; i < RPC_BATCH_MAX; i++)
		evbuffer_add_printf(in, ",0");
	feed_all("]");
	assert_int_equal(next_text()[0], '[');
	evbuffer_add_printf(in, "[0");
	for (unsigned i = 0; i < RPC_BATCH_MAX; i++)
		evbuffer_add_printf(in, ",0");
	feed_all("]");
	assert_string_equal(next_text(),
		"{'jsonrpc':'2.0','error':{'code':-32600,'message':'a batch has from 1 to 128 "
		"requests'},'id':null}");
}

static void one_step_does_one_request_of_a_batch(void **state)
{
	static const char batch[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},"
				    "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]\n";

	assert_int_equal(feed(batch, strlen(batch)), RPC_GOES_ON);
	assert_int_equal(n_calls, 0);
	assert_false(rpc_is_between_answers(&session));
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(rpc_step(&session, in, out), RPC_GOES_ON);
		assert_int_equal(n_calls, i);
	}
	assert_int_equal(rpc_step(&session, in, out), RPC_GOES_ON);
	assert_int_equal(rpc_step(&session, in, out), RPC_NEEDS_MORE);
	assert_true(rpc_is_between_answers(&session));
}

static void a_long_list_is_written_row_by_row(void **state)
{
	json_t *answer, *result, *numbers;

	for (unsigned i = 0; i < 2; i++) {
		feed_all("{'jsonrpc':'2.0','id':[0],'method':'count'}");
		assert_non_null(strstr(next_text(), "-32600"));
		feed_all("{'jsonrpc':'2.0','id':'n','method':'count'}");
		answer = next_answer();
		assert_string_equal(json_string_value(json_object_get(answer, "id")), "n");
		result = json_object_get(answer, "result");
		numbers = json_object_get(result, "numbers");
		assert_int_equal(json_array_size(numbers), COUNT_TO);
		for (unsigned k = 0; k < COUNT_TO; k++)
			assert_int_equal(json_integer_value(json_array_get(numbers, k)), k);
		assert_int_equal(json_integer_value(json_object_get(result, "total")), COUNT_TO);
		assert_string_equal(json_string_value(json_object_get(result, "said")), "all");
		json_decref(answer);
	}
	feed_all("{'jsonrpc':'2.0','method':'count'}"); // nobody would read it
	assert_null(next_text());
}

// Each step takes a part of it, and nothing else is said before its end.
static void a_long_text_is_written_in_parts(void **state)
{
	static const char *const requests[] = {"{'jsonrpc':'2.0','id':'t','method':'tell'}",
		"[{'jsonrpc':'2.0','id':'t','method':'tell'}]"};

	for (unsigned i = 0; i < 2; i++) {
		const char *opens = i == 0 ? "" : "[", *closes = i == 0 ? "" : "]";
		char *line, *wanted, digits[TELL_BYTES + 1] = "";
		size_t most = 0, len = 0;
		enum rpc_step step;

		feed_all(requests[i]);
		assert_int_equal(evbuffer_get_length(out), 0);
		do {
			step = rpc_step(&session, in, out);
			if (evbuffer_get_length(out) - len > most)
				most = evbuffer_get_length(out) - len;
			len = evbuffer_get_length(out);
			if (len > 0 && len < TELL_BYTES)
				assert_false(rpc_is_between_answers(&session));
		} while (step == RPC_GOES_ON);
		assert_in_range(most, 1, 32 << 10);
		assert_true(rpc_is_between_answers(&session));
		memset(digits, '1', TELL_BYTES);
		assert_true(
			asprintf(&wanted, "%s{\"jsonrpc\":\"2.0\",\"result\":%s,\"id\":\"t\"}%s",
				opens, digits, closes) > 0);
		line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF);
		assert_string_equal(line, wanted);
		free(line);
		free(wanted);
	}
	feed_all("{'jsonrpc':'2.0','method':'tell'}"); // nobody would read it
	while (rpc_step(&session, in, out) == RPC_GOES_ON)
		;
	assert_null(next_text());
	feed_all(requests[0]);
	rpc_step(&session, in, out);
	rpc_step(&session, in, out); // and goes; the teardown counts
}

static void a_batch_may_hold_long_lists(void **state)
{
	json_t *answer;

	feed_all("[{'jsonrpc':'2.0','id':1,'method':'count'},"
		 "{'jsonrpc':'2.0','id':2,'method':'count'},"
		 "{'jsonrpc':'2.0','id':3,'method':'echo'}]");
	answer = next_answer();
	assert_int_equal(json_array_size(answer), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			json_integer_value(json_object_get(json_array_get(answer, i), "id")),
			i + 1);
	json_decref(answer);
}

// A walk that is not at its end holds memory, which goes with the session; teardown counts.
static void a_client_may_go_in_the_middle_of_a_list(void **state)
{
	static const char list[] = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\"}]\n";

	feed(list, strlen(list));
	rpc_step(&session, in, out);
	assert_int_equal(n_walks, 1);
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
	assert_int_equal(feed(line, RPC_LINE_MAX + 1), RPC_GOES_ON); // blank: no JSON
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
	assert_int_equal(feed(line, sizeof(line)), RPC_GOES_ON);
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
		TEST(an_id_comes_back_as_it_was),
		TEST(a_batch_gets_one_line_with_all_its_answers),
		TEST(a_batch_has_a_largest_number_of_requests),
		TEST(one_step_does_one_request_of_a_batch),
		TEST(a_long_list_is_written_row_by_row),
		TEST(a_batch_may_hold_long_lists),
		TEST(a_long_text_is_written_in_parts),
		TEST(a_client_may_go_in_the_middle_of_a_list),
		TEST(who_may_only_read_writes_nothing),
		TEST(a_line_of_64_kib_is_taken_and_no_longer_one),
		TEST(an_endless_line_is_cut_off_before_its_end),
		TEST(deep_nesting_is_no_valid_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
