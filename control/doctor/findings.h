// SPDX-License-Identifier: BSD-3-Clause
// What the doctor has to say about a machine: a verdict, a sentence, and what puts it right. Owned
// by whoever holds the list; no allocation. Control thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum verdict {
	VERDICT_PROBLEM = 0, // the router does not run as it is
	VERDICT_WARNING,     // it runs, but something hurts or will
	VERDICT_UNSEEN,	     // what could not be looked at, and why
	VERDICT_FINE,
};

enum { FINDINGS_MAX = 256, FINDING_FIX_BYTES = 512 };

struct finding {
	enum verdict verdict;
	const char *id; // for programs: constant, "hugepages-none"
	char about[24]; // "memory", "enp1s0"
	char text[640];
	char fix[FINDING_FIX_BYTES]; // commands, a line each; "" when there is nothing to do
};

struct findings {
	struct finding list[FINDINGS_MAX];
	unsigned n;
	unsigned n_more; // there was no room for
};

// Adds one, and returns it for finding_fix; NULL when there is no room.
struct finding *finding_add(struct findings *findings, enum verdict verdict, const char *id,
	const char *about, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// A command, or several, each on its line. NULL is fine.
void finding_fix(struct finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

unsigned findings_count(const struct findings *findings, enum verdict verdict);
// What is worst comes first; otherwise in the order they were found in.
void findings_sort(struct findings *findings);

// For people, at most `width` columns wide but for the commands, which stay in one piece to be
// copied.
void findings_print(const struct findings *findings, unsigned width, bool is_coloured, FILE *out);
json_t *findings_json(const struct findings *findings); // a new reference
