// SPDX-License-Identifier: BSD-3-Clause
// From words to what is done.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/options.h"

// --- what the commands share ---

int cli_wrong_usage(const char *what, const char *word)
{
	fprintf(stderr, "millrace: %s%s%s%s; 'millrace help' shows what there is\n", what,
		word == NULL ? "" : " '", word == NULL ? "" : word, word == NULL ? "" : "'");
	return CLI_EXIT_USAGE;
}

const char *cli_value(const struct cli *cli, const char *param)
{
	return json_string_value(json_object_get(cli->params, param));
}

json_t *cli_ask(const struct cli *cli, const char *method, json_t *params)
{
	struct error err;
	json_t *result = client_call(cli->socket, method, params, &err);

	if (result == NULL)
		fprintf(stderr, "millrace: %s\n", err.text);
	return result;
}

// Said where a person waits.
static void say_progress(void *ctx, const json_t *progress)
{
	json_t *done = json_object_get(progress, "done");

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "millrace: at work: %s",
		json_string_value(json_object_get(progress, "step")));
	if (json_is_integer(done))
		fprintf(stderr, ", %lld done", (long long)json_integer_value(done));
	fputc('\n', stderr);
}

json_t *cli_ask_patiently(const struct cli *cli, const char *method, json_t *params)
{
	struct client_patience patience = {.hear = say_progress};
	json_t *timeout = json_object_get(params, "timeout");
	struct error err;
	json_t *result;

	patience.timeout_sec = (unsigned)json_integer_value(timeout);
	json_object_del(params, "timeout");
	json_object_set_new(params, "progress", json_true());
	result = client_wait(cli->socket, method, params, &patience, &err);
	if (result == NULL)
		fprintf(stderr, "millrace: %s\n", err.text);
	return result;
}

json_t *cli_ask_command(const struct cli *cli)
{
	return cli_ask(cli, cli->command->method, json_deep_copy(cli->params));
}

void cli_print_json(const json_t *result)
{
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
}

// --- commands ---

int cli_show(const struct cli *cli, json_t *result)
{
	int rc = EXIT_SUCCESS;

	if (cli->is_json)
		cli_print_json(result);
	else
		cli->command->print(result, stdout);
	if (fflush(stdout) != 0)
		rc = EXIT_FAILURE;
	json_decref(result);
	return rc;
}

int do_show(const struct cli *cli)
{
	json_t *result = cli_ask_command(cli);

	return result == NULL ? EXIT_FAILURE : cli_show(cli, result);
}

int do_version(const struct cli *cli)
{
	puts("millrace " MILLRACE_VERSION);
	return EXIT_SUCCESS;
}

static void print_help(FILE *out)
{
	fputs("millrace " MILLRACE_VERSION ", the command of the router millraced\n"
	      "\n"
	      "  millrace [-s SOCKET] [--json] COMMAND\n"
	      "  millrace               asks for commands, or reads them from a script on stdin\n"
	      "\n",
		out);
	grammar_write_help(out, cli_commands, NULL, 0);
	fputs("\n"
	      "  -s, --socket PATH      the daemon's socket (" OPTIONS_SOCKET_DEFAULT ")\n"
	      "  -j, --json             the answer for programs\n"
	      "  -n, --limit N          of a long list, as 'limit N'\n"
	      "\n"
	      "'millrace help COMMAND' says what may stand behind a command.\n",
		out);
}

int do_help(const struct cli *cli)
{
	const char *const *words = cli->words + 1;

	if (cli->n_words == 1)
		print_help(stdout);
	else if (!grammar_write_help(stdout, cli_commands, words, cli->n_words - 1))
		return cli_wrong_usage("there is no command", words[0]);
	return EXIT_SUCCESS;
}

// --- words ---

// Options anywhere; what else begins with -- is a keyword of the command.
struct line {
	struct cli cli;
	char *words[GRAMMAR_WORDS_MAX];
	int n_words;
	bool wants_help, wants_version;
	bool has_ended; // by --: words only from here on
};

static bool add_word(struct line *line, char *word)
{
	if (line->n_words == GRAMMAR_WORDS_MAX)
		return false;
	line->words[line->n_words++] = word;
	return true;
}

static bool is_option(const char *word, const char *short_form, const char *long_form)
{
	return strcmp(word, short_form) == 0 || strcmp(word, long_form) == 0;
}

// A keyword's short form, which some commands are used to. NULL: none.
static char *keyword_of(const char *word)
{
	static char limit[] = "limit", yes[] = "yes", output[] = "output", force[] = "force";
	static const struct {
		const char *short_form;
		char *keyword;
	} forms[] = {{"-n", limit}, {"-y", yes}, {"-o", output}, {"-f", force}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(word, forms[i].short_form) == 0)
			return forms[i].keyword;
	return NULL;
}

// How many words it took, or -1.
static int read_word(struct line *line, char **words, int n_words)
{
	char *word = words[0];

	if (line->has_ended || word[0] != '-' || word[1] == '\0' || strcmp(word, "->") == 0)
		return add_word(line, word) ? 1 : -1;
	if (strcmp(word, "--") == 0) {
		line->has_ended = true;
	} else if (is_option(word, "-j", "--json")) {
		line->cli.is_json = true;
	} else if (is_option(word, "-h", "--help")) {
		line->wants_help = true;
	} else if (is_option(word, "-V", "--version")) {
		line->wants_version = true;
	} else if (is_option(word, "-s", "--socket")) {
		if (n_words < 2)
			return -1;
		line->cli.socket = words[1];
		return 2;
	} else if (keyword_of(word) != NULL) {
		return add_word(line, keyword_of(word)) ? 1 : -1;
	} else if (strncmp(word, "--", 2) == 0) {
		return add_word(line, word + 2) ? 1 : -1;
	} else {
		return -1;
	}
	return 1;
}

static int run_call(struct line *line, const struct grammar_call *call)
{
	line->cli.command = call->command;
	line->cli.params = call->params;
	line->cli.words = call->bare;
	line->cli.n_words = call->n_bare;
	return call->command->run(&line->cli);
}

int cli_run(const struct cli *defaults, char **words, int n_words)
{
	struct line line = {.cli = *defaults};
	struct grammar_call call;
	struct error err;
	int rc;

	for (int i = 1; i < n_words;) {
		int n = read_word(&line, words + i, n_words - i);

		if (n < 0)
			return cli_wrong_usage("this is wrong here:", words[i]);
		i += n;
	}
	if (line.wants_version)
		return do_version(&line.cli);
	if (line.n_words == 0 && !line.wants_help) {
		if (!line.cli.is_interactive)
			return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)
				       ? cli_run_interactive(&line.cli)
				       : cli_run_script(&line.cli);
		return EXIT_SUCCESS;
	}
	if (line.wants_help) {
		if (line.n_words == 0)
			print_help(stdout);
		else if (!grammar_write_help(stdout, cli_commands, (const char *const *)line.words,
				 line.n_words))
			return cli_wrong_usage("there is no command", line.words[0]);
		return EXIT_SUCCESS;
	}
	if (grammar_parse(cli_commands, (const char *const *)line.words, line.n_words, &call,
		    &err) != 0) {
		fprintf(stderr, "millrace: %s\n", err.text);
		return CLI_EXIT_USAGE;
	}
	rc = run_call(&line, &call);
	json_decref(call.params);
	return rc;
}
