// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg/base/arena.h"
#include "cfg/report.h"
#include "cfg/yaml_tree.h"
#include "control/hash.h"

enum { SEED = 4 }; // the same in every run: it is compared with what earlier ones have noted

static int read_all(int fd, char *text, size_t room, size_t *bytes)
{
	*bytes = 0;
	while (*bytes < room) {
		ssize_t got = read(fd, text + *bytes, room - *bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		*bytes += (size_t)got;
	}
	return 0;
}

static const char *why_not(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "it is a directory, not a file";
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	return st->st_size > YAML_TREE_TEXT_BYTES_MAX ? "it is larger than 16 MiB" : NULL;
}

// NULL with the reason.
static char *read_text(const char *path, size_t *bytes, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	int rc;

	if (fd < 0) {
		*why = errno == ENOENT ? "there is no such file" : strerror(errno);
		return NULL;
	}
	*why = fstat(fd, &st) != 0 ? strerror(errno) : why_not(&st);
	if (*why == NULL) {
		// one byte more than it had: what has grown meanwhile is seen to be too large
		text = malloc((size_t)st.st_size + 2);
		rc = text == NULL ? -ENOMEM : read_all(fd, text, (size_t)st.st_size + 1, bytes);
		if (rc == 0 && *bytes > (size_t)st.st_size)
			rc = -EBUSY;
		if (rc != 0) {
			*why = rc == -EBUSY ? "somebody is writing to it" : strerror(-rc);
			free(text);
			text = NULL;
		}
	}
	close(fd);
	return text;
}

int source_parse(struct source *source, const char *name, char *text, size_t bytes,
	struct cfg_errors *errors)
{
	*source = (struct source){.text = text, .bytes = bytes};
	source->config = config_parse(name, text, bytes, errors);
	if (source->config == NULL)
		return -1;
	source->config->file = arena_strdup(source->config->arena, name);
	if (source->config->file == NULL)
		source->config->file = "";
	return 0;
}

int source_read(struct source *source, const char *path, struct cfg_errors *errors)
{
	static const struct cfg_place whole_file;
	struct report report;
	const char *why;
	size_t bytes;
	char *text = read_text(path, &bytes, &why);

	*source = (struct source){0};
	if (text != NULL)
		return source_parse(source, path, text, bytes, errors);
	if (report_init(&report, path) == 0)
		report_add(&report, whole_file, "cannot be read: %s", why);
	report_finish(&report, errors);
	return -1;
}

void source_fini(struct source *source)
{
	free(source->text);
	config_free(source->config);
	*source = (struct source){0};
}

uint64_t source_hash(const struct source *source)
{
	return source->text == NULL ? 0 : hash_bytes(SEED, source->text, source->bytes);
}

uint64_t source_hash_file(const char *path)
{
	const char *why;
	size_t bytes;
	char *text = read_text(path, &bytes, &why);
	uint64_t hash = text == NULL ? 0 : hash_bytes(SEED, text, bytes);

	free(text);
	return hash;
}
