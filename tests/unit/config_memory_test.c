// SPDX-License-Identifier: BSD-3-Clause
// Linked with --wrap for the allocators, so that each allocation of cfg/ in turn can fail.
#include "cfg/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/diff.h"
#include "cfg/print.h"

static int fail_after = -1; // allocations that succeed before one fails; -1: none fails
static bool has_failed;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_reallocarray(void *memory, size_t n, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_reallocarray(void *memory, size_t n, size_t bytes);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
	if (fail_after < 0 || fail_after-- > 0)
		return false;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return fails() ? NULL : __real_realloc(memory, bytes);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t bytes)
{
	return fails() ? NULL : __real_reallocarray(memory, n, bytes);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

// Large enough for many chunks and for the buffer of the file to grow.
static const char *write_file(bool is_good)
{
	static char path[] = "/tmp/config_memory_test.XXXXXX";
	int fd;
	FILE *file;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	fputs("ports: {p: {match: {name: eth1}}}\n"
	      "interfaces: {wan: {port: p, addresses: 203.0.113.2/24}}\n"
	      "nat: [{masquerade: wan, from: [198.18.0.0/24]}, {forward: {ports: 80, to: "
	      "198.18.0.9}, interface: wan}]\n"
	      "zones: {outside: {interfaces: wan}}\n"
	      "sets: {banned: {addresses: [], timeout: 1d}, idle: {ports: ssh}}\n"
	      "firewall: {input: [{from: outside, port: ssh, jump: guard}], lists: {guard: "
	      "[{source: not banned, comment: why, action: accept}, {add-to: {set: banned}}]}}\n"
	      "routes:\n",
		file);
	for (unsigned i = 0; i < 3000; i++)
		fprintf(file, "  - {to: 10.%u.%u.0/24, via: 203.0.113.1, interface: wan}\n", i >> 8,
			i & 255);
	if (!is_good)
		fputs("  - {to: 10.0.0.0/24, via: nowhere}\n", file);
	fclose(file);
	return path;
}

static void fail_each_allocation(bool is_good)
{
	const char *path = write_file(is_good);
	unsigned n_failed = 0;

	for (int i = 0; i < 1000; i++) {
		struct cfg_errors errors;
		struct config *config;

		has_failed = false;
		fail_after = i;
		config = config_load(path, &errors);
		fail_after = -1;
		if (!has_failed) {
			assert_true(is_good == (config != NULL));
			config_free(config);
			cfg_errors_free(&errors);
			break;
		}
		n_failed++;
		assert_null(config);
		assert_true(errors.n >= 1);
		assert_non_null(strstr(errors.list[0].text, "memory"));
		cfg_errors_free(&errors);
	}
	remove(path);
	assert_true(n_failed >= 10);
	assert_true(n_failed < 1000);
}

static void a_good_file_without_memory_is_an_error(void **state)
{
	fail_each_allocation(true);
}

static void a_bad_file_without_memory_is_an_error(void **state)
{
	fail_each_allocation(false);
}

static void a_file_that_includes_another_without_memory_is_an_error(void **state)
{
	char path[] = "/tmp/config_memory_test.XXXXXX";
	const char *other = write_file(true);
	int fd = mkstemp(path);
	unsigned n_failed = 0;

	assert_true(fd >= 0);
	dprintf(fd, "include: %s\nworkers: {cores: 0}\n", other);
	close(fd);
	for (has_failed = true; has_failed; n_failed++) {
		struct cfg_errors errors;
		struct config *config;

		has_failed = false;
		fail_after = (int)n_failed;
		config = config_load(path, &errors);
		fail_after = -1;
		assert_true(has_failed == (config == NULL));
		assert_true(config != NULL || strstr(errors.list[0].text, "memory") != NULL);
		config_free(config);
		cfg_errors_free(&errors);
	}
	assert_in_range(n_failed, 10, 1000);
	remove(path);
	remove(other);
}

static void without_memory_nothing_is_printed_and_nothing_compared(void **state)
{
	static const char nothing[] = "ports: {}\n";
	const char *path = write_file(true);
	struct cfg_errors errors;
	struct config *config = config_load(path, &errors);
	struct config *empty;
	struct cfg_changes changes;
	size_t bytes = 0;
	unsigned n_failed = 0;

	cfg_errors_free(&errors);
	empty = config_parse("empty", nothing, sizeof(nothing) - 1, &errors);
	cfg_errors_free(&errors);
	for (has_failed = true; has_failed; n_failed++) {
		char *text;

		has_failed = false;
		fail_after = (int)n_failed;
		text = config_print(config, &bytes);
		fail_after = -1;
		assert_true(has_failed == (text == NULL));
		free(text);
	}
	assert_in_range(n_failed, 5, 100);
	n_failed = 0;
	for (has_failed = true; has_failed; n_failed++) {
		int result;

		has_failed = false;
		fail_after = (int)n_failed;
		result = config_diff(empty, config, &changes);
		fail_after = -1;
		assert_true(has_failed == (result != 0));
		assert_true(has_failed || changes.n > 3000);
		cfg_changes_free(&changes);
	}
	assert_in_range(n_failed, 10, 1000);
	config_free(empty);
	config_free(config);
	remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_without_memory_is_an_error),
		cmocka_unit_test(a_bad_file_without_memory_is_an_error),
		cmocka_unit_test(a_file_that_includes_another_without_memory_is_an_error),
		cmocka_unit_test(without_memory_nothing_is_printed_and_nothing_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
