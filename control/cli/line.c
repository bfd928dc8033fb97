// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/line.h"

#include <histedit.h>
#include <stdlib.h>
#include <string.h>

struct line_words {
	Tokenizer *tokenizer;
};

struct line_words *line_words_new(void)
{
	struct line_words *words = calloc(1, sizeof(*words));

	if (words == NULL)
		return NULL;
	words->tokenizer = tok_init(NULL);
	if (words->tokenizer != NULL)
		return words;
	free(words);
	return NULL;
}

void line_words_free(struct line_words *words)
{
	if (words == NULL)
		return;
	tok_end(words->tokenizer);
	free(words);
}

int line_words_split(struct line_words *words, const char *line, const char *const **out,
	int *n_words, struct error *err)
{
	const char **list = NULL;
	int rc;

	*n_words = 0;
	tok_reset(words->tokenizer);
	rc = tok_str(words->tokenizer, line, n_words, &list);
	if (rc != 0)
		return error_set(err, "%s", rc < 0 ? "no memory" : "a quote does not end");
	for (int i = 0; i < *n_words; i++)
		if (list[i][0] == '#')
			*n_words = i;
	if (*n_words > GRAMMAR_WORDS_MAX)
		return error_set(err, "a line has %d words at most", GRAMMAR_WORDS_MAX);
	*out = list;
	return 0;
}

int line_run(const struct cli *cli, struct line_words *words, const char *line)
{
	char *all[GRAMMAR_WORDS_MAX + 1], name[] = "millrace";
	const char *const *list;
	struct error err;
	int n, rc;

	if (line_words_split(words, line, &list, &n, &err) != 0) {
		fprintf(stderr, "millrace: %s\n", err.text);
		return CLI_EXIT_USAGE;
	}
	if (n == 0)
		return EXIT_SUCCESS;
	all[0] = name;
	// its own copies: what runs may split another line
	for (int i = 0; i < n; i++)
		all[i + 1] = strdup(list[i]);
	rc = cli_run(cli, all, n + 1);
	for (int i = 0; i < n; i++)
		free(all[i + 1]);
	return rc;
}

int cli_run_script(const struct cli *defaults)
{
	struct line_words *words = line_words_new();
	struct cli cli = *defaults;
	int rc = words == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
	unsigned number = 0;
	size_t room = 0;
	char *line = NULL;

	cli.is_interactive = true; // no script in a script
	while (rc == EXIT_SUCCESS && getline(&line, &room, stdin) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		rc = line_run(&cli, words, line);
	}
	if (rc != EXIT_SUCCESS)
		fprintf(stderr, "millrace: stopped at line %u\n", number);
	free(line);
	line_words_free(words);
	return rc;
}
