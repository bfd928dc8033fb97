// SPDX-License-Identifier: BSD-3-Clause
// What a filter costs a packet that it does not want. From the program follows, for each way
// through it that keeps a packet, one word of the header that the packet must have; packets without
// any such word are told apart in a few instructions, and only the others are worth a run of the
// program. It never refuses what the program would keep. Worker threads, but for sieve_make.
#pragma once

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum {
	SIEVE_BYTES = 64, // of the frame are looked at
	SIEVE_TESTS_MAX = 6,
};

typedef uint16_t sieve_lane __attribute__((vector_size(16)));

// Eight words at `offset`: any that is `value` under `mask` makes the packet worth a run.
struct sieve_test {
	sieve_lane mask, value;
	uint8_t offset;
};

struct sieve {
	struct sieve_test tests[SIEVE_TESTS_MAX];
	uint8_t n_tests;
	bool is_open;		 // no word follows: everything passes
	bool assumes_no_options; // IPv4 with options passes too: ports are elsewhere
};

// Control: from a program that filter_check has found sound.
void sieve_make(struct sieve *sieve, const struct bpf_insn *program, unsigned n);

// Which of up to 64 packets are worth a run of the program: their indexes, and how many.
unsigned sieve_burst(
	const struct sieve *sieve, struct rte_mbuf *const *pkts, unsigned n, uint8_t kept[64]);
