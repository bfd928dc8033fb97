// SPDX-License-Identifier: BSD-3-Clause
// Who may not ask for what: the entries of `blocking` of a config, each for its clients. Pure. One
// thread.
#pragma once

#include "cfg/dns.h"
#include "control/dns/block_store.h"

struct dns_blocking;
struct dns_names;

// NULL without memory.
// `names` is borrowed, or NULL.
struct dns_blocking *dns_blocking_new(const struct cfg_dns_local *config, struct dns_names *names);
void dns_blocking_free(struct dns_blocking *blocking);

// Which entry is for a client, and what of its `clients` says so.
struct dns_blocking_view {
	uint16_t number; // from 1; 0: none
	const char *by;	 // "": it is for everybody
	bool is_unsure;	 // another entry may be: its card is not known yet, for want of an answer
};

// `now_sec` is clock_now_ms's.
struct dns_blocking_view dns_blocking_view(
	const struct dns_blocking *blocking, const struct ip_addr *client, uint32_t now_sec);

// From now on its entries' lists are those of this store, by their names; NULL: there are none.
void dns_blocking_use(struct dns_blocking *blocking, const struct block_store *blocks);

struct dns_blocked {
	enum cfg_dns_block_answer answer;
	const char *list; // its name in the config; NULL: the entry's own `names`
	struct block_match match;
};

// Whether that name is blocked for those of the view.
bool dns_blocking_find(const struct dns_blocking *blocking, unsigned view,
	const struct dns_name *name, struct dns_blocked *out);
