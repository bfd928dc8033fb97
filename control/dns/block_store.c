// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/block_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/hash.h"
#include "control/list_file.h"

// An entry is ENTRY_BYTES and then its name as on the wire, without the root: flags, list, line
// (4), length. A slot has where it is, and half of its hash.
enum {
	ENTRY_BYTES = 7,
	FORM_MASK = 3,
	FLAG_EXCEPTION = 4,
	FLAG_IMPORTANT = 8,
	SLOTS_FIRST = 1024,
	BYTES_FIRST = 16384,
	CHUNK_BYTES = 256 << 10,
};

struct slot {
	uint32_t at; // of the entry, and 1; 0: free
	uint32_t tag;
};

struct block_store {
	struct slot *slots;
	uint32_t n, n_slots; // n_slots: a power of 2
	uint8_t *bytes;
	size_t n_bytes, room;
	uint64_t seed;
	struct block_counts counts[BLOCK_LISTS_MAX];
	char names[BLOCK_LISTS_MAX][CFG_WORD_MAX + 1];
};

struct block_store *block_store_new(void)
{
	struct block_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->slots = calloc(SLOTS_FIRST, sizeof(*store->slots));
	store->bytes = malloc(BYTES_FIRST);
	store->n_slots = SLOTS_FIRST;
	store->room = BYTES_FIRST;
	store->seed = hash_seed();
	if (store->slots != NULL && store->bytes != NULL)
		return store;
	block_store_free(store);
	return NULL;
}

void block_store_free(struct block_store *store)
{
	if (store == NULL)
		return;
	free(store->slots);
	free(store->bytes);
	free(store);
}

const struct block_counts *block_store_counts(const struct block_store *store, unsigned list)
{
	return &store->counts[list];
}

void block_store_set_name(struct block_store *store, unsigned list, const char *name)
{
	snprintf(store->names[list], sizeof(store->names[list]), "%s", name);
}

const char *block_store_name(const struct block_store *store, unsigned list)
{
	return store->names[list];
}

size_t block_store_bytes(const struct block_store *store)
{
	return sizeof(*store) + store->n_slots * sizeof(*store->slots) + store->room;
}

// --- growing ---

static int grow_slots(struct block_store *store)
{
	uint32_t n_slots = store->n_slots * 2;
	struct slot *slots = calloc(n_slots, sizeof(*slots));

	if (slots == NULL)
		return -ENOSPC;
	for (uint32_t i = 0; i < store->n_slots; i++) {
		const uint8_t *entry;
		uint32_t to;

		if (store->slots[i].at == 0)
			continue;
		entry = store->bytes + store->slots[i].at - 1;
		to = (uint32_t)hash_bytes(store->seed, entry + ENTRY_BYTES, entry[6]) &
		     (n_slots - 1);
		while (slots[to].at != 0)
			to = (to + 1) & (n_slots - 1);
		slots[to] = store->slots[i];
	}
	free(store->slots);
	store->slots = slots;
	store->n_slots = n_slots;
	return 0;
}

static int make_room(struct block_store *store, size_t n)
{
	size_t room = store->room;
	uint8_t *bytes;

	// three quarters full at most
	if (store->n >= BLOCK_RULES_MAX ||
		(store->n >= store->n_slots / 4 * 3 && grow_slots(store) != 0))
		return -ENOSPC;
	while (store->n_bytes + n > room)
		room += room / 2;
	if (room == store->room)
		return 0;
	bytes = room <= BLOCK_BYTES_MAX ? realloc(store->bytes, room) : NULL;
	if (bytes == NULL)
		return -ENOSPC;
	store->bytes = bytes;
	store->room = room;
	return 0;
}

void block_store_end(struct block_store *store)
{
	uint8_t *bytes = realloc(store->bytes, store->n_bytes + 1);

	if (bytes == NULL)
		return;
	store->bytes = bytes;
	store->room = store->n_bytes + 1;
}

// --- adding ---

static uint8_t flags_of(const struct block_rule *rule)
{
	return (uint8_t)(rule->form | (rule->is_exception ? FLAG_EXCEPTION : 0) |
			 (rule->is_important ? FLAG_IMPORTANT : 0));
}

static bool is_entry_of(const struct block_store *store, const struct slot *slot, uint64_t hash,
	const uint8_t *name, size_t len)
{
	const uint8_t *entry = store->bytes + slot->at - 1;

	return slot->tag == (uint32_t)(hash >> 32) && entry[6] == len &&
	       memcmp(entry + ENTRY_BYTES, name, len) == 0;
}

int block_store_add_rule(struct block_store *store, unsigned list, uint32_t line,
	const struct block_rule *rule, const struct dns_name *name)
{
	size_t len = name->len - 1u;
	uint8_t flags = flags_of(rule);
	uint64_t hash = hash_bytes(store->seed, name->bytes, len);
	uint8_t *entry;
	uint32_t i;

	if (make_room(store, ENTRY_BYTES + len) != 0)
		return -ENOSPC;
	for (i = (uint32_t)hash & (store->n_slots - 1); store->slots[i].at != 0;
		i = (i + 1) & (store->n_slots - 1)) {
		const uint8_t *there = store->bytes + store->slots[i].at - 1;

		if (there[0] == flags && there[1] == list &&
			is_entry_of(store, &store->slots[i], hash, name->bytes, len)) {
			store->counts[list].n_repeated++;
			return 0;
		}
	}
	entry = store->bytes + store->n_bytes;
	entry[0] = flags;
	entry[1] = (uint8_t)list;
	memcpy(entry + 2, &line, sizeof(line));
	entry[6] = (uint8_t)len;
	memcpy(entry + ENTRY_BYTES, name->bytes, len);
	store->slots[i] = (struct slot){(uint32_t)store->n_bytes + 1, (uint32_t)(hash >> 32)};
	store->n_bytes += ENTRY_BYTES + len;
	store->n++;
	if (rule->is_exception)
		store->counts[list].n_exceptions++;
	else
		store->counts[list].n_rules++;
	return 0;
}

int block_store_add_line(
	struct block_store *store, unsigned list, uint32_t line, const char *text, size_t len)
{
	struct block_names more;
	struct block_rule rule;
	struct dns_name name;
	enum block_line is = BLOCK_LINE_UNUSABLE;
	int rc = 0;

	if (len <= BLOCK_LINE_BYTES_MAX)
		is = block_rule_parse(text, len, &rule, &name, &more);
	else
		more = (struct block_names){.rest_len = 0};
	for (; is != BLOCK_LINE_EMPTY && rc == 0; is = block_rule_next(&more, &name)) {
		if (is == BLOCK_LINE_RULE)
			rc = block_store_add_rule(store, list, line, &rule, &name);
		else
			store->counts[list].n_unusable++;
	}
	return rc;
}

// --- a file ---

// Takes the whole lines of a chunk, or all of it when it is the last one. Returns how much of it.
static size_t add_chunk(struct block_store *store, unsigned list, const char *text, size_t n,
	bool is_last, int *number, int *rc)
{
	const char *newline = memrchr(text, '\n', n);
	size_t whole = is_last ? n : newline == NULL ? 0 : (size_t)(newline - text) + 1;
	struct list_lines lines = {.at = text, .end = text + whole, .number = *number};

	while (*rc == 0 && list_lines_next(&lines))
		*rc = block_store_add_line(
			store, list, (uint32_t)lines.number, lines.line, lines.len);
	*number = lines.number;
	// a line that fills the chunk is none: its parts count as lines that cannot be used
	return whole == 0 && n == CHUNK_BYTES ? n : whole;
}

int block_store_add_file(struct block_store *store, unsigned list, const char *path,
	const atomic_bool *stop, struct stat *st, struct error *err)
{
	int fd = list_file_open(path, BLOCK_FILE_BYTES_MAX, st, err);
	char *chunk = fd < 0 ? NULL : malloc(CHUNK_BYTES);
	size_t n = 0;
	int number = 0, rc = 0;
	long got;

	if (fd < 0)
		return -1;
	do {
		size_t taken;

		got = chunk == NULL ? -ENOMEM : list_file_read(fd, chunk + n, CHUNK_BYTES - n);
		if (got < 0) {
			error_set(err, "cannot be read: %s", strerror((int)-got));
			break;
		}
		n += (size_t)got;
		taken = add_chunk(store, list, chunk, n, got == 0, &number, &rc);
		n -= taken;
		memmove(chunk, chunk + taken, n);
	} while (got > 0 && rc == 0 && !(stop != NULL && atomic_load(stop)));
	free(chunk);
	close(fd);
	if (rc != 0)
		return error_set(err, "line %d: no room for more rules", number);
	return got < 0 ? -1 : 0;
}

// --- finding ---

// The greater, the more it counts.
static unsigned rank_of(uint8_t flags)
{
	return (flags & FLAG_IMPORTANT ? 2 : 0) + (flags & FLAG_EXCEPTION ? 1 : 0) + 1u;
}

static void take_entry(const uint8_t *entry, const struct dns_name *name, struct block_match *match)
{
	match->rule = (struct block_rule){.form = (enum block_form)(entry[0] & FORM_MASK),
		.is_exception = (entry[0] & FLAG_EXCEPTION) != 0,
		.is_important = (entry[0] & FLAG_IMPORTANT) != 0};
	match->name = *name;
	match->list = entry[1];
	memcpy(&match->line, entry + 2, sizeof(match->line));
}

bool block_store_find(const struct block_store *store, const struct dns_name *name, uint32_t lists,
	struct block_match *match)
{
	struct dns_name at = *name;
	unsigned best = 0;

	dns_name_lower(&at);
	for (bool is_itself = true; at.n_labels > 0 && lists != 0; is_itself = false) {
		uint64_t hash = hash_bytes(store->seed, at.bytes, at.len - 1u);

		for (uint32_t i = (uint32_t)hash & (store->n_slots - 1); store->slots[i].at != 0;
			i = (i + 1) & (store->n_slots - 1)) {
			const uint8_t *entry = store->bytes + store->slots[i].at - 1;

			if (!is_entry_of(store, &store->slots[i], hash, at.bytes, at.len - 1u) ||
				(lists >> entry[1] & 1) == 0 || rank_of(entry[0]) <= best ||
				(!is_itself && (entry[0] & FORM_MASK) == BLOCK_FORM_HOSTS))
				continue;
			best = rank_of(entry[0]);
			take_entry(entry, &at, match);
		}
		at = dns_name_without(&at, 1);
	}
	return best > 0;
}
