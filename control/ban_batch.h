// SPDX-License-Identifier: BSD-3-Clause
// What goes into the state file in one commit: what people have asked for since the last one, in
// their order, then what rules have noted. Begun by the control thread, run by the state file's.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cfg/base/error.h"
#include "control/ban_queue.h"
#include "control/ban_store.h"
#include "control/timed_sets.h"

// Somebody asks for one prefix to be in a set until then, or to be out of it. The workers have it
// at once; this is how whoever asked waits for the disk.
struct ban_asked {
	TAILQ_ENTRY(ban_asked) place;
	char set[CFG_WORD_MAX + 1];
	uint16_t timed;
	struct ip_prefix prefix; // without host bits
	int64_t ends_at;
	bool is_removal;
	bool was_there;	     // a removal: the workers had it
	bool was_kept;	     // a removal: the file had it
	bool is_done;	     // it is on the disk, or `unkept` has why it is not
	bool is_left;	     // nobody waits for it any more
	struct error unkept; // no text: it is kept
};
TAILQ_HEAD(ban_asked_list, ban_asked);

struct ban_batch {
	struct ban_store *store;
	struct timed_sets sets; // as they were when it was begun
	struct ban_asked_list asked;
	struct ban_queue *queue; // that nothing is put into meanwhile
	int rc;
	struct error err;
};

// In one commit; batch->rc and batch->err say what became of it.
void ban_batch_run(struct ban_batch *batch);
