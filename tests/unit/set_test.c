// SPDX-License-Identifier: BSD-3-Clause
// Sets against models that cannot be wrong: a list gone through, and one bit for each of 2^24
// addresses.
#include "dataplane/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include "tests/unit/draw.h"
#include "tests/unit/text_addr.h"

static uint64_t seed;

static int start(void **state)
{
	seed = 1;
	return 0;
}

static struct set *build(const struct dp_set *from)
{
	struct error err = {0};
	struct set *set = set_new(from, &err);

	if (set == NULL)
		fail_msg("%s", err.text);
	return set;
}

static struct set *build_prefixes(const struct ip_prefix *prefixes, uint32_t n)
{
	return build(&(struct dp_set){.prefixes = prefixes, .n_prefixes = n});
}

static bool has(const struct set *set, const struct ip_addr *addr)
{
	uint32_t addr_be;

	if (addr->family == IP_V6)
		return set_has6(set, addr->v6);
	memcpy(&addr_be, addr->v4, sizeof(addr_be));
	return set_has4(set, addr_be);
}

static void check(const struct set *set, const struct ip_addr *addr, bool wanted)
{
	char text[ADDR_STR_BYTES];

	if (has(set, addr) != wanted)
		fail_msg("%s: %d", ip_addr_str(addr, text), !wanted);
}

// --- addresses, by hand ---

static void a_set_has_what_its_prefixes_cover(void **state)
{
	static const struct {
		const char *prefixes[3];
		const char *in[4], *out[4];
	} rows[] = {
		{{NULL}, {NULL}, {"0.0.0.0", "255.255.255.255", "::", "2001:db8::"}},
		{{"0.0.0.0/0"}, {"0.0.0.0", "198.51.100.7", "255.255.255.255"}, {"::", "::1"}},
		{{"::/0"}, {"::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
			{"0.0.0.0", "198.51.100.7"}},
		{{"0.0.0.0/0", "198.51.100.0/24", "::/0"}, {"198.51.100.7", "1.0.0.0", "::"}, {0}},
		{{"0.0.0.0/32", "255.255.255.255/32"}, {"0.0.0.0", "255.255.255.255"},
			{"0.0.0.1", "255.255.255.254"}},
		{{"::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
			{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
			{"::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "0.0.0.0"}},
		{{"198.51.100.7/24"}, {"198.51.100.0", "198.51.100.255"}, // host bits
			{"198.51.99.255", "198.51.101.0"}},
		{{"2001:db8::1/64"}, {"2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
			{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:0:1::"}},
		{{"198.51.100.0/25", "198.51.100.64/26", "198.51.100.128/26"},
			{"198.51.100.0", "198.51.100.127", "198.51.100.128", "198.51.100.191"},
			{"198.51.99.255", "198.51.100.192"}},
		{{"203.0.113.9/32", "203.0.113.9/32", "203.0.113.11/32"},
			{"203.0.113.9", "203.0.113.11"},
			{"203.0.113.8", "203.0.113.10", "203.0.113.12"}},
		{{"198.18.0.0/15"}, {"198.18.0.0", "198.18.255.255", "198.19.255.255"},
			{"198.17.255.255", "198.20.0.0"}},
	};

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		struct ip_prefix prefixes[RTE_DIM(rows[0].prefixes)];
		struct ip_addr addr;
		uint32_t n = 0;
		struct set *set;

		while (n < RTE_DIM(prefixes) && rows[r].prefixes[n] != NULL) {
			prefixes[n] = prefix(rows[r].prefixes[n]);
			n++;
		}
		set = build_prefixes(prefixes, n);
		for (unsigned i = 0; i < RTE_DIM(rows[r].in); i++) {
			if (rows[r].in[i] != NULL) {
				addr = address(rows[r].in[i]);
				check(set, &addr, true);
			}
			if (rows[r].out[i] != NULL) {
				addr = address(rows[r].out[i]);
				check(set, &addr, false);
			}
		}
		set_free(set);
	}
}

static void what_overlaps_or_touches_takes_no_more_room(void **state)
{
	const struct ip_prefix whole[] = {prefix("198.18.0.0/15"), prefix("2001:db8::/32")};
	const struct ip_prefix pieces[] = {
		prefix("198.19.0.0/16"),
		prefix("198.18.7.0/24"),
		prefix("2001:db8:8000::/33"),
		prefix("198.18.0.0/16"),
		prefix("2001:db8::/33"),
		prefix("2001:db8::5/128"),
		prefix("198.18.0.0/16"),
	};
	struct set *a = build_prefixes(whole, RTE_DIM(whole));
	struct set *b = build_prefixes(pieces, RTE_DIM(pieces));

	assert_true(set_bytes(a) == set_bytes(b));
	set_free(a);
	set_free(b);
}

// --- addresses, against a list ---

static struct ip_addr draw_address(uint8_t family)
{
	// Few different bytes: prefixes meet, overlap and touch.
	static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
	struct ip_addr addr = {.family = family};

	for (unsigned i = 0; i < ip_family_bits(family) / 8; i++)
		addr.bytes[i] = i < 2 || draw(&seed) % 4 == 0 ? (uint8_t)draw(&seed) % 4
							      : bytes[draw(&seed) % 4];
	return addr;
}

static bool list_has(const struct ip_prefix *prefixes, uint32_t n, const struct ip_addr *addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (ip_prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

// Adds `step` to an address of any length, modulo its size.
static struct ip_addr address_add(struct ip_addr addr, int step)
{
	unsigned i = ip_family_bits(addr.family) / 8;

	while (i-- > 0) {
		uint8_t before = addr.bytes[i];

		addr.bytes[i] = (uint8_t)(before + step);
		if (before != (step > 0 ? 0xff : 0))
			break;
	}
	return addr;
}

static struct ip_addr last_of(const struct ip_prefix *prefix)
{
	struct ip_addr last = prefix->addr;

	for (unsigned bit = prefix->len; bit < ip_family_bits(last.family); bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return last;
}

static void any_set_agrees_with_a_list_gone_through(void **state)
{
	enum { N_MAX = 700, LOOKUPS = 1000000 };
	static const uint32_t sizes[] = {0, 1, 2, 4, 5, 8, 9, 32, 33, 100, N_MAX};
	static struct ip_prefix prefixes[N_MAX];
	uint32_t n_lookups = 0;

	for (unsigned round = 0; n_lookups < LOOKUPS; round++) {
		uint32_t n = sizes[round % RTE_DIM(sizes)];
		unsigned len_min = draw(&seed) % 4 == 0 ? 0 : 13;
		struct set *set;

		for (uint32_t i = 0; i < n; i++) {
			prefixes[i].addr = draw_address(draw(&seed) % 2 ? IP_V4 : IP_V6);
			prefixes[i].len =
				(uint8_t)(len_min +
					  draw(&seed) % (ip_family_bits(prefixes[i].addr.family) +
								1 - len_min));
		}
		set = build_prefixes(prefixes, n);
		for (uint32_t i = 0; i < n + 20; i++) {
			struct ip_addr first = draw_address(draw(&seed) % 2 ? IP_V4 : IP_V6);
			struct ip_addr last = first;

			if (i < n) {
				first = ip_prefix_network(&prefixes[i]).addr;
				last = last_of(&prefixes[i]);
			}
			const struct ip_addr asked[] = {
				first, last, address_add(first, -1), address_add(last, 1)};

			for (unsigned k = 0; k < RTE_DIM(asked); k++)
				check(set, &asked[k], list_has(prefixes, n, &asked[k]));
			n_lookups += RTE_DIM(asked);
		}
		set_free(set);
	}
}

// --- addresses, a million ---

enum {
	UNIVERSE_BITS = 24,
	UNIVERSE = 1 << UNIVERSE_BITS,
	MILLION = 1000000,
	LOOKUPS = 1000000,
};

static uint8_t universe[UNIVERSE / 8];

static bool universe_has(uint32_t x)
{
	return universe[x / 8] >> x % 8 & 1;
}

// The universe is a part of all addresses: IPv4's 198/8, or some bits of IPv6 behind a common
// head, so that bounds fall into the upper half of an address, the lower one, or between.
struct place {
	uint8_t family;
	uint8_t head_bits;
};

static struct ip_addr place_address(const struct place *place, uint32_t x, uint64_t tail)
{
	struct ip_addr addr = {.family = place->family};
	unsigned tail_bits = ip_family_bits(place->family) - place->head_bits - UNIVERSE_BITS;
	unsigned __int128 number = x;

	if (tail_bits > 0)
		number = number << tail_bits |
			 ((unsigned __int128)tail << 64 | tail) >> (128 - tail_bits);
	for (unsigned i = ip_family_bits(place->family) / 8; i-- > 0; number >>= 8)
		addr.bytes[i] = (uint8_t)number;
	addr.bytes[0] = place->family == IP_V4 ? 198 : 0x20;
	return addr;
}

static struct ip_prefix *draw_million(const struct place *place)
{
	struct ip_prefix *prefixes = calloc(MILLION, sizeof(prefixes[0]));

	assert_non_null(prefixes);
	memset(universe, 0, sizeof(universe));
	for (uint32_t i = 0; i < MILLION; i++) {
		unsigned len =
			draw(&seed) % 1000 == 0 ? 12 + draw(&seed) % 8 : 20 + draw(&seed) % 5;
		uint32_t hosts = (1u << (UNIVERSE_BITS - len)) - 1;
		uint32_t first = (uint32_t)draw(&seed) % UNIVERSE & ~hosts;

		prefixes[i].addr = place_address(place, first, 0);
		prefixes[i].len = (uint8_t)(place->head_bits + len);
		for (uint32_t x = first; x <= first + hosts; x++)
			universe[x / 8] |= (uint8_t)(1 << x % 8);
	}
	return prefixes;
}

static void a_million_prefixes_agree_with_one_bit_for_each_address(void **state)
{
	static const struct place places[] = {{IP_V4, 8}, {IP_V6, 8}, {IP_V6, 52}, {IP_V6, 104}};

	for (unsigned p = 0; p < RTE_DIM(places); p++) {
		struct ip_prefix *prefixes = draw_million(&places[p]);
		struct set *set = build_prefixes(prefixes, MILLION);
		uint32_t n_in = 0;

		free(prefixes);
		for (uint32_t i = 0; i < LOOKUPS; i++) {
			uint32_t x = (uint32_t)draw(&seed) % UNIVERSE;
			struct ip_addr addr = place_address(&places[p], x, draw(&seed));

			check(set, &addr, universe_has(x));
			n_in += universe_has(x);
		}
		assert_in_range(n_in, LOOKUPS / 10, LOOKUPS - LOOKUPS / 10);
		set_free(set);
	}
}

static void a_million_prefixes_that_do_not_touch_take_little_memory(void **state)
{
	static const struct {
		struct place place;
		uint64_t bytes_max;
	} rows[] = {
		{{IP_V4, 8}, UINT64_C(9) << 20}, // two bounds of four bytes, and the index
		{{IP_V6, 32}, UINT64_C(37) << 20},
	};
	struct ip_prefix *prefixes = calloc(MILLION, sizeof(prefixes[0]));

	assert_non_null(prefixes);
	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		struct set *set;

		for (uint32_t i = 0; i < MILLION; i++) {
			// in an order that is not theirs
			uint32_t x = (uint32_t)((uint64_t)i * 7919 % MILLION) * 3;

			prefixes[i].addr = place_address(&rows[r].place, x, 0);
			prefixes[i].len = (uint8_t)(rows[r].place.head_bits + UNIVERSE_BITS);
		}
		set = build_prefixes(prefixes, MILLION);
		assert_in_range(set_bytes(set), rows[r].bytes_max / 2, rows[r].bytes_max);
		for (uint32_t x = 0; x < 3 * MILLION; x++) {
			struct ip_addr addr = place_address(&rows[r].place, x, draw(&seed));

			check(set, &addr, x % 3 == 0);
		}
		set_free(set);
	}
	free(prefixes);
}

// There may be thousands of sets: none takes more for its index than for what is in it.
static void a_set_takes_room_by_what_is_in_it(void **state)
{
	static const uint32_t sizes[] = {100, 511, 512, 600, 1025, 3000, 10000, 40000};
	const struct place place = {IP_V4, 8};
	struct ip_prefix *prefixes = calloc(40000, sizeof(prefixes[0]));

	assert_non_null(prefixes);
	for (unsigned r = 0; r < RTE_DIM(sizes); r++) {
		uint32_t n = sizes[r], step = UNIVERSE / n;
		struct set *set;

		for (uint32_t i = 0; i < n; i++)
			prefixes[i] = (struct ip_prefix){
				.addr = place_address(&place, i * step + 1, 0), .len = 32};
		set = build_prefixes(prefixes, n);
		assert_in_range(set_bytes(set), 2 * n * 4, 256 + 2 * n * 4 * 5);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < 3; k++) {
				struct ip_addr addr = place_address(&place, i * step + k, 0);

				check(set, &addr, k == 1);
			}
		set_free(set);
	}
	free(prefixes);
}

// --- numbers and MACs ---

static void numbers_agree_with_one_bit_for_each(void **state)
{
	enum { N_MAX = 3000, ROUNDS = 60 };
	static const enum dp_set_kind kinds[] = {
		DP_SET_PORTS, DP_SET_ICMP, DP_SET_ICMP6, DP_SET_INTERFACES, DP_SET_PROTOCOLS};
	static const uint32_t sizes[] = {0, 1, 3, 8, 100, N_MAX};
	static struct dp_range ranges[N_MAX];
	static bool model[65536];

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t n = sizes[round % RTE_DIM(sizes)];
		struct set *set;

		memset(model, 0, sizeof(model));
		for (uint32_t i = 0; i < n; i++) {
			uint32_t span = draw(&seed) % 4 == 0 ? draw(&seed) % 256 : draw(&seed) % 3;

			ranges[i].first = (uint32_t)draw(&seed) % 65536;
			ranges[i].last = RTE_MIN(ranges[i].first + span, 65535u);
			memset(model + ranges[i].first, true, ranges[i].last - ranges[i].first + 1);
		}
		set = build(&(struct dp_set){
			.kind = kinds[round % RTE_DIM(kinds)], .ranges = ranges, .n_ranges = n});
		for (uint32_t x = 0; x < RTE_DIM(model); x++)
			if (set_has_number(set, x) != model[x])
				fail_msg("round %u: %u", round, x);
		set_free(set);
	}
}

static void the_first_and_the_last_number_are_numbers_too(void **state)
{
	const struct dp_range ranges[] = {{UINT32_MAX, UINT32_MAX}, {0, 0}, {5, 6}};
	struct set *set =
		build(&(struct dp_set){.kind = DP_SET_PORTS, .ranges = ranges, .n_ranges = 3});
	struct set *all = build(&(struct dp_set){.kind = DP_SET_PORTS,
		.ranges = &(const struct dp_range){0, UINT32_MAX},
		.n_ranges = 1});

	assert_true(set_has_number(set, 0));
	assert_false(set_has_number(set, 1));
	assert_false(set_has_number(set, 7));
	assert_false(set_has_number(set, UINT32_MAX - 1));
	assert_true(set_has_number(set, UINT32_MAX));
	assert_true(set_has_number(all, 0) && set_has_number(all, UINT32_MAX));
	set_free(set);
	set_free(all);
}

static void macs_are_found_by_all_of_their_bytes(void **state)
{
	enum { N_MAX = 2000 };
	static const uint32_t sizes[] = {0, 1, 7, 8, 9, N_MAX};
	static struct mac_addr macs[N_MAX];

	for (unsigned s = 0; s < RTE_DIM(sizes); s++) {
		struct set *set;

		for (uint32_t i = 0; i < sizes[s]; i++) {
			// even ones: their neighbours are not in the set
			uint64_t number = draw(&seed) & ~UINT64_C(1);

			memcpy(macs[i].bytes, &number, sizeof(macs[i].bytes));
			macs[i].bytes[5] &= 0xfe;
		}
		set = build(
			&(struct dp_set){.kind = DP_SET_MACS, .macs = macs, .n_macs = sizes[s]});
		for (uint32_t i = 0; i < sizes[s]; i++) {
			struct mac_addr other = macs[i];

			assert_true(set_has_mac(set, &macs[i]));
			other.bytes[5] |= 1;
			assert_false(set_has_mac(set, &other));
			other = macs[i];
			other.bytes[0] ^= 0x40;
			assert_false(set_has_mac(set, &other));
		}
		assert_false(set_has_mac(set, &(struct mac_addr){{0, 0, 0, 0, 0, 1}}));
		set_free(set);
	}
}

static void a_set_has_nothing_of_another_kind(void **state)
{
	const struct ip_prefix all[] = {prefix("0.0.0.0/0"), prefix("::/0")};
	const struct dp_range numbers[] = {{0, UINT32_MAX}};
	const struct mac_addr macs[] = {{{0}}};
	struct dp_set from = {
		.prefixes = all,
		.n_prefixes = 2,
		.ranges = numbers,
		.n_ranges = 1,
		.macs = macs,
		.n_macs = 1,
	};

	for (from.kind = DP_SET_ADDRESSES; from.kind <= DP_SET_PROTOCOLS; from.kind++) {
		bool is_addresses = from.kind == DP_SET_ADDRESSES;
		bool is_macs = from.kind == DP_SET_MACS;
		struct set *set = build(&from);

		assert_int_equal(set_has4(set, 7), is_addresses);
		assert_int_equal(set_has6(set, all[1].addr.v6), is_addresses);
		assert_int_equal(set_has_mac(set, &macs[0]), is_macs);
		assert_int_equal(set_has_number(set, 7), !is_addresses && !is_macs);
		set_free(set);
	}
}

// --- what is refused ---

static void what_makes_no_sense_is_refused_with_words(void **state)
{
	const struct ip_prefix long4 = {.addr.family = IP_V4, .len = 33};
	const struct ip_prefix long6 = {.addr.family = IP_V6, .len = 129};
	const struct ip_prefix nobody = {.addr.family = IP_NONE};
	const struct dp_range backwards = {2, 1};
	const struct dp_set rows[] = {
		{.prefixes = &long4, .n_prefixes = 1},
		{.prefixes = &long6, .n_prefixes = 1},
		{.prefixes = &nobody, .n_prefixes = 1},
		{.kind = DP_SET_PORTS, .ranges = &backwards, .n_ranges = 1},
		{.prefixes = &long4, .n_prefixes = SET_ELEMENTS_MAX + 1}, // none is looked at
		{.kind = DP_SET_PORTS, .ranges = &backwards, .n_ranges = SET_ELEMENTS_MAX + 1},
		{.kind = DP_SET_MACS, .n_macs = SET_ELEMENTS_MAX + 1},
	};

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		struct error err = {0};

		assert_null(set_new(&rows[r], &err));
		assert_true(err.text[0] != '\0');
		assert_null(set_new(&rows[r], NULL));
	}
	set_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_what_its_prefixes_cover),
		cmocka_unit_test(what_overlaps_or_touches_takes_no_more_room),
		cmocka_unit_test_setup(any_set_agrees_with_a_list_gone_through, start),
		cmocka_unit_test_setup(
			a_million_prefixes_agree_with_one_bit_for_each_address, start),
		cmocka_unit_test_setup(
			a_million_prefixes_that_do_not_touch_take_little_memory, start),
		cmocka_unit_test_setup(a_set_takes_room_by_what_is_in_it, start),
		cmocka_unit_test_setup(numbers_agree_with_one_bit_for_each, start),
		cmocka_unit_test(the_first_and_the_last_number_are_numbers_too),
		cmocka_unit_test_setup(macs_are_found_by_all_of_their_bytes, start),
		cmocka_unit_test(a_set_has_nothing_of_another_kind),
		cmocka_unit_test(what_makes_no_sense_is_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
