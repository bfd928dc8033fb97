// SPDX-License-Identifier: BSD-3-Clause
// Timed sets under readers that never stop. The last test is meant for ThreadSanitizer too:
//   CC=clang meson setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized
//   ninja -C build-tsan tests/unit/timed_set_readers_test
//   build-tsan/tests/unit/timed_set_readers_test
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "tests/unit/draw.h"
#include "tests/unit/slow_reader.h"
#include "tests/unit/timed_set_fixture.h"

static struct rte_rcu_qsbr *rcu_new(unsigned n_readers)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(n_readers);
	struct rte_rcu_qsbr *rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);

	assert_non_null(rcu);
	assert_int_equal(rte_rcu_qsbr_init(rcu, n_readers), 0);
	return rcu;
}

static void no_place_is_used_again_before_every_reader_has_passed(void **state)
{
	struct slow_reader reader = {.rcu = rcu_new(1)};
	struct timed_set *set = timed_set_new(1, reader.rcu);
	struct ip_prefix p = prefix("198.51.100.0/32");
	pthread_t thread = slow_reader_start(&reader);
	unsigned n_places = 0;

	for (; !atomic_load(&reader.has_passed); n_places++, p.addr.v4[3]++) {
		assert_int_equal(timed_set_add(set, &p, 100), 0);
		assert_int_equal(timed_set_delete(set, &p), 0);
		atomic_store(&reader.may_pass, n_places > 0); // the first ones wait for nobody
	}
	// the one that had to wait came back only now
	assert_in_range(n_places, 2, 300);
	pthread_join(thread, NULL);
	timed_set_free(set);
	free(reader.rcu);
}

enum {
	READERS = 2,
	STEADY = 40,
	CHURNED = 400,
	CHURNS = 100000,
	READ_TURN = 32, // lookups between two times that a reader passes by
};

struct reading {
	struct timed_set *set;
	struct rte_rcu_qsbr *rcu;
	unsigned id;
	_Atomic bool *must_stop;
	uint64_t n_lookups, n_missed, n_invented;
};

// Every other one is an IPv6 prefix; of three parts of 198.51/16 and 2001:db8::/48.
static struct ip_prefix reader_prefix(unsigned part, unsigned i)
{
	struct ip_prefix p = {.addr = {.family = IP_V4, .bytes = {198, 51}}, .len = 32};

	if (i % 2 == 0)
		p = (struct ip_prefix){
			.addr = {.family = IP_V6, .v6 = {0x20, 0x01, 0x0d, 0xb8}}, .len = 64};
	p.addr.bytes[i % 2 == 0 ? 6 : 2] = (uint8_t)(part << 4 | i >> 8);
	p.addr.bytes[i % 2 == 0 ? 7 : 3] = (uint8_t)i;
	return p;
}

static void *read_on(void *arg)
{
	struct reading *r = arg;
	uint64_t seed = r->id;

	rte_rcu_qsbr_thread_register(r->rcu, r->id);
	rte_rcu_qsbr_thread_online(r->rcu, r->id);
	while (!atomic_load_explicit(r->must_stop, memory_order_relaxed)) {
		for (unsigned i = 0; i < READ_TURN; i++) {
			struct ip_prefix steady = reader_prefix(0, (unsigned)draw(&seed) % STEADY);
			struct ip_prefix churned =
				reader_prefix(1, (unsigned)draw(&seed) % CHURNED);
			struct ip_prefix never = reader_prefix(2, (unsigned)draw(&seed) % CHURNED);

			r->n_missed += !has(r->set, &steady.addr, 7);
			// has a deadline of 100: may be there before, never after
			has(r->set, &churned.addr, 7);
			r->n_invented += has(r->set, &churned.addr, 100);
			r->n_invented += has(r->set, &never.addr, 7);
		}
		r->n_lookups += READ_TURN;
		rte_rcu_qsbr_quiescent(r->rcu, r->id);
	}
	rte_rcu_qsbr_thread_offline(r->rcu, r->id);
	rte_rcu_qsbr_thread_unregister(r->rcu, r->id);
	return NULL;
}

static void readers_miss_nothing_and_see_nothing_else_while_the_set_changes(void **state)
{
	struct rte_rcu_qsbr *rcu = rcu_new(READERS);
	struct timed_set *set = timed_set_new(STEADY + CHURNED / 2, rcu);
	struct reading readings[READERS];
	pthread_t threads[READERS];
	_Atomic bool must_stop = false;
	uint64_t seed = 99;

	for (unsigned i = 0; i < STEADY; i++) {
		struct ip_prefix p = reader_prefix(0, i);

		assert_int_equal(timed_set_add(set, &p, 1000), 0);
	}
	for (unsigned i = 0; i < READERS; i++) {
		readings[i] =
			(struct reading){.set = set, .rcu = rcu, .id = i, .must_stop = &must_stop};
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
	}
	for (unsigned k = 0; k < CHURNS; k++) {
		struct ip_prefix p = reader_prefix(1, (unsigned)draw(&seed) % CHURNED);
		struct ip_prefix steady = reader_prefix(0, k % STEADY);

		if (timed_set_delete(set, &p) != 0 && timed_set_add(set, &p, 100) == -ENOSPC)
			assert_int_equal(timed_set_expire(set, 100, UINT32_MAX), CHURNED / 2);
		if (k % 16 == 0)
			timed_set_replace(set, &steady, 1000 + k);
	}
	atomic_store(&must_stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(readings[i].n_lookups > 0);
		assert_int_equal(readings[i].n_missed, 0);
		assert_int_equal(readings[i].n_invented, 0);
	}
	timed_set_free(set);
	free(rcu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_place_is_used_again_before_every_reader_has_passed),
		cmocka_unit_test(readers_miss_nothing_and_see_nothing_else_while_the_set_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
