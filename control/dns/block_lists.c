// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/block_lists.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"

enum {
	LOOK_SEC = 10,
	SETTLED_SEC = 2, // nobody has written to it for so long
	NS_PER_MS = 1000000,
};

struct list {
	char name[CFG_WORD_MAX + 1];
	char *path;
	struct stat seen; // as it was when it was read
};

// What the reading thread has: nobody else looks at it until it has said that it is done.
struct reading {
	pthread_t thread;
	struct list lists[BLOCK_LISTS_MAX];
	unsigned n;
	struct block_store *store;
	atomic_bool stop;
	int done_fd;
};

struct block_lists {
	struct event_base *base;
	block_lists_fn use;
	void *ctx;
	struct list lists[BLOCK_LISTS_MAX];
	unsigned n;
	struct block_store *in_use;
	struct reading *reading; // or NULL
	bool is_behind;		 // other lists than those that are being read
	int done_fd;
	struct event *done_event, *look_event;
};

static void free_lists(struct list *lists, unsigned *n)
{
	while (*n > 0)
		free(lists[--*n].path);
}

static int copy_list(struct list *to, const char *name, const char *path)
{
	snprintf(to->name, sizeof(to->name), "%s", name);
	to->path = strdup(path);
	to->seen = (struct stat){0};
	return to->path == NULL ? -1 : 0;
}

// --- the reading thread ---

static void read_list(struct reading *reading, unsigned i)
{
	struct list *list = &reading->lists[i];
	const struct block_counts *counts = block_store_counts(reading->store, i);
	struct log_object object = log_object("block-list", list->name);
	uint64_t began_ns = clock_now_ns();
	struct error err;

	block_store_set_name(reading->store, i, list->name);
	if (block_store_add_file(
		    reading->store, i, list->path, &reading->stop, &list->seen, &err) != 0)
		log_error(object.text, "%s: %s", list->path, err.text);
	if (!atomic_load(&reading->stop))
		log_info(object.text, "%u names blocked, %u let pass, %u of no use, in %u ms",
			counts->n_rules, counts->n_exceptions, counts->n_unusable,
			(unsigned)((clock_now_ns() - began_ns) / NS_PER_MS));
}

static void *read_all(void *ctx)
{
	struct reading *reading = ctx;

	for (unsigned i = 0; i < reading->n && !atomic_load(&reading->stop); i++)
		read_list(reading, i);
	block_store_end(reading->store);
	eventfd_write(reading->done_fd, 1);
	return NULL;
}

static void free_reading(struct reading *reading)
{
	block_store_free(reading->store);
	free_lists(reading->lists, &reading->n);
	free(reading);
}

// --- the loop's side ---

static int begin(struct block_lists *lists)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	lists->is_behind = false;
	if (reading == NULL)
		return -1;
	reading->done_fd = lists->done_fd;
	reading->store = block_store_new();
	for (; reading->n < lists->n; reading->n++)
		if (copy_list(&reading->lists[reading->n], lists->lists[reading->n].name,
			    lists->lists[reading->n].path) != 0)
			break;
	if (reading->n < lists->n || reading->store == NULL ||
		pthread_create(&reading->thread, NULL, read_all, reading) != 0) {
		free_reading(reading);
		return -1;
	}
	lists->reading = reading;
	return 0;
}

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
	struct block_lists *lists = ctx;
	struct reading *reading = lists->reading;
	struct block_store *before = lists->in_use;
	eventfd_t ignored;

	if (eventfd_read(fd, &ignored) != 0 || reading == NULL)
		return;
	pthread_join(reading->thread, NULL);
	lists->reading = NULL;
	if (!atomic_load(&reading->stop)) {
		for (unsigned i = 0; i < lists->n; i++)
			lists->lists[i].seen = reading->lists[i].seen;
		lists->in_use = reading->store;
		reading->store = NULL;
		lists->use(lists->ctx, lists->in_use);
		block_store_free(before);
	}
	free_reading(reading);
	if (lists->is_behind && begin(lists) != 0)
		log_error("dns", "no memory to read the block lists");
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// A file that is gone is left alone: its list keeps what it had.
static bool has_changed(const struct list *list, time_t now)
{
	struct stat st;

	return stat(list->path, &st) == 0 && !is_same(&st, &list->seen) &&
	       (st.st_mtim.tv_sec > now || now - st.st_mtim.tv_sec >= SETTLED_SEC);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct block_lists *lists = ctx;
	time_t now = time(NULL);

	for (unsigned i = 0; i < lists->n && lists->reading == NULL; i++)
		if (has_changed(&lists->lists[i], now) && begin(lists) != 0)
			log_error("dns", "no memory to read the block lists");
}

static bool are_same(const struct block_lists *lists, const struct cfg_dns_local *config)
{
	for (unsigned i = 0; i < lists->n && i < config->n_lists; i++)
		if (strcmp(lists->lists[i].name, config->lists[i].name) != 0 ||
			strcmp(lists->lists[i].path, config->lists[i].file) != 0)
			return false;
	return lists->n == config->n_lists;
}

int block_lists_set(struct block_lists *lists, const struct cfg_dns_local *config)
{
	if (are_same(lists, config))
		return 0;
	free_lists(lists->lists, &lists->n);
	for (; lists->n < config->n_lists; lists->n++)
		if (copy_list(&lists->lists[lists->n], config->lists[lists->n].name,
			    config->lists[lists->n].file) != 0)
			return -1;
	if (lists->reading == NULL)
		return begin(lists);
	atomic_store(&lists->reading->stop, true);
	lists->is_behind = true;
	return 0;
}

const struct block_store *block_lists_in_use(const struct block_lists *lists)
{
	return lists->in_use;
}

struct block_lists *block_lists_new(struct event_base *base, block_lists_fn use, void *ctx)
{
	static const struct timeval look = {.tv_sec = LOOK_SEC};
	struct block_lists *lists = calloc(1, sizeof(*lists));

	if (lists == NULL)
		return NULL;
	lists->base = base;
	lists->use = use;
	lists->ctx = ctx;
	lists->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (lists->done_fd >= 0)
		lists->done_event =
			event_new(base, lists->done_fd, EV_READ | EV_PERSIST, on_done, lists);
	lists->look_event = event_new(base, -1, EV_PERSIST, on_look, lists);
	if (lists->done_event != NULL && lists->look_event != NULL &&
		event_add(lists->done_event, NULL) == 0 && event_add(lists->look_event, &look) == 0)
		return lists;
	block_lists_free(lists);
	return NULL;
}

void block_lists_free(struct block_lists *lists)
{
	if (lists == NULL)
		return;
	if (lists->reading != NULL) {
		atomic_store(&lists->reading->stop, true);
		pthread_join(lists->reading->thread, NULL);
		free_reading(lists->reading);
	}
	if (lists->done_event != NULL)
		event_free(lists->done_event);
	if (lists->look_event != NULL)
		event_free(lists->look_event);
	if (lists->done_fd >= 0)
		close(lists->done_fd);
	block_store_free(lists->in_use);
	free_lists(lists->lists, &lists->n);
	free(lists);
}
