// SPDX-License-Identifier: BSD-3-Clause
// millraced's command line.
#pragma once

#include <stdbool.h>

#define OPTIONS_SOCKET_DEFAULT "/run/millrace/control.sock"
#define OPTIONS_STATE_DEFAULT  "/var/lib/millrace/state.db" // the model's too

struct options {
	const char *config;
	const char *socket;
	const char *state; // where to look for the history of a config that cannot be read
	bool is_check;
	bool is_strict; // a config with warnings is not taken
	bool is_verbose;
	bool no_hugepages; // whatever the config says
};

const char *options_help(void); // what --help prints

// 0: go on. Otherwise the process is to end with the code in *exit_code: help was printed, or a
// sentence on what is wrong.
int options_parse(struct options *options, int argc, char **argv, int *exit_code);
