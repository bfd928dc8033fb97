// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/history.h"

#include <stdlib.h>
#include <string.h>

static const char schema[] = "CREATE TABLE IF NOT EXISTS revisions ("
			     "number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL,"
			     "at INTEGER NOT NULL, state INTEGER NOT NULL,"
			     "uid INTEGER NOT NULL, who TEXT NOT NULL,"
			     "why TEXT NOT NULL, file TEXT NOT NULL, file_hash INTEGER NOT NULL,"
			     "text BLOB NOT NULL);"
			     "CREATE INDEX IF NOT EXISTS revisions_origin "
			     "ON revisions (origin, number);";

enum statement {
	STATEMENT_ADD = 0,
	STATEMENT_SETTLE,
	STATEMENT_FORGET,
	STATEMENT_EACH,
	STATEMENT_TEXT,
	STATEMENT_NEWEST,
	STATEMENT_BEFORE,
	STATEMENT_PRUNE,
	STATEMENT_COUNT,
};

// ?1 is the origin everywhere.
static const char *const statements[] = {
	[STATEMENT_ADD] = "INSERT INTO revisions "
			  "(origin, at, state, uid, who, why, file, file_hash, text) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[STATEMENT_SETTLE] = "UPDATE revisions SET state = ?3 WHERE origin = ?1 AND number = ?2",
	[STATEMENT_FORGET] = "DELETE FROM revisions WHERE origin = ?1 AND number = ?2",
	// ?2: a number, 0: all
	[STATEMENT_EACH] =
		"SELECT number, at, state, uid, who, why, file, file_hash FROM revisions "
		"WHERE origin = ?1 AND ?2 IN (0, number) ORDER BY number DESC",
	[STATEMENT_TEXT] = "SELECT text FROM revisions WHERE origin = ?1 AND number = ?2",
	[STATEMENT_NEWEST] = "SELECT max(number) FROM revisions WHERE origin = ?1 AND state = ?2",
	[STATEMENT_BEFORE] = "SELECT max(number) FROM revisions "
			     "WHERE origin = ?1 AND number < ?2 AND state = 0",
	// Of this one's the oldest beyond the number and the bytes, and of all others' together
	// those beyond ten times the number: daemons that started once from a file now gone. What
	// could be fallen back to, the newest good one, stays.
	[STATEMENT_PRUNE] =
		"DELETE FROM revisions WHERE number IN "
		"(SELECT number FROM (SELECT number, row_number() OVER newer AS n,"
		" sum(length(text)) OVER newer AS bytes FROM revisions WHERE origin = ?1"
		" WINDOW newer AS (ORDER BY number DESC)) WHERE n > ?2 OR bytes > ?3 "
		"UNION SELECT number FROM revisions WHERE number <= "
		"(SELECT max(number) FROM revisions) - 10 * ?2) AND number IS NOT "
		"(SELECT max(number) FROM revisions WHERE origin = ?1 AND state = 0)",
};

struct history {
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENT_COUNT];
	char *origin;
};

static int failed(const struct history *history, struct error *err)
{
	return error_set(err, "the history in the state file: %s", sqlite3_errmsg(history->db));
}

static sqlite3_stmt *begin(struct history *history, enum statement which)
{
	sqlite3_stmt *statement = history->prepared[which];

	sqlite3_reset(statement);
	sqlite3_bind_text(statement, 1, history->origin, -1, SQLITE_STATIC);
	return statement;
}

static int finish(struct history *history, sqlite3_stmt *statement, struct error *err)
{
	int rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : failed(history, err);

	sqlite3_reset(statement);
	return rc;
}

struct history *history_open(sqlite3 *db, const char *origin, struct error *err)
{
	struct history *history = calloc(1, sizeof(*history));

	if (history != NULL)
		history->origin = strdup(origin);
	if (history == NULL || history->origin == NULL) {
		error_set(err, "no memory for the history");
		goto fail;
	}
	history->db = db;
	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		failed(history, err);
		goto fail;
	}
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &history->prepared[i], NULL) != SQLITE_OK) {
			failed(history, err);
			goto fail;
		}
	return history;
fail:
	history_close(history);
	return NULL;
}

void history_close(struct history *history)
{
	if (history == NULL)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(history->prepared[i]);
	free(history->origin);
	free(history);
}

// --- writing ---

// What is cut stays whole characters: the answers are UTF-8.
static void bind_cut(sqlite3_stmt *statement, int at, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	sqlite3_bind_text(statement, at, text, (int)len, SQLITE_TRANSIENT);
}

static int insert(struct history *history, const struct revision *revision, const char *text,
	size_t text_bytes, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_ADD);
	int rc;

	sqlite3_bind_int64(statement, 2, revision->at);
	sqlite3_bind_int(statement, 3, (int)revision->state);
	sqlite3_bind_int64(statement, 4, revision->uid);
	bind_cut(statement, 5, revision->who, HISTORY_WHO_MAX);
	bind_cut(statement, 6, revision->why, HISTORY_WHY_MAX);
	sqlite3_bind_text(statement, 7, revision->file, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 8, (int64_t)revision->file_hash);
	sqlite3_bind_blob64(statement, 9, text, text_bytes, SQLITE_STATIC);
	rc = finish(history, statement, err);
	sqlite3_clear_bindings(statement); // what is bound there ends before the next call
	return rc;
}

int history_add(struct history *history, const struct revision *revision, const char *text,
	size_t text_bytes, int64_t *number, struct error *err)
{
	sqlite3_stmt *prune;

	if (sqlite3_exec(history->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return failed(history, err);
	if (insert(history, revision, text, text_bytes, err) != 0)
		goto fail;
	*number = sqlite3_last_insert_rowid(history->db);
	prune = begin(history, STATEMENT_PRUNE);
	sqlite3_bind_int(prune, 2, HISTORY_KEPT);
	sqlite3_bind_int64(prune, 3, HISTORY_BYTES_MAX);
	if (finish(history, prune, err) != 0)
		goto fail;
	if (sqlite3_exec(history->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	failed(history, err);
fail:
	sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

int history_settle(
	struct history *history, int64_t number, enum revision_state state, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_SETTLE);

	sqlite3_bind_int64(statement, 2, number);
	sqlite3_bind_int(statement, 3, (int)state);
	return finish(history, statement, err);
}

int history_forget(struct history *history, int64_t number, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_FORGET);

	sqlite3_bind_int64(statement, 2, number);
	return finish(history, statement, err);
}

// --- reading ---

static const char *column_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text == NULL ? "" : text;
}

int history_each(
	struct history *history, int64_t number, history_fn fn, void *ctx, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_EACH);
	int step, rc = 0;

	sqlite3_bind_int64(statement, 2, number);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		struct revision revision = {
			.number = sqlite3_column_int64(statement, 0),
			.at = sqlite3_column_int64(statement, 1),
			.state = (enum revision_state)sqlite3_column_int(statement, 2),
			.uid = sqlite3_column_int64(statement, 3),
			.who = column_text(statement, 4),
			.why = column_text(statement, 5),
			.file = column_text(statement, 6),
			.file_hash = (uint64_t)sqlite3_column_int64(statement, 7),
		};

		fn(ctx, &revision);
	}
	if (step != SQLITE_DONE)
		rc = failed(history, err);
	sqlite3_reset(statement);
	return rc;
}

char *history_text(struct history *history, int64_t number, size_t *text_bytes, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_TEXT);
	char *text = NULL;
	int step;

	sqlite3_bind_int64(statement, 2, number);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW) {
		*text_bytes = (size_t)sqlite3_column_bytes(statement, 0);
		text = malloc(*text_bytes + 1);
		if (text == NULL) {
			error_set(err, "no memory for revision %lld", (long long)number);
		} else {
			if (*text_bytes > 0)
				memcpy(text, sqlite3_column_blob(statement, 0), *text_bytes);
			text[*text_bytes] = '\0';
		}
	} else if (step == SQLITE_DONE) {
		error_set(
			err, "there is no revision %lld; 'history' lists them", (long long)number);
	} else {
		failed(history, err);
	}
	sqlite3_reset(statement);
	return text;
}

static int64_t number_of(sqlite3_stmt *statement)
{
	int64_t number = 0;

	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0); // NULL, of no row, is 0
	sqlite3_reset(statement);
	return number;
}

int64_t history_newest(struct history *history, enum revision_state state)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_NEWEST);

	sqlite3_bind_int(statement, 2, (int)state);
	return number_of(statement);
}

int64_t history_before(struct history *history, int64_t number)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_BEFORE);

	sqlite3_bind_int64(statement, 2, number);
	return number_of(statement);
}
