// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dhcp/lease_store.h"
#include "control/wall_clock.h"

enum {
	REPLIES_MAX = 8192,    // that wait for the disk
	REPLY_LATE_MS = 10000, // nobody waits for it any more
};

struct held_reply {
	STAILQ_ENTRY(held_reply) entry;
	uint64_t number; // of the store
	uint64_t since_ms;
	char interface[16]; // the reply's: it outlives the config that named it
	struct dhcp4_reply reply;
};

struct dhcp4_keeper {
	struct dhcp4_server *server;
	struct lease_store *store; // NULL: nothing is kept
	struct event *stored;
	bool is_failing;
	STAILQ_HEAD(held_head, held_reply) held;
	unsigned n_held;
	dhcp4_keeper_send_fn send;
	void *ctx;
};

static void hold_reply(
	struct dhcp4_keeper *keeper, uint64_t number, const struct dhcp4_reply *reply)
{
	struct held_reply *held;

	if (keeper->n_held == REPLIES_MAX) // the client asks again
		return;
	held = malloc(sizeof(*held));
	if (held == NULL)
		return;
	held->number = number;
	held->since_ms = clock_now_ms();
	held->reply = *reply;
	snprintf(held->interface, sizeof(held->interface), "%s", reply->interface);
	held->reply.interface = held->interface;
	STAILQ_INSERT_TAIL(&keeper->held, held, entry);
	keeper->n_held++;
}

static void free_first_held(struct dhcp4_keeper *keeper)
{
	struct held_reply *held = STAILQ_FIRST(&keeper->held);

	STAILQ_REMOVE_HEAD(&keeper->held, entry);
	keeper->n_held--;
	free(held);
}

void dhcp4_keeper_put(struct dhcp4_keeper *keeper, const struct dhcp4_lease *lease,
	const struct dhcp4_reply *reply)
{
	struct lease_row row = {.lease = *lease};
	uint64_t number;

	if (keeper->store == NULL) {
		if (reply != NULL)
			keeper->send(keeper->ctx, reply);
		return;
	}
	row.ends_at = wall_clock_now() + dhcp4_lease_left_sec(lease, clock_now_ms());
	number = lease_store_put(keeper->store, &row);
	if (number == 0)
		log_warning("dhcp", "more leases wait for the disk than there is room for");
	else if (reply != NULL)
		hold_reply(keeper, number, reply);
}

static void on_stored(evutil_socket_t fd, short what, void *ctx)
{
	struct dhcp4_keeper *keeper = ctx;
	uint64_t now_ms = clock_now_ms();
	struct held_reply *held;
	uint64_t n_committed;
	struct error err;

	n_committed = lease_store_committed(keeper->store, &err);
	while ((held = STAILQ_FIRST(&keeper->held)) != NULL && held->number <= n_committed) {
		if (now_ms - held->since_ms < REPLY_LATE_MS)
			keeper->send(keeper->ctx, &held->reply);
		free_first_held(keeper);
	}
	if (err.text[0] != '\0' && !keeper->is_failing)
		log_error("dhcp", "leases cannot be kept, so none is given: %s", err.text);
	if (err.text[0] == '\0' && keeper->is_failing)
		log_info("dhcp", "leases can be kept again");
	keeper->is_failing = err.text[0] != '\0';
}

// --- what was kept ---

struct restoring {
	struct dhcp4_server *server;
	unsigned n, n_left_out;
};

static void restore(void *ctx, const struct lease_row *row)
{
	struct restoring *restoring = ctx;
	uint64_t now_ms = clock_now_ms();
	struct dhcp4_lease lease = row->lease;
	int64_t left = row->ends_at - wall_clock_now();

	// a clock that was wrong then, or is now, makes no lease longer than it was
	if (left > lease.time_sec)
		left = lease.time_sec;
	if (lease.state == DHCP4_LEASE_DECLINED && left <= 0)
		return;
	// one that was bound and has ended meanwhile ends with the first turn, and that is told
	lease.ends_ms = left > 0 ? now_ms + (uint64_t)left * 1000 : now_ms;
	if (dhcp4_server_restore(restoring->server, &lease))
		restoring->n++;
	else
		restoring->n_left_out++;
}

static void open_store(struct dhcp4_keeper *keeper, const char *path)
{
	struct restoring restoring = {.server = keeper->server};
	struct error err = {0};

	keeper->store = lease_store_open(path, &err);
	if (keeper->store == NULL ||
		lease_store_each(keeper->store, restore, &restoring, &err) != 0) {
		log_error("dhcp", "%s; leases are not kept", err.text);
		lease_store_close(keeper->store);
		keeper->store = NULL;
		return;
	}
	if (restoring.n > 0)
		log_info("dhcp", "%u leases are remembered", restoring.n);
	if (restoring.n_left_out > 0)
		log_warning("dhcp", "no room for %u leases", restoring.n_left_out);
}

// --- coming and going ---

struct dhcp4_keeper *dhcp4_keeper_new(struct event_base *base, const char *path,
	struct dhcp4_server *server, dhcp4_keeper_send_fn send, void *ctx)
{
	struct dhcp4_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return NULL;
	STAILQ_INIT(&keeper->held);
	keeper->server = server;
	keeper->send = send;
	keeper->ctx = ctx;
	if (path != NULL)
		open_store(keeper, path);
	if (keeper->store == NULL)
		return keeper;
	keeper->stored = event_new(
		base, lease_store_fd(keeper->store), EV_READ | EV_PERSIST, on_stored, keeper);
	if (keeper->stored == NULL || event_add(keeper->stored, NULL) != 0) {
		dhcp4_keeper_free(keeper);
		return NULL;
	}
	return keeper;
}

void dhcp4_keeper_free(struct dhcp4_keeper *keeper)
{
	if (keeper == NULL)
		return;
	if (keeper->stored != NULL)
		event_free(keeper->stored);
	while (!STAILQ_EMPTY(&keeper->held))
		free_first_held(keeper);
	lease_store_close(keeper->store);
	free(keeper);
}
