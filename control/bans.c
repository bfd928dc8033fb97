// SPDX-License-Identifier: BSD-3-Clause
#include "control/bans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"

// --- the sets, and what was in them before ---

static void free_store(struct bans *bans)
{
	ban_store_close(bans->store);
	bans->store = NULL;
	if (bans->batch != NULL)
		free(bans->batch->queue);
	free(bans->batch);
	free(bans->queue);
	free(bans->load);
	bans->batch = NULL;
	bans->queue = NULL;
	bans->load = NULL;
}

static int open_store(
	struct bans *bans, sqlite3 *state, struct state_writer *writer, struct error *err)
{
	bans->writer = writer;
	bans->store = ban_store_open(state, err);
	if (bans->store == NULL)
		return -1;
	bans->load = calloc(1, sizeof(*bans->load));
	bans->queue = calloc(1, sizeof(*bans->queue));
	bans->batch = calloc(1, sizeof(*bans->batch));
	if (bans->batch != NULL)
		bans->batch->queue = calloc(1, sizeof(*bans->batch->queue));
	if (bans->load == NULL || bans->queue == NULL || bans->batch == NULL ||
		bans->batch->queue == NULL) {
		free_store(bans);
		return error_set(err, "no memory for what is written to the state file");
	}
	bans->load->bans = bans;
	ban_queue_init(bans->queue);
	ban_queue_init(bans->batch->queue);
	TAILQ_INIT(&bans->batch->asked);
	bans->batch->store = bans->store;
	return 0;
}

int bans_open(struct bans *bans, const struct config *config, sqlite3 *state,
	struct state_writer *writer, struct dataplane *dp, int64_t now, struct error *err)
{
	struct error why = {0};

	*bans = (struct bans){.dp = dp};
	TAILQ_INIT(&bans->asked);
	if (timed_sets_open(&bans->sets, config, dp, err) != 0)
		return -1;
	if (state != NULL && open_store(bans, state, writer, &why) != 0)
		log_error("firewall", "%s", why.text);
	if (bans->store == NULL && bans->sets.n > 0)
		log_error("firewall",
			"without a state file, sets with a timeout begin empty and are not kept");
	if (bans->store == NULL)
		return 0;
	ban_load_want_all(bans->load, now);
	ban_load_at_once(bans->load);
	return 0;
}

int bans_follow(struct bans *bans, const struct config *config, int64_t now, struct error *err)
{
	unsigned had = bans->sets.n;

	if (timed_sets_open(&bans->sets, config, bans->dp, err) != 0)
		return -1;
	if (bans->store == NULL)
		return 0;
	for (unsigned i = had; i < bans->sets.n; i++)
		ban_load_want(bans->load, (uint16_t)i, now);
	ban_load_go_on(bans->load);
	return 0;
}

void bans_close(struct bans *bans, int64_t now)
{
	if (bans->store != NULL) {
		ban_load_want_none(bans->load);
		state_writer_wait(bans->writer);
		bans->wait_turns = 0; // the last try
		while (bans_turn(bans, now))
			state_writer_wait(bans->writer);
	}
	free_store(bans);
	*bans = (struct bans){0};
}

// --- what people ask for ---

static struct ban_asked *asked_new(
	const struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, struct error *err)
{
	struct ban_asked *asked;

	if (bans->n_asked >= BAN_ASKED_MAX) {
		error_set(err, "%u bans wait for the disk already", bans->n_asked);
		return NULL;
	}
	asked = calloc(1, sizeof(*asked));
	if (asked == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	asked->timed = timed;
	asked->prefix = ip_prefix_network(prefix);
	memcpy(asked->set, bans->sets.list[timed].name, sizeof(asked->set));
	return asked;
}

// The workers do not take it.
static struct ban_asked *asked_refused(
	const struct bans *bans, struct ban_asked *asked, int rc, struct error *err)
{
	if (rc == -ENOSPC)
		error_set(err, "the set %s is full: it has room for %u", asked->set,
			bans->sets.list[asked->timed].capacity);
	else
		error_set(err, "the workers do not take it: %s", strerror(-rc));
	free(asked);
	return NULL;
}

struct ban_asked *bans_add(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix,
	uint32_t for_sec, int64_t now, struct error *err)
{
	struct ban_asked *asked = asked_new(bans, timed, prefix, err);
	struct dp_timed_entry entry = {.left_sec = for_sec};
	int rc;

	if (asked == NULL)
		return NULL;
	entry.prefix = asked->prefix;
	rc = dataplane_timed_add(bans->dp, timed, &entry, true);
	if (rc != 0)
		return asked_refused(bans, asked, rc, err);
	asked->ends_at = bans_ends_at(for_sec, now);
	bans_keep(bans, asked);
	return asked;
}

struct ban_asked *bans_remove(
	struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, struct error *err)
{
	struct ban_asked *asked = asked_new(bans, timed, prefix, err);
	int rc;

	if (asked == NULL)
		return NULL;
	asked->is_removal = true;
	rc = dataplane_timed_delete(bans->dp, timed, &asked->prefix);
	if (rc != 0 && rc != -ENOENT)
		return asked_refused(bans, asked, rc, err);
	asked->was_there = rc == 0;
	bans_keep(bans, asked);
	return asked;
}

// Of a larger prefix that has this one in it.
static bool find_around(
	const struct bans *bans, const struct ban_asked *asked, struct ip_prefix *around)
{
	struct dp_timed_entry entry;
	uint32_t cursor = 0;

	while (dataplane_timed_next(bans->dp, asked->timed, &cursor, &entry)) {
		*around = entry.prefix;
		if (around->len < asked->prefix.len &&
			ip_prefix_contains(around, &asked->prefix.addr))
			return true;
	}
	return false;
}

int bans_outcome(const struct bans *bans, const struct ban_asked *asked, struct error *unkept,
	struct error *err)
{
	char text[ADDR_STR_BYTES], around_text[ADDR_STR_BYTES];
	struct ip_prefix around;

	if (!asked->is_done)
		return -EAGAIN;
	*unkept = asked->unkept;
	if (!asked->is_removal || asked->was_there || asked->was_kept || unkept->text[0] != '\0')
		return 0;
	ip_prefix_str(&asked->prefix, text);
	if (find_around(bans, asked, &around))
		return error_set(err, "%s is in the set %s as part of %s: take that out", text,
			asked->set, ip_prefix_str(&around, around_text));
	return error_set(err, "%s is not in the set %s", text, asked->set);
}

void bans_leave(struct ban_asked *asked)
{
	if (asked == NULL)
		return;
	asked->is_left = true;
	if (asked->is_done)
		free(asked);
}

// --- what rules ask for ---

static bool is_noted(const struct bans *bans, const struct ban_note *note)
{
	if (bans->store == NULL)
		return false;
	return ban_queue_has(bans->queue, note) ||
	       (!ban_queue_knows(bans->queue, note->timed, &note->prefix) &&
		       ban_queue_has(bans->batch->queue, note));
}

void bans_note(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now)
{
	struct dp_timed_entry entry = {.prefix = *prefix, .left_sec = for_sec};
	struct ban_note note = {.prefix = *prefix,
		.timed = timed,
		.for_sec = for_sec,
		.ends_at = bans_ends_at(for_sec, now)};

	// A change of a set lets the workers judge every flow again: not for what they have
	// already.
	if (timed >= bans->sets.n || is_noted(bans, &note))
		return;
	if (dataplane_timed_add(bans->dp, timed, &entry, false) != 0)
		bans->n_refused[timed]++;
	else if (bans->store != NULL && !ban_queue_put(bans->queue, &note))
		bans->is_behind[timed] = true;
}

bool bans_is_under_way(const struct bans *bans, uint16_t timed, const struct ip_prefix *prefix)
{
	return ban_queue_knows(bans->queue, timed, prefix) ||
	       ban_queue_knows(bans->batch->queue, timed, prefix);
}
