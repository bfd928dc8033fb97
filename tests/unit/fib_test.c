// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "tests/unit/fib_fixture.h"
#include "tests/unit/random.h"

static void what_no_router_forwards_is_built_in(void **state)
{
	static const struct {
		const char *addr;
		uint16_t code;
	} rows[] = {
		{"0.0.0.0", NEXTHOP_BLACKHOLE},
		{"0.255.255.255", NEXTHOP_BLACKHOLE},
		{"1.0.0.0", NEXTHOP_NONE},
		{"126.255.255.255", NEXTHOP_NONE},
		{"127.0.0.1", NEXTHOP_BLACKHOLE},
		{"128.0.0.0", NEXTHOP_NONE},
		{"223.255.255.255", NEXTHOP_NONE},
		{"224.0.0.1", NEXTHOP_MULTICAST},
		{"239.255.255.250", NEXTHOP_MULTICAST},
		{"240.0.0.0", NEXTHOP_BLACKHOLE},
		{"255.255.255.254", NEXTHOP_BLACKHOLE},
		{"255.255.255.255", NEXTHOP_MULTICAST},
		{"::", NEXTHOP_BLACKHOLE},
		{"::1", NEXTHOP_BLACKHOLE},
		{"::2", NEXTHOP_NONE},
		{"2001:db8::1", NEXTHOP_NONE},
		{"fe7f:ffff::", NEXTHOP_NONE},
		{"fe80::1", NEXTHOP_LOCAL},
		{"febf:ffff::", NEXTHOP_LOCAL},
		{"fec0::", NEXTHOP_NONE},
		{"ff02::fb", NEXTHOP_MULTICAST},
	};

	assert_int_equal(fib_init(&fib, 16, 16), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_addr addr = address(rows[i].addr);

		if (look(&fib, &addr) != rows[i].code)
			fail_msg("%s: %u", rows[i].addr, look(&fib, &addr));
	}
	fib_fini(&fib);
}

static void a_route_over_a_built_in_one_gives_way_to_it_again(void **state)
{
	static const struct {
		const char *to, *inside;
		uint16_t built_in;
	} rows[] = {
		{"224.0.0.0/4", "230.1.2.3", NEXTHOP_MULTICAST},
		{"127.0.0.0/8", "127.9.9.9", NEXTHOP_BLACKHOLE},
		{"255.255.255.255/32", "255.255.255.255", NEXTHOP_MULTICAST},
		{"fe80::/10", "fe80::9", NEXTHOP_LOCAL},
		{"::1/128", "::1", NEXTHOP_BLACKHOLE},
	};

	assert_int_equal(fib_init(&fib, 16, 16), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_prefix to = prefix(rows[i].to);
		struct ip_addr inside = address(rows[i].inside);

		assert_int_equal(fib_delete(&fib, &to), -ENOENT);
		assert_int_equal(fib_set(&fib, &to, NEXTHOP_LOCAL + 60), 0);
		assert_int_equal(look(&fib, &inside), NEXTHOP_LOCAL + 60);
		// even with the very same answer it is the user's, and can be deleted once
		assert_int_equal(fib_set(&fib, &to, rows[i].built_in), 0);
		assert_int_equal(look(&fib, &inside), rows[i].built_in);
		assert_int_equal(fib_delete(&fib, &to), 0);
		assert_int_equal(look(&fib, &inside), rows[i].built_in);
		assert_int_equal(fib_delete(&fib, &to), -ENOENT);
	}
	fib_fini(&fib);
}

static void a_default_route_leaves_the_built_in_ones_alone(void **state)
{
	struct ip_prefix default4 = prefix("0.0.0.0/0"), default6 = prefix("::/0");
	struct ip_addr any4 = address("9.9.9.9"), any6 = address("2620:fe::fe");
	struct ip_addr loop4 = address("127.0.0.1"), loop6 = address("::1");

	assert_int_equal(fib_init(&fib, 1, 1), 0);
	assert_int_equal(fib_set(&fib, &default4, 5000), 0);
	assert_int_equal(fib_set(&fib, &default6, 6000), 0);
	assert_int_equal(look(&fib, &any4), 5000);
	assert_int_equal(look(&fib, &any6), 6000);
	assert_int_equal(look(&fib, &loop4), NEXTHOP_BLACKHOLE);
	assert_int_equal(look(&fib, &loop6), NEXTHOP_BLACKHOLE);
	assert_int_equal(fib_delete(&fib, &default4), 0);
	assert_int_equal(fib_delete(&fib, &default6), 0);
	assert_int_equal(look(&fib, &any4), NEXTHOP_NONE);
	assert_int_equal(look(&fib, &any6), NEXTHOP_NONE);
	fib_fini(&fib);
}

static void host_bits_of_a_prefix_do_not_count(void **state)
{
	struct ip_prefix written = prefix("10.1.2.3/24"), same = prefix("10.1.2.200/24");
	struct ip_prefix written6 = prefix("2001:db8::1/64"), same6 = prefix("2001:db8::2/64");
	struct ip_addr inside = address("10.1.2.99"), inside6 = address("2001:db8::99");

	assert_int_equal(fib_init(&fib, 4, 4), 0);
	assert_int_equal(fib_set(&fib, &written, 4100), 0);
	assert_int_equal(fib_set(&fib, &written6, 4100), 0);
	assert_int_equal(look(&fib, &inside), 4100);
	assert_int_equal(look(&fib, &inside6), 4100);
	assert_int_equal(fib_set(&fib, &same, 4101), 0);
	assert_int_equal(fib_set(&fib, &same6, 4101), 0);
	assert_int_equal(fib.n_routes4, 1);
	assert_int_equal(fib.n_routes6, 1);
	assert_int_equal(fib_delete(&fib, &written), 0);
	assert_int_equal(fib_delete(&fib, &written6), 0);
	assert_int_equal(look(&fib, &inside), NEXTHOP_NONE);
	assert_int_equal(look(&fib, &inside6), NEXTHOP_NONE);
	fib_fini(&fib);
}

static void nonsense_is_refused(void **state)
{
	struct ip_prefix good = prefix("10.0.0.0/8"), none = good, long4 = good;

	none.addr.family = IP_NONE;
	long4.len = 33;
	assert_int_equal(fib_init(&fib, 4, 4), 0);
	assert_int_equal(fib_set(&fib, &none, 4100), -EINVAL);
	assert_int_equal(fib_set(&fib, &long4, 4100), -EINVAL);
	assert_int_equal(fib_delete(&fib, &none), -EINVAL);
	assert_int_equal(fib_delete(&fib, &long4), -EINVAL);
	assert_int_equal(fib_set(&fib, &good, NEXTHOP_MAX + 1), -EINVAL);
	assert_int_equal(fib_set(&fib, &good, NEXTHOP_NONE), -EINVAL);
	assert_int_equal(fib_find(&fib, &good), NEXTHOP_NONE);
	assert_int_equal(fib_set(&fib, &good, NEXTHOP_MAX), 0);
	assert_int_equal(fib_find(&fib, &good), NEXTHOP_MAX);
	fib_fini(&fib);
}

static void several_tables_live_side_by_side(void **state)
{
	struct ip_prefix p = prefix("10.0.0.0/8");
	struct fib a, b;

	assert_int_equal(fib_init(&a, 8, 8), 0);
	assert_int_equal(fib_init(&b, 8, 8), 0);
	assert_int_equal(fib_set(&a, &p, 4100), 0);
	assert_int_equal(look(&a, &p.addr), 4100);
	assert_int_equal(look(&b, &p.addr), NEXTHOP_NONE);
	fib_fini(&a);
	fib_fini(&b);
	fib_fini(&b); // twice is fine
}

static void a_group_spreads_hashes_over_its_members(void **state)
{
	unsigned seen[3] = {0};

	assert_int_equal(fib_init(&fib, 8, 8), 0);
	fib.groups[7] = (struct nexthop_group){.n = 3, .codes = {5000, 5001, 5002}};
	for (unsigned i = 0; i < 3000; i++) {
		uint16_t code = nexthop_resolve(&fib, NEXTHOP_GROUP_BASE + 7, random32());

		assert_in_range(code, 5000, 5002);
		seen[code - 5000]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(seen[i], 800, 1200);
	assert_int_equal(nexthop_resolve(&fib, 5000, 1), 5000);
	assert_int_equal(nexthop_resolve(&fib, NEXTHOP_CONNECTED_BASE, 1), NEXTHOP_CONNECTED_BASE);
	fib_fini(&fib);
}

static void what_the_default_route_goes_by_is_at_hand(void **state)
{
	struct ip_prefix all4 = prefix("0.0.0.0/0"), all6 = prefix("::/0");
	struct ip_prefix some = prefix("198.18.0.0/15");

	assert_int_equal(fib_init(&fib, 2, 1), 0);
	assert_int_equal(fib_default(&fib, IP_V4), NEXTHOP_NONE);
	assert_int_equal(fib_set(&fib, &some, 4200), 0);
	assert_int_equal(fib_default(&fib, IP_V4), NEXTHOP_NONE);
	assert_int_equal(fib_set(&fib, &all4, 4300), 0);
	assert_int_equal(fib_set(&fib, &all6, 4600), 0);
	assert_int_equal(fib_set(&fib, &all4, 4400), 0);
	assert_int_equal(fib_default(&fib, IP_V4), 4400);
	assert_int_equal(fib_default(&fib, IP_V6), 4600);
	assert_int_equal(fib_set(&fib, &all4, NEXTHOP_NONE), -EINVAL);
	assert_int_equal(fib_default(&fib, IP_V4), 4400);
	assert_int_equal(fib_delete(&fib, &some), 0);
	assert_int_equal(fib_delete(&fib, &all6), 0);
	assert_int_equal(fib_default(&fib, IP_V4), 4400);
	assert_int_equal(fib_default(&fib, IP_V6), NEXTHOP_NONE);
	assert_int_equal(fib_delete(&fib, &all4), 0);
	assert_int_equal(fib_default(&fib, IP_V4), NEXTHOP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_no_router_forwards_is_built_in, fini),
		cmocka_unit_test_teardown(a_route_over_a_built_in_one_gives_way_to_it_again, fini),
		cmocka_unit_test_teardown(a_default_route_leaves_the_built_in_ones_alone, fini),
		cmocka_unit_test_teardown(what_the_default_route_goes_by_is_at_hand, fini),
		cmocka_unit_test_teardown(host_bits_of_a_prefix_do_not_count, fini),
		cmocka_unit_test_teardown(nonsense_is_refused, fini),
		cmocka_unit_test_teardown(several_tables_live_side_by_side, fini),
		cmocka_unit_test_teardown(a_group_spreads_hashes_over_its_members, fini),
	};

	if (eal_start("512") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
