// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/recorder.h"

#include <string.h>

#include "dataplane/capture_ring.h"
#include "dataplane/worker.h"

enum { WORD = sizeof(uint64_t) };

static void store(_Atomic uint64_t *to, uint64_t word)
{
	atomic_store_explicit(to, word, memory_order_relaxed);
}

// The first buffer of a packet has its headers. Whole words are read: a buffer that ends before
// the last of them keeps its bytes to itself.
static unsigned readable_bytes(const struct rte_mbuf *m, unsigned most)
{
	if (unlikely(m->data_off + DP_RECORDER_SNAP_MAX > m->buf_len))
		return 0;
	return RTE_MIN(m->data_len, most);
}

static inline void write_slot(const struct worker *w, const struct recorder *recorder,
	_Atomic uint64_t *to, const struct rte_mbuf *m, struct capture_record record)
{
	const uint8_t *from = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned bytes = readable_bytes(m, recorder->snap_bytes);

	store(&to[RECORDER_TSC], w->observing.now_tsc);
	store(&to[RECORDER_PACKET], (uint64_t)m->pkt_len << 32 | (uint64_t)bytes << 16 |
					    (uint64_t)record.kind << 8 | record.iface);
	store(&to[RECORDER_VERDICT], (uint64_t)(uint32_t)record.rule << 32 | record.reason);
	for (unsigned i = 0; i < bytes; i += WORD) {
		uint64_t word;

		memcpy(&word, from + i, sizeof(word));
		store(&to[RECORDER_BYTES + i / WORD], word);
	}
}

static inline void note(const struct worker *w, const struct recorder *recorder,
	struct rte_mbuf *const *pkts, unsigned n, struct capture_record record)
{
	struct recorder_ring *ring = recorder->rings[w->index];
	uint64_t end = atomic_load_explicit(&ring->done, memory_order_relaxed) + n;

	store(&ring->begun, end);
	atomic_thread_fence(memory_order_release); // before the first word: who reads one sees it
	for (unsigned i = 0; i < n; i++) {
		write_slot(w, recorder, ring->words + (size_t)ring->at * recorder->slot_words,
			pkts[i], record);
		if (++ring->at == recorder->n_slots)
			ring->at = 0;
	}
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
