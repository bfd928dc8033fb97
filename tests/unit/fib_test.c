// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fib.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include "tests/unit/eal.h"
#include "tests/unit/random.h"
#include "tests/unit/slow_reader.h"
#include "tests/unit/text_addr.h"

enum { MODEL_ROUTES_MAX = 600, CODES = 6, BATCH_MAX = 67 };

// The table under test: file-wide, so that a test that fails half-way leaves none behind.
static struct fib fib;

static struct ip_prefix prefix4(uint32_t ip, uint8_t len)
{
	struct ip_prefix p = {.addr.family = IP_V4, .len = len};
	uint32_t be = rte_cpu_to_be_32(ip);

	memcpy(p.addr.v4, &be, sizeof(be));
	return p;
}

static struct ip_prefix prefix6(const uint8_t ip[16], uint8_t len)
{
	struct ip_prefix p = {.addr.family = IP_V6, .len = len};

	memcpy(p.addr.v6, ip, 16);
	return p;
}

static uint16_t look(const struct fib *table, const struct ip_addr *addr)
{
	uint32_t be;

	if (addr->family == IP_V6)
		return fib_lookup6(table, addr->v6);
	memcpy(&be, addr->v4, sizeof(be));
	return fib_lookup4(table, be);
}

// --- the model: a list of prefixes, searched from end to end ---
struct model {
	struct {
		struct ip_prefix to;
		uint16_t code;
	} routes[MODEL_ROUTES_MAX];
	unsigned n;
};

static bool covers(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	for (unsigned bit = 0; bit < prefix->len; bit++)
		if (((prefix->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) >> (7 - bit % 8) & 1) !=
			0)
			return false;
	return prefix->addr.family == addr->family;
}

static int model_find(const struct model *model, const struct ip_prefix *to)
{
	for (unsigned i = 0; i < model->n; i++)
		if (model->routes[i].to.len == to->len && covers(to, &model->routes[i].to.addr))
			return (int)i;
	return -1;
}

static const struct {
	const char *to;
	uint16_t code;
} builtins[] = {
	{"0.0.0.0/8", NEXTHOP_BLACKHOLE},
	{"127.0.0.0/8", NEXTHOP_BLACKHOLE},
	{"224.0.0.0/4", NEXTHOP_MULTICAST},
	{"240.0.0.0/4", NEXTHOP_BLACKHOLE},
	{"255.255.255.255/32", NEXTHOP_MULTICAST},
	{"::/128", NEXTHOP_BLACKHOLE},
	{"::1/128", NEXTHOP_BLACKHOLE},
	{"fe80::/10", NEXTHOP_LOCAL},
	{"ff00::/8", NEXTHOP_MULTICAST},
};

static uint16_t model_lookup(const struct model *model, const struct ip_addr *addr)
{
	uint16_t code = NEXTHOP_NONE;
	int best = -1;

	for (unsigned i = 0; i < model->n; i++) {
		if (model->routes[i].to.len > best && covers(&model->routes[i].to, addr)) {
			best = model->routes[i].to.len;
			code = model->routes[i].code;
		}
	}
	for (unsigned i = 0; i < RTE_DIM(builtins); i++) {
		struct ip_prefix to = prefix(builtins[i].to);

		if (to.len > best && covers(&to, addr)) {
			best = to.len;
			code = builtins[i].code;
		}
	}
	return code;
}

static void model_set(struct model *model, const struct ip_prefix *to, uint16_t code)
{
	int i = model_find(model, to);

	if (i < 0)
		i = (int)model->n++;
	model->routes[i].to = *to;
	model->routes[i].code = code;
}

static void model_delete(struct model *model, const struct ip_prefix *to)
{
	int i = model_find(model, to);

	assert_true(i >= 0);
	model->routes[i] = model->routes[--model->n];
}

// --- random routes that lie on and next to each other ---
static struct ip_prefix random_prefix4(void)
{
	static const uint8_t lens[] = {
		0, 0, 1, 2, 3, 8, 15, 16, 17, 22, 23, 24, 25, 26, 28, 30, 31, 32, 32};
	// few different bits, so that routes nest and touch
	uint32_t ip = 0x0a000000 | (random32() & 0x01030301) | (random32() & 0x000000f3);

	if (random32() % 8 == 0) // next to what is built in at the end of the address space
		ip |= 0xdfffff00;
	return prefix4(ip, lens[random32() % RTE_DIM(lens)]);
}

static struct ip_prefix random_prefix6(void)
{
	static const uint8_t lens[] = {0, 0, 1, 3, 7, 8, 12, 23, 24, 25, 31, 32, 33, 47, 48, 49, 56,
		60, 63, 64, 65, 72, 95, 96, 104, 120, 121, 127, 128, 128};
	uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8};

	for (unsigned i = 3; i < 16; i++)
		if (random32() % 3 == 0)
			ip[i] = (uint8_t)(random32() % 2 == 0 ? 0xff : random32() & 0x81);
	if (random32() % 8 == 0)
		memset(ip, 0xff, random32() % 16);
	return prefix6(ip, lens[random32() % RTE_DIM(lens)]);
}

// An address in a route, at one of its ends, or just beyond one.
static struct ip_addr near_to(const struct ip_prefix *prefix)
{
	struct ip_addr addr = prefix->addr;
	unsigned bytes = addr.family == IP_V4 ? 4 : 16;
	uint32_t kind = random32() % 5;

	for (unsigned bit = prefix->len; bit < bytes * 8; bit++) {
		uint8_t mask = (uint8_t)(1 << (7 - bit % 8));
		bool set = kind == 0 ? random32() % 2 : kind % 2;

		addr.bytes[bit / 8] =
			(uint8_t)(set ? addr.bytes[bit / 8] | mask : addr.bytes[bit / 8] & ~mask);
	}
	for (int i = (int)bytes - 1; kind == 3 && i >= 0; i--)
		if (++addr.bytes[i] != 0)
			break;
	for (int i = (int)bytes - 1; kind == 4 && i >= 0; i--)
		if (addr.bytes[i]-- != 0)
			break;
	return addr;
}

// In bursts of all sizes: the vector functions have a tail of their own.
static void batch_lookup(
	const struct fib *table, const struct ip_addr *addrs, uint64_t *codes, unsigned n)
{
	uint32_t ips4[BATCH_MAX];
	uint8_t ips6[BATCH_MAX][16];

	for (unsigned i = 0; i < n; i++) {
		memcpy(&ips4[i], addrs[i].v4, 4);
		ips4[i] = rte_be_to_cpu_32(ips4[i]);
		memcpy(ips6[i], addrs[i].v6, 16);
	}
	if (addrs[0].family == IP_V4)
		rte_fib_lookup_bulk(table->v4, ips4, codes, (int)n);
	else
		rte_fib6_lookup_bulk(table->v6, ips6, codes, (int)n);
}

static void compare(struct fib *table, const struct model *model)
{
	struct ip_addr addrs[BATCH_MAX];
	uint64_t codes[BATCH_MAX];
	unsigned n = 1 + random32() % BATCH_MAX;

	for (unsigned i = 0; i < n; i++)
		addrs[i] = near_to(&model->routes[random32() % model->n].to);
	batch_lookup(table, addrs, codes, n);
	for (unsigned i = 0; i < n; i++) {
		char text[ADDR_STR_BYTES];
		uint16_t want = model_lookup(model, &addrs[i]);

		if (codes[i] != want || look(table, &addrs[i]) != want)
			fail_msg("%s: %u expected, %u found in a burst of %u, %u alone",
				ip_addr_str(&addrs[i], text), want, (unsigned)codes[i], n,
				look(table, &addrs[i]));
	}
}

static void churn(struct ip_prefix (*random_prefix)(void), bool is_scalar)
{
	static struct model model;
	uint32_t blocks4, blocks6;

	model.n = 0;
	assert_int_equal(fib_init(&fib, MODEL_ROUTES_MAX, MODEL_ROUTES_MAX), 0);
	if (is_scalar) {
		assert_int_equal(
			rte_fib_select_lookup(fib.v4, RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO), 0);
		assert_int_equal(rte_fib6_select_lookup(fib.v6, RTE_FIB6_LOOKUP_TRIE_SCALAR), 0);
	}
	blocks4 = fib.n_blocks4;
	blocks6 = fib.n_blocks6;
	for (unsigned step = 0; step < 6000; step++) {
		// fills up, drains, fills up again
		bool grows = step / 1000 % 2 == 0 ? random32() % 4 != 0 : random32() % 4 == 0;
		struct ip_prefix to = random_prefix();
		uint16_t code = (uint16_t)(NEXTHOP_ADJACENCY_BASE + random32() % CODES);

		if (grows && model.n < MODEL_ROUTES_MAX) {
			assert_int_equal(fib_set(&fib, &to, code), 0);
			model_set(&model, &to, code);
		} else if (model.n > 0) {
			to = model.routes[random32() % model.n].to;
			assert_int_equal(fib_delete(&fib, &to), 0);
			model_delete(&model, &to);
			assert_int_equal(fib_delete(&fib, &to), -ENOENT);
		}
		if (model.n > 0)
			compare(&fib, &model);
	}
	while (model.n > 0) {
		struct ip_prefix to = model.routes[0].to;

		assert_int_equal(fib_delete(&fib, &to), 0);
		model_delete(&model, &to);
	}
	assert_int_equal(fib.n_blocks4, blocks4);
	assert_int_equal(fib.n_blocks6, blocks6);
	assert_int_equal(fib.n_routes4 + fib.n_routes6, 0);
	fib_fini(&fib);
}

static void random_ip4_routes_answer_as_a_naive_search_does(void **state)
{
	churn(random_prefix4, false);
}

static void random_ip4_routes_answer_so_without_vectors_too(void **state)
{
	churn(random_prefix4, true);
}

static void random_ip6_routes_answer_as_a_naive_search_does(void **state)
{
	churn(random_prefix6, false);
}

static void random_ip6_routes_answer_so_without_vectors_too(void **state)
{
	churn(random_prefix6, true);
}

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
	unsigned n = 0;

	assert_int_equal(fib_init(&fib, 1, 400), 0);
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
		assert_int_equal(fib.n_blocks6, fib.n_blocks6 % 13 == 0 ? 13 : fib.n_blocks6);
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
	assert_int_equal(pthread_create(&thread, NULL, slow_reader_run, &reader), 0);
	while (!atomic_load(&reader.is_there))
		sched_yield();
	assert_int_equal(fib_set(&fib, &p, 4300), 0);
	assert_false(atomic_load(&reader.has_passed)); // the first has nothing to wait for
	assert_int_equal(fib_delete(&fib, &p), 0);
	assert_true(atomic_load(&reader.has_passed));
	pthread_join(thread, NULL);
	fib_fini(&fib);
	rte_free(rcu);
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

static int fini(void **state)
{
	fib_fini(&fib);
	return 0;
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
		cmocka_unit_test_teardown(a_full_table_refuses_and_stays_as_it_was, fini),
		cmocka_unit_test_teardown(
			running_out_of_blocks4_changes_nothing_and_recovers, fini),
		cmocka_unit_test_teardown(
			running_out_of_blocks6_changes_nothing_and_recovers, fini),
		cmocka_unit_test_teardown(routes_that_flap_for_days_still_find_room, fini),
		cmocka_unit_test_teardown(several_tables_live_side_by_side, fini),
		cmocka_unit_test_teardown(it_takes_the_memory_it_says, fini),
		cmocka_unit_test_teardown(a_table_too_large_for_the_memory_is_refused, fini),
		cmocka_unit_test_teardown(a_group_spreads_hashes_over_its_members, fini),
		cmocka_unit_test_teardown(a_reader_is_never_led_astray_by_changes_next_to_it, fini),
		cmocka_unit_test_teardown(
			a_change_waits_for_who_may_still_read_what_the_last_one_freed, fini),
		cmocka_unit_test_teardown(random_ip4_routes_answer_as_a_naive_search_does, fini),
		cmocka_unit_test_teardown(random_ip4_routes_answer_so_without_vectors_too, fini),
		cmocka_unit_test_teardown(random_ip6_routes_answer_as_a_naive_search_does, fini),
		cmocka_unit_test_teardown(random_ip6_routes_answer_so_without_vectors_too, fini),
	};

	if (eal_start("512") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
