// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/recorder.h"

#include <string.h>

#include "dataplane/capture_ring.h"
#include "dataplane/worker.h"

static void store(_Atomic uint64_t *to, uint64_t word)
{
	atomic_store_explicit(to, word, memory_order_relaxed);
}

// The first buffer of a packet has its headers. They are read in pairs of words: a buffer that may
// end within them keeps its bytes to itself.
static unsigned readable_bytes(const struct rte_mbuf *m, unsigned most)
{
	if (unlikely(m->data_off + DP_RECORDER_SNAP_MAX + RECORDER_PAIR > m->buf_len))
		return 0;
	return RTE_MIN(m->data_len, most);
}

static inline void copy_pair(_Atomic uint64_t *to, const uint8_t *from)
{
	uint64_t words[2];

	memcpy(words, from, sizeof(words));
	store(&to[0], words[0]);
	store(&to[1], words[1]);
}

static inline void note(const struct worker *w, const struct recorder *recorder,
	struct rte_mbuf *const *pkts, unsigned n, struct capture_record record)
{
	struct recorder_ring *ring = recorder->rings[w->index];
	uint64_t end = atomic_load_explicit(&ring->done, memory_order_relaxed) + n;
	// in registers: the compiler must think that a slot's words may be any of these
	const uint64_t tsc = w->observing.now_tsc;
	const uint64_t where = (uint64_t)record.kind << 8 | record.iface;
	const uint64_t verdict = (uint64_t)(uint32_t)record.rule << 32 | record.reason;
	const uint32_t n_slots = recorder->n_slots, slot_words = recorder->slot_words;
	const unsigned most = recorder->snap_bytes;
	uint32_t at = ring->at;
	_Atomic uint64_t *to = ring->words + (size_t)at * slot_words;

	store(&ring->begun, end);
	atomic_thread_fence(memory_order_release); // before the first word: who reads one sees it
	for (unsigned i = 0; i < n; i++) {
		const struct rte_mbuf *m = pkts[i];
		const uint8_t *from = rte_pktmbuf_mtod(m, const uint8_t *);
		unsigned bytes = readable_bytes(m, most);

		store(&to[RECORDER_TSC], tsc);
		store(&to[RECORDER_PACKET],
			(uint64_t)m->pkt_len << 32 | (uint64_t)bytes << 16 | where);
		store(&to[RECORDER_VERDICT], verdict);
		for (unsigned k = 0; k < bytes; k += RECORDER_PAIR)
			copy_pair(&to[RECORDER_BYTES + k / sizeof(uint64_t)], from + k);
		to += slot_words;
		if (unlikely(++at == n_slots)) {
			at = 0;
			to = ring->words;
		}
	}
	ring->at = at;
	atomic_store_explicit(&ring->done, end, memory_order_release);
}

void recorder_note(struct worker *w, const struct recorder *recorder, enum dp_capture_kind kind,
	uint8_t iface, struct rte_mbuf *const *pkts, unsigned n)
{
	if ((recorder->kinds & kind) == 0)
		return;
	if (kind == DP_CAPTURE_RX)
		for (unsigned i = 0; i < n; i++) // all at once: the pipeline finds them there
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	note(w, recorder, pkts, n,
		(struct capture_record){
			.kind = (uint8_t)kind, .iface = iface, .reason = CAPTURE_NO_REASON});
}

void recorder_note_drop(struct worker *w, const struct recorder *recorder, uint8_t iface,
	const struct rte_mbuf *m, enum counter reason)
{
	struct rte_mbuf *const pkts[] = {(struct rte_mbuf *)(uintptr_t)m};

	if ((recorder->kinds & DP_CAPTURE_DROP) == 0)
		return;
	note(w, recorder, pkts, 1,
		(struct capture_record){.kind = DP_CAPTURE_DROP,
			.iface = iface,
			.reason = (uint8_t)reason,
			.rule = w->refused_by});
}
