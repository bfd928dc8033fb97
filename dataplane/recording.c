// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/recording.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"

// --- a copy of the living ---

// What the worker had begun to write over by the end is left out.
static void copy_ring(struct dp_recording *recording, const struct recorder *recorder, unsigned i)
{
	const struct recorder_ring *ring = recorder->rings[i];
	uint64_t end = atomic_load_explicit(&ring->done, memory_order_acquire);
	uint64_t n_words = RTE_MIN(end, recorder->n_slots) * recorder->slot_words, begun;

	for (uint64_t k = 0; k < n_words; k++)
		recording->copies[i][k] = recording_load(&ring->words[k]);
	atomic_thread_fence(memory_order_acquire);
	begun = recording_load(&ring->begun);
	recording->workers[i].end = end;
	recording->workers[i].next = RTE_MIN(recording_oldest(recorder->n_slots, begun), end);
}

static void leave_out_older(struct dp_recording *recording, unsigned i, uint64_t since_ns)
{
	uint64_t *next = &recording->workers[i].next;

	while (*next < recording->workers[i].end &&
		capture_clock_wall_ns(&recording->clock,
			recording_slot(recording, i, *next)[RECORDER_TSC]) < since_ns)
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
	recording->copy_bytes = recorder->ring_bytes;
	for (; recording->n_workers < recorder->n_workers; recording->n_workers++) {
		unsigned i = recording->n_workers;

		recording->copies[i] = memory_map(recording->copy_bytes);
		recording->workers[i].words = recording->copies[i];
		if (recording->copies[i] == NULL)
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

// --- either ---

void dataplane_recording_free(struct dp_recording *recording)
{
	if (recording == NULL)
		return;
	for (unsigned i = 0; i < recording->n_workers; i++)
		memory_unmap(recording->copies[i], recording->copy_bytes);
	if (recording->mapped != NULL)
		munmap(recording->mapped, recording->mapped_bytes);
	free(recording);
}

// The next slot of that worker, NULL after the last.
static const uint64_t *look(struct dp_recording *recording, unsigned worker)
{
	uint64_t *next = &recording->workers[worker].next;

	for (; *next < recording->workers[worker].end; ++*next) {
		const uint64_t *slot = recording_slot(recording, worker, *next);

		if (recording->image == NULL || recording_is_sound(recording, slot))
			return slot;
	}
	return NULL;
}

bool dataplane_recording_next(struct dp_recording *recording, struct dp_captured *out)
{
	const uint64_t *first = NULL;
	struct capture_record record;
	unsigned from = 0;

	for (unsigned i = 0; i < recording->n_workers; i++) {
		const uint64_t *slot = look(recording, i);

		if (slot == NULL || (first != NULL && first[RECORDER_TSC] <= slot[RECORDER_TSC]))
			continue;
		first = slot;
		from = i;
	}
	if (first == NULL)
		return false;
	recording->workers[from].next++;
	record = recording_record(first);
	if (recording->image != NULL && !recording->knows_reasons)
		record.reason = CAPTURE_NO_REASON;
	capture_describe(
		&recording->clock, &record, (const uint8_t *)(first + RECORDER_BYTES), out);
	if (recording->image != NULL)
		recording_describe_left(recording, out);
	return true;
}
