// SPDX-License-Identifier: BSD-3-Clause
// Frames of the benchmark: written from a tuple with every checksum computed from scratch, so
// that what the pipeline updates in place is compared with what is right.
#pragma once

#include <stdint.h>

#include "cfg/base/addr.h"
#include "perf/bench.h"

enum {
	FRAME4_BYTES = 60,
	FRAME6_BYTES = 62,     // Ethernet, IPv6, UDP: nothing smaller carries ports
	FRAME6_TCP_BYTES = 74, // room for TCP
	FRAME_TTL = 64,
};

// Ports in host order. IPv4 addresses in host order; IPv6 by its 16 bytes.
struct frame4_tuple {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t protocol;  // IPPROTO_TCP or IPPROTO_UDP
	uint8_t tcp_flags; // RTE_TCP_*
	uint8_t ttl;
};

struct frame6_tuple {
	struct ip_addr src, dst;
	uint16_t sport, dport;
	uint8_t protocol;  // IPPROTO_TCP or IPPROTO_UDP
	uint8_t tcp_flags; // RTE_TCP_*
	uint8_t ttl;
};

void frame4_write(struct bench_frame *frame, const struct mac_addr *src, const struct mac_addr *dst,
	const struct frame4_tuple *tuple);
void frame6_write(struct bench_frame *frame, const struct mac_addr *src, const struct mac_addr *dst,
	const uint8_t src_ip[16], const uint8_t dst_ip[16], uint8_t hop_limit);
// Of FRAME6_TCP_BYTES.
void frame6_write_tuple(struct bench_frame *frame, const struct mac_addr *src,
	const struct mac_addr *dst, const struct frame6_tuple *tuple);

// Uniform and the same in every run. Not for the timed region.
uint32_t bench_random(uint64_t *state);
// A random order of 0..n-1.
void bench_shuffle(uint32_t *order, uint32_t n, uint64_t *state);
