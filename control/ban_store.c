// SPDX-License-Identifier: BSD-3-Clause
#include "control/ban_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

// `run` tells who wrote it: a random number of each process.
static const char schema[] = "CREATE TABLE IF NOT EXISTS timed_entries ("
			     "set_name TEXT NOT NULL, prefix TEXT NOT NULL,"
			     "ends_at INTEGER NOT NULL, run INTEGER NOT NULL,"
			     "PRIMARY KEY (set_name, prefix)) WITHOUT ROWID;"
			     "CREATE INDEX IF NOT EXISTS timed_entries_ends_at "
			     "ON timed_entries (ends_at);";

#define PREFIX_BYTES "64"
static_assert(ADDR_STR_BYTES == 64, "as PREFIX_BYTES says");

enum statement {
	STATEMENT_PUT = 0,
	STATEMENT_DELETE,
	STATEMENT_READ,
	STATEMENT_SHIFT,
	STATEMENT_PURGE,
	STATEMENT_COUNT,
};

static const char *const statements[] = {
	// 1: set, 2: prefix, 3: ends_at, 4: run, 5: slack; -1: whatever is there
	[STATEMENT_PUT] = "INSERT INTO timed_entries (set_name, prefix, ends_at, run) "
			  "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (set_name, prefix) DO UPDATE "
			  "SET ends_at = ?3, run = ?4 WHERE ?5 < 0 OR ?3 - ?5 > ends_at",
	[STATEMENT_DELETE] = "DELETE FROM timed_entries WHERE set_name = ?1 AND prefix = ?2",
	// 1: set, 2: behind that prefix, 3: limit. Other types, and longer ones, are not ours.
	[STATEMENT_READ] =
		"SELECT prefix, ends_at FROM timed_entries "
		"WHERE set_name = ?1 AND prefix > ?2 AND typeof(prefix) = 'text' "
		"AND length(CAST(prefix AS BLOB)) < " PREFIX_BYTES " ORDER BY prefix LIMIT ?3",
	// 1: seconds, 2: run, 3: for ever
	[STATEMENT_SHIFT] = "UPDATE timed_entries SET ends_at = ends_at + ?1 "
			    "WHERE run = ?2 AND ends_at < ?3",
	// 1: before, 2: limit
	[STATEMENT_PURGE] = "DELETE FROM timed_entries WHERE (set_name, prefix) IN "
			    "(SELECT set_name, prefix FROM timed_entries WHERE ends_at < ?1 "
			    "ORDER BY ends_at LIMIT ?2)",
};

struct ban_store {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENT_COUNT];
	int64_t run;
};

static int failed(const struct ban_store *store, struct error *err)
{
	return error_set(err, "the state file: %s", sqlite3_errmsg(store->db));
}

static sqlite3_stmt *begin_statement(struct ban_store *store, enum statement which)
{
	sqlite3_reset(store->prepared[which]);
	return store->prepared[which];
}

static void lock(struct ban_store *store)
{
	sqlite3_mutex_enter(sqlite3_db_mutex(store->db));
}

static void unlock(struct ban_store *store)
{
	sqlite3_mutex_leave(sqlite3_db_mutex(store->db));
}

// For statements without rows. `n_changed` may be NULL.
static int finish(
	struct ban_store *store, sqlite3_stmt *statement, int *n_changed, struct error *err)
{
	int rc;

	lock(store);
	rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : failed(store, err);
	if (n_changed != NULL)
		*n_changed = sqlite3_changes(store->db);
	sqlite3_reset(statement);
	unlock(store);
	return rc;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_prefix(sqlite3_stmt *statement, int at, const struct ip_prefix *prefix)
{
	struct ip_prefix network = ip_prefix_network(prefix);
	char text[ADDR_STR_BYTES];

	bind_text(statement, at, ip_prefix_str(&network, text));
}

struct ban_store *ban_store_open(sqlite3 *db, struct error *err)
{
	struct ban_store *store = calloc(1, sizeof(*store));

	if (store == NULL) {
		error_set(err, "no memory for the state file");
		return NULL;
	}
	store->run = (int64_t)(hash_seed() >> 1);
	store->db = db;
	if (sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		failed(store, err);
		goto fail;
	}
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->prepared[i], NULL) != SQLITE_OK) {
			failed(store, err);
			goto fail;
		}
	return store;
fail:
	ban_store_close(store);
	return NULL;
}

void ban_store_close(struct ban_store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(store->prepared[i]);
	free(store);
}

int ban_store_begin(struct ban_store *store, struct error *err)
{
	lock(store); // until the commit
	if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	failed(store, err);
	unlock(store);
	return -1;
}

int ban_store_commit(struct ban_store *store, struct error *err)
{
	int rc = 0;

	if (sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		rc = failed(store, err);
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	}
	unlock(store);
	return rc;
}

void ban_store_rollback(struct ban_store *store)
{
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	unlock(store);
}

int ban_store_put(struct ban_store *store, const struct ban_entry *entry, bool replaces,
	uint32_t slack_sec, struct error *err)
{
	sqlite3_stmt *statement = begin_statement(store, STATEMENT_PUT);

	bind_text(statement, 1, entry->set);
	bind_prefix(statement, 2, &entry->prefix);
	sqlite3_bind_int64(statement, 3, entry->ends_at);
	sqlite3_bind_int64(statement, 4, store->run);
	sqlite3_bind_int64(statement, 5, replaces ? -1 : (int64_t)slack_sec);
	return finish(store, statement, NULL, err);
}

int ban_store_delete(struct ban_store *store, const char *set, const struct ip_prefix *prefix,
	bool *was_there, struct error *err)
{
	sqlite3_stmt *statement = begin_statement(store, STATEMENT_DELETE);
	int n_changed;

	bind_text(statement, 1, set);
	bind_prefix(statement, 2, prefix);
	if (finish(store, statement, &n_changed, err) != 0)
		return -1;
	*was_there = n_changed > 0;
	return 0;
}

// The row that the statement is at; false: it is not one of ours.
static bool read_row(sqlite3_stmt *statement, struct ban_cursor *cursor, struct ban_row *row)
{
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	int n = sqlite3_column_bytes(statement, 0);

	if (text == NULL || n >= (int)sizeof(cursor->text))
		return false;
	memcpy(cursor->text, text, (size_t)n + 1);
	cursor->n = n;
	cursor->is_at_end = false;
	row->ends_at = sqlite3_column_int64(statement, 1);
	return ip_prefix_parse(cursor->text, &row->prefix) == 0;
}

int ban_store_read(struct ban_store *store, const char *set, struct ban_cursor *cursor,
	struct ban_row *rows, unsigned rows_max, unsigned *n, struct error *err)
{
	sqlite3_stmt *statement = begin_statement(store, STATEMENT_READ);
	int step;

	*n = 0;
	lock(store);
	bind_text(statement, 1, set);
	sqlite3_bind_text(statement, 2, cursor->text, cursor->n, SQLITE_TRANSIENT);
	sqlite3_bind_int64(statement, 3, rows_max);
	cursor->is_at_end = true;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		if (read_row(statement, cursor, &rows[*n]))
			++*n;
	if (step != SQLITE_DONE)
		failed(store, err);
	sqlite3_reset(statement);
	unlock(store);
	return step == SQLITE_DONE ? 0 : -1;
}

int ban_store_shift(struct ban_store *store, int64_t by_sec, struct error *err)
{
	sqlite3_stmt *statement = begin_statement(store, STATEMENT_SHIFT);

	sqlite3_bind_int64(statement, 1, by_sec);
	sqlite3_bind_int64(statement, 2, store->run);
	sqlite3_bind_int64(statement, 3, BAN_FOREVER);
	return finish(store, statement, NULL, err);
}

int ban_store_purge(struct ban_store *store, int64_t before, unsigned limit, struct error *err)
{
	sqlite3_stmt *statement = begin_statement(store, STATEMENT_PURGE);

	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int64(statement, 2, limit);
	return finish(store, statement, NULL, err);
}
