// SPDX-License-Identifier: BSD-3-Clause
// Answers from outside that lead inside: a page's script could then talk to what is here as if it
// were the page's own server.
#include <stdio.h>

#include "cfg/base/clock.h"
#include "control/dns/local_internal.h"
#include "control/dns/special.h"

enum {
	HINT_IP4 = 4, // RFC 9460, section 14.3.2
	HINT_IP6 = 6,
	KNOWN_BYTES = 1232,
	MS_PER_SEC = 1000,
};

static bool is_trap(const struct ip_addr *addr, char why[DNS_WHY_BYTES])
{
	const char *is = dns_special_address(addr);
	char text[ADDR_STR_BYTES];

	if (is != NULL)
		snprintf(why, DNS_WHY_BYTES, "an answer from outside has %s, which is %s",
			ip_addr_str(addr, text), is);
	return is != NULL;
}

static bool has_hints(const struct dns_message *response, const struct dns_record *record,
	char why[DNS_WHY_BYTES])
{
	struct cursor in = cursor_of(response->bytes + record->data_at, record->data_bytes);

	cursor_u16(&in);
	dns_name_skip(&in);
	while (!in.is_short && in.left > 0) {
		uint16_t key = cursor_u16(&in);
		struct cursor value = cursor_part(&in, cursor_u16(&in));
		size_t bytes = key == HINT_IP4 ? 4 : 16;

		while ((key == HINT_IP4 || key == HINT_IP6) && value.left >= bytes) {
			struct ip_addr addr = {.family = key == HINT_IP4 ? IP_V4 : IP_V6};

			cursor_copy(&value, addr.bytes, bytes);
			if (is_trap(&addr, why))
				return true;
		}
	}
	return false;
}

static bool has_trap(const struct dns_message *response, char why[DNS_WHY_BYTES])
{
	struct dns_walk walk = dns_walk_begin(response);
	struct dns_record record;
	struct ip_addr addr;

	while (dns_walk_next(&walk, &record))
		if (dns_record_address(response, &record, &addr) && is_trap(&addr, why))
			return true;
	return false;
}

// Of a name that the client goes on to ask for by itself (RFC 9460 section 3): whether what is
// known of it here leads inside, which nobody outside may lead to. An alias (CNAME) is followed
// outside.
static bool is_inside(const struct dns_local *local, const struct dns_name *name)
{
	static const uint16_t types[] = {DNS_A, DNS_AAAA};
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	uint8_t out[KNOWN_BYTES];
	char why[DNS_WHY_BYTES];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct dns_message known;
		struct dns_message query = {.n_questions = 1,
			.question = {.name = *name, .type = types[i], .class = DNS_CLASS_IN}};
		struct dns_local_result result;

		dns_local_write_known(local, &query, now_sec, out, sizeof(out), &result);
		if (result.verdict == DNS_LOCAL_LINK)
			return true;
		if (result.n > 0 && dns_message_parse(out, result.n, &known) == 0 &&
			has_trap(&known, why))
			return true;
	}
	return false;
}

static bool has_inside_target(const struct dns_local *local, const struct dns_message *response,
	const struct dns_record *record, char why[DNS_WHY_BYTES])
{
	struct dns_name target;
	char text[DNS_NAME_STR_BYTES];

	if (dns_record_target(response, record, &target) != 0 || target.n_labels == 0 ||
		!is_inside(local, &target))
		return false;
	snprintf(why, DNS_WHY_BYTES,
		"an answer from outside leads to %.200s, which is a name of here",
		dns_name_str(&target, text));
	return true;
}

bool dns_local_allows(
	const struct dns_local *local, const struct dns_message *response, char why[DNS_WHY_BYTES])
{
	const struct dns_zone_node *exempt;
	struct dns_walk walk = dns_walk_begin(response);
	struct dns_record record;

	why[0] = '\0';
	if (local->is_rebind_allowed)
		return true;
	dns_zones_find(local->exempt, &response->question.name, &exempt);
	if (exempt != NULL)
		return true;
	if (has_trap(response, why))
		return false;
	while (dns_walk_next(&walk, &record))
		if ((record.type == DNS_SVCB || record.type == DNS_HTTPS) &&
			(has_hints(response, &record, why) ||
				has_inside_target(local, response, &record, why)))
			return false;
	return true;
}

size_t dns_local_write_refusal(
	const struct dns_message *query, const char *why, void *out, size_t room)
{
	struct dns_answer answer;

	dns_answer_begin(&answer, query, out, room);
	dns_answer_explain(&answer, DNS_EXTRA_FILTERED, why);
	return dns_answer_end(&answer, DNS_NOERROR, 0);
}
