// SPDX-License-Identifier: BSD-3-Clause
// What the forwarder has counted: questions by type and transport, answers by code, how long they
// took, who asks most. The DNS thread holds the lock while it works on what has come in, others
// while they read. Times in microseconds.
#pragma once

#include <pthread.h>

#include "control/dns/dns_message.h"

enum {
	DNS_STATS_CODES = 16,
	DNS_STATS_TYPES = 64,	  // each with its own count, others together
	DNS_STATS_CLIENTS = 1024, // who has asked least goes first
	DNS_STATS_TIMES = 24,	  // the i-th: below 2^i us
};

enum dns_count {
	DNS_COUNT_UDP = 0,
	DNS_COUNT_TCP,
	DNS_COUNT_HITS,
	DNS_COUNT_STALE,
	DNS_COUNT_LOCAL,
	DNS_COUNT_BLOCKED,
	DNS_COUNT_BLOCKED_ALIAS, // of those, by what their answer leads to
	DNS_COUNT_REBIND,
	DNS_COUNT_RESOLVED,
	DNS_COUNT_JOINED, // somebody else had asked the same just before
	DNS_COUNT_PREFETCHED,
	DNS_COUNT_CUT,
	DNS_COUNT_COOKIE_VALID, // of questions: it was from here
	DNS_COUNT_COOKIE_NEW,	// the client has none of ours yet
	DNS_COUNT_COOKIE_BAD,	// not from here, old, or of another address
	DNS_COUNT_COOKIE_ASKED, // beyond the rate: to come again with the cookie (BADCOOKIE)
	DNS_COUNT_CUT_UNSURE,	// the client's card was not known yet, and `blocking` asks for it
	DNS_COUNT_REFUSED_ACCESS,
	DNS_COUNT_DROP_MALFORMED,
	DNS_COUNT_DROP_RATE,
	DNS_COUNT_DROP_FULL,
	DNS_COUNT_DROP_SEND,
	DNS_COUNT_DROP_SETS, // the control loop was too late with the address
	DNS_COUNT_DROP_CONNECTIONS,
	DNS_COUNT_MDNS_ASKED,
	DNS_COUNT_DROP_MDNS_RATE,
	DNS_COUNT_DROP_MDNS_OFF_LINK, // said by who is not on the link
	DNS_COUNT_FAILED,
	DNS_COUNT_BOGUS,
	DNS_COUNTS,
};

struct dns_client_count {
	struct ip_addr addr;
	uint64_t queries;
};

struct dns_times {
	uint64_t n, sum_us;
	uint64_t below[DNS_STATS_TIMES]; // not cumulative
};

struct dns_stats {
	pthread_mutex_t lock;
	uint64_t counts[DNS_COUNTS];
	uint64_t codes[DNS_STATS_CODES];
	struct {
		uint16_t type;
		uint64_t n;
	} types[DNS_STATS_TYPES];
	uint64_t other_types;
	struct dns_times hit_times, resolved_times;
	struct dns_client_count clients[DNS_STATS_CLIENTS];
	uint64_t seed;
};

void dns_stats_init(struct dns_stats *stats);
void dns_stats_fini(struct dns_stats *stats);

// All below: with the lock.
static inline void dns_stats_count(struct dns_stats *stats, enum dns_count what)
{
	stats->counts[what]++;
}
void dns_stats_query(struct dns_stats *stats, uint16_t type, const struct ip_addr *client);
void dns_stats_time(struct dns_times *times, uint64_t us);
// The bound that this many of a thousand took no longer than.
uint64_t dns_times_at(const struct dns_times *times, unsigned permille);

const char *dns_count_name(enum dns_count what); // "drop_malformed"
