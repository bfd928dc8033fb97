// SPDX-License-Identifier: BSD-3-Clause
// Which programs the router runs for its operator, and why it does not run others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfg/program_file.h"
#include "tests/unit/program_folder.h"

static struct program_folder folder;

static int make_folder(void **state)
{
	return program_folder_make(&folder);
}

static int remove_folder(void **state)
{
	return program_folder_remove(&folder);
}

static void expect_refusal(const char *path, const char *why)
{
	struct error err = {0};

	assert_int_equal(program_file_check(path, &err), -1);
	if (strstr(err.text, why) == NULL)
		fail_msg("`%s` has no `%s`", err.text, why);
}

static void who_may_change_it_decides(void **state)
{
	struct error err = {0};

	assert_int_equal(program_folder_write(&folder, "true"), 0);
	assert_int_equal(program_file_check(folder.program, &err), 0);
	assert_int_equal(chmod(folder.program, 0775), 0);
	expect_refusal(folder.program, "others than its owner may write it");
	assert_int_equal(chmod(folder.program, 0757), 0);
	expect_refusal(folder.program, "others than its owner may write it");
	assert_int_equal(chmod(folder.program, 0644), 0);
	expect_refusal(folder.program, "may not be executed");
	assert_int_equal(chmod(folder.program, 0755), 0);
	assert_int_equal(chmod(folder.path, 0777), 0);
	expect_refusal(folder.program, "others may put files into its folder");
	assert_int_equal(chmod(folder.path, 01777), 0); // as /tmp: what is there is its owner's
	assert_int_equal(program_file_check(folder.program, &err), 0);
	expect_refusal(folder.path, "it is no file");
	expect_refusal("/absent/hook", "No such file");
}

static void a_strangers_file_is_not_run(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(program_folder_write(&folder, "true"), 0);
	assert_int_equal(chown(folder.program, 65534, 65534), 0);
	expect_refusal(folder.program, "belongs to another user");
	assert_int_equal(chown(folder.program, 0, 0), 0);
	assert_int_equal(chown(folder.path, 65534, 65534), 0);
	expect_refusal(folder.program, "others may put files into its folder");
}

static void a_link_is_what_it_leads_to(void **state)
{
	struct error err = {0};

	assert_int_equal(symlink("/bin/true", folder.program), 0);
	assert_int_equal(program_file_check(folder.program, &err), 0);
	unlink(folder.program);
	assert_int_equal(symlink("/etc/passwd", folder.program), 0);
	expect_refusal(folder.program, "may not be executed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_may_change_it_decides, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_strangers_file_is_not_run, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_link_is_what_it_leads_to, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
