// SPDX-License-Identifier: BSD-3-Clause
// Control's side of the recorder: made, named, looked at, freed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/capture_ring.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"
#include "dataplane/recorder.h"
#include "dataplane/recorder_image.h"
#include "dataplane/recording.h"

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
	if (from->image != NULL)
		recorder->image =
			recorder_image_new(from->image, recorder, &recorder->why_no_image);
	else
		error_set(&recorder->why_no_image, "nobody said where");
	for (unsigned i = 0; i < n_workers; i++) {
		recorder->rings[i] = recorder->image != NULL
					     ? recorder_image_ring(recorder->image, i)
					     : memory_map(from->ring_bytes);
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
	for (unsigned i = 0; recorder->image == NULL && i < recorder->n_workers; i++)
		memory_unmap(recorder->rings[i], recorder->ring_bytes);
	recorder_image_free(recorder->image);
	free(recorder);
}

void recorder_name_interface(struct recorder *recorder, unsigned id, const char *name)
{
	if (recorder != NULL && recorder->image != NULL)
		snprintf(recorder->image->head->interfaces[id], RECORDER_IMAGE_NAME_BYTES, "%s",
			name);
}

bool dataplane_recorder_outlives(const struct dataplane *dp, struct error *err)
{
	if (dp->recorder == NULL || dp->recorder->image != NULL)
		return true;
	*err = dp->recorder->why_no_image;
	return false;
}

// --- at a glance ---

// 0: there is none, or it is written over each time.
static uint64_t oldest_tsc(const struct recorder *recorder, const struct recorder_ring *ring)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t end = atomic_load_explicit(&ring->done, memory_order_acquire);
		uint64_t at = recording_oldest(recorder->n_slots, end), tsc;

		if (end == 0)
			return 0;
		tsc = recording_load(&ring->words[at % recorder->n_slots * recorder->slot_words]);
		atomic_thread_fence(memory_order_acquire);
		if (recording_oldest(recorder->n_slots, recording_load(&ring->begun)) <= at)
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
