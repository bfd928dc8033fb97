// SPDX-License-Identifier: BSD-3-Clause
// Control's side of the recorder: made, copied, read, freed.
#include <stdlib.h>
#include <string.h>

#include "dataplane/capture_ring.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"
#include "dataplane/recorder.h"

enum {
	WORD = sizeof(uint64_t),
	SLOT_ALIGN = 64,
	LOOKS = 4, // at the oldest slot, which the worker may be writing each time
};

static unsigned slot_bytes(const struct dp_recorder *recorder)
{
	unsigned pairs = RTE_ALIGN_CEIL(recorder->snap_bytes, (unsigned)RECORDER_PAIR);

	return RTE_ALIGN_CEIL(RECORDER_BYTES * (unsigned)WORD + pairs, (unsigned)SLOT_ALIGN);
}

uint64_t recorder_bytes(const struct dp_recorder *recorder)
{
	return 2 * recorder->ring_bytes;
}

// --- its life ---

struct recorder *recorder_new(const struct dp_recorder *from, unsigned n_workers)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (recorder == NULL)
		return NULL;
	recorder->slot_words = slot_bytes(from) / WORD;
	recorder->n_slots =
		(uint32_t)((from->ring_bytes - sizeof(struct recorder_ring)) / slot_bytes(from));
	recorder->ring_bytes = from->ring_bytes;
	recorder->snap_bytes = from->snap_bytes;
	recorder->kinds = from->kinds;
	recorder->n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		recorder->rings[i] = memory_map(from->ring_bytes);
		if (recorder->rings[i] == NULL) {
			recorder_free(recorder);
			return NULL;
		}
		memset(recorder->rings[i], 0, from->ring_bytes); // no worker waits for a page
	}
	return recorder;
}

void recorder_free(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	for (unsigned i = 0; i < recorder->n_workers; i++)
		memory_unmap(recorder->rings[i], recorder->ring_bytes);
	free(recorder);
}

// --- a copy ---

struct dp_recording {
	struct capture_clock clock;
	uint32_t n_slots, slot_words;
	uint64_t bytes; // of each worker's copy
	unsigned n_workers;
	struct {
		uint64_t *words;
		uint64_t next, end; // slots
	} workers[DP_WORKERS_MAX];
};

static uint64_t load(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static uint64_t oldest(const struct recorder *recorder, uint64_t end)
{
	return end > recorder->n_slots ? end - recorder->n_slots : 0;
}

static const uint64_t *slot(const struct dp_recording *recording, unsigned worker, uint64_t at)
{
	return recording->workers[worker].words + at % recording->n_slots * recording->slot_words;
}

// What the worker had begun to write over by the end is left out.
static void copy_ring(struct dp_recording *recording, const struct recorder *recorder, unsigned i)
{
	const struct recorder_ring *ring = recorder->rings[i];
	uint64_t end = atomic_load_explicit(&ring->done, memory_order_acquire);
	uint64_t n_words = RTE_MIN(end, recorder->n_slots) * recorder->slot_words, begun;

	for (uint64_t k = 0; k < n_words; k++)
		recording->workers[i].words[k] = load(&ring->words[k]);
	atomic_thread_fence(memory_order_acquire);
	begun = load(&ring->begun);
	recording->workers[i].end = end;
	recording->workers[i].next = RTE_MIN(oldest(recorder, begun), end);
}

static void leave_out_older(struct dp_recording *recording, unsigned i, uint64_t since_ns)
{
	uint64_t *next = &recording->workers[i].next;

	while (*next < recording->workers[i].end &&
		capture_clock_wall_ns(&recording->clock, slot(recording, i, *next)[RECORDER_TSC]) <
			since_ns)
		++*next;
}

struct dp_recording *dataplane_recording_new(
	const struct dataplane *dp, uint64_t since_ns, struct error *err)
{
	const struct recorder *recorder = dp->recorder;
	struct dp_recording *recording;

	if (recorder == NULL) {
		error_set(err, "there is no recorder: the config has none");
		return NULL;
	}
	recording = calloc(1, sizeof(*recording));
	if (recording == NULL)
		goto no_memory;
	recording->n_slots = recorder->n_slots;
	recording->slot_words = recorder->slot_words;
	recording->bytes = recorder->ring_bytes;
	for (; recording->n_workers < recorder->n_workers; recording->n_workers++) {
		unsigned i = recording->n_workers;

		recording->workers[i].words = memory_map(recording->bytes);
		if (recording->workers[i].words == NULL)
			goto no_memory;
	}
	for (unsigned i = 0; i < recording->n_workers; i++)
		copy_ring(recording, recorder, i);
	recording->clock = capture_clock_now();
	for (unsigned i = 0; i < recording->n_workers; i++)
		leave_out_older(recording, i, since_ns);
	return recording;
no_memory:
	error_set(err, "no memory for a copy of what the recorder has");
	dataplane_recording_free(recording);
	return NULL;
}

void dataplane_recording_free(struct dp_recording *recording)
{
	if (recording == NULL)
		return;
	for (unsigned i = 0; i < recording->n_workers; i++)
		memory_unmap(recording->workers[i].words, recording->bytes);
	free(recording);
}

bool dataplane_recording_next(struct dp_recording *recording, struct dp_captured *out)
{
	const uint64_t *first = NULL;
	struct capture_record record;
	unsigned from = 0;

	for (unsigned i = 0; i < recording->n_workers; i++) {
		const uint64_t *words = slot(recording, i, recording->workers[i].next);

		if (recording->workers[i].next == recording->workers[i].end ||
			(first != NULL && first[RECORDER_TSC] <= words[RECORDER_TSC]))
			continue;
		first = words;
		from = i;
	}
	if (first == NULL)
		return false;
	recording->workers[from].next++;
	record = (struct capture_record){
		.tsc = first[RECORDER_TSC],
		.packet_bytes = (uint32_t)(first[RECORDER_PACKET] >> 32),
		.captured_bytes = (uint16_t)(first[RECORDER_PACKET] >> 16),
		.kind = (uint8_t)(first[RECORDER_PACKET] >> 8),
		.iface = (uint8_t)first[RECORDER_PACKET],
		.rule = (int32_t)(first[RECORDER_VERDICT] >> 32),
		.reason = (uint8_t)first[RECORDER_VERDICT],
	};
	capture_describe(
		&recording->clock, &record, (const uint8_t *)(first + RECORDER_BYTES), out);
	return true;
}

// --- at a glance ---

// 0: there is none, or it is written over each time.
static uint64_t oldest_tsc(const struct recorder *recorder, const struct recorder_ring *ring)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t end = atomic_load_explicit(&ring->done, memory_order_acquire);
		uint64_t at = oldest(recorder, end), tsc;

		if (end == 0)
			return 0;
		tsc = load(&ring->words[at % recorder->n_slots * recorder->slot_words]);
		atomic_thread_fence(memory_order_acquire);
		if (oldest(recorder, load(&ring->begun)) <= at)
			return tsc;
	}
	return 0;
}

bool dataplane_recorder_state(
	const struct dataplane *dp, unsigned worker, struct dp_recorder_state *out)
{
	const struct recorder *recorder = dp->recorder;
	struct capture_clock clock;
	uint64_t tsc;

	*out = (struct dp_recorder_state){0};
	if (recorder == NULL || worker >= recorder->n_workers)
		return false;
	out->recorded = atomic_load_explicit(&recorder->rings[worker]->done, memory_order_relaxed);
	out->held = RTE_MIN(out->recorded, recorder->n_slots);
	out->held_max = recorder->n_slots;
	tsc = oldest_tsc(recorder, recorder->rings[worker]);
	clock = capture_clock_now();
	out->oldest_ns = tsc == 0 ? 0 : capture_clock_wall_ns(&clock, tsc);
	return true;
}
