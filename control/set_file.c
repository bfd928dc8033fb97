// SPDX-License-Identifier: BSD-3-Clause
#include "control/set_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

// What counts of a line: not its comment, no blanks at its ends.
static const char *strip(const char *line, size_t *len)
{
	const char *comment = memchr(line, '#', *len);

	if (comment != NULL)
		*len = (size_t)(comment - line);
	while (*len > 0 && is_blank(line[*len - 1]))
		(*len)--;
	for (; *len > 0 && is_blank(*line); line++)
		(*len)--;
	return line;
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
	const char *end = text + text_bytes;
	int number = 0;
	int rc = 0;

	*faults = (struct set_file_faults){0};
	for (const char *line = text; line < end && rc == 0;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline == NULL ? end : newline;

		rc = take_line(path, ++number, line, (size_t)(line_end - line), out, faults);
		line = line_end + 1;
	}
	if (rc == -E2BIG)
		report(faults, path, number, "more than %d elements, ranges taken as prefixes",
			DP_SET_ELEMENTS_MAX);
	else if (rc != 0)
		report(faults, path, number, "not enough memory for the elements");
	if (faults->n == 0)
		return 0;
	set_elements_fini(out);
	return -1;
}

static const char *why_not(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "it is a directory";
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	return st->st_size > SET_FILE_BYTES_MAX ? "it is larger than 64 MiB" : NULL;
}

// As many bytes as the file had when it was opened, to be freed; NULL with errno.
static char *read_bytes(int fd, size_t want, size_t *got)
{
	char *text = malloc(want + 1);

	*got = 0;
	while (text != NULL && *got < want) {
		ssize_t n = read(fd, text + *got, want - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return text;
}

static int read_open_file(int fd, const char *path, struct set_elements *out, struct stat *st,
	struct set_file_faults *faults)
{
	char *text;
	size_t len;
	int rc;

	if (fstat(fd, st) != 0) {
		report(faults, path, 0, "cannot be read: %s", strerror(errno));
		return -1;
	}
	if (why_not(st) != NULL) {
		report(faults, path, 0, "cannot be read: %s", why_not(st));
		return -1;
	}
	text = read_bytes(fd, (size_t)st->st_size, &len);
	if (text == NULL) {
		report(faults, path, 0, "cannot be read: %s", strerror(errno));
		return -1;
	}
	rc = set_file_parse(path, text, len, out, faults);
	free(text);
	return rc;
}

int set_file_read(
	const char *path, struct set_elements *out, struct stat *st, struct set_file_faults *faults)
{
	// Not blocking: a FIFO is opened at once, and then refused.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = errno;
	int rc;

	*faults = (struct set_file_faults){0};
	if (fd < 0) {
		if (stat(path, st) != 0)
			*st = (struct stat){0};
		report(faults, path, 0, "cannot be read: %s", strerror(error));
		return -1;
	}
	rc = read_open_file(fd, path, out, st, faults);
	close(fd);
	return rc;
}
