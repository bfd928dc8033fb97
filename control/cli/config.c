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

enum { CAUSES_TOLD = 10, FLOWS_TOLD = 10 };

// --- what is asked ---

// The daemon reads it, from where it is: its path from the root in place of the one that was said.
// NULL: it has said why not.
static json_t *file_params(const struct cli *cli)
{
	const char *path = cli_value(cli, "file");
	char *real = realpath(path, NULL);
	json_t *params = NULL;

	if (real == NULL) {
		fprintf(stderr, "millrace: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	params = json_deep_copy(cli->params);
	if (json_object_set_new(params, "file", json_string(real)) != 0) {
		fprintf(stderr, "millrace: its path is no UTF-8: %s\n", path);
		json_decref(params);
		params = NULL;
	}
	free(real);
	return params;
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

// Asks with the parameters, which it takes, and lets `tell` say what was done.
static int ask(const struct cli *cli, json_t *params, void (*tell)(const json_t *result))
{
	json_t *result = cli_ask_patiently(cli, cli->command->method, params);
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

static void print_change(const json_t *change, FILE *out)
{
	const char *kind = answer_text(change, "kind"), *path = answer_text(change, "path");
	const char *before = answer_text(change, "before"), *after = answer_text(change, "after");

	if (strcmp(kind, "added") == 0)
		fprintf(out, "+ %s: %s\n", path, after);
	else if (strcmp(kind, "removed") == 0)
		fprintf(out, "- %s: %s\n", path, before);
	else
		fprintf(out, "~ %s: %s\n  %*s-> %s\n", path, before, (int)strlen(path), "", after);
}

void print_changes(const json_t *result, FILE *out)
{
	json_t *list = json_object_get(result, "changes"), *one;
	uint64_t total = answer_number(result, "total");
	size_t i;

	json_array_foreach(list, i, one)
	{
		print_change(one, out);
	}
	if (total > json_array_size(list))
		fprintf(out, "and %" PRIu64 " more changes\n", total - json_array_size(list));
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

static void tell_exchanged(const json_t *result)
{
	json_t *list = json_object_get(result, "exchanged"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		printf("interface %s %s\n", answer_text(one, "name"), answer_text(one, "what"));
	}
}

static void print_cause(const json_t *cause)
{
	const json_t *rule = json_object_get(cause, "rule");
	const char *what = answer_text(cause, "what"), *list = answer_text(cause, "list");

	printf("%8" PRIu64 " ", answer_number(cause, "flows"));
	if (strcmp(what, "rule") == 0)
		printf("by %s, %s:%" PRIu64 ": %s\n", list, answer_text(rule, "file"),
			answer_number(rule, "line"), answer_text(rule, "rule"));
	else if (strcmp(what, "default") == 0)
		printf("by %s: no rule lets them\n", list);
	else if (strcmp(what, "interface") == 0)
		puts("with their interface");
	else if (strcmp(what, "anew") == 0)
		puts("translated otherwise: the next packet begins another, if it may");
	else
		printf("by %s\n", answer_text(cause, "reason"));
}

static void tell_causes(const json_t *result)
{
	json_t *list = json_object_get(result, "causes"), *one;
	uint64_t more = answer_number(result, "more_causes");
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (i == CAUSES_TOLD)
			break;
		print_cause(one);
	}
	for (; i < json_array_size(list); i++)
		more += answer_number(json_array_get(list, i), "flows");
	if (more > 0)
		printf("%8" PRIu64 " by others\n", more);
}

static void tell_examples(const json_t *result)
{
	json_t *list = json_object_get(result, "cut"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (i == FLOWS_TOLD)
			break;
		printf("  %s %s:%" PRIu64 " -> %s:%" PRIu64 "\n", answer_text(one, "protocol"),
			answer_text(one, "src"), answer_number(one, "sport"),
			answer_text(one, "dst"), answer_number(one, "dport"));
	}
}

static void tell_cores(const json_t *result)
{
	json_t *list = json_object_get(result, "cores"), *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("the workers go on on core%s", json_array_size(list) == 1 ? "" : "s");
	json_array_foreach(list, i, one)
	{
		printf("%s %" JSON_INTEGER_FORMAT, i > 0 ? "," : "", json_integer_value(one));
	}
	putchar('\n');
}

// What of the flows that live ends with it, and by what.
static void tell_flows(const json_t *result)
{
	uint64_t n = answer_number(result, "cut_total"), judged = answer_number(result, "judged");
	bool is_all = answer_truth(result, "cut_is_all");

	printf("%" PRIu64 " of %s%" PRIu64 " live flow%s end%s with it%s\n", n,
		is_all ? "" : "the first ", judged, judged == 1 ? "" : "s", n == 1 ? "s" : "",
		n > 0 ? ":" : ".");
	tell_causes(result);
	tell_examples(result);
	if (answer_truth(result, "routes_change"))
		puts("Routes and addresses that change with it are not foreseen in that.");
}

static void tell_plan(const json_t *result)
{
	json_t *restarts = json_object_get(result, "restarts");

	if (answer_truth(result, "is_unchanged")) {
		puts("the router has it already");
		return;
	}
	print_changes(result, stdout);
	fflush(stdout);
	say_each(result, "restarts", "needs a restart of millraced: ");
	if (json_array_size(restarts) > 0)
		return;
	tell_touched(result);
	tell_exchanged(result);
	tell_cores(result);
	tell_flows(result);
	puts("It can be applied.");
}

int do_plan(const struct cli *cli)
{
	json_t *params = file_params(cli);

	return params == NULL ? EXIT_FAILURE : ask(cli, params, tell_plan);
}

static void tell_apply(const json_t *result)
{
	uint64_t revision = answer_number(result, "revision");
	uint64_t confirm_sec = answer_number(result, "confirm_sec");
	const char *when = answer_text(result, "confirm_when");
	char unit[UNIT_BYTES];

	if (answer_truth(result, "is_unchanged"))
		puts("the router has it already");
	else if (revision == 0)
		puts("in force");
	else
		printf("in force as revision %" PRIu64 "\n", revision);
	tell_unkept(result);
	if (confirm_sec > 0 && !answer_truth(result, "is_unchanged") && when[0] != '\0')
		printf("it stays when %s pass within %s, or by 'millrace confirm'\n", when,
			unit_seconds(confirm_sec, unit));
	else if (confirm_sec > 0 && !answer_truth(result, "is_unchanged"))
		printf("'millrace confirm' within %s keeps it; otherwise the router goes back\n",
			unit_seconds(confirm_sec, unit));
}

int do_apply(const struct cli *cli)
{
	json_t *params = file_params(cli);

	return params == NULL ? EXIT_FAILURE : ask(cli, params, tell_apply);
}

int do_rollback(const struct cli *cli)
{
	return ask(cli, json_deep_copy(cli->params), tell_apply);
}

// Its answer is long in coming where configs are large.
int do_config_show(const struct cli *cli)
{
	json_t *result = cli_ask_patiently(cli, cli->command->method, json_deep_copy(cli->params));

	return result == NULL ? EXIT_FAILURE : cli_show(cli, result);
}

void print_confirmed(const json_t *result, FILE *out)
{
	fprintf(out, "revision %" PRIu64 " stays\n", answer_number(result, "revision"));
}

// --- history ---

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

void print_history(const json_t *result, FILE *out)
{
	uint64_t left = answer_number(result, "confirm_sec");

	answer_table(result, "revisions", "|>REVISION|WHEN|WHO||WHY", add_revision, out);
	if (left > 0)
		fprintf(out, "%" PRIu64 " s are left to confirm it\n", left);
}
