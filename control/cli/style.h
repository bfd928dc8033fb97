// SPDX-License-Identifier: BSD-3-Clause
// How wide and how coloured what is printed may be. Set once, by who knows where it goes.
#pragma once

#include <stdbool.h>

struct style {
	int width; // columns; 0: as many as it takes
	bool is_coloured;
};

// As the terminal on stdout has it; plain where there is none. NO_COLOR switches colours off.
void style_of_terminal(void);
const struct style *style_get(void);
int style_terminal_lines(void); // of the terminal on stdout
