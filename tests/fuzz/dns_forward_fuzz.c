// SPDX-License-Identifier: BSD-3-Clause
// What an upstream sends, on its way to a client: looked at, stripped, kept, given back, finished
// for a client of any kind. Whatever came in, what goes out is a message with the client's
// question.
#include <stdlib.h>
#include <string.h>

#include "control/dns/answer.h"
#include "control/dns/blocked_answer.h"
#include "control/dns/cache.h"
#include "control/dns/strip.h"

enum { OPTION_BYTES = 2, NOW = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[DNS_MESSAGE_BYTES + 1], query[DNS_HEADER_BYTES + DNS_NAME_BYTES_MAX + 16];

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

// A query for the answer's question, as a client of these options would ask.
static void make_asked(const struct dns_message *answer, uint8_t options, struct asked *asked)
{
	struct cursor_out to = cursor_out_of(query, sizeof(query));
	struct dns_message parsed;

	cursor_put_u16(&to, 0xbeef);
	cursor_put_u16(&to, options & 1 ? DNS_RD | DNS_CD : DNS_RD);
	cursor_put_u16(&to, 1);
	cursor_put_u32(&to, 0);
	cursor_put_u16(&to, options & 2 ? 1 : 0);
	dns_name_write(&to, &answer->question.name);
	cursor_put_u16(&to, answer->question.type);
	cursor_put_u16(&to, answer->question.class);
	if (options & 2) {
		cursor_put_u8(&to, 0);
		cursor_put_u16(&to, DNS_OPT);
		cursor_put_u16(&to, options & 4 ? 4096 : 600);
		cursor_put_u32(&to, options & 8 ? 0x8000 : 0);
		cursor_put_u16(&to, 0);
	}
	must(dns_message_parse(query, to.n, &parsed) == 0);
	asked_by(&parsed, (options & 16) != 0, asked);
}

// `n` bytes of `out` become an answer, which must be one.
static void finish(const struct asked *asked, size_t n)
{
	struct dns_message given;
	size_t bytes = answer_finish(asked, false, out, n, DNS_MESSAGE_BYTES);

	must(bytes <= asked->room_bytes);
	must(dns_message_parse(out, bytes, &given) == 0);
	must(given.id == asked->id && (given.flags & DNS_QR) != 0);
	must(given.edns.is_there == asked->has_edns);
	must(dns_name_equal(&given.question.name, &asked->question.name));
}

static void keep_and_give_back(const struct dns_message *answer, const struct asked *asked)
{
	static const struct cache_limits limits = {
		.bytes = 1 << 20, .ttl_max_sec = 3600, .stale_sec = 3600};
	struct cache_key key = {.question = asked->question, .is_do = asked->is_do};
	struct cache *cache = cache_new(&limits);
	size_t n;

	must(cache != NULL);
	cache_put(cache, &key, answer, NOW);
	if (cache_get(cache, &key, NOW + 5, out, DNS_MESSAGE_BYTES, &n) != CACHE_NONE)
		finish(asked, n);
	if (cache_get(cache, &key, NOW + 3601, out, DNS_MESSAGE_BYTES, &n) != CACHE_NONE)
		finish(asked, n);
	cache_free(cache);
}

// An alias in it may lead to a blocked name: what is said instead is an answer too.
static void block_aliases(const struct dns_message *answer, const struct asked *asked)
{
	static const char *names[] = {"ads.example.net"};
	static struct cfg_dns_blocking blocking = {.names = {.names = names, .n = 1}};
	static const struct cfg_dns config = {.local = {.blocking = &blocking, .n_blocking = 1}};
	static struct dns_local *local;
	struct dns_blocked blocked;
	struct dns_message given;
	struct dns_name alias;
	enum dns_rcode rcode;
	struct error err;
	size_t n;

	if (local == NULL)
		local = dns_local_new(&config, NULL, &err);
	must(local != NULL);
	if (!blocked_alias_find(local, 1, answer, &blocked, &alias))
		return;
	n = blocked_alias_write(asked, &blocked, &alias, out, DNS_MESSAGE_BYTES, &rcode);
	must(n <= asked->room_bytes && dns_message_parse(out, n, &given) == 0);
	must(given.id == asked->id && dns_name_equal(&given.question.name, &asked->question.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message answer;
	struct asked asked;
	size_t n;

	if (size < OPTION_BYTES ||
		dns_message_parse(data + OPTION_BYTES, size - OPTION_BYTES, &answer) != 0 ||
		!answer_has_plain_question(&answer)) // others are not taken: exchange.c
		return 0;
	make_asked(&answer, data[0], &asked);
	n = strip_dnssec(&answer, out, DNS_MESSAGE_BYTES);
	if (n > 0)
		finish(&asked, n);
	memcpy(out, answer.bytes, answer.n);
	n = answer_without_opt(out, &answer);
	finish(&asked, n);
	keep_and_give_back(&answer, &asked);
	block_aliases(&answer, &asked);
	return 0;
}
