// SPDX-License-Identifier: BSD-3-Clause
#include "control/bans.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cfg/base/log.h"

enum {
	WALK_PER_TURN = BAN_QUEUE_MAX,
	PURGE_PER_MINUTE = 4096,
	// Ended entries stay in the file for a day: a clock that was wrong may be set right.
	PURGE_AFTER_SEC = 86400,
	RETRY_TURNS = 40, // a full disk is asked every ten seconds
};

static const char too_much[] = "too much waits for the state file";

// --- commits: one at a time, and what comes meanwhile goes into the next ---

static void run_batch(void *ctx)
{
	struct bans *bans = ctx;

	ban_batch_run(bans->batch);
}

static void on_batch(void *ctx);

static void begin_batch(struct bans *bans)
{
	struct ban_batch *batch = bans->batch;
	struct ban_queue *empty = batch->queue;

	batch->queue = bans->queue;
	bans->queue = empty;
	TAILQ_CONCAT(&batch->asked, &bans->asked, place);
	batch->sets = bans->sets;
	batch->rc = 0;
	bans->is_under_way = true;
	if (state_writer_post(bans->writer, run_batch, on_batch, bans) == 0)
		return;
	batch->rc = error_set(&batch->err, "%s", too_much);
	on_batch(bans);
}

// The set that is walked, or is to be walked next; false: none is behind.
static bool find_behind(struct bans *bans)
{
	for (unsigned i = 0; i < bans->sets.n; i++) {
		if (bans->is_behind[bans->walked_set])
			return true;
		bans->walked = 0;
		bans->walked_set = (uint16_t)((bans->walked_set + 1u) % bans->sets.n);
	}
	return false;
}

// A part of one set that is behind, from what the workers have of it.
static void note_walked(struct bans *bans, int64_t now)
{
	uint16_t timed = bans->walked_set;
	struct dp_timed_entry from;

	for (unsigned i = 0; i < WALK_PER_TURN; i++) {
		struct ban_note note = {.timed = timed};

		if (!dataplane_timed_next(bans->dp, timed, &bans->walked, &from)) {
			bans->walked = 0;
			bans->is_behind[timed] = false;
			return;
		}
		note.prefix = from.prefix;
		note.for_sec = from.left_sec;
		note.ends_at = bans_ends_at(from.left_sec, now);
		if (from.left_sec > 0)
			ban_queue_put(bans->queue, &note);
	}
}

// Whether rules have a part in the commit.
static bool has_notes(const struct bans *bans)
{
	for (unsigned i = 0; i < bans->batch->queue->n; i++)
		if (!bans->batch->queue->list[i].is_cancelled)
			return true;
	return bans->is_walking;
}

static void notes_failed(struct bans *bans)
{
	const struct ban_queue *queue = bans->batch->queue;

	if (!bans->is_failing)
		log_error("firewall", "what rules add to sets is not kept: %s",
			bans->batch->err.text);
	bans->is_failing = true;
	bans->wait_turns = RETRY_TURNS;
	for (unsigned i = 0; i < queue->n; i++)
		if (!queue->list[i].is_cancelled)
			bans->is_behind[queue->list[i].timed] = true;
	if (bans->is_walking)
		bans->is_behind[bans->walked_set] = true;
	bans->walked = 0;
}

static void notes_kept(struct bans *bans)
{
	bans->wait_turns = 0;
	if (!bans->is_failing || find_behind(bans))
		return;
	log_info("firewall", "what rules add to sets is kept again");
	bans->is_failing = false;
}

static void answer(struct bans *bans)
{
	struct ban_batch *batch = bans->batch;
	struct ban_asked *asked;

	while ((asked = TAILQ_FIRST(&batch->asked)) != NULL) {
		TAILQ_REMOVE(&batch->asked, asked, place);
		bans->n_asked--;
		asked->is_done = true;
		if (batch->rc != 0)
			asked->unkept = batch->err;
		if (asked->is_left)
			free(asked);
	}
}

static void on_batch(void *ctx)
{
	struct bans *bans = ctx;

	bans->is_under_way = false;
	answer(bans);
	if (has_notes(bans) && bans->batch->rc != 0)
		notes_failed(bans);
	else if (has_notes(bans))
		notes_kept(bans);
	bans->is_walking = false;
	ban_queue_clear(bans->batch->queue);
	if (bans->is_turn_due)
		bans_turn(bans, bans->turn_at);
	if (!bans->is_under_way && !TAILQ_EMPTY(&bans->asked))
		begin_batch(bans);
}

void bans_keep(struct bans *bans, struct ban_asked *asked)
{
	if (bans->store == NULL) {
		asked->is_done = true;
		if (!asked->is_removal)
			error_set(&asked->unkept, "there is no state file");
		return;
	}
	ban_queue_cancel(bans->queue, asked->timed, &asked->prefix);
	TAILQ_INSERT_TAIL(&bans->asked, asked, place);
	bans->n_asked++;
	if (!bans->is_under_way)
		begin_batch(bans);
}

bool bans_turn(struct bans *bans, int64_t now)
{
	bans->is_turn_due = false;
	if (bans->store == NULL || (bans->queue->n == 0 && !find_behind(bans)))
		return false;
	if (bans->wait_turns > 0) {
		bans->wait_turns--;
		return false;
	}
	if (bans->is_under_way) {
		bans->is_turn_due = true;
		bans->turn_at = now;
		return false;
	}
	if (bans->queue->n == 0) {
		bans->is_walking = true;
		note_walked(bans, now);
	}
	begin_batch(bans);
	return true;
}

// --- housekeeping ---

static void log_refused(struct bans *bans)
{
	for (unsigned i = 0; i < bans->sets.n; i++) {
		uint64_t n = bans->n_refused[i] - bans->n_refused_logged[i];

		if (n > 0)
			log_warning(log_object("set", bans->sets.list[i].name).text,
				"is full: %" PRIu64 " additions by rules were refused", n);
		bans->n_refused_logged[i] = bans->n_refused[i];
	}
}

struct chore {
	struct bans *bans;
	int64_t number; // seconds
	int rc;
	struct error err;
};

static void end_chore(struct chore *chore)
{
	if (chore->rc != 0)
		log_error("firewall", "%s", chore->err.text);
	free(chore);
}

static int begin_chore(
	struct bans *bans, int64_t number, void (*run)(void *ctx), void (*done)(void *ctx))
{
	struct chore *chore = malloc(sizeof(*chore));

	if (chore == NULL) {
		log_error("firewall", "no memory for what is written to the state file");
		return -1;
	}
	*chore = (struct chore){.bans = bans, .number = number};
	if (state_writer_post(bans->writer, run, done, chore) == 0)
		return 0;
	chore->rc = error_set(&chore->err, "%s", too_much);
	end_chore(chore);
	return -1;
}

static void purge(void *ctx)
{
	struct chore *chore = ctx;

	chore->rc =
		ban_store_purge(chore->bans->store, chore->number, PURGE_PER_MINUTE, &chore->err);
}

static void on_purged(void *ctx)
{
	struct chore *chore = ctx;

	chore->bans->is_purging = false;
	end_chore(chore);
}

void bans_every_minute(struct bans *bans, int64_t now)
{
	log_refused(bans);
	if (bans->store != NULL && !bans->is_purging)
		bans->is_purging = begin_chore(bans, now - PURGE_AFTER_SEC, purge, on_purged) == 0;
}

static void shift(void *ctx)
{
	struct chore *chore = ctx;

	chore->rc = ban_store_shift(chore->bans->store, chore->number, &chore->err);
}

static void on_shifted(void *ctx)
{
	end_chore(ctx);
}

// What earlier runs wrote is right in the file, and was counted down from a wrong time. What this
// one wrote is put right there first, with what is being written; what is not yet, is here.
void bans_clock_jumped(struct bans *bans, int64_t by_sec, int64_t now)
{
	struct ban_asked *asked;

	if (bans->store == NULL)
		return;
	for (unsigned i = 0; i < bans->queue->n; i++)
		if (bans->queue->list[i].ends_at != BAN_FOREVER)
			bans->queue->list[i].ends_at += by_sec;
	TAILQ_FOREACH(asked, &bans->asked, place)
	if (asked->ends_at != BAN_FOREVER)
		asked->ends_at += by_sec;
	bans->turn_at += by_sec;
	begin_chore(bans, by_sec, shift, on_shifted);
	ban_load_want_all(bans->load, now);
	ban_load_go_on(bans->load);
}
