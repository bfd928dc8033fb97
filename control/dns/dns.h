// SPDX-License-Identifier: BSD-3-Clause
// The DNS forwarder. It runs on a thread and a loop of its own: whatever is asked of it, the
// control loop and the workers do not wait for it, and what is wanted of the thread is put into its
// box (dns_mail.h). A config comes into force by dns_change.h. Control thread, but for dns_free.
#pragma once

#include "cfg/dns.h"
#include "control/dns/cache.h"
#include "control/dns/dns_mail.h"
#include "control/dns/dns_stats.h"
#include "control/dns/upstream.h"

struct dns;
struct front;
struct listeners;
struct set_feed;

// What the thread works with; nobody else looks at it.
struct dns_parts {
	struct event_base *base;
	struct front *front;
	struct listeners *listeners;
	struct dns_stats stats;
};

// It listens nowhere yet. `feed` is borrowed, or NULL. NULL with the reason.
struct dns *dns_new(struct set_feed *feed, struct error *err);
// Waits for its thread, which has much to free. Any thread; NULL is fine.
void dns_free(struct dns *dns);

// Has the thread do it between two questions.
void dns_put(struct dns *dns, struct dns_wish *wish);

struct dns_upstream_state {
	char name[UPSTREAM_NAME_BYTES];
	char domain[CFG_DNS_NAME_BYTES_MAX + 1]; // "": for all names
	struct upstream_counts counts;
	bool has_cookies; // it has shown that it knows them
	uint32_t rtt_us;
	unsigned n_failures;
};

struct dns_listen_state {
	char name[16];
	bool is_open;
};

enum { DNS_STATE_UPSTREAMS_MAX = 128 };

// A copy; it is large.
struct dns_state {
	struct dns_stats stats; // but for its lock
	struct cache_counts cache;
	unsigned under_way;
	struct dns_listen_state listen[CFG_DNS_LISTEN_MAX];
	unsigned n_listen;
	struct dns_upstream_state upstreams[DNS_STATE_UPSTREAMS_MAX];
	unsigned n_upstreams;
};

// A wish: fills the struct dns_state that is its context.
void dns_tell_state(struct dns_parts *parts, void *state);
