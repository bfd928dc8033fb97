// SPDX-License-Identifier: BSD-3-Clause
// A config's own answers, asked as a client would. Include it in one file of a test.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>

#include "control/dns/local.h"
#include "tests/unit/config_fixture.h"

enum { NOW_SEC = 1000 };

static struct config *config;
static struct dns_names *names;
static struct dns_local *local;
static struct block_store *blocks;
static struct dns_local_result result;
static uint8_t question[DNS_UDP_BYTES], answer[DNS_UDP_BYTES];
static struct dns_message query, response;

static inline int teardown(void **state)
{
	dns_local_free(local);
	dns_names_free(names);
	block_store_free(blocks);
	config_free(config);
	local = NULL;
	names = NULL;
	blocks = NULL;
	config = NULL;
	return 0;
}

// `dns` is what the section has beside `listen`.
static inline void configure(const char *dns)
{
	struct error err;
	char text[4096];

	teardown(NULL);
	snprintf(text, sizeof(text), ROUTER "dns:\n  listen: lan\n%s", dns);
	config = parse_good(text);
	names = dns_names_new();
	local = dns_local_new(&config->dns, names, &err);
	assert_non_null(local);
}

static inline void add_block(unsigned list, uint32_t line, const char *rule)
{
	if (blocks == NULL)
		blocks = block_store_new();
	// numbers in the store are not those of the config
	block_store_set_name(blocks, 4, "ads");
	block_store_set_name(blocks, 1, "games");
	assert_int_equal(block_store_add_line(blocks, list, line, rule, strlen(rule)), 0);
	dns_local_use_blocks(local, blocks);
}

static inline void ask_from(const char *client, const char *text, uint16_t type)
{
	struct cursor_out out = cursor_out_of(question, sizeof(question));
	struct dns_name name;
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(client, &addr), 0);
	assert_int_equal(dns_name_parse(text, &name), 0);
	cursor_put(&out, "\x12\x34\1\0\0\1\0\0\0\0\0\1", DNS_HEADER_BYTES);
	dns_name_write(&out, &name);
	cursor_put_u16(&out, type);
	cursor_put_u16(&out, DNS_CLASS_IN);
	cursor_put(&out, "\0\0\x29\4\xd0\0\0\0\0\0\0", 11); // EDNS, 1232 bytes
	assert_int_equal(dns_message_parse(question, out.n, &query), 0);
	dns_local_answer(local, &query, &addr, NOW_SEC, answer, sizeof(answer), &result);
	if (result.verdict == DNS_LOCAL_GO_ON)
		return;
	assert_int_equal(dns_message_parse(answer, result.n, &response), 0);
	assert_int_equal(response.id, 0x1234);
	assert_int_equal(dns_message_rcode(&response), result.rcode);
	assert_true(result.why[0] != '\0');
}

static inline void ask(const char *text, uint16_t type)
{
	ask_from("198.18.0.50", text, type);
}

static inline size_t data_str(const struct dns_record *record, char *out, size_t room)
{
	struct cursor in = cursor_of(answer + record->data_at, record->data_bytes);
	char text[DNS_NAME_STR_BYTES];
	struct dns_name target;
	struct ip_addr addr;
	size_t n = 0;

	if (dns_record_address(&response, record, &addr))
		return (size_t)snprintf(out, room, "%s", ip_addr_str(&addr, text));
	if (record->type == DNS_TXT)
		return (size_t)snprintf(out, room, "\"%.*s\"", in.at[0], (const char *)in.at + 1);
	for (int i = record->type == DNS_MX ? 1 : record->type == DNS_SRV ? 3 : 0; i > 0; i--)
		n += (size_t)snprintf(out + n, room - n, "%u ", cursor_u16(&in));
	assert_int_equal(dns_record_target(&response, record, &target), 0);
	return n + (size_t)snprintf(out + n, room - n, "%s", dns_name_str(&target, text));
}

// The answer as "name TYPE data" with commas between, and behind ";" the zone of the SOA.
static inline void assert_answer(
	enum dns_local_stage stage, enum dns_rcode rcode, const char *expected)
{
	char text[1024] = "", name_text[DNS_NAME_STR_BYTES], type_text[DNS_TYPE_STR_BYTES];
	struct dns_walk walk = dns_walk_begin(&response);
	struct dns_record record;
	size_t n = 0;

	assert_int_not_equal(result.verdict, DNS_LOCAL_GO_ON);
	while (dns_walk_next(&walk, &record)) {
		struct dns_name name;

		if (record.type == DNS_OPT)
			continue;
		assert_int_equal(dns_record_name(&response, &record, &name), 0);
		dns_name_str(&name, name_text);
		if (record.section == DNS_AUTHORITY) {
			assert_int_equal(record.type, DNS_SOA);
			n += (size_t)snprintf(text + n, sizeof(text) - n, ";%s", name_text);
			continue;
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s ", n > 0 ? ", " : "",
			name_text, dns_type_str(record.type, type_text));
		n += data_str(&record, text + n, sizeof(text) - n);
	}
	assert_string_equal(text, expected);
	assert_string_equal(dns_local_stage_name(result.stage), dns_local_stage_name(stage));
	assert_int_equal(result.rcode, rcode);
}

static inline void assert_goes_on(const char *text, uint16_t type)
{
	ask(text, type);
	if (result.verdict != DNS_LOCAL_GO_ON)
		fail_msg("%s: %s", text, result.why);
}
