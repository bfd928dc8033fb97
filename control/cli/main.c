// SPDX-License-Identifier: BSD-3-Clause
// millrace: asks a running router what it does, and checks configs without one.
// Exit codes: 0, 1 when it did not work, 2 when it was asked wrongly.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/capture.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/schema.h"
#include "control/cli/sets.h"
#include "control/cli/show.h"
#include "control/config_file.h"
#include "control/options.h"

enum { EXIT_USAGE = 2 };

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"limit", required_argument, NULL, 'n'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char *with_argument(const struct view *view, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "%s%s%s", view->name, view->argument == NULL ? "" : " ",
		view->argument == NULL ? "" : view->argument);
	return out;
}

static void print_help(FILE *out)
{
	char text[32];

	fputs("millrace " MILLRACE_VERSION ", the command of the router millraced\n"
	      "\n"
	      "  millrace [-s SOCKET] [--json] show WHAT [--limit N]\n",
		out);
	for (const struct view *view = views; view->name != NULL; view++)
		fprintf(out, "    %-12s %s\n", with_argument(view, text, sizeof(text)), view->help);
	fputs("  millrace ban ADDRESS [in SET] [for 90s | 10m | 1d | forever]\n"
	      "  millrace unban ADDRESS [in SET]\n"
	      "  millrace sets reload NAME   read the set's file now\n"
	      "  millrace " CAPTURE_USAGE "\n"
	      "  millrace check FILE    say everything that is wrong with a config\n"
	      "  millrace schema        what a config may say, as a JSON Schema for editors\n"
	      "  millrace version\n"
	      "  millrace help\n"
	      "\n"
	      "  -s, --socket PATH      the daemon's socket (" OPTIONS_SOCKET_DEFAULT ")\n"
	      "  -j, --json             the answer for programs\n"
	      "  -n, --limit N          of a long list\n",
		out);
}

int cli_wrong_usage(const char *what, const char *word)
{
	fprintf(stderr, "millrace: %s%s%s%s; 'millrace help' shows what there is\n", what,
		word == NULL ? "" : " '", word == NULL ? "" : word, word == NULL ? "" : "'");
	return EXIT_USAGE;
}

// -1: not a number that any list takes.
static long read_limit(const char *word)
{
	char *end;
	long limit = strtol(word, &end, 10);

	return *word == '\0' || *end != '\0' || limit < 1 ? -1 : limit;
}

json_t *cli_ask(const struct cli *cli, const char *method, json_t *params)
{
	struct error err;
	json_t *result = client_call(cli->socket, method, params, &err);

	if (result == NULL)
		fprintf(stderr, "millrace: %s\n", err.text);
	return result;
}

void cli_print_json(const json_t *result)
{
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
}

// What to ask for. NULL: it has said what is wrong with the words.
static json_t *read_show(const struct cli *cli, const struct view **view)
{
	json_t *params;
	int n_wanted;

	if (cli->n_words < 2) {
		cli_wrong_usage("what to show is missing", NULL);
		return NULL;
	}
	*view = view_find(cli->words[1]);
	if (*view == NULL) {
		cli_wrong_usage("there is nothing to show by the name", cli->words[1]);
		return NULL;
	}
	n_wanted = (*view)->argument == NULL ? 2 : 3;
	if (cli->n_words < n_wanted) {
		cli_wrong_usage("its name is missing: show", cli->words[1]);
		return NULL;
	}
	if (cli->n_words > n_wanted) {
		cli_wrong_usage("one word too many:", cli->words[n_wanted]);
		return NULL;
	}
	if (cli->limit != NULL && (!(*view)->takes_limit || read_limit(cli->limit) < 0)) {
		cli_wrong_usage(
			(*view)->takes_limit ? "no limit:" : "it takes no limit:", cli->limit);
		return NULL;
	}
	params = json_object();
	if ((*view)->argument != NULL)
		json_object_set_new(params, "name", json_string(cli->words[2]));
	if (cli->limit != NULL)
		json_object_set_new(
			params, "limit", json_integer((json_int_t)read_limit(cli->limit)));
	return params;
}

static int do_show(const struct cli *cli)
{
	const struct view *view = NULL;
	json_t *params = read_show(cli, &view), *result;
	int rc = EXIT_SUCCESS;

	if (params == NULL)
		return EXIT_USAGE;
	result = cli_ask(cli, view->method, params);
	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json)
		cli_print_json(result);
	else
		view->print(result, stdout);
	if (fflush(stdout) != 0)
		rc = EXIT_FAILURE;
	json_decref(result);
	return rc;
}

static int do_check(const struct cli *cli)
{
	struct config *config;

	if (cli->n_words != 2)
		return cli_wrong_usage("check takes one file", NULL);
	config = config_file_load(cli->words[1]);
	if (config == NULL)
		return EXIT_FAILURE;
	config_free(config);
	return EXIT_SUCCESS;
}

static int do_version(const struct cli *cli)
{
	puts("millrace " MILLRACE_VERSION);
	return EXIT_SUCCESS;
}

static int do_help(const struct cli *cli)
{
	print_help(stdout);
	return EXIT_SUCCESS;
}

static const struct command {
	const char *name;
	int (*run)(const struct cli *cli);
} commands[] = {
	{"show", do_show},
	{"ban", do_ban},
	{"unban", do_unban},
	{"sets", do_sets},
	{"capture", do_capture},
	{"check", do_check},
	{"schema", do_schema},
	{"version", do_version},
	{"help", do_help},
};

int main(int argc, char **argv)
{
	struct cli cli = {.socket = OPTIONS_SOCKET_DEFAULT};
	int c;

	while ((c = getopt_long(argc, argv, "s:jn:h", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			cli.socket = optarg;
			break;
		case 'j':
			cli.is_json = true;
			break;
		case 'n':
			cli.limit = optarg;
			break;
		case 'V':
			return do_version(&cli);
		case 'h':
			return do_help(&cli);
		default: // getopt has said what is wrong
			return EXIT_USAGE;
		}
	}
	cli.words = argv + optind;
	cli.n_words = argc - optind;
	if (cli.n_words == 0) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, cli.words[0]) == 0)
			return commands[i].run(&cli);
	return cli_wrong_usage("there is no command", cli.words[0]);
}
