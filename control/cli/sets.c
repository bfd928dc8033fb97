// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/answer.h"

static void warn_unkept(const json_t *result)
{
	const char *why = answer_text(result, "unkept");

	if (why[0] != '\0')
		fprintf(stderr, "millrace: only until millraced ends: %s\n", why);
}

// Takes the answer; NULL: there is none.
static int tell_answer(const struct cli *cli, json_t *result, void (*tell)(const json_t *result))
{
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

static int ask_and_tell(const struct cli *cli, void (*tell)(const json_t *result))
{
	return tell_answer(cli, cli_ask_command(cli), tell);
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
	return ask_and_tell(cli, tell_ban);
}

static void tell_unban(const json_t *result)
{
	printf("%s is no longer in %s\n", answer_text(result, "address"),
		answer_text(result, "set"));
}

int do_unban(const struct cli *cli)
{
	return ask_and_tell(cli, tell_unban);
}

static void tell_reload(const json_t *result)
{
	printf("%s has %" PRIu64 " elements from its file\n", answer_text(result, "name"),
		answer_number(result, "elements"));
}

int do_sets(const struct cli *cli)
{
	return tell_answer(cli,
		cli_ask_patiently(cli, cli->command->method, json_deep_copy(cli->params)),
		tell_reload);
}
