// SPDX-License-Identifier: BSD-3-Clause
// A message with a DNS cookie, as a question to us and as an upstream's answer: whatever it says of
// itself, what goes out is a message within its room that has the same client's cookie, the one
// that was given is known again, and an upstream's never takes more than its place. The first byte
// says how the server's clock and the upstream stand.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/dns/cookie_server.h"
#include "control/dns/upstream_cookie.h"

enum { NOW = 1700000000, STEP_SEC = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

static void answer(const struct dns_message *query, const struct cookie *cookie)
{
	static uint8_t out[DNS_MESSAGE_BYTES];
	struct dns_message given;
	struct cookie found;
	struct asked asked;
	uint16_t room;
	size_t n;

	asked_by(query, false, &asked);
	room = asked.room_bytes;
	asked_with_cookie(&asked, cookie);
	n = answer_write_code(&asked, DNS_BADCOOKIE, out, sizeof(out));
	must(n > 0);
	n = answer_explain(&asked, DNS_EXTRA_FILTERED, "why", out, n, sizeof(out));
	n = answer_put_cookie(&asked, out, n, sizeof(out));
	must(n <= room && dns_message_parse(out, n, &given) == 0);
	must(dns_message_rcode(&given) == DNS_BADCOOKIE && cookie_find(&given, &found) == 0);
	must(memcmp(&found, cookie, sizeof(found)) == 0);
}

static void ask_us(const struct dns_message *query, uint8_t options)
{
	static const struct ip_addr client = {.family = IP_V4, .v4 = {198, 18, 0, 7}};
	static struct cookie_server server;
	struct cookie cookie, again;
	uint32_t now_sec = NOW + (options & 7u) * STEP_SEC;

	if (cookie_find(query, &cookie) != 0)
		return;
	cookie_server_take(&server, &cookie, &client, now_sec);
	must(cookie.server_bytes == COOKIE_SERVER_BYTES);
	answer(query, &cookie);
	again = cookie;
	must(cookie_server_take(&server, &again, &client, now_sec) == COOKIE_IS_VALID);
	must(memcmp(&again, &cookie, sizeof(cookie)) == 0);
}

static void answer_us(const struct dns_message *message, uint8_t options)
{
	static const struct ip_addr from = {.family = IP_V4, .v4 = {203, 0, 113, 2}};
	struct upstream_cookie upstream = {.from = from};
	enum upstream_cookie_verdict verdict;
	uint8_t out[DNS_UDP_BYTES];
	struct cookie cookie;
	int rc = cookie_find(message, &cookie);

	if (rc == 0 && (options & 1) != 0)
		memcpy(upstream.cookie.client, cookie.client, COOKIE_CLIENT_BYTES);
	upstream.cookie.server_bytes = options & 2 ? COOKIE_SERVER_BYTES_MAX : 0;
	verdict = upstream_cookie_judge(&upstream, message, (options & 4) != 0, (options & 8) != 0);
	must((options & 4) != 0 || verdict == UPSTREAM_COOKIE_TAKE);
	if (rc == -EBADMSG && (options & 4) != 0)
		must(verdict == UPSTREAM_COOKIE_IGNORE);
	upstream_cookie_note_tcp(&upstream, message);
	must(upstream.cookie.server_bytes <= COOKIE_SERVER_BYTES_MAX);
	if (message->n <= sizeof(out)) {
		memcpy(out, message->bytes, message->n);
		must(upstream_cookie_put(&upstream, &from, false, out, message->n, sizeof(out)) <=
			sizeof(out));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message message;

	if (size == 0 || dns_message_parse(data + 1, size - 1, &message) != 0)
		return 0;
	ask_us(&message, data[0]);
	answer_us(&message, data[0]);
	return 0;
}
