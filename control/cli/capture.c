// SPDX-License-Identifier: BSD-3-Clause
// The filter is compiled here, by libpcap: it may ask the resolver for a host's name, for which the
// daemon has no time, and its parser has no business in a process that may do everything.
#include "control/cli/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cfg/value.h"
#include "control/cli/answer.h"

enum {
	POLL_MS = 50,
	MUCH_BYTES = 64 << 10, // of base64: there is more, no time to rest
	FRAME_MAX = 65535,
};

struct request {
	json_t *params;
	const char *file; // NULL, "-": standard output
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signum)
{
	is_interrupted = 1;
}

// --- the words ---

static json_t *list_of(json_t *params, const char *key)
{
	json_t *list = json_object_get(params, key);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(params, key, list);
	}
	return list;
}

// Frames are shown with their tag, and a filter that does not speak of VLANs is about what is
// behind one too. 802.1Q's keyword moves what comes after it in a filter, so it stands behind the
// rest.
static bool compile(pcap_t *pcap, const char *text, struct bpf_program *program)
{
	struct bpf_program both;
	char *wide = NULL;

	if (pcap_compile(pcap, program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return false;
	if (text[0] == '\0' || strstr(text, "vlan") != NULL ||
		asprintf(&wide, "((%s) and not ether proto 0x8100) or (vlan and (%s))", text,
			text) < 0)
		return true;
	if (pcap_compile(pcap, &both, wide, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		pcap_freecode(program);
		*program = both;
	}
	free(wide);
	return true;
}

int capture_compile(json_t *params, const char *text)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	struct bpf_program program;
	json_t *list;
	int rc;

	if (pcap == NULL || !compile(pcap, text, &program)) {
		rc = cli_wrong_usage(pcap == NULL ? "no memory" : pcap_geterr(pcap), text);
		if (pcap != NULL)
			pcap_close(pcap);
		return rc;
	}
	list = list_of(params, "program");
	for (unsigned i = 0; i < program.bf_len; i++) {
		const struct bpf_insn *step = &program.bf_insns[i];

		json_array_append_new(list,
			json_pack("[iiiI]", step->code, step->jt, step->jf, (json_int_t)step->k));
	}
	json_object_set_new(params, "text", json_string(text));
	pcap_freecode(&program);
	pcap_close(pcap);
	return 0;
}

static int read_seconds(json_t *params, const char *param, const char *word)
{
	static const struct model_key seconds = {
		.key = "time", .type = MODEL_SECONDS, .min = 1, .max = CFG_DURATION_MAX_SEC};
	struct error err;
	uint32_t sec;

	if (value_read(&seconds, word, NULL, &sec, &err) != 0)
		return cli_wrong_usage(err.text, NULL);
	json_object_set_new(params, param, json_integer(sec));
	return 0;
}

static int read_words(const struct cli *cli, struct request *request)
{
	static const char *const kinds[] = {"rx", "tx", "drop"}, *const same[] = {"count", "snap",
									 "thorough"};
	const char *interface = cli_value(cli, "interface"), *filter = cli_value(cli, "filter");
	const char *period = cli_value(cli, "for");
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (json_object_get(cli->params, kinds[i]) != NULL)
			json_array_append_new(
				list_of(request->params, "kinds"), json_string(kinds[i]));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (json_object_get(cli->params, same[i]) != NULL)
			json_object_set(
				request->params, same[i], json_object_get(cli->params, same[i]));
	if (interface != NULL)
		json_array_append_new(
			list_of(request->params, "interfaces"), json_string(interface));
	request->file = cli_value(cli, "to");
	if (period != NULL)
		rc = read_seconds(request->params, "for_sec", period);
	if (rc == 0 && filter != NULL)
		rc = capture_compile(request->params, filter);
	return rc;
}

// --- the packets ---

int capture_write(FILE *out, const char *text)
{
	size_t text_bytes = strlen(text), n = 0;
	uint8_t *bytes = malloc(BASE64_DECODE_LENGTH(text_bytes) + 1);
	struct base64_decode_ctx base64;
	int rc = -1;

	base64_decode_init(&base64);
	if (bytes == NULL)
		fputs("millrace: no memory\n", stderr);
	else if (!base64_decode_update(&base64, &n, bytes, text_bytes, text) ||
		 !base64_decode_final(&base64))
		fputs("millrace: millraced's answer makes no sense\n", stderr);
	else if (fwrite(bytes, 1, n, out) != n || fflush(out) != 0)
		fprintf(stderr, "millrace: cannot write: %s\n", strerror(errno));
	else
		rc = 0;
	free(bytes);
	return rc;
}

static void tell_end(const json_t *state)
{
	fprintf(stderr,
		"%" PRIu64 " packets captured, %" PRIu64 " lost for want of room, %" PRIu64
		" not looked at to spare forwarding\n",
		answer_number(state, "packets"), answer_number(state, "lost"),
		answer_number(state, "unseen"));
}

static void stop(const struct cli *cli, json_int_t capture)
{
	json_decref(cli_ask(cli, "capture.stop", json_pack("{s:I}", "capture", capture)));
}

static int follow(const struct cli *cli, json_int_t capture, FILE *out)
{
	static const struct timespec rest = {.tv_nsec = POLL_MS * 1000000};
	bool is_over = false, is_stopped = false;
	int rc = 0;

	while (!is_over && rc == 0) {
		const char *text;
		json_t *state;

		if (is_interrupted && !is_stopped) {
			stop(cli, capture);
			is_stopped = true;
		}
		state = cli_ask(cli, "capture.read", json_pack("{s:I}", "capture", capture));
		if (state == NULL)
			return -1;
		text = answer_text(state, "pcapng");
		is_over = json_is_true(json_object_get(state, "is_over"));
		rc = capture_write(out, text);
		if (rc != 0)
			stop(cli, capture);
		else if (is_over)
			tell_end(state);
		else if (strlen(text) < MUCH_BYTES && !is_interrupted)
			nanosleep(&rest, NULL);
		json_decref(state);
	}
	return rc;
}

// Ctrl-C ends the capture, not the command: what is on its way is still written.
static void catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int run(const struct cli *cli, const char *method, struct request *request)
{
	bool is_stdout = request->file == NULL || strcmp(request->file, "-") == 0;
	FILE *out = is_stdout ? stdout : NULL;
	json_t *started;
	int rc = -1;

	if (is_stdout && isatty(STDOUT_FILENO))
		return cli_wrong_usage("packets are nothing for a terminal: to FILE, or | tcpdump "
				       "-r -",
			NULL);
	started = cli_ask(cli, method, json_incref(request->params));
	if (started == NULL)
		return EXIT_FAILURE;
	if (out == NULL)
		out = fopen(request->file, "we");
	if (out == NULL) {
		fprintf(stderr, "millrace: cannot write %s: %s\n", request->file, strerror(errno));
		stop(cli, json_integer_value(json_object_get(started, "capture")));
	} else {
		catch_interrupts();
		rc = follow(cli, json_integer_value(json_object_get(started, "capture")), out);
	}
	if (out != NULL && !is_stdout && fclose(out) != 0)
		rc = -1;
	json_decref(started);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int do_capture(const struct cli *cli)
{
	struct request request = {.params = json_object()};
	int rc = read_words(cli, &request);

	if (rc == 0)
		rc = run(cli, "capture.start", &request);
	json_decref(request.params);
	return rc;
}

int capture_fetch(const struct cli *cli, const char *method)
{
	struct request request = {.params = json_object(), .file = cli_value(cli, "to")};
	const char *last = cli_value(cli, "last");
	int rc = last == NULL ? 0 : read_seconds(request.params, "last_sec", last);

	if (rc == 0)
		rc = run(cli, method, &request);
	json_decref(request.params);
	return rc;
}
