// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/blocking.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/dns/blocking_clients.h"

struct entry {
	struct blocking_client *clients;
	unsigned n_clients;
	char (*list_names)[CFG_WORD_MAX + 1];
	unsigned n_lists;
	uint32_t lists; // bits: those of the store in use
	enum cfg_dns_block_answer answer;
	struct block_store *own; // its `allow` and `names`; NULL: it has none
};

struct dns_blocking {
	struct dns_names *names; // or NULL
	struct entry *entries;
	unsigned n;
	const struct block_store *blocks; // or NULL
};

static int add_own(struct entry *entry, const struct cfg_names *names, bool is_exception)
{
	const struct block_rule rule = {
		.form = BLOCK_FORM_DOMAIN, .is_exception = is_exception, .is_important = true};

	for (unsigned i = 0; i < names->n; i++) {
		struct dns_name name;

		if (dns_name_parse(names->names[i], &name) != 0)
			continue;
		dns_name_lower(&name);
		if (block_store_add_rule(entry->own, 0, 0, &rule, &name) != 0)
			return -1;
	}
	return 0;
}

static int make_entry(const struct cfg_dns_blocking *from, struct entry *entry)
{
	entry->clients = calloc(from->n_clients + 1u, sizeof(*entry->clients));
	if (entry->clients == NULL)
		return -1;
	for (; entry->n_clients < from->n_clients; entry->n_clients++)
		blocking_client_init(
			&entry->clients[entry->n_clients], from->clients[entry->n_clients]);
	entry->answer = from->answer;
	entry->list_names = calloc(from->n_lists + 1u, sizeof(*entry->list_names));
	if (entry->list_names == NULL)
		return -1;
	for (; entry->n_lists < from->n_lists; entry->n_lists++)
		snprintf(entry->list_names[entry->n_lists], sizeof(*entry->list_names), "%s",
			from->lists[entry->n_lists]);
	if (from->allow.n + from->names.n == 0)
		return 0;
	entry->own = block_store_new();
	if (entry->own == NULL || add_own(entry, &from->allow, true) != 0 ||
		add_own(entry, &from->names, false) != 0)
		return -1;
	block_store_end(entry->own);
	return 0;
}

struct dns_blocking *dns_blocking_new(const struct cfg_dns_local *config, struct dns_names *names)
{
	struct dns_blocking *blocking = calloc(1, sizeof(*blocking));

	if (blocking == NULL)
		return NULL;
	blocking->names = names;
	blocking->entries = calloc(config->n_blocking + 1, sizeof(*blocking->entries));
	if (blocking->entries == NULL)
		goto fail;
	for (unsigned i = 0; i < config->n_blocking; i++) {
		blocking->n++;
		if (make_entry(&config->blocking[i], &blocking->entries[i]) != 0)
			goto fail;
	}
	return blocking;
fail:
	dns_blocking_free(blocking);
	return NULL;
}

void dns_blocking_free(struct dns_blocking *blocking)
{
	if (blocking == NULL)
		return;
	for (unsigned i = 0; i < blocking->n; i++) {
		block_store_free(blocking->entries[i].own);
		free(blocking->entries[i].list_names);
		free(blocking->entries[i].clients);
	}
	free(blocking->entries);
	free(blocking);
}

static uint32_t bits_of(const struct entry *entry, const struct block_store *blocks)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < entry->n_lists; i++)
		for (unsigned list = 0; list < BLOCK_LISTS_MAX; list++)
			if (strcmp(entry->list_names[i], block_store_name(blocks, list)) == 0)
				bits |= UINT32_C(1) << list;
	return bits;
}

void dns_blocking_use(struct dns_blocking *blocking, const struct block_store *blocks)
{
	blocking->blocks = blocks;
	for (unsigned i = 0; i < blocking->n; i++)
		blocking->entries[i].lists =
			blocks == NULL ? 0 : bits_of(&blocking->entries[i], blocks);
}

static bool is_for(const struct entry *entry, struct blocking_who *who, const char **by)
{
	*by = "";
	for (unsigned i = 0; i < entry->n_clients; i++)
		if (blocking_client_is(&entry->clients[i], who)) {
			*by = entry->clients[i].text;
			return true;
		}
	return entry->n_clients == 0;
}

struct dns_blocking_view dns_blocking_view(
	const struct dns_blocking *blocking, const struct ip_addr *client, uint32_t now_sec)
{
	struct dns_blocking_view view = {.by = ""};
	struct blocking_who who;

	who.addr = client;
	who.names = blocking->names;
	who.now_sec = now_sec;
	who.is_looked_up = who.is_unsure = false; // the rest is not read before it is looked up
	for (unsigned i = 0; i < blocking->n && view.number == 0; i++)
		if (is_for(&blocking->entries[i], &who, &view.by))
			view.number = (uint16_t)(i + 1);
	if (view.number == 0)
		view.by = "";
	view.is_unsure = who.is_unsure;
	return view;
}

bool dns_blocking_find(const struct dns_blocking *blocking, unsigned view,
	const struct dns_name *name, struct dns_blocked *out)
{
	const struct entry *entry;

	if (view == 0)
		return false;
	entry = &blocking->entries[view - 1];
	out->answer = entry->answer;
	out->list = NULL;
	// What the config says itself decides.
	if (entry->own != NULL && block_store_find(entry->own, name, 1, &out->match))
		return !out->match.rule.is_exception;
	if (blocking->blocks == NULL ||
		!block_store_find(blocking->blocks, name, entry->lists, &out->match))
		return false;
	out->list = block_store_name(blocking->blocks, out->match.list);
	return !out->match.rule.is_exception;
}
