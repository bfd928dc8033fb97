// SPDX-License-Identifier: BSD-3-Clause
// What the grammar says of itself: usage, help, and what may come next.
#include <string.h>

#include "control/cli/grammar.h"

enum { USAGE_WIDTH = 80 };

// --- usage and help ---

static int write_arg(const struct grammar_arg *arg, char *out, size_t out_bytes)
{
	bool is_optional = arg->keyword != NULL || arg->is_optional;
	const char *placeholder = grammar_placeholder(arg);

	return snprintf(out, out_bytes, "%s%s%s%s%s", is_optional ? "[" : "",
		arg->keyword == NULL ? "" : arg->keyword,
		arg->keyword != NULL && placeholder[0] != '\0' ? " " : "", placeholder,
		is_optional ? "]" : "");
}

void grammar_write_usage(FILE *out, const struct grammar_command *command)
{
	int column = fprintf(out, "%s", command->words);

	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL;
		arg++) {
		char text[128];
		int len = write_arg(arg, text, sizeof(text));

		if (column + 1 + len > USAGE_WIDTH)
			column = fprintf(out, "\n      %s", text) - 1;
		else
			column += fprintf(out, " %s", text);
	}
}

static void write_args(FILE *out, const struct grammar_command *command)
{
	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL;
		arg++) {
		const char *placeholder = grammar_placeholder(arg);
		int width = 24 - (int)strlen(placeholder);

		if (arg->keyword != NULL)
			width -= (int)strlen(arg->keyword) + 1;
		fprintf(out, "    %s%s%s%*s  %s\n", arg->keyword == NULL ? "" : arg->keyword,
			arg->keyword == NULL ? "" : " ", placeholder, width > 0 ? width : 0, "",
			arg->help);
	}
}

bool grammar_write_help(
	FILE *out, const struct grammar_command *commands, const char *const *words, int n_words)
{
	unsigned n_found = 0;
	bool is_whole;

	for (const struct grammar_command *c = commands; c->words != NULL; c++)
		n_found += grammar_match(c, words, n_words, &is_whole) == n_words;
	for (const struct grammar_command *c = commands; c->words != NULL; c++) {
		if (grammar_match(c, words, n_words, &is_whole) < n_words)
			continue;
		if (n_found == 1) {
			grammar_write_usage(out, c);
			fprintf(out, "\n    %s\n", c->help);
			write_args(out, c);
		} else {
			fprintf(out, "  %-18s %s\n", c->words, c->help);
		}
	}
	return n_found > 0;
}

// --- completion ---

struct completion {
	const struct grammar_offers *offers;
	const char *begun;
};

static void offer(const struct completion *to, const char *word, const char *help)
{
	if (strncmp(word, to->begun, strlen(to->begun)) == 0)
		to->offers->offer(to->offers->ctx, word, help);
}

static void offer_choices(const struct completion *to, const char *choices, const char *help)
{
	while (choices != NULL) {
		size_t n = strcspn(choices, "|");
		char word[GRAMMAR_WORD_BYTES];

		snprintf(word, sizeof(word), "%.*s", (int)n, choices);
		offer(to, word, help);
		choices = choices[n] == '\0' ? NULL : choices + n + 1;
	}
}

static void offer_values(const struct completion *to, const struct grammar_arg *arg)
{
	switch (arg->type) {
	case GRAMMAR_CHOICE:
	case GRAMMAR_LOG_PART:
		offer_choices(to, arg->choices, arg->help);
		break;
	case GRAMMAR_PROTOCOL:
		offer_choices(to, "tcp|udp|icmp|icmp6", arg->help);
		break;
	case GRAMMAR_DURATION:
		offer(to, "forever", arg->help);
		break;
	case GRAMMAR_ADDRESS:
	case GRAMMAR_NETWORK:
	case GRAMMAR_FILE:
	case GRAMMAR_INTERFACE:
	case GRAMMAR_SET:
	case GRAMMAR_UPLINK:
		to->offers->live(to->offers->ctx, arg->type);
		break;
	case GRAMMAR_NAME:
	case GRAMMAR_TEXT:
	case GRAMMAR_FLAG:
	case GRAMMAR_COUNT:
	case GRAMMAR_NUMBER:
	case GRAMMAR_ENDPOINT:
	case GRAMMAR_PORT:
	case GRAMMAR_COMMAND:
	case GRAMMAR_VIEW:
		break;
	}
}

static bool is_among(const char *word, const char *const *words, int n_words)
{
	for (int i = 0; i < n_words; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static void offer_args(const struct completion *to, const struct grammar_command *command,
	const char *const *words, int n_words)
{
	const struct grammar_arg *place = grammar_place(command->args);

	for (int i = 0; i < n_words; i++) {
		const struct grammar_arg *arg = grammar_keyword(command, words[i]);

		if (arg == NULL) {
			place = place == NULL ? NULL : grammar_place(place + 1);
		} else if (arg->type != GRAMMAR_FLAG && ++i == n_words) {
			offer_values(to, arg);
			return;
		}
	}
	if (place != NULL)
		offer_values(to, place);
	if (place != NULL && !place->is_optional)
		return;
	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL; arg++)
		if (arg->keyword != NULL && !is_among(arg->keyword, words, n_words))
			offer(to, arg->keyword, arg->help);
}

// Of the commands that begin like this, the next word: the help of the only one that has it.
static void offer_words(const struct completion *to, const struct grammar_command *commands,
	const char *const *words, int n_words)
{
	char word[GRAMMAR_WORD_BYTES], next[GRAMMAR_WORD_BYTES], last[GRAMMAR_WORD_BYTES] = "";
	bool is_whole, is_only;

	for (const struct grammar_command *c = commands; c->words != NULL; c++) {
		if (grammar_match(c, words, n_words, &is_whole) < n_words ||
			!grammar_word(c, n_words, word) || strcmp(word, last) == 0)
			continue;
		is_only = !grammar_word(c, n_words + 1, next);
		offer(to, word, is_only ? c->help : "");
		snprintf(last, sizeof(last), "%s", word);
	}
}

static void complete_view(const struct grammar_command *commands, const char *const *words,
	int n_words, const char *begun, const struct grammar_offers *offers)
{
	const char *all[GRAMMAR_WORDS_MAX + 1] = {"show"};

	if (n_words > GRAMMAR_WORDS_MAX)
		return;
	for (int i = 0; i < n_words; i++)
		all[i + 1] = words[i];
	grammar_complete(commands, all, n_words + 1, begun, offers);
}

void grammar_complete(const struct grammar_command *commands, const char *const *words, int n_words,
	const char *begun, const struct grammar_offers *offers)
{
	struct completion to = {offers, begun};
	const struct grammar_command *best = NULL;
	int n_best = 0;

	for (const struct grammar_command *c = commands; c->words != NULL; c++) {
		bool is_whole;
		int n = grammar_match(c, words, n_words, &is_whole);

		if (is_whole && n > n_best) {
			best = c;
			n_best = n;
		}
	}
	if (best != NULL && best->args != NULL && best->args->type == GRAMMAR_COMMAND)
		grammar_complete(commands, words + n_best, n_words - n_best, begun, offers);
	else if (best != NULL && best->args != NULL && best->args->type == GRAMMAR_VIEW)
		complete_view(commands, words + n_best, n_words - n_best, begun, offers);
	else if (best != NULL)
		offer_args(&to, best, words + n_best, n_words - n_best);
	if (best == NULL || n_best == n_words)
		offer_words(&to, commands, words, n_words);
}
