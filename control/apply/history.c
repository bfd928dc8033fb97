// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/history.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/history_list.h"

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
	[STATEMENT_EACH] =
		"SELECT number, at, state, uid, who, why, file, file_hash FROM revisions "
		"WHERE origin = ?1 ORDER BY number DESC",
	[STATEMENT_TEXT] = "SELECT text FROM revisions WHERE origin = ?1 AND number = ?2",
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
	sqlite3 *db; // used under its mutex
	sqlite3_stmt *prepared[STATEMENT_COUNT];
	char *origin;
	pthread_mutex_t lock; // of the list, never held while the disk is waited for
	struct history_list list;
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

static int run(struct history *history, const char *sql, struct error *err)
{
	return sqlite3_exec(history->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
									     : failed(history, err);
}

// --- what is in memory ---

// As the file has it, what is not committed yet included.
static int list_read(struct history *history, struct history_list *list, struct error *err)
{
	sqlite3_stmt *statement = begin(history, STATEMENT_EACH);
	int rc = history_list_init(list), step = SQLITE_DONE;

	while (rc == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW)
		rc = history_list_add(list, statement);
	if (rc != 0)
		error_set(err, "no memory for the history");
	else if (step != SQLITE_DONE)
		rc = failed(history, err);
	sqlite3_reset(statement);
	if (rc != 0)
		history_list_free(list);
	return rc;
}

static void list_take(struct history *history, struct history_list *list)
{
	struct history_list old;

	pthread_mutex_lock(&history->lock);
	old = history->list;
	history->list = *list;
	pthread_mutex_unlock(&history->lock);
	history_list_free(&old);
}

void history_each(struct history *history, int64_t number, history_fn fn, void *ctx)
{
	pthread_mutex_lock(&history->lock);
	for (unsigned i = 0; i < history->list.n; i++)
		if (number == 0 || history->list.rows[i].revision.number == number)
			fn(ctx, &history->list.rows[i].revision);
	pthread_mutex_unlock(&history->lock);
}

int64_t history_newest(struct history *history, enum revision_state state)
{
	int64_t number;

	pthread_mutex_lock(&history->lock);
	number = history_list_newest(&history->list, state, INT64_MAX);
	pthread_mutex_unlock(&history->lock);
	return number;
}

int64_t history_before(struct history *history, int64_t number)
{
	int64_t before;

	pthread_mutex_lock(&history->lock);
	before = history_list_newest(&history->list, REVISION_GOOD, number);
	pthread_mutex_unlock(&history->lock);
	return before;
}

// --- opening ---

static int open_tables(struct history *history, struct error *err)
{
	struct history_list list;

	if (run(history, schema, err) != 0)
		return -1;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(history->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &history->prepared[i], NULL) != SQLITE_OK)
			return failed(history, err);
	if (list_read(history, &list, err) != 0)
		return -1;
	list_take(history, &list);
	return 0;
}

struct history *history_open(sqlite3 *db, const char *origin, struct error *err)
{
	struct history *history = calloc(1, sizeof(*history));

	if (history != NULL)
		history->origin = strdup(origin);
	if (history == NULL || history->origin == NULL) {
		error_set(err, "no memory for the history");
		free(history);
		return NULL;
	}
	history->db = db;
	pthread_mutex_init(&history->lock, NULL);
	if (open_tables(history, err) == 0)
		return history;
	history_close(history);
	return NULL;
}

void history_close(struct history *history)
{
	if (history == NULL)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(history->prepared[i]);
	history_list_free(&history->list);
	pthread_mutex_destroy(&history->lock);
	free(history->origin);
	free(history);
}

// --- writing ---

// One thing that is written, and what follows from it in memory: all or nothing. `statement` has
// its values, and loses them.
static int change(
	struct history *history, sqlite3_stmt *statement, int64_t *added, struct error *err)
{
	struct history_list list = {0};
	sqlite3_stmt *prune;

	if (run(history, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (finish(history, statement, err) != 0)
		goto fail;
	if (added != NULL) {
		*added = sqlite3_last_insert_rowid(history->db);
		prune = begin(history, STATEMENT_PRUNE);
		sqlite3_bind_int(prune, 2, HISTORY_KEPT);
		sqlite3_bind_int64(prune, 3, HISTORY_BYTES_MAX);
		if (finish(history, prune, err) != 0)
			goto fail;
	}
	if (list_read(history, &list, err) != 0)
		goto fail;
	if (run(history, "COMMIT", err) != 0)
		goto fail;
	list_take(history, &list);
	return 0;
fail:
	history_list_free(&list);
	sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

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

int history_add(struct history *history, const struct revision *revision, const char *text,
	size_t text_bytes, int64_t *number, struct error *err)
{
	sqlite3_stmt *statement;
	int rc;

	sqlite3_mutex_enter(sqlite3_db_mutex(history->db));
	statement = begin(history, STATEMENT_ADD);
	sqlite3_bind_int64(statement, 2, revision->at);
	sqlite3_bind_int(statement, 3, (int)revision->state);
	sqlite3_bind_int64(statement, 4, revision->uid);
	bind_cut(statement, 5, revision->who, HISTORY_WHO_MAX);
	bind_cut(statement, 6, revision->why, HISTORY_WHY_MAX);
	sqlite3_bind_text(statement, 7, revision->file, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 8, (int64_t)revision->file_hash);
	sqlite3_bind_blob64(statement, 9, text, text_bytes, SQLITE_STATIC);
	rc = change(history, statement, number, err);
	sqlite3_clear_bindings(statement); // what is bound there ends before the next call
	sqlite3_mutex_leave(sqlite3_db_mutex(history->db));
	return rc;
}

int history_settle(
	struct history *history, int64_t number, enum revision_state state, struct error *err)
{
	sqlite3_stmt *statement;
	int rc;

	sqlite3_mutex_enter(sqlite3_db_mutex(history->db));
	statement = begin(history, STATEMENT_SETTLE);
	sqlite3_bind_int64(statement, 2, number);
	sqlite3_bind_int(statement, 3, (int)state);
	rc = change(history, statement, NULL, err);
	sqlite3_mutex_leave(sqlite3_db_mutex(history->db));
	return rc;
}

int history_forget(struct history *history, int64_t number, struct error *err)
{
	sqlite3_stmt *statement;
	int rc;

	sqlite3_mutex_enter(sqlite3_db_mutex(history->db));
	statement = begin(history, STATEMENT_FORGET);
	sqlite3_bind_int64(statement, 2, number);
	rc = change(history, statement, NULL, err);
	sqlite3_mutex_leave(sqlite3_db_mutex(history->db));
	return rc;
}

// --- texts ---

// A copy of the first column, with an end. NULL: no memory.
static char *copy_text(sqlite3_stmt *statement, size_t *text_bytes)
{
	char *text;

	*text_bytes = (size_t)sqlite3_column_bytes(statement, 0);
	text = malloc(*text_bytes + 1);
	if (text == NULL)
		return NULL;
	if (*text_bytes > 0)
		memcpy(text, sqlite3_column_blob(statement, 0), *text_bytes);
	text[*text_bytes] = '\0';
	return text;
}

char *history_text(struct history *history, int64_t number, size_t *text_bytes, struct error *err)
{
	sqlite3_stmt *statement;
	char *text = NULL;
	int step;

	sqlite3_mutex_enter(sqlite3_db_mutex(history->db));
	statement = begin(history, STATEMENT_TEXT);
	sqlite3_bind_int64(statement, 2, number);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW)
		text = copy_text(statement, text_bytes);
	if (step == SQLITE_DONE)
		error_set(
			err, "there is no revision %lld; 'history' lists them", (long long)number);
	else if (step != SQLITE_ROW)
		failed(history, err);
	else if (text == NULL)
		error_set(err, "no memory for revision %lld", (long long)number);
	sqlite3_reset(statement);
	sqlite3_mutex_leave(sqlite3_db_mutex(history->db));
	return text;
}
