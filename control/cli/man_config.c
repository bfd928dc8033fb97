// SPDX-License-Identifier: BSD-3-Clause
// millrace.yaml(5), from the model that the file is read by.
#include <string.h>

#include "cfg/model.h"
#include "cfg/value.h"
#include "control/cli/man.h"

enum { OBJECTS_MAX = 128, PATH_BYTES = 128 };

// Of objects that stand in several places, where the first is.
struct page {
	FILE *out;
	unsigned n_written;
	struct {
		const struct model_object *object;
		char path[PATH_BYTES];
	} written[OBJECTS_MAX];
};

static void write_choices(FILE *out, const struct model_choice *choices)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (; choices->name != NULL; choices++) {
		fputs(".It Cm ", out);
		man_write_text(out, choices->name);
		fputc('\n', out);
		if (choices->help != NULL) {
			man_write_text(out, choices->help);
			fputc('\n', out);
		}
	}
	fputs(".El\n", out);
}

static void write_key(FILE *out, const char *path, const struct model_key *key)
{
	char expected[VALUE_EXPECTED_BYTES];

	fputs(".It Cm ", out);
	man_write_text(out, path);
	fputc('\n', out);
	man_write_text(out, key->help == NULL ? "" : key->help);
	fputs(".\n", out);
	if (key->object == NULL) {
		fputs("Expected is ", out);
		man_write_text(out, value_expected(key, expected));
		fprintf(out, "%s.\n", key->n_max > 0 ? ", or a list of such" : "");
	}
	if (key->default_text != NULL) {
		fputs("Without it: ", out);
		man_write_text(out, key->default_text);
		fputs(".\n", out);
	} else if (key->is_required) {
		fputs("It must be there.\n", out);
	}
	if (key->choices != NULL)
		write_choices(out, key->choices);
}

static const char *place_of(const struct page *page, const struct model_object *object)
{
	for (unsigned i = 0; i < page->n_written; i++)
		if (page->written[i].object == object)
			return page->written[i].path;
	return NULL;
}

static void write_object(struct page *page, const char *path, const struct model_object *object)
{
	char below[PATH_BYTES];

	if (page->n_written == OBJECTS_MAX)
		return;
	page->written[page->n_written].object = object;
	snprintf(page->written[page->n_written++].path, PATH_BYTES, "%s", path);
	for (const struct model_key *key = object->keys; key->key != NULL; key++) {
		const char *behind = key->type == MODEL_NAMED  ? ".NAME"
				     : key->type == MODEL_LIST ? "[]"
							       : "";
		const char *place;

		if ((size_t)snprintf(below, sizeof(below), "%s%s%s%s", path,
			    path[0] == '\0' ? "" : ".", key->key, behind) >= sizeof(below))
			continue;
		write_key(page->out, below, key);
		if (key->object == NULL)
			continue;
		place = place_of(page, key->object);
		if (place == NULL) {
			write_object(page, below, key->object);
		} else {
			fputs("As\n.Cm ", page->out);
			man_write_text(page->out, place);
			fputs(" .\n", page->out);
		}
	}
}

void man_write_config(FILE *out)
{
	static struct page page;

	page = (struct page){.out = out};
	man_write_head(out, "millrace.yaml", "5", "what a router by millraced shall be");
	fputs(".Sh DESCRIPTION\nOne YAML file says all of it.\nA list of one may be written "
	      "without\n"
	      "brackets.\n.Cm NAME\nis a name of your choice,\n.Cm []\nan entry of a list.\n"
	      ".Bl -tag -width Ds\n",
		out);
	write_object(&page, "", &model_config);
	fputs(".El\n.Sh SEE ALSO\n.Xr millrace 1 ,\n.Xr millraced 8\n", out);
}
