// SPDX-License-Identifier: BSD-3-Clause
// The next packet that comes in, by a capture of one, explained as it was received.
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/answer.h"
#include "control/cli/capture.h"
#include "control/cli/explain.h"

enum {
	LIVE_SEC = 10, // where no other time is said
	LIVE_FRAME_MAX = 1600,
	POLL_MS = 50,
};

const struct grammar_arg explain_live_args[] = {
	{"in", "in", GRAMMAR_INTERFACE, "where it comes in"},
	{"filter", "filter", GRAMMAR_TEXT, "as tcpdump takes it, in one word"},
	{"for", "for_sec", GRAMMAR_COUNT, "seconds to wait for one; 10 otherwise"},
	{0},
};

// --- one packet ---

// All that comes until the capture is over; the caller frees it. NULL: it has said why not.
static char *collect(const struct cli *cli, json_int_t capture, size_t *n_bytes)
{
	static const struct timespec rest = {.tv_nsec = POLL_MS * 1000000};
	char *all = NULL;
	FILE *out = open_memstream(&all, n_bytes);
	bool is_over = false, is_fine = out != NULL;

	while (is_fine && !is_over) {
		json_t *state =
			cli_ask(cli, "capture.read", json_pack("{s:I}", "capture", capture));

		is_fine = state != NULL && capture_write(out, answer_text(state, "pcapng")) == 0;
		is_over = json_is_true(json_object_get(state, "is_over"));
		json_decref(state);
		if (is_fine && !is_over)
			nanosleep(&rest, NULL);
	}
	if (out != NULL)
		fclose(out);
	if (is_fine)
		return all;
	free(all);
	return NULL;
}

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
	char text[2 * LIVE_FRAME_MAX + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_stringn(text, 2 * n);
}

// The first packet of a capture as hexadecimal digits, or NULL, said why.
static json_t *first_frame(char *pcapng, size_t n_bytes)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *in = fmemopen(pcapng, n_bytes, "r");
	pcap_t *pcap = in == NULL ? NULL : pcap_fopen_offline(in, why);
	struct pcap_pkthdr *head;
	const uint8_t *bytes;
	json_t *frame = NULL;

	if (pcap == NULL || pcap_next_ex(pcap, &head, &bytes) != 1)
		fputs("millrace: none has come\n", stderr);
	else if (head->len > LIVE_FRAME_MAX)
		fprintf(stderr, "millrace: one came, of %u bytes: %d are the most\n", head->len,
			LIVE_FRAME_MAX);
	else
		frame = hex_json(bytes, head->caplen);
	if (pcap != NULL)
		pcap_close(pcap); // and `in`
	else if (in != NULL)
		fclose(in);
	return frame;
}

static json_t *wait_for_one(const struct cli *cli, json_t *request)
{
	json_t *started = cli_ask(cli, "capture.start", request), *frame = NULL;
	size_t n_bytes = 0;
	char *pcapng;

	if (started == NULL)
		return NULL;
	pcapng = collect(cli, json_integer_value(json_object_get(started, "capture")), &n_bytes);
	if (pcapng != NULL)
		frame = first_frame(pcapng, n_bytes);
	free(pcapng);
	json_decref(started);
	return frame;
}

int do_explain_live(const struct cli *cli)
{
	const char *in = cli_value(cli, "in"), *filter = cli_value(cli, "filter");
	json_t *for_sec = json_object_get(cli->params, "for_sec"), *request, *frame;
	int rc = 0;

	if (in == NULL)
		return cli_wrong_usage("explain live wants 'in' and an interface", NULL);
	request = json_pack("{s:[s], s:[s], s:i, s:i, s:b, s:I}", "interfaces", in, "kinds", "rx",
		"count", 1, "snap", LIVE_FRAME_MAX, "thorough", 1, "for_sec",
		for_sec == NULL ? (json_int_t)LIVE_SEC : json_integer_value(for_sec));
	if (filter != NULL)
		rc = capture_compile(request, filter);
	if (rc != 0) {
		json_decref(request);
		return rc;
	}
	frame = wait_for_one(cli, request);
	if (frame == NULL)
		return EXIT_FAILURE;
	return explain_ask(cli, json_pack("{s:s, s:o}", "in", in, "frame", frame));
}
