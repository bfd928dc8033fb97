// SPDX-License-Identifier: BSD-3-Clause
// What the commands share: how they were called, and how they end.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "control/cli/grammar.h"

enum { CLI_EXIT_USAGE = 2 };

struct cli {
	const char *socket;
	bool is_json;
	bool is_interactive;
	const struct grammar_command *command;
	const json_t *params;	  // what stands behind the command, by name
	const char *const *words; // the command, and its arguments that have no keyword
	int n_words;
};

extern const struct grammar_command cli_commands[]; // commands.c

// One command line, options included; the first of `words` is the program. `defaults` has the
// options' values. Returns the process's exit code.
int cli_run(const struct cli *defaults, char **words, int n_words);

// Lines from stdin, up to the first that fails; its exit code.
int cli_run_script(const struct cli *defaults);
int cli_run_interactive(const struct cli *defaults);

// Says what is wrong with the call. Returns the process's exit code.
int cli_wrong_usage(const char *what, const char *word);

// The value of that name as text, or NULL.
const char *cli_value(const struct cli *cli, const char *param);

// Asks the daemon; takes `params`. NULL: it has said why not.
json_t *cli_ask(const struct cli *cli, const char *method, json_t *params);
// The same of what may take long: waits while the daemon is at work, or for "timeout" seconds.
json_t *cli_ask_patiently(const struct cli *cli, const char *method, json_t *params);
// The command's own method, with what stands behind the command.
json_t *cli_ask_command(const struct cli *cli);

// For the answer as it came, with --json.
void cli_print_json(const json_t *result);

// Asks the command's method, and prints the answer as the command does.
int do_show(const struct cli *cli);
// Prints an answer that was waited for, and takes it.
int cli_show(const struct cli *cli, json_t *result);
int do_version(const struct cli *cli);
int do_help(const struct cli *cli);
int do_complete(const struct cli *cli);
int do_completion(const struct cli *cli);
int do_man(const struct cli *cli);
int do_events(const struct cli *cli);
int do_watch(const struct cli *cli);
