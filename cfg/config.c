// SPDX-License-Identifier: BSD-3-Clause
// Text, tree (yaml_tree.c, include.c), structs (read.c along the table in model.c), and whether
// they go together (check*.c). Each stage reports what it finds and goes on; only a text without a
// tree ends the work early.
#include "cfg/config.h"

#include "cfg/accept.h"
#include "cfg/base/arena.h"
#include "cfg/check.h"
#include "cfg/include.h"
#include "cfg/model.h"
#include "cfg/read.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

// The largest file of routes needs some 350 MiB for each.
static const size_t ARENA_BYTES_MAX = (size_t)512 * 1024 * 1024;

static const struct cfg_place WHOLE_FILE;

struct source {
	const char *name;
	const char *text; // NULL: what is in the file of the name
	size_t text_bytes;
};

static void build_config(struct yaml_node *root, struct arena *tree_arena, struct report *report,
	struct config *config)
{
	struct check check = {.config = config, .report = report, .root = root};

	if (root != NULL && !arena_is_exhausted(tree_arena)) {
		read_config(root, config->arena, report, config);
		if (!arena_is_exhausted(config->arena)) {
			check_prepare(&check);
			accept_begin(report, config, root, tree_arena);
		}
		if (!arena_is_exhausted(config->arena)) {
			check_workers(&check);
			check_state(&check);
			check_ports(&check);
			check_interfaces(&check);
			check_routes(&check);
			check_uplinks(&check);
			check_zones(&check);
			check_sets(&check);
			check_firewall(&check);
			check_nat(&check);
			check_dhcp(&check);
			check_dns(&check);
			check_dns_local(&check);
			if (report_is_clean(report) && !arena_is_exhausted(config->arena)) {
				check_doubts(&check);
				accept_end(report);
			}
			report->accept = NULL; // the tree ends first
		}
	}
	if (arena_is_exhausted(tree_arena) || arena_is_exhausted(config->arena))
		report_add(report, WHOLE_FILE,
			"not enough memory to read it, or more than %zu MiB of it",
			ARENA_BYTES_MAX / (1024 * 1024));
}

static void keep_files(const struct report *report, struct config *config)
{
	unsigned n = report->n_files - 1;
	const char **names = arena_alloc_array(config->arena, n, sizeof(*names));

	for (unsigned i = 0; i < n && names != NULL; i++)
		names[i] = arena_strdup(config->arena, report->more_files[i]);
	config->more_files = (struct cfg_names){names, n};
}

static struct yaml_node *parse_text(
	const struct source *source, struct arena *arena, struct report *report)
{
	struct yaml_node *root =
		yaml_tree_parse(source->text, source->text_bytes, 0, arena, report);

	include_refuse(root, report);
	return root;
}

static struct config *build(const struct source *source, struct cfg_errors *errors)
{
	struct arena *tree_arena = arena_new(ARENA_BYTES_MAX);
	struct arena *arena = arena_new(ARENA_BYTES_MAX);
	struct config *config = NULL;
	struct report report;
	bool is_good = false;

	if (report_init(&report, source->name) == 0 && tree_arena != NULL && arena != NULL)
		config = arena_alloc(arena, sizeof(*config));
	if (config != NULL) {
		struct yaml_node *root = source->text != NULL
						 ? parse_text(source, tree_arena, &report)
						 : include_load(source->name, tree_arena, &report);

		config->arena = arena;
		config->file = source->name;
		keep_files(&report, config);
		build_config(root, tree_arena, &report, config);
		is_good = report_is_clean(&report);
	} else if (report.list != NULL) {
		report_add(&report, WHOLE_FILE, "not enough memory to read it");
	}
	arena_free(tree_arena);
	if (!is_good)
		arena_free(arena);
	report_finish(&report, errors);
	return is_good ? config : NULL;
}

struct config *config_parse(
	const char *name, const char *text, size_t text_bytes, struct cfg_errors *errors)
{
	struct source source = {name, text != NULL ? text : "", text_bytes};

	return build(&source, errors);
}

struct config *config_load(const char *path, struct cfg_errors *errors)
{
	struct source source = {.name = path};

	return build(&source, errors);
}

void config_free(struct config *config)
{
	if (config != NULL)
		arena_free(config->arena); // config itself is in it
}

const char *config_file_of(const struct config *config, struct cfg_place place)
{
	return place.file > 0 ? config->more_files.names[place.file - 1] : config->file;
}

void config_locate(const struct config *config, struct cfg_place place, struct error *err)
{
	err->file = config_file_of(config, place);
	err->line = place.line;
	err->column = place.column;
}

const char *cfg_driver_name(enum cfg_driver driver)
{
	for (const struct model_choice *c = model_drivers; c->name != NULL; c++) {
		if (c->value == (int)driver)
			return c->name;
	}
	return "unknown";
}
