// SPDX-License-Identifier: BSD-3-Clause
// What a forwarding table has room for: routes, blocks, and the memory that it takes for them.
#include <errno.h>

#include <rte_malloc.h>

#include "tests/unit/fib_fixture.h"

static void a_full_table_refuses_and_stays_as_it_was(void **state)
{
	struct ip_prefix p;

	assert_int_equal(fib_init(&fib, 8, 8), 0);
	for (unsigned i = 0; i < 8; i++) {
		p = prefix4(0x0a000000 + i, 32);
		assert_int_equal(fib_set(&fib, &p, 4100), 0);
	}
	p = prefix4(0x0a000000 + 8, 32);
	assert_int_equal(fib_set(&fib, &p, 4100), -ENOSPC);
	assert_int_equal(look(&fib, &p.addr), NEXTHOP_NONE);
	p = prefix4(0x0a000000, 32);
	assert_int_equal(fib_set(&fib, &p, 4200), 0); // replacing takes no room
	assert_int_equal(look(&fib, &p.addr), 4200);
	assert_int_equal(fib_delete(&fib, &p), 0);
	p = prefix4(0x0a000000 + 8, 32);
	assert_int_equal(fib_set(&fib, &p, 4100), 0);
	fib_fini(&fib);
}

// More networks with host routes in them than two bytes can name blocks.
static void running_out_of_blocks4_changes_nothing_and_recovers(void **state)
{
	struct ip_prefix p, default4 = prefix("0.0.0.0/0");
	uint32_t n = 0;

	assert_int_equal(fib_init(&fib, 40000, 1), 0);
	assert_int_equal(fib_set(&fib, &default4, 4099), 0);
	for (;; n++) {
		int ret;

		p = prefix4(0x0a000000 + (n << 8) + 77, 32);
		ret = fib_set(&fib, &p, 4100);
		if (ret != 0) {
			assert_int_equal(ret, -ENOSPC);
			break;
		}
	}
	assert_in_range(n, 32600, 32767);
	assert_int_equal(look(&fib, &p.addr), 4099);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(
			fib_lookup4(&fib, rte_cpu_to_be_32(0x0a000000 + (i << 8) + 77)), 4100);
		assert_int_equal(
			fib_lookup4(&fib, rte_cpu_to_be_32(0x0a000000 + (i << 8) + 78)), 4099);
	}
	p = prefix4(0x0a000000 + 78, 32); // a second one in a network that has its block
	assert_int_equal(fib_set(&fib, &p, 4101), 0);
	assert_int_equal(fib_set(&fib, &default4, 4098), 0); // touches every block
	assert_int_equal(fib_lookup4(&fib, rte_cpu_to_be_32(0x0a000000 + 79)), 4098);
	for (uint32_t i = 0; i < n; i++) {
		p = prefix4(0x0a000000 + (i << 8) + 77, 32);
		assert_int_equal(fib_delete(&fib, &p), 0);
	}
	for (uint32_t i = 0; i + 1 < n; i++) {
		p = prefix4(0x0b000000 + (i << 8) + 1, 32);
		assert_int_equal(fib_set(&fib, &p, 4100), 0);
	}
	fib_fini(&fib);
}

static void running_out_of_blocks6_changes_nothing_and_recovers(void **state)
{
	struct ip_prefix p;
	uint8_t ip[16] = {0x20};
	uint32_t blocks;
	unsigned n = 0;

	assert_int_equal(fib_init(&fib, 1, 400), 0);
	blocks = fib.n_blocks6;
	for (;; n++) {
		int ret;

		ip[1] = (uint8_t)n;
		ip[15] = 1;
		p = prefix6(ip, 128); // thirteen blocks, none of them shared
		ret = fib_set(&fib, &p, 4100);
		if (ret != 0) {
			assert_int_equal(ret, -ENOSPC);
			break;
		}
	}
	assert_in_range(n, 150, 399);
	assert_int_equal(look(&fib, &p.addr), NEXTHOP_NONE);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < n; i++) {
			ip[1] = (uint8_t)i;
			p = prefix6(ip, 128);
			assert_int_equal(look(&fib, &p.addr), 4100);
			assert_int_equal(fib_delete(&fib, &p), 0);
			assert_int_equal(look(&fib, &p.addr), NEXTHOP_NONE);
		}
		assert_int_equal(fib.n_blocks6, blocks);
		for (unsigned i = 0; i < n; i++) {
			ip[1] = (uint8_t)i;
			p = prefix6(ip, 128);
			assert_int_equal(fib_set(&fib, &p, 4100), 0);
		}
	}
	fib_fini(&fib);
}

// rte_fib's own count of blocks drifts here until it refuses everything.
static void routes_that_flap_for_days_still_find_room(void **state)
{
	struct ip_prefix outer = prefix("10.0.0.0/8"), host = prefix("10.1.2.3/32");
	struct ip_prefix outer6 = prefix("2001:db8::/32"), net6 = prefix("2001:db8:1:2::/64");

	assert_int_equal(fib_init(&fib, 8, 8), 0);
	assert_int_equal(fib_set(&fib, &outer, 4100), 0);
	assert_int_equal(fib_set(&fib, &outer6, 4100), 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint16_t code = (uint16_t)(4100 + i % 2); // every other time as the outer one says

		assert_int_equal(fib_set(&fib, &host, code), 0);
		assert_int_equal(fib_set(&fib, &net6, code), 0);
		assert_int_equal(look(&fib, &host.addr), code);
		assert_int_equal(look(&fib, &net6.addr), code);
		assert_int_equal(fib_delete(&fib, &host), 0);
		assert_int_equal(fib_delete(&fib, &net6), 0);
		assert_int_equal(look(&fib, &host.addr), 4100);
		assert_int_equal(look(&fib, &net6.addr), 4100);
	}
	fib_fini(&fib);
}

static uint64_t heap_bytes(void)
{
	uint64_t sum = 0;

	for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(socket, &stats) == 0)
			sum += stats.heap_allocsz_bytes;
	}
	return sum;
}

static void it_takes_the_memory_it_says(void **state)
{
	static const uint32_t rows[][2] = {{1, 1}, {1000, 1000}, {50000, 10}, {10, 20000}};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t says = fib_memory_bytes(rows[i][0], rows[i][1]);
		uint64_t before = heap_bytes(), took;

		assert_int_equal(fib_init(&fib, rows[i][0], rows[i][1]), 0);
		took = heap_bytes() - before;
		if (took > says + says / 20 || took < says - says / 20)
			fail_msg("%u and %u routes: says %zu, took %zu", rows[i][0], rows[i][1],
				(size_t)says, (size_t)took);
		fib_fini(&fib);
		assert_int_equal(heap_bytes(), before);
	}
}

static void a_table_too_large_for_the_memory_is_refused(void **state)
{
	uint64_t before = heap_bytes();

	assert_int_equal(fib_init(&fib, 1 << 25, 16), -ENOMEM);
	assert_int_equal(fib_init(&fib, UINT32_MAX, 16), -EINVAL);
	assert_int_equal(heap_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_full_table_refuses_and_stays_as_it_was, fini),
		cmocka_unit_test_teardown(
			running_out_of_blocks4_changes_nothing_and_recovers, fini),
		cmocka_unit_test_teardown(
			running_out_of_blocks6_changes_nothing_and_recovers, fini),
		cmocka_unit_test_teardown(routes_that_flap_for_days_still_find_room, fini),
		cmocka_unit_test_teardown(it_takes_the_memory_it_says, fini),
		cmocka_unit_test_teardown(a_table_too_large_for_the_memory_is_refused, fini),
	};

	if (eal_start("512") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
