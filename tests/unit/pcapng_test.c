// SPDX-License-Identifier: BSD-3-Clause
// pcapng as libpcap reads it back, and what libpcap does not look at block by block.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/pcapng.h"

static const uint8_t frame[] = "\1\2\3\4\5\6\7\10\11\12\13\14\10\0E and what it carries";

static pcap_t *reopen(struct evbuffer *from)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *file = tmpfile();
	pcap_t *pcap;

	assert_non_null(file);
	fwrite(evbuffer_pullup(from, -1), 1, evbuffer_get_length(from), file);
	rewind(file);
	pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (pcap == NULL)
		fail_msg("%s", why);
	return pcap;
}

static void libpcap_reads_what_was_written(void **state)
{
	static const uint32_t lengths[] = {14, 15, 16, 17, 35};
	struct evbuffer *out = evbuffer_new();
	struct pcap_pkthdr *header;
	const u_char *got;
	pcap_t *pcap;

	assert_int_equal(pcapng_section(out, "millrace", "tcp port 443"), 0);
	assert_int_equal(pcapng_interface(out, "lan", 256), 0);
	for (size_t i = 0; i < 5; i++) {
		struct pcapng_packet packet = {
			.interface = i > 2,
			.direction = PCAPNG_INBOUND,
			.time_ns = UINT64_C(1700000000123456789) + i,
			.bytes = 1500,
			.captured_bytes = lengths[i],
			.data = frame,
			.comment = i == 1 ? "drop_ttl: TTL or hop limit ran out" : NULL,
		};

		if (i == 3) // one may come at any time
			assert_int_equal(pcapng_interface(out, "wan", 256), 0);
		assert_int_equal(pcapng_packet(out, &packet), 0);
	}
	pcap = reopen(out);
	assert_int_equal(pcap_datalink(pcap), DLT_EN10MB);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(pcap_next_ex(pcap, &header, &got), 1);
		assert_int_equal(header->ts.tv_sec, 1700000000);
		assert_int_equal(header->ts.tv_usec, 123456789 + i);
		assert_int_equal(header->len, 1500);
		assert_int_equal(header->caplen, lengths[i]);
		assert_memory_equal(got, frame, lengths[i]);
	}
	assert_int_equal(pcap_next_ex(pcap, &header, &got), PCAP_ERROR_BREAK);
	pcap_close(pcap);
	evbuffer_free(out);
}

static uint32_t word_at(const uint8_t *bytes, size_t at)
{
	uint32_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static void a_packet_carries_its_comment_and_its_direction(void **state)
{
	static const char comment[] = "drop_rule: by hand"; // 18 bytes, padded to 20
	struct evbuffer *out = evbuffer_new();
	const struct pcapng_packet packet = {.direction = PCAPNG_OUTBOUND,
		.bytes = 17,
		.captured_bytes = 17,
		.data = frame,
		.comment = comment};
	const uint8_t *bytes;
	size_t n;

	assert_int_equal(pcapng_packet(out, &packet), 0);
	n = evbuffer_get_length(out);
	bytes = evbuffer_pullup(out, -1);
	assert_int_equal(n % 4, 0);
	assert_int_equal(word_at(bytes, 4), n);
	assert_int_equal(word_at(bytes, n - 4), n);
	assert_int_equal(word_at(bytes, 28 + 20), 1 | 18 << 16); // opt_comment behind 17 bytes
	assert_memory_equal(bytes + 28 + 20 + 4, comment, 18);
	assert_int_equal(word_at(bytes, 28 + 20 + 4 + 20), 2 | 4 << 16); // epb_flags
	assert_int_equal(word_at(bytes, 28 + 20 + 4 + 20 + 4), PCAPNG_OUTBOUND);
	assert_int_equal(word_at(bytes, n - 8), 0); // opt_endofopt
	evbuffer_free(out);
}

static void a_text_too_long_for_an_option_is_cut(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char *text = malloc(100001);

	memset(text, 'x', 100000);
	text[100000] = '\0';
	assert_int_equal(pcapng_section(out, text, NULL), 0);
	assert_int_equal(evbuffer_get_length(out), 12 + 16 + 4 + 65536 + 4);
	assert_int_equal(pcapng_interface(out, "lan", 256), 0);
	pcap_close(reopen(out)); // and it is whole
	free(text);
	evbuffer_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libpcap_reads_what_was_written),
		cmocka_unit_test(a_packet_carries_its_comment_and_its_direction),
		cmocka_unit_test(a_text_too_long_for_an_option_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
