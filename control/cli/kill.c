// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/answer.h"

// Takes `result`.
static int tell_result(const struct cli *cli, json_t *result, void (*tell)(const json_t *result))
{
	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json)
		cli_print_json(result);
	else
		tell(result);
	json_decref(result);
	return EXIT_SUCCESS;
}

// --- flows ---

static void tell_flows(const json_t *result)
{
	uint64_t flows = answer_number(result, "flows");
	uint64_t meanwhile = answer_number(result, "ended_meanwhile");

	printf("%" PRIu64 " flow%s ended", flows, flows == 1 ? "" : "s");
	if (meanwhile > 0)
		printf(", %" PRIu64 " more ended by %s meanwhile", meanwhile,
			meanwhile == 1 ? "itself" : "themselves");
	putchar('\n');
}

int do_kill(const struct cli *cli)
{
	return tell_result(cli,
		cli_ask_patiently(cli, cli->command->method, json_deep_copy(cli->params)),
		tell_flows);
}

// Nobody is asked who cannot answer.
static bool is_meant(const struct cli *cli)
{
	char answer[16];

	if (json_is_true(json_object_get(cli->params, "yes")))
		return true;
	if (!isatty(STDIN_FILENO)) {
		fputs("millrace: 'clear flows' ends every connection; --yes means it\n", stderr);
		return false;
	}
	fputs("End every flow through the router? Type yes: ", stderr);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

int do_clear_flows(const struct cli *cli)
{
	json_t *params;

	if (!is_meant(cli)) {
		fputs("millrace: nothing has changed\n", stderr);
		return EXIT_FAILURE;
	}
	params = json_deep_copy(cli->params);
	json_object_del(params, "yes");
	json_object_set_new(params, "all", json_true());
	return tell_result(cli, cli_ask_patiently(cli, cli->command->method, params), tell_flows);
}

// --- counters, neighbours ---

static void tell_counters(const json_t *result)
{
	const char *what = answer_text(result, "what");

	printf("counters%s%s begin anew; metrics go on\n", strcmp(what, "all") == 0 ? "" : " of ",
		strcmp(what, "all") == 0 ? "" : what);
}

int do_clear_counters(const struct cli *cli)
{
	return tell_result(cli, cli_ask_command(cli), tell_counters);
}

int do_clear_drops(const struct cli *cli)
{
	return tell_result(cli,
		cli_ask(cli, cli->command->method, json_pack("{s:s}", "what", "drops")),
		tell_counters);
}

static void tell_neighbours(const json_t *result)
{
	uint64_t n = answer_number(result, "neighbours");

	printf("%" PRIu64 " neighbour%s forgotten\n", n, n == 1 ? "" : "s");
}

int do_clear_neighbours(const struct cli *cli)
{
	return tell_result(cli, cli_ask_command(cli), tell_neighbours);
}
