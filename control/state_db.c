// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID "1297239634" // "MRLR", for file(1)

enum { VERSION = 1 }; // of all tables

int state_db_run(sqlite3 *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return error_set(err, "%s", sqlite3_errmsg(db));
}

// The first column of the first row as a number.
static int read_number(sqlite3 *db, const char *sql, int *out, struct error *err)
{
	sqlite3_stmt *statement;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return error_set(err, "%s", sqlite3_errmsg(db));
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int(statement, 0);
	else
		error_set(err, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW ? 0 : -1;
}

static void sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

// A file made here is its owner's alone, and SQLite gives its log the same mode.
static int make_file(const char *path, struct error *err)
{
	char text[PATH_MAX], above[PATH_MAX];
	const char *folder;
	int fd;

	if (snprintf(text, sizeof(text), "%s", path) >= (int)sizeof(text))
		return error_set(err, "the path is too long");
	folder = dirname(text);
	if (mkdir(folder, 0700) == 0) {
		snprintf(above, sizeof(above), "%s", folder);
		sync_folder(dirname(above));
	} else if (errno != EEXIST) {
		return error_set(err, "cannot make the folder %s: %s", folder, strerror(errno));
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return error_set(err, "%s", strerror(errno));
	close(fd);
	sync_folder(folder);
	return 0;
}

int state_db_mark(sqlite3 *db, struct error *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", VERSION);
	return state_db_run(db, sql, err);
}

static int set_up(sqlite3 *db, struct error *err)
{
	int version = 0;

	// The lock is taken with the first read and kept: a second router must not write here.
	if (state_db_run(db,
		    "PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = FULL;",
		    err) != 0)
		return -1;
	if (read_number(db, "PRAGMA user_version", &version, err) != 0)
		return -1;
	if (version > VERSION)
		return error_set(err, "it was written by a newer release (version %d)", version);
	if (version == VERSION)
		return 0;
	if (state_db_run(db, "PRAGMA application_id = " APPLICATION_ID, err) != 0)
		return -1;
	return state_db_mark(db, err);
}

sqlite3 *state_db_open(const char *path, struct error *err)
{
	sqlite3 *db = NULL;
	struct error why = {0};

	if (make_file(path, &why) != 0)
		goto fail;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL) !=
		SQLITE_OK) {
		error_set(&why, "%s", db == NULL ? "no memory" : sqlite3_errmsg(db));
		goto fail;
	}
	if (set_up(db, &why) == 0)
		return db;
	if (sqlite3_errcode(db) == SQLITE_BUSY)
		error_set(&why, "another process has it, perhaps another millraced");
fail:
	error_set(err, "the state file %s cannot be used: %s", path, why.text);
	state_db_close(db);
	return NULL;
}

void state_db_close(sqlite3 *db)
{
	sqlite3_close(db);
}
