// SPDX-License-Identifier: BSD-3-Clause
// Random routes against a list of prefixes that is searched from end to end.
#include <errno.h>

#include "tests/unit/fib_fixture.h"
#include "tests/unit/random.h"

enum { MODEL_ROUTES_MAX = 600, CODES = 6, BATCH_MAX = 67 };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_ip4_routes_answer_as_a_naive_search_does, fini),
		cmocka_unit_test_teardown(random_ip4_routes_answer_so_without_vectors_too, fini),
		cmocka_unit_test_teardown(random_ip6_routes_answer_as_a_naive_search_does, fini),
		cmocka_unit_test_teardown(random_ip6_routes_answer_so_without_vectors_too, fini),
	};

	if (eal_start("512") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
