// SPDX-License-Identifier: BSD-3-Clause
// The rules of all block lists, packed: a million names in less than 50 MiB, each with its list and
// its line, so that why something is blocked is known to the letter. Filled by one thread, then
// never changed, and read by any.
#pragma once

#include <stdatomic.h>
#include <sys/stat.h>

#include "cfg/base/error.h"
#include "cfg/firewall.h"
#include "control/dns/block_rule.h"

enum {
	BLOCK_LISTS_MAX = 32,
	BLOCK_RULES_MAX = 8 << 20,
	BLOCK_BYTES_MAX = 512 << 20,
	BLOCK_FILE_BYTES_MAX = 256 << 20,
	BLOCK_LINE_BYTES_MAX = 4096, // of a longer line nothing is used
};

struct block_counts {
	uint32_t n_rules, n_exceptions;
	uint32_t n_unusable; // lines, or names of a line of hosts
	uint32_t n_repeated; // rules that the list has already
};

struct block_store;

struct block_store *block_store_new(void); // NULL without memory
void block_store_free(struct block_store *store);

// One line of the list of that number. 0, or -ENOSPC: there is no room for more.
int block_store_add_line(
	struct block_store *store, unsigned list, uint32_t line, const char *text, size_t len);
int block_store_add_rule(struct block_store *store, unsigned list, uint32_t line,
	const struct block_rule *rule, const struct dns_name *name);
// All lines of a file, unless somebody sets `stop` meanwhile. 0, or -1 with the reason; what was
// taken before it stays. `st` is what the file was.
int block_store_add_file(struct block_store *store, unsigned list, const char *path,
	const atomic_bool *stop, struct stat *st, struct error *err);
// Gives back the memory that it did not come to need.
void block_store_end(struct block_store *store);
// What the list of that number is called: whoever reads asks for lists by their names.
void block_store_set_name(struct block_store *store, unsigned list, const char *name);
const char *block_store_name(
	const struct block_store *store, unsigned list); // "" where it has none

const struct block_counts *block_store_counts(const struct block_store *store, unsigned list);
size_t block_store_bytes(const struct block_store *store); // of memory

struct block_match {
	struct block_rule rule;
	struct dns_name name; // the rule's, which the name asked for is or is below
	unsigned list;
	uint32_t line;
};

// What decides about a name among the lists whose bits are set: what is important, then what lets
// pass, then what blocks; of several of these the longest name. False: none.
bool block_store_find(const struct block_store *store, const struct dns_name *name, uint32_t lists,
	struct block_match *match);
