// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>

#include "control/dns/mdns_known.h"

enum { NOW = 100000, FLUSH = 0x8001, SHARED = 0x0001, TYPE_NSEC = 47 };

static struct mdns_known *known;
static struct mdns_question *question;
static uint8_t wire[4096], out[4096], query[MDNS_QUERY_BYTES_MAX];
static struct cursor_out to;
static struct dns_message answer;

static int setup(void **state)
{
	known = mdns_known_new();
	return known == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	mdns_known_free(known);
	return 0;
}

static struct mdns_question *hold(const char *name, uint16_t type)
{
	struct dns_question asked = {.type = type, .class = DNS_CLASS_IN};

	assert_int_equal(dns_name_parse(name, &asked.name), 0);
	return mdns_known_hold(known, &asked, NOW);
}

static void ask(const char *name, uint16_t type)
{
	question = hold(name, type);
	assert_non_null(question);
	assert_int_equal(mdns_question_state(question, NOW), MDNS_STATE_ASK);
	mdns_question_write(question, NOW, query);
	assert_int_equal(mdns_question_state(question, NOW), MDNS_STATE_WAIT);
}

static void begin(void)
{
	static const uint8_t head[DNS_HEADER_BYTES] = {0, 0, 0x84};

	to = cursor_out_of(wire, sizeof(wire));
	cursor_put(&to, head, sizeof(head));
}

static void say(const char *text, uint16_t type, uint16_t class, uint32_t ttl_sec, const void *data,
	size_t n)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	dns_name_write(&to, &name);
	cursor_put_u16(&to, type);
	cursor_put_u16(&to, class);
	cursor_put_u32(&to, ttl_sec);
	cursor_put_u16(&to, (uint16_t)n);
	cursor_put(&to, data, n);
	wire[7]++;
}

static bool take(uint64_t now_ms)
{
	struct dns_message response;

	assert_int_equal(dns_message_parse(wire, to.n, &response), 0);
	return mdns_known_take(known, &response, now_ms);
}

static void hear(const char *text, uint16_t type, uint16_t class, uint32_t ttl_sec,
	const void *data, size_t n, uint64_t now_ms)
{
	begin();
	say(text, type, class, ttl_sec, data, n);
	take(now_ms);
}

// How many records the answer has, of what code.
static unsigned answer_at(uint64_t now_ms, enum dns_rcode rcode)
{
	size_t n;

	assert_int_equal(mdns_question_state(question, now_ms), MDNS_STATE_SETTLED);
	n = mdns_question_answer(question, now_ms, out, sizeof(out));
	assert_int_equal(dns_message_parse(out, n, &answer), 0);
	assert_int_equal(dns_message_rcode(&answer), rcode);
	return answer.n_records[DNS_ANSWER];
}

static void a_host_has_all_its_addresses_in_one_response(void **state)
{
	struct dns_record record;
	struct dns_walk walk;

	ask("printer.local", DNS_A);
	begin();
	say("PRINTER.local", DNS_A, FLUSH, 4000, "\xc6\x12\0\5", 4);
	say("printer.local", DNS_A, FLUSH, 4000, "\xc6\x12\0\6", 4);
	say("printer.local", DNS_A, FLUSH, 4000, "\xa9\xfe\1\1", 4); // of the link alone
	say("other.local", DNS_A, FLUSH, 4000, "\xc6\x12\0\7", 4);
	assert_true(take(NOW + 5));
	assert_int_equal(answer_at(NOW + 5, DNS_NOERROR), 2);
	walk = dns_walk_begin(&answer);
	assert_true(dns_walk_next(&walk, &record));
	assert_int_equal(record.ttl_sec, MDNS_TTL_SEC_MAX);
	assert_int_equal(record.class, DNS_CLASS_IN);
}

static void the_first_question_wants_its_own_answer_and_the_second_everybodys(void **state)
{
	static const uint8_t tail[] = {0, DNS_A, 0x80, DNS_CLASS_IN};
	struct dns_message sent;

	question = hold("a.local", DNS_AAAA);
	assert_int_equal(
		dns_message_parse(query, mdns_question_write(question, NOW, query), &sent), 0);
	assert_int_equal(sent.id | sent.flags, 0);
	assert_int_equal(sent.n_questions, 2);
	assert_int_equal(sent.question.type, DNS_AAAA);
	assert_int_equal(sent.question.class, 0x8000 | DNS_CLASS_IN);
	assert_memory_equal(query + sent.n - sizeof(tail), tail, sizeof(tail));
	assert_false(mdns_question_wants_again(question, NOW + MDNS_AGAIN_MS - 1));
	assert_true(mdns_question_wants_again(question, NOW + MDNS_AGAIN_MS));
	assert_int_equal(dns_message_parse(query,
				 mdns_question_write(question, NOW + MDNS_AGAIN_MS, query), &sent),
		0);
	assert_int_equal(sent.question.class, DNS_CLASS_IN);
	assert_false(mdns_question_wants_again(question, NOW + 2 * MDNS_AGAIN_MS));
}

static void who_offers_a_service_is_collected_for_the_whole_window(void **state)
{
	ask("_http._tcp.local", DNS_PTR);
	begin();
	say("_http._tcp.local", DNS_PTR, SHARED, 4500, "\1a\xc0\x0c", 4); // points into the message
	take(NOW + 10);
	assert_int_equal(mdns_question_state(question, NOW + 20), MDNS_STATE_WAIT);
	hear("_http._tcp.local", DNS_PTR, SHARED, 4500, "\1b\xc0\x0c", 4, NOW + 500);
	hear("_http._tcp.local", DNS_PTR, SHARED, 4500, "\1a\xc0\x0c", 4, NOW + 600);
	assert_int_equal(answer_at(NOW + MDNS_WINDOW_MS, DNS_NOERROR), 2);
	// not asked again, and who comes later is there
	hear("_http._tcp.local", DNS_PTR, SHARED, 4500, "\1c\xc0\x0c", 4, NOW + 5000);
	assert_int_equal(answer_at(NOW + MDNS_SHARED_MS - 1, DNS_NOERROR), 3);
	assert_int_equal(mdns_question_state(question, NOW + MDNS_SHARED_MS), MDNS_STATE_ASK);
}

static void what_nobody_has_is_told_after_the_window_and_not_asked_again_soon(void **state)
{
	ask("nobody.local", DNS_A);
	assert_int_equal(mdns_question_state(question, NOW + MDNS_WINDOW_MS - 1), MDNS_STATE_WAIT);
	assert_int_equal(answer_at(NOW + MDNS_WINDOW_MS, DNS_NXDOMAIN), 0);
	assert_int_equal(answer.n_records[DNS_AUTHORITY], 1);
	assert_int_equal(answer_at(NOW + MDNS_NOTHING_MS - 1, DNS_NXDOMAIN), 0);
	assert_int_equal(mdns_question_state(question, NOW + MDNS_NOTHING_MS), MDNS_STATE_ASK);
}

static void a_name_with_something_else_is_there(void **state)
{
	ask("printer.local", DNS_AAAA);
	hear("printer.local", DNS_A, FLUSH, 120, "\xc6\x12\0\5", 4, NOW + 10);
	assert_int_equal(
		mdns_question_state(question, NOW + 10 + MDNS_GRACE_MS - 1), MDNS_STATE_WAIT);
	assert_int_equal(answer_at(NOW + 10 + MDNS_GRACE_MS, DNS_NOERROR), 0);
}

// RFC 6762 section 6.1
static void a_host_says_what_it_has_not(void **state)
{
	ask("printer.local", DNS_AAAA);
	hear("printer.local", TYPE_NSEC, FLUSH, 120, "\xc0\x0c\0\4\x40\0\0\0", 8, NOW + 10);
	assert_int_equal(answer_at(NOW + 10, DNS_NOERROR), 0);
	teardown(NULL);
	setup(NULL);
	ask("printer.local", DNS_AAAA);
	// it has A (1) and AAAA (28)
	hear("printer.local", TYPE_NSEC, FLUSH, 120, "\xc0\x0c\0\4\x40\0\0\x08", 8, NOW + 10);
	assert_int_equal(mdns_question_state(question, NOW + 10), MDNS_STATE_WAIT);
}

// RFC 6762 section 10.2
static void what_is_flushed_gives_way(void **state)
{
	ask("printer.local", DNS_A);
	hear("printer.local", DNS_A, FLUSH, 120, "\xc6\x12\0\5", 4, NOW + 10);
	hear("printer.local", DNS_A, FLUSH, 120, "\xc6\x12\0\6", 4, NOW + 900);
	assert_int_equal(answer_at(NOW + 900, DNS_NOERROR), 2); // of the same second
	hear("printer.local", DNS_A, FLUSH, 120, "\xc6\x12\0\7", 4, NOW + 5000);
	assert_int_equal(answer_at(NOW + 5000, DNS_NOERROR), 1);
}

static void who_leaves_is_gone_a_second_later(void **state)
{
	ask("printer.local", DNS_A);
	hear("printer.local", DNS_A, FLUSH, 120, "\xc6\x12\0\5", 4, NOW + 10);
	hear("printer.local", DNS_A, FLUSH, 0, "\xc6\x12\0\5", 4, NOW + 20);
	assert_int_equal(answer_at(NOW + 1000, DNS_NOERROR), 1);
	assert_int_equal(mdns_question_state(question, NOW + 5020), MDNS_STATE_ASK);
}

static void what_has_ended_is_asked_for_anew(void **state)
{
	ask("printer.local", DNS_A);
	hear("printer.local", DNS_A, FLUSH, 60, "\xc6\x12\0\5", 4, NOW);
	assert_int_equal(answer_at(NOW + 59999, DNS_NOERROR), 1);
	assert_int_equal(mdns_question_state(question, NOW + 60000), MDNS_STATE_ASK);
}

static void all_of_it_is_bounded(void **state)
{
	uint8_t data[4] = {198, 18, 0, 0};
	char name[32];

	ask("many.local", DNS_A);
	for (unsigned i = 0; i < 2 * MDNS_RECORDS_MAX; i++) {
		data[3] = (uint8_t)i;
		hear("many.local", DNS_A, SHARED, 120, data, 4, NOW + 1);
	}
	assert_int_equal(answer_at(NOW + MDNS_WINDOW_MS, DNS_NOERROR), MDNS_RECORDS_MAX);
	for (unsigned i = 1; i < MDNS_QUESTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.local", i);
		assert_non_null(hold(name, DNS_A));
	}
	assert_null(hold("one-more.local", DNS_A));
	mdns_known_let_go(question);
	assert_non_null(hold("one-more.local", DNS_A));
	assert_int_equal(mdns_known_count(known), MDNS_QUESTIONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_host_has_all_its_addresses_in_one_response, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_first_question_wants_its_own_answer_and_the_second_everybodys, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			who_offers_a_service_is_collected_for_the_whole_window, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_nobody_has_is_told_after_the_window_and_not_asked_again_soon, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_name_with_something_else_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_says_what_it_has_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_flushed_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(who_leaves_is_gone_a_second_later, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_ended_is_asked_for_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(all_of_it_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
