// SPDX-License-Identifier: BSD-3-Clause
// Buffers are filled a ring's worth at a time and then offered burst by burst; only the call that
// takes a burst to the send buffers is timed. Filling, emptying and checking are not.
#include "perf/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <x86intrin.h>

enum {
	TIMER_SAMPLES = 1001,
	WARM_UP_PKTS = 32768,
	STEP_PKTS = 512,
	// A burst that took this many times the usual was not ours alone: a preemption by another
	// process costs a thousand times a burst, the scheduler's tick less than this.
	INTERRUPTED = 16,
};

static struct {
	struct rte_mempool *mempool;
	struct rte_mbuf *pkts[BENCH_POOL_PKTS];	 // of who gives them back
	struct rte_mbuf *fresh[BENCH_POOL_PKTS]; // of a sink, taken anew for each refill
	uint64_t timer_clk;
} pool;

static inline uint64_t clock_begin(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static inline uint64_t clock_end(void)
{
	unsigned core;
	uint64_t t = __rdtscp(&core);

	_mm_lfence();
	return t;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int bench_measure_init(struct rte_mempool *mempool, struct error *err)
{
	uint64_t samples[TIMER_SAMPLES];

	pool.mempool = mempool;
	if (rte_pktmbuf_alloc_bulk(mempool, pool.pkts, BENCH_POOL_PKTS) != 0)
		return error_set(err, "no %d packet buffers", BENCH_POOL_PKTS);
	for (unsigned i = 0; i < TIMER_SAMPLES; i++) {
		uint64_t start = clock_begin();

		samples[i] = clock_end() - start;
	}
	qsort(samples, TIMER_SAMPLES, sizeof(samples[0]), compare_u64);
	pool.timer_clk = samples[TIMER_SAMPLES / 2];
	return 0;
}

static void pkt_fill(struct rte_mbuf *m, const struct bench_frame *frame, uint16_t bytes)
{
	rte_pktmbuf_reset(m);
	m->pkt_len = bytes;
	m->data_len = bytes;
	memcpy(rte_pktmbuf_mtod(m, void *), frame, RTE_CACHE_LINE_SIZE);
	if (bytes > RTE_CACHE_LINE_SIZE)
		memcpy(rte_pktmbuf_mtod_offset(m, void *, RTE_CACHE_LINE_SIZE),
			frame->bytes + RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_SIZE);
}

// The frames of one burst into buffers; `frame_of` learns which they are.
static void burst_fill(
	struct bench_stream *s, struct rte_mbuf **pkts, unsigned n, uint32_t *frame_of)
{
	for (unsigned i = 0; i < n; i++) {
		const struct bench_frame *frame = &s->frames[s->next];

		// non-temporal: the frames should not drive the flow table out of the cache
		__builtin_prefetch(frame + 8, 0, 0);
		if (s->frame_bytes > RTE_CACHE_LINE_SIZE)
			__builtin_prefetch(frame[8].bytes + RTE_CACHE_LINE_SIZE, 0, 0);
		pkt_fill(pkts[i], frame, s->frame_bytes);
		frame_of[i] = s->next;
		if (++s->next == s->n)
			s->next = 0;
	}
}

static int lost(struct bench_target *t, unsigned n, unsigned n_sent, struct error *err)
{
	char drops[320];

	t->ops->describe_drops(t, drops, sizeof(drops));
	return error_set(err, "%u packets offered, %u sent; counted: %s", n, n_sent, drops);
}

// What callgrind and a debugger can hold on to: nothing but the measured work is below.
static __rte_noinline void bench_timed(
	struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	t->ops->rx(t, iface, pkts, n);
}

struct burst {
	struct rte_mbuf **pkts;
	struct bench_target *target;
	struct bench_stream *stream;
	unsigned n;
	uint32_t frame_of[BURST];
	unsigned stream_index;
};

// Called for each burst with its buffers filled; ends with take_sent.
typedef int (*burst_fn)(struct burst *b, void *ctx, struct error *err);

static int offer_all(struct bench_target *t, unsigned burst, uint64_t n_pkts, burst_fn fn,
	void *ctx, struct error *err)
{
	unsigned per_refill = BENCH_POOL_PKTS / burst;
	struct rte_mbuf **pkts = t->is_sink ? pool.fresh : pool.pkts;
	struct burst bursts[BENCH_POOL_PKTS];
	uint64_t n = 0;

	while (n < n_pkts) {
		if (t->is_sink &&
			rte_pktmbuf_alloc_bulk(pool.mempool, pool.fresh, per_refill * burst) != 0)
			return error_set(err, "no %u packet buffers left", per_refill * burst);
		t->ops->turn(t);
		for (unsigned i = 0; i < per_refill; i++) {
			struct burst *b = &bursts[i];

			b->target = t;
			b->stream_index = t->next_stream;
			b->stream = &t->streams[t->next_stream];
			t->next_stream = (t->next_stream + 1) % t->n_streams;
			b->pkts = &pkts[i * burst];
			b->n = burst;
			burst_fill(b->stream, b->pkts, burst, b->frame_of);
		}
		for (unsigned i = 0; t->ops->prepare != NULL && i < per_refill; i++)
			t->ops->prepare(t, bursts[i].stream->iface, bursts[i].pkts, burst);
		for (unsigned i = 0; i < per_refill; i++) {
			if (fn(&bursts[i], ctx, err) < 0)
				return -1;
		}
		n += per_refill * burst;
	}
	return 0;
}

// Its place among the packets offered, or -1.
static int find_pkt(struct rte_mbuf *const *pkts, unsigned n, const struct rte_mbuf *m)
{
	for (unsigned i = 0; i < n; i++) {
		if (pkts[i] == m)
			return (int)i;
	}
	return -1;
}

static int mistaken(const struct burst *b, uint32_t frame, const struct rte_mbuf *m,
	const struct bench_expected *want, uint8_t iface, struct error *err)
{
	const uint8_t *got = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned at = 0;

	if (iface != want->iface)
		return error_set(err, "frame %u of stream %u left by interface %u, not %u", frame,
			b->stream_index, iface, want->iface);
	if (m->pkt_len != b->stream->frame_bytes || m->nb_segs != 1)
		return error_set(err, "frame %u of stream %u left with %u bytes in %u buffers",
			frame, b->stream_index, m->pkt_len, m->nb_segs);
	while (got[at] == want->frame.bytes[at])
		at++;
	return error_set(err, "frame %u of stream %u differs at byte %u: %02x, not %02x", frame,
		b->stream_index, at, got[at], want->frame.bytes[at]);
}

static int burst_verify(struct burst *b, void *ctx, struct error *err)
{
	struct bench_target *t = b->target;
	struct bench_sent sent;
	unsigned n_sent;

	bench_timed(t, b->stream->iface, b->pkts, b->n);
	n_sent = t->ops->take_sent(t, &sent);
	if (n_sent != b->n)
		return lost(t, b->n, n_sent, err);
	if (t->is_sink)
		return 0;
	for (unsigned i = 0; i < n_sent; i++) {
		struct rte_mbuf *m = sent.pkts[i];
		int at = find_pkt(b->pkts, b->n, m);
		struct bench_expected want;
		uint32_t frame;

		if (at < 0)
			return error_set(
				err, "a packet came out that was not offered, or one twice");
		frame = b->frame_of[at];
		memcpy(&want.frame, rte_pktmbuf_mtod(m, void *), sizeof(want.frame));
		t->ops->expect(t, b->stream_index, frame, &want);
		if (sent.ifaces[i] != want.iface || m->pkt_len != b->stream->frame_bytes ||
			m->nb_segs != 1 ||
			memcmp(rte_pktmbuf_mtod(m, void *), &want.frame, m->pkt_len) != 0)
			return mistaken(b, frame, m, &want, sent.ifaces[i], err);
		m->pkt_len = 0; // seen; a second time is a mistake
	}
	return 0;
}

static uint64_t all_frames(const struct bench_target *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < t->n_streams; i++)
		n += t->streams[i].n;
	return n;
}

int bench_verify(struct bench_target *t, unsigned burst, struct error *err)
{
	uint64_t per_refill = BENCH_POOL_PKTS / burst * burst;
	uint64_t n_offered = (all_frames(t) + per_refill - 1) / per_refill * per_refill;

	if (offer_all(t, burst, n_offered, burst_verify, NULL, err) < 0)
		return -1;
	return t->ops->verify_counts != NULL ? t->ops->verify_counts(t, n_offered, err) : 0;
}

static int burst_warm_up(struct burst *b, void *ctx, struct error *err)
{
	unsigned n_sent;

	bench_timed(b->target, b->stream->iface, b->pkts, b->n);
	n_sent = b->target->ops->take_sent(b->target, NULL);
	return n_sent == b->n ? 0 : lost(b->target, b->n, n_sent, err);
}

int bench_warm_up(struct bench_target *t, unsigned burst, struct error *err)
{
	return offer_all(
		t, burst, RTE_MIN(all_frames(t), (uint64_t)WARM_UP_PKTS), burst_warm_up, NULL, err);
}

struct clocks {
	uint64_t *of_bursts;
	unsigned n;
};

static int burst_time(struct burst *b, void *ctx, struct error *err)
{
	struct clocks *clocks = ctx;
	struct bench_target *t = b->target;
	uint64_t start = clock_begin();
	uint64_t clk;
	unsigned n_sent;

	bench_timed(t, b->stream->iface, b->pkts, b->n);
	clk = clock_end() - start;
	clocks->of_bursts[clocks->n++] = clk > pool.timer_clk ? clk - pool.timer_clk : 0;
	n_sent = t->ops->take_sent(t, NULL);
	return n_sent == b->n ? 0 : lost(t, b->n, n_sent, err);
}

int bench_time(struct bench_target *t, unsigned burst, uint64_t n_pkts, struct bench_run *out,
	struct error *err)
{
	struct clocks clocks = {0};
	uint64_t limit, sum = 0;
	unsigned n_kept = 0;
	int rc;

	clocks.of_bursts = malloc((n_pkts / burst + BENCH_POOL_PKTS) * sizeof(uint64_t));
	if (clocks.of_bursts == NULL)
		return error_set(
			err, "no memory for the clocks of %lu packets", (unsigned long)n_pkts);
	rc = offer_all(t, burst, n_pkts, burst_time, &clocks, err);
	if (rc == 0) {
		qsort(clocks.of_bursts, clocks.n, sizeof(uint64_t), compare_u64);
		limit = clocks.of_bursts[clocks.n / 2] * INTERRUPTED;
		while (n_kept < clocks.n && clocks.of_bursts[n_kept] <= limit)
			sum += clocks.of_bursts[n_kept++];
		out->clk = (double)sum / ((double)n_kept * burst);
		out->n_interrupted = clocks.n - n_kept;
		out->burst_median_clk = (double)clocks.of_bursts[clocks.n / 2];
		out->burst_p999_clk = (double)clocks.of_bursts[(uint64_t)clocks.n * 999 / 1000];
		out->burst_longest_clk = (double)clocks.of_bursts[clocks.n - 1];
	}
	free(clocks.of_bursts);
	return rc;
}

static void step_burst(void *arg)
{
	struct burst *b = arg;

	bench_timed(b->target, b->stream->iface, b->pkts, b->n);
}

static void step_nothing(void *arg)
{
}

static int burst_step(struct burst *b, void *ctx, struct error *err)
{
	uint64_t *n_steps = ctx;
	unsigned n_sent;

	*n_steps += bench_count_steps(step_burst, b);
	n_sent = b->target->ops->take_sent(b->target, NULL);
	return n_sent == b->n ? 0 : lost(b->target, b->n, n_sent, err);
}

int bench_instructions(struct bench_target *t, unsigned burst, double *out, struct error *err)
{
	unsigned per_refill = BENCH_POOL_PKTS / burst * burst;
	unsigned n_pkts = RTE_ALIGN_MUL_CEIL(STEP_PKTS, per_refill);
	uint64_t per_burst = bench_count_steps(step_nothing, NULL);
	uint64_t n_steps = 0;

	for (unsigned i = 0; i < t->n_streams && !t->never_rewinds; i++)
		t->streams[i].next = 0; // the same packets whatever ran before
	t->next_stream = 0;
	if (offer_all(t, burst, n_pkts, burst_step, &n_steps, err) < 0)
		return -1;
	*out = (double)(n_steps - n_pkts / burst * per_burst) / n_pkts;
	return 0;
}

int bench_offer(struct bench_target *t, uint8_t iface, const struct bench_frame *frames, unsigned n,
	uint16_t frame_bytes, struct bench_sent *sent, struct error *err)
{
	unsigned n_sent;

	for (unsigned i = 0; i < n; i++)
		pkt_fill(pool.pkts[i], &frames[i], frame_bytes);
	t->ops->turn(t);
	t->ops->rx(t, iface, pool.pkts, n);
	n_sent = t->ops->take_sent(t, sent);
	if (n_sent != n)
		return lost(t, n, n_sent, err);
	for (unsigned i = 0; i < n; i++) {
		int at = find_pkt(pool.pkts, n, sent->pkts[i]);

		if (at < 0)
			return error_set(err, "a packet came out that was not offered");
		sent->frame_of[i] = (uint16_t)at;
	}
	return 0;
}
