// SPDX-License-Identifier: BSD-3-Clause
#include "control/set_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/list_file.h"

__attribute__((format(printf, 4, 5))) static void report(
	struct set_file_faults *faults, const char *path, int line, const char *fmt, ...)
{
	struct error *fault;
	va_list ap;

	if (faults->n == SET_FILE_FAULTS_MAX) {
		faults->n_more++;
		return;
	}
	fault = &faults->list[faults->n++];
	*fault = (struct error){.file = path, .line = line, .column = line > 0 ? 1 : 0};
	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
}

// What counts of a line: not its comment.
static const char *strip(const char *line, size_t *len)
{
	const char *comment = memchr(line, '#', *len);

	if (comment != NULL)
		*len = (size_t)(comment - line);
	return list_strip(line, len);
}

// 0, or -errno when nothing further can be taken.
static int take_line(const char *path, int number, const char *line, size_t len,
	struct set_elements *out, struct set_file_faults *faults)
{
	char text[SET_FILE_LINE_MAX + 1];
	struct cfg_element element;
	struct error err;

	line = strip(line, &len);
	if (len == 0)
		return 0;
	if (len > SET_FILE_LINE_MAX) {
		report(faults, path, number, "the line is longer than %d bytes", SET_FILE_LINE_MAX);
		return 0;
	}
	if (memchr(line, '\0', len) != NULL) {
		report(faults, path, number, "a NUL byte: this is no text");
		return 0;
	}
	memcpy(text, line, len);
	text[len] = '\0';
	if (cfg_element_parse(out->kind, text, &element, &err) != 0) {
		report(faults, path, number, "%s", err.text);
		return 0;
	}
	return set_elements_add(out, &element);
}

int set_file_parse(const char *path, const char *text, size_t text_bytes, struct set_elements *out,
	struct set_file_faults *faults)
{
	struct list_lines lines = {.at = text, .end = text + text_bytes};
	int rc = 0;

	*faults = (struct set_file_faults){0};
	while (rc == 0 && list_lines_next(&lines))
		rc = take_line(path, lines.number, lines.line, lines.len, out, faults);
	if (rc == -E2BIG)
		report(faults, path, lines.number,
			"more than %d elements, ranges taken as prefixes", DP_SET_ELEMENTS_MAX);
	else if (rc != 0)
		report(faults, path, lines.number, "not enough memory for the elements");
	if (faults->n == 0)
		return 0;
	set_elements_fini(out);
	return -1;
}

static int read_open_file(int fd, const char *path, struct set_elements *out, const struct stat *st,
	struct set_file_faults *faults)
{
	char *text = malloc((size_t)st->st_size + 1);
	long got = text == NULL ? -ENOMEM : list_file_read(fd, text, (size_t)st->st_size);
	int rc = -1;

	if (got < 0)
		report(faults, path, 0, "cannot be read: %s", strerror((int)-got));
	else
		rc = set_file_parse(path, text, (size_t)got, out, faults);
	free(text);
	return rc;
}

int set_file_read(
	const char *path, struct set_elements *out, struct stat *st, struct set_file_faults *faults)
{
	struct error err;
	int fd = list_file_open(path, SET_FILE_BYTES_MAX, st, &err);
	int rc;

	*faults = (struct set_file_faults){0};
	if (fd < 0) {
		report(faults, path, 0, "%s", err.text);
		return -1;
	}
	rc = read_open_file(fd, path, out, st, faults);
	close(fd);
	return rc;
}
