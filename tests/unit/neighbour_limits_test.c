// SPDX-License-Identifier: BSD-3-Clause
// The kernel's own tables, which are the machine's: set to its defaults for a moment, and back.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "control/neighbour_limits.h"
#include "control/neighbour_table.h"

enum { SKIPPED = 77 };

static const char *const families[] = {"ipv4", "ipv6"};

static struct event_base *base;
static struct netlink *netlink;
static struct neighbour_limits limits;
static unsigned found[2][2]; // gc_thresh2 and 3 of each family, before the tests

static bool file_do(const char *family, unsigned which, const char *mode, unsigned *value)
{
	char path[80];
	bool ok = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/neigh/default/gc_thresh%u", family, which);
	file = fopen(path, mode);
	if (file == NULL)
		return false;
	ok = mode[0] == 'r' ? fscanf(file, "%u", value) == 1 : fprintf(file, "%u\n", *value) > 0;
	return fclose(file) == 0 && ok;
}

static unsigned get(const char *family, unsigned which)
{
	unsigned value = 0;

	assert_true(file_do(family, which, "re", &value));
	return value;
}

static void set(const char *family, unsigned thresh2, unsigned thresh3)
{
	assert_true(file_do(family, 2, "we", &thresh2));
	assert_true(file_do(family, 3, "we", &thresh3));
}

static void open_netlink(void)
{
	struct error err = {0};

	base = event_base_new();
	netlink = netlink_new(base, &err);
	if (netlink == NULL)
		fail_msg("%s", err.text);
}

static void close_netlink(void)
{
	netlink_free(netlink);
	event_base_free(base);
}

static int setup(void **state)
{
	for (unsigned i = 0; i < 2; i++)
		set(families[i], 512, 1024);
	open_netlink();
	limits = (struct neighbour_limits){0};
	return 0;
}

static int teardown(void **state)
{
	close_netlink();
	for (unsigned i = 0; i < 2; i++)
		set(families[i], found[i][0], found[i][1]);
	return 0;
}

static void what_is_too_low_is_raised_and_given_back(void **state)
{
	neighbour_limits_raise(&limits, netlink);
	assert_int_equal(limits.ip4.max, NEIGHBOURS_KERNEL_MAX);
	assert_int_equal(limits.ip6.max, NEIGHBOURS_KERNEL_MAX);
	for (unsigned i = 0; i < 2; i++) {
		// room for all of ours, and none of them thrown out below that
		assert_true(get(families[i], 3) / 4 * 3 >= NEIGHBOURS_KERNEL_MAX);
		assert_true(get(families[i], 2) >= NEIGHBOURS_KERNEL_MAX);
	}
	neighbour_limits_give_back(&limits, netlink);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(get(families[i], 2), 512);
		assert_int_equal(get(families[i], 3), 1024);
	}
	neighbour_limits_give_back(&limits, netlink); // once is enough
}

static void what_is_high_enough_is_left_alone(void **state)
{
	set("ipv4", 30000, 40000);
	neighbour_limits_raise(&limits, netlink);
	assert_int_equal(limits.ip4.max, NEIGHBOURS_KERNEL_MAX);
	assert_int_equal(get("ipv4", 3), 40000);
	neighbour_limits_give_back(&limits, netlink);
	assert_int_equal(get("ipv4", 2), 30000);
	assert_int_equal(get("ipv4", 3), 40000);
}

static void what_somebody_sets_meanwhile_stays(void **state)
{
	neighbour_limits_raise(&limits, netlink);
	set("ipv4", 20000, 50000);
	neighbour_limits_give_back(&limits, netlink);
	assert_int_equal(get("ipv4", 2), 20000);
	assert_int_equal(get("ipv4", 3), 50000);
	assert_int_equal(get("ipv6", 3), 1024);
}

// There the kernel shows no file, and takes no change, yet its tables are the same ones.
static void in_another_network_namespace_they_hold_and_are_left_alone(void **state)
{
	int first = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(first >= 0);
	set("ipv4", 3000, 4000);
	close_netlink();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	open_netlink();
	neighbour_limits_raise(&limits, netlink);
	neighbour_limits_give_back(&limits, netlink);
	assert_int_equal(setns(first, CLONE_NEWNET), 0); // the teardown's files are here
	close(first);
	assert_int_equal(limits.ip4.max, 3000);
	assert_int_equal(limits.ip6.max, 768);
	assert_int_equal(get("ipv4", 3), 4000);
	assert_int_equal(get("ipv6", 3), 1024);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_too_low_is_raised_and_given_back),
		TEST(what_is_high_enough_is_left_alone),
		TEST(what_somebody_sets_meanwhile_stays),
		TEST(in_another_network_namespace_they_hold_and_are_left_alone),
	};

	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 2; k++)
			if (geteuid() != 0 || !file_do(families[i], 2 + k, "re", &found[i][k]))
				return SKIPPED; // not in the machine's first network namespace
	return cmocka_run_group_tests(tests, NULL, NULL);
}
