// SPDX-License-Identifier: BSD-3-Clause
// Pages of the manual in mdoc, made from the tables that the programs themselves go by.
#pragma once

#include <stdio.h>

// Text that roff takes for nothing but text, in lines of a fair length, without the last one's end.
void man_write_text(FILE *out, const char *text);
// Up to NAME's one line: `section` is "1", `about` what stands behind the dash.
void man_write_head(FILE *out, const char *name, const char *section, const char *about);

void man_write_config(FILE *out); // millrace.yaml(5): man_config.c
