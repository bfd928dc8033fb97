// SPDX-License-Identifier: BSD-3-Clause
// The software bucket and what a card computes with our keys must be one function.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_thash.h>
#include <string.h>

#include "drivers/steering.h"
#include "tests/unit/random.h"

enum { FLOWS = 300000 };

// As a card hands it to Toeplitz: rte_softrss wants 32-bit words in host order.
static uint8_t hash_bucket(const void *tuple, uint32_t words, bool is_outside)
{
	uint8_t key[STEERING_KEY_BYTES];

	steering_rss_key(is_outside, key);
	return rte_softrss((uint32_t *)(uintptr_t)tuple, words, key) & (STEERING_BUCKETS - 1);
}

static uint8_t bucket_v4(
	uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, bool is_outside)
{
	union rte_thash_tuple t = {0};

	t.v4.src_addr = src;
	t.v4.dst_addr = dst;
	t.v4.sport = sport;
	t.v4.dport = dport;
	return hash_bucket(&t, RTE_THASH_V4_L4_LEN, is_outside);
}

static uint8_t bucket_v6(const uint32_t src[4], const uint32_t dst[4], uint16_t sport,
	uint16_t dport, bool is_outside)
{
	// the words of rte_thash_tuple's v6 member
	uint32_t t[RTE_THASH_V6_L4_LEN];

	memcpy(t, src, 16);
	memcpy(t + 4, dst, 16);
	t[8] = (uint32_t)sport << 16 | dport;
	return hash_bucket(t, RTE_THASH_V6_L4_LEN, is_outside);
}

// Translated with the port kept: out on the LAN side, back on the WAN side.
static void ipv4_meets_on_one_bucket_behind_nat(void **state)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		uint32_t client = random32(), server = random32(), public = random32();
		uint16_t cport = (uint16_t)random32(), sport = (uint16_t)random32();
		uint8_t want = steering_bucket(cport);

		assert_int_equal(bucket_v4(client, server, cport, sport, false), want);
		assert_int_equal(bucket_v4(server, public, sport, cport, true), want);
	}
}

// IPv6 keeps its addresses, so the bucket may take them in, but both directions alike.
static void ipv6_meets_on_one_bucket_without_nat(void **state)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		uint32_t client[4], server[4];
		uint16_t cport = (uint16_t)random32(), sport = (uint16_t)random32();

		for (unsigned w = 0; w < 4; w++) {
			client[w] = random32();
			server[w] = random32();
		}
		assert_int_equal(bucket_v6(client, server, cport, sport, false),
			bucket_v6(server, client, sport, cport, true));
	}
}

static void the_two_sides_have_different_keys_of_six_bits(void **state)
{
	uint8_t keys[2][STEERING_KEY_BYTES];

	for (unsigned side = 0; side < 2; side++) {
		unsigned bits = 0;

		steering_rss_key(side == 1, keys[side]);
		for (unsigned i = 0; i < STEERING_KEY_BYTES; i++)
			bits += (unsigned)__builtin_popcount(keys[side][i]);
		assert_int_equal(bits, 6);
	}
	assert_memory_not_equal(keys[0], keys[1], STEERING_KEY_BYTES);
}

static void each_bucket_has_512_ports(void **state)
{
	unsigned ports[STEERING_BUCKETS] = {0};

	for (unsigned port = 0; port < 65536; port++)
		ports[steering_bucket((uint16_t)port)]++;
	for (unsigned b = 0; b < STEERING_BUCKETS; b++)
		assert_int_equal(ports[b], 512);
}

// What hosts really use: consecutive ephemeral ports, and every second one (Linux).
static void ephemeral_ports_fill_buckets_evenly(void **state)
{
	for (unsigned step = 1; step <= 4; step *= 2) {
		unsigned ports[STEERING_BUCKETS] = {0};
		unsigned n = 0;

		for (unsigned port = 32768; port < 61000; port += step, n++)
			ports[steering_bucket((uint16_t)port)]++;
		for (unsigned b = 0; b < STEERING_BUCKETS; b++) {
			assert_in_range(ports[b], n / STEERING_BUCKETS * 3 / 4,
				n / STEERING_BUCKETS * 5 / 4 + 1);
		}
	}
}

// Chi-square with 127 degrees of freedom: 200 is passed by chance once in 30,000 runs, and the
// flows here are the same in each.
static void random_ipv6_flows_fill_buckets_evenly(void **state)
{
	unsigned flows[STEERING_BUCKETS] = {0};
	double expected = (double)FLOWS / STEERING_BUCKETS;
	double chi = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		uint32_t client[4] = {0x20010db8, 0, random32(), random32()};
		uint32_t server[4] = {0x20010db8, 1, 0, random32() & 0xff};
		uint16_t cport = (uint16_t)(32768 + random32() % 28232);

		flows[bucket_v6(client, server, cport, 443, false)]++;
	}
	for (unsigned b = 0; b < STEERING_BUCKETS; b++)
		chi += (flows[b] - expected) * (flows[b] - expected) / expected;
	assert_true(chi < 200);
}

static void workers_share_the_buckets(void **state)
{
	for (uint16_t workers = 1; workers <= 64; workers++) {
		unsigned buckets[64] = {0};

		for (unsigned b = 0; b < STEERING_BUCKETS; b++) {
			assert_true(steering_worker((uint8_t)b, workers) < workers);
			buckets[steering_worker((uint8_t)b, workers)]++;
		}
		for (unsigned w = 0; w < workers; w++)
			assert_in_range(buckets[w], STEERING_BUCKETS / workers,
				STEERING_BUCKETS / workers + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_meets_on_one_bucket_behind_nat),
		cmocka_unit_test(ipv6_meets_on_one_bucket_without_nat),
		cmocka_unit_test(the_two_sides_have_different_keys_of_six_bits),
		cmocka_unit_test(each_bucket_has_512_ports),
		cmocka_unit_test(ephemeral_ports_fill_buckets_evenly),
		cmocka_unit_test(random_ipv6_flows_fill_buckets_evenly),
		cmocka_unit_test(workers_share_the_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
