// SPDX-License-Identifier: BSD-3-Clause
// A worker built by hand around a real pool and a real FIB, whose pipeline_send4 and _send6 keep
// what they are given for the test to look at. Include it in one file of a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "dataplane/pipeline.h"
#include "dataplane/worker.h"
#include "tests/unit/eal.h"
#include "tests/unit/random.h"
#include "tests/unit/text_addr.h"

enum { SENT_MAX = 2048, POOL_SIZE = 8191, BUFFER_BYTES = 2048 + RTE_PKTMBUF_HEADROOM };

static struct worker worker;
static struct snapshot snapshot;
static struct fib fib;
static struct adjacency *adjacencies;
static struct sent {
	struct rte_mbuf *m;
	uint16_t code;
	bool is_ip6;
} sent[SENT_MAX];
static unsigned n_sent;

static void sent_keep(struct rte_mbuf *m, uint16_t code, bool is_ip6)
{
	assert_true(n_sent < SENT_MAX);
	sent[n_sent++] = (struct sent){m, code, is_ip6};
}

void pipeline_send4(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	assert_ptr_equal(w, &worker);
	sent_keep(m, code, false);
}

void pipeline_send6(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	assert_ptr_equal(w, &worker);
	sent_keep(m, code, true);
}

static inline void sent_free(void)
{
	for (unsigned i = 0; i < n_sent; i++)
		rte_pktmbuf_free(sent[i].m);
	n_sent = 0;
}

// Before each test: no counts, no packets, full budgets.
static inline int worker_setup(void **state)
{
	sent_free();
	memset(worker.counters, 0, sizeof(worker.counters));
	worker.snap = &snapshot;
	worker.fib = &fib;
	worker.adjacencies = adjacencies;
	worker.n_workers = 1;
	worker.now_ms = 1000;
	worker.random = 0x9e3779b97f4a7c15;
	worker.icmp_budget = worker.icmp_mtu_budget =
		(struct token_bucket){.tokens = 1000000, .burst = 1000000};
	return 0;
}

// After each test: every buffer is back.
static inline int worker_teardown(void **state)
{
	sent_free();
	return rte_mempool_avail_count(worker.pool) == POOL_SIZE ? 0 : -1;
}

static inline int fixture_start(void)
{
	if (eal_start("512") != 0)
		return -1;
	worker.pool = rte_pktmbuf_pool_create("test", POOL_SIZE, 0, 0, BUFFER_BYTES, SOCKET_ID_ANY);
	adjacencies = rte_zmalloc(NULL, sizeof(struct adjacency) * ADJACENCIES_MAX, 64);
	if (worker.pool == NULL || adjacencies == NULL || fib_init(&fib, 64, 64) != 0) {
		fprintf(stderr, "no memory for the test\n");
		return -1;
	}
	return 0;
}

static inline uint64_t counted(enum counter counter)
{
	return worker.counters[counter];
}

// A frame from bytes, spread over buffers of at most `segment` bytes each, the first of at least
// `first`.
static inline struct rte_mbuf *frame_new(
	const void *bytes, uint32_t n, uint32_t first, uint32_t segment)
{
	struct rte_mbuf *m = NULL;

	for (uint32_t at = 0; at < n;) {
		uint32_t part = RTE_MIN(n - at, at == 0 ? first : segment);
		struct rte_mbuf *piece = rte_pktmbuf_alloc(worker.pool);

		assert_non_null(piece);
		memcpy(rte_pktmbuf_append(piece, (uint16_t)part), (const uint8_t *)bytes + at,
			part);
		if (m == NULL)
			m = piece;
		else
			assert_int_equal(rte_pktmbuf_chain(m, piece), 0);
		at += part;
	}
	return m;
}

// Flattens a chain of any shape; returns its length.
static inline uint32_t flatten(struct rte_mbuf *m, uint8_t *out)
{
	uint32_t n = 0, segments = 0;
	uint32_t want = m->pkt_len, want_segments = m->nb_segs;

	for (; m != NULL; m = m->next) {
		memcpy(out + n, rte_pktmbuf_mtod(m, void *), m->data_len);
		n += m->data_len;
		segments++;
	}
	assert_int_equal(n, want);
	assert_int_equal(segments, want_segments);
	return n;
}

// A stream of bytes that payloads are cut from: no two places within 64 KiB look alike.
static inline uint8_t payload_byte(uint32_t at, uint8_t fill)
{
	return (uint8_t)((at * 2654435761u >> 13) ^ fill);
}

// An independent sum over 16-bit words (RFC 1071), 0xffff over anything with a right checksum.
static inline uint16_t ones_sum(const uint8_t *bytes, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
