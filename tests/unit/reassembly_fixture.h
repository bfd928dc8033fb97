// SPDX-License-Identifier: BSD-3-Clause
// IPv4 datagrams that come in pieces to a worker that puts them together. Include it in one file of
// a test.
#pragma once

#include "dataplane/fragment.h"
#include "tests/unit/ip4_packet.h"

enum { MF = 0x2000 };

static uint8_t bytes[70000], want[70000];

static inline int setup(void **state)
{
	worker_setup(state);
	return reassembly_init(&worker);
}

static inline int teardown(void **state)
{
	reassembly_fini(&worker);
	reassembly_fini(&worker); // twice is fine
	return worker_teardown(state);
}

// [from, to) of the payload of datagram `id`; `more` follows.
static inline struct ip4_packet part(uint16_t id, uint32_t from, uint32_t to, bool more)
{
	return (struct ip4_packet){.id = id,
		.fragment = (uint16_t)(from / 8 | (more ? MF : 0)),
		.payload_at = from,
		.payload_bytes = to - from};
}

static inline struct rte_mbuf *add(const struct ip4_packet *p)
{
	return reassembly_add4(&worker, ip4_packet_new(p, 2000, 2000));
}

static inline struct rte_mbuf *add_part(uint16_t id, uint32_t from, uint32_t to, bool more)
{
	struct ip4_packet p = part(id, from, to, more);

	return add(&p);
}

// `m` is datagram `id`, whole; frees it.
static inline void check_whole(struct rte_mbuf *m, uint16_t id, uint32_t payload_bytes)
{
	struct ip4_packet p = {.id = id, .payload_bytes = payload_bytes};
	uint32_t n = ip4_packet_frame(&p, want);

	assert_non_null(m);
	assert_int_equal(flatten(m, bytes), n);
	assert_memory_equal(bytes + L3_OFFSET, want + L3_OFFSET, n - L3_OFFSET);
	assert_int_equal(ones_sum(bytes + L3_OFFSET, 20, 0), 0xffff);
	rte_pktmbuf_free(m);
}
