// SPDX-License-Identifier: BSD-3-Clause
// Recorded machines (tests/unit/machines), unpacked into a directory for as long as a test wants to
// look at them. A tree file has a line for each file below the root: "path = text",
// "path -> link's target", or "path <<" and lines up to a "."; "path:" stands before the indented
// lines that follow. In a cmdline a blank stands for the NUL.
#pragma once

#include "control/doctor/machine.h"

// `machine->live` is as the caller wants it.
void machine_open(struct machine *machine, const char *name);
void machine_close(struct machine *machine);

// Replaces or adds a file of the machine that is open, and looks at its cards again.
void machine_set(struct machine *machine, const char *path, const char *text);
void machine_link(struct machine *machine, const char *path, const char *target);

void live_add_address(struct live *live, const char *netdev, const char *prefix, bool is_lasting);

// The finding of that id about that (NULL: anything), or NULL.
const struct finding *find(const struct findings *findings, const char *id, const char *about);
// What the doctor says of the machine has one of that id, with this verdict, and with `piece` in
// its text or fix; fails the test otherwise.
void expect_finding(const struct machine *machine, enum verdict verdict, const char *id,
	const char *about, const char *piece);
void expect_no_finding(const struct machine *machine, const char *id);
const struct card *card_of(const struct machine *machine, const char *name); // fails the test
