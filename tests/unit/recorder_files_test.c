// SPDX-License-Identifier: BSD-3-Clause
// The directory of the recorder's files: bounded by number and by size, the oldest goes, and what
// is not whole has no name.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/recorder_files.h"

enum { FILE_BYTES = 1000 };

static char root[] = "/tmp/recorder-files-XXXXXX", directory[64];
static struct recorder_files files = {.directory = directory, .n_max = 3, .bytes_max = 1 << 20};

static int setup(void **state)
{
	struct error err;

	strcpy(root + strlen(root) - 6, "XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	snprintf(directory, sizeof(directory), "%s/its/own", root);
	files.n_max = 3;
	files.bytes_max = 1 << 20;
	return recorder_files_begin(&files, &err);
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void write_file(int64_t at_ms)
{
	static const char bytes[FILE_BYTES];
	struct recorder_file file;
	struct error err;

	assert_int_equal(recorder_files_open(&files, "drops", at_ms, &file, &err), 0);
	assert_int_equal(write(file.fd, bytes, sizeof(bytes)), sizeof(bytes));
	recorder_files_make_room(&files, 1, sizeof(bytes));
	assert_int_equal(recorder_files_finish(&file, &err), 0);
}

static bool is_there(const char *name)
{
	struct recorder_entry entries[8];
	unsigned n = recorder_files_list(&files, entries, 8);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(entries[i].name, name) == 0)
			return true;
	return false;
}

static void the_oldest_goes_when_there_are_as_many_as_may_be(void **state)
{
	struct recorder_entry entries[8];

	for (int i = 0; i < 5; i++)
		write_file(INT64_C(1700000000000) + i * 1000 + i);
	assert_int_equal(recorder_files_list(&files, entries, 8), 3);
	assert_string_equal(entries[0].name, "record-20231114T221322.002Z-drops.pcapng");
	assert_string_equal(entries[2].name, "record-20231114T221324.004Z-drops.pcapng");
	assert_int_equal(entries[2].bytes, FILE_BYTES);
}

static void the_oldest_go_until_there_is_room(void **state)
{
	struct recorder_entry entries[8];

	files.n_max = 100;
	files.bytes_max = 3 * FILE_BYTES + FILE_BYTES / 2;
	for (int i = 0; i < 5; i++)
		write_file(INT64_C(1700000000000) + i);
	assert_int_equal(recorder_files_list(&files, entries, 8), 3);
	assert_false(is_there("record-20231114T221320.000Z-drops.pcapng"));
	assert_true(is_there("record-20231114T221320.004Z-drops.pcapng"));
	recorder_files_make_room(&files, 1, 3 * FILE_BYTES);
	assert_int_equal(recorder_files_list(&files, entries, 8), 0);
}

static void half_a_file_has_no_name_and_goes(void **state)
{
	struct recorder_file file;
	char path[256];
	struct error err;
	struct stat st;

	assert_int_equal(recorder_files_open(&files, "drops", 0, &file, &err), 0);
	assert_false(is_there(file.name));
	snprintf(path, sizeof(path), "%s/%s.half", directory, file.name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	recorder_files_drop(&file);
	assert_int_not_equal(stat(path, &st), 0);

	// of a router that was killed
	assert_int_equal(recorder_files_open(&files, "drops", 0, &file, &err), 0);
	close(file.fd);
	close(file.directory_fd);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(recorder_files_begin(&files, &err), 0);
	assert_int_not_equal(stat(path, &st), 0);
}

static void what_is_not_the_recorders_is_left_alone(void **state)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/mine.pcapng", directory);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	files.n_max = 1;
	write_file(1);
	write_file(2);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(stat(directory, &(struct stat){0}), 0);
}

static void a_directory_that_cannot_be_is_told(void **state)
{
	const struct recorder_files nowhere = {.directory = "/proc/nowhere/at", .n_max = 1};
	struct recorder_file file;
	struct error err = {0};

	assert_int_equal(recorder_files_begin(&nowhere, &err), -1);
	assert_non_null(strstr(err.text, "/proc/nowhere/at"));
	assert_int_equal(recorder_files_open(&nowhere, "drops", 0, &file, &err), -1);
	assert_int_equal(file.fd, -1);
	assert_int_equal(recorder_files_list(&nowhere, NULL, 0), 0);
}

int main(void)
{
#define THERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		THERE(the_oldest_goes_when_there_are_as_many_as_may_be),
		THERE(the_oldest_go_until_there_is_room),
		THERE(half_a_file_has_no_name_and_goes),
		THERE(what_is_not_the_recorders_is_left_alone),
		cmocka_unit_test(a_directory_that_cannot_be_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
