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

#include "control/cli/line.h"

static const struct grammar_arg flow_args[] = {
	{"from", "from", GRAMMAR_NETWORK, "who sends"},
	{"to-port", "to_port", GRAMMAR_PORT, "which port"},
	{"proto", "protocol", GRAMMAR_PROTOCOL, "which protocol"},
	{"sort", "sort", GRAMMAR_CHOICE, "by what", "bytes|packets"},
	{"top", "limit", GRAMMAR_COUNT, "how many"},
	{"all", "all", GRAMMAR_FLAG, "everything"},
	{"on", "interface", GRAMMAR_INTERFACE, "where"},
	{0},
};
static const struct grammar_arg ban_args[] = {
	{NULL, "address", GRAMMAR_ADDRESS, "who"},
	{NULL, "set", GRAMMAR_SET, "where", NULL, true},
	{"for", "for", GRAMMAR_DURATION, "how long"},
	{0},
};
static const struct grammar_arg help_args[] = {
	{NULL, "command", GRAMMAR_COMMAND, "of which", NULL, true},
	{0},
};
static const struct grammar_command commands[] = {
	{"show flows", "who talks to whom", NULL, flow_args},
	{"show set", "a set", NULL, NULL},
	{"show sets", "the sets", NULL, NULL},
	{"ban", "somebody", NULL, ban_args},
	{"help", "this", NULL, help_args},
	{0},
};

// --- parsing ---

// The command and its parameters, or the error, as text; until the next call.
static const char *parse(const char *line)
{
	static char text[1024];
	struct line_words *words = line_words_new();
	const char *const *list;
	struct grammar_call call;
	struct error err;
	char *params;
	int n;

	if (line_words_split(words, line, &list, &n, &err) != 0 ||
		grammar_parse(commands, list, n, &call, &err) != 0) {
		snprintf(text, sizeof(text), "%s", err.text);
	} else {
		params = json_dumps(call.params, JSON_COMPACT);
		snprintf(text, sizeof(text), "%s %d %s", call.command->words, call.n_bare, params);
		free(params);
		json_decref(call.params);
	}
	line_words_free(words);
	return text;
}

static void lines_are_read_by_the_table(void **state)
{
	static const struct {
		const char *line, *call;
	} rows[] = {
		{"show sets", "show sets 2 {}"},
		{"show  set  # of all", "show set 2 {}"},
		{"show flows", "show flows 2 {}"},
		{"show flows from 198.18.0.7 to-port 443 proto tcp sort bytes top 20 all",
			"show flows 2 "
			"{\"from\":\"198.18.0.7\",\"to_port\":443,\"protocol\":\"tcp\","
			"\"sort\":\"bytes\",\"limit\":20,\"all\":true}"},
		{"show flows all proto 47 from 2001:db8::/32 on lan",
			"show flows 2 {\"all\":true,\"protocol\":\"47\",\"from\":\"2001:db8::/32\","
			"\"interface\":\"lan\"}"},
		{"ban 198.51.100.7", "ban 2 {\"address\":\"198.51.100.7\"}"},
		{"ban 198.51.100.7 'the bad' for 1d",
			"ban 3 {\"address\":\"198.51.100.7\",\"set\":\"the bad\",\"for\":\"1d\"}"},
		{"ban for 1h 198.51.100.7", "ban 2 {\"for\":\"1h\",\"address\":\"198.51.100.7\"}"},
		{"ban 198.51.100.7 for 1h for", "'for' is there twice"},
		{"ban 198.51.100.7 for forever",
			"ban 2 {\"address\":\"198.51.100.7\",\"for\":\"forever\"}"},
		{"help", "help 1 {}"},
		{"help show flows", "help 3 {}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parse(rows[i].line), rows[i].call);
}

static void what_is_wrong_is_named_with_what_is_expected(void **state)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"", "after 'millrace' comes one of: show, ban, help"},
		{"shwo flows", "'shwo' is not known, did you mean `show`?"},
		{"nothing", "'nothing' is not known; there is: show, ban, help"},
		{"show", "after 'show' comes one of: flows, set, sets"},
		{"show flwos", "'flwos' is not known, did you mean `flows`?"},
		{"show me", "'me' is not known after show; there is: flows, set, sets"},
		{"show sets now", "'now' is one word too many after 'show sets'"},
		{"show flows form 198.18.0.1", "'form' is not known after 'show flows', did you "
					       "mean `from`?; there is: from, to-port, proto, "
					       "sort, top, all, on"},
		{"show flows from", "after 'from' comes an address or network such as 198.18.0.7 "
				    "or 2001:db8::/32"},
		{"show flows from lan", "'lan' after from is wrong: expected is an address or "
					"network such as 198.18.0.7 or 2001:db8::/32"},
		{"show flows to-port 65536",
			"'65536' after to-port is wrong: expected is a port from 0 to 65535"},
		{"show flows to-port -1",
			"'-1' after to-port is wrong: expected is a port from 0 to 65535"},
		{"show flows top 0", "'0' after top is wrong: expected is a number from 1 to "
				     "4294967295"},
		{"show flows top 99999999999",
			"'99999999999' after top is wrong: expected is a number from 1 to "
			"4294967295"},
		{"show flows proto 256", "'256' after proto is wrong: expected is tcp, udp, icmp, "
					 "icmp6 or a number up to 255"},
		{"show flows sort byte", "'byte' after sort is wrong: expected is bytes|packets"},
		{"show flows all all", "'all' is there twice"},
		{"show flows top 1 top 2", "'top' is there twice"},
		{"ban", "after 'ban' comes an address such as 198.18.0.7 or 2001:db8::7"},
		{"ban 198.18.0.0/24", "'198.18.0.0/24' is wrong: expected is an address such as "
				      "198.18.0.7 or 2001:db8::7"},
		{"ban 198.18.0.1 for 3y", "'3y' after for is wrong: expected is a duration such as "
					  "90s, 10m, 1d, or forever"},
		{"ban \"198.18.0.1", "a quote does not end"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parse(rows[i].line), rows[i].said);
}

// --- completion ---

static char offered[1024];

static void offer(void *ctx, const char *word, const char *help)
{
	strcat(strcat(offered, offered[0] == '\0' ? "" : " "), word);
}

static void live(void *ctx, enum grammar_type type)
{
	strcat(strcat(offered, offered[0] == '\0' ? "" : " "), "<");
	strcat(strcat(offered, grammar_expected(type)), ">");
}

// What is offered where the line ends.
static const char *complete(const char *line)
{
	static const struct grammar_offers to = {offer, live, NULL};
	struct line_words *words = line_words_new();
	const char *const *list, *begun = "";
	struct error err;
	int n;

	offered[0] = '\0';
	assert_int_equal(line_words_split(words, line, &list, &n, &err), 0);
	if (n > 0 && line[strlen(line) - 1] != ' ')
		begun = list[--n];
	grammar_complete(commands, list, n, begun, &to);
	line_words_free(words);
	return offered;
}

static void what_may_come_next_is_offered(void **state)
{
	static const struct {
		const char *line, *offered;
	} rows[] = {
		{"", "show ban help"},
		{"s", "show"},
		{"x", ""},
		{"show ", "flows set sets"},
		{"show se", "set sets"},
		{"show flows ", "from to-port proto sort top all on"},
		{"show flows t", "to-port top"},
		{"show flows from ", "<an address or network such as 198.18.0.7 or 2001:db8::/32>"},
		{"show flows from 198.18.0.1 ", "to-port proto sort top all on"},
		{"show flows all ", "from to-port proto sort top on"},
		{"show flows sort ", "bytes packets"},
		{"show flows sort p", "packets"},
		{"show flows proto ", "tcp udp icmp icmp6"},
		{"show flows top ", ""},
		{"show flows on ", "<an interface of the router>"},
		{"ban ", "<an address such as 198.18.0.7 or 2001:db8::7>"},
		{"ban 198.18.0.1 ", "<a set of the config> for"},
		{"ban 198.18.0.1 banned f", "for"},
		{"ban 198.18.0.1 for ", "forever"},
		{"ban for 1d ", "<an address such as 198.18.0.7 or 2001:db8::7>"},
		{"help ", "show ban help"},
		{"help show s", "set sets"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(complete(rows[i].line), rows[i].offered);
}

// --- the table itself ---

static void what_is_said_is_said_in_80_columns(void **state)
{
	for (const struct grammar_command *c = cli_commands; c->words != NULL; c++) {
		char *text = NULL, *line, *rest;
		size_t bytes;
		FILE *out = open_memstream(&text, &bytes);
		const char *words[GRAMMAR_WORDS_MAX];
		char one[4][GRAMMAR_WORD_BYTES];
		int n = 0;

		while (grammar_word(c, n, one[n])) {
			words[n] = one[n];
			n++;
		}
		assert_true(grammar_write_help(out, cli_commands, words, n));
		fclose(out);
		for (line = strtok_r(text, "\n", &rest); line != NULL;
			line = strtok_r(NULL, "\n", &rest))
			if (strlen(line) > 80)
				fail_msg("too long: %s", line);
		free(text);
	}
}

static void arguments_by_place_come_first_and_names_are_there_once(void **state)
{
	for (const struct grammar_command *c = cli_commands; c->words != NULL; c++) {
		bool has_keyword = false;

		assert_non_null(c->help);
		assert_non_null(c->run);
		for (const struct grammar_arg *a = c->args; a != NULL && a->help != NULL; a++) {
			assert_true(a->keyword != NULL || !has_keyword);
			has_keyword = a->keyword != NULL;
			assert_int_equal(a->type == GRAMMAR_CHOICE, a->choices != NULL);
			for (const struct grammar_arg *b = c->args; b != a; b++)
				assert_true(strcmp(a->param, b->param) != 0 ||
					    strcmp(a->param, "limit") == 0);
			assert_true(a - c->args < GRAMMAR_ARGS_MAX);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_by_the_table),
		cmocka_unit_test(what_is_wrong_is_named_with_what_is_expected),
		cmocka_unit_test(what_may_come_next_is_offered),
		cmocka_unit_test(what_is_said_is_said_in_80_columns),
		cmocka_unit_test(arguments_by_place_come_first_and_names_are_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
