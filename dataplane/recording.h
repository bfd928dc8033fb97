// SPDX-License-Identifier: BSD-3-Clause
// What the recorder had, for somebody to read: a copy of the living rings, or an image that a
// killed router left. Control thread.
#pragma once

#include "dataplane/capture_ring.h"
#include "dataplane/recorder_image.h"

struct dp_recording {
	struct capture_clock clock;
	uint32_t n_slots, slot_words;
	unsigned n_workers;
	struct {
		const uint64_t *words;
		uint64_t next, end; // slots
	} workers[DP_WORKERS_MAX];
	// of a copy
	uint64_t *copies[DP_WORKERS_MAX];
	uint64_t copy_bytes; // of each
	// of an image, nothing of which is to be believed; NULL: it is none
	const void *image;
	void *mapped; // by this one, NULL: the caller's
	uint64_t mapped_bytes;
	struct recorder_head head; // as it was when it was checked
	bool knows_reasons;
};

static inline uint64_t recording_load(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static inline uint64_t recording_oldest(uint32_t n_slots, uint64_t end)
{
	return end > n_slots ? end - n_slots : 0;
}

static inline const uint64_t *recording_slot(
	const struct dp_recording *recording, unsigned worker, uint64_t at)
{
	return recording->workers[worker].words + at % recording->n_slots * recording->slot_words;
}

static inline struct capture_record recording_record(const uint64_t *slot)
{
	return (struct capture_record){
		.tsc = slot[RECORDER_TSC],
		.packet_bytes = (uint32_t)(slot[RECORDER_PACKET] >> 32),
		.captured_bytes = (uint16_t)(slot[RECORDER_PACKET] >> 16),
		.kind = (uint8_t)(slot[RECORDER_PACKET] >> 8),
		.iface = (uint8_t)slot[RECORDER_PACKET],
		.rule = (int32_t)(slot[RECORDER_VERDICT] >> 32),
		.reason = (uint8_t)slot[RECORDER_VERDICT],
	};
}

// Whether a slot of an image is a packet that the workers can have seen.
bool recording_is_sound(const struct dp_recording *recording, const uint64_t *slot);
// What is said of one of an image's packets: only what this router can know of another.
void recording_describe_left(const struct dp_recording *recording, struct dp_captured *packet);
