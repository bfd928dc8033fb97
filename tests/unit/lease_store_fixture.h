// SPDX-License-Identifier: BSD-3-Clause
// A file of leases in a folder of its own, and what is in it.
#pragma once

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/dhcp/lease_store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LEASES_FOUND_MAX = 64 };

static char path[64];

static inline int make_path(void **state)
{
	snprintf(path, sizeof(path), "/tmp/lease-store-XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	strcat(path, "/db");
	return 0;
}

static inline int remove_path(void **state)
{
	char file[80];

	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end != NULL;
		end++) {
		snprintf(file, sizeof(file), "%s%s", path, *end);
		unlink(file);
	}
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static inline struct lease_store *open_store(void)
{
	struct error err = {0};
	struct lease_store *store = lease_store_open(path, &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

static inline struct lease_row row_of(
	uint32_t address, uint8_t client, enum dhcp4_lease_state state)
{
	struct lease_row row = {
		.lease = {.address = address,
			.network = 0xc6120000,
			.state = state,
			.client = {.bytes = {1, client, 0}, .n = 3},
			.mac = {{2, 0, 0, 0, 0, client}},
			.origin = UINT64_MAX - client,
			.since = 1700000000,
			.time_sec = 3600},
		.ends_at = 1700003600,
	};

	snprintf(row.lease.host_name, sizeof(row.lease.host_name), "host%u", client);
	return row;
}

struct found {
	struct lease_row rows[LEASES_FOUND_MAX];
	unsigned n;
};

static inline void note(void *ctx, const struct lease_row *row)
{
	struct found *found = ctx;

	assert_in_range(found->n, 0, COUNT(found->rows) - 1);
	found->rows[found->n++] = *row;
}

static inline void read_all(struct lease_store *store, struct found *found)
{
	struct error err = {0};

	*found = (struct found){0};
	assert_int_equal(lease_store_each(store, note, found, &err), 0);
}

static inline void wait_until(struct lease_store *store, uint64_t number)
{
	struct pollfd fd = {.fd = lease_store_fd(store), .events = POLLIN};
	struct error err;

	while (lease_store_committed(store, &err) < number) {
		assert_string_equal(err.text, "");
		assert_int_equal(poll(&fd, 1, 5000), 1);
	}
}
