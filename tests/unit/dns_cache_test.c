// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/dns/cache.h"

enum { MIB = 1 << 20, NOW = 1000 };

static const struct cache_limits limits = {
	.bytes = MIB, .ttl_min_sec = 0, .ttl_max_sec = 3600, .stale_sec = 100};

static uint8_t wire[DNS_MESSAGE_BYTES], out[DNS_MESSAGE_BYTES];

static struct cache_key key_of(const char *name, uint16_t type)
{
	struct cache_key key = {.question = {.type = type, .class = DNS_CLASS_IN}};

	assert_int_equal(dns_name_parse(name, &key.question.name), 0);
	return key;
}

static void begin(struct cursor_out *to, const struct cache_key *key, uint16_t flags,
	unsigned n_answers, unsigned n_authority, unsigned n_additional)
{
	*to = cursor_out_of(wire, sizeof(wire));
	cursor_put_u16(to, 0xbeef);
	cursor_put_u16(to, (uint16_t)(DNS_QR | DNS_RA | flags));
	cursor_put_u16(to, 1);
	cursor_put_u16(to, (uint16_t)n_answers);
	cursor_put_u16(to, (uint16_t)n_authority);
	cursor_put_u16(to, (uint16_t)n_additional);
	dns_name_write(to, &key->question.name);
	cursor_put_u16(to, key->question.type);
	cursor_put_u16(to, DNS_CLASS_IN);
}

static void put_record(
	struct cursor_out *to, uint16_t type, uint32_t ttl_sec, const void *data, uint16_t n)
{
	cursor_put_u16(to, 0xc000 | DNS_HEADER_BYTES);
	cursor_put_u16(to, type);
	cursor_put_u16(to, DNS_CLASS_IN);
	cursor_put_u32(to, ttl_sec);
	cursor_put_u16(to, n);
	cursor_put(to, data, n);
}

static void put_opt(struct cursor_out *to)
{
	cursor_put_u8(to, 0);
	cursor_put_u16(to, DNS_OPT);
	cursor_put_u16(to, 1232);
	cursor_put_u32(to, 0);
	cursor_put_u16(to, 0);
}

static struct dns_message parsed(const struct cursor_out *from)
{
	struct dns_message message;

	assert_false(from->is_full);
	assert_int_equal(dns_message_parse(from->bytes, from->n, &message), 0);
	return message;
}

// An address, with OPT behind it.
static struct dns_message address_answer(const struct cache_key *key, uint32_t ttl_sec)
{
	struct cursor_out to;

	begin(&to, key, 0, 1, 0, 1);
	put_record(&to, DNS_A, ttl_sec, "\xcb\x00\x71\x50", 4);
	put_opt(&to);
	return parsed(&to);
}

static uint32_t first_ttl(size_t n)
{
	struct dns_message message;
	struct dns_record record;
	struct dns_walk walk;

	assert_int_equal(dns_message_parse(out, n, &message), 0);
	walk = dns_walk_begin(&message);
	assert_true(dns_walk_next(&walk, &record));
	return record.ttl_sec;
}

static void an_answer_is_kept_without_opt_and_its_ttl_runs_down(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A), other = key;
	struct dns_message answer = address_answer(&key, 60), got;
	struct cache *cache = cache_new(&limits);
	size_t n = 0;

	cache_put(cache, &key, &answer, NOW);
	assert_int_equal(cache_get(cache, &key, NOW + 10, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(first_ttl(n), 50);
	assert_int_equal(dns_message_parse(out, n, &got), 0);
	assert_false(got.edns.is_there);
	assert_int_equal(got.n_records[DNS_ADDITIONAL], 0);
	other.question.type = DNS_AAAA;
	assert_int_equal(cache_get(cache, &other, NOW, out, sizeof(out), &n), CACHE_NONE);
	other = key;
	other.is_do = true;
	assert_int_equal(cache_get(cache, &other, NOW, out, sizeof(out), &n), CACHE_NONE);
	other = key;
	other.view = 1;
	assert_int_equal(cache_get(cache, &other, NOW, out, sizeof(out), &n), CACHE_NONE);
	cache_free(cache);
}

static void bytes_that_belong_to_nothing_are_left_out(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A);
	struct cache *cache = cache_new(&limits);
	struct dns_message answer, got;
	struct cursor_out to;
	size_t n = 0, plain_bytes;

	begin(&to, &key, 0, 1, 0, 0);
	put_record(&to, DNS_A, 60, "\xcb\x00\x71\x50", 4);
	plain_bytes = to.n;
	cursor_put_zeroes(&to, 7);
	answer = parsed(&to);
	cache_put(cache, &key, &answer, NOW);
	assert_int_equal(cache_get(cache, &key, NOW, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(n, plain_bytes);
	assert_int_equal(answer_without_opt(wire, &answer), plain_bytes);
	assert_int_equal(dns_message_parse(out, n, &got), 0);
	cache_free(cache);
}

static void the_question_comes_back_in_the_case_that_it_was_asked_in(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A),
			 loud = key_of("WWW.eXample.net", DNS_A);
	struct dns_message answer = address_answer(&key, 60), got;
	struct cache *cache = cache_new(&limits);
	char text[DNS_NAME_STR_BYTES];
	size_t n = 0;

	cache_put(cache, &key, &answer, NOW);
	assert_int_equal(cache_get(cache, &loud, NOW, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(dns_message_parse(out, n, &got), 0);
	assert_string_equal(dns_name_str(&got.question.name, text), "WWW.eXample.net");
	cache_free(cache);
}

static void what_has_ended_is_stale_for_a_while_and_then_gone(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A);
	struct dns_message answer = address_answer(&key, 60);
	struct cache *cache = cache_new(&limits);
	struct cache_counts counts;
	size_t n = 0;

	cache_put(cache, &key, &answer, NOW);
	assert_int_equal(cache_get(cache, &key, NOW + 59, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(cache_get(cache, &key, NOW + 60, out, sizeof(out), &n), CACHE_STALE);
	assert_int_equal(first_ttl(n), 30); // RFC 8767 section 4
	assert_int_equal(cache_get(cache, &key, NOW + 159, out, sizeof(out), &n), CACHE_STALE);
	assert_int_equal(cache_get(cache, &key, NOW + 160, out, sizeof(out), &n), CACHE_NONE);
	cache_count(cache, &counts);
	assert_int_equal(counts.entries, 0);
	assert_int_equal(counts.bytes, 0);
	cache_free(cache);
}

// RFC 8767 section 5: the failure recheck timer.
static void nobody_waits_twice_in_half_a_minute_for_what_is_stale(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A);
	struct dns_message answer = address_answer(&key, 60);
	struct cache *cache = cache_new(&limits);

	cache_note_failure(cache, &key, NOW); // of what is not there
	cache_put(cache, &key, &answer, NOW);
	assert_false(cache_has_failed(cache, &key, NOW + 61));
	cache_note_failure(cache, &key, NOW + 62);
	assert_true(cache_has_failed(cache, &key, NOW + 91));
	assert_false(cache_has_failed(cache, &key, NOW + 92));
	// what came anew has not failed
	cache_note_failure(cache, &key, NOW + 93);
	cache_put(cache, &key, &answer, NOW + 94);
	assert_false(cache_has_failed(cache, &key, NOW + 95));
	cache_free(cache);
}

static void a_cache_is_emptied_bit_by_bit(void **state)
{
	struct cache *cache = cache_new(&limits);
	struct cache_counts counts;
	char name[32];

	for (unsigned i = 0; i < 10; i++) {
		struct cache_key key;
		struct dns_message answer;

		snprintf(name, sizeof(name), "n%u.example.net", i);
		key = key_of(name, DNS_A);
		answer = address_answer(&key, 60);
		cache_put(cache, &key, &answer, NOW);
	}
	assert_false(cache_clear_some(cache, 4));
	cache_count(cache, &counts);
	assert_int_equal(counts.entries, 6);
	assert_true(cache_clear_some(cache, 6));
	assert_true(cache_clear_some(cache, 1));
	cache_free(cache);
}

static void what_is_asked_for_often_is_to_be_asked_anew_before_its_end(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A);
	struct dns_message answer = address_answer(&key, 100);
	struct cache *cache = cache_new(&limits);
	size_t n = 0;

	cache_put(cache, &key, &answer, NOW);
	assert_int_equal(cache_get(cache, &key, NOW + 95, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(cache_get(cache, &key, NOW + 95, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(cache_get(cache, &key, NOW + 89, out, sizeof(out), &n), CACHE_FRESH);
	assert_int_equal(cache_get(cache, &key, NOW + 90, out, sizeof(out), &n), CACHE_ENDING);
	cache_free(cache);
}

// RFC 2308 section 5: as long as the SOA record says, at most as long as it lives itself.
static void what_is_not_there_is_kept_as_its_zone_says(void **state)
{
	static const struct {
		uint32_t ttl_sec, minimum_sec, kept_sec;
	} rows[] = {{600, 60, 60}, {30, 60, 30}, {600, 7200, 600}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cache_key key = key_of("nothing.example.net", DNS_A);
		struct cache *cache = cache_new(&limits);
		uint8_t soa[22] = {0};
		struct dns_message answer;
		struct cursor_out to;
		size_t n = 0;

		answer_set_ttl(soa + sizeof(soa) - 4, rows[i].minimum_sec);
		begin(&to, &key, DNS_NXDOMAIN, 0, 1, 0);
		put_record(&to, DNS_SOA, rows[i].ttl_sec, soa, sizeof(soa));
		answer = parsed(&to);
		cache_put(cache, &key, &answer, NOW);
		assert_int_equal(
			cache_get(cache, &key, NOW + rows[i].kept_sec - 1, out, sizeof(out), &n),
			CACHE_FRESH);
		assert_int_equal(
			cache_get(cache, &key, NOW + rows[i].kept_sec, out, sizeof(out), &n),
			CACHE_STALE);
		cache_free(cache);
	}
}

static void what_may_not_be_kept_is_not(void **state)
{
	static const uint16_t flags[] = {DNS_TC, DNS_REFUSED, DNS_FORMERR, DNS_NXDOMAIN};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct cache_key key = key_of("www.example.net", DNS_A);
		struct cache *cache = cache_new(&limits);
		struct dns_message answer;
		struct cursor_out to;
		size_t n = 0;

		begin(&to, &key, flags[i], i < 3, 0, 0); // the last one has no SOA
		if (i < 3)
			put_record(&to, DNS_A, 60, "\xcb\x00\x71\x50", 4);
		answer = parsed(&to);
		cache_put(cache, &key, &answer, NOW);
		assert_int_equal(cache_get(cache, &key, NOW, out, sizeof(out), &n), CACHE_NONE);
		cache_free(cache);
	}
}

static void a_full_cache_keeps_what_is_asked_for(void **state)
{
	struct cache_limits small = limits;
	struct cache_key wanted = key_of("wanted.example.net", DNS_A);
	struct cache_counts counts;
	struct dns_message answer;
	struct cache *cache;
	char name[64];
	size_t n = 0;

	small.bytes = 32 << 10;
	cache = cache_new(&small);
	answer = address_answer(&wanted, 600);
	cache_put(cache, &wanted, &answer, NOW);
	for (int i = 0; i < 10000; i++) {
		struct cache_key key;

		snprintf(name, sizeof(name), "n%d.example.net", i);
		key = key_of(name, DNS_A);
		answer = address_answer(&key, 600);
		cache_put(cache, &key, &answer, NOW);
		assert_int_equal(cache_get(cache, &wanted, NOW, out, sizeof(out), &n), CACHE_FRESH);
		cache_count(cache, &counts);
		assert_true(counts.bytes <= small.bytes);
	}
	assert_true(counts.entries > 50);
	assert_int_equal(counts.evicted, 10001 - counts.entries);
	cache_clear(cache);
	cache_count(cache, &counts);
	assert_int_equal(counts.bytes, 0);
	cache_free(cache);
}

static void a_failure_does_not_take_the_place_of_what_was_known(void **state)
{
	struct cache_key key = key_of("www.example.net", DNS_A);
	struct cache *cache = cache_new(&limits);
	struct dns_message answer = address_answer(&key, 60);
	struct cursor_out to;
	size_t n = 0;

	cache_put(cache, &key, &answer, NOW);
	begin(&to, &key, DNS_SERVFAIL, 0, 0, 0);
	answer = parsed(&to);
	cache_put(cache, &key, &answer, NOW + 61);
	assert_int_equal(cache_get(cache, &key, NOW + 61, out, sizeof(out), &n), CACHE_STALE);
	assert_int_equal(out[3] & DNS_RCODE, DNS_NOERROR);
	cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_kept_without_opt_and_its_ttl_runs_down),
		cmocka_unit_test(bytes_that_belong_to_nothing_are_left_out),
		cmocka_unit_test(the_question_comes_back_in_the_case_that_it_was_asked_in),
		cmocka_unit_test(what_has_ended_is_stale_for_a_while_and_then_gone),
		cmocka_unit_test(nobody_waits_twice_in_half_a_minute_for_what_is_stale),
		cmocka_unit_test(a_cache_is_emptied_bit_by_bit),
		cmocka_unit_test(what_is_asked_for_often_is_to_be_asked_anew_before_its_end),
		cmocka_unit_test(what_is_not_there_is_kept_as_its_zone_says),
		cmocka_unit_test(what_may_not_be_kept_is_not),
		cmocka_unit_test(a_full_cache_keeps_what_is_asked_for),
		cmocka_unit_test(a_failure_does_not_take_the_place_of_what_was_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
