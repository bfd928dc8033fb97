// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "dataplane/capture_filter.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"
#include "dataplane/rules.h"

enum {
	RING_BYTES = 2 << 20, // of each worker
	RECORD_ALIGN = 8,
	SHARE = 40,		  // a worker without time to spare gives a capture this part of it
	CREDIT_MAX_CLK = 1 << 20, // what it may spend at once, having had time
	SIFT_CLK = 8,		  // what a dropped packet that is not kept takes, about
	COPY_CLK_MAX = 4096,	  // a packet into the ring takes no longer
	STEP_CLK_MAX = 16,	  // nor a step of its filter
	NO_REASON = 0xff,
};

// What lies in a ring, and the packet's bytes behind it.
struct record {
	uint32_t record_bytes; // 0: the rest of the ring is left out
	uint32_t packet_bytes;
	uint64_t tsc;
	int32_t rule;
	uint16_t captured_bytes;
	uint8_t kind, iface, reason;
};

static_assert((int)COUNTER_COUNT < (int)NO_REASON, "a reason fits");

struct capture_worker {
	// the worker's
	_Atomic uint64_t head; // bytes ever written
	_Atomic uint64_t lost, unseen;
	int64_t credit_clk;
	uint64_t now_tsc; // when it was given last, or a burst left
	uint64_t credit_tsc;
	uint64_t idle_turns;
	uint8_t iface; // of the burst at hand
	uint8_t *ring;
	// control's
	_Atomic uint64_t tail __rte_cache_aligned; // bytes ever taken
	uint32_t taken_bytes;			   // by the record that was given out last
} __rte_cache_aligned;

struct capture {
	uint64_t interfaces;
	uint8_t kinds;
	uint16_t snap_bytes;
	bool is_thorough;
	struct capture_filter filter;
	unsigned n_workers;
	struct capture_worker workers[]; // by index
} __rte_cache_aligned;

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
	struct record record)
{
	uint64_t head = atomic_load_explicit(&part->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&part->tail, memory_order_acquire);
	uint32_t at = (uint32_t)(head % RING_BYTES), left = RING_BYTES - at, skipped = 0;
	const void *bytes;
	uint8_t *to;

	record.packet_bytes = m->pkt_len;
	record.captured_bytes = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)w->capture->snap_bytes);
	record.record_bytes = RTE_ALIGN_CEIL(
		(uint32_t)sizeof(record) + record.captured_bytes, (uint32_t)RECORD_ALIGN);
	record.tsc = part->now_tsc;
	if (record.record_bytes > left)
		skipped = left;
	if (head - tail + skipped + record.record_bytes > RING_BYTES) {
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
				(struct record){.kind = (uint8_t)kind,
					.iface = iface,
					.reason = NO_REASON});
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
			(struct record){.kind = DP_CAPTURE_DROP,
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

// --- what control calls ---

static void capture_free(struct capture *capture)
{
	if (capture == NULL)
		return;
	for (unsigned i = 0; i < capture->n_workers; i++)
		memory_unmap(capture->workers[i].ring, RING_BYTES);
	free(capture);
}

static struct capture *capture_new(const struct dataplane *dp, const struct dp_capture *from)
{
	size_t bytes =
		sizeof(struct capture) + sizeof(struct capture_worker) * dp->options.n_workers;
	struct capture *capture = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(bytes, (size_t)RTE_CACHE_LINE_SIZE));

	if (capture == NULL)
		return NULL;
	memset(capture, 0, bytes);
	capture->interfaces = from->interfaces;
	capture->kinds = from->kinds;
	capture->snap_bytes = from->snap_bytes;
	capture->is_thorough = from->is_thorough;
	capture->n_workers = dp->options.n_workers;
	for (unsigned i = 0; i < capture->n_workers; i++) {
		struct capture_worker *part = &capture->workers[i];

		part->ring = memory_map(RING_BYTES);
		part->iface = INTERFACE_NONE;
		part->credit_tsc = rte_rdtsc();
		if (part->ring == NULL) {
			capture_free(capture);
			return NULL;
		}
		memset(part->ring, 0, RING_BYTES); // no worker is to wait for a page
	}
	return capture;
}

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	int error = -EBUSY;

	if (dp->captured != NULL) {
		error_set(err, "another capture is under way");
		return error;
	}
	if (capture->kinds == 0 || (capture->kinds & ~DP_CAPTURE_ALL) != 0 ||
		capture->snap_bytes == 0) {
		error_set(err, "a capture of nothing");
		return -EINVAL;
	}
	dp->captured = capture_new(dp, capture);
	if (dp->captured == NULL) {
		error_set(err, "no memory for a capture");
		return -ENOMEM;
	}
	error = filter_make(&dp->captured->filter, capture->filter, capture->n_steps, err);
	if (error != 0) {
		dataplane_capture_free(dp);
		return error;
	}
	atomic_store_explicit(&dp->capture, dp->captured, memory_order_release);
	return 0;
}

// The oldest record of a worker, or NULL.
static const struct record *peek(struct capture_worker *part)
{
	uint64_t head = atomic_load_explicit(&part->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&part->tail, memory_order_relaxed);
	const struct record *record;

	if (part->taken_bytes > 0) {
		tail += part->taken_bytes;
		part->taken_bytes = 0;
		atomic_store_explicit(&part->tail, tail, memory_order_release);
	}
	if (head == tail)
		return NULL;
	record = (const struct record *)(part->ring + tail % RING_BYTES);
	if (record->record_bytes != 0)
		return record;
	tail += RING_BYTES - tail % RING_BYTES;
	atomic_store_explicit(&part->tail, tail, memory_order_release);
	return (const struct record *)part->ring;
}

static uint64_t wall_ns(uint64_t tsc)
{
	struct timespec now;
	double ago_sec = (double)(rte_rdtsc() - tsc) / (double)rte_get_tsc_hz();

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
	       (uint64_t)(ago_sec * 1e9);
}

static void describe(const struct record *record, struct dp_captured *out)
{
	struct dp_counter counter = {0};

	*out = (struct dp_captured){
		.kind = (enum dp_capture_kind)record->kind,
		.interface = record->iface == INTERFACE_NONE ? -1 : record->iface,
		.time_ns = wall_ns(record->tsc),
		.bytes = record->packet_bytes,
		.captured_bytes = record->captured_bytes,
		.data = (const uint8_t *)(record + 1),
		.rule = RULE_DEFAULT,
	};
	if (record->reason == NO_REASON)
		return;
	stats_describe(record->reason, &counter);
	out->reason = counter.name;
	out->help = counter.help;
	out->is_by_firewall =
		record->reason == COUNTER_DROP_RULE || record->reason == COUNTER_DROP_REJECTED;
	if (out->is_by_firewall)
		out->rule = record->rule;
}

bool dataplane_capture_next(struct dataplane *dp, struct dp_captured *out)
{
	const struct record *oldest = NULL;
	unsigned from = 0;

	for (unsigned i = 0; dp->captured != NULL && i < dp->captured->n_workers; i++) {
		const struct record *record = peek(&dp->captured->workers[i]);

		if (record == NULL || (oldest != NULL && oldest->tsc <= record->tsc))
			continue;
		oldest = record;
		from = i;
	}
	if (oldest == NULL)
		return false;
	dp->captured->workers[from].taken_bytes = oldest->record_bytes;
	describe(oldest, out);
	return true;
}

void dataplane_capture_counts(const struct dataplane *dp, struct dp_capture_counts *out)
{
	*out = (struct dp_capture_counts){0};
	for (unsigned i = 0; dp->captured != NULL && i < dp->captured->n_workers; i++) {
		const struct capture_worker *part = &dp->captured->workers[i];

		out->lost += atomic_load_explicit(&part->lost, memory_order_relaxed);
		out->unseen += atomic_load_explicit(&part->unseen, memory_order_relaxed);
	}
}

void dataplane_capture_stop(struct dataplane *dp)
{
	if (atomic_exchange(&dp->capture, NULL) != NULL)
		dataplane_synchronize(dp);
}

void dataplane_capture_free(struct dataplane *dp)
{
	dataplane_capture_stop(dp);
	capture_free(dp->captured);
	dp->captured = NULL;
}
