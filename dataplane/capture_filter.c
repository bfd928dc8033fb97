// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/capture_filter.h"

#include <errno.h>
#include <string.h>

// libpcap's bpf_validate lets instructions pass that its bpf_filter does not know and aborts at
// (LDX with ABS, a byte from scratch memory), and jumps backwards. Those that it knows:
static bool is_load(uint16_t code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_IMM:
	case BPF_LDX | BPF_MSH | BPF_B:
		return true;
	}
	return false;
}

static bool is_scratch(uint16_t code)
{
	return code == (BPF_LD | BPF_MEM) || code == (BPF_LDX | BPF_MEM) || code == BPF_ST ||
	       code == BPF_STX;
}

static bool is_calculation(const struct dp_filter_step *step)
{
	bool by_k = (step->code & BPF_X) == 0;

	switch (step->code & ~BPF_X) {
	case BPF_ALU | BPF_ADD:
	case BPF_ALU | BPF_SUB:
	case BPF_ALU | BPF_MUL:
	case BPF_ALU | BPF_AND:
	case BPF_ALU | BPF_OR:
	case BPF_ALU | BPF_XOR:
		return true;
	case BPF_ALU | BPF_DIV:
	case BPF_ALU | BPF_MOD:
		return !by_k || step->k != 0;
	case BPF_ALU | BPF_LSH:
	case BPF_ALU | BPF_RSH:
		return !by_k || step->k < 32;
	case BPF_ALU | BPF_NEG:
		return by_k;
	}
	return step->code == (BPF_MISC | BPF_TAX) || step->code == (BPF_MISC | BPF_TXA);
}

static bool is_comparison(uint16_t code)
{
	switch (code & ~BPF_X) {
	case BPF_JMP | BPF_JEQ:
	case BPF_JMP | BPF_JGT:
	case BPF_JMP | BPF_JGE:
	case BPF_JMP | BPF_JSET:
		return true;
	}
	return false;
}

// `n_after`: how many steps follow. Jumps lead forwards, so that every run ends.
static bool is_sound(const struct dp_filter_step *step, unsigned n_after)
{
	if (step->code == (BPF_RET | BPF_K) || step->code == (BPF_RET | BPF_A))
		return true;
	if (step->code == (BPF_JMP | BPF_JA))
		return step->k < n_after;
	if (is_comparison(step->code))
		return step->jump_true < n_after && step->jump_false < n_after;
	if (n_after == 0)
		return false;
	if (is_scratch(step->code))
		return step->k < BPF_MEMWORDS;
	return is_load(step->code) || is_calculation(step);
}

int filter_make(struct capture_filter *filter, const struct dp_filter_step *steps, unsigned n,
	struct error *err)
{
	memset(filter, 0, sizeof(*filter));
	filter->sieve.is_open = n == 0;
	if (n > DP_FILTER_STEPS_MAX) {
		error_set(err, "the filter has %u steps, %d are the most", n, DP_FILTER_STEPS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!is_sound(&steps[i], n - 1 - i)) {
			error_set(err, "step %u of the filter is none that can be run", i);
			return -EINVAL;
		}
		filter->program[i] = (struct bpf_insn){.code = steps[i].code,
			.jt = steps[i].jump_true,
			.jf = steps[i].jump_false,
			.k = steps[i].k};
	}
	filter->n = n;
	if (n > 0)
		sieve_make(&filter->sieve, filter->program, n);
	return 0;
}

bool filter_matches(const struct capture_filter *filter, const struct rte_mbuf *m)
{
	return filter->n == 0 || bpf_filter(filter->program, rte_pktmbuf_mtod(m, const u_char *),
					 m->pkt_len, m->data_len) != 0;
}
