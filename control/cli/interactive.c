// SPDX-License-Identifier: BSD-3-Clause
// Commands one after the other at a terminal, with what libedit gives: history, completion by tab,
// and help by a question mark.
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/cli/line.h"
#include "control/cli/offers.h"

enum { HISTORY_LINES = 1000 };

struct terminal {
	const struct cli *cli;
	EditLine *edit;
	History *history;
	struct line_words *words;
	char history_file[256];
	char begun[GRAMMAR_WORD_BYTES];
};

static char *prompt(EditLine *edit)
{
	static char text[] = "millrace> ";

	return text;
}

// What may come at the cursor; terminal->begun is what stands there already. NULL: nothing.
static struct offers *offers_at_cursor(struct terminal *terminal)
{
	const LineInfo *line = el_line(terminal->edit);
	size_t len = (size_t)(line->cursor - line->buffer);
	const char *const *words;
	struct offers *offers = NULL;
	bool begins = len == 0 || line->buffer[len - 1] == ' ';
	char *text = strndup(line->buffer, len);
	struct error err;
	int n;

	terminal->begun[0] = '\0';
	if (text != NULL && line_words_split(terminal->words, text, &words, &n, &err) == 0) {
		if (!begins && n > 0 && strlen(words[n - 1]) < sizeof(terminal->begun))
			strcpy(terminal->begun, words[--n]);
		offers = offers_collect(terminal->cli, words, n, terminal->begun);
	}
	free(text);
	return offers;
}

static void print_offers(const struct offers *offers)
{
	putchar('\n');
	for (unsigned i = 0; i < offers->n; i++)
		printf("  %-18s %s\n", offers->list[i].word, offers->list[i].help);
	fflush(stdout);
}

// How much of their beginning all of them have in common.
static size_t common_bytes(const struct offers *offers)
{
	size_t n = strlen(offers->list[0].word);

	for (unsigned i = 1; i < offers->n; i++)
		while (strncmp(offers->list[0].word, offers->list[i].word, n) != 0)
			n--;
	return n;
}

static unsigned char on_tab(EditLine *edit, int key)
{
	struct terminal *terminal;
	struct offers *offers;
	unsigned char rc = CC_ERROR;
	char text[GRAMMAR_WORD_BYTES + 2];
	size_t begun;

	el_get(edit, EL_CLIENTDATA, &terminal);
	offers = offers_at_cursor(terminal);
	if (offers != NULL && offers->n > 0) {
		begun = strlen(terminal->begun);
		snprintf(text, sizeof(text), "%.*s%s", (int)(common_bytes(offers) - begun),
			offers->list[0].word + begun, offers->n == 1 ? " " : "");
		if (text[0] != '\0') {
			rc = el_insertstr(edit, text) == 0 ? CC_REFRESH : CC_ERROR;
		} else {
			print_offers(offers);
			rc = CC_REDISPLAY;
		}
	}
	free(offers);
	return rc;
}

static unsigned char on_question(EditLine *edit, int key)
{
	struct terminal *terminal;
	struct offers *offers;

	el_get(edit, EL_CLIENTDATA, &terminal);
	offers = offers_at_cursor(terminal);
	if (offers == NULL || offers->n == 0) {
		free(offers);
		return CC_ERROR;
	}
	print_offers(offers);
	free(offers);
	return CC_REDISPLAY;
}

static void load_history(struct terminal *terminal)
{
	const char *home = getenv("HOME");
	HistEvent event;

	history(terminal->history, &event, H_SETSIZE, HISTORY_LINES);
	history(terminal->history, &event, H_SETUNIQUE, 1);
	if (home == NULL)
		return;
	snprintf(terminal->history_file, sizeof(terminal->history_file), "%s/.millrace_history",
		home);
	history(terminal->history, &event, H_LOAD, terminal->history_file);
}

static void save_history(const struct terminal *terminal)
{
	mode_t old = umask(0077);
	HistEvent event;

	if (terminal->history_file[0] != '\0')
		history(terminal->history, &event, H_SAVE, terminal->history_file);
	umask(old);
}

static bool open_terminal(struct terminal *terminal)
{
	terminal->words = line_words_new();
	terminal->history = history_init();
	terminal->edit = el_init("millrace", stdin, stdout, stderr);
	if (terminal->words == NULL || terminal->history == NULL || terminal->edit == NULL)
		return false;
	load_history(terminal);
	el_set(terminal->edit, EL_CLIENTDATA, terminal);
	el_set(terminal->edit, EL_PROMPT, prompt);
	el_set(terminal->edit, EL_SIGNAL, 1);
	el_set(terminal->edit, EL_EDITOR, "emacs");
	el_set(terminal->edit, EL_HIST, history, terminal->history);
	el_set(terminal->edit, EL_ADDFN, "millrace-complete", "what may come next", on_tab);
	el_set(terminal->edit, EL_ADDFN, "millrace-help", "help", on_question);
	el_set(terminal->edit, EL_BIND, "^I", "millrace-complete", NULL);
	el_set(terminal->edit, EL_BIND, "?", "millrace-help", NULL);
	el_set(terminal->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	return true;
}

static bool is_end(const char *line)
{
	return strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0;
}

int cli_run_interactive(const struct cli *defaults)
{
	struct cli cli = *defaults;
	struct terminal terminal = {.cli = &cli};
	const char *line;
	HistEvent event;
	int n, rc = EXIT_FAILURE;

	cli.is_interactive = true;
	if (open_terminal(&terminal)) {
		rc = EXIT_SUCCESS;
		while ((line = el_gets(terminal.edit, &n)) != NULL && n > 0) {
			char *own = strndup(line, strcspn(line, "\n"));

			if (own == NULL || is_end(own)) {
				free(own);
				break;
			}
			if (own[strspn(own, " ")] != '\0')
				history(terminal.history, &event, H_ENTER, own);
			line_run(&cli, terminal.words, own);
			free(own);
		}
		if (line == NULL)
			putchar('\n');
		save_history(&terminal);
	}
	if (terminal.edit != NULL)
		el_end(terminal.edit);
	if (terminal.history != NULL)
		history_end(terminal.history);
	line_words_free(terminal.words);
	return rc;
}
