// SPDX-License-Identifier: BSD-3-Clause
// Text, tree (yaml_tree.c), structs (read.c along the table in model.c), and whether they go
// together (check*.c). Each stage reports what it finds and goes on; only a text without a tree
// ends the work early.
#include "cfg/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg/base/arena.h"
#include "cfg/check.h"
#include "cfg/model.h"
#include "cfg/read.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"

// The largest file of routes needs some 350 MiB for each.
static const size_t ARENA_BYTES_MAX = (size_t)512 * 1024 * 1024;

static const struct cfg_place WHOLE_FILE;

static void build_config(const char *text, size_t text_bytes, struct arena *tree_arena,
	struct report *report, struct config *config)
{
	struct yaml_node *root = yaml_tree_parse(text, text_bytes, tree_arena, report);
	struct check check = {.config = config, .report = report, .root = root};

	if (root != NULL && !arena_is_exhausted(tree_arena)) {
		read_config(root, config->arena, report, config);
		if (!arena_is_exhausted(config->arena)) {
			check_prepare(&check);
		}
		if (!arena_is_exhausted(config->arena)) {
			check_workers(&check);
			check_state(&check);
			check_ports(&check);
			check_interfaces(&check);
			check_routes(&check);
			check_zones(&check);
			check_sets(&check);
			check_firewall(&check);
			check_nat(&check);
			if (report_is_clean(report) && !arena_is_exhausted(config->arena))
				check_doubts(&check);
		}
	}
	if (arena_is_exhausted(tree_arena) || arena_is_exhausted(config->arena))
		report_add(report, WHOLE_FILE,
			"not enough memory to read it, or more than %zu MiB of it",
			ARENA_BYTES_MAX / (1024 * 1024));
}

struct config *config_parse(
	const char *name, const char *text, size_t text_bytes, struct cfg_errors *errors)
{
	struct arena *tree_arena = arena_new(ARENA_BYTES_MAX);
	struct arena *arena = arena_new(ARENA_BYTES_MAX);
	struct config *config = NULL;
	struct report report;
	bool is_good = false;

	if (report_init(&report, name) == 0 && tree_arena != NULL && arena != NULL)
		config = arena_alloc(arena, sizeof(*config));
	if (config != NULL) {
		config->arena = arena;
		config->file = name;
		build_config(text, text_bytes, tree_arena, &report, config);
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

// Reads to the end, and not further than one byte more than is allowed. 0 or -errno.
static int read_all(int fd, char **text, size_t *text_bytes)
{
	size_t room = 64 * 1024;
	size_t used = 0;
	char *buffer = malloc(room);

	while (buffer != NULL) {
		ssize_t got = read(fd, buffer + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;

			free(buffer);
			return error;
		}
		used += (size_t)got;
		if (got == 0 || used > YAML_TREE_TEXT_BYTES_MAX) {
			*text = buffer;
			*text_bytes = used;
			return 0;
		}
		if (used == room) {
			char *larger = realloc(buffer, room * 2);

			if (larger == NULL)
				free(buffer);
			buffer = larger;
			room *= 2;
		}
	}
	return -ENOMEM;
}

static int read_file(const char *path, char **text, size_t *text_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result;

	if (fd < 0)
		return -errno;
	result = read_all(fd, text, text_bytes); // EISDIR for a directory
	close(fd);
	return result;
}

static const char *why_unreadable(int error)
{
	switch (error) {
	case ENOENT:
		return "there is no such file";
	case EACCES:
		return "no permission to read it";
	case EISDIR:
		return "it is a directory, not a file";
	default:
		return strerror(error);
	}
}

struct config *config_load(const char *path, struct cfg_errors *errors)
{
	struct config *config;
	struct report report;
	size_t text_bytes = 0;
	char *text = NULL;
	int result = read_file(path, &text, &text_bytes);

	if (result != 0) {
		if (report_init(&report, path) == 0)
			report_add(
				&report, WHOLE_FILE, "cannot be read: %s", why_unreadable(-result));
		report_finish(&report, errors);
		return NULL;
	}
	config = config_parse(path, text, text_bytes, errors);
	free(text);
	return config;
}

void config_free(struct config *config)
{
	if (config != NULL)
		arena_free(config->arena); // config itself is in it
}

const char *cfg_driver_name(enum cfg_driver driver)
{
	for (const struct model_choice *c = model_drivers; c->name != NULL; c++) {
		if (c->value == (int)driver)
			return c->name;
	}
	return "unknown";
}
