// SPDX-License-Identifier: BSD-3-Clause
// An image that a router left which did not come to its end. Its last packets may be half written,
// its router of another version; nothing of it is believed that is not checked.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/recording.h"

enum {
	WORD = sizeof(uint64_t),
	SLOT_WORDS_MIN = RECORDER_BYTES + RECORDER_PAIR / WORD,
	SLOT_WORDS_MAX = RECORDER_BYTES + (DP_RECORDER_SNAP_MAX + RECORDER_PAIR + 64) / WORD,
	RING_ALIGN = 64,
};
#define RING_BYTES_MAX (UINT64_C(1) << 40)

// --- the whole ---

static bool is_sound_head(const struct recorder_head *head, uint64_t n_bytes)
{
	uint64_t slot_bytes = (uint64_t)head->slot_words * WORD;

	return head->magic == RECORDER_IMAGE_MAGIC && head->version == RECORDER_IMAGE_VERSION &&
	       head->n_workers > 0 && head->n_workers <= DP_WORKERS_MAX && head->n_slots > 0 &&
	       head->slot_words >= SLOT_WORDS_MIN && head->slot_words <= SLOT_WORDS_MAX &&
	       head->ring_bytes <= RING_BYTES_MAX && head->ring_bytes % RING_ALIGN == 0 &&
	       sizeof(struct recorder_ring) + head->n_slots * slot_bytes <= head->ring_bytes &&
	       RECORDER_IMAGE_HEAD_BYTES + head->n_workers * head->ring_bytes <= n_bytes;
}

// As of a copy: what the worker had begun to write over by its end is left out. More than a burst
// is never under way.
static void find_slots(struct dp_recording *recording, unsigned i)
{
	const uint8_t *at = (const uint8_t *)recording->image + RECORDER_IMAGE_HEAD_BYTES +
			    i * recording->head.ring_bytes;
	const struct recorder_ring *ring = (const struct recorder_ring *)(const void *)at;
	uint64_t begun = recording_load(&ring->begun), done = recording_load(&ring->done);

	recording->workers[i].words = (const uint64_t *)(const void *)ring->words;
	if (begun < done || begun - done > recording->n_slots)
		return; // none
	recording->workers[i].end = done;
	recording->workers[i].next = RTE_MIN(recording_oldest(recording->n_slots, begun), done);
}

static uint64_t newest_tsc(const struct dp_recording *recording)
{
	uint64_t newest = 0;

	for (unsigned i = 0; i < recording->n_workers; i++) {
		const uint64_t *last;

		if (recording->workers[i].next == recording->workers[i].end)
			continue;
		last = recording_slot(recording, i, recording->workers[i].end - 1);
		if (recording_is_sound(recording, last))
			newest = RTE_MAX(newest, last[RECORDER_TSC]);
	}
	return newest;
}

static void leave_out_older(struct dp_recording *recording, uint32_t last_sec)
{
	uint64_t newest = newest_tsc(recording), span = last_sec * rte_get_tsc_hz();

	for (unsigned i = 0; i < recording->n_workers && newest > span; i++) {
		uint64_t *next = &recording->workers[i].next;

		while (*next < recording->workers[i].end &&
			recording_slot(recording, i, *next)[RECORDER_TSC] < newest - span)
			++*next;
	}
}

struct dp_recording *dataplane_recording_of_image(const void *image, uint64_t n_bytes,
	uint32_t last_sec, struct dp_recording_origin *origin, struct error *err)
{
	struct dp_recording *recording = calloc(1, sizeof(*recording));

	if (recording == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	if (n_bytes >= RECORDER_IMAGE_HEAD_BYTES)
		memcpy(&recording->head, image, sizeof(recording->head));
	if (!is_sound_head(&recording->head, n_bytes)) {
		error_set(err, "it is of another version, or damaged");
		free(recording);
		return NULL;
	}
	recording->image = image;
	recording->clock = capture_clock_now();
	recording->n_slots = recording->head.n_slots;
	recording->slot_words = recording->head.slot_words;
	recording->n_workers = recording->head.n_workers;
	recording->knows_reasons = recording->head.reasons == recorder_reasons();
	for (unsigned i = 0; i < recording->n_workers; i++)
		find_slots(recording, i);
	leave_out_older(recording, last_sec);
	*origin = (struct dp_recording_origin){.pid = recording->head.pid};
	return recording;
}

// --- a packet ---

bool recording_is_sound(const struct dp_recording *recording, const uint64_t *slot)
{
	struct capture_record record = recording_record(slot);
	bool is_one_kind = record.kind == DP_CAPTURE_RX || record.kind == DP_CAPTURE_TX ||
			   record.kind == DP_CAPTURE_DROP;

	return is_one_kind && record.tsc <= recording->clock.tsc &&
	       record.captured_bytes <= (recording->slot_words - RECORDER_BYTES) * WORD &&
	       record.captured_bytes <= record.packet_bytes &&
	       (record.reason == CAPTURE_NO_REASON || record.reason < COUNTER_COUNT);
}

static bool is_name(const char *name)
{
	unsigned n = 0;

	while (n < RECORDER_IMAGE_NAME_BYTES && isgraph((unsigned char)name[n]))
		n++;
	return n > 0 && n < RECORDER_IMAGE_NAME_BYTES && name[n] == '\0';
}

// The rules by which it dropped are not those of now.
void recording_describe_left(const struct dp_recording *recording, struct dp_captured *packet)
{
	packet->is_by_firewall = false;
	packet->interface_name = "router";
	if (packet->interface >= DP_INTERFACES_MAX)
		packet->interface = -1;
	if (packet->interface >= 0 && is_name(recording->head.interfaces[packet->interface]))
		packet->interface_name = recording->head.interfaces[packet->interface];
}

// --- the file ---

static int open_left(const char *path, uint64_t *n_bytes, struct error *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? -1 : error_set(err, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		error_set(err, "%s is another router's, which lives", path);
	else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		error_set(err, "%s is not this router's", path);
	else {
		*n_bytes = (uint64_t)st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

struct dp_recording *dataplane_recording_left(
	const char *path, uint32_t last_sec, struct dp_recording_origin *origin, struct error *err)
{
	struct dp_recording *recording = NULL;
	uint64_t n_bytes = 0;
	void *image;
	int fd = open_left(path, &n_bytes, err);

	if (fd < 0)
		return NULL;
	image = mmap(NULL, n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	unlink(path); // before a byte of it is read: what ends a router ends no second one
	close(fd);
	if (image == MAP_FAILED) {
		error_set(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	recording = dataplane_recording_of_image(image, n_bytes, last_sec, origin, err);
	if (recording == NULL) {
		munmap(image, n_bytes);
		return NULL;
	}
	recording->mapped = image;
	recording->mapped_bytes = n_bytes;
	return recording;
}
