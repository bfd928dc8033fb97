// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/check.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/doubt.h"
#include "control/config_file.h"

// JSON is UTF-8. A path need not be, nor what was cut in the middle of a character.
static json_t *text_of(const char *text)
{
	json_t *value = json_string(text);
	char *plain = value == NULL ? strdup(text) : NULL;

	for (char *at = plain; at != NULL && *at != '\0'; at++) {
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	}
	if (plain != NULL)
		value = json_string(plain);
	free(plain);
	return value;
}

static void add_message(json_t *list, const char *severity, const struct error *err)
{
	bool has_place = err->line > 0;
	json_t *message = json_object();

	json_object_set_new(message, "severity", json_string(severity));
	json_object_set_new(message, "id", err->id != NULL ? json_string(err->id) : json_null());
	json_object_set_new(message, "file", text_of(err->file));
	json_object_set_new(message, "line", has_place ? json_integer(err->line) : json_null());
	json_object_set_new(message, "column", has_place ? json_integer(err->column) : json_null());
	json_object_set_new(message, "message", text_of(err->text));
	json_object_set_new(message, "fix", err->fix[0] != '\0' ? text_of(err->fix) : json_null());
	json_array_append_new(list, message);
}

static void add_messages(json_t *list, const char *severity, const char *path,
	const struct error *messages, unsigned n, unsigned n_more)
{
	struct error more = {.file = path};

	for (unsigned i = 0; i < n; i++)
		add_message(list, severity, &messages[i]);
	if (n_more == 0)
		return;
	error_set(&more, "%u more", n_more);
	more.file = path;
	add_message(list, severity, &more);
}

static void print_json(const char *path, const struct cfg_errors *errors, bool is_all)
{
	json_t *list = json_array();

	add_messages(list, "error", path, errors->list, errors->n, errors->n_more);
	add_messages(list, "warning", path, errors->warnings, errors->n_warnings,
		errors->n_more_warnings);
	if (is_all)
		add_messages(list, "accepted", path, errors->accepted, errors->n_accepted,
			errors->n_more_accepted);
	cli_print_json(list);
	json_decref(list);
}

// Those that are meant: how many, or each.
static void say_accepted(const char *path, const struct cfg_errors *errors, bool is_all)
{
	unsigned n = errors->n_accepted + errors->n_more_accepted;
	char text[ERROR_STR_BYTES];

	for (unsigned i = 0; is_all && i < errors->n_accepted; i++)
		fprintf(stderr, "accepted: %s\n",
			error_str(&errors->accepted[i], text, sizeof(text)));
	if (is_all && errors->n_more_accepted > 0)
		fprintf(stderr, "%s: %u more are accepted\n", path, errors->n_more_accepted);
	if (!is_all && n > 0)
		fprintf(stderr, "%s: %u warning%s accepted; --all shows %s\n", path, n,
			n == 1 ? " is" : "s are", n == 1 ? "it" : "them");
}

int do_check(const struct cli *cli)
{
	const char *path = cli_value(cli, "file");
	bool is_strict = json_is_true(json_object_get(cli->params, "strict"));
	bool is_all = json_is_true(json_object_get(cli->params, "all"));
	struct cfg_errors errors = {0};
	struct config *config = config_load(path, &errors);
	bool is_good = config != NULL && !(is_strict && errors.n_warnings > 0);

	if (cli->is_json) {
		print_json(path, &errors, is_all);
	} else {
		config_file_say(path, &errors);
		say_accepted(path, &errors, is_all);
	}
	cfg_errors_free(&errors);
	config_free(config);
	return is_good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// --- what there is to doubt ---

enum { COLUMNS = 80, INDENT = 4 };

static void print_wrapped(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column == 0 || column + 1 + len > COLUMNS) {
			printf("%s%*s", column == 0 ? "" : "\n", INDENT, "");
			column = INDENT;
		} else {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)len, text);
		column += len;
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

int do_check_list(const struct cli *cli)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DOUBT_COUNT; i++) {
		const struct doubt_kind *kind = &doubt_kinds[i];
		char fix[256];

		if (cli->is_json) {
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s}", "id", kind->id, "message",
					      kind->why, "fix", kind->fix));
			continue;
		}
		puts(kind->id);
		print_wrapped(kind->why);
		snprintf(fix, sizeof(fix), "Fix: %s.", kind->fix);
		print_wrapped(fix);
	}
	if (cli->is_json)
		cli_print_json(list);
	json_decref(list);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
