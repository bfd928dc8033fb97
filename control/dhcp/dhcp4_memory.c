// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_memory.h"

#include "control/state_db.h"

int dhcp4_memory_open(sqlite3 *db, struct error *err)
{
	return state_db_run(db,
		"CREATE TABLE IF NOT EXISTS dhcp4_client ("
		"interface TEXT NOT NULL PRIMARY KEY, client BLOB NOT NULL,"
		"address TEXT NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID",
		err);
}

// NULL with the reason. They are rare: each is prepared as it comes.
static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *interface, struct error *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
		error_set(err, "the state file: %s", sqlite3_errmsg(db));
		return NULL;
	}
	sqlite3_bind_text(statement, 1, interface, -1, SQLITE_TRANSIENT);
	return statement;
}

static int finish(sqlite3 *db, sqlite3_stmt *statement, struct error *err)
{
	int rc = sqlite3_step(statement) == SQLITE_DONE
			 ? 0
			 : error_set(err, "the state file: %s", sqlite3_errmsg(db));

	sqlite3_finalize(statement);
	return rc;
}

int dhcp4_memory_put(sqlite3 *db, const char *interface, const void *client, size_t client_bytes,
	const struct ip_addr *addr, int64_t ends_at, struct error *err)
{
	sqlite3_stmt *statement = prepare(db,
		"INSERT OR REPLACE INTO dhcp4_client (interface, client, address, ends_at) "
		"VALUES (?1, ?2, ?3, ?4)",
		interface, err);
	char text[ADDR_STR_BYTES];

	if (statement == NULL)
		return -1;
	sqlite3_bind_blob(statement, 2, client, (int)client_bytes, SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 3, ip_addr_str(addr, text), -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(statement, 4, ends_at);
	return finish(db, statement, err);
}

int dhcp4_memory_forget(sqlite3 *db, const char *interface, struct error *err)
{
	sqlite3_stmt *statement =
		prepare(db, "DELETE FROM dhcp4_client WHERE interface = ?1", interface, err);

	return statement == NULL ? -1 : finish(db, statement, err);
}

struct ip_addr dhcp4_memory_get(
	sqlite3 *db, const char *interface, const void *client, size_t client_bytes, int64_t now)
{
	sqlite3_stmt *statement = prepare(db,
		"SELECT address FROM dhcp4_client "
		"WHERE interface = ?1 AND client = ?2 AND ends_at > ?3",
		interface, NULL);
	struct ip_addr addr = {0};
	const char *text;

	if (statement == NULL)
		return addr;
	sqlite3_bind_blob(statement, 2, client, (int)client_bytes, SQLITE_TRANSIENT);
	sqlite3_bind_int64(statement, 3, now);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(statement, 0);
		// what somebody else has put into the file is not for us
		if (text == NULL || ip_addr_parse(text, &addr) != 0 || addr.family != IP_V4)
			addr = (struct ip_addr){0};
	}
	sqlite3_finalize(statement);
	return addr;
}
