// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/api/socket_file.h"

enum { READERS = 901, ADMINS = 902, DAEMON = 77 };

static const struct peer_groups both = {READERS, ADMINS, true, true};
static const struct peer_groups nobody = {READERS, ADMINS, false, false};

static void rights_go_by_user_and_by_every_group(void **state)
{
	static const struct {
		const struct peer_groups *groups;
		uid_t uid;
		gid_t gids[3];
		enum peer_right right;
	} rows[] = {
		{&both, 0, {1, 2, 3}, PEER_WRITES},
		{&nobody, 0, {1, 2, 3}, PEER_WRITES},
		{&both, DAEMON, {1, 2, 3}, PEER_WRITES},
		{&both, 1000, {1, 2, 3}, PEER_NOTHING},
		{&both, 1000, {0, 2, 3}, PEER_NOTHING},
		{&both, 1000, {READERS, 2, 3}, PEER_READS},
		{&both, 1000, {1, 2, READERS}, PEER_READS},
		{&both, 1000, {ADMINS, 2, 3}, PEER_WRITES},
		{&both, 1000, {READERS, 2, ADMINS}, PEER_WRITES},
		{&both, 1000, {ADMINS, READERS, 3}, PEER_WRITES},
		{&nobody, 1000, {ADMINS, READERS, 3}, PEER_NOTHING},
		{&nobody, READERS, {1, 2, 3}, PEER_NOTHING},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			peer_right_of(rows[i].groups, rows[i].uid, DAEMON, rows[i].gids, 3),
			rows[i].right);
}

// What the file lets which group do: "rw" of the owner's group, of others, of the group ADMINS.
static void check_file(const struct peer_groups *groups, mode_t mode, const char *admins)
{
	char folder[] = "/tmp/millrace-peer-test.XXXXXX", path[64], *text;
	struct error err = {0};
	struct stat st;
	acl_t acl;
	int fd;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/control.sock", folder);
	fd = socket_file_take(path, 1, groups, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	acl = acl_get_file(path, ACL_TYPE_ACCESS);
	text = acl_to_text(acl, NULL);
	if (admins != NULL)
		assert_non_null(strstr(text, admins));
	else
		assert_null(strstr(text, "mask"));
	assert_non_null(strstr(text, "other::---"));
	acl_free(text);
	acl_free(acl);
	close(fd);
	unlink(path);
	rmdir(folder);
}

static void the_socket_is_open_to_the_groups_that_there_are(void **state)
{
	struct peer_groups own = {getegid(), ADMINS, true, true};

	check_file(&nobody, 0600, NULL);
	check_file(&own, 0660, "group:902:rw-");
	own.has_admins = false;
	check_file(&own, 0660, NULL);
	own = (struct peer_groups){READERS, getegid(), false, true};
	check_file(&own, 0660, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_go_by_user_and_by_every_group),
		cmocka_unit_test(the_socket_is_open_to_the_groups_that_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
