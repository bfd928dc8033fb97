// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/accept.h"

// What is left to say when there is no memory to say it in.
static struct error out_of_memory = {.text = "not enough memory to read the configuration"};

int report_init(struct report *report, const char *file)
{
	*report = (struct report){.file = file, .n_files = 1};
	report->list = calloc(CFG_ERRORS_MAX, sizeof(*report->list));
	return report->list != NULL ? 0 : -ENOMEM;
}

// --- files ---

unsigned report_add_file(struct report *report, const char *path)
{
	size_t n = report->n_files;
	char **larger = reallocarray(report->more_files, n, sizeof(*larger));
	char *copy = strdup(path);

	if (larger != NULL)
		report->more_files = larger;
	if (larger == NULL || copy == NULL) {
		free(copy);
		report_add(report, (struct cfg_place){0}, "not enough memory to read it");
		return 0;
	}
	larger[n - 1] = copy;
	report->n_files++;
	return (unsigned)n;
}

const char *report_file(const struct report *report, unsigned number)
{
	return number > 0 ? report->more_files[number - 1] : report->file;
}

const char *report_line(
	const struct report *report, struct cfg_place here, struct cfg_place there, char *out)
{
	enum { PATH_MAX_SHOWN = REPORT_LINE_BYTES - 40 };
	const char *path = report_file(report, there.file);
	size_t len = strlen(path);
	bool is_long = len > PATH_MAX_SHOWN;

	if (here.file == there.file)
		snprintf(out, REPORT_LINE_BYTES, "line %d", there.line);
	else
		snprintf(out, REPORT_LINE_BYTES, "line %d of %s%s", there.line,
			is_long ? "..." : "", is_long ? path + len - PATH_MAX_SHOWN : path);
	return out;
}

static void free_files(char **files, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(files[i]);
	free(files);
}

// --- lists ---

static struct cfg_place place_of(const struct report *report, const struct error *err)
{
	struct cfg_place place = {err->line, err->column, 0};

	while (report_file(report, place.file) != err->file)
		place.file++;
	return place;
}

// The place in a list of `*n` for one more that belongs at `place`, or NULL when the list is full
// of earlier ones.
static struct error *make_room(const struct report *report, struct error *list, unsigned *n,
	unsigned *n_more, struct cfg_place place)
{
	unsigned at = *n;

	while (at > 0 && cfg_place_order(place, place_of(report, &list[at - 1])) < 0)
		at--;
	if (*n == CFG_ERRORS_MAX) {
		(*n_more)++;
		if (at == CFG_ERRORS_MAX)
			return NULL;
		(*n)--; // the last in the file makes room
	}
	memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
	(*n)++;
	return &list[at];
}

static void fill(const struct report *report, struct error *slot, struct cfg_place place,
	const char *fmt, va_list ap)
{
	vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
	slot->id = NULL;
	slot->fix[0] = '\0';
	slot->file = report_file(report, place.file);
	slot->line = place.line;
	slot->column = place.column;
}

void report_add(struct report *report, struct cfg_place place, const char *fmt, ...)
{
	struct error *slot = make_room(report, report->list, &report->n, &report->n_more, place);
	va_list ap;

	if (slot == NULL)
		return;
	va_start(ap, fmt);
	fill(report, slot, place, fmt, ap);
	va_end(ap);
}

struct error *report_warn(
	struct report *report, struct cfg_place place, enum doubt doubt, const char *fmt, ...)
{
	bool is_accepted = report->accept != NULL && accept_takes(report->accept, place, doubt);
	struct error **list = is_accepted ? &report->accepted : &report->warnings;
	struct error *slot;
	va_list ap;

	if (*list == NULL)
		*list = calloc(CFG_ERRORS_MAX, sizeof(**list));
	if (*list == NULL) {
		report_add(report, (struct cfg_place){0}, "not enough memory to read it");
		return NULL;
	}
	slot = is_accepted ? make_room(report, *list, &report->n_accepted, &report->n_more_accepted,
				     place)
			   : make_room(report, *list, &report->n_warnings, &report->n_more_warnings,
				     place);
	if (slot == NULL)
		return NULL;
	va_start(ap, fmt);
	fill(report, slot, place, fmt, ap);
	va_end(ap);
	slot->id = doubt_kinds[doubt].id;
	snprintf(slot->fix, sizeof(slot->fix), "%s", doubt_kinds[doubt].fix);
	return slot;
}

void report_fix(struct error *warning, const char *fmt, ...)
{
	va_list ap;

	if (warning == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(warning->fix, sizeof(warning->fix), fmt, ap);
	va_end(ap);
}

bool report_is_clean(const struct report *report)
{
	return report->n == 0;
}

void report_finish(struct report *report, struct cfg_errors *errors)
{
	*errors = (struct cfg_errors){0};
	if (report->list == NULL) {
		errors->list = &out_of_memory;
		errors->n = 1;
	} else {
		if (report->n > 0) {
			errors->list = report->list;
			errors->n = report->n;
			errors->n_more = report->n_more;
		} else {
			free(report->list);
		}
		if (report->n == 0 && report->n_warnings > 0) {
			errors->warnings = report->warnings;
			errors->n_warnings = report->n_warnings;
			errors->n_more_warnings = report->n_more_warnings;
		} else {
			free(report->warnings);
		}
		if (report->n == 0 && report->n_accepted > 0) {
			errors->accepted = report->accepted;
			errors->n_accepted = report->n_accepted;
			errors->n_more_accepted = report->n_more_accepted;
		} else {
			free(report->accepted);
		}
	}
	errors->files = report->more_files;
	errors->n_files = report->n_files > 0 ? report->n_files - 1 : 0;
	*report = (struct report){0};
}

void cfg_errors_free(struct cfg_errors *errors)
{
	if (errors->list != &out_of_memory)
		free(errors->list);
	free(errors->warnings);
	free(errors->accepted);
	free_files(errors->files, errors->n_files);
	*errors = (struct cfg_errors){0};
}

const char *report_shown(const char *text, char *out)
{
	enum { CUT = REPORT_SHOWN_BYTES - 8 };
	size_t len = 0;

	for (; len < CUT && text[len] != '\0'; len++) {
		unsigned char c = (unsigned char)text[len];
		bool is_c1_control = len > 0 && (unsigned char)text[len - 1] == 0xc2 && c < 0xa0;

		out[len] = c < 0x20 || c == 0x7f || is_c1_control ? '?' : text[len];
	}
	if (text[len] != '\0') {
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--; // whole characters only
		memcpy(out + len, "...", 3);
		len += 3;
	}
	out[len] = '\0';
	return out;
}
