// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder: the last packets of each worker, in a ring of slots that the worker alone
// writes, over the oldest, without asking anybody. Who reads copies the ring and asks afterwards
// which of its slots the worker had begun to write by then: those are left out, so that no half
// packet is ever shown. The words are atomic because both may touch them at once, and relaxed
// because only `begun` and `done` say what they are worth.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/counter.h"
#include "dataplane/dataplane.h"

struct worker;

// Of a slot, in words: its clock; of the packet its length (32 bits), how much of it is here (16),
// what happened (8) and the interface (8); the rule (32 bits) and the reason (8); its bytes.
enum {
	RECORDER_TSC,
	RECORDER_PACKET,
	RECORDER_VERDICT,
	RECORDER_BYTES,
};

enum { RECORDER_PAIR = 16 }; // bytes, of two words: a packet's are copied by pairs

struct recorder_ring {
	_Atomic uint64_t begun; // slots, ever
	_Atomic uint64_t done;
	uint32_t at; // the worker's: the slot that is next
	_Atomic uint64_t words[] __rte_cache_aligned;
} __rte_cache_aligned;

struct recorder_image;

struct recorder {
	uint32_t n_slots, slot_words;
	uint64_t ring_bytes; // of a ring with its head
	uint16_t snap_bytes;
	uint8_t kinds;
	unsigned n_workers;
	struct recorder_ring *rings[DP_WORKERS_MAX];
	struct recorder_image *image; // where they lie; NULL: in the process's own memory
	struct error why_no_image;
};

// --- control ---
// NULL without memory. Where there can be no image, the rings are the process's own.
struct recorder *recorder_new(const struct dp_recorder *from, unsigned n_workers);
void recorder_free(struct recorder *recorder); // NULL is fine; as for:
// What the interface is called, for who finds the image.
void recorder_name_interface(struct recorder *recorder, unsigned id, const char *name);
uint64_t recorder_bytes(const struct dp_recorder *recorder); // of each worker, with a copy

// --- workers, while the recorder is among the observers ---
// At most BURST of them, now by the observer's clock.
void recorder_note(struct worker *w, const struct recorder *recorder, enum dp_capture_kind kind,
	uint8_t iface, struct rte_mbuf *const *pkts, unsigned n);
void recorder_note_drop(struct worker *w, const struct recorder *recorder, uint8_t iface,
	const struct rte_mbuf *m, enum counter reason);
