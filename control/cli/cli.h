// SPDX-License-Identifier: BSD-3-Clause
// What the commands share: how they were called, and how they end (main.c).
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct cli {
	const char *socket;
	const char *limit;	       // or NULL
	const char *message, *confirm; // or NULL
	bool is_json;
	char **words;
	int n_words;
};

// Says what is wrong with the call. Returns the process's exit code.
int cli_wrong_usage(const char *what, const char *word);

// Asks the daemon; takes `params`. NULL: it has said why not.
json_t *cli_ask(const struct cli *cli, const char *method, json_t *params);

// For the answer as it came, with --json.
void cli_print_json(const json_t *result);
