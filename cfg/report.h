// SPDX-License-Identifier: BSD-3-Clause
// Collects what is wrong with one file, and what is doubtful: each in file order whatever the order
// it was found in, the first CFG_ERRORS_MAX kept, the others counted. Control thread.
#pragma once

#include <stdbool.h>

#include "cfg/config.h"
#include "cfg/doubt.h"

struct accept;

struct report {
	const char *file;  // borrowed
	char **more_files; // that it includes, from number 1 on
	unsigned n_files;  // with itself
	struct error *list;
	unsigned n;
	unsigned n_more;
	struct error *warnings; // NULL until there is one
	unsigned n_warnings;
	unsigned n_more_warnings;
	struct error *accepted; // the same, of those that `accept` takes
	unsigned n_accepted;
	unsigned n_more_accepted;
	struct accept *accept; // of cfg/accept.h; NULL: nothing is accepted
};

int report_init(struct report *report, const char *file); // 0 or -ENOMEM

// One more file that is read: its number in places. Without memory 0, and that is reported.
unsigned report_add_file(struct report *report, const char *path);
const char *report_file(const struct report *report, unsigned number);

// Line 0 means the file as a whole.
void report_add(struct report *report, struct cfg_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// What is taken all the same. Returns the warning, good until the next one, or NULL: it is one too
// many. Its fix is the usual one.
struct error *report_warn(struct report *report, struct cfg_place place, enum doubt doubt,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
// Says more exactly what to do about it; `warning` may be NULL.
void report_fix(struct error *warning, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool report_is_clean(const struct report *report); // of errors

// Hands the lists over to `errors`; warnings only where there are no errors. A report whose init
// failed becomes one error that says so.
void report_finish(struct report *report, struct cfg_errors *errors);

// "line 12", or "line 12 of rules.yaml" where a message at `here` would be of another file. Writes
// at most REPORT_LINE_BYTES to `out` and returns it.
enum { REPORT_LINE_BYTES = 128 };
const char *report_line(
	const struct report *report, struct cfg_place here, struct cfg_place there, char *out);

// What an operator wrote, fit to be shown on a terminal: cut short and without control
// characters. Writes at most REPORT_SHOWN_BYTES to `out` and returns it.
enum { REPORT_SHOWN_BYTES = 64 };
const char *report_shown(const char *text, char *out);
