// SPDX-License-Identifier: BSD-3-Clause
// The files of block lists: read by a thread of their own, and again when somebody has changed one,
// so that questions never wait for it. A file that cannot be read leaves its list empty, and is
// logged. One loop's thread.
#pragma once

#include <event2/event.h>

#include "cfg/dns_local.h"
#include "control/dns/block_store.h"

struct block_lists;

// `use` is given new rules when there are some; after it has returned, those before are freed.
typedef void (*block_lists_fn)(void *ctx, const struct block_store *blocks);

struct block_lists *block_lists_new(
	struct event_base *base, block_lists_fn use, void *ctx); // NULL without memory
void block_lists_free(struct block_lists *lists); // `use` is not called; NULL is fine

// These are the lists now. What was read before stays in use until these are; the same files are
// not read again. 0, or -1 without memory.
int block_lists_set(struct block_lists *lists, const struct cfg_dns_local *config);

const struct block_store *block_lists_in_use(const struct block_lists *lists); // or NULL
