// SPDX-License-Identifier: BSD-3-Clause
// A classic BPF program from outside, as libpcap's compiler makes it: checked here to the last
// instruction, then run by libpcap's own bpf_filter. Control thread, but for filter_matches.
#pragma once

#include "cfg/base/error.h"
#include "dataplane/capture_sieve.h"
#include "dataplane/dataplane.h"

struct capture_filter {
	struct bpf_insn program[DP_FILTER_STEPS_MAX];
	unsigned n; // 0: every packet
	struct sieve sieve;
};

// 0 and the filter, or -EINVAL with the step that is not sound.
int filter_make(struct capture_filter *filter, const struct dp_filter_step *steps, unsigned n,
	struct error *err);

// Of a packet in several buffers the first one is asked.
bool filter_matches(const struct capture_filter *filter, const struct rte_mbuf *m);
