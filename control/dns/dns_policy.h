// SPDX-License-Identifier: BSD-3-Clause
// What one config makes of the forwarder: who may ask, and who is asked for which names. A new
// config makes a new one beside the old, which ends when the last of its questions is answered. DNS
// thread, but for dns_policy_new and dns_policy_read, which take their time elsewhere.
#pragma once

#include "control/dns/cache.h"
#include "control/dns/exchange.h"
#include "control/dns/local.h"

struct learned_dns;
struct resolver;

struct dns_domain {
	struct dns_name name;
	struct upstream_group *group;
};

// What policies of one config have in common, whatever is learned meanwhile.
struct dns_policy_shared {
	unsigned n_policies; // the last one frees it
	struct dns_local *local;
	void *ssl_ctx; // NULL: no upstream with TLS
};

struct dns_policy {
	struct arena *arena;
	struct cfg_dns config;		// strings in the arena
	struct cfg_dns_upstreams asked; // before what is learned took its place
	// of each of its upstreams: the uplink that told of it, by which it is asked; NULL: any way
	const char *told_by[CFG_DNS_UPSTREAMS_MAX];
	struct event_base *base;
	struct dns_policy_shared *shared;
	struct upstream_group *groups; // [0] for all names, the others for domains
	unsigned n_groups;
	struct dns_domain *domains; // the longest first
	unsigned n_domains;
	struct resolver *resolver; // NULL: upstreams are believed
	struct dns_local *local;   // the shared one
	unsigned n_under_way;
	bool is_retired;
};

// Copies the config, with what is learned (or NULL) in its place; nothing is connected yet. NULL
// with the reason.
struct dns_policy *dns_policy_new(const struct cfg_dns *config, const struct learned_dns *learned,
	struct dns_names *names, struct error *err);
// What it needs of files. 0, or -1 with the reason. Any thread, before dns_policy_begin.
int dns_policy_read(struct dns_policy *policy, struct error *err);
// The same config, with what is learned now. NULL with the reason.
struct dns_policy *dns_policy_relearn(
	const struct dns_policy *from, const struct learned_dns *learned, struct error *err);
// Makes the upstreams. 0, or -1 with the reason. Either way dns_policy_free is due.
int dns_policy_begin(struct dns_policy *policy, struct event_base *base, struct error *err);
void dns_policy_free(struct dns_policy *policy); // NULL is fine

// Who uses a policy takes hold of it; the last one to let go of a retired one frees it.
void dns_policy_hold(struct dns_policy *policy);
void dns_policy_let_go(struct dns_policy *policy);
void dns_policy_retire(struct dns_policy *policy); // NULL is fine

bool dns_policy_may_ask(const struct dns_policy *policy, const struct ip_addr *client);
// NULL: the name is of no domain with upstreams of its own.
struct upstream_group *dns_policy_domain(
	const struct dns_policy *policy, const struct dns_name *name);
void dns_policy_limits(const struct dns_policy *policy, struct cache_limits *out);
