// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/upstream.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/dns/upstream_probe.h"
#include "control/dns/upstream_stream.h"

enum {
	RTT_UNKNOWN_US = 50000,
	PATIENCE_MIN_US = 20000,
	PATIENCE_MAX_US = 250000,
	PATIENCE_FAILING_US = 20000,
	FAILURE_COSTS_US = 300000,
	FAILURES_COUNTED_MAX = 8,
	ANOTHER_FIRST_EACH = 16, // questions: so that what is known of all stays fresh
};

// --- what is known of one ---

void upstream_note_answer(struct upstream *upstream, uint64_t took_us)
{
	uint32_t rtt = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;

	if (rtt == 0)
		rtt = 1;
	if (upstream->n_failures > 0 && upstream->rtt_us != 0)
		log_info(log_object("dns", upstream->name).text, "answers again, after %u failures",
			upstream->n_failures);
	// RFC 6298 section 2.3 has the weight
	if (upstream->rtt_us == 0 || upstream->n_failures > 0)
		upstream->rtt_us = rtt;
	else
		upstream->rtt_us = (uint32_t)(((uint64_t)upstream->rtt_us * 7 + rtt) / 8);
	upstream->n_failures = 0;
	upstream->counts.answered++;
}

static void note_bad(struct upstream *upstream)
{
	if (upstream->n_failures++ == 2)
		log_warning(log_object("dns", upstream->name).text,
			"has not answered three questions in a row");
}

void upstream_note_silence(struct upstream *upstream, uint64_t waited_us)
{
	upstream->counts.silent++;
	if (upstream->rtt_us < waited_us)
		upstream->rtt_us = waited_us < UINT32_MAX ? (uint32_t)waited_us : UINT32_MAX;
	note_bad(upstream);
}

void upstream_note_failure(struct upstream *upstream)
{
	upstream->counts.broken++;
	note_bad(upstream);
}

uint32_t upstream_patience_us(const struct upstream *upstream)
{
	uint64_t us = (uint64_t)(upstream->rtt_us != 0 ? upstream->rtt_us : RTT_UNKNOWN_US) * 3;

	if (upstream->n_failures > 0)
		return PATIENCE_FAILING_US;
	if (us < PATIENCE_MIN_US)
		return PATIENCE_MIN_US;
	return us > PATIENCE_MAX_US ? PATIENCE_MAX_US : (uint32_t)us;
}

// --- several ---

static uint64_t cost(const struct upstream *upstream)
{
	unsigned n = upstream->n_failures < FAILURES_COUNTED_MAX ? upstream->n_failures
								 : FAILURES_COUNTED_MAX;

	return (upstream->rtt_us != 0 ? upstream->rtt_us : RTT_UNKNOWN_US) +
	       (uint64_t)n * FAILURE_COSTS_US;
}

void upstream_order(struct upstream_group *group, struct upstream *out[UPSTREAM_MAX])
{
	for (unsigned i = 0; i < group->n; i++) {
		unsigned at = i;

		for (; at > 0 && cost(out[at - 1]) > cost(&group->list[i]); at--)
			out[at] = out[at - 1];
		out[at] = &group->list[i];
	}
	group->turn++;
	if (group->n > 1 && group->turn % ANOTHER_FIRST_EACH == 0) {
		unsigned other = 1 + (unsigned)(group->turn / ANOTHER_FIRST_EACH) % (group->n - 1);
		struct upstream *first = out[other];

		if (first->n_failures > 0)
			return; // it is probed, and nobody waits for that
		memmove(&out[1], &out[0], sizeof(out[0]) * other);
		out[0] = first;
	}
}

static void set_address(struct upstream *upstream)
{
	const struct ip_addr *from = &upstream->config.address;

	if (from->family == IP_V4) {
		struct sockaddr_in in = {
			.sin_family = AF_INET, .sin_port = htons(upstream->config.port)};

		memcpy(&in.sin_addr, from->v4, sizeof(in.sin_addr));
		memcpy(&upstream->address, &in, sizeof(in));
		upstream->address_bytes = sizeof(in);
	} else {
		struct sockaddr_in6 in = {
			.sin6_family = AF_INET6, .sin6_port = htons(upstream->config.port)};

		memcpy(&in.sin6_addr, from->v6, sizeof(in.sin6_addr));
		memcpy(&upstream->address, &in, sizeof(in));
		upstream->address_bytes = sizeof(in);
	}
}

static void put_name(struct upstream *upstream, const char *text, const char *interface)
{
	if (interface == NULL) {
		snprintf(upstream->name, sizeof(upstream->name), "%s", text);
		return;
	}
	snprintf(upstream->name, sizeof(upstream->name), "%s by %s", text, interface);
	snprintf(upstream->interface, sizeof(upstream->interface), "%s", interface);
}

int upstream_socket(const struct upstream *upstream, int type)
{
	int fd = socket(upstream->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || upstream->interface[0] == '\0' ||
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, upstream->interface,
			(socklen_t)strlen(upstream->interface)) == 0)
		return fd;
	close(fd);
	return -1;
}

int upstream_group_init(struct upstream_group *group, const struct cfg_dns_upstreams *config,
	const char *const *interfaces, struct event_base *base, void *ssl_ctx)
{
	memset(group, 0, sizeof(*group));
	group->base = base;
	for (unsigned i = 0; i < config->n; i++) {
		struct upstream *upstream = &group->list[group->n];
		struct error err = {0};

		if (cfg_dns_upstream_parse(config->texts[i], &upstream->config, &err) != 0)
			continue; // "learned", and nothing is
		upstream->group = group;
		set_address(upstream);
		put_name(upstream, config->texts[i], interfaces != NULL ? interfaces[i] : NULL);
		upstream->stream = upstream_stream_new(upstream, base, ssl_ctx);
		if (upstream->stream == NULL)
			return -1;
		group->n++;
	}
	return 0;
}

void upstream_group_fini(struct upstream_group *group)
{
	for (unsigned i = 0; i < group->n; i++) {
		upstream_probe_end(&group->list[i]);
		upstream_stream_free(group->list[i].stream);
	}
	group->n = 0;
}

void upstream_group_warm(struct upstream_group *group)
{
	for (unsigned i = 0; i < group->n; i++)
		if (group->list[i].config.tls_name[0] != '\0')
			upstream_stream_warm(group->list[i].stream);
}
