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

static struct capture_worker *own_part(const struct worker *w, struct capture *capture)
{
	return &capture->workers[w->index];
}

// A counter that one thread writes and others read.
static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

// --- time to spare ---

// A worker that had a turn without work since has time to spare.
void capture_earn(struct worker *w)
{
	uint64_t now = w->observing.now_tsc, elapsed = now - w->observing.credit_tsc;

	w->observing.credit_tsc = now;
	if (w->idle_turns != w->observing.idle_turns || elapsed > (uint64_t)CREDIT_MAX_CLK * SHARE)
		w->observing.credit_clk = CREDIT_MAX_CLK;
	else
		w->observing.credit_clk =
			RTE_MIN(w->observing.credit_clk + (int64_t)(elapsed / SHARE),
				(int64_t)CREDIT_MAX_CLK);
	w->observing.idle_turns = w->idle_turns;
}

static bool may_look(
	struct worker *w, const struct capture *capture, struct capture_worker *part, unsigned n)
{
	if (w->observing.credit_clk > 0 || capture->is_thorough)
		return true;
	add(&part->unseen, n);
	w->counters[COUNTER_CAPTURE_UNSEEN] += n;
	return false;
}

// --- into the ring ---

static void copy(struct worker *w, const struct capture *capture, struct capture_worker *part,
	const struct rte_mbuf *m, struct capture_record record)
{
	uint64_t head = atomic_load_explicit(&part->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&part->tail, memory_order_acquire);
	uint32_t at = (uint32_t)(head % CAPTURE_RING_BYTES), left = CAPTURE_RING_BYTES - at,
		 skipped = 0;
	const void *bytes;
	uint8_t *to;

	record.packet_bytes = m->pkt_len;
	record.captured_bytes = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)capture->snap_bytes);
	record.record_bytes = RTE_ALIGN_CEIL(
		(uint32_t)sizeof(record) + record.captured_bytes, (uint32_t)RECORD_ALIGN);
	record.tsc = w->observing.now_tsc;
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

static void look(struct worker *w, struct capture *capture, enum dp_capture_kind kind,
	uint8_t iface, struct rte_mbuf *const *pkts, unsigned n)
{
	uint8_t kept[BURST];
	unsigned n_kept;

	if (kind == DP_CAPTURE_RX)
		for (unsigned i = 0; i < n; i++) // all at once: the pipeline finds them there
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	n_kept = sieve_burst(&capture->filter.sieve, pkts, n, kept);
	for (unsigned i = 0; i < n_kept; i++)
		if (filter_matches(&capture->filter, pkts[kept[i]]))
			copy(w, capture, own_part(w, capture), pkts[kept[i]],
				(struct capture_record){.kind = (uint8_t)kind,
					.iface = iface,
					.reason = CAPTURE_NO_REASON});
}

// What took longer than `n` looks can was interrupted: another's time. Who looks whatever it costs
// does not live on credit.
static void spend(struct worker *w, const struct capture *capture, uint64_t since_tsc, unsigned n)
{
	uint64_t most = n * (COPY_CLK_MAX + (uint64_t)STEP_CLK_MAX * capture->filter.n);

	if (!capture->is_thorough)
		w->observing.credit_clk -= (int64_t)RTE_MIN(rte_rdtsc() - since_tsc, most);
}

void capture_look(struct worker *w, struct capture *capture, enum dp_capture_kind kind,
	uint8_t iface, struct rte_mbuf *const *pkts, unsigned n)
{
	uint64_t start;

	if (!asks(capture, kind, iface) || !may_look(w, capture, own_part(w, capture), n))
		return;
	start = capture->is_thorough ? 0 : rte_rdtsc();
	look(w, capture, kind, iface, pkts, n);
	spend(w, capture, start, n);
}

void capture_look_at_drop(struct worker *w, struct capture *capture, uint8_t iface,
	const struct rte_mbuf *m, enum counter reason)
{
	struct capture_worker *part = own_part(w, capture);
	struct rte_mbuf *const pkts[] = {(struct rte_mbuf *)(uintptr_t)m};
	uint8_t kept[BURST];
	uint64_t start;

	if (!asks(capture, DP_CAPTURE_DROP, iface) || !may_look(w, capture, part, 1))
		return;
	if (!capture->is_thorough)
		w->observing.credit_clk -= SIFT_CLK;
	if (sieve_burst(&capture->filter.sieve, pkts, 1, kept) == 0)
		return;
	start = rte_rdtsc();
	if (filter_matches(&capture->filter, m))
		copy(w, capture, part, m,
			(struct capture_record){.kind = DP_CAPTURE_DROP,
				.iface = iface,
				.reason = (uint8_t)reason,
				.rule = w->refused_by});
	spend(w, capture, start, 1);
}
