// SPDX-License-Identifier: BSD-3-Clause
// Timed sets against a list gone through, and under readers that never stop. The last test is
// meant for ThreadSanitizer too:
//   CC=clang meson setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized
//   ninja -C build-tsan tests/unit/timed_set_test && build-tsan/tests/unit/timed_set_test
#include "dataplane/timed_set.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "tests/unit/slow_reader.h"
#include "tests/unit/text_addr.h"

static uint64_t draw(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool has(const struct timed_set *set, const struct ip_addr *addr, uint32_t now_sec)
{
	uint32_t addr_be;

	if (addr->family == IP_V6)
		return timed_set_has6(set, addr->v6, now_sec);
	memcpy(&addr_be, addr->v4, sizeof(addr_be));
	return timed_set_has4(set, addr_be, now_sec);
}

static bool has_text(const struct timed_set *set, const char *text, uint32_t now_sec)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return has(set, &addr, now_sec);
}

static int add_text(struct timed_set *set, const char *text, uint32_t deadline_sec)
{
	struct ip_prefix p = prefix(text);

	return timed_set_add(set, &p, deadline_sec);
}

static int delete_text(struct timed_set *set, const char *text)
{
	struct ip_prefix p = prefix(text);

	return timed_set_delete(set, &p);
}

static int setup(void **state)
{
	*state = timed_set_new(8, NULL);
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	timed_set_free(*state);
	return 0;
}

// --- one thing at a time ---

static void an_address_is_in_until_its_deadline(void **state)
{
	static const struct {
		uint32_t deadline_sec, now_sec;
		bool is_in;
	} rows[] = {
		{100, 0, true},
		{100, 99, true},
		{100, 100, false},
		{100, UINT32_MAX, false},
		{0, 0, false},
		{0x80000000, 0x7fffffff, true},
		{0x80000001, 0, true}, // more than half the clock away
		{0x7fffffff, 0x80000000, false},
		{UINT32_MAX - 1, UINT32_MAX - 2, true},
		{UINT32_MAX - 1, UINT32_MAX - 1, false},
		{TIMED_SET_FOREVER, 0, true},
		{TIMED_SET_FOREVER, UINT32_MAX, true},
	};
	struct timed_set *set = *state;

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		assert_int_equal(add_text(set, "198.51.100.7/32", rows[r].deadline_sec), 0);
		if (has_text(set, "198.51.100.7", rows[r].now_sec) != rows[r].is_in)
			fail_msg("row %u", r);
		assert_int_equal(
			timed_set_expire(set, rows[r].now_sec, UINT32_MAX), !rows[r].is_in);
		assert_int_equal(timed_set_count(set), rows[r].is_in);
		delete_text(set, "198.51.100.7/32");
	}
}

static void what_lasts_beyond_the_clock_lasts_for_ever(void **state)
{
	static const struct {
		uint32_t now_sec, for_sec, deadline_sec;
	} rows[] = {
		{100, 86400, 86500},
		{100, 0, 100},
		{UINT32_MAX - 10, 9, UINT32_MAX - 1},
		{UINT32_MAX - 10, 10, TIMED_SET_FOREVER},
		{UINT32_MAX - 10, 11, TIMED_SET_FOREVER},
		{UINT32_MAX, 0, TIMED_SET_FOREVER},
		{0, UINT32_MAX, TIMED_SET_FOREVER},
		{7, UINT32_MAX, TIMED_SET_FOREVER},
	};

	for (unsigned r = 0; r < RTE_DIM(rows); r++)
		assert_int_equal(
			timed_set_deadline(rows[r].now_sec, rows[r].for_sec), rows[r].deadline_sec);
}

static void prefixes_of_all_lengths_cover_what_is_theirs(void **state)
{
	static const struct {
		const char *prefix, *in[2], *out[2];
	} rows[] = {
		{"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1"}},
		{"::/0", {"::", "ffff::1"}, {"0.0.0.0", "255.255.255.255"}},
		{"198.51.100.7/24", {"198.51.100.0", "198.51.100.255"},
			{"198.51.99.255", "198.51.101.0"}},
		{"198.51.100.7/32", {"198.51.100.7", "198.51.100.7"},
			{"198.51.100.6", "198.51.100.8"}},
		{"128.0.0.0/1", {"128.0.0.0", "255.255.255.255"}, {"0.0.0.0", "127.255.255.255"}},
		{"2001:db8::/64", {"2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
			{"2001:db8:0:1::", "2001:db7:ffff:ffff::"}},
		{"2001:db8::/63", {"2001:db8::", "2001:db8:0:1::9"},
			{"2001:db8:0:2::", "2001:db7:ffff:ffff::"}},
		{"2001:db8::/65", {"2001:db8::", "2001:db8::7fff:ffff:ffff:ffff"},
			{"2001:db8::8000:0:0:0", "2001:db8:0:1::"}},
		{"2001:db8::7/128", {"2001:db8::7", "2001:db8::7"},
			{"2001:db8::6", "2001:db8:0:0:1::7"}},
		// the bits of an IPv4 address, of the other family
		{"c633:6407::/32", {"c633:6407::", "c633:6407::1"},
			{"198.51.100.7", "c633:6408::"}},
	};
	struct timed_set *set = *state;

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		assert_int_equal(add_text(set, rows[r].prefix, 100), 0);
		for (unsigned i = 0; i < 2; i++)
			if (!has_text(set, rows[r].in[i], 7) || has_text(set, rows[r].out[i], 7))
				fail_msg("%s", rows[r].prefix);
		assert_int_equal(delete_text(set, rows[r].prefix), 0);
		for (unsigned i = 0; i < 2; i++)
			assert_false(has_text(set, rows[r].in[i], 7));
	}
}

static void a_shorter_prefix_still_holds_when_a_longer_one_has_ended(void **state)
{
	struct timed_set *set = *state;

	add_text(set, "198.51.100.7/32", 10);
	add_text(set, "198.51.100.0/24", 20);
	assert_true(has_text(set, "198.51.100.7", 10));
	assert_int_equal(timed_set_expire(set, 10, UINT32_MAX), 1);
	assert_true(has_text(set, "198.51.100.7", 19));
	assert_false(has_text(set, "198.51.100.7", 20));
}

static void adding_again_never_shortens_but_replacing_does(void **state)
{
	struct timed_set *set = *state;
	const struct ip_prefix p = prefix("198.51.100.7/32");

	assert_int_equal(timed_set_add(set, &p, 100), 0);
	assert_int_equal(timed_set_add(set, &p, 50), 0);
	assert_true(has(set, &p.addr, 99));
	assert_int_equal(timed_set_add(set, &p, 200), 0);
	assert_true(has(set, &p.addr, 199));
	assert_int_equal(timed_set_replace(set, &p, 50), 0);
	assert_false(has(set, &p.addr, 50));
	assert_int_equal(timed_set_add(set, &p, TIMED_SET_FOREVER), 0);
	assert_int_equal(timed_set_add(set, &p, 300), 0);
	assert_true(has(set, &p.addr, UINT32_MAX));
	assert_int_equal(timed_set_count(set), 1);
}

static void a_full_set_refuses_and_keeps_what_it_has(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p = prefix("198.51.100.0/32");

	for (unsigned i = 0; i < 8; i++, p.addr.v4[3]++)
		assert_int_equal(timed_set_add(set, &p, 100 + i), 0);
	assert_int_equal(timed_set_add(set, &p, 100), -ENOSPC);
	assert_int_equal(timed_set_replace(set, &p, 100), -ENOSPC);
	assert_int_equal(add_text(set, "198.51.100.3/32", 500), 0); // is there already
	assert_false(has(set, &p.addr, 7));
	assert_int_equal(timed_set_count(set), 8);
	assert_int_equal(timed_set_expire(set, 101, UINT32_MAX), 2);
	assert_int_equal(timed_set_add(set, &p, 100), 0);
	assert_int_equal(timed_set_count(set), 7);
}

static void what_is_no_prefix_or_not_there_is_an_error(void **state)
{
	struct timed_set *set = *state;
	const struct ip_prefix wrong[] = {
		{.addr.family = IP_V4, .len = 33},
		{.addr.family = IP_V6, .len = 129},
		{.addr.family = IP_NONE},
		{.addr.family = 7, .len = 8},
	};

	for (unsigned i = 0; i < RTE_DIM(wrong); i++) {
		assert_int_equal(timed_set_add(set, &wrong[i], 100), -EINVAL);
		assert_int_equal(timed_set_delete(set, &wrong[i]), -EINVAL);
	}
	add_text(set, "198.51.100.0/24", 100);
	assert_int_equal(delete_text(set, "198.51.100.0/25"), -ENOENT);
	assert_int_equal(delete_text(set, "c633:6400::/24"), -ENOENT);
	assert_int_equal(delete_text(set, "198.51.100.99/24"), 0); // host bits
	assert_int_equal(delete_text(set, "198.51.100.0/24"), -ENOENT);
	assert_null(timed_set_new(0, NULL));
	assert_null(timed_set_new(TIMED_SET_CAPACITY_MAX + 1, NULL));
	timed_set_free(NULL);
}

// A set of one has one chain: nothing but the comparison keeps its keys apart.
static void families_and_lengths_are_told_apart(void **state)
{
	static const char *const others[] = {
		"0.0.0.0/0", "::/1", "0.0.0.0/2", "::/128", "128.0.0.0/1", "::1/128"};
	struct timed_set *set = timed_set_new(1, NULL);

	assert_int_equal(add_text(set, "0.0.0.0/1", 100), 0);
	for (unsigned i = 0; i < RTE_DIM(others); i++) {
		assert_int_equal(delete_text(set, others[i]), -ENOENT);
		assert_int_equal(add_text(set, others[i], 100), -ENOSPC);
	}
	assert_int_equal(add_text(set, "0.0.0.0/1", 100), 0);
	timed_set_free(set);
}

static void the_sweep_goes_on_where_its_budget_ended(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p = prefix("198.51.100.0/32");

	for (unsigned i = 0; i < 8; i++, p.addr.v4[3]++)
		timed_set_add(set, &p, i % 2 ? 10 : 20);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(timed_set_expire(set, 10, 2), 1);
		assert_int_equal(timed_set_count(set), 7 - i);
	}
	assert_int_equal(timed_set_expire(set, 10, UINT32_MAX), 0);
	assert_int_equal(timed_set_expire(set, 20, UINT32_MAX), 4);
	assert_int_equal(timed_set_expire(set, 20, 0), 0);
}

static void a_walk_meets_what_stays_once_whatever_else_changes(void **state)
{
	struct timed_set *set = *state;
	struct ip_prefix p;
	uint32_t cursor = 0, deadline_sec;
	unsigned n_stay = 0, n_seen = 0;

	assert_false(timed_set_next(set, &cursor, &p, &deadline_sec));
	add_text(set, "198.51.100.1/32", 101);
	add_text(set, "198.51.100.2/32", 102);
	add_text(set, "2001:db8::/64", 103);
	add_text(set, "0.0.0.0/0", 104);
	add_text(set, "2001:db8::1/128", TIMED_SET_FOREVER);
	for (cursor = 0; timed_set_next(set, &cursor, &p, &deadline_sec); n_seen++) {
		char text[ADDR_STR_BYTES];
		static const char *const stay[] = {
			"198.51.100.1/32", "2001:db8::/64", "2001:db8::1/128"};
		static const uint32_t deadlines[] = {101, 103, TIMED_SET_FOREVER};

		ip_prefix_str(&p, text);
		for (unsigned i = 0; i < RTE_DIM(stay); i++)
			if (strcmp(text, stay[i]) == 0) {
				assert_int_equal(deadline_sec, deadlines[i]);
				n_stay++;
			}
		delete_text(set, "198.51.100.2/32");
		delete_text(set, "0.0.0.0/0");
		add_text(set, "203.0.113.0/24", 100);
	}
	assert_int_equal(n_stay, 3);
	assert_in_range(n_seen, 3, 6);
	for (cursor = 0; timed_set_next(set, &cursor, &p, &deadline_sec);)
		assert_int_equal(timed_set_delete(set, &p), 0);
	assert_int_equal(timed_set_count(set), 0);
	cursor = 0;
	assert_false(timed_set_next(set, &cursor, &p, &deadline_sec));
	assert_false(has_text(set, "198.51.100.1", 0));
}

// --- everything at once, against a list ---

enum { MODEL_MAX = 100, OPERATIONS = 1000000 };

struct model {
	struct ip_prefix prefixes[MODEL_MAX]; // networks
	uint32_t deadlines[MODEL_MAX];
	unsigned n;
};

static unsigned model_find(const struct model *model, const struct ip_prefix *p)
{
	const struct ip_prefix network = ip_prefix_network(p);
	unsigned i = 0;

	while (i < model->n && (model->prefixes[i].len != network.len ||
				       !ip_addr_equal(&model->prefixes[i].addr, &network.addr)))
		i++;
	return i;
}

static bool model_has(const struct model *model, const struct ip_addr *addr, uint32_t now_sec)
{
	for (unsigned i = 0; i < model->n; i++)
		if (ip_prefix_contains(&model->prefixes[i], addr) &&
			(model->deadlines[i] == UINT32_MAX || now_sec < model->deadlines[i]))
			return true;
	return false;
}

static void model_delete(struct model *model, unsigned i)
{
	model->n--;
	model->prefixes[i] = model->prefixes[model->n];
	model->deadlines[i] = model->deadlines[model->n];
}

static int model_add(
	struct model *model, const struct ip_prefix *p, uint32_t deadline_sec, bool may_shorten)
{
	unsigned i = model_find(model, p);

	if (i == model->n && model->n == MODEL_MAX)
		return -ENOSPC;
	if (i == model->n) {
		model->prefixes[model->n++] = ip_prefix_network(p);
		model->deadlines[i] = deadline_sec;
	} else if (may_shorten || deadline_sec > model->deadlines[i]) {
		model->deadlines[i] = deadline_sec;
	}
	return 0;
}

static unsigned model_expire(struct model *model, uint32_t now_sec)
{
	unsigned n_ended = 0;

	for (unsigned i = model->n; i-- > 0;)
		if (model->deadlines[i] != UINT32_MAX && model->deadlines[i] <= now_sec) {
			model_delete(model, i);
			n_ended++;
		}
	return n_ended;
}

static struct ip_prefix draw_prefix(uint64_t *seed)
{
	static const uint8_t lens4[] = {0, 1, 8, 24, 31, 32, 32, 32};
	static const uint8_t lens6[] = {0, 1, 48, 63, 64, 65, 127, 128};
	struct ip_prefix p = {.addr.family = draw(seed) % 2 ? IP_V4 : IP_V6};
	unsigned n = ip_family_bits(p.addr.family) / 8;

	p.addr.bytes[0] = draw(seed) % 2 ? 0x80 : 0;
	for (unsigned i = n / 2 - 1; i <= n / 2; i++)
		p.addr.bytes[i] = draw(seed) % 3 << 6;
	p.addr.bytes[n - 1] = (uint8_t)draw(seed) % 8;
	// seldom the lengths that cover half of everything
	p.len = (p.addr.family == IP_V4
			 ? lens4
			 : lens6)[draw(seed) % 50 ? 2 + draw(seed) % 6 : draw(seed) % 2];
	return p;
}

static uint32_t draw_deadline(uint64_t *seed, uint32_t now_sec)
{
	if (draw(seed) % 16 == 0)
		return TIMED_SET_FOREVER;
	return timed_set_deadline(now_sec, (uint32_t)draw(seed) % 600);
}

static void compare_walk(const struct timed_set *set, const struct model *model)
{
	uint32_t cursor = 0, deadline_sec;
	struct ip_prefix p;
	unsigned n = 0;

	for (; timed_set_next(set, &cursor, &p, &deadline_sec); n++) {
		unsigned i = model_find(model, &p);

		assert_true(i < model->n);
		assert_int_equal(model->deadlines[i], deadline_sec);
	}
	assert_int_equal(n, model->n);
	assert_int_equal(timed_set_count(set), model->n);
}

static void a_million_operations_agree_with_a_list(void **state)
{
	struct timed_set *set = timed_set_new(MODEL_MAX, NULL);
	struct model model = {.n = 0};
	uint32_t now_sec = UINT32_MAX - OPERATIONS / 20; // comes near the end of the clock
	uint64_t seed = 1, n_refused = 0, n_in = 0, n_lookups = 0;

	for (unsigned k = 0; k < OPERATIONS; k++) {
		struct ip_prefix p = draw_prefix(&seed);
		unsigned what = (unsigned)draw(&seed) % 1000;
		uint32_t deadline_sec = draw_deadline(&seed, now_sec);
		unsigned i = model_find(&model, &p);
		int wanted;

		now_sec += draw(&seed) % 21 == 0;
		if (what < 200) {
			wanted = model_add(&model, &p, deadline_sec, false);
			assert_int_equal(timed_set_add(set, &p, deadline_sec), wanted);
			n_refused += wanted == -ENOSPC;
		} else if (what < 250) {
			wanted = model_add(&model, &p, deadline_sec, true);
			assert_int_equal(timed_set_replace(set, &p, deadline_sec), wanted);
			n_refused += wanted == -ENOSPC;
		} else if (what < 350) {
			assert_int_equal(timed_set_delete(set, &p), i < model.n ? 0 : -ENOENT);
			if (i < model.n)
				model_delete(&model, i);
		} else if (what < 352) {
			assert_int_equal(timed_set_expire(set, now_sec, UINT32_MAX),
				model_expire(&model, now_sec));
			compare_walk(set, &model);
		} else {
			bool is_in = model_has(&model, &p.addr, now_sec);

			if (has(set, &p.addr, now_sec) != is_in)
				fail_msg("operation %u: %d", k, !is_in);
			n_in += is_in;
			n_lookups++;
		}
	}
	compare_walk(set, &model);
	assert_true(n_refused > 1000);
	assert_in_range(n_in, n_lookups / 10, n_lookups - n_lookups / 10);
	timed_set_free(set);
}

// --- readers ---

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
	unsigned n_places = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, slow_reader_run, &reader), 0);
	while (!atomic_load(&reader.is_there))
		;
	for (; !atomic_load(&reader.has_passed); n_places++, p.addr.v4[3]++) {
		assert_int_equal(timed_set_add(set, &p, 100), 0);
		assert_int_equal(timed_set_delete(set, &p), 0);
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
#define EIGHT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		EIGHT(an_address_is_in_until_its_deadline),
		cmocka_unit_test(what_lasts_beyond_the_clock_lasts_for_ever),
		EIGHT(prefixes_of_all_lengths_cover_what_is_theirs),
		EIGHT(a_shorter_prefix_still_holds_when_a_longer_one_has_ended),
		EIGHT(adding_again_never_shortens_but_replacing_does),
		EIGHT(a_full_set_refuses_and_keeps_what_it_has),
		EIGHT(what_is_no_prefix_or_not_there_is_an_error),
		cmocka_unit_test(families_and_lengths_are_told_apart),
		EIGHT(the_sweep_goes_on_where_its_budget_ended),
		EIGHT(a_walk_meets_what_stays_once_whatever_else_changes),
		cmocka_unit_test(a_million_operations_agree_with_a_list),
		cmocka_unit_test(no_place_is_used_again_before_every_reader_has_passed),
		cmocka_unit_test(readers_miss_nothing_and_see_nothing_else_while_the_set_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
