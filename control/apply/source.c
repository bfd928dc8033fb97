// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg/base/arena.h"
#include "cfg/print.h"
#include "cfg/report.h"
#include "control/hash.h"

enum { SEED = 4, PIECE_BYTES = 64 << 10 };

static const char *why_not(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT ? "there is no such file" : strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "it is a directory, not a file";
	return S_ISREG(st.st_mode) ? NULL : "it is not a regular file";
}

// Tells one broken text from another. 0: it cannot be read.
static uint64_t hash_broken(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char piece[PIECE_BYTES];
	uint64_t hash = 0;
	ssize_t got;

	if (fd < 0)
		return 0;
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		hash = hash_bytes(SEED ^ hash, piece, (size_t)got);
	close(fd);
	return hash;
}

static int say_whole(const char *name, const char *what, struct cfg_errors *errors)
{
	static const struct cfg_place whole_file;
	struct report report;

	cfg_errors_free(errors);
	if (report_init(&report, name) == 0)
		report_add(&report, whole_file, "%s", what);
	report_finish(&report, errors);
	return -1;
}

// The config's text, and a name that lives as long.
static int complete(struct source *source, const char *name, struct cfg_errors *errors)
{
	struct config *config = source->config;

	config->file = arena_strdup(config->arena, name);
	source->text = config_print(config, &source->bytes);
	if (config->file == NULL || source->text == NULL)
		return say_whole(name, "not enough memory for it", errors);
	source->hash = hash_bytes(SEED, source->text, source->bytes);
	return 0;
}

int source_parse(struct source *source, const char *name, const char *text, size_t bytes,
	struct cfg_errors *errors)
{
	*source = (struct source){.config = config_parse(name, text, bytes, errors)};
	return source->config == NULL ? -1 : complete(source, name, errors);
}

int source_read(struct source *source, const char *path, struct cfg_errors *errors)
{
	const char *why = why_not(path);

	*source = (struct source){0};
	if (why != NULL)
		return say_whole(path, why, errors);
	source->config = config_load(path, errors);
	if (source->config == NULL) {
		source->hash = hash_broken(path);
		return -1;
	}
	return complete(source, path, errors);
}

void source_fini(struct source *source)
{
	free(source->text);
	config_free(source->config);
	*source = (struct source){0};
}

uint64_t source_hash_file(const char *path)
{
	struct cfg_errors errors = {0};
	struct source source;
	uint64_t hash;

	source_read(&source, path, &errors);
	hash = source.hash;
	source_fini(&source);
	cfg_errors_free(&errors);
	return hash;
}
