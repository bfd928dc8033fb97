// SPDX-License-Identifier: BSD-3-Clause
// millrace capture: packets of the running router to a file or a pipe, as pcapng.
#pragma once

#include <stdio.h>

#include "control/cli/cli.h"

int do_capture(const struct cli *cli);
// What the method begins, which takes `last_sec`, to where the command's word `to` says.
int capture_fetch(const struct cli *cli, const char *method);

// A filter as tcpdump takes it, into capture.start's parameters. 0, or the exit code of a wrong
// usage.
int capture_compile(json_t *params, const char *text);
// What capture.read gave, in base64, as bytes. 0, or -1 and has said why.
int capture_write(FILE *out, const char *text);
