// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/man.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/cli.h"
#include "control/options.h"

void man_write_text(FILE *out, const char *text)
{
	enum { LINE_BYTES = 40 };
	bool begins = true;
	int column = 0;

	for (; *text != '\0'; text++, column++) {
		// what a line of roff's own begins with
		if (begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		begins = *text == ' ' && column > LINE_BYTES;
		if (begins) {
			fputc('\n', out);
			column = 0;
		} else if (*text == '\\') {
			fputs("\\e", out);
		} else if (*text == '-') {
			fputs("\\-", out);
		} else if (*text == '"') {
			fputs("\\(dq", out);
		} else {
			fputc(*text, out);
		}
	}
}

// The day that it is built, or that SOURCE_DATE_EPOCH says, for builds that can be repeated.
static void write_date(FILE *out)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t now = epoch == NULL ? time(NULL) : (time_t)strtoll(epoch, NULL, 10);
	struct tm day;
	char month[32];

	gmtime_r(&now, &day);
	strftime(month, sizeof(month), "%B", &day);
	fprintf(out, ".Dd %s %d, %d\n", month, day.tm_mday, day.tm_year + 1900);
}

void man_write_head(FILE *out, const char *name, const char *section, const char *about)
{
	fputs(".\\\" SPDX-License-Identifier: BSD-3-Clause\n", out);
	write_date(out);
	fprintf(out, ".Dt ");
	for (const char *c = name; *c != '\0'; c++)
		fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
	fprintf(out, " %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, name, about);
}

// --- millrace(1) ---

static void write_args(FILE *out, const struct grammar_command *command)
{
	if (command->args == NULL)
		return;
	fputs(".Bl -tag -width Ds\n", out);
	for (const struct grammar_arg *arg = command->args; arg->help != NULL; arg++) {
		fputs(".It", out);
		if (arg->keyword != NULL)
			fprintf(out, " Cm %s", arg->keyword);
		if (arg->type != GRAMMAR_FLAG) {
			fputs(" Ar ", out);
			man_write_text(out, grammar_placeholder(arg));
		}
		fputc('\n', out);
		man_write_text(out, arg->help);
		if (arg->choices == NULL && arg->type != GRAMMAR_FLAG) {
			fputs(":\n", out);
			man_write_text(out, grammar_expected(arg->type));
		}
		fputs(".\n", out);
	}
	fputs(".El\n", out);
}

static void write_command(FILE *out, const struct grammar_command *command)
{
	fprintf(out, ".It Cm %s", command->words);
	for (const struct grammar_arg *arg = command->args; arg != NULL && arg->help != NULL;
		arg++) {
		bool is_optional = arg->keyword != NULL || arg->is_optional;

		fputs(is_optional ? " Oo" : "", out);
		if (arg->keyword != NULL)
			fprintf(out, " Cm %s", arg->keyword);
		if (arg->type != GRAMMAR_FLAG) {
			fputs(" Ar ", out);
			man_write_text(out, grammar_placeholder(arg));
		}
		fputs(is_optional ? " Oc" : "", out);
	}
	fputc('\n', out);
	man_write_text(out, command->help);
	fputs(".\n", out);
	write_args(out, command);
}

static void write_millrace(FILE *out)
{
	man_write_head(out, "millrace", "1", "ask and tell the router millraced");
	fputs(".Sh SYNOPSIS\n"
	      ".Nm\n.Op Fl s Ar SOCKET\n.Op Fl j\n.Ar COMMAND ...\n"
	      ".Nm\n.Op Fl s Ar SOCKET\n"
	      ".Sh DESCRIPTION\n"
	      ".Nm\ntells what a running router does, and tells it what to do.\n"
	      "Without a command it asks for commands at a terminal, with history,\n"
	      "completion by tab and help by a question mark; from what is no terminal it\n"
	      "reads one command a line, and stops at the first that fails.\n"
	      ".Pp\n"
	      "Root and the group\n.Sy millrace\\-admin\nmay do everything, the group\n"
	      ".Sy millrace\nmay look.\n"
	      ".Bl -tag -width Ds\n"
	      ".It Fl s , Fl \\-socket Ar PATH\nthe daemon's socket\n"
	      ".It Fl j , Fl \\-json\nthe answer for programs, as the daemon gives it\n"
	      ".It Fl n , Fl \\-limit Ar N\nthe same as\n.Cm limit Ar N\n"
	      ".It Fl h , Fl \\-help\nhelp, of a command where one stands beside it\n"
	      ".It Fl V , Fl \\-version\nthe version of this command\n"
	      ".El\n.Pp\n"
	      "What follows a command by keyword may stand in any order, each once, and may be\n"
	      "written as an option:\n.Cm limit 5\nis\n.Fl \\-limit Ar 5 .\n"
	      ".Sh COMMANDS\n.Bl -tag -width Ds\n",
		out);
	for (const struct grammar_command *command = cli_commands; command->words != NULL;
		command++)
		write_command(out, command);
	fputs(".El\n"
	      ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
	      ".It Ev NO_COLOR\nno colours, if it is there and not empty\n.El\n"
	      ".Sh FILES\n.Bl -tag -width Ds\n.It Pa " OPTIONS_SOCKET_DEFAULT "\nthe socket\n"
	      ".It Pa ~/.millrace_history\nwhat was entered at a terminal\n.El\n"
	      ".Sh EXIT STATUS\n0 when it worked, 1 when it did not, 2 when it was asked wrongly.\n"
	      ".Sh EXAMPLES\n.Dl millrace show flows limit 5\n"
	      ".Dl millrace ban 198.51.100.7 for 1d\n"
	      ".Dl . <(millrace completion bash)\n"
	      ".Sh SEE ALSO\n.Xr millrace.yaml 5 ,\n.Xr millraced 8\n",
		out);
}

// --- millraced(8) ---

static void write_millraced(FILE *out)
{
	const char *at = options_help();

	man_write_head(out, "millraced", "8", "a router in user space");
	fputs(".Sh SYNOPSIS\n.Nm\n.Fl c Ar FILE\n.Op Ar OPTIONS\n"
	      ".Sh DESCRIPTION\n.Nm\ntakes network cards and forwards, translates and filters "
	      "what\n"
	      "comes in on them, as a file says.\n"
	      "It needs root, or CAP_NET_ADMIN and CAP_NET_RAW and, for AF_XDP, what the\n"
	      "kernel asks for BPF.\n.Bd -literal\n",
		out);
	// as it stands: nothing of it but its dashes and backslashes is roff's
	for (; *at != '\0'; at++)
		fputs(*at == '\\' ? "\\e" : *at == '-' ? "\\-" : (char[]){*at, '\0'}, out);
	fputs(".Ed\n.Sh EXIT STATUS\n0 after a signal ended it, 1 when it could not start, 2 when "
	      "it\n"
	      "was called wrongly.\n.Sh SEE ALSO\n.Xr millrace 1 ,\n.Xr millrace.yaml 5\n",
		out);
}

int do_man(const struct cli *cli)
{
	const char *page = cli_value(cli, "page");

	if (strcmp(page, "millrace") == 0)
		write_millrace(stdout);
	else if (strcmp(page, "millraced") == 0)
		write_millraced(stdout);
	else
		man_write_config(stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
