// SPDX-License-Identifier: BSD-3-Clause
// What hosts on a link say, one message after another: whatever it is, what is kept of it is within
// its bounds, and an answer made of it is a message. Two bytes in front of each have its length,
// where the highest bits let time pass.
#include <stdlib.h>

#include "control/dns/mdns_known.h"

enum { LENGTH = 0x1fff, QUESTIONS = 5, STEP_MS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct {
	const char *name;
	uint16_t type;
} asked[QUESTIONS] = {
	{"printer.local", DNS_A},
	{"printer.local", DNS_AAAA},
	{"_http._tcp.local", DNS_PTR},
	{"Pages._http._tcp.local", DNS_SRV},
	{"Pages._http._tcp.local", DNS_TXT},
};

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_answer(struct mdns_question *question, uint64_t now_ms)
{
	static uint8_t out[DNS_MESSAGE_BYTES + 1];
	struct dns_message answer;
	struct dns_record record;
	struct dns_walk walk;
	size_t n;

	if (mdns_question_state(question, now_ms) != MDNS_STATE_SETTLED)
		return;
	out[DNS_MESSAGE_BYTES] = 0x5a;
	n = mdns_question_answer(question, now_ms, out, DNS_MESSAGE_BYTES);
	must(out[DNS_MESSAGE_BYTES] == 0x5a && dns_message_parse(out, n, &answer) == 0);
	must(answer.n_records[DNS_ANSWER] <= MDNS_RECORDS_MAX);
	walk = dns_walk_begin(&answer);
	while (dns_walk_next(&walk, &record)) {
		struct dns_name target;

		must(record.class == DNS_CLASS_IN && record.ttl_sec <= MDNS_TTL_SEC_MAX);
		// names in what was heard are written out: they are still names
		if (record.type == DNS_PTR || record.type == DNS_SRV)
			must(dns_record_target(&answer, &record, &target) == 0);
	}
}

static void hear(struct mdns_known *known, const uint8_t *bytes, size_t n, uint64_t now_ms)
{
	struct dns_message response;
	uint8_t *copy = malloc(n + 1);

	must(copy != NULL);
	memcpy(copy + 1, bytes, n); // it ends where its bytes end
	if (dns_message_parse(copy + 1, n, &response) == 0)
		mdns_known_take(known, &response, now_ms);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct mdns_known *known = mdns_known_new();
	struct mdns_question *questions[QUESTIONS];
	uint8_t query[MDNS_QUERY_BYTES_MAX];
	uint64_t now_ms = 100000;

	must(known != NULL);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct dns_question question = {.type = asked[i].type, .class = DNS_CLASS_IN};

		must(dns_name_parse(asked[i].name, &question.name) == 0);
		questions[i] = mdns_known_hold(known, &question, now_ms);
		must(questions[i] != NULL);
	}
	while (n >= 2) {
		size_t head = (size_t)(bytes[0] << 8 | bytes[1]);
		size_t length = (head & LENGTH) < n - 2 ? head & LENGTH : n - 2;

		now_ms += (head >> 13) * STEP_MS;
		for (unsigned i = 0; i < QUESTIONS; i++)
			if (mdns_question_state(questions[i], now_ms) == MDNS_STATE_ASK)
				must(mdns_question_write(questions[i], now_ms, query) > 0);
		hear(known, bytes + 2, length, now_ms);
		for (unsigned i = 0; i < QUESTIONS; i++)
			check_answer(questions[i], now_ms);
		bytes += 2 + length;
		n -= 2 + length;
	}
	mdns_known_free(known);
	return 0;
}
