// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/answer.h"
#include "control/cli/style.h"

const struct grammar_arg explain_args[] = {
	{NULL, "protocol", GRAMMAR_PROTOCOL, "tcp, udp, icmp, icmp6 or a number"},
	{NULL, "source", GRAMMAR_ENDPOINT, "who sends it, with its port"},
	{NULL, "towards", GRAMMAR_CHOICE, "as you like; a shell wants '->' between quotes",
		"to|->"},
	{NULL, "destination", GRAMMAR_ENDPOINT, "to whom"},
	{"in", "in", GRAMMAR_INTERFACE, "where it comes in"},
	{"out", "out", GRAMMAR_INTERFACE, "the router's own: where the kernel sends it"},
	{"syn", "syn", GRAMMAR_FLAG, "TCP flags: those that are said; syn if none is"},
	{"ack", "ack", GRAMMAR_FLAG, "the same"},
	{"fin", "fin", GRAMMAR_FLAG, "the same"},
	{"rst", "rst", GRAMMAR_FLAG, "the same"},
	{"psh", "psh", GRAMMAR_FLAG, "the same"},
	{"urg", "urg", GRAMMAR_FLAG, "the same"},
	{"mss", "mss", GRAMMAR_COUNT, "the MSS that it announces"},
	{"type", "type", GRAMMAR_NUMBER, "of ICMP; an echo request otherwise"},
	{"code", "code", GRAMMAR_NUMBER, "of ICMP"},
	{"ttl", "ttl", GRAMMAR_NUMBER, "or hop limit; 64 otherwise"},
	{"payload", "payload", GRAMMAR_COUNT, "bytes behind the headers; none otherwise"},
	{"df", "df", GRAMMAR_FLAG, "it may not be fragmented (IPv4)"},
	{"fragment", "fragment", GRAMMAR_FLAG, "it is the first of several"},
	{"dscp", "dscp", GRAMMAR_NUMBER, "a number from 0 to 63"},
	{"mac", "mac", GRAMMAR_NAME, "the sender's; as its address's neighbour otherwise"},
	{0},
};

// --- the words ---

static void move_flags(json_t *params)
{
	static const char *const names[] = {"syn", "ack", "fin", "rst", "psh", "urg"};
	json_t *flags = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_get(params, names[i]) == NULL)
			continue;
		json_array_append_new(flags, json_string(names[i]));
		json_object_del(params, names[i]);
	}
	if (json_array_size(flags) > 0)
		json_object_set(params, "flags", flags);
	json_decref(flags);
}

static json_t *params_of(const struct cli *cli)
{
	json_t *params = json_deep_copy(cli->params), *out;

	json_object_del(params, "towards");
	out = json_object_get(params, "out");
	if (out != NULL) {
		json_object_set(params, "in", out);
		json_object_set_new(params, "from_router", json_true());
		json_object_del(params, "out");
	}
	move_flags(params);
	return params;
}

// --- the steps ---

enum { MARGIN = 17, WIDTH = 80 };

static int width(void)
{
	int columns = style_get()->width;

	return columns == 0 || columns > WIDTH ? WIDTH : columns;
}

// Between words where it must, from the margin on; `at` is where the line stands.
static void write_words(FILE *out, const char *text, int at, int margin)
{
	bool is_first = true;

	while (*text != '\0') {
		int n = (int)strcspn(text, " ");

		if (!is_first && at + 1 + n > width()) {
			fprintf(out, "\n%*s", margin, "");
			at = margin;
		} else if (!is_first) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", n, text);
		at += n;
		text += n;
		text += *text == ' ';
		is_first = false;
	}
	fputc('\n', out);
}

static void write_line(FILE *out, const char *first, const char *text)
{
	int n = fprintf(out, "%*s%s", MARGIN, "", first);

	write_words(out, text, n, MARGIN + 2);
}

static void write_place(FILE *out, const json_t *of)
{
	const json_t *place = json_object_get(of, "place");

	if (place != NULL)
		fprintf(out, "%*s%s:%" PRIu64 "\n", MARGIN, "", answer_text(place, "file"),
			answer_number(place, "line"));
}

static void write_passed_over(FILE *out, const json_t *step)
{
	const json_t *list = json_object_get(step, "passed_over"), *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const json_t *place = json_object_get(one, "place");
		char first[64];

		if (place == NULL)
			snprintf(first, sizeof(first), "not, by %s: ", answer_text(one, "no"));
		else
			snprintf(first, sizeof(first),
				"not line %" PRIu64 ", by %s: ", answer_number(place, "line"),
				answer_text(one, "no"));
		write_line(out, first, answer_text(one, "what"));
	}
}

static void print_explanation(const json_t *result, FILE *out)
{
	const json_t *steps = json_object_get(result, "steps"), *step;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)steps, i, step)
	{
		int n = fprintf(out, "%-*s", MARGIN, answer_text(step, "step"));

		write_words(out, answer_text(step, "decision"), n, MARGIN);
		if (answer_text(step, "because")[0] != '\0')
			write_line(out, "", answer_text(step, "because"));
		write_place(out, step);
		write_passed_over(out, step);
	}
}

int explain_ask(const struct cli *cli, json_t *params)
{
	json_t *result = cli_ask(cli, "explain", params);

	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json)
		cli_print_json(result);
	else
		print_explanation(result, stdout);
	json_decref(result);
	return EXIT_SUCCESS;
}

int do_explain(const struct cli *cli)
{
	if ((cli_value(cli, "in") != NULL) == (cli_value(cli, "out") != NULL))
		return cli_wrong_usage("explain wants 'in' and an interface, or 'out' and one for "
				       "what the router sends itself",
			NULL);
	return explain_ask(cli, params_of(cli));
}
