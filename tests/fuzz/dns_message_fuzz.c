// SPDX-License-Identifier: BSD-3-Clause
// A message of DNS: whatever comes is walked within its bytes, and what was understood of it is
// understood again when it is written as an answer, within what the asker takes.
#include <stdlib.h>

#include "control/dns/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_name(const struct dns_name *name)
{
	char text[DNS_NAME_STR_BYTES];
	struct dns_name again;
	struct ip_addr addr;

	require(dns_name_parse(dns_name_str(name, text), &again) == 0);
	require(dns_name_equal(name, &again) && name->n_labels == again.n_labels);
	require(dns_name_is_within(name, &again));
	if (dns_name_to_address(name, &addr)) {
		dns_name_of_address(&addr, &again);
		require(dns_name_equal(name, &again));
	}
}

static void add(struct dns_answer *answer, const struct dns_message *message,
	const struct dns_record *record)
{
	struct dns_name name, target;
	struct ip_addr addr;

	if (record->type == DNS_OPT || dns_record_name(message, record, &name) != 0)
		return;
	check_name(&name);
	if (dns_record_address(message, record, &addr))
		dns_answer_add_address(answer, &name, record->ttl_sec, &addr);
	else if (dns_record_target(message, record, &target) == 0)
		dns_answer_add_target(answer, record->section, &name, DNS_CNAME, record->ttl_sec,
			NULL, 0, &target);
	else
		dns_answer_add(answer, record->section, &name, record->type, record->ttl_sec,
			message->bytes + record->data_at, record->data_bytes);
}

static void check_answer(const struct dns_message *message)
{
	static uint8_t out[DNS_UDP_BYTES + 1];
	struct dns_message again;
	struct dns_answer answer;
	struct dns_record record;
	struct dns_walk walk = dns_walk_begin(message);
	size_t n;

	out[DNS_UDP_BYTES] = 0x5a;
	dns_answer_begin(&answer, message, out, DNS_UDP_BYTES);
	while (dns_walk_next(&walk, &record))
		add(&answer, message, &record);
	require(!walk.in.is_short);
	dns_answer_add_soa(&answer, &message->question.name, 60);
	dns_answer_explain(&answer, DNS_EXTRA_BLOCKED, "why");
	n = dns_answer_end(&answer, DNS_NOERROR, 0);
	require(n <= DNS_UDP_BYTES && out[DNS_UDP_BYTES] == 0x5a);
	require(dns_message_parse(out, n, &again) == 0);
	require(again.id == message->id && again.edns.is_there == message->edns.is_there);
	require(dns_name_equal(&again.question.name, &message->question.name));
	walk = dns_walk_begin(&again);
	while (dns_walk_next(&walk, &record)) {
		struct dns_name name;

		require(dns_record_name(&again, &record, &name) == 0);
	}
	require(!walk.in.is_short);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	uint8_t *copy = malloc(n_bytes + 1);
	struct dns_message message;

	require(copy != NULL);
	// The copy ends where its bytes end: whoever reads on is caught.
	memcpy(copy + 1, bytes, n_bytes);
	if (dns_message_parse(copy + 1, n_bytes, &message) == 0 && message.question.name.len > 0) {
		check_name(&message.question.name);
		check_answer(&message);
	}
	free(copy);
	return 0;
}
