// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/answer.h"

// "ADDRESS [in SET] [for DURATION]", the pairs in either order. NULL: it has said what is wrong,
// and `exit_code` is set.
static json_t *read_words(const struct cli *cli, bool takes_for, int *exit_code)
{
	json_t *params;

	if (cli->n_words < 2) {
		*exit_code = cli_wrong_usage("the address is missing", NULL);
		return NULL;
	}
	params = json_pack("{s:s}", "address", cli->words[1]);
	for (int i = 2; i < cli->n_words; i += 2) {
		const char *word = cli->words[i], *key = NULL;

		if (strcmp(word, "in") == 0)
			key = "set";
		else if (takes_for && strcmp(word, "for") == 0)
			key = "for";
		if (key == NULL || i + 1 == cli->n_words || json_object_get(params, key) != NULL) {
			*exit_code = key == NULL ? cli_wrong_usage("no word for this place:", word)
						 : cli_wrong_usage("one value must follow:", word);
			json_decref(params);
			return NULL;
		}
		json_object_set_new(params, key, json_string(cli->words[i + 1]));
	}
	return params;
}

static void warn_unkept(const json_t *result)
{
	const char *why = answer_text(result, "unkept");

	if (why[0] != '\0')
		fprintf(stderr, "millrace: only until millraced ends: %s\n", why);
}

static int ask_and_tell(const struct cli *cli, const char *method, json_t *params,
	void (*tell)(const json_t *result))
{
	json_t *result = cli_ask(cli, method, params);

	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json) {
		cli_print_json(result);
	} else {
		tell(result);
		warn_unkept(result);
	}
	json_decref(result);
	return EXIT_SUCCESS;
}

static void tell_ban(const json_t *result)
{
	bool ends = json_is_integer(json_object_get(result, "for_sec"));
	char unit[UNIT_BYTES];

	printf("%s is in %s %s%s\n", answer_text(result, "address"), answer_text(result, "set"),
		ends ? "for " : "for ever",
		ends ? unit_seconds(answer_number(result, "for_sec"), unit) : "");
}

int do_ban(const struct cli *cli)
{
	int exit_code = EXIT_FAILURE;
	json_t *params = read_words(cli, true, &exit_code);

	return params == NULL ? exit_code : ask_and_tell(cli, "ban", params, tell_ban);
}

static void tell_unban(const json_t *result)
{
	printf("%s is no longer in %s\n", answer_text(result, "address"),
		answer_text(result, "set"));
}

int do_unban(const struct cli *cli)
{
	int exit_code = EXIT_FAILURE;
	json_t *params = read_words(cli, false, &exit_code);

	return params == NULL ? exit_code : ask_and_tell(cli, "unban", params, tell_unban);
}

static void tell_reload(const json_t *result)
{
	printf("%s has %" PRIu64 " elements from its file\n", answer_text(result, "name"),
		answer_number(result, "elements"));
}

int do_sets(const struct cli *cli)
{
	if (cli->n_words != 3 || strcmp(cli->words[1], "reload") != 0)
		return cli_wrong_usage("it is: sets reload NAME", NULL);
	return ask_and_tell(
		cli, "sets.reload", json_pack("{s:s}", "name", cli->words[2]), tell_reload);
}
