// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/recorder_image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dataplane/dataplane_internal.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

uint64_t recorder_reasons(void)
{
	uint64_t sum = FNV_OFFSET;
	struct dp_counter counter;

	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		stats_describe((enum counter)i, &counter);
		for (const char *c = counter.name; *c != '\0'; c++)
			sum = (sum ^ (uint8_t)*c) * FNV_PRIME;
		sum = (sum ^ '\n') * FNV_PRIME;
	}
	return sum;
}

static int fail(struct error *err, const char *path, const char *what, int error)
{
	return error_set(err, "%s: %s%s%s", path, what, error != 0 ? ": " : "",
		error != 0 ? strerror(error) : "");
}

// Pages of a file on a disk are written back, and a worker that writes one meanwhile waits for it.
static int check_is_memory(int fd, const char *path, struct error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return fail(err, path, "cannot be looked at", errno);
	return fs.f_type == TMPFS_MAGIC ? 0 : fail(err, path, "is on a disk, not in memory", 0);
}

// All pages now: a full tmpfs would end the worker that touches the next one.
static int take_memory(struct recorder_image *image, struct error *err)
{
	int error = posix_fallocate(image->fd, 0, (off_t)image->bytes);
	void *at;

	if (error != 0)
		return fail(err, image->path, "has no room", error);
	at = mmap(NULL, image->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, image->fd,
		0);
	if (at == MAP_FAILED)
		return fail(err, image->path, "cannot be mapped", errno);
	image->head = at;
	mlock(at, image->bytes); // where the limit lets it: else it may be swapped, as all else
	return 0;
}

static void write_head(struct recorder_head *head, const struct recorder *recorder)
{
	*head = (struct recorder_head){
		.magic = RECORDER_IMAGE_MAGIC,
		.version = RECORDER_IMAGE_VERSION,
		.pid = (uint32_t)getpid(),
		.reasons = recorder_reasons(),
		.ring_bytes = recorder->ring_bytes,
		.n_workers = recorder->n_workers,
		.n_slots = recorder->n_slots,
		.slot_words = recorder->slot_words,
	};
}

struct recorder_image *recorder_image_new(
	const char *path, const struct recorder *recorder, struct error *err)
{
	struct recorder_image *image = calloc(1, sizeof(*image));
	int fd = -1;

	if (image == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	image->path = path;
	image->bytes = RECORDER_IMAGE_HEAD_BYTES + recorder->n_workers * recorder->ring_bytes;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail(err, path, "cannot be made", errno);
		free(image);
		return NULL;
	}
	image->fd = fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && check_is_memory(fd, path, err) == 0 &&
		take_memory(image, err) == 0) {
		write_head(image->head, recorder);
		return image;
	}
	recorder_image_free(image);
	return NULL;
}

struct recorder_ring *recorder_image_ring(const struct recorder_image *image, unsigned worker)
{
	uint8_t *first = (uint8_t *)image->head + RECORDER_IMAGE_HEAD_BYTES;

	return (struct recorder_ring *)(void *)(first + worker * image->head->ring_bytes);
}

void recorder_image_free(struct recorder_image *image)
{
	if (image == NULL)
		return;
	if (image->head != NULL)
		munmap(image->head, image->bytes);
	unlink(image->path);
	close(image->fd);
	free(image);
}
