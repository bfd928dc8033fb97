// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/config.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/answer.h"

// --- what is asked ---

// -1: no number from 1 on.
static int64_t read_number(const char *word)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(word, &end, 10);
	return *word == '\0' || *end != '\0' || errno != 0 || number < 1 ? -1 : number;
}

// The daemon reads it, from where it is. NULL: it has said why not.
static json_t *file_params(const char *path)
{
	char *real = realpath(path, NULL);
	json_t *params = NULL;

	if (real == NULL)
		fprintf(stderr, "millrace: %s: %s\n", path, strerror(errno));
	else
		params = json_pack("{s:s}", "file", real);
	if (real != NULL && params == NULL)
		fprintf(stderr, "millrace: its path is no UTF-8: %s\n", path);
	free(real);
	return params;
}

static int add_message(const struct cli *cli, json_t *params)
{
	if (cli->message == NULL)
		return 0;
	return json_object_set_new(params, "message", json_string(cli->message)) == 0
		       ? 0
		       : cli_wrong_usage("the message is no UTF-8", NULL);
}

// --- what is answered ---

static void say_each(const json_t *result, const char *key, const char *before)
{
	json_t *list = json_object_get(result, key), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		fprintf(stderr, "%s%s\n", before, json_string_value(one));
	}
}

static void say_why_not(const json_t *result)
{
	const char *error = answer_text(result, "error"),
		   *step = answer_text(result, "failed_step");
	uint64_t more = answer_number(result, "more_errors");

	say_each(result, "errors", "");
	if (more > 0)
		fprintf(stderr, "%" PRIu64 " more errors\n", more);
	if (error[0] != '\0')
		fprintf(stderr, "millrace: %s%s%s\n", step, step[0] != '\0' ? ": " : "", error);
	fputs("millrace: nothing has changed\n", stderr);
}

// Asks, tells and ends: `tell` what was done.
static int ask(const struct cli *cli, const char *method, json_t *params,
	void (*tell)(const json_t *result))
{
	json_t *result = cli_ask(cli, method, params);
	bool is_done;

	if (result == NULL)
		return EXIT_FAILURE;
	is_done = answer_truth(result, "done");
	if (cli->is_json) {
		cli_print_json(result);
	} else {
		say_each(result, "warnings", "warning: ");
		if (is_done)
			tell(result);
		else
			say_why_not(result);
	}
	json_decref(result);
	return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void tell_unkept(const json_t *result)
{
	const char *why = answer_text(result, "unkept");

	if (why[0] != '\0')
		fprintf(stderr, "millrace: only until millraced ends: %s\n", why);
}

// --- plan, apply, confirm, rollback ---

static void print_change(const json_t *change)
{
	const char *kind = answer_text(change, "kind"), *path = answer_text(change, "path");
	const char *before = answer_text(change, "before"), *after = answer_text(change, "after");

	if (strcmp(kind, "added") == 0)
		printf("+ %s: %s\n", path, after);
	else if (strcmp(kind, "removed") == 0)
		printf("- %s: %s\n", path, before);
	else
		printf("~ %s: %s\n  %*s-> %s\n", path, before, (int)strlen(path), "", after);
}

static void print_changes(const json_t *result)
{
	json_t *list = json_object_get(result, "changes"), *one;
	uint64_t total = answer_number(result, "total");
	size_t i;

	json_array_foreach(list, i, one)
	{
		print_change(one);
	}
	if (total > json_array_size(list))
		printf("and %" PRIu64 " more changes\n", total - json_array_size(list));
}

static void tell_touched(const json_t *result)
{
	json_t *list = json_object_get(result, "interfaces"), *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	fputs("changes on interfaces:", stdout);
	json_array_foreach(list, i, one)
	{
		printf(" %s", json_string_value(one));
	}
	putchar('\n');
}

static void tell_plan(const json_t *result)
{
	json_t *restarts = json_object_get(result, "restarts");

	if (answer_truth(result, "is_unchanged")) {
		puts("the router has it already");
		return;
	}
	print_changes(result);
	fflush(stdout);
	say_each(result, "restarts", "needs a restart of millraced: ");
	if (json_array_size(restarts) > 0)
		return;
	tell_touched(result);
	puts("It can be applied. Live flows are judged by it at their next packet, and go on where "
	     "it\nlets them.");
}

int do_plan(const struct cli *cli)
{
	json_t *params;

	if (cli->n_words != 2)
		return cli_wrong_usage("plan takes one file", NULL);
	params = file_params(cli->words[1]);
	return params == NULL ? EXIT_FAILURE : ask(cli, "config.plan", params, tell_plan);
}

static void tell_apply(const json_t *result)
{
	uint64_t revision = answer_number(result, "revision");
	uint64_t confirm_sec = answer_number(result, "confirm_sec");
	char unit[UNIT_BYTES];

	if (answer_truth(result, "is_unchanged"))
		puts("the router has it already");
	else if (revision == 0)
		puts("in force");
	else
		printf("in force as revision %" PRIu64 "\n", revision);
	tell_unkept(result);
	if (confirm_sec > 0 && !answer_truth(result, "is_unchanged"))
		printf("'millrace confirm' within %s keeps it; otherwise the router goes back\n",
			unit_seconds(confirm_sec, unit));
}

int do_apply(const struct cli *cli)
{
	json_t *params;
	int rc;

	if (cli->n_words != 2)
		return cli_wrong_usage("apply takes one file", NULL);
	if (cli->confirm != NULL && read_number(cli->confirm) < 0)
		return cli_wrong_usage("no number of seconds:", cli->confirm);
	params = file_params(cli->words[1]);
	if (params == NULL)
		return EXIT_FAILURE;
	if (cli->confirm != NULL)
		json_object_set_new(params, "confirm", json_integer(read_number(cli->confirm)));
	rc = add_message(cli, params);
	if (rc != 0) {
		json_decref(params);
		return rc;
	}
	return ask(cli, "config.apply", params, tell_apply);
}

int do_rollback(const struct cli *cli)
{
	json_t *params;
	int rc;

	if (cli->n_words > 2)
		return cli_wrong_usage("rollback takes one revision", NULL);
	if (cli->n_words == 2 && read_number(cli->words[1]) < 0)
		return cli_wrong_usage("no revision:", cli->words[1]);
	params = json_object();
	if (cli->n_words == 2)
		json_object_set_new(params, "revision", json_integer(read_number(cli->words[1])));
	rc = add_message(cli, params);
	if (rc != 0) {
		json_decref(params);
		return rc;
	}
	return ask(cli, "config.rollback", params, tell_apply);
}

int do_confirm(const struct cli *cli)
{
	json_t *result;

	if (cli->n_words != 1)
		return cli_wrong_usage("confirm takes nothing", NULL);
	result = cli_ask(cli, "config.confirm", NULL);
	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json)
		cli_print_json(result);
	else
		printf("revision %" PRIu64 " stays\n", answer_number(result, "revision"));
	json_decref(result);
	return EXIT_SUCCESS;
}

// --- history ---

int do_diff(const struct cli *cli)
{
	json_t *params, *result;

	if (cli->n_words < 2 || cli->n_words > 3)
		return cli_wrong_usage("diff takes one revision or two", NULL);
	for (int i = 1; i < cli->n_words; i++)
		if (read_number(cli->words[i]) < 0)
			return cli_wrong_usage("no revision:", cli->words[i]);
	params = json_pack("{s:I}", "from", (json_int_t)read_number(cli->words[1]));
	if (cli->n_words == 3)
		json_object_set_new(params, "to", json_integer(read_number(cli->words[2])));
	result = cli_ask(cli, "config.diff", params);
	if (result == NULL)
		return EXIT_FAILURE;
	if (cli->is_json)
		cli_print_json(result);
	else
		print_changes(result);
	json_decref(result);
	return EXIT_SUCCESS;
}

static void add_who(struct table *table, const json_t *revision)
{
	const json_t *uid = json_object_get(revision, "uid");
	const struct passwd *user;

	if (!json_is_integer(uid)) {
		table_add(table, "%s", answer_text(revision, "program"));
		return;
	}
	user = getpwuid((uid_t)json_integer_value(uid));
	if (user != NULL)
		table_add(table, "%s", user->pw_name);
	else
		table_add(table, "uid %" PRIu64, answer_number(revision, "uid"));
}

static void add_revision(struct table *table, const json_t *revision)
{
	const char *state = answer_text(revision, "state");
	time_t at = (time_t)answer_number(revision, "at");
	char when[32] = "";
	struct tm local;

	if (localtime_r(&at, &local) != NULL)
		strftime(when, sizeof(when), "%F %T", &local);
	table_add(table, "%s", answer_truth(revision, "is_present") ? "*" : "");
	table_add(table, "%" PRIu64, answer_number(revision, "revision"));
	table_add(table, "%s", when);
	add_who(table, revision);
	table_add(table, "%s", strcmp(state, "good") == 0 ? "" : state);
	table_add(table, "%s", answer_text_or(revision, "message", answer_text(revision, "file")));
}

int do_history(const struct cli *cli)
{
	json_t *result;
	uint64_t left;

	if (cli->n_words != 1)
		return cli_wrong_usage("history takes nothing", NULL);
	result = cli_ask(cli, "config.history", NULL);
	if (result == NULL)
		return EXIT_FAILURE;
	left = answer_number(result, "confirm_sec");
	if (cli->is_json) {
		cli_print_json(result);
	} else {
		answer_table(result, "revisions", "|>REVISION|WHEN|WHO||WHY", add_revision, stdout);
		if (left > 0)
			printf("%" PRIu64 " s are left to confirm it\n", left);
	}
	json_decref(result);
	return EXIT_SUCCESS;
}
