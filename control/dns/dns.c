// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/dns/front.h"
#include "control/dns/listeners.h"

enum {
	LOOK_MS = 250,
	ANSWER_SEC = 2, // that control waits for the thread
	NICE = 5,
};

// What control wants of the thread: one thing at a time.
enum wish {
	WISH_NONE = 0,
	WISH_POLICY,
	WISH_STATE,
	WISH_RUN,
	WISH_END,
};

struct dns {
	pthread_t thread;
	struct event_base *base;
	struct event *wake_event, *look_event;
	int wake_fd;
	struct front *front;
	struct listeners *listeners;
	struct dns_stats stats;
	// between the two, by `lock`
	pthread_mutex_t lock;
	pthread_cond_t done;
	enum wish wish;
	struct dns_policy *policy; // given
	struct dns_state *state;   // taken
	void (*run_fn)(struct front *front, void *ctx);
	void *run_ctx;
	struct error err;
	int rc;
};

// --- the thread ---

static int take_policy(struct dns *dns)
{
	struct dns_policy *policy = dns->policy;

	dns->policy = NULL;
	if (dns_policy_begin(policy, dns->base, &dns->err) != 0 ||
		front_set_policy(dns->front, policy) != 0) {
		if (dns->err.text[0] == '\0')
			error_set(&dns->err, "no memory for the DNS forwarder's cache");
		dns_policy_free(policy);
		return -1;
	}
	listeners_set(dns->listeners, policy->config.listen, policy->config.n_listen,
		policy->config.port);
	return 0;
}

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

static void tell_state(struct dns *dns, struct dns_state *out)
{
	const struct dns_policy *policy = front_policy(dns->front);
	const char *name;
	bool is_open;

	memset(out, 0, sizeof(*out));
	out->stats = dns->stats;
	front_cache_counts(dns->front, &out->cache);
	out->under_way = front_waiting(dns->front);
	for (unsigned i = 0; listeners_each(dns->listeners, i, &name, &is_open); i++) {
		snprintf(out->listen[i].name, sizeof(out->listen[i].name), "%s", name);
		out->listen[i].is_open = is_open;
		out->n_listen++;
	}
	for (unsigned i = 0; policy != NULL && i < policy->n_groups; i++)
		tell_upstreams(&policy->groups[i],
			i == 0 ? "" : policy->config.domains[i - 1].names[0], out);
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct dns *dns = ctx;
	eventfd_t ignored;

	eventfd_read(fd, &ignored);
	pthread_mutex_lock(&dns->lock);
	switch (dns->wish) {
	case WISH_NONE:
		break;
	case WISH_POLICY:
		dns->rc = take_policy(dns);
		break;
	case WISH_STATE:
		tell_state(dns, dns->state);
		dns->rc = 0;
		break;
	case WISH_RUN:
		dns->run_fn(dns->front, dns->run_ctx);
		dns->rc = 0;
		break;
	case WISH_END:
		event_base_loopbreak(dns->base);
		dns->rc = 0;
		break;
	}
	dns->wish = WISH_NONE;
	pthread_cond_signal(&dns->done);
	pthread_mutex_unlock(&dns->lock);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct dns *dns = ctx;

	listeners_look(dns->listeners);
	front_look(dns->front);
}

static void *run(void *ctx)
{
	struct dns *dns = ctx;

	// One step behind control, with which it shares a core: a link's event, a lease or a
	// command does not wait until all questions are answered.
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	event_base_dispatch(dns->base);
	event_del(dns->look_event); // what it looks at is about to go, and the loop turns once more
	event_del(dns->wake_event);
	// in this thread: what is freed may still speak to sockets of its loop
	listeners_free(dns->listeners);
	front_free(dns->front);
	event_base_loop(dns->base, EVLOOP_NONBLOCK); // policies that end "soon" have done so
	return NULL;
}

// --- control's side ---

// Waits for it, as long as the thread may take.
static int wish(struct dns *dns, enum wish wish, struct error *err)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_SEC;
	pthread_mutex_lock(&dns->lock);
	dns->wish = wish;
	dns->err = (struct error){0};
	eventfd_write(dns->wake_fd, 1);
	while (dns->wish != WISH_NONE && rc == 0)
		rc = pthread_cond_timedwait(&dns->done, &dns->lock, &until);
	if (dns->wish != WISH_NONE) {
		dns->wish = WISH_NONE;
		rc = error_set(err, "the DNS forwarder is too busy to listen");
	} else {
		rc = dns->rc;
		if (rc != 0 && err != NULL)
			*err = dns->err;
	}
	pthread_mutex_unlock(&dns->lock);
	return rc;
}

static int start_thread(struct dns *dns)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all); // signals are the control loop's
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&dns->thread, NULL, run, dns);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(dns->thread, "dns");
	return rc;
}

static int open_parts(struct dns *dns, struct set_feed *feed)
{
	static const struct timeval look = {.tv_usec = LOOK_MS * 1000};
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&dns->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&dns->lock, NULL);
	dns_stats_init(&dns->stats);
	dns->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	dns->base = event_base_new();
	if (dns->base == NULL || dns->wake_fd < 0)
		return -1;
	dns->front = front_new(dns->base, &dns->stats, feed);
	dns->listeners = listeners_new(dns->front, dns->base, &dns->stats);
	dns->wake_event = event_new(dns->base, dns->wake_fd, EV_READ | EV_PERSIST, on_wake, dns);
	dns->look_event = event_new(dns->base, -1, EV_PERSIST, on_look, dns);
	if (dns->front == NULL || dns->listeners == NULL || dns->wake_event == NULL ||
		dns->look_event == NULL || event_add(dns->wake_event, NULL) != 0 ||
		event_add(dns->look_event, &look) != 0)
		return -1;
	return start_thread(dns);
}

static void close_parts(struct dns *dns)
{
	if (dns->wake_event != NULL)
		event_free(dns->wake_event);
	if (dns->look_event != NULL)
		event_free(dns->look_event);
	if (dns->base != NULL)
		event_base_free(dns->base);
	if (dns->wake_fd >= 0)
		close(dns->wake_fd);
	dns_policy_free(dns->policy);
	dns_stats_fini(&dns->stats);
	pthread_mutex_destroy(&dns->lock);
	pthread_cond_destroy(&dns->done);
	free(dns);
}

static struct dns *dns_new(struct set_feed *feed, struct error *err)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (dns == NULL) {
		error_set(err, "no memory for the DNS forwarder");
		return NULL;
	}
	if (open_parts(dns, feed) == 0)
		return dns;
	error_set(err, "cannot start the DNS forwarder's thread");
	listeners_free(dns->listeners);
	front_free(dns->front);
	close_parts(dns);
	return NULL;
}

void dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	wish(dns, WISH_END, NULL);
	pthread_join(dns->thread, NULL);
	close_parts(dns);
}

int dns_follow(struct dns **at, const struct cfg_dns *config, const struct learned_dns *learned,
	struct dns_names *names, struct set_feed *feed, struct error *err)
{
	struct dns_policy *policy;
	struct dns *dns = *at;
	int rc;

	if (!config->is_there) {
		dns_free(dns);
		*at = NULL;
		return 0;
	}
	policy = dns_policy_new(config, learned, names, err);
	if (policy == NULL)
		return -1;
	if (dns == NULL)
		dns = dns_new(feed, err);
	if (dns == NULL) {
		dns_policy_free(policy);
		return -1;
	}
	dns_policy_free(dns->policy);
	dns->policy = policy;
	rc = wish(dns, WISH_POLICY, err);
	if (rc == 0)
		*at = dns;
	else if (*at == NULL)
		dns_free(dns);
	return rc;
}

int dns_state(struct dns *dns, struct dns_state *out)
{
	dns->state = out;
	return wish(dns, WISH_STATE, NULL);
}

int dns_run(struct dns *dns, void (*fn)(struct front *front, void *ctx), void *ctx)
{
	dns->run_fn = fn;
	dns->run_ctx = ctx;
	return wish(dns, WISH_RUN, NULL);
}
