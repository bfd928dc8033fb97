// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/cut_disk.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/draw.h"

enum { FILES = 8, SECTOR = 512, PATH_BYTES = 128 };

// `live` is what the process sees, `kept` what outlives it. They differ by what is not synced.
struct image {
	char path[PATH_BYTES];
	uint8_t *live, *kept;
	size_t n_live, n_kept;
	bool is_there;
};

struct open_file {
	sqlite3_file base;
	struct image *image;
	bool persists; // its log, when it is closed
};

static struct {
	pthread_mutex_t lock;
	struct image images[FILES];
	struct cut_disk_counts counts;
	unsigned left; // writes and syncs until the power fails; 0: it does not
	bool is_off;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_log(const struct image *image)
{
	size_t len = strlen(image->path);

	return len > 4 && strcmp(image->path + len - 4, "-wal") == 0;
}

static void resize(uint8_t **bytes, size_t *n, size_t to)
{
	if (to > *n) {
		*bytes = realloc(*bytes, to);
		assert(*bytes != NULL);
		memset(*bytes + *n, 0, to - *n);
	}
	*n = to;
}

// One step towards the end. False: it has come.
static bool has_power(void)
{
	if (disk.left > 0 && --disk.left == 0)
		disk.is_off = true;
	return !disk.is_off;
}

// --- files ---

static int file_close(sqlite3_file *file)
{
	return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	struct image *image = ((struct open_file *)file)->image;
	size_t have;

	pthread_mutex_lock(&disk.lock);
	have = (size_t)at < image->n_live ? image->n_live - (size_t)at : 0;
	have = have < (size_t)n ? have : (size_t)n;
	memset(out, 0, (size_t)n);
	if (have > 0)
		memcpy(out, image->live + at, have);
	pthread_mutex_unlock(&disk.lock);
	return have < (size_t)n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct image *image = ((struct open_file *)file)->image;
	size_t end = (size_t)at + (size_t)n;
	bool has_been_off, is_off;

	pthread_mutex_lock(&disk.lock);
	has_been_off = disk.is_off;
	has_power();
	if (!has_been_off) { // the last one, too: some of it may be there
		disk.counts.writes++;
		if (end > image->n_live) {
			disk.counts.log_growths += is_log(image);
			resize(&image->live, &image->n_live, end);
		}
		memcpy(image->live + at, bytes, (size_t)n);
	}
	is_off = disk.is_off;
	pthread_mutex_unlock(&disk.lock);
	return is_off ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct image *image = ((struct open_file *)file)->image;
	bool is_off;

	pthread_mutex_lock(&disk.lock);
	is_off = disk.is_off;
	if (!is_off)
		resize(&image->live, &image->n_live, (size_t)size);
	pthread_mutex_unlock(&disk.lock);
	return is_off ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct image *image = ((struct open_file *)file)->image;
	bool is_on;

	pthread_mutex_lock(&disk.lock);
	is_on = has_power();
	if (is_on) {
		disk.counts.syncs++;
		disk.counts.database_syncs += !is_log(image);
		resize(&image->kept, &image->n_kept, image->n_live);
		if (image->n_live > 0)
			memcpy(image->kept, image->live, image->n_live);
	}
	pthread_mutex_unlock(&disk.lock);
	return is_on ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	pthread_mutex_lock(&disk.lock);
	*size = (sqlite3_int64)((struct open_file *)file)->image->n_live;
	pthread_mutex_unlock(&disk.lock);
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
	return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *is_reserved)
{
	*is_reserved = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	int *persists = arg;

	if (op != SQLITE_FCNTL_PERSIST_WAL)
		return SQLITE_NOTFOUND;
	if (*persists < 0) // a question
		*persists = ((struct open_file *)file)->persists;
	else
		((struct open_file *)file)->persists = *persists != 0;
	return SQLITE_OK;
}

static int file_sector(sqlite3_file *file)
{
	return 4096;
}

static int file_traits(sqlite3_file *file)
{
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; // as SQLite takes every disk to be
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, // without shared memory: one process has it
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

// --- names ---

static struct image *find(const char *path, bool makes)
{
	struct image *unused = NULL;

	for (unsigned i = 0; i < FILES; i++) {
		struct image *image = &disk.images[i];

		if (image->is_there && strcmp(image->path, path) == 0)
			return image;
		if (!image->is_there && unused == NULL)
			unused = image;
	}
	if (!makes)
		return NULL;
	assert(unused != NULL && strlen(path) < sizeof(unused->path));
	unused->is_there = true;
	unused->n_live = unused->n_kept = 0;
	snprintf(unused->path, sizeof(unused->path), "%s", path);
	return unused;
}

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
	struct open_file *opened = (struct open_file *)file;

	pthread_mutex_lock(&disk.lock);
	*opened = (struct open_file){{&methods}, find(path, true), false};
	pthread_mutex_unlock(&disk.lock);
	if (out != NULL)
		*out = flags;
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int syncs)
{
	struct image *image;
	bool is_off;

	pthread_mutex_lock(&disk.lock);
	is_off = disk.is_off;
	image = is_off ? NULL : find(path, false);
	if (image != NULL)
		image->is_there = false;
	pthread_mutex_unlock(&disk.lock);
	return is_off ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *is_there)
{
	pthread_mutex_lock(&disk.lock);
	*is_there = find(path, false) != NULL;
	pthread_mutex_unlock(&disk.lock);
	return SQLITE_OK;
}

static int disk_path(sqlite3_vfs *vfs, const char *path, int n, char *out)
{
	sqlite3_snprintf(n, out, "%s", path);
	return SQLITE_OK;
}

void cut_disk_use(void)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *own = sqlite3_vfs_find(NULL);

	if (own == &vfs)
		return;
	vfs = *own; // the clock and chance
	vfs.iVersion = 2;
	vfs.szOsFile = sizeof(struct open_file);
	vfs.mxPathname = PATH_BYTES;
	vfs.zName = "cut";
	vfs.xOpen = disk_open;
	vfs.xDelete = disk_delete;
	vfs.xAccess = disk_access;
	vfs.xFullPathname = disk_path;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}

// --- the power ---

void cut_disk_clear(void)
{
	pthread_mutex_lock(&disk.lock);
	for (unsigned i = 0; i < FILES; i++) {
		free(disk.images[i].live);
		free(disk.images[i].kept);
		disk.images[i] = (struct image){0};
	}
	disk.left = 0;
	disk.is_off = false;
	pthread_mutex_unlock(&disk.lock);
}

void cut_disk_fail_after(unsigned n)
{
	pthread_mutex_lock(&disk.lock);
	disk.left = n;
	pthread_mutex_unlock(&disk.lock);
}

bool cut_disk_is_off(void)
{
	bool is_off;

	pthread_mutex_lock(&disk.lock);
	is_off = disk.is_off;
	pthread_mutex_unlock(&disk.lock);
	return is_off;
}

// Each sector is the one that was synced, or the one that was written after that.
static void draw_sectors(struct image *image, uint64_t *seed)
{
	uint8_t *live = image->live;
	size_t n = (draw(seed) & 1) == 0 ? image->n_live : image->n_kept;

	resize(&image->kept, &image->n_kept, image->n_live > n ? image->n_live : n);
	for (size_t at = 0; at < image->n_live; at += SECTOR)
		if ((draw(seed) & 1) == 0)
			memcpy(image->kept + at, live + at,
				image->n_live - at < SECTOR ? image->n_live - at : SECTOR);
	image->n_kept = n;
	resize(&image->live, &image->n_live, n);
	if (n > 0)
		memcpy(image->live, image->kept, n);
}

void cut_disk_on(uint64_t seed)
{
	pthread_mutex_lock(&disk.lock);
	for (unsigned i = 0; i < FILES; i++)
		if (disk.images[i].is_there)
			draw_sectors(&disk.images[i], &seed);
	disk.left = 0;
	disk.is_off = false;
	pthread_mutex_unlock(&disk.lock);
}

struct cut_disk_counts cut_disk_counts(void)
{
	struct cut_disk_counts counts;

	pthread_mutex_lock(&disk.lock);
	counts = disk.counts;
	pthread_mutex_unlock(&disk.lock);
	return counts;
}
