// SPDX-License-Identifier: BSD-3-Clause
// Lookups while routes change: what is freed is not used again before every reader has passed by.
#include <pthread.h>
#include <stdatomic.h>

#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "tests/unit/fib_fixture.h"
#include "tests/unit/slow_reader.h"

struct reader {
	struct fib *fib;
	struct rte_rcu_qsbr *rcu;
	struct ip_prefix host, net;
	_Atomic bool is_done;
	uint64_t n_looked, n_wrong4, n_wrong6;
};

static void *reader_run(void *arg)
{
	struct reader *reader = arg;

	rte_rcu_qsbr_thread_register(reader->rcu, 0);
	rte_rcu_qsbr_thread_online(reader->rcu, 0);
	while (!atomic_load(&reader->is_done)) {
		for (unsigned i = 0; i < 64; i++) {
			uint16_t code6 = look(reader->fib, &reader->net.addr);

			reader->n_wrong4 += look(reader->fib, &reader->host.addr) != 4200;
			reader->n_wrong6 += code6 != 4200 && code6 != NEXTHOP_NONE;
			reader->n_looked++;
		}
		rte_rcu_qsbr_quiescent(reader->rcu, 0);
	}
	rte_rcu_qsbr_thread_offline(reader->rcu, 0);
	rte_rcu_qsbr_thread_unregister(reader->rcu, 0);
	return NULL;
}

// Blocks are freed and used again all the time, next to two routes that stay.
static void a_reader_is_never_led_astray_by_changes_next_to_it(void **state)
{
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	struct reader reader = {
		.rcu = rcu, .host = prefix("10.1.2.3/24"), .net = prefix("2001:db8:1:2::/48")};
	struct ip_prefix flaps[] = {prefix("10.1.2.77/32"), prefix("10.9.2.77/32"),
		prefix("2001:db8:1:ff::/64"), prefix("2001:db8:9:ff::/64")};
	pthread_t thread;

	assert_non_null(rcu);
	assert_int_equal(rte_rcu_qsbr_init(rcu, 1), 0);
	assert_int_equal(fib_init(&fib, 16, 16), 0);
	fib.rcu = rcu;
	reader.fib = &fib;
	assert_int_equal(fib_set(&fib, &reader.host, 4200), 0);
	assert_int_equal(fib_set(&fib, &reader.net, 4200), 0);
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
	for (unsigned i = 0; i < 4000; i++) {
		for (unsigned j = 0; j < RTE_DIM(flaps); j++)
			assert_int_equal(fib_set(&fib, &flaps[j], 4300), 0);
		for (unsigned j = 0; j < RTE_DIM(flaps); j++)
			assert_int_equal(fib_delete(&fib, &flaps[j]), 0);
	}
	atomic_store(&reader.is_done, true);
	pthread_join(thread, NULL);
	assert_true(reader.n_looked > 1000);
	assert_int_equal(reader.n_wrong4, 0);
	assert_int_equal(reader.n_wrong6, 0);
	fib_fini(&fib);
	rte_free(rcu);
}

static void a_change_waits_for_who_may_still_read_what_the_last_one_freed(void **state)
{
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	struct slow_reader reader = {.rcu = rcu};
	struct ip_prefix p = prefix("10.1.2.77/32");
	pthread_t thread;

	assert_non_null(rcu);
	assert_int_equal(rte_rcu_qsbr_init(rcu, 1), 0);
	assert_int_equal(fib_init(&fib, 16, 16), 0);
	fib.rcu = rcu;
	thread = slow_reader_start(&reader);
	assert_int_equal(fib_set(&fib, &p, 4300), 0); // the first has nothing to wait for
	atomic_store(&reader.may_pass, true);
	assert_int_equal(fib_delete(&fib, &p), 0);
	assert_true(atomic_load(&reader.has_passed));
	pthread_join(thread, NULL);
	fib_fini(&fib);
	rte_free(rcu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_reader_is_never_led_astray_by_changes_next_to_it, fini),
		cmocka_unit_test_teardown(
			a_change_waits_for_who_may_still_read_what_the_last_one_freed, fini),
	};

	if (eal_start("512") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
