// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_memory.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "cfg/config.h"
#include "control/state_db.h"

struct row {
	char interface[CFG_NAME_MAX + 1]; // none: the place is free
	uint8_t client[DHCP4_CLIENT_ID_MAX];
	unsigned n_client;
	struct ip_addr addr; // of IP_NONE: forgotten
	int64_t ends_at;
	bool is_new; // the file does not have it yet
};

struct dhcp4_memory {
	sqlite3 *db;
	struct state_writer *writer;
	struct row rows[DHCP4_MEMORY_MAX];
	// The commit: the thread's while it is under way.
	bool is_under_way;
	struct row writing[DHCP4_MEMORY_MAX];
	unsigned n_writing;
	int rc;
	struct error err;
};

// --- the file ---

static const char schema[] = "CREATE TABLE IF NOT EXISTS dhcp4_client ("
			     "interface TEXT NOT NULL PRIMARY KEY, client BLOB NOT NULL,"
			     "address TEXT NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID";
static const char read_text[] = "SELECT interface, client, address, ends_at FROM dhcp4_client "
				"ORDER BY ends_at DESC LIMIT ?1";
static const char put_text[] = "INSERT OR REPLACE INTO dhcp4_client "
			       "(interface, client, address, ends_at) VALUES (?1, ?2, ?3, ?4)";
static const char forget_text[] = "DELETE FROM dhcp4_client WHERE interface = ?1";

static int failed(sqlite3 *db, struct error *err)
{
	return error_set(err, "the state file: %s", sqlite3_errmsg(db));
}

// What somebody else has put into the file is not for us.
static bool read_row(sqlite3_stmt *statement, struct row *row)
{
	const char *interface = (const char *)sqlite3_column_text(statement, 0);
	const void *client = sqlite3_column_blob(statement, 1);
	const char *addr = (const char *)sqlite3_column_text(statement, 2);
	int n_client = sqlite3_column_bytes(statement, 1);

	*row = (struct row){.ends_at = sqlite3_column_int64(statement, 3)};
	if (interface == NULL || strlen(interface) > CFG_NAME_MAX ||
		n_client > (int)sizeof(row->client) || addr == NULL ||
		ip_addr_parse(addr, &row->addr) != 0 || row->addr.family != IP_V4)
		return false;
	memcpy(row->interface, interface, strlen(interface));
	if (n_client > 0)
		memcpy(row->client, client, (size_t)n_client);
	row->n_client = (unsigned)n_client;
	return true;
}

static int read_rows(struct dhcp4_memory *memory, struct error *err)
{
	sqlite3_stmt *statement;
	unsigned n = 0;
	int step;

	if (sqlite3_prepare_v2(memory->db, read_text, -1, &statement, NULL) != SQLITE_OK)
		return failed(memory->db, err);
	sqlite3_bind_int(statement, 1, DHCP4_MEMORY_MAX);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		if (n < DHCP4_MEMORY_MAX && read_row(statement, &memory->rows[n]))
			n++;
	if (n < DHCP4_MEMORY_MAX)
		memory->rows[n] = (struct row){0}; // what was no row of ours
	if (step != SQLITE_DONE)
		failed(memory->db, err);
	sqlite3_finalize(statement);
	return step == SQLITE_DONE ? 0 : -1;
}

static int write_row(sqlite3 *db, const struct row *row, struct error *err)
{
	bool is_put = row->addr.family != IP_NONE;
	char text[ADDR_STR_BYTES];
	sqlite3_stmt *statement;
	int rc = 0;

	if (sqlite3_prepare_v2(db, is_put ? put_text : forget_text, -1, &statement, NULL) !=
		SQLITE_OK)
		return failed(db, err);
	sqlite3_bind_text(statement, 1, row->interface, -1, SQLITE_STATIC);
	if (is_put) {
		sqlite3_bind_blob(statement, 2, row->client, (int)row->n_client, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, ip_addr_str(&row->addr, text), -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 4, row->ends_at);
	}
	if (sqlite3_step(statement) != SQLITE_DONE)
		rc = failed(db, err);
	sqlite3_finalize(statement);
	return rc;
}

static int write_rows(struct dhcp4_memory *memory, struct error *err)
{
	if (sqlite3_exec(memory->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return failed(memory->db, err);
	for (unsigned i = 0; i < memory->n_writing; i++)
		if (write_row(memory->db, &memory->writing[i], err) != 0)
			goto fail;
	if (sqlite3_exec(memory->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	failed(memory->db, err);
fail:
	sqlite3_exec(memory->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static void write_on_thread(void *ctx)
{
	struct dhcp4_memory *memory = ctx;

	sqlite3_mutex_enter(sqlite3_db_mutex(memory->db));
	memory->rc = write_rows(memory, &memory->err);
	sqlite3_mutex_leave(sqlite3_db_mutex(memory->db));
}

// --- commits: one at a time, with all that is new ---

static void on_written(void *ctx);

static void begin_writing(struct dhcp4_memory *memory)
{
	if (memory->is_under_way)
		return;
	memory->n_writing = 0;
	for (unsigned i = 0; i < DHCP4_MEMORY_MAX; i++)
		if (memory->rows[i].is_new) {
			memory->rows[i].is_new = false;
			memory->writing[memory->n_writing++] = memory->rows[i];
		}
	if (memory->n_writing == 0)
		return;
	memory->is_under_way = true;
	if (state_writer_post(memory->writer, write_on_thread, on_written, memory) == 0)
		return;
	memory->rc = error_set(&memory->err, "too much waits for the state file");
	on_written(memory);
}

static void on_written(void *ctx)
{
	struct dhcp4_memory *memory = ctx;

	memory->is_under_way = false;
	for (unsigned i = 0; memory->rc != 0 && i < memory->n_writing; i++)
		log_warning(log_object("dhcp", memory->writing[i].interface).text,
			"the lease is not kept: %s", memory->err.text);
	begin_writing(memory);
}

struct dhcp4_memory *dhcp4_memory_open(sqlite3 *db, struct state_writer *writer, struct error *err)
{
	struct dhcp4_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL) {
		error_set(err, "no memory for what is remembered of leases");
		return NULL;
	}
	memory->db = db;
	memory->writer = writer;
	if (state_db_run(db, schema, err) == 0 && read_rows(memory, err) == 0)
		return memory;
	free(memory);
	return NULL;
}

void dhcp4_memory_close(struct dhcp4_memory *memory)
{
	if (memory == NULL)
		return;
	state_writer_wait(memory->writer);
	free(memory);
}

// --- what is remembered ---

static struct row *find(struct dhcp4_memory *memory, const char *interface)
{
	for (unsigned i = 0; i < DHCP4_MEMORY_MAX; i++)
		if (strcmp(memory->rows[i].interface, interface) == 0)
			return &memory->rows[i];
	return NULL;
}

// A free place, or that of the one that ends first.
static struct row *make_room(struct dhcp4_memory *memory)
{
	struct row *first = &memory->rows[0];

	for (unsigned i = 0; i < DHCP4_MEMORY_MAX; i++) {
		struct row *row = &memory->rows[i];

		if (!row->is_new && (row->addr.family == IP_NONE))
			return row;
		if (!row->is_new && (first->is_new || row->ends_at < first->ends_at))
			first = row;
	}
	return first;
}

static void set(struct dhcp4_memory *memory, const struct row *row)
{
	struct row *known = find(memory, row->interface);

	*(known == NULL ? make_room(memory) : known) = *row;
	begin_writing(memory);
}

void dhcp4_memory_put(struct dhcp4_memory *memory, const char *interface,
	const struct dhcp4_identity *client, const struct ip_addr *addr, int64_t ends_at)
{
	struct row row = {
		.n_client = client->n_client_id, .addr = *addr, .ends_at = ends_at, .is_new = true};

	strncpy(row.interface, interface, CFG_NAME_MAX);
	memcpy(row.client, client->client_id, client->n_client_id);
	set(memory, &row);
}

void dhcp4_memory_forget(struct dhcp4_memory *memory, const char *interface)
{
	struct row row = {.is_new = true};

	strncpy(row.interface, interface, CFG_NAME_MAX);
	set(memory, &row);
}

struct ip_addr dhcp4_memory_get(const struct dhcp4_memory *memory, const char *interface,
	const struct dhcp4_identity *client, int64_t now)
{
	for (unsigned i = 0; i < DHCP4_MEMORY_MAX; i++) {
		const struct row *row = &memory->rows[i];

		if (strcmp(row->interface, interface) == 0 && row->ends_at > now &&
			row->n_client == client->n_client_id &&
			memcmp(row->client, client->client_id, row->n_client) == 0)
			return row->addr;
	}
	return (struct ip_addr){0};
}
