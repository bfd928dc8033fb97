// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>

#include "control/dns/dns_answer.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

// WwW.example.com A, with EDNS of 4096 bytes, DO, and a cookie.
static const char edns_query[] = "\xbe\xef\x01\x10\0\1\0\0\0\0\0\1\3WwW\7example\3com\0\0\1\0\1"
				 "\0\0\x29\x10\0\0\0\x80\0\0\xc\0\xa\0\x8"
				 "cookie!!";
static const char plain_query[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1";

static struct dns_message query, response;
static uint8_t bytes[DNS_MESSAGE_BYTES];

static void ask(const char *message, size_t n)
{
	assert_int_equal(dns_message_parse(message, n, &query), 0);
}

static void header_question_and_edns_are_read(void **state)
{
	char text[DNS_NAME_STR_BYTES];

	ask(edns_query, sizeof(edns_query) - 1);
	assert_int_equal(query.id, 0xbeef);
	assert_int_equal(query.flags, DNS_RD | DNS_CD);
	assert_string_equal(dns_name_str(&query.question.name, text), "WwW.example.com");
	assert_int_equal(query.question.type, DNS_A);
	assert_int_equal(query.question.class, DNS_CLASS_IN);
	assert_true(query.edns.is_there);
	assert_true(query.edns.is_do);
	assert_int_equal(query.edns.udp_bytes, 4096);
	assert_int_equal(query.edns.version, 0);
	assert_int_equal(query.edns.options_bytes, 12);
	assert_memory_equal(query.bytes + query.edns.options_at + 4, "cookie!!", 8);
}

static void a_message_that_ends_anywhere_is_refused(void **state)
{
	for (size_t n = 0; n < sizeof(edns_query) - 1; n++) {
		int rc = dns_message_parse(edns_query, n, &query);

		assert_int_equal(rc, n < DNS_HEADER_BYTES ? -ENOMSG : -EBADMSG);
		// what is answered with FORMERR has the id, and a question only if it was whole
		assert_true(n < DNS_HEADER_BYTES || query.id == 0xbeef);
		assert_int_equal(query.question.name.len > 0, n >= 33);
	}
}

static void two_opts_or_one_in_the_wrong_place_are_refused(void **state)
{
	static const char two[] = "\0\1\1\0\0\0\0\0\0\0\0\2\0\0\x29\2\0\0\0\0\0\0\0"
				  "\0\0\x29\2\0\0\0\0\0\0\0";
	static const char early[] = "\0\1\1\0\0\0\0\1\0\0\0\0\0\0\x29\2\0\0\0\0\0\0\0";
	static const char named[] = "\0\1\1\0\0\0\0\0\0\0\0\1\1x\0\0\x29\2\0\0\0\0\0\0\0";

	assert_int_equal(dns_message_parse(BYTES(two), &query), -EBADMSG);
	assert_int_equal(dns_message_parse(BYTES(early), &query), -EBADMSG);
	assert_int_equal(dns_message_parse(BYTES(named), &query), -EBADMSG);
}

static void an_answer_has_the_querys_id_and_question(void **state)
{
	struct ip_addr addr;
	struct dns_answer answer;
	struct dns_record record;
	struct dns_walk walk;
	struct dns_name name;
	struct ip_addr got;
	size_t n;

	ip_addr_parse("198.51.100.7", &addr);
	ask(edns_query, sizeof(edns_query) - 1);
	dns_answer_begin(&answer, &query, bytes, dns_answer_udp_bytes(&query));
	assert_true(dns_answer_add_address(&answer, &query.question.name, 300, &addr));
	n = dns_answer_end(&answer, DNS_NOERROR, DNS_AA);
	assert_int_equal(dns_message_parse(bytes, n, &response), 0);
	assert_int_equal(response.id, 0xbeef);
	assert_int_equal(response.flags, DNS_QR | DNS_AA | DNS_RD | DNS_RA | DNS_CD);
	assert_int_equal(response.question.name.len, query.question.name.len);
	assert_memory_equal(
		response.question.name.bytes, query.question.name.bytes, query.question.name.len);
	assert_true(response.edns.is_there && response.edns.is_do);
	walk = dns_walk_begin(&response);
	assert_true(dns_walk_next(&walk, &record));
	assert_int_equal(record.section, DNS_ANSWER);
	assert_int_equal(record.ttl_sec, 300);
	assert_int_equal(dns_record_name(&response, &record, &name), 0);
	assert_true(dns_name_equal(&name, &query.question.name));
	assert_int_equal(bytes[record.name_at], 0xc0); // compressed
	assert_true(dns_record_address(&response, &record, &got));
	assert_true(ip_addr_equal(&got, &addr));
	assert_true(dns_walk_next(&walk, &record));
	assert_int_equal(record.type, DNS_OPT);
	assert_false(dns_walk_next(&walk, &record));
}

static void targets_are_compressed_but_of_newer_types(void **state)
{
	static const uint8_t srv[] = {0, 1, 0, 2, 0x13, 0xc4}, mx[] = {0, 10};
	struct dns_name target, got;
	struct dns_answer answer;
	struct dns_record record;
	struct dns_walk walk;
	size_t n;

	ask(plain_query, sizeof(plain_query) - 1);
	assert_int_equal(dns_name_parse("sip.example.com", &target), 0);
	dns_answer_begin(&answer, &query, bytes, DNS_UDP_BYTES);
	dns_answer_add_target(
		&answer, DNS_ANSWER, &query.question.name, DNS_SRV, 60, srv, sizeof(srv), &target);
	dns_answer_add_target(
		&answer, DNS_ANSWER, &query.question.name, DNS_MX, 60, mx, sizeof(mx), &target);
	dns_answer_add_target(
		&answer, DNS_ANSWER, &query.question.name, DNS_CNAME, 60, NULL, 0, &target);
	n = dns_answer_end(&answer, DNS_NOERROR, 0);
	assert_int_equal(dns_message_parse(bytes, n, &response), 0);
	walk = dns_walk_begin(&response);
	static const uint16_t lengths[] = {6 + 17, 2 + 4 + 2, 2};
	for (int i = 0; i < 3; i++) {
		assert_true(dns_walk_next(&walk, &record));
		assert_int_equal(record.data_bytes, lengths[i]);
		assert_int_equal(dns_record_target(&response, &record, &got), 0);
		assert_true(dns_name_equal(&got, &target));
	}
	assert_false(response.edns.is_there);
}

static void what_does_not_fit_is_left_out_and_told(void **state)
{
	char text[250] = {(char)249};
	struct dns_answer answer;
	struct dns_record record;
	struct dns_walk walk;
	unsigned n_added = 0;
	size_t n;

	ask(edns_query, sizeof(edns_query) - 1);
	dns_answer_begin(&answer, &query, bytes, DNS_UDP_BYTES);
	while (dns_answer_add(
		&answer, DNS_ANSWER, &query.question.name, DNS_TXT, 9, text, sizeof(text)))
		n_added++;
	assert_int_equal(n_added, 1);
	assert_false(dns_answer_add(
		&answer, DNS_ANSWER, &query.question.name, DNS_TXT, 9, "", 0)); // nor what would
	n = dns_answer_end(&answer, DNS_NOERROR, 0);
	assert_true(n <= DNS_UDP_BYTES);
	assert_int_equal(dns_message_parse(bytes, n, &response), 0);
	assert_int_equal(response.flags & DNS_TC, DNS_TC);
	assert_int_equal(response.n_records[DNS_ANSWER], 1);
	assert_true(response.edns.is_there);
	walk = dns_walk_begin(&response);
	while (dns_walk_next(&walk, &record))
		n_added--;
	assert_false(walk.in.is_short);
}

static void a_reason_comes_in_edns_alone(void **state)
{
	static const char expected[] = "\0\xf\0\xa\0\xf"
				       "list ads";
	struct dns_answer answer;
	size_t n;

	ask(edns_query, sizeof(edns_query) - 1);
	dns_answer_begin(&answer, &query, bytes, DNS_UDP_BYTES);
	dns_answer_explain(&answer, DNS_EXTRA_BLOCKED, "list ads");
	n = dns_answer_end(&answer, DNS_NXDOMAIN, 0);
	assert_int_equal(dns_message_parse(bytes, n, &response), 0);
	assert_int_equal(dns_message_rcode(&response), DNS_NXDOMAIN);
	assert_int_equal(response.edns.options_bytes, sizeof(expected) - 1);
	assert_memory_equal(bytes + response.edns.options_at, expected, sizeof(expected) - 1);

	ask(plain_query, sizeof(plain_query) - 1);
	dns_answer_begin(&answer, &query, bytes, DNS_UDP_BYTES);
	dns_answer_explain(&answer, DNS_EXTRA_BLOCKED, "list ads");
	n = dns_answer_end(&answer, DNS_NXDOMAIN, 0);
	assert_int_equal(n, sizeof(plain_query) - 1);
}

static void codes_beyond_four_bits_go_into_edns(void **state)
{
	struct dns_answer answer;

	ask(edns_query, sizeof(edns_query) - 1);
	dns_answer_begin(&answer, &query, bytes, DNS_UDP_BYTES);
	assert_int_equal(
		dns_message_parse(bytes, dns_answer_end(&answer, DNS_BADVERS, 0), &response), 0);
	assert_int_equal(dns_message_rcode(&response), DNS_BADVERS);
}

static void types_have_names(void **state)
{
	char text[DNS_TYPE_STR_BYTES];

	assert_string_equal(dns_type_str(DNS_AAAA, text), "AAAA");
	assert_string_equal(dns_type_str(65280, text), "TYPE65280");
	assert_int_equal(dns_type_parse("https"), DNS_HTTPS);
	assert_int_equal(dns_type_parse("TYPE65280"), 65280);
	assert_int_equal(dns_type_parse("TYPE65536"), 0);
	assert_int_equal(dns_type_parse("TYPE"), 0);
	assert_int_equal(dns_type_parse("nonsense"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_question_and_edns_are_read),
		cmocka_unit_test(a_message_that_ends_anywhere_is_refused),
		cmocka_unit_test(two_opts_or_one_in_the_wrong_place_are_refused),
		cmocka_unit_test(an_answer_has_the_querys_id_and_question),
		cmocka_unit_test(targets_are_compressed_but_of_newer_types),
		cmocka_unit_test(what_does_not_fit_is_left_out_and_told),
		cmocka_unit_test(a_reason_comes_in_edns_alone),
		cmocka_unit_test(codes_beyond_four_bits_go_into_edns),
		cmocka_unit_test(types_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
