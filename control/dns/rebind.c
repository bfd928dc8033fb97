// SPDX-License-Identifier: BSD-3-Clause
// Answers from outside that lead inside: a page's script could then talk to what is here as if it
// were the page's own server.
#include <stdio.h>

#include "control/dns/local_internal.h"
#include "control/dns/special.h"

enum { HINT_IP4 = 4, HINT_IP6 = 6 }; // RFC 9460, section 14.3.2

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

bool dns_local_allows(
	const struct dns_local *local, const struct dns_message *response, char why[DNS_WHY_BYTES])
{
	const struct dns_zone_node *exempt;
	struct dns_walk walk = dns_walk_begin(response);
	struct dns_record record;
	struct ip_addr addr;

	why[0] = '\0';
	if (local->is_rebind_allowed)
		return true;
	dns_zones_find(local->exempt, &response->question.name, &exempt);
	if (exempt != NULL)
		return true;
	while (dns_walk_next(&walk, &record)) {
		if (dns_record_address(response, &record, &addr) && is_trap(&addr, why))
			return false;
		if ((record.type == DNS_SVCB || record.type == DNS_HTTPS) &&
			has_hints(response, &record, why))
			return false;
	}
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
