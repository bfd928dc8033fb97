// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "control/dns/front.h"
#include "control/dns/listeners.h"
#include "control/thread_begin.h"

enum {
	LOOK_MS = 250,
	NICE = 5,
	BUSY_NS = 4000000, // without waiting for anything
};

struct dns {
	pthread_t thread;
	struct dns_mail *mail;
	struct dns_wish *end;
	struct event *look_event;
	struct dns_parts parts;
};

// --- the thread ---

static void tell_upstreams(
	const struct upstream_group *group, const char *domain, struct dns_state *out)
{
	for (unsigned i = 0; i < group->n && out->n_upstreams < DNS_STATE_UPSTREAMS_MAX; i++) {
		struct dns_upstream_state *to = &out->upstreams[out->n_upstreams++];

		snprintf(to->name, sizeof(to->name), "%s", group->list[i].name);
		snprintf(to->domain, sizeof(to->domain), "%s", domain);
		to->counts = group->list[i].counts;
		to->has_cookies = group->list[i].cookie.cookie.server_bytes > 0;
		to->rtt_us = group->list[i].rtt_us;
		to->n_failures = group->list[i].n_failures;
	}
}

void dns_tell_state(struct dns_parts *parts, void *state)
{
	const struct dns_policy *policy = front_policy(parts->front);
	struct dns_state *out = state;
	const char *name;
	bool is_open;

	memset(out, 0, sizeof(*out));
	out->stats = parts->stats;
	front_cache_counts(parts->front, &out->cache);
	out->under_way = front_waiting(parts->front);
	for (unsigned i = 0; listeners_each(parts->listeners, i, &name, &is_open); i++) {
		snprintf(out->listen[i].name, sizeof(out->listen[i].name), "%s", name);
		out->listen[i].is_open = is_open;
		out->n_listen++;
	}
	for (unsigned i = 0; policy != NULL && i < policy->n_groups; i++)
		tell_upstreams(&policy->groups[i],
			i == 0 ? "" : policy->config.domains[i - 1].names[0], out);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_parts *parts = ctx;

	listeners_look(parts->listeners);
	front_look(parts->front);
}

static void end(struct dns_parts *parts, void *ctx)
{
	event_base_loopbreak(parts->base);
}

static long count_waits(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

// As event_base_dispatch. While more is asked than it can answer it never waits, and the kernel's
// own threads of its core, who end a disk's sync, were seen to be ready for seconds without their
// turn: so it waits for nothing, for some 50 us.
static void dispatch(struct event_base *base)
{
	static const struct timespec nothing = {.tv_nsec = 1};
	uint64_t since_ns = clock_now_ns();
	long n_waits = count_waits();

	while (event_base_loop(base, EVLOOP_ONCE) == 0 && !event_base_got_break(base)) {
		uint64_t now_ns = clock_now_ns();

		if (now_ns - since_ns < BUSY_NS)
			continue;
		if (count_waits() == n_waits)
			nanosleep(&nothing, NULL);
		since_ns = now_ns;
		n_waits = count_waits();
	}
}

static void *run(void *ctx)
{
	struct dns *dns = ctx;

	// One step behind control, with which it shares a core: a link's event, a lease or a
	// command does not wait until all questions are answered.
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	dispatch(dns->parts.base);
	event_del(dns->look_event); // what it looks at is about to go, and the loop turns once more
	dns_mail_free(dns->mail);
	// in this thread: what is freed may still speak to sockets of its loop
	listeners_free(dns->parts.listeners);
	front_free(dns->parts.front);
	// policies that end "soon" have done so
	event_base_loop(dns->parts.base, EVLOOP_NONBLOCK);
	return NULL;
}

// --- its coming and going ---

static int open_parts(struct dns *dns, struct set_feed *feed)
{
	static const struct timeval look = {.tv_usec = LOOK_MS * 1000};
	struct dns_parts *parts = &dns->parts;

	dns_stats_init(&parts->stats);
	dns->end = dns_wish_new(end, NULL, NULL);
	parts->base = event_base_new();
	if (parts->base == NULL || dns->end == NULL)
		return -1;
	dns->mail = dns_mail_new(parts->base, parts);
	parts->front = front_new(parts->base, &parts->stats, feed);
	parts->listeners = listeners_new(parts->front, parts->base, &parts->stats);
	dns->look_event = event_new(parts->base, -1, EV_PERSIST, on_look, parts);
	if (dns->mail == NULL || parts->front == NULL || parts->listeners == NULL ||
		dns->look_event == NULL || event_add(dns->look_event, &look) != 0)
		return -1;
	return thread_begin(&dns->thread, "dns", run, dns);
}

static void close_parts(struct dns *dns)
{
	dns_wish_leave(dns->end);
	if (dns->look_event != NULL)
		event_free(dns->look_event);
	if (dns->parts.base != NULL)
		event_base_free(dns->parts.base);
	dns_stats_fini(&dns->parts.stats);
	free(dns);
}

struct dns *dns_new(struct set_feed *feed, struct error *err)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (dns == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	if (open_parts(dns, feed) == 0)
		return dns;
	error_set(err, "cannot start the DNS forwarder's thread");
	dns_mail_free(dns->mail);
	listeners_free(dns->parts.listeners);
	front_free(dns->parts.front);
	close_parts(dns);
	return NULL;
}

void dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	dns_mail_put(dns->mail, dns->end);
	pthread_join(dns->thread, NULL);
	close_parts(dns);
}

void dns_put(struct dns *dns, struct dns_wish *wish)
{
	dns_mail_put(dns->mail, wish);
}
