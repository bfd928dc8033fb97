// SPDX-License-Identifier: BSD-3-Clause
// DNS cookies (RFC 7873): read and written, those of a server by the vectors of RFC 9018, and what
// an upstream's answer is worth by its own.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/dns/cookie_server.h"
#include "control/dns/upstream_cookie.h"

enum { NOW = 1700000000, MESSAGE_BYTES = 512 };

static struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_addr_parse(text, &out), 0);
	return out;
}

static size_t of_hex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[] = {text[2 * i], text[2 * i + 1], '\0'};

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static struct cookie cookie_of(const char *client, const char *server)
{
	struct cookie cookie = {0};

	assert_int_equal(of_hex(client, cookie.client), COOKIE_CLIENT_BYTES);
	cookie.server_bytes = (uint8_t)of_hex(server, cookie.server);
	return cookie;
}

static void assert_server(const struct cookie *cookie, const char *hex)
{
	uint8_t bytes[COOKIE_SERVER_BYTES];

	assert_int_equal(of_hex(hex, bytes), sizeof(bytes));
	assert_int_equal(cookie->server_bytes, sizeof(bytes));
	assert_memory_equal(cookie->server, bytes, sizeof(bytes));
}

static struct cookie_server server_of(const char *secret, uint32_t now_sec)
{
	struct cookie_server server = {.since_sec = now_sec};

	assert_int_equal(of_hex(secret, server.secret), SIPHASH_KEY_BYTES);
	return server;
}

// --- the hash ---

// The first three of the vectors that its authors give: key 00..0f, messages 00, 00 01, ...
static void the_hash_is_as_its_authors_have_it(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{15, 0xa129ca6149be45e5},
	};
	uint8_t bytes[SIPHASH_KEY_BYTES];

	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(siphash(bytes, bytes, rows[i].n), rows[i].hash);
}

// --- of a server: RFC 9018, appendix A ---

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"

static void a_client_learns_the_cookie_that_others_would_give_it(void **state)
{
	struct cookie_server server = server_of(SECRET, 1559731985);
	struct cookie cookie = cookie_of("2464c4abcf10c957", "");
	struct ip_addr client = addr("198.51.100.100");

	assert_int_equal(cookie_server_take(&server, &cookie, &client, 1559731985), COOKIE_IS_NEW);
	assert_server(&cookie, "010000005cf79f111f8130c3eee29480");
	assert_int_equal(
		cookie_server_take(&server, &cookie, &client, 1559731985), COOKIE_IS_VALID);
	assert_server(&cookie, "010000005cf79f111f8130c3eee29480");
}

static void one_that_grows_old_is_taken_and_another_given(void **state)
{
	struct cookie_server server = server_of(SECRET, 1559734385);
	struct cookie cookie = cookie_of("2464c4abcf10c957", "010000005cf79f111f8130c3eee29480");
	struct ip_addr client = addr("198.51.100.100");

	assert_int_equal(
		cookie_server_take(&server, &cookie, &client, 1559734385), COOKIE_IS_VALID);
	assert_server(&cookie, "010000005cf7a871d4a564a1442aca77");
}

static void what_another_implementation_reserved_counts_as_it_came(void **state)
{
	struct cookie_server server = server_of(SECRET, 1559727985);
	struct cookie cookie = cookie_of("fc93fc62807ddb86", "01abcdef5cf78f71a314227b6679ebf5");
	struct ip_addr client = addr("203.0.113.203");

	assert_int_equal(
		cookie_server_take(&server, &cookie, &client, 1559727985), COOKIE_IS_VALID);
}

static void the_secret_before_counts_for_a_while(void **state)
{
	struct cookie_server server = server_of("445536bcd2513298075a5d379663c962", 1559741961);
	struct cookie cookie = cookie_of("22681ab97d52c298", "010000005cf7c57926556bd0934c72f8");
	struct ip_addr client = addr("2001:db8:220:1:59de:d0f4:8769:82b8");
	struct cookie again = cookie;

	assert_int_equal(cookie_server_take(&server, &again, &client, 1559741961), COOKIE_IS_BAD);
	of_hex("dd3bdf9344b678b185a6f5cb60fca715", server.before);
	server.has_before = true;
	assert_int_equal(
		cookie_server_take(&server, &cookie, &client, 1559741961), COOKIE_IS_VALID);
	assert_server(&cookie, "010000005cf7c609a6bb79d16625507a");
}

static void a_secret_lives_for_a_day_and_what_it_signed_an_hour_more(void **state)
{
	struct cookie_server server = {0};
	struct ip_addr client = addr("198.18.0.7");
	struct cookie first = cookie_of("2464c4abcf10c957", ""), last, same;
	uint8_t secret[SIPHASH_KEY_BYTES];

	cookie_server_take(&server, &first, &client, NOW);
	memcpy(secret, server.secret, sizeof(secret));
	last = cookie_of("2464c4abcf10c957", "");
	cookie_server_take(&server, &last, &client, NOW + COOKIE_SECRET_SEC - 1);
	assert_memory_equal(server.secret, secret, sizeof(secret));
	same = last;
	assert_int_equal(cookie_server_take(&server, &same, &client, NOW + COOKIE_SECRET_SEC + 60),
		COOKIE_IS_VALID);
	assert_memory_not_equal(server.secret, secret, sizeof(secret));
	assert_memory_not_equal(same.server, last.server, sizeof(same.server));
}

static void who_has_another_address_or_time_or_cookie_is_not_known(void **state)
{
	static const int ages_sec[] = {COOKIE_AGE_MAX_SEC + 1, -COOKIE_AHEAD_MAX_SEC - 1};
	struct cookie_server server = {0};
	struct ip_addr client = addr("198.18.0.7"), other = addr("198.18.0.8");
	struct cookie given = cookie_of("2464c4abcf10c957", ""), cookie;

	cookie_server_take(&server, &given, &client, NOW);
	cookie = given;
	assert_int_equal(cookie_server_take(&server, &cookie, &client, NOW), COOKIE_IS_VALID);
	assert_int_equal(cookie_server_take(&server, &cookie, &other, NOW), COOKIE_IS_BAD);
	for (size_t i = 0; i < sizeof(ages_sec) / sizeof(ages_sec[0]); i++) {
		cookie = given;
		assert_int_equal(cookie_server_take(
					 &server, &cookie, &client, (uint32_t)(NOW + ages_sec[i])),
			COOKIE_IS_BAD);
	}
	for (unsigned i = 0; i < COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES; i++) {
		cookie = given;
		if (i < COOKIE_CLIENT_BYTES)
			cookie.client[i] ^= 1;
		else
			cookie.server[i - COOKIE_CLIENT_BYTES] ^= 1;
		assert_int_equal(cookie_server_take(&server, &cookie, &client, NOW), COOKIE_IS_BAD);
	}
	cookie = given;
	cookie.server_bytes = COOKIE_SERVER_BYTES + 1; // of another make
	assert_int_equal(cookie_server_take(&server, &cookie, &client, NOW), COOKIE_IS_BAD);
}

// --- in a message ---

static uint8_t wire[MESSAGE_BYTES];

// A message with EDNS options of those bytes.
static size_t write_message(uint16_t flags, const char *options_hex, struct dns_message *out)
{
	struct cursor_out to = cursor_out_of(wire, sizeof(wire));
	uint8_t options[MESSAGE_BYTES];
	size_t n = of_hex(options_hex, options);

	cursor_put_u16(&to, 7);
	cursor_put_u16(&to, flags);
	cursor_put(&to, "\0\1\0\0\0\0\0\1\1a\0\0\1\0\1\0\0\x29\4\xd0", 20);
	cursor_put_u32(&to, (flags & 0x10 ? 1u : 0) << 24); // BADCOOKIE's upper bits
	cursor_put_u16(&to, (uint16_t)n);
	cursor_put(&to, options, n);
	assert_int_equal(dns_message_parse(wire, to.n, out), 0);
	return to.n;
}

#define EIGHT "0102030405060708"

static void its_length_is_what_it_may_be(void **state)
{
	static const struct {
		const char *options;
		int rc;
		unsigned server_bytes;
	} rows[] = {
		{"", -ENOENT, 0},
		{"000c0000", -ENOENT, 0},
		{"000a0008" EIGHT, 0, 0},
		{"000c0002ffff000a0008" EIGHT, 0, 0}, // behind padding
		{"000a0010" EIGHT EIGHT, 0, 8},
		{"000a0028" EIGHT EIGHT EIGHT EIGHT EIGHT, 0, 32},
		{"000a0010" EIGHT EIGHT "000a0001ff", 0, 8}, // the first counts
		{"000a0000", -EBADMSG, 0},
		{"000a000701020304050607", -EBADMSG, 0},
		{"000a0009" EIGHT "01", -EBADMSG, 0},
		{"000a000f" EIGHT "01020304050607", -EBADMSG, 0},
		{"000a0029" EIGHT EIGHT EIGHT EIGHT EIGHT "01", -EBADMSG, 0},
		{"000a0010" EIGHT, -EBADMSG, 0}, // beyond the end
		{"000c", -EBADMSG, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_message message;
		struct cookie cookie;

		write_message(DNS_RD, rows[i].options, &message);
		if (cookie_find(&message, &cookie) != rows[i].rc)
			fail_msg("%s", rows[i].options);
		if (rows[i].rc == 0)
			assert_int_equal(cookie.server_bytes, rows[i].server_bytes);
	}
}

static void it_joins_what_edns_has_already(void **state)
{
	struct cookie cookie = cookie_of(EIGHT, "aabbccddeeff0011"), found;
	struct dns_message message;
	size_t n = write_message(DNS_RD, "000f00020003", &message);
	size_t whole = cookie_append(&cookie, wire, n, sizeof(wire));

	assert_int_equal(whole, n + cookie_option_bytes(&cookie));
	assert_int_equal(dns_message_parse(wire, whole, &message), 0);
	assert_int_equal(message.edns.options_bytes, 6 + 20);
	assert_int_equal(cookie_find(&message, &found), 0);
	assert_memory_equal(&found, &cookie, sizeof(cookie));
	// no room, no OPT: as it was
	n = write_message(DNS_RD, "", &message);
	assert_int_equal(cookie_append(&cookie, wire, n, n + 19), n);
	assert_int_equal(dns_message_parse(wire, n, &message), 0);
	wire[11] = 0;
	assert_int_equal(cookie_append(&cookie, wire, n, sizeof(wire)), n);
}

// An answer and its cookie take no more than the client has room for.
static void its_room_is_kept(void **state)
{
	struct cookie cookie = cookie_of(EIGHT, EIGHT EIGHT);
	struct dns_message query, given;
	struct asked asked;
	uint8_t out[MESSAGE_BYTES * 3];
	size_t n;

	write_message(DNS_RD, "", &query);
	asked_by(&query, false, &asked);
	asked_with_cookie(&asked, &cookie);
	memset(out, 0, sizeof(out));
	memcpy(out, wire, query.records_at);
	out[11] = 0;
	n = answer_finish(&asked, false, out, ANSWER_UDP_BYTES - 20, sizeof(out));
	n = answer_put_cookie(&asked, out, n, sizeof(out));
	assert_int_equal(dns_message_parse(out, n, &given), 0);
	assert_true((given.flags & DNS_TC) != 0);
	assert_int_equal(cookie_find(&given, &cookie), 0);
	assert_true(n <= ANSWER_UDP_BYTES);
}

// --- of an upstream ---

// What the upstream answers with those options.
static enum upstream_cookie_verdict judge(
	struct upstream_cookie *upstream, uint16_t flags, const char *options)
{
	struct dns_message answer;

	write_message(DNS_QR | flags, options, &answer);
	return upstream_cookie_judge(upstream, &answer, true, false);
}

// Whether it would be sent a cookie, of which server.
static bool is_sent(
	struct upstream_cookie *upstream, const char *from, bool is_failing, struct cookie *out)
{
	struct ip_addr address = addr(from);
	struct dns_message query;
	size_t n = write_message(DNS_RD, "", &query);

	n = upstream_cookie_put(upstream, &address, is_failing, wire, n, sizeof(wire));
	assert_int_equal(dns_message_parse(wire, n, &query), 0);
	return cookie_find(&query, out) == 0;
}

static const char *with(const struct cookie *sent, const char *server)
{
	static char text[2 * MESSAGE_BYTES];
	size_t n = (size_t)snprintf(
		text, sizeof(text), "000a%04zx", COOKIE_CLIENT_BYTES + strlen(server) / 2);

	for (unsigned i = 0; i < COOKIE_CLIENT_BYTES; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x", sent->client[i]);
	snprintf(text + n, sizeof(text) - n, "%s", server);
	return text;
}

static void an_upstream_gets_back_what_it_gave(void **state)
{
	struct upstream_cookie upstream = {0};
	struct cookie first, second;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &first));
	assert_int_equal(first.server_bytes, 0);
	assert_int_equal(judge(&upstream, 0, with(&first, EIGHT EIGHT)), UPSTREAM_COOKIE_TAKE);
	assert_true(is_sent(&upstream, "203.0.113.2", true, &second));
	assert_memory_equal(second.client, first.client, COOKIE_CLIENT_BYTES);
	assert_server(&second, EIGHT EIGHT);
	// from another address as somebody else
	assert_true(is_sent(&upstream, "203.0.113.3", false, &second));
	assert_memory_not_equal(second.client, first.client, COOKIE_CLIENT_BYTES);
	assert_int_equal(second.server_bytes, 0);
}

static void who_does_not_know_our_cookie_is_not_heard(void **state)
{
	struct upstream_cookie upstream = {0};
	struct cookie sent, other;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	other = sent;
	other.client[7] ^= 1;
	assert_int_equal(judge(&upstream, 0, with(&other, EIGHT EIGHT)), UPSTREAM_COOKIE_IGNORE);
	assert_int_equal(judge(&upstream, 0, with(&sent, "01")), UPSTREAM_COOKIE_IGNORE);
	assert_int_equal(upstream.cookie.server_bytes, 0);
	// without any it may be one that knows none, until it has shown that it does
	assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_TAKE);
	assert_int_equal(judge(&upstream, 0, with(&sent, EIGHT)), UPSTREAM_COOKIE_TAKE);
	assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_BY_TCP);
}

static void a_server_that_was_replaced_is_believed_again(void **state)
{
	struct upstream_cookie upstream = {0};
	struct cookie sent;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	judge(&upstream, 0, with(&sent, EIGHT));
	assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_BY_TCP);
	judge(&upstream, 0, with(&sent, EIGHT)); // begins anew
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_BY_TCP);
	assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_TAKE);
}

static void who_knows_cookies_by_tcp_has_not_forgotten_them(void **state)
{
	struct upstream_cookie upstream = {0};
	struct dns_message answer;
	struct cookie sent;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	judge(&upstream, 0, with(&sent, EIGHT));
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(judge(&upstream, 0, ""), UPSTREAM_COOKIE_BY_TCP);
		write_message(DNS_QR, with(&sent, EIGHT EIGHT), &answer);
		upstream_cookie_note_tcp(&upstream, &answer);
		assert_int_equal(upstream.cookie.server_bytes, 16);
	}
}

static void one_that_wants_another_cookie_is_asked_again(void **state)
{
	enum { BADCOOKIE_LOW = 7, HIGH = 0x10 };
	struct upstream_cookie upstream = {0};
	struct cookie sent;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	assert_int_equal(judge(&upstream, HIGH | BADCOOKIE_LOW, with(&sent, EIGHT EIGHT)),
		UPSTREAM_COOKIE_AGAIN);
	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	assert_server(&sent, EIGHT EIGHT);
}

static void who_cannot_bear_cookies_gets_none(void **state)
{
	struct upstream_cookie upstream = {0}, silent = {0};
	struct dns_message answer;
	struct cookie sent;

	assert_true(is_sent(&upstream, "203.0.113.2", false, &sent));
	assert_int_equal(judge(&upstream, DNS_FORMERR, ""), UPSTREAM_COOKIE_AGAIN);
	assert_false(is_sent(&upstream, "203.0.113.2", false, &sent));
	// nothing comes back with them, and all without
	for (unsigned i = 0; i < 3; i++) {
		assert_true(is_sent(&silent, "203.0.113.2", false, &sent));
		assert_false(is_sent(&silent, "203.0.113.2", true, &sent));
		write_message(DNS_QR, "", &answer);
		assert_int_equal(upstream_cookie_judge(&silent, &answer, false, false),
			UPSTREAM_COOKIE_TAKE);
	}
	assert_false(is_sent(&silent, "203.0.113.2", false, &sent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_as_its_authors_have_it),
		cmocka_unit_test(a_client_learns_the_cookie_that_others_would_give_it),
		cmocka_unit_test(one_that_grows_old_is_taken_and_another_given),
		cmocka_unit_test(what_another_implementation_reserved_counts_as_it_came),
		cmocka_unit_test(the_secret_before_counts_for_a_while),
		cmocka_unit_test(a_secret_lives_for_a_day_and_what_it_signed_an_hour_more),
		cmocka_unit_test(who_has_another_address_or_time_or_cookie_is_not_known),
		cmocka_unit_test(its_length_is_what_it_may_be),
		cmocka_unit_test(it_joins_what_edns_has_already),
		cmocka_unit_test(its_room_is_kept),
		cmocka_unit_test(an_upstream_gets_back_what_it_gave),
		cmocka_unit_test(who_does_not_know_our_cookie_is_not_heard),
		cmocka_unit_test(a_server_that_was_replaced_is_believed_again),
		cmocka_unit_test(who_knows_cookies_by_tcp_has_not_forgotten_them),
		cmocka_unit_test(one_that_wants_another_cookie_is_asked_again),
		cmocka_unit_test(who_cannot_bear_cookies_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
