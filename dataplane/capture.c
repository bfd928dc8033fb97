// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/capture.h"

#include <string.h>

#include <rte_cycles.h>

#include "dataplane/capture_ring.h"
#include "dataplane/snapshot.h"

enum {
	RECORD_ALIGN = 8,
	SHARE = 40,		  // a worker without time to spare gives a capture this part of it
	CREDIT_MAX_CLK = 1 << 20, // what it may spend at once, having had time
	SIFT_CLK = 16,		  // what a dropped packet that is not kept takes, about
	COPY_CLK_MAX = 4096,	  // a packet into the ring takes no longer
	STEP_CLK_MAX = 16,	  // nor a step of its filter
};

static struct capture_worker *own_part(struct worker *w)
{
	return &w->capture->workers[w->index];
}

// A counter that one thread writes and others read.
static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

// --- time to spare ---

// A worker that had a turn without work since has time to spare.
static void earn(struct worker *w, struct capture_worker *part)
{
	uint64_t now = rte_rdtsc(), elapsed = now - part->credit_tsc;

	part->credit_tsc = part->now_tsc = now;
	if (w->idle_turns != part->idle_turns || elapsed > (uint64_t)CREDIT_MAX_CLK * SHARE)
		part->credit_clk = CREDIT_MAX_CLK;
	else
		part->credit_clk = RTE_MIN(
			part->credit_clk + (int64_t)(elapsed / SHARE), (int64_t)CREDIT_MAX_CLK);
	part->idle_turns = w->idle_turns;
}

static bool may_look(struct worker *w, struct capture_worker *part, unsigned n)
{
	if (part->credit_clk > 0 || w->capture->is_thorough)
		return true;
	add(&part->unseen, n);
	w->counters[COUNTER_CAPTURE_UNSEEN] += n;
	return false;
}

// --- into the ring ---

static void copy(struct worker *w, struct capture_worker *part, const struct rte_mbuf *m,
	struct capture_record record)
{
	uint64_t head = atomic_load_explicit(&part->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&part->tail, memory_order_acquire);
	uint32_t at = (uint32_t)(head % CAPTURE_RING_BYTES), left = CAPTURE_RING_BYTES - at,
		 skipped = 0;
	const void *bytes;
	uint8_t *to;

	record.packet_bytes = m->pkt_len;
	record.captured_bytes = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)w->capture->snap_bytes);
	record.record_bytes = RTE_ALIGN_CEIL(
		(uint32_t)sizeof(record) + record.captured_bytes, (uint32_t)RECORD_ALIGN);
	record.tsc = part->now_tsc;
	if (record.record_bytes > left)
		skipped = left;
	if (head - tail + skipped + record.record_bytes > CAPTURE_RING_BYTES) {
		add(&part->lost, 1);
		worker_count(w, COUNTER_CAPTURE_LOST);
		return;
	}
	if (skipped > 0) {
		memset(part->ring + at, 0, sizeof(record.record_bytes));
		at = 0;
	}
	to = part->ring + at + sizeof(record);
	bytes = rte_pktmbuf_read(m, 0, record.captured_bytes, to);
	if (bytes != to)
		memcpy(to, bytes, record.captured_bytes);
	memcpy(part->ring + at, &record, sizeof(record));
	atomic_store_explicit(
		&part->head, head + skipped + record.record_bytes, memory_order_release);
}

// --- what the workers call ---

static bool asks(const struct capture *capture, enum dp_capture_kind kind, uint8_t iface)
{
	if (iface == INTERFACE_NONE)
		return (capture->kinds & kind) != 0 && capture->interfaces == UINT64_MAX;
	return (capture->kinds & kind) != 0 && (capture->interfaces >> iface & 1) != 0;
}

static void look(struct worker *w, enum dp_capture_kind kind, uint8_t iface,
	struct rte_mbuf *const *pkts, unsigned n)
{
	const struct capture *capture = w->capture;
	struct capture_worker *part = own_part(w);
	uint8_t kept[BURST];
	unsigned n_kept;

	if (kind == DP_CAPTURE_RX)
		for (unsigned i = 0; i < n; i++) // all at once: the pipeline finds them there
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	n_kept = sieve_burst(&capture->filter.sieve, pkts, n, kept);
	for (unsigned i = 0; i < n_kept; i++)
		if (filter_matches(&capture->filter, pkts[kept[i]]))
			copy(w, part, pkts[kept[i]],
				(struct capture_record){.kind = (uint8_t)kind,
					.iface = iface,
					.reason = CAPTURE_NO_REASON});
}

// What took longer than `n` looks can was interrupted: another's time.
static void spend(struct worker *w, uint64_t since_tsc, unsigned n)
{
	uint64_t most = n * (COPY_CLK_MAX + (uint64_t)STEP_CLK_MAX * w->capture->filter.n);

	own_part(w)->credit_clk -= (int64_t)RTE_MIN(rte_rdtsc() - since_tsc, most);
}

void capture_turn(struct worker *w)
{
	own_part(w)->iface = INTERFACE_NONE;
}

void capture_arrive(
	struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n, bool is_rx)
{
	struct capture_worker *part = own_part(w);

	earn(w, part);
	part->iface = iface;
	if (!is_rx || !asks(w->capture, DP_CAPTURE_RX, iface) || !may_look(w, part, n))
		return;
	look(w, DP_CAPTURE_RX, iface, pkts, n);
	spend(w, part->now_tsc, n);
}

void capture_leave(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n)
{
	struct capture_worker *part = own_part(w);
	uint64_t start;

	if (!asks(w->capture, DP_CAPTURE_TX, iface) || !may_look(w, part, n))
		return;
	start = part->now_tsc = rte_rdtsc();
	for (unsigned i = 0; i < n; i += BURST)
		look(w, DP_CAPTURE_TX, iface, pkts + i, RTE_MIN(n - i, (unsigned)BURST));
	spend(w, start, n);
}

static void look_at_drop(
	struct worker *w, uint8_t iface, const struct rte_mbuf *m, enum counter reason)
{
	const struct capture *capture = w->capture;
	struct capture_worker *part = own_part(w);
	struct rte_mbuf *const pkts[] = {(struct rte_mbuf *)(uintptr_t)m};
	uint8_t kept[BURST];
	uint64_t start;

	if (!asks(capture, DP_CAPTURE_DROP, iface) || !may_look(w, part, 1))
		return;
	part->credit_clk -= SIFT_CLK;
	if (sieve_burst(&capture->filter.sieve, pkts, 1, kept) == 0)
		return;
	start = rte_rdtsc();
	if (filter_matches(&capture->filter, m))
		copy(w, part, m,
			(struct capture_record){.kind = DP_CAPTURE_DROP,
				.iface = iface,
				.reason = (uint8_t)reason,
				.rule = w->refused_by});
	spend(w, start, 1);
}

void capture_drop(struct worker *w, const struct rte_mbuf *m, enum counter reason)
{
	look_at_drop(w, own_part(w)->iface, m, reason);
}

void capture_unsent(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n,
	enum counter reason)
{
	for (unsigned i = 0; i < n; i++)
		look_at_drop(w, iface, pkts[i], reason);
}
