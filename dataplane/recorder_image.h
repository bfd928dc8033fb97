// SPDX-License-Identifier: BSD-3-Clause
// The file that the recorder's rings lie in, so that they outlive the process that wrote them: of
// memory (tmpfs), mapped and shared, locked as long as its router lives. A head, then the rings one
// after the other. Who finds one that nobody holds reads it as what it is: bytes from outside.
// Control thread.
#pragma once

#include <stdint.h>

#include "dataplane/recorder.h"

enum {
	RECORDER_IMAGE_VERSION = 1,
	RECORDER_IMAGE_HEAD_BYTES = 4096,
	RECORDER_IMAGE_NAME_BYTES = 16,
};
#define RECORDER_IMAGE_MAGIC UINT64_C(0x7265636f72646572)

// In this machine's byte order: it does not leave it.
struct recorder_head {
	uint64_t magic;
	uint32_t version, pid;
	uint64_t reasons; // recorder_reasons() of who wrote it: else its numbers mean others
	uint64_t ring_bytes;
	uint32_t n_workers, n_slots, slot_words, unused;
	// by the workers' number of it; "": none, or nobody said
	char interfaces[DP_INTERFACES_MAX][RECORDER_IMAGE_NAME_BYTES];
};
static_assert(sizeof(struct recorder_head) <= RECORDER_IMAGE_HEAD_BYTES, "the rings come after");

struct recorder_image {
	const char *path; // the caller's
	int fd;		  // which holds the lock
	uint64_t bytes;
	struct recorder_head *head;
};

// All of its memory is there when it returns. NULL with the reason: `path` is no memory, is full,
// or another router has it.
struct recorder_image *recorder_image_new(
	const char *path, const struct recorder *recorder, struct error *err);
struct recorder_ring *recorder_image_ring(const struct recorder_image *image, unsigned worker);
// Its file goes: who ends in good order leaves none. NULL is fine.
void recorder_image_free(struct recorder_image *image);

// A number of all drop reasons, their names and order.
uint64_t recorder_reasons(void);
