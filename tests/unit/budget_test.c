// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "control/budget.h"

#define MIB (UINT64_C(1) << 20)

// Two ports on packet sockets and one worker, as in a house.
struct house {
	struct cfg_port ports[40];
	struct config config;
	struct cores cores;
	struct neighbour_limits neighbours;
	struct budget budget;
	struct error err;
};

static int setup(void **state)
{
	struct house *house = calloc(1, sizeof(*house));

	if (house == NULL)
		return -1;
	house->config.ports = house->ports;
	house->config.n_ports = 2;
	house->cores.n_workers = 1;
	for (unsigned i = 0; i < 40; i++)
		house->ports[i].driver = CFG_DRIVER_AF_PACKET;
	*state = house;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int make(struct house *house, uint64_t machine_bytes)
{
	return budget_make(&house->budget, &house->config, &house->cores, &house->neighbours,
		machine_bytes, &house->err);
}

static uint64_t taken(const struct budget *budget)
{
	return budget->dataplane_bytes + budget->packet_bytes + budget->rings_bytes;
}

static void a_machine_of_512_mib_needs_no_tuning(void **state)
{
	struct house *house = *state;

	house->ports[0].driver = house->ports[1].driver = CFG_DRIVER_AUTO;
	assert_int_equal(make(house, 440 * MIB), 0); // what the kernel leaves of it
	assert_int_equal(house->budget.dataplane.flow_capacity, 262144);
	assert_true(taken(&house->budget) <= 440 * MIB / 8 * 5);
	assert_true(house->budget.dataplane.routes4_max >= 10000);
}

static void more_memory_makes_larger_tables(void **state)
{
	static const uint64_t machines[] = {440 * MIB, 960 * MIB, 4096 * MIB};
	struct house *house = *state;
	uint32_t before = 0;

	for (unsigned i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		assert_int_equal(make(house, machines[i]), 0);
		assert_true(house->budget.dataplane.routes4_max > before);
		assert_true(taken(&house->budget) <= machines[i] / 8 * 5);
		before = house->budget.dataplane.routes4_max;
	}
}

static void more_flows_than_there_is_memory_for_are_fewer(void **state)
{
	struct house *house = *state;

	house->config.flow_capacity = 4000000;
	assert_int_equal(make(house, 16384 * MIB), 0);
	assert_int_equal(house->budget.dataplane.flow_capacity, 4000000);
	assert_int_equal(make(house, 440 * MIB), 0);
	assert_int_equal(house->budget.flows_wanted, 4000000);
	assert_in_range(house->budget.dataplane.flow_capacity, 100000, 3999999);
	assert_true(taken(&house->budget) <= 440 * MIB / 8 * 5);
}

static void a_machine_without_room_for_the_least_is_told_so(void **state)
{
	struct house *house = *state;

	assert_int_equal(make(house, 160 * MIB), -1);
	assert_non_null(strstr(house->err.text, "100 MiB"));
	house->config.n_ports = 40;
	assert_int_equal(make(house, 440 * MIB), -1);
	assert_non_null(strstr(house->err.text, "fewer ports"));
}

static void where_nobody_says_how_much_there_is_it_is_little(void **state)
{
	struct house *house = *state;

	assert_int_equal(make(house, 0), 0);
	assert_int_equal(house->budget.dataplane.flow_capacity, 262144);
	assert_true(taken(&house->budget) <= 440 * MIB / 8 * 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_machine_of_512_mib_needs_no_tuning),
		TEST(more_memory_makes_larger_tables),
		TEST(more_flows_than_there_is_memory_for_are_fewer),
		TEST(a_machine_without_room_for_the_least_is_told_so),
		TEST(where_nobody_says_how_much_there_is_it_is_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
