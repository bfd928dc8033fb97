// SPDX-License-Identifier: BSD-3-Clause
// A filter's program from outside, and a frame behind it: what is accepted runs to its end within
// the frame, and the sieve lets pass whatever it keeps. Bytes: the number of steps (of 8 bytes,
// as struct bpf_insn), the steps, the frame.
#include <stdlib.h>
#include <string.h>

#include "dataplane/capture_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { STEP_BYTES = 8, ROOM = 2048 };

static unsigned read_steps(const uint8_t *bytes, size_t n_bytes, struct dp_filter_step *steps)
{
	unsigned n =
		n_bytes / STEP_BYTES < bytes[-1] ? (unsigned)(n_bytes / STEP_BYTES) : bytes[-1];

	for (unsigned i = 0; i < n; i++, bytes += STEP_BYTES) {
		memcpy(&steps[i].code, bytes, 2);
		steps[i].jump_true = bytes[2];
		steps[i].jump_false = bytes[3];
		memcpy(&steps[i].k, bytes + 4, 4);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	static struct dp_filter_step steps[DP_FILTER_STEPS_MAX];
	static struct capture_filter filter;
	struct rte_mbuf m = {.nb_segs = 1};
	struct rte_mbuf *const pkts[] = {&m};
	uint8_t kept[64], *frame;
	struct error err;
	size_t left;
	unsigned n;

	if (n_bytes == 0)
		return 0;
	n = read_steps(bytes + 1, n_bytes - 1, steps);
	if (n == 0 || filter_make(&filter, steps, n, &err) != 0)
		return 0;
	left = n_bytes - 1 - n * STEP_BYTES;
	if (left > ROOM)
		left = ROOM;
	// a buffer that ends where the frame does: a read past it is seen
	frame = malloc(left + 1);
	memcpy(frame, bytes + n_bytes - left, left);
	m.buf_addr = frame;
	m.buf_len = m.data_len = (uint16_t)left;
	m.pkt_len = (uint32_t)left;
	if (filter_matches(&filter, &m) && sieve_burst(&filter.sieve, pkts, 1, kept) != 1)
		abort();
	free(frame);
	return 0;
}
