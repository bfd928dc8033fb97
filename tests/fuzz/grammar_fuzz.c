// SPDX-License-Identifier: BSD-3-Clause
// Lines of a script for `millrace`: whatever is written, it is a call of some command, or an error
// in words; what is offered next begins as it was begun.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void offer(void *ctx, const char *word, const char *help)
{
	const char *begun = ctx;

	if (strncmp(word, begun, strlen(begun)) != 0 || help == NULL)
		abort();
}

static void live(void *ctx, enum grammar_type type)
{
	if (grammar_expected(type) == NULL)
		abort();
}

static void check_call(const char *const *list, int n)
{
	struct error err = {0};
	struct grammar_call call;

	if (grammar_parse(cli_commands, list, n, &call, &err) == 0) {
		if (call.command == NULL || call.n_bare < 1 || call.n_bare > n ||
			!json_is_object(call.params))
			abort();
		json_decref(call.params);
	} else if (err.text[0] == '\0' || call.params != NULL) {
		abort();
	}
}

static void check_completion(const char *const *list, int n)
{
	char begun[GRAMMAR_WORD_BYTES];
	struct grammar_offers to = {offer, live, begun};

	snprintf(begun, sizeof(begun), "%s", n > 0 ? list[n - 1] : "");
	grammar_complete(cli_commands, list, n > 0 ? n - 1 : 0, begun, &to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct line_words *words = line_words_new();
	char *line = strndup((const char *)bytes, n_bytes);
	const char *const *list;
	struct error err;
	int n;

	if (words == NULL || line == NULL)
		abort();
	if (line_words_split(words, line, &list, &n, &err) == 0) {
		check_call(list, n);
		check_completion(list, n);
	}
	free(line);
	line_words_free(words);
	return 0;
}
