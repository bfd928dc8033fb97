// SPDX-License-Identifier: BSD-3-Clause
// Linked with --wrap for the allocators, so that each allocation of cfg/ in turn can fail.
#include "cfg/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int fail_after = -1; // allocations that succeed before one fails; -1: none fails
static bool has_failed;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_without_memory_is_an_error),
		cmocka_unit_test(a_bad_file_without_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
