// SPDX-License-Identifier: BSD-3-Clause
#include "control/bans.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"

enum {
	WALK_PER_TURN = 2048,
	PURGE_PER_MINUTE = 4096,
	// Ended entries stay in the file for a day: a clock that was wrong may be set right.
	PURGE_AFTER_SEC = 86400,
	// A rule's entry that is made again is written again when it ends this much later: a power
	// cut takes that from it at most.
	SLACK_MAX_SEC = 60,
	SLACK_PART = 8,	  // of how long it lasts
	RETRY_TURNS = 40, // a full disk is asked every ten seconds
};

static int64_t end_of(uint32_t for_sec, int64_t now)
{
	return for_sec == DP_FOREVER ? BAN_FOREVER : now + for_sec;
}

static uint32_t left_until(int64_t ends_at, int64_t now)
{
	int64_t left = ends_at - now;

	if (left <= 0)
		return 0;
	return ends_at == BAN_FOREVER || left >= DP_FOREVER ? DP_FOREVER : (uint32_t)left;
}

// --- from the file to the workers ---

struct load {
	struct bans *bans;
	uint16_t timed;
	int64_t now;
	unsigned n, n_refused;
};

static void load_entry(void *ctx, const struct ban_entry *entry)
{
	struct load *load = ctx;
	struct dp_timed_entry to = {
		.prefix = entry->prefix, .left_sec = left_until(entry->ends_at, load->now)};

	if (to.left_sec == 0)
		dataplane_timed_delete(load->bans->dp, load->timed, &to.prefix);
	else if (dataplane_timed_add(load->bans->dp, load->timed, &to, true) == 0)
		load->n++;
	else
		load->n_refused++;
}

static void load_set(struct bans *bans, uint16_t timed, int64_t now)
{
	struct load load = {.bans = bans, .timed = timed, .now = now};
	const char *name = bans->sets.list[timed].name;
	struct error err;

	if (bans->store == NULL)
		return;
	if (ban_store_each(bans->store, name, load_entry, &load, &err) != 0)
		log_error("firewall", "set %s: %s", name, err.text);
	if (load.n > 0)
		log_info("firewall", "set %s: %u entries from before", name, load.n);
	if (load.n_refused > 0)
		log_warning("firewall", "set %s: no room for %u entries from before", name,
			load.n_refused);
}

static void load_sets(struct bans *bans, int64_t now)
{
	for (unsigned i = 0; i < bans->sets.n; i++)
		load_set(bans, (uint16_t)i, now);
}

int bans_open(struct bans *bans, const struct config *config, sqlite3 *state, struct dataplane *dp,
	int64_t now, struct error *err)
{
	struct error why = {0};

	*bans = (struct bans){.dp = dp};
	ban_queue_init(&bans->queue);
	if (timed_sets_open(&bans->sets, config, dp, err) != 0)
		return -1;
	if (state != NULL) {
		bans->store = ban_store_open(state, &why);
		if (bans->store == NULL)
			log_error("firewall", "%s", why.text);
	}
	if (bans->store == NULL && bans->sets.n > 0)
		log_error("firewall",
			"without a state file, sets with a timeout begin empty and are not kept");
	load_sets(bans, now);
	return 0;
}

int bans_follow(struct bans *bans, const struct config *config, int64_t now, struct error *err)
{
	unsigned had = bans->sets.n;

	if (timed_sets_open(&bans->sets, config, bans->dp, err) != 0)
		return -1;
	for (unsigned i = had; i < bans->sets.n; i++)
		load_set(bans, (uint16_t)i, now);
	return 0;
}

// --- what people ask for ---

int bans_add(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now, struct error *unkept, struct error *err)
{
	const char *name = bans->sets.list[timed].name;
	struct dp_timed_entry entry = {.prefix = ip_prefix_network(prefix), .left_sec = for_sec};
	struct ban_entry kept = {name, entry.prefix, end_of(for_sec, now)};
	int rc = dataplane_timed_add(bans->dp, timed, &entry, true);

	unkept->text[0] = '\0';
	if (rc == -ENOSPC)
		return error_set(err, "the set %s is full: it has room for %u", name,
			bans->sets.list[timed].capacity);
	if (rc != 0)
		return error_set(err, "the workers do not take it: %s", strerror(-rc));
	ban_queue_cancel(&bans->queue, timed, &entry.prefix);
	if (bans->store == NULL)
		error_set(unkept, "there is no state file");
	else
		ban_store_put(bans->store, &kept, true, 0, unkept);
	return 0;
}

// Of a larger prefix that has this one in it.
static bool find_around(
	struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, struct ip_prefix *around)
{
	struct dp_timed_entry entry;
	uint32_t cursor = 0;

	while (dataplane_timed_next(bans->dp, timed, &cursor, &entry)) {
		*around = entry.prefix;
		if (around->len < prefix->len && ip_prefix_contains(around, &prefix->addr))
			return true;
	}
	return false;
}

int bans_remove(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix,
	struct error *unkept, struct error *err)
{
	const char *name = bans->sets.list[timed].name;
	struct ip_prefix network = ip_prefix_network(prefix), around;
	char text[ADDR_STR_BYTES], around_text[ADDR_STR_BYTES];
	bool was_kept = false;
	int rc = dataplane_timed_delete(bans->dp, timed, &network);

	unkept->text[0] = '\0';
	if (rc != 0 && rc != -ENOENT)
		return error_set(err, "the workers do not take it: %s", strerror(-rc));
	ban_queue_cancel(&bans->queue, timed, &network);
	if (bans->store != NULL)
		ban_store_delete(bans->store, name, &network, &was_kept, unkept);
	if (rc == 0 || was_kept || unkept->text[0] != '\0')
		return 0;
	ip_prefix_str(&network, text);
	if (find_around(bans, timed, &network, &around))
		return error_set(err, "%s is in the set %s as part of %s: take that out", text,
			name, ip_prefix_str(&around, around_text));
	return error_set(err, "%s is not in the set %s", text, name);
}

// --- what rules ask for ---

void bans_note(struct bans *bans, uint16_t timed, const struct ip_prefix *prefix, uint32_t for_sec,
	int64_t now)
{
	struct dp_timed_entry entry = {.prefix = *prefix, .left_sec = for_sec};
	struct ban_note note = {.prefix = *prefix,
		.timed = timed,
		.for_sec = for_sec,
		.ends_at = end_of(for_sec, now)};

	// A change of a set lets the workers judge every flow again: not for what they have
	// already.
	if (timed >= bans->sets.n || ban_queue_has(&bans->queue, &note))
		return;
	if (dataplane_timed_add(bans->dp, timed, &entry, false) != 0)
		bans->n_refused[timed]++;
	else if (bans->store != NULL && !ban_queue_put(&bans->queue, &note))
		bans->is_behind[timed] = true;
}

static uint32_t slack_of(uint32_t for_sec)
{
	return for_sec / SLACK_PART < SLACK_MAX_SEC ? for_sec / SLACK_PART : SLACK_MAX_SEC;
}

static int write_queue(struct bans *bans, struct error *err)
{
	for (unsigned i = 0; i < bans->queue.n; i++) {
		const struct ban_note *note = &bans->queue.list[i];
		struct ban_entry entry = {
			.set = bans->sets.list[note->timed].name,
			.prefix = note->prefix,
			.ends_at = note->ends_at,
		};

		if (note->is_cancelled)
			continue;
		if (ban_store_put(bans->store, &entry, false, slack_of(note->for_sec), err) != 0)
			return -1;
	}
	return 0;
}

// A part of one set that is behind, from what the workers have of it.
static int write_walked(struct bans *bans, int64_t now, struct error *err)
{
	uint16_t timed = bans->walked_set;
	struct dp_timed_entry from;

	for (unsigned i = 0; i < WALK_PER_TURN; i++) {
		struct ban_entry entry = {.set = bans->sets.list[timed].name};

		if (!dataplane_timed_next(bans->dp, timed, &bans->walked, &from)) {
			bans->walked = 0;
			bans->is_behind[timed] = false;
			return 0;
		}
		entry.prefix = from.prefix;
		entry.ends_at = end_of(from.left_sec, now);
		if (from.left_sec > 0 &&
			ban_store_put(bans->store, &entry, false, SLACK_MAX_SEC, err) != 0)
			return -1;
	}
	return 0;
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

// Nothing of this turn is in the file.
static void turn_failed(struct bans *bans, bool was_queue, const struct error *err)
{
	if (!bans->is_failing)
		log_error("firewall", "what rules add to sets is not kept: %s", err->text);
	bans->is_failing = true;
	bans->wait_turns = RETRY_TURNS;
	for (unsigned i = 0; was_queue && i < bans->queue.n; i++)
		bans->is_behind[bans->queue.list[i].timed] = true;
	if (!was_queue)
		bans->is_behind[bans->walked_set] = true;
	bans->walked = 0;
}

bool bans_turn(struct bans *bans, int64_t now)
{
	bool has_queued = bans->queue.n > 0;
	struct error err = {0};
	int rc;

	if (bans->store == NULL || (!has_queued && !find_behind(bans)))
		return false;
	if (bans->wait_turns > 0) {
		bans->wait_turns--;
		return false;
	}
	rc = ban_store_begin(bans->store, &err);
	if (rc == 0) {
		rc = has_queued ? write_queue(bans, &err) : write_walked(bans, now, &err);
		if (ban_store_commit(bans->store, rc == 0 ? &err : NULL) != 0)
			rc = -1;
	}
	if (rc != 0)
		turn_failed(bans, has_queued, &err);
	ban_queue_clear(&bans->queue);
	if (rc == 0 && bans->is_failing && !find_behind(bans)) {
		log_info("firewall", "what rules add to sets is kept again");
		bans->is_failing = false;
	}
	return true;
}

// --- housekeeping ---

static void log_refused(struct bans *bans)
{
	for (unsigned i = 0; i < bans->sets.n; i++) {
		uint64_t n = bans->n_refused[i] - bans->n_refused_logged[i];

		if (n > 0)
			log_warning("firewall",
				"set %s is full: %" PRIu64 " additions by rules were refused",
				bans->sets.list[i].name, n);
		bans->n_refused_logged[i] = bans->n_refused[i];
	}
}

void bans_every_minute(struct bans *bans, int64_t now)
{
	struct error err;

	log_refused(bans);
	if (bans->store != NULL &&
		ban_store_purge(bans->store, now - PURGE_AFTER_SEC, PURGE_PER_MINUTE, &err) != 0)
		log_error("firewall", "%s", err.text);
}

// What earlier runs wrote is right in the file, and was counted down from a wrong time. What this
// one wrote is put right there first.
void bans_clock_jumped(struct bans *bans, int64_t by_sec, int64_t now)
{
	struct error err;

	for (unsigned i = 0; i < bans->queue.n; i++)
		if (bans->queue.list[i].ends_at != BAN_FOREVER)
			bans->queue.list[i].ends_at += by_sec;
	if (bans->store == NULL)
		return;
	if (ban_store_shift(bans->store, by_sec, &err) != 0)
		log_error("firewall", "%s", err.text);
	load_sets(bans, now);
}

void bans_close(struct bans *bans, int64_t now)
{
	bans->wait_turns = 0; // the last try
	while (bans_turn(bans, now))
		;
	ban_store_close(bans->store);
	*bans = (struct bans){0};
}
