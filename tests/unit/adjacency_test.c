// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/adjacency.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <rte_malloc.h>

#include "tests/unit/eal.h"
#include "tests/unit/slow_reader.h"

static const struct mac_addr own = {{0x02, 0, 0, 0, 0xaa, 0xbb}};
static const struct mac_addr peer = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};

static struct adjacency_table table;

static struct ip_addr addr4(uint32_t ip)
{
	struct ip_addr addr = {.family = IP_V4};
	uint32_t be = rte_cpu_to_be_32(ip);

	memcpy(addr.v4, &be, sizeof(be));
	return addr;
}

static struct ip_addr addr6(uint32_t low)
{
	struct ip_addr addr = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}};
	uint32_t be = rte_cpu_to_be_32(low);

	memcpy(addr.v6 + 12, &be, sizeof(be));
	return addr;
}

// To a worker that begins a turn now.
static bool is_known(uint16_t i)
{
	return adjacency_known_at(&table.entries[i]) > table.next_known;
}

static int setup(void **state)
{
	return adjacency_table_init(&table, NULL);
}

static int teardown(void **state)
{
	adjacency_table_fini(&table);
	return 0;
}

static void an_unknown_neighbour_is_made_unresolved_with_our_side_filled_in(void **state)
{
	struct ip_addr a = addr4(0xc6336401);
	uint16_t i = adjacency_get(&table, 3, &a, &own, 1400);
	struct adjacency *adj = &table.entries[i];

	assert_int_not_equal(i, ADJACENCY_NONE);
	assert_false(is_known(i));
	assert_int_equal(adj->iface, 3);
	assert_int_equal(adj->mtu, 1400);
	assert_true(ip_addr_equal(&adj->addr, &a));
	assert_memory_equal(&adj->eth.src_addr, own.bytes, 6);
	assert_int_equal(adj->eth.ether_type, rte_cpu_to_be_16(0x0800));
	assert_int_equal(adj->n_refs, 0);
}

static void an_ip6_neighbour_has_the_type_of_ip6(void **state)
{
	struct ip_addr a = addr6(1);
	uint16_t i = adjacency_get(&table, 3, &a, &own, 1500);

	assert_int_equal(table.entries[i].eth.ether_type, rte_cpu_to_be_16(0x86dd));
}

static void a_neighbour_is_found_by_its_address_and_interface(void **state)
{
	struct ip_addr a = addr4(0xc6336401), b = addr4(0xc6336402), c = addr6(1);
	uint16_t on0 = adjacency_get(&table, 0, &a, &own, 1500);
	uint16_t on1 = adjacency_get(&table, 1, &a, &own, 1500);
	uint16_t six = adjacency_get(&table, 0, &c, &own, 1500);

	assert_true(on0 != on1 && on1 != six && on0 != six);
	assert_int_equal(adjacency_find(&table, 0, &a), on0);
	assert_int_equal(adjacency_find(&table, 1, &a), on1);
	assert_int_equal(adjacency_find(&table, 0, &c), six);
	assert_int_equal(adjacency_find(&table, 2, &a), ADJACENCY_NONE);
	assert_int_equal(adjacency_find(&table, 0, &b), ADJACENCY_NONE);
	assert_int_equal(adjacency_get(&table, 0, &a, &own, 1500), on0);
}

static void bytes_behind_an_ip4_address_do_not_matter(void **state)
{
	struct ip_addr a = addr4(0xc6336401), b = a;
	uint16_t i = adjacency_get(&table, 0, &a, &own, 1500);

	memset(b.bytes + 4, 0x5a, 12);
	assert_int_equal(adjacency_find(&table, 0, &b), i);
	assert_int_equal(adjacency_get(&table, 0, &b, &own, 1500), i);
}

static void resolving_completes_the_ethernet_header(void **state)
{
	static const uint8_t want[14] = {
		0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x02, 0, 0, 0, 0xaa, 0xbb, 0x08, 0x00};
	struct ip_addr a = addr4(0xc6336401);
	uint16_t i = adjacency_get(&table, 0, &a, &own, 1500);
	uint8_t frame[16];

	memset(frame, 0xee, sizeof(frame));
	adjacency_resolve(&table, &table.entries[i], &peer);
	assert_true(is_known(i));
	adjacency_write_eth(&table.entries[i], (struct rte_ether_hdr *)frame);
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(frame[14], 0xee); // not a byte more
}

static void a_neighbour_that_moves_is_resolved_again_in_place(void **state)
{
	static const struct mac_addr other = {{0x02, 9, 9, 9, 9, 9}};
	struct ip_addr a = addr4(0xc6336401);
	uint16_t i = adjacency_get(&table, 0, &a, &own, 1500);

	adjacency_resolve(&table, &table.entries[i], &peer);
	adjacency_resolve(&table, &table.entries[i], &other);
	assert_true(is_known(i));
	assert_memory_equal(&table.entries[i].eth.dst_addr, other.bytes, 6);
	assert_memory_equal(&table.entries[i].eth.src_addr, own.bytes, 6);
}

static void a_removed_neighbour_is_gone_and_its_place_is_clean(void **state)
{
	struct ip_addr a = addr4(0xc6336401), b = addr4(0xc6336402);
	uint16_t i = adjacency_get(&table, 0, &a, &own, 1500), j;

	adjacency_resolve(&table, &table.entries[i], &peer);
	table.entries[i].n_refs = 4;
	table.entries[i].is_neighbour = 1;
	adjacency_remove(&table, i);
	assert_int_equal(adjacency_find(&table, 0, &a), ADJACENCY_NONE);
	assert_false(is_known(i));
	adjacency_remove(&table, i); // once more changes nothing
	assert_int_equal(table.n_free, ADJACENCIES_MAX);
	j = adjacency_get(&table, 0, &b, &own, 1500);
	assert_int_equal(j, i);
	assert_false(is_known(j));
	assert_int_equal(table.entries[j].n_refs, 0);
	assert_int_equal(table.entries[j].is_neighbour, 0);
}

static void a_full_table_refuses_until_one_leaves(void **state)
{
	struct ip_addr one_more = addr4(0x0b000000), gone = addr4(0x0a000000 + 77);

	for (uint32_t i = 0; i < ADJACENCIES_MAX; i++) {
		struct ip_addr a = i % 2 == 0 ? addr6(i) : addr4(0x0a000000 + i);

		assert_int_not_equal(
			adjacency_get(&table, (uint8_t)(i % 5 == 77 % 5 ? 2 : 0), &a, &own, 1500),
			ADJACENCY_NONE);
	}
	assert_int_equal(adjacency_get(&table, 0, &one_more, &own, 1500), ADJACENCY_NONE);
	assert_int_equal(adjacency_find(&table, 0, &one_more), ADJACENCY_NONE);
	adjacency_remove(&table, adjacency_find(&table, 2, &gone));
	assert_int_not_equal(adjacency_get(&table, 0, &one_more, &own, 1500), ADJACENCY_NONE);
	for (uint32_t i = 0; i < ADJACENCIES_MAX; i++) {
		struct ip_addr a = i % 2 == 0 ? addr6(i) : addr4(0x0a000000 + i);
		uint16_t found = adjacency_find(&table, (uint8_t)(i % 5 == 77 % 5 ? 2 : 0), &a);

		if (i == 77)
			assert_int_equal(found, ADJACENCY_NONE);
		else
			assert_true(ip_addr_equal(&table.entries[found].addr, &a));
	}
}

// A scan of a subnet, for hours: places and hash slots all come back.
static void neighbours_that_come_and_go_leave_nothing_behind(void **state)
{
	for (uint32_t i = 0; i < 5 * ADJACENCIES_MAX; i++) {
		struct ip_addr a = addr6(i);
		uint16_t at = adjacency_get(&table, 0, &a, &own, 1500);

		assert_int_not_equal(at, ADJACENCY_NONE);
		adjacency_remove(&table, at);
	}
	assert_int_equal(table.n_free, ADJACENCIES_MAX);
	assert_int_equal(rte_hash_count(table.index), 0);
}

static void an_index_out_of_range_is_ignored(void **state)
{
	adjacency_remove(&table, ADJACENCY_NONE);
	adjacency_remove(&table, ADJACENCIES_MAX);
	assert_int_equal(table.n_free, ADJACENCIES_MAX);
}

static void a_table_that_was_never_made_can_be_freed(void **state)
{
	struct adjacency_table none = {0};

	adjacency_table_fini(&none);
}

static void a_place_is_free_only_when_every_worker_has_passed_by(void **state)
{
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	struct slow_reader reader = {.rcu = rcu};
	struct ip_addr a = addr4(0xc6336401);
	pthread_t thread;
	uint16_t i;

	assert_non_null(rcu);
	assert_int_equal(rte_rcu_qsbr_init(rcu, 1), 0);
	adjacency_table_fini(&table);
	assert_int_equal(adjacency_table_init(&table, rcu), 0);
	i = adjacency_get(&table, 0, &a, &own, 1500);
	thread = slow_reader_start(&reader);
	atomic_store(&reader.may_pass, true);
	adjacency_remove(&table, i);
	assert_true(atomic_load(&reader.has_passed));
	pthread_join(thread, NULL);
	for (uint32_t n = 0; n < 3 * ADJACENCIES_MAX; n++) { // hash slots come back here too
		a = addr4(n);
		adjacency_remove(&table, adjacency_get(&table, 0, &a, &own, 1500));
	}
	assert_int_equal(table.n_free, ADJACENCIES_MAX);
	adjacency_table_fini(&table);
	rte_free(rcu);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_unknown_neighbour_is_made_unresolved_with_our_side_filled_in),
		TEST(an_ip6_neighbour_has_the_type_of_ip6),
		TEST(a_neighbour_is_found_by_its_address_and_interface),
		TEST(bytes_behind_an_ip4_address_do_not_matter),
		TEST(resolving_completes_the_ethernet_header),
		TEST(a_neighbour_that_moves_is_resolved_again_in_place),
		TEST(a_removed_neighbour_is_gone_and_its_place_is_clean),
		TEST(a_full_table_refuses_until_one_leaves),
		TEST(neighbours_that_come_and_go_leave_nothing_behind),
		TEST(an_index_out_of_range_is_ignored),
		TEST(a_table_that_was_never_made_can_be_freed),
		TEST(a_place_is_free_only_when_every_worker_has_passed_by),
	};
#undef TEST

	if (eal_start("64") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
