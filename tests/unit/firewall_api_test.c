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
#include <unistd.h>

#include "control/api/show_parts.h"
#include "tests/unit/policy_fixture.h"
#include "tests/unit/rpc_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST	     "/var/tmp/firewall_api_test.list"

typedef json_t *(*method_fn)(void *ctx, const json_t *params, struct rpc_failure *failure);

static const char router[] =
	LAN_AND_WAN "sets: {banned: {addresses: 198.18.0.9, timeout: 1d},"
		    " slow: {addresses: [], timeout: 10s},"
		    " black: {addresses: [198.51.100.1, 198.51.100.2], file: " LIST "},"
		    " web: {ports: [80, 8000-8099]}}\n"
		    "firewall:\n"
		    "  input: [{from: home, action: accept, comment: the house},"
		    " {port: 22, count: ssh, jump: strangers}]\n"
		    "  lists: {strangers: [{source: banned, action: drop}]}\n"
		    "nat: [{masquerade: wan}, {exempt: wan, to: 198.51.100.0/24}]\n";

static void write_list(const char *text)
{
	FILE *out = fopen(LIST, "w");

	fputs(text, out);
	fclose(out);
}

static int setup(void **state)
{
	struct error err = {0};

	write_list("203.0.113.0/24\n");
	return policy_fixture_open(router, "wan", &err);
}

static int teardown(void **state)
{
	policy_fixture_close();
	return unlink(LIST);
}

// `params` with ' for ", or NULL. The answer, or the failure's text, as text; until the next call.
static const char *call(method_fn method, const char *params)
{
	static char text[8192];
	struct rpc_failure failure = {0};
	json_t *asked = NULL, *answer;
	char *dump;

	if (params != NULL) {
		snprintf(text, sizeof(text), "%s", params);
		rpc_text_exchange(text, '\'', '"');
		asked = json_loads(text, 0, NULL);
		assert_non_null(asked);
	}
	answer = method(&fixture, asked, &failure);
	json_decref(asked);
	if (answer == NULL) {
		snprintf(text, sizeof(text), "%s", failure.text);
		return text;
	}
	dump = json_dumps(answer, JSON_COMPACT | JSON_PRESERVE_ORDER);
	snprintf(text, sizeof(text), "%s", dump);
	rpc_text_exchange(text, '"', '\'');
	free(dump);
	json_decref(answer);
	return text;
}

// The same for what takes several steps: all that is answered.
static const char *call_steps(
	const struct rpc_walk *walk, const struct rpc_task *task, const char *params)
{
	const struct rpc_method methods[] = {
		{"steps", .effect = RPC_READS, .walk = walk, .task = task}, {NULL}};
	const struct rpc rpc = {methods, &fixture};
	struct rpc_session session = {.rpc = &rpc};
	struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
	enum rpc_step step;
	const char *line;

	rpc_text_add(in, "{'jsonrpc':'2.0','id':1,'method':'steps','params':%s}", params);
	while ((step = rpc_step(&session, in, out)) != RPC_NEEDS_MORE)
		if (step == RPC_WAITS)
			state_writer_wait(fixture.state_writer);
	line = rpc_text_next(out);
	evbuffer_free(in);
	evbuffer_free(out);
	return line;
}

// The result alone, or why there is none.
static const char *call_result(
	const struct rpc_walk *walk, const struct rpc_task *task, const char *params)
{
	static const char before[] = "{'jsonrpc':'2.0','result':", refusal[] = "'message':'";
	static char text[8192];
	const char *answer = call_steps(walk, task, params == NULL ? "{}" : params);
	const char *message = strstr(answer, refusal);
	size_t len;

	if (message != NULL) {
		snprintf(text, sizeof(text), "%s", message + sizeof(refusal) - 1);
		text[strlen(text) - strlen("'},'id':1}")] = '\0';
		return text;
	}
	assert_int_equal(strncmp(answer, before, sizeof(before) - 1), 0);
	snprintf(text, sizeof(text), "%s", answer + sizeof(before) - 1);
	len = strlen(text) - strlen(",'id':1}");
	assert_string_equal(text + len, ",'id':1}");
	text[len] = '\0';
	return text;
}

static const char *call_list(const struct rpc_walk *walk, const char *params)
{
	return call_result(walk, NULL, params);
}

static const char *call_task(const struct rpc_task *task, const char *params)
{
	return call_result(NULL, task, params);
}

static void rules_are_shown_as_written_with_their_counts(void **state)
{
	recording.rule_counts[0] = (struct dp_count){5, 500};
	recording.rule_counts[2] = (struct dp_count){7, 700};
	recording.default_counts[DP_HOOK_INPUT] = (struct dp_count){9, 900};
	assert_string_equal(call_steps(&show_firewall, NULL, "{}"),
		"{'jsonrpc':'2.0','result':{'lists':["
		"{'name':'input','is_hook':true,'default':'drop','packets':9,'bytes':900,'rules':["
		"{'rule':'from: home, action: accept','comment':'the house','packets':5,"
		"'bytes':500,'file':'test.yaml','line':6},"
		"{'rule':'protocol: [tcp, udp], port: 22, count: ssh, jump: strangers',"
		"'comment':null,'packets':0,'bytes':0,'file':'test.yaml','line':6}]},"
		"{'name':'forward','is_hook':true,'default':'drop','packets':0,'bytes':0,"
		"'rules':[]},"
		"{'name':'output','is_hook':true,'default':'accept','packets':0,'bytes':0,"
		"'rules':[]},"
		"{'name':'strangers','is_hook':false,'rules':["
		"{'rule':'source: banned, action: drop','comment':null,'packets':7,'bytes':700,"
		"'file':'test.yaml','line':7}]}],'is_there':true,'total':3},'id':1}");
}

static void a_long_list_of_rules_is_cut_at_the_limit(void **state)
{
	const char *answer = call_steps(&show_firewall, NULL, "{'limit': 1}");

	assert_non_null(strstr(answer, "from: home"));
	assert_null(strstr(answer, "strangers'},"));
	assert_null(strstr(answer, "source: banned"));
	assert_non_null(strstr(answer, "'total':3"));
}

static void counters_translations_and_zones_are_shown(void **state)
{
	recording.named_counts[0] = (struct dp_count){3, 33};
	assert_string_equal(
		call(show_counters, NULL), "{'counters':[{'name':'ssh','packets':3,'bytes':33}]}");
	assert_string_equal(call(show_nat, "{'limit': 1}"),
		"{'rules':[{'kind':'masquerade','rule':'masquerade:"
		" wan','file':'test.yaml','line':8}],'total':2}");
	assert_string_equal(call(show_zones, NULL),
		"{'zones':[{'name':'home','interfaces':[{'name':'lan','is_there':true}]},"
		"{'name':'internet','interfaces':[{'name':'wan','is_there':false}]},"
		"{'name':'none','interfaces':[]}]}");
}

static void sets_are_shown_with_how_much_is_in_them(void **state)
{
	call_task(&sets_ban, "{'address': '198.51.100.7', 'set': 'banned'}");
	assert_string_equal(call_list(&show_sets, NULL),
		"{'sets':["
		"{'name':'banned','kind':'addresses','elements':1,'timeout_sec':86400,'entries':1,"
		"'entries_max':65536,'refused':0},"
		"{'name':'slow','kind':'addresses','elements':0,'timeout_sec':10,'entries':0,"
		"'entries_max':65536,'refused':0},"
		"{'name':'black','kind':'addresses','elements':2,'file':'" LIST
		"','file_elements':1},"
		"{'name':'web','kind':'ports','elements':2}]}");
}

static const struct {
	const struct rpc_task *task;
	const char *params, *answer;
} rows[] = {
	{&sets_ban, "{'address': '198.51.100.7'}",
		"{'set':'banned','address':'198.51.100.7/32','for_sec':86400,'unkept':null}"},
	{&sets_ban, "{'address': '2001:db8::/32', 'set': 'slow', 'for': '1h30m'}",
		"{'set':'slow','address':'2001:db8::/32','for_sec':5400,'unkept':null}"},
	{&sets_ban, "{'address': '198.51.100.7', 'for': 'forever'}",
		"{'set':'banned','address':'198.51.100.7/32','for_sec':null,'unkept':null}"},
	{&sets_ban, "{}", "'address' is missing"},
	{&sets_ban, "{'address': '198.51.100'}", "'198.51.100' is no address and no network"},
	{&sets_ban, "{'address': '198.51.100.7/24'}",
		"'198.51.100.7/24' has bits behind the network's"},
	{&sets_ban, "{'address': '198.51.100.7', 'set': 'web'}",
		"the set 'web' has no timeout: only the config changes it"},
	{&sets_ban, "{'address': '198.51.100.7', 'set': 'x'}", "there is no set 'x'"},
	{&sets_ban, "{'address': '198.51.100.7', 'for': '0s'}",
		"expected at least 1 s and at most 31536000 s, got `0s`; or forever"},
	{&sets_ban, "{'address': '198.51.100.7', 'until': '1d'}", "there is no parameter 'until'"},
	{&sets_unban, "{'address': '198.51.100.7'}", "198.51.100.7/32 is not in the set banned"},
	{&sets_unban, "{'address': '198.51.100.7', 'for': '1d'}", "there is no parameter 'for'"},
};

static const struct {
	const char *params, *answer;
} set_rows[] = {
	{"{'name': 'black'}", "{'elements':['198.51.100.1','198.51.100.2','203.0.113.0/24'],"
			      "'name':'black','kind':'addresses','elements_total':3}"},
	{"{'name': 'black', 'limit': 1}", "{'elements':['198.51.100.1'],'name':'black',"
					  "'kind':'addresses','elements_total':3}"},
	{"{'name': 'web'}",
		"{'elements':['80','8000-8099'],'name':'web','kind':'ports','elements_total':2}"},
	{"{'name': 'banned'}",
		"{'elements':['198.18.0.9'],'entries':[],'name':'banned','kind':'addresses',"
		"'elements_total':1,'entries_total':0}"},
	{"{'name': 'nobody'}", "there is no set 'nobody'"},
	{NULL, "'name' is missing: which set?"},
	{"{'name': 'web', 'limit': 0}", "'limit' must be from 1 to 10000"},
	{"{'name': 7}", "'name' must be a string"},
};

static void each_request_gets_its_answer(void **state)
{
	for (size_t i = 0; i < COUNT(set_rows); i++) {
		assert_int_equal(setup(NULL), 0);
		assert_string_equal(call_list(&show_set, set_rows[i].params), set_rows[i].answer);
		assert_int_equal(teardown(NULL), 0);
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(setup(NULL), 0);
		assert_string_equal(call_task(rows[i].task, rows[i].params), rows[i].answer);
		assert_int_equal(teardown(NULL), 0);
	}
}

static void a_ban_is_shown_and_taken_back(void **state)
{
	call_task(&sets_ban, "{'address': '198.51.100.7', 'for': '1h'}");
	assert_non_null(strstr(call_list(&show_set, "{'name': 'banned'}"),
		"'entries':[{'address':'198.51.100.7/32','left_sec':3600}],'name'"));
	assert_string_equal(call_task(&sets_unban, "{'address': '198.51.100.7'}"),
		"{'set':'banned','address':'198.51.100.7/32','unkept':null}");
	assert_non_null(strstr(call_list(&show_set, "{'name': 'banned'}"), "'entries':[]"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rules_are_shown_as_written_with_their_counts),
		TEST(a_long_list_of_rules_is_cut_at_the_limit),
		TEST(counters_translations_and_zones_are_shown),
		TEST(sets_are_shown_with_how_much_is_in_them),
		cmocka_unit_test(each_request_gets_its_answer),
		TEST(a_ban_is_shown_and_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
