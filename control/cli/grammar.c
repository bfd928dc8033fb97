// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "cfg/base/endpoint.h"
#include "cfg/suggest.h"
#include "cfg/value.h"

static const struct {
	const char *placeholder, *expected;
} types[] = {
	[GRAMMAR_NAME] = {"NAME", "a name"},
	[GRAMMAR_TEXT] = {"TEXT", "some words between quotes"},
	[GRAMMAR_FLAG] = {"", "nothing"},
	[GRAMMAR_CHOICE] = {"WHAT", "one of the choices"},
	[GRAMMAR_LOG_PART] = {"PART", "a part of the daemon, as 'show log' lists them"},
	[GRAMMAR_COUNT] = {"N", "a number from 1 to 4294967295"},
	[GRAMMAR_NUMBER] = {"N", "a number from 0 to 255"},
	[GRAMMAR_ENDPOINT] = {"ADDRESS:PORT",
		"an address, with its port for tcp and udp, such as 198.18.0.7:5000"},
	[GRAMMAR_ADDRESS] = {"ADDRESS", "an address such as 198.18.0.7 or 2001:db8::7"},
	[GRAMMAR_NETWORK] = {"ADDRESS",
		"an address or network such as 198.18.0.7 or 2001:db8::/32"},
	[GRAMMAR_PORT] = {"PORT", "a port from 0 to 65535"},
	[GRAMMAR_PROTOCOL] = {"PROTOCOL", "tcp, udp, icmp, icmp6 or a number up to 255"},
	[GRAMMAR_DURATION] = {"DURATION", "a duration such as 90s, 10m, 1d, or forever"},
	[GRAMMAR_FILE] = {"FILE", "a file"},
	[GRAMMAR_INTERFACE] = {"INTERFACE", "an interface of the router"},
	[GRAMMAR_SET] = {"SET", "a set of the config"},
	[GRAMMAR_UPLINK] = {"UPLINK", "an uplink of the config"},
	[GRAMMAR_COMMAND] = {"COMMAND", "a command"},
	[GRAMMAR_VIEW] = {"WHAT", "what 'show' takes"},
};

const char *grammar_expected(enum grammar_type type)
{
	return types[type].expected;
}

const char *grammar_placeholder(const struct grammar_arg *arg)
{
	return arg->type == GRAMMAR_CHOICE ? arg->choices : types[arg->type].placeholder;
}

bool grammar_word(const struct grammar_command *command, int i, char out[GRAMMAR_WORD_BYTES])
{
	const char *at = command->words;
	size_t len;

	for (; i > 0 && at != NULL; i--) {
		at = strchr(at, ' ');
		at = at == NULL ? NULL : at + 1;
	}
	if (at == NULL)
		return false;
	len = strcspn(at, " ");
	if (len >= GRAMMAR_WORD_BYTES)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

int grammar_match(const struct grammar_command *command, const char *const *words, int n_words,
	bool *is_whole)
{
	char word[GRAMMAR_WORD_BYTES];
	int n = 0;

	while (n < n_words && grammar_word(command, n, word) && strcmp(word, words[n]) == 0)
		n++;
	*is_whole = !grammar_word(command, n, word);
	return n;
}

// --- the command ---

// Nothing begins like this: the word that is wrong, and those that could be there instead.
static int say_unknown(const struct grammar_command *commands, const char *const *words,
	int n_words, struct error *err)
{
	struct suggestion suggestion = {0};
	char list[256] = "", word[GRAMMAR_WORD_BYTES], last[GRAMMAR_WORD_BYTES] = "", close[96];
	char best[GRAMMAR_WORD_BYTES];
	const struct grammar_command *command;
	int depth = 0;
	bool is_whole;

	for (command = commands; command->words != NULL; command++) {
		int n = grammar_match(command, words, n_words, &is_whole);

		depth = n > depth ? n : depth;
	}
	suggestion.written = depth < n_words ? words[depth] : "";
	for (command = commands; command->words != NULL; command++) {
		if (grammar_match(command, words, depth, &is_whole) < depth ||
			!grammar_word(command, depth, word) || strcmp(word, last) == 0)
			continue;
		suggest_offer(&suggestion, word);
		if (suggestion.best == word)
			suggestion.best = strcpy(best, word);
		if (strlen(list) + strlen(word) + 3 < sizeof(list)) {
			strcat(list, list[0] == '\0' ? "" : ", ");
			strcat(list, word);
		}
		strcpy(last, word);
	}
	if (depth == n_words)
		return error_set(err, "after '%s' comes one of: %s",
			n_words == 0 ? "millrace" : words[n_words - 1], list);
	if (suggestion.best == NULL)
		return error_set(err, "'%.40s' is not known%s%s; there is: %s", words[depth],
			depth == 0 ? "" : " after ", depth == 0 ? "" : words[depth - 1], list);
	return error_set(err, "'%.40s' is not known%s", words[depth],
		suggest_str(&suggestion, close, sizeof(close)));
}

static const struct grammar_command *find_command(
	const struct grammar_command *commands, const char *const *words, int n_words, int *n_taken)
{
	const struct grammar_command *best = NULL;

	*n_taken = 0;
	for (; commands->words != NULL; commands++) {
		bool is_whole;
		int n = grammar_match(commands, words, n_words, &is_whole);

		if (is_whole && n > *n_taken) {
			best = commands;
			*n_taken = n;
		}
	}
	return best;
}

// --- values ---

static bool read_number(const char *text, unsigned long min, unsigned long max, json_t **out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || strlen(text) > 10 || value < min ||
		value > max)
		return false;
	*out = json_integer((json_int_t)value);
	return true;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	while (choices != NULL && len > 0) {
		size_t n = strcspn(choices, "|");

		if (n == len && memcmp(choices, text, n) == 0)
			return true;
		choices = choices[n] == '\0' ? NULL : choices + n + 1;
	}
	return false;
}

static bool is_duration(const char *text)
{
	static const struct model_key seconds = {
		.key = "for", .type = MODEL_SECONDS, .min = 1, .max = CFG_DURATION_MAX_SEC};
	struct error err;
	uint32_t sec;

	return strcmp(text, "forever") == 0 || value_read(&seconds, text, NULL, &sec, &err) == 0;
}

static bool is_of_type(const struct grammar_arg *arg, const char *text)
{
	struct ip_endpoint endpoint;
	struct ip_prefix prefix;

	switch (arg->type) {
	case GRAMMAR_CHOICE:
	case GRAMMAR_LOG_PART:
		return is_choice(arg->choices, text);
	case GRAMMAR_ADDRESS:
		return ip_addr_parse(text, &prefix.addr) == 0;
	case GRAMMAR_ENDPOINT:
		return ip_endpoint_parse(text, &endpoint) == 0;
	case GRAMMAR_NETWORK:
		return ip_addr_parse(text, &prefix.addr) == 0 ||
		       ip_prefix_parse(text, &prefix) == 0;
	case GRAMMAR_DURATION:
		return is_duration(text);
	case GRAMMAR_PROTOCOL:
		return is_choice("tcp|udp|icmp|icmp6", text) ||
		       (strspn(text, "0123456789") == strlen(text) && strlen(text) <= 3 &&
			       text[0] != '\0' && atol(text) <= 255);
	case GRAMMAR_NAME:
	case GRAMMAR_TEXT:
	case GRAMMAR_FILE:
	case GRAMMAR_INTERFACE:
	case GRAMMAR_SET:
	case GRAMMAR_UPLINK:
		return text[0] != '\0';
	case GRAMMAR_FLAG:
	case GRAMMAR_COUNT:
	case GRAMMAR_NUMBER:
	case GRAMMAR_PORT:
	case GRAMMAR_COMMAND:
	case GRAMMAR_VIEW:
		break;
	}
	return false;
}

static int read_value(
	const struct grammar_arg *arg, const char *text, json_t *params, struct error *err)
{
	json_t *value = NULL;
	bool is_right;

	if (arg->type == GRAMMAR_COUNT)
		is_right = read_number(text, 1, UINT32_MAX, &value);
	else if (arg->type == GRAMMAR_NUMBER)
		is_right = read_number(text, 0, UINT8_MAX, &value);
	else if (arg->type == GRAMMAR_PORT)
		is_right = read_number(text, 0, UINT16_MAX, &value);
	else
		is_right = is_of_type(arg, text);
	if (is_right && value == NULL)
		value = json_string(text);
	if (value == NULL)
		return error_set(err, "'%.60s'%s%s is wrong: expected is %s", text,
			arg->keyword == NULL ? "" : " after ",
			arg->keyword == NULL ? "" : arg->keyword,
			arg->choices != NULL ? arg->choices : types[arg->type].expected);
	json_object_set_new(params, arg->param, value);
	return 0;
}

// --- arguments ---

static int say_no_keyword(
	const struct grammar_command *command, const char *word, struct error *err)
{
	struct suggestion suggestion = {.written = word};
	char list[256] = "", close[96];

	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL;
		arg++) {
		if (arg->keyword == NULL)
			continue;
		suggest_offer(&suggestion, arg->keyword);
		if (strlen(list) + strlen(arg->keyword) + 3 < sizeof(list)) {
			strcat(list, list[0] == '\0' ? "" : ", ");
			strcat(list, arg->keyword);
		}
	}
	if (list[0] == '\0')
		return error_set(
			err, "'%.40s' is one word too many after '%s'", word, command->words);
	return error_set(err, "'%.40s' is not known after '%s'%s; there is: %s", word,
		command->words, suggest_str(&suggestion, close, sizeof(close)), list);
}

const struct grammar_arg *grammar_keyword(const struct grammar_command *command, const char *word)
{
	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL; arg++)
		if (arg->keyword != NULL && strcmp(arg->keyword, word) == 0)
			return arg;
	return NULL;
}

const struct grammar_arg *grammar_place(const struct grammar_arg *arg)
{
	return arg != NULL && arg->help != NULL && arg->keyword == NULL ? arg : NULL;
}

bool grammar_takes_rest(const struct grammar_arg *arg)
{
	return arg != NULL && (arg->type == GRAMMAR_COMMAND || arg->type == GRAMMAR_VIEW);
}

static int read_keyword(const struct grammar_arg *arg, const char *const *words, int n_words,
	json_t *params, struct error *err)
{
	if (json_object_get(params, arg->param) != NULL)
		return error_set(err, "'%s' is there twice", words[0]);
	if (arg->type == GRAMMAR_FLAG) {
		json_object_set_new(params, arg->param, json_true());
		return 1;
	}
	if (n_words == 1)
		return error_set(err, "after '%s' comes %s", words[0],
			arg->choices != NULL ? arg->choices : types[arg->type].expected);
	return read_value(arg, words[1], params, err) == 0 ? 2 : -1;
}

// Keywords may stand before what goes by its place, as options do. The last word is no keyword
// where something must still come.
static int read_args(
	struct grammar_call *call, const char *const *words, int n_words, struct error *err)
{
	const struct grammar_command *command = call->command;
	const struct grammar_arg *place = grammar_place(command->args);
	bool is_there = false; // what takes all words that are left

	for (int i = 0; i < n_words;) {
		const struct grammar_arg *arg = grammar_keyword(command, words[i]);
		bool is_needed = place != NULL && !place->is_optional && i + 1 == n_words;

		if (grammar_takes_rest(place)) {
			is_there = true;
			call->bare[call->n_bare++] = words[i++];
		} else if (arg != NULL && !is_needed) {
			int n = read_keyword(arg, words + i, n_words - i, call->params, err);

			if (n < 0)
				return -1;
			i += n;
		} else if (place != NULL) {
			if (read_value(place, words[i], call->params, err) != 0)
				return -1;
			call->bare[call->n_bare++] = words[i++];
			place = grammar_place(place + 1);
		} else {
			return say_no_keyword(command, words[i], err);
		}
	}
	if (place != NULL && !place->is_optional && !is_there)
		return error_set(err, "after '%s' comes %s", command->words,
			place->choices != NULL ? place->choices : types[place->type].expected);
	return 0;
}

int grammar_parse(const struct grammar_command *commands, const char *const *words, int n_words,
	struct grammar_call *out, struct error *err)
{
	int n_taken;

	*out = (struct grammar_call){0};
	if (n_words > GRAMMAR_WORDS_MAX)
		return error_set(err, "there are %d words at most", GRAMMAR_WORDS_MAX);
	out->command = find_command(commands, words, n_words, &n_taken);
	if (out->command == NULL)
		return say_unknown(commands, words, n_words, err);
	out->params = json_object();
	for (; out->n_bare < n_taken; out->n_bare++)
		out->bare[out->n_bare] = words[out->n_bare];
	if (read_args(out, words + n_taken, n_words - n_taken, err) == 0)
		return 0;
	json_decref(out->params);
	*out = (struct grammar_call){0};
	return -1;
}
