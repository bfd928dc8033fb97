// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { VERDICT_COLUMN = 9, ABOUT_COLUMN_MAX = 16 };

static const struct {
	const char *word;
	const char *colour;
} verdicts[] = {
	[VERDICT_PROBLEM] = {"problem", "\033[1;31m"},
	[VERDICT_WARNING] = {"warning", "\033[33m"},
	[VERDICT_UNSEEN] = {"unseen", "\033[36m"},
	[VERDICT_FINE] = {"fine", "\033[32m"},
};

struct finding *finding_add(struct findings *findings, enum verdict verdict, const char *id,
	const char *about, const char *fmt, ...)
{
	struct finding *finding;
	va_list ap;

	if (findings->n == FINDINGS_MAX) {
		findings->n_more++;
		return NULL;
	}
	finding = &findings->list[findings->n++];
	*finding = (struct finding){.verdict = verdict, .id = id};
	snprintf(finding->about, sizeof(finding->about), "%s", about);
	va_start(ap, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, ap);
	va_end(ap);
	return finding;
}

void finding_fix(struct finding *finding, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (finding == NULL)
		return;
	len = strlen(finding->fix);
	if (len > 0 && len + 1 < sizeof(finding->fix))
		finding->fix[len++] = '\n';
	va_start(ap, fmt);
	vsnprintf(finding->fix + len, sizeof(finding->fix) - len, fmt, ap);
	va_end(ap);
}

unsigned findings_count(const struct findings *findings, enum verdict verdict)
{
	unsigned n = 0;

	for (unsigned i = 0; i < findings->n; i++)
		n += findings->list[i].verdict == verdict;
	return n;
}

// Insertion: it keeps the order among equals, and the list is short.
void findings_sort(struct findings *findings)
{
	for (unsigned i = 1; i < findings->n; i++) {
		struct finding one = findings->list[i];
		unsigned at = i;

		for (; at > 0 && findings->list[at - 1].verdict > one.verdict; at--)
			findings->list[at] = findings->list[at - 1];
		findings->list[at] = one;
	}
}

// --- for people ---

// Words on as many lines as they take, all but the first with that many blanks in front.
static void print_wrapped(const char *text, unsigned indent, unsigned width, FILE *out)
{
	unsigned column = indent;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += (unsigned)len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_fix(const char *fix, unsigned indent, FILE *out)
{
	while (*fix != '\0') {
		size_t len = strcspn(fix, "\n");

		fprintf(out, "%*s  %.*s\n", (int)indent, "", (int)len, fix);
		fix += len + (fix[len] == '\n' ? 1 : 0);
	}
}

static unsigned about_width(const struct findings *findings)
{
	unsigned width = 0;

	for (unsigned i = 0; i < findings->n; i++) {
		unsigned len = (unsigned)strlen(findings->list[i].about);

		width = len > width ? len : width;
	}
	return width > ABOUT_COLUMN_MAX ? ABOUT_COLUMN_MAX : width;
}

void findings_print(const struct findings *findings, unsigned width, bool is_coloured, FILE *out)
{
	unsigned about = about_width(findings), indent = VERDICT_COLUMN + about + 2;

	for (unsigned i = 0; i < findings->n; i++) {
		const struct finding *one = &findings->list[i];

		fprintf(out, "%s%-*s%s%-*s", is_coloured ? verdicts[one->verdict].colour : "",
			VERDICT_COLUMN, verdicts[one->verdict].word, is_coloured ? "\033[0m" : "",
			(int)about + 2, one->about);
		if (strlen(one->about) > about) // the text begins where all texts do
			fprintf(out, "\n%*s", (int)indent, "");
		print_wrapped(one->text, indent, width, out);
		print_fix(one->fix, indent, out);
	}
	if (findings->n_more > 0)
		fprintf(out, "and %u more\n", findings->n_more);
}

// --- for programs ---

json_t *findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < findings->n; i++) {
		const struct finding *one = &findings->list[i];
		json_t *entry =
			json_pack("{s:s, s:s, s:s, s:s}", "verdict", verdicts[one->verdict].word,
				"id", one->id, "about", one->about, "text", one->text);

		if (one->fix[0] != '\0')
			json_object_set_new(entry, "fix", json_string(one->fix));
		json_array_append_new(list, entry);
	}
	return list;
}
