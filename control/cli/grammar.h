// SPDX-License-Identifier: BSD-3-Clause
// What can be said to `millrace`, as one table: the words of each command, what may follow them,
// and what all of it means. Parsing, errors, help, completion and the man page are made from it.
// Plain data in, nothing asked of anybody. Any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cfg/base/error.h"

enum grammar_type {
	GRAMMAR_NAME = 0,
	GRAMMAR_TEXT,
	GRAMMAR_FLAG, // its keyword alone
	GRAMMAR_CHOICE,
	GRAMMAR_LOG_PART, // of many choices, which are not in the usage
	GRAMMAR_COUNT,
	GRAMMAR_NUMBER, // of a byte
	GRAMMAR_ADDRESS,
	GRAMMAR_ENDPOINT, // with a port or without
	GRAMMAR_NETWORK,  // or one address
	GRAMMAR_PORT,
	GRAMMAR_PROTOCOL,
	GRAMMAR_DURATION,
	GRAMMAR_FILE,
	GRAMMAR_INTERFACE,
	GRAMMAR_SET,
	GRAMMAR_UPLINK,
	GRAMMAR_COMMAND, // all words that are left, of another command
	GRAMMAR_VIEW,	 // the same, behind the word show
};

// A value: after its keyword, or without one by its place.
struct grammar_arg {
	const char *keyword; // or NULL; those that have none come first
	const char *param;   // its name among a method's parameters
	enum grammar_type type;
	const char *help;
	const char *choices; // "tcp|udp"
	bool is_optional;    // of one by its place
};

enum { GRAMMAR_ARGS_MAX = 24, GRAMMAR_WORDS_MAX = 64, GRAMMAR_WORD_BYTES = 64 };

struct cli;

struct grammar_command {
	const char *words; // "show flows"; NULL ends the table
	const char *help;
	int (*run)(const struct cli *cli); // its process's exit code
	const struct grammar_arg *args;	   // the last one has no help; NULL: none
	const char *method;		   // that it asks the daemon, or NULL
	void (*print)(const json_t *result, FILE *out);
};

// What was said. `params` are the values by their names.
struct grammar_call {
	const struct grammar_command *command;
	json_t *params;
	const char *bare[GRAMMAR_WORDS_MAX]; // the command's, and what goes by its place
	int n_bare;
};

// 0; params are then the caller's to release. -1 with what is wrong, and what is expected.
int grammar_parse(const struct grammar_command *commands, const char *const *words, int n_words,
	struct grammar_call *out, struct error *err);

// The argument behind that keyword; the one that goes by its place, from `arg` on. Or NULL.
const struct grammar_arg *grammar_keyword(const struct grammar_command *command, const char *word);
const struct grammar_arg *grammar_place(const struct grammar_arg *arg);
bool grammar_takes_rest(const struct grammar_arg *arg); // of the line; NULL does not

// How many of the command's words these words begin with; `is_whole`: all of them.
int grammar_match(const struct grammar_command *command, const char *const *words, int n_words,
	bool *is_whole);
// The i-th of the command's words into `out`; false past the last.
bool grammar_word(const struct grammar_command *command, int i, char out[GRAMMAR_WORD_BYTES]);

const char *grammar_expected(enum grammar_type type); // "an address such as 198.18.0.7"
const char *grammar_placeholder(const struct grammar_arg *arg);
// The command and all its arguments, in lines of 80 columns, without the last one's end.
void grammar_write_usage(FILE *out, const struct grammar_command *command);
// The help of all commands that begin with these words. False: there is none.
bool grammar_write_help(
	FILE *out, const struct grammar_command *commands, const char *const *words, int n_words);

// Calls `offer` with each word that may stand after `words` and begins with `begun`, once each. Of
// types with living names, `live` is asked for them.
struct grammar_offers {
	void (*offer)(void *ctx, const char *word, const char *help);
	void (*live)(void *ctx, enum grammar_type type);
	void *ctx;
};
void grammar_complete(const struct grammar_command *commands, const char *const *words, int n_words,
	const char *begun, const struct grammar_offers *offers);
