// SPDX-License-Identifier: BSD-3-Clause
// config_load on a file that includes a directory of others: the input, cut at each NUL. A config
// whose print reads as itself, or errors that name one of the files, in their order.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg/config.h"
#include "cfg/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { FILES_MAX = 4 };

static char directory[] = "/dev/shm/include_fuzz.XXXXXX";

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

enum { PATH_BYTES = 64 };

static const char *path_of(unsigned file, char *out)
{
	if (file == FILES_MAX)
		snprintf(out, PATH_BYTES, "%s/main.yaml", directory);
	else
		snprintf(out, PATH_BYTES, "%s/d/%u.yaml", directory, file);
	return out;
}

static void leave(void)
{
	char path[PATH_BYTES];

	for (unsigned file = 0; file <= FILES_MAX; file++)
		unlink(path_of(file, path));
	snprintf(path, sizeof(path), "%s/d", directory);
	rmdir(path);
	rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[PATH_BYTES];

	expect(mkdtemp(directory) != NULL);
	snprintf(path, sizeof(path), "%s/d", directory);
	expect(mkdir(path, 0700) == 0);
	return atexit(leave);
}

// With a line in front, so that one file says something and the last one includes the others.
static void write_file(unsigned number, const uint8_t *data, size_t bytes)
{
	char path[PATH_BYTES];
	FILE *file = fopen(path_of(number, path), "w");

	expect(file != NULL);
	fputs(number == FILES_MAX ? "include: d\n" : "workers:\n", file);
	fwrite(data, 1, bytes, file);
	expect(fclose(file) == 0);
}

static void expect_messages(const struct error *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		expect(list[i].text[0] != '\0');
		expect(list[i].file[0] == '/');
		if (i > 0 && list[i].file == list[i - 1].file)
			expect(list[i].line >= list[i - 1].line);
	}
}

static void expect_round_trip(const struct config *config)
{
	struct cfg_errors errors;
	size_t bytes = 0, bytes_again = 0;
	char *text = config_print(config, &bytes), *text_again;
	struct config *again = config_parse("printed.yaml", text, bytes, &errors);

	expect(again != NULL);
	text_again = config_print(again, &bytes_again);
	expect(bytes == bytes_again && memcmp(text, text_again, bytes) == 0);
	free(text_again);
	config_free(again);
	cfg_errors_free(&errors);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char path[PATH_BYTES];
	struct cfg_errors errors;
	struct config *config;

	for (unsigned number = 0; number < FILES_MAX; number++) {
		const uint8_t *end = bytes > 0 ? memchr(data, '\0', bytes) : NULL;
		size_t len = end != NULL ? (size_t)(end - data) : bytes;

		write_file(number, data, len);
		data += end != NULL ? len + 1 : len;
		bytes -= end != NULL ? len + 1 : len;
	}
	write_file(FILES_MAX, data, bytes);
	config = config_load(path_of(FILES_MAX, path), &errors);
	expect((config != NULL) == (errors.n == 0));
	expect_messages(errors.list, errors.n);
	expect_messages(errors.warnings, errors.n_warnings);
	if (config != NULL)
		expect_round_trip(config);
	config_free(config);
	cfg_errors_free(&errors);
	return 0;
}
