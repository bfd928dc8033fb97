// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/upstream_cookie.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
	FORGOTTEN_AFTER = 3, // answers without one: it knows cookies no more
	UNHEARD_MAX = 3,
};

// A cookie tells who asks as well as an address does: another address gets another one (RFC 9018
// section 3).
static bool begin(struct upstream_cookie *upstream, const struct ip_addr *from)
{
	if (ip_addr_equal(&upstream->from, from))
		return true;
	upstream->cookie = (struct cookie){.server_bytes = 0};
	upstream->n_without = 0;
	upstream->from = *from;
	if (getrandom(upstream->cookie.client, COOKIE_CLIENT_BYTES, 0) == COOKIE_CLIENT_BYTES)
		return true;
	upstream->from.family = IP_NONE;
	return false;
}

size_t upstream_cookie_put(struct upstream_cookie *upstream, const struct ip_addr *from,
	bool is_failing, uint8_t *query, size_t n, size_t room)
{
	if (upstream->is_off || from->family == IP_NONE || !begin(upstream, from) ||
		(is_failing && upstream->cookie.server_bytes == 0))
		return n;
	return cookie_append(&upstream->cookie, query, n, room);
}

static bool has_ours(const struct upstream_cookie *upstream, const struct cookie *cookie)
{
	return memcmp(cookie->client, upstream->cookie.client, COOKIE_CLIENT_BYTES) == 0;
}

static void note_good(struct upstream_cookie *upstream, const struct cookie *cookie)
{
	upstream->n_without = 0;
	if (cookie->server_bytes > 0)
		upstream->cookie = *cookie;
}

void upstream_cookie_note_tcp(struct upstream_cookie *upstream, const struct dns_message *answer)
{
	struct cookie cookie;

	if (cookie_find(answer, &cookie) == 0 && has_ours(upstream, &cookie))
		note_good(upstream, &cookie);
}

// RFC 6891 section 7: who knows no option says FORMERR only if he knows no EDNS either. Some do.
static enum upstream_cookie_verdict judge_without(
	struct upstream_cookie *upstream, const struct dns_message *answer, bool is_doubted)
{
	if (upstream->cookie.server_bytes == 0) {
		upstream->is_off = dns_message_rcode(answer) == DNS_FORMERR;
		return upstream->is_off ? UPSTREAM_COOKIE_AGAIN : UPSTREAM_COOKIE_TAKE;
	}
	// it has been replaced, or this is not from it: TCP tells, and three times is no chance
	if (!is_doubted && ++upstream->n_without == FORGOTTEN_AFTER) {
		upstream->cookie.server_bytes = 0;
		upstream->n_without = 0;
	}
	return UPSTREAM_COOKIE_BY_TCP;
}

enum upstream_cookie_verdict upstream_cookie_judge(struct upstream_cookie *upstream,
	const struct dns_message *answer, bool is_sent, bool is_doubted)
{
	struct cookie cookie;
	int rc;

	if (!is_sent) {
		upstream->is_off |= ++upstream->n_unheard == UNHEARD_MAX;
		return UPSTREAM_COOKIE_TAKE;
	}
	upstream->n_unheard = 0;
	rc = cookie_find(answer, &cookie);
	if (rc == -ENOENT)
		return judge_without(upstream, answer, is_doubted);
	// section 5.3: "the response MUST be discarded" when malformed, or ours is not in it
	if (rc != 0 || !has_ours(upstream, &cookie))
		return UPSTREAM_COOKIE_IGNORE;
	note_good(upstream, &cookie);
	return dns_message_rcode(answer) == DNS_BADCOOKIE ? UPSTREAM_COOKIE_AGAIN
							  : UPSTREAM_COOKIE_TAKE;
}
