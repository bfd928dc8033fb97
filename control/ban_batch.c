// SPDX-License-Identifier: BSD-3-Clause
#include "control/ban_batch.h"

enum {
	// A rule's entry that is made again is written again when it ends this much later: a power
	// cut takes that from it at most.
	SLACK_MAX_SEC = 60,
	SLACK_PART = 8, // of how long it lasts
};

static int write_asked(struct ban_store *store, struct ban_asked *asked, struct error *err)
{
	struct ban_entry entry = {asked->set, asked->prefix, asked->ends_at};

	if (asked->is_removal)
		return ban_store_delete(store, asked->set, &asked->prefix, &asked->was_kept, err);
	return ban_store_put(store, &entry, true, 0, err);
}

static uint32_t slack_of(uint32_t for_sec)
{
	return for_sec / SLACK_PART < SLACK_MAX_SEC ? for_sec / SLACK_PART : SLACK_MAX_SEC;
}

static int write_note(struct ban_batch *batch, const struct ban_note *note, struct error *err)
{
	struct ban_entry entry = {
		.set = batch->sets.list[note->timed].name,
		.prefix = note->prefix,
		.ends_at = note->ends_at,
	};

	if (note->is_cancelled)
		return 0;
	return ban_store_put(batch->store, &entry, false, slack_of(note->for_sec), err);
}

// What somebody asks for cancels what was noted before: a note that is left is the later one.
static int write_all(struct ban_batch *batch)
{
	struct ban_asked *asked;

	TAILQ_FOREACH(asked, &batch->asked, place)
	if (write_asked(batch->store, asked, &batch->err) != 0)
		return -1;
	for (unsigned i = 0; i < batch->queue->n; i++)
		if (write_note(batch, &batch->queue->list[i], &batch->err) != 0)
			return -1;
	return 0;
}

void ban_batch_run(struct ban_batch *batch)
{
	batch->rc = ban_store_begin(batch->store, &batch->err);
	if (batch->rc != 0)
		return;
	batch->rc = write_all(batch);
	if (batch->rc == 0)
		batch->rc = ban_store_commit(batch->store, &batch->err);
	else
		ban_store_rollback(batch->store);
}
