// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_log.h"

#include <stdint.h>

#include "control/state_db.h"

static int on_commit(void *ctx, sqlite3 *db, const char *name, int n_pages)
{
	int *to = ctx;

	*to = n_pages;
	return SQLITE_OK;
}

// Behind what is there. Zeros are no frame of a log: whoever recovers it stops before them.
static int fill(sqlite3_file *file, int64_t bytes)
{
	static const char zeros[1 << 16];
	sqlite3_int64 at;
	int rc = file->pMethods->xFileSize(file, &at);

	if (rc != SQLITE_OK || at >= bytes)
		return rc;
	for (; rc == SQLITE_OK && at < bytes; at += (int64_t)sizeof(zeros))
		rc = file->pMethods->xWrite(file, zeros, sizeof(zeros), at);
	return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

int state_log_reserve(sqlite3 *db, int bytes, int *n_pages, struct error *err)
{
	sqlite3_file *file = NULL;
	int persists = 1;
	int rc;

	// the first write takes the lock, and makes the log where there is none
	if (state_db_run(db, "BEGIN IMMEDIATE; COMMIT", err) != 0)
		return -1;
	rc = sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persists);
	if (rc == SQLITE_OK)
		rc = sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &file);
	if (rc == SQLITE_OK && (file == NULL || file->pMethods == NULL))
		rc = SQLITE_CANTOPEN;
	if (rc == SQLITE_OK)
		rc = fill(file, bytes);
	if (rc != SQLITE_OK)
		return error_set(err, "no room for its log: %s", sqlite3_errstr(rc));
	*n_pages = 0;
	sqlite3_wal_hook(db, on_commit, n_pages);
	return 0;
}

int state_log_empty(sqlite3 *db, struct error *err)
{
	if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
		return error_set(err, "%s", sqlite3_errmsg(db));
	return state_db_mark(db, err);
}
