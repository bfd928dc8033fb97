// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/style.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80, USUAL_LINES = 24 };

static struct style style;

void style_of_terminal(void)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	style = (struct style){0};
	if (!isatty(STDOUT_FILENO))
		return;
	style.width = USUAL_WIDTH;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		style.width = size.ws_col;
	// no-color.org: "when present and not an empty string (regardless of its value)"
	style.is_coloured = (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
			    strcmp(term, "dumb") != 0;
}

const struct style *style_get(void)
{
	return &style;
}

int style_terminal_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		return size.ws_row;
	return USUAL_LINES;
}
