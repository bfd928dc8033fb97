// SPDX-License-Identifier: BSD-3-Clause
// The DNS forwarder. It runs on a thread and a loop of its own: whatever is asked of it, the
// control loop and the workers do not wait for it. Control thread.
#pragma once

#include "cfg/dns.h"
#include "control/dns/cache.h"
#include "control/dns/dns_stats.h"
#include "control/dns/upstream.h"

struct dns;
struct dns_names;
struct learned_dns;
struct set_feed;

// It does as this config says, beside what is under way by the one before; without `dns` in the
// config it ends. What is `learned` is read now: it is called again when that changes. `names` of
// leases are borrowed. Both may be NULL. `*dns` is NULL as long as none runs. 0, or -1 with the
// reason, and nothing has changed.
int dns_follow(struct dns **dns, const struct cfg_dns *config, const struct learned_dns *learned,
	struct dns_names *names, struct set_feed *feed, struct error *err);
void dns_free(struct dns *dns); // NULL is fine

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

// Calls it in the forwarder's thread, between two questions. 0, or -1: that did not come to it in
// time, and it is not called any more.
struct front;
int dns_run(struct dns *dns, void (*fn)(struct front *front, void *ctx), void *ctx);

enum { DNS_STATE_UPSTREAMS_MAX = 128 };

struct dns_state {
	struct dns_stats stats; // but for its lock
	struct cache_counts cache;
	unsigned under_way;
	struct dns_listen_state listen[CFG_DNS_LISTEN_MAX];
	unsigned n_listen;
	struct dns_upstream_state upstreams[DNS_STATE_UPSTREAMS_MAX];
	unsigned n_upstreams;
};

// A copy; it is large. 0, or -1: the thread did not answer in time.
int dns_state(struct dns *dns, struct dns_state *out);
