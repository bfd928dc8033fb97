// SPDX-License-Identifier: BSD-3-Clause
// The name servers and search domains that uplinks were told of, by DHCP for one: who tells writes
// here, who resolves reads here and hears of changes. One entry for each uplink and each way it was
// told by. Control thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/addr.h"
#include "cfg/config.h"

enum {
	LEARNED_DNS_SERVERS_MAX = 8,
	LEARNED_DNS_DOMAINS_MAX = 8,
	LEARNED_DNS_DOMAIN_BYTES = 256,
	LEARNED_DNS_LISTENERS_MAX = 4,
	LEARNED_DNS_MAX = 2 * CFG_INTERFACES_MAX,
};

struct learned_dns_entry {
	char interface[CFG_NAME_MAX + 1];
	char by[8];    // "dhcp4"
	uint32_t rank; // of several uplinks the lowest goes first: the metric of its routes, or
		       // what learned_dns_rank says
	uint32_t told_rank; // as it was set
	bool is_of_uplink;  // whose condition decides: its servers are asked by it alone
	struct ip_addr servers[LEARNED_DNS_SERVERS_MAX];
	unsigned n_servers;
	char domains[LEARNED_DNS_DOMAINS_MAX][LEARNED_DNS_DOMAIN_BYTES];
	unsigned n_domains;
};

typedef void (*learned_dns_fn)(void *ctx);

// Zeroed is empty. About 5 KiB an entry: they are allocated as they come.
struct learned_dns {
	struct learned_dns_entry *list[LEARNED_DNS_MAX]; // the lowest rank first
	unsigned n;
	struct learned_dns_listener {
		learned_dns_fn fn;
		void *ctx;
	} listeners[LEARNED_DNS_LISTENERS_MAX];
	unsigned n_listeners;
	uint64_t n_changes;
	struct learned_dns_rank {
		char interface[CFG_NAME_MAX + 1];
		uint32_t rank;
	} ranks[CFG_UPLINKS_MAX]; // of interfaces whose uplink's condition decides
	unsigned n_ranks;
};

enum { LEARNED_DNS_AS_TOLD = UINT32_MAX };

void learned_dns_fini(struct learned_dns *learned);
// For another thread, without listeners; `to` is to be ended too. 0 or -ENOMEM.
int learned_dns_copy(struct learned_dns *to, const struct learned_dns *from);

// Takes the place of what that interface was told the same way. Without servers and domains it is
// forgotten. Listeners hear of it only when something is different. 0 or -ENOMEM, -ENOSPC.
int learned_dns_set(struct learned_dns *learned, const struct learned_dns_entry *entry);
void learned_dns_forget(struct learned_dns *learned, const char *interface, const char *by);

// The place of what is told by that interface, now and from now on, or LEARNED_DNS_AS_TOLD.
// Listeners hear of it when that changes something. -ENOSPC: of too many interfaces.
int learned_dns_rank(struct learned_dns *learned, const char *interface, uint32_t rank);

// `fn` is called after each change, from within it. 0 or -ENOSPC.
int learned_dns_listen(struct learned_dns *learned, learned_dns_fn fn, void *ctx);
