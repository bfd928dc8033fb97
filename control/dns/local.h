// SPDX-License-Identifier: BSD-3-Clause
// What is answered without asking anybody: records and zones of the config, names of leases,
// special names, what is blocked for whom; and which answers from outside are not believed. No
// I/O. Built once from a config, then read by one thread, which may give it other block lists.
#pragma once

#include "cfg/dns.h"
#include "control/dns/blocking.h"
#include "control/dns/dns_answer.h"
#include "control/dns/names.h"

struct dns_local;
struct mdns_nets;

enum dns_local_verdict {
	DNS_LOCAL_GO_ON = 0, // somebody else is to be asked
	DNS_LOCAL_ANSWERED,
	DNS_LOCAL_BLOCKED, // answered too, as the config wants it
	DNS_LOCAL_LINK,	   // hosts on the links are to be asked
	// Answered with an alias that leads out of here: `target` is to be asked, as if the client
	// had asked for it, and what comes put behind the alias.
	DNS_LOCAL_ALIAS,
};

enum dns_local_stage { // who decided
	DNS_STAGE_NONE = 0,
	DNS_STAGE_RECORDS, // of the config
	DNS_STAGE_ZONE,
	DNS_STAGE_NAMES, // leases, reservations
	DNS_STAGE_SPECIAL,
	DNS_STAGE_BLOCKING,
	DNS_STAGE_LINK,
	DNS_STAGES,
};

enum {
	DNS_WHY_BYTES = 400,
	DNS_LOCAL_TTL_SEC = 60, // of what is not there or blocked: that may change
};

struct dns_local_result {
	enum dns_local_verdict verdict;
	enum dns_local_stage stage;
	enum dns_rcode rcode;
	size_t n;		 // bytes of the answer
	struct dns_name target;	 // of DNS_LOCAL_ALIAS
	uint16_t view;		 // of who asks, unless it is known here
	bool is_unsure;		 // whether that is its view, as dns_blocking_view has it
	bool may_be_private;	 // DNS_LOCAL_GO_ON: rebind protection is not for this name
	char why[DNS_WHY_BYTES]; // a sentence; of DNS_LOCAL_GO_ON what lets it pass, or empty
};

// `names` is borrowed and may be NULL. `config` is only read here. NULL with the reason.
struct dns_local *dns_local_new(
	const struct cfg_dns *config, struct dns_names *names, struct error *err);
void dns_local_free(struct dns_local *local); // NULL is fine

// From now on these rules are those of the config's lists, by their names. Borrowed until there are
// others; NULL: none. In the thread that asks.
void dns_local_use_blocks(struct dns_local *local, const struct block_store *blocks);

// The networks of the links, whose addresses are asked for there too. Borrowed; NULL: none.
void dns_local_use_nets(struct dns_local *local, const struct mdns_nets *nets);
// Whether hosts on the links are to be asked for a name that is not known here.
bool dns_local_asks_link(const struct dns_local *local, const struct dns_name *name);

// Judges a parsed query with one question of class IN. The answer goes to `out`, at most `room`
// bytes (at least DNS_UDP_BYTES). `now_sec` is clock_now_ms's.
void dns_local_answer(const struct dns_local *local, const struct dns_message *query,
	const struct ip_addr *client, uint32_t now_sec, void *out, size_t room,
	struct dns_local_result *result);

// Clients with the same number get the same answers to the same questions: a cache's key.
struct dns_blocking_view dns_local_view(
	const struct dns_local *local, const struct ip_addr *client, uint32_t now_sec);

// Whether a client of whom it is not sure which view it has is to come again, by TCP: what is sent
// to it makes its card known.
bool dns_local_may_wait(
	const struct dns_local *local, const struct ip_addr *client, uint32_t now_sec);

// An answer from outside that leads into a network of ours is not believed (rebinding): false, and
// in `why` which address. What is below the config's exempt domains is.
bool dns_local_allows(
	const struct dns_local *local, const struct dns_message *response, char why[DNS_WHY_BYTES]);
// What is answered instead: nothing, and why.
size_t dns_local_write_refusal(
	const struct dns_message *query, const char *why, void *out, size_t room);

const char *dns_local_stage_name(enum dns_local_stage stage); // "records"
