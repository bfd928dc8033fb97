// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/lease_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "control/state_db.h"
#include "control/state_log.h"
#include "control/thread_begin.h"

enum {
	RETRY_SEC = 1,
	NICE = -10,
	IDLE_MS = 200, // without a lease: time for what nobody waits for
	LOG_PAGES_MAX = 1000,
	LOG_BYTES = 4 << 20, // takes them all
};

static const char schema[] = "CREATE TABLE IF NOT EXISTS dhcp4_leases ("
			     "address INTEGER PRIMARY KEY, network INTEGER NOT NULL, "
			     "state INTEGER NOT NULL, client BLOB NOT NULL, mac BLOB NOT NULL, "
			     "origin INTEGER NOT NULL, since INTEGER NOT NULL, "
			     "ends_at INTEGER NOT NULL, time_sec INTEGER NOT NULL, "
			     "host_name TEXT NOT NULL)";
static const char put_text[] = "INSERT OR REPLACE INTO dhcp4_leases VALUES "
			       "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
static const char delete_text[] = "DELETE FROM dhcp4_leases WHERE address = ?1";
static const char each_text[] = "SELECT address, network, state, client, mac, origin, since, "
				"ends_at, time_sec, host_name FROM dhcp4_leases";

struct batch {
	struct lease_row *rows; // LEASE_STORE_QUEUE_MAX
	unsigned n;
};

struct lease_store {
	sqlite3 *db; // the thread's, once it runs
	sqlite3_stmt *put, *delete;
	pthread_t thread;
	bool is_running;
	int fd;
	uint64_t n_put;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	// under the lock
	struct batch queue;
	bool must_stop;
	uint64_t n_committed;
	struct error err;
	// the thread's
	struct batch writing;
	int n_log_pages, n_begun_pages; // in the log; and when it was begun
};

// --- the file ---

static int write_row(struct lease_store *store, const struct lease_row *row)
{
	const struct dhcp4_lease *lease = &row->lease;
	bool is_gone = lease->state == DHCP4_LEASE_FREE && lease->client.n == 0;
	sqlite3_stmt *statement = is_gone ? store->delete : store->put;
	int rc;

	sqlite3_bind_int64(statement, 1, lease->address);
	if (!is_gone) {
		sqlite3_bind_int64(statement, 2, lease->network);
		sqlite3_bind_int(statement, 3, (int)lease->state);
		sqlite3_bind_blob(
			statement, 4, lease->client.bytes, lease->client.n, SQLITE_STATIC);
		sqlite3_bind_blob(
			statement, 5, lease->mac.bytes, sizeof(lease->mac.bytes), SQLITE_STATIC);
		sqlite3_bind_int64(statement, 6, (int64_t)lease->origin);
		sqlite3_bind_int64(statement, 7, lease->since);
		sqlite3_bind_int64(statement, 8, row->ends_at);
		sqlite3_bind_int64(statement, 9, lease->time_sec);
		sqlite3_bind_text(statement, 10, lease->host_name, -1, SQLITE_STATIC);
	}
	rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : -1;
	sqlite3_reset(statement);
	return rc;
}

static int write_batch(struct lease_store *store, const struct batch *batch, struct error *err)
{
	if (state_db_run(store->db, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	for (unsigned i = 0; i < batch->n; i++)
		if (write_row(store, &batch->rows[i]) != 0) {
			error_set(err, "%s", sqlite3_errmsg(store->db));
			goto fail;
		}
	if (state_db_run(store->db, "COMMIT", err) == 0)
		return 0;
fail:
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

// --- the thread ---

static struct timespec time_in(unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

// After a batch, whose leases nobody waits for any more: when the log is full, or none comes. What
// fails here fails with the next batch too, which says so.
static void tidy(struct lease_store *store)
{
	struct error err;

	if (state_log_empty(store->db, &err) == 0)
		store->n_begun_pages = store->n_log_pages;
}

// Waits for something to write, until then. True: there is, or there will be nothing.
static bool wait_for_rows(struct lease_store *store, const struct timespec *until)
{
	while (store->queue.n == 0 && !store->must_stop)
		if (until == NULL)
			pthread_cond_wait(&store->wake, &store->lock);
		else if (pthread_cond_timedwait(&store->wake, &store->lock, until) != 0)
			return false;
	return true;
}

// Waits for something to write. False: there is nothing, and there will be nothing.
static bool take_batch(struct lease_store *store)
{
	struct batch empty = store->writing;
	struct timespec until = time_in(IDLE_MS);

	if (store->n_log_pages > LOG_PAGES_MAX)
		tidy(store);
	pthread_mutex_lock(&store->lock);
	if (store->n_log_pages != store->n_begun_pages && !wait_for_rows(store, &until)) {
		pthread_mutex_unlock(&store->lock);
		tidy(store);
		pthread_mutex_lock(&store->lock);
	}
	wait_for_rows(store, NULL);
	store->writing = store->queue;
	store->queue = empty;
	store->queue.n = 0;
	pthread_mutex_unlock(&store->lock);
	return store->writing.n > 0;
}

// Where writing fails for good, whoever ends the router does not wait for it.
static bool wait_to_retry(struct lease_store *store)
{
	struct timespec until = time_in(RETRY_SEC * 1000);
	bool must_stop;

	pthread_mutex_lock(&store->lock);
	if (!store->must_stop)
		pthread_cond_timedwait(&store->wake, &store->lock, &until);
	must_stop = store->must_stop;
	pthread_mutex_unlock(&store->lock);
	return !must_stop;
}

static void tell(struct lease_store *store, unsigned n_written, const struct error *err)
{
	uint64_t one = 1;

	pthread_mutex_lock(&store->lock);
	store->n_committed += n_written;
	store->err = *err;
	pthread_mutex_unlock(&store->lock);
	if (write(store->fd, &one, sizeof(one)) < 0)
		return; // it is readable already
}

static void *run(void *arg)
{
	struct lease_store *store = arg;

	// A client waits for its ACK until this is done, and little of it is work.
	setpriority(
		PRIO_PROCESS, 0, NICE); // on Linux, of the thread alone; without the right: as is
	while (take_batch(store)) {
		struct error err = {0};

		while (write_batch(store, &store->writing, &err) != 0) {
			tell(store, 0, &err);
			if (!wait_to_retry(store))
				return NULL;
			err = (struct error){0};
		}
		tell(store, store->writing.n, &err);
		store->writing.n = 0;
	}
	return NULL;
}

// --- control ---

static int start(struct lease_store *store)
{
	if (thread_begin(&store->thread, "millrace-leases", run, store) != 0)
		return -1;
	store->is_running = true;
	return 0;
}

struct lease_store *lease_store_open(const char *path, struct error *err)
{
	struct lease_store *store = calloc(1, sizeof(*store));
	pthread_condattr_t attributes;

	if (store == NULL) {
		error_set(err, "no memory for the leases' file");
		return NULL;
	}
	store->fd = -1;
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	store->db = state_db_open(path, err);
	if (store->db == NULL)
		goto fail;
	store->queue.rows = calloc(LEASE_STORE_QUEUE_MAX, sizeof(*store->queue.rows));
	store->writing.rows = calloc(LEASE_STORE_QUEUE_MAX, sizeof(*store->writing.rows));
	store->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (store->queue.rows == NULL || store->writing.rows == NULL || store->fd < 0) {
		error_set(err, "no memory for the leases' queue");
		goto fail;
	}
	if (state_db_run(store->db, schema, err) != 0 ||
		state_log_reserve(store->db, LOG_BYTES, &store->n_log_pages, err) != 0 ||
		state_log_empty(store->db, err) != 0)
		goto fail;
	store->n_begun_pages = store->n_log_pages;
	if (sqlite3_prepare_v3(store->db, put_text, -1, SQLITE_PREPARE_PERSISTENT, &store->put,
		    NULL) != SQLITE_OK ||
		sqlite3_prepare_v3(store->db, delete_text, -1, SQLITE_PREPARE_PERSISTENT,
			&store->delete, NULL) != SQLITE_OK) {
		error_set(err, "the leases' file %s: %s", path, sqlite3_errmsg(store->db));
		goto fail;
	}
	return store;
fail:
	lease_store_close(store);
	return NULL;
}

void lease_store_close(struct lease_store *store)
{
	if (store == NULL)
		return;
	if (store->is_running) {
		pthread_mutex_lock(&store->lock);
		store->must_stop = true;
		pthread_cond_signal(&store->wake);
		pthread_mutex_unlock(&store->lock);
		pthread_join(store->thread, NULL);
	}
	sqlite3_finalize(store->put);
	sqlite3_finalize(store->delete);
	state_db_close(store->db);
	if (store->fd >= 0)
		close(store->fd);
	free(store->queue.rows);
	free(store->writing.rows);
	pthread_cond_destroy(&store->wake);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

// False: it is nothing that we have written.
static bool read_row(sqlite3_stmt *statement, struct lease_row *row)
{
	const void *client = sqlite3_column_blob(statement, 3);
	const void *mac = sqlite3_column_blob(statement, 4);
	int n_client = sqlite3_column_bytes(statement, 3);
	const char *name = (const char *)sqlite3_column_text(statement, 9);
	struct dhcp4_lease *lease = &row->lease;
	int state = sqlite3_column_int(statement, 2);

	*row = (struct lease_row){.ends_at = sqlite3_column_int64(statement, 7)};
	if (n_client > DHCP4_CLIENT_BYTES_MAX || state < DHCP4_LEASE_FREE ||
		state > DHCP4_LEASE_DECLINED || mac == NULL || name == NULL ||
		sqlite3_column_bytes(statement, 4) != sizeof(lease->mac.bytes))
		return false;
	lease->address = (uint32_t)sqlite3_column_int64(statement, 0);
	lease->network = (uint32_t)sqlite3_column_int64(statement, 1);
	lease->state = (enum dhcp4_lease_state)state;
	lease->client.n = (uint8_t)n_client;
	if (n_client > 0)
		memcpy(lease->client.bytes, client, (size_t)n_client);
	memcpy(lease->mac.bytes, mac, sizeof(lease->mac.bytes));
	lease->origin = (uint64_t)sqlite3_column_int64(statement, 5);
	lease->since = sqlite3_column_int64(statement, 6);
	lease->time_sec = (uint32_t)sqlite3_column_int64(statement, 8);
	strncpy(lease->host_name, name, sizeof(lease->host_name) - 1);
	return true;
}

int lease_store_each(struct lease_store *store, lease_store_fn fn, void *ctx, struct error *err)
{
	sqlite3_stmt *statement;
	struct lease_row row;
	int step;

	if (sqlite3_prepare_v2(store->db, each_text, -1, &statement, NULL) != SQLITE_OK)
		return error_set(err, "the leases' file: %s", sqlite3_errmsg(store->db));
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		if (read_row(statement, &row))
			fn(ctx, &row);
	if (step != SQLITE_DONE)
		error_set(err, "the leases' file: %s", sqlite3_errmsg(store->db));
	sqlite3_finalize(statement);
	return step == SQLITE_DONE ? 0 : -1;
}

uint64_t lease_store_put(struct lease_store *store, const struct lease_row *row)
{
	uint64_t number = 0;

	if (!store->is_running && start(store) != 0)
		return 0;
	pthread_mutex_lock(&store->lock);
	if (store->queue.n < LEASE_STORE_QUEUE_MAX) {
		store->queue.rows[store->queue.n++] = *row;
		number = ++store->n_put;
		pthread_cond_signal(&store->wake);
	}
	pthread_mutex_unlock(&store->lock);
	return number;
}

int lease_store_fd(const struct lease_store *store)
{
	return store->fd;
}

uint64_t lease_store_committed(struct lease_store *store, struct error *err)
{
	uint64_t count, n_committed;

	if (read(store->fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&store->lock);
	n_committed = store->n_committed;
	*err = store->err;
	pthread_mutex_unlock(&store->lock);
	return n_committed;
}
