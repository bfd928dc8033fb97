// SPDX-License-Identifier: BSD-3-Clause
// `millrace watch`: a view drawn again every second, as top does, until q or Ctrl-C. Where stdout
// is no terminal, one after the other.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/rates.h"
#include "control/cli/style.h"

enum { INTERVAL_MS = 1000 };

struct watch {
	const struct cli *cli;
	struct grammar_call view;
	bool is_screen; // a terminal's, of which all is ours
	struct termios before;
	sigset_t signals_before;
	int signals;
	json_t *last;
	uint64_t last_ms;
};

// --- the screen ---

static bool take_screen(struct watch *watch)
{
	struct termios mode;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGWINCH);
	sigprocmask(SIG_BLOCK, &signals, &watch->signals_before);
	watch->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (watch->signals < 0)
		return false;
	watch->is_screen = isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &watch->before) == 0;
	if (!watch->is_screen)
		return true;
	mode = watch->before;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	fputs("\033[?1049h\033[?25l", stdout); // the other screen, no cursor
	return true;
}

static void give_screen_back(struct watch *watch)
{
	if (watch->is_screen) {
		fputs("\033[?25h\033[?1049l", stdout);
		fflush(stdout);
		tcsetattr(STDIN_FILENO, TCSANOW, &watch->before);
	}
	if (watch->signals >= 0)
		close(watch->signals);
	sigprocmask(SIG_SETMASK, &watch->signals_before, NULL);
}

// As many lines as there is room for, each to the end of the screen's.
static void draw(const struct watch *watch, const char *title, char *text)
{
	int left = style_terminal_lines() - 2;
	char *line, *rest;

	if (!watch->is_screen) {
		printf("%s\n%s\n", title, text);
		return;
	}
	printf("\033[H%.*s\033[K\n", style_get()->width, title);
	for (line = strtok_r(text, "\n", &rest); line != NULL && left > 0;
		line = strtok_r(NULL, "\n", &rest), left--)
		printf("%s\033[K%s", line, left > 1 ? "\n" : "");
	fputs("\033[J", stdout);
}

// --- what is on it ---

static void write_title(const struct watch *watch, bool has_rates, char *out, size_t out_bytes)
{
	time_t now = time(NULL);
	struct tm day;
	char clock[16];

	localtime_r(&now, &day);
	strftime(clock, sizeof(clock), "%H:%M:%S", &day);
	snprintf(out, out_bytes, "%s  %s  %s", clock, watch->view.command->words,
		has_rates ? "counters per second; q ends" : "counters per second: a moment");
}

// Whether it could; what went wrong is said.
static bool show(struct watch *watch)
{
	struct error err;
	json_t *now = client_call(watch->cli->socket, watch->view.command->method,
		json_deep_copy(watch->view.params), &err);
	uint64_t now_ms = clock_now_ms();
	char *text = NULL, title[128];
	size_t bytes = 0;
	json_t *rates;
	FILE *out;

	if (now == NULL) {
		give_screen_back(watch);
		watch->is_screen = false;
		watch->signals = -1;
		fprintf(stderr, "millrace: %s\n", err.text);
		return false;
	}
	rates = json_deep_copy(now);
	rates_of(rates, watch->last, (double)(now_ms - watch->last_ms) / 1000);
	rates_sort_counters(rates);
	write_title(watch, watch->last != NULL, title, sizeof(title));
	out = open_memstream(&text, &bytes);
	if (out != NULL) {
		watch->view.command->print(rates, out);
		fclose(out);
		draw(watch, title, text);
	}
	free(text);
	json_decref(rates);
	json_decref(watch->last);
	watch->last = now;
	watch->last_ms = now_ms;
	return fflush(stdout) == 0;
}

// Whether to go on: false for q and for signals that end.
static bool wait_a_second(struct watch *watch)
{
	uint64_t end_ms = watch->last_ms + INTERVAL_MS, now_ms;

	while ((now_ms = clock_now_ms()) < end_ms) {
		struct pollfd polled[] = {{.fd = watch->signals, .events = POLLIN},
			{.fd = watch->is_screen ? STDIN_FILENO : -1, .events = POLLIN}};
		struct signalfd_siginfo info;
		char key;

		if (poll(polled, 2, (int)(end_ms - now_ms)) <= 0)
			continue;
		if ((polled[0].revents & POLLIN) != 0 &&
			read(watch->signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGWINCH)
				return false;
			style_of_terminal();
			fputs("\033[2J", stdout);
			return true;
		}
		if (polled[1].revents != 0 &&
			(read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
			return false;
	}
	return true;
}

int do_watch(const struct cli *cli)
{
	struct watch watch = {.cli = cli, .signals = -1};
	const char *words[GRAMMAR_WORDS_MAX + 1] = {"show"};
	struct error err;
	int n = 1, rc = EXIT_FAILURE;

	for (int i = 1; i < cli->n_words; i++)
		words[n++] = cli->words[i];
	if (grammar_parse(cli_commands, words, n, &watch.view, &err) != 0) {
		fprintf(stderr, "millrace: %s\n", err.text);
		return CLI_EXIT_USAGE;
	}
	if (take_screen(&watch)) {
		rc = EXIT_SUCCESS;
		do
			if (!show(&watch))
				rc = EXIT_FAILURE;
		while (rc == EXIT_SUCCESS && wait_a_second(&watch));
		if (watch.signals >= 0)
			give_screen_back(&watch);
	}
	json_decref(watch.last);
	json_decref(watch.view.params);
	return rc;
}
