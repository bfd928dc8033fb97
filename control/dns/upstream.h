// SPDX-License-Identifier: BSD-3-Clause
// Servers that are asked for names, and how each of them has answered of late: the quick and
// healthy come first, one that fails is tried again all the time beside another. DNS thread.
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cfg/config.h"
#include "control/dns/dns_message.h"
#include "control/dns/upstream_cookie.h"

enum {
	UPSTREAM_MAX = CFG_DNS_UPSTREAMS_MAX,
	UPSTREAM_NAME_BYTES = ADDR_STR_BYTES + CFG_DNS_NAME_BYTES_MAX + CFG_NAME_MAX + 20,
};

struct exchange;
struct upstream_stream;

struct upstream_counts {
	uint64_t sent, answered, silent, broken, useless; // useless: SERVFAIL, REFUSED and the like
	uint64_t forged; // answers with another's cookie, or with none where there should be one
};

struct upstream {
	struct cfg_dns_upstream config;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	char interface[CFG_NAME_MAX + 1]; // that it is asked by; "": whichever the routes say
	char name[UPSTREAM_NAME_BYTES];	  // "203.0.113.53 tls dns.example.net"
	uint32_t rtt_us;		  // smoothed; 0: not known
	unsigned n_failures;		  // in a row
	struct upstream_counts counts;
	struct upstream_cookie cookie;
	struct upstream_stream *stream; // TCP or TLS
	struct upstream_group *group;
	struct exchange *probe; // while it fails: upstream_probe.h
	struct dns_question probe_question;
};

struct upstream_group {
	struct upstream list[UPSTREAM_MAX];
	unsigned n;
	unsigned turn; // of questions that it was asked
	uint64_t last_asked_ms;
	struct event_base *base;
	// One that had failed answers again; it may free nothing of the group. NULL: nobody cares.
	void (*on_back)(void *ctx);
	void *on_back_ctx;
};

// `interfaces`: of each of the config's the one that it is asked by, NULL: whichever the routes
// say; NULL: so of all. `ssl_ctx` is an SSL_CTX for those with TLS, or NULL where there is none. 0,
// or -1: no memory.
int upstream_group_init(struct upstream_group *group, const struct cfg_dns_upstreams *config,
	const char *const *interfaces, struct event_base *base, void *ssl_ctx);
void upstream_group_fini(struct upstream_group *group);
// Connections with TLS are set up before anybody asks.
void upstream_group_warm(struct upstream_group *group);

// A socket that does not block, to connect to it; -1: none, or not by its interface now.
int upstream_socket(const struct upstream *upstream, int type);

// The order in which to ask, the best first.
void upstream_order(struct upstream_group *group, struct upstream *out[UPSTREAM_MAX]);
// How long to wait for it before the next one is asked as well.
uint32_t upstream_patience_us(const struct upstream *upstream);

void upstream_note_answer(struct upstream *upstream, uint64_t took_us);
void upstream_note_silence(struct upstream *upstream, uint64_t waited_us);
void upstream_note_failure(struct upstream *upstream);
