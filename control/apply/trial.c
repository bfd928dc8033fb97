// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/apply/probes.h"

struct trial {
	const struct trial_calls *calls;
	void *ctx;
	int64_t revision, fallback;
	uint64_t ends_ms;
	struct event *timer;
	struct probes *probes;
};

static void on_over(evutil_socket_t fd, short what, void *ctx)
{
	struct trial *trial = ctx;

	trial->calls->over(trial->ctx);
}

static void on_passed(void *ctx)
{
	struct trial *trial = ctx;

	log_info("config", "revision %lld has stood its test", (long long)trial->revision);
	trial->calls->passed(trial->ctx);
}

struct trial *trial_new(struct router *router, const struct trial_calls *calls, void *ctx)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	if (trial == NULL)
		return NULL;
	trial->calls = calls;
	trial->ctx = ctx;
	trial->timer = event_new(router->base, -1, 0, on_over, trial);
	trial->probes = probes_new(router, on_passed, trial);
	if (trial->timer != NULL && trial->probes != NULL)
		return trial;
	trial_free(trial);
	return NULL;
}

void trial_free(struct trial *trial)
{
	if (trial == NULL)
		return;
	if (trial->timer != NULL)
		event_free(trial->timer);
	probes_free(trial->probes);
	free(trial);
}

void trial_begin(struct trial *trial, int64_t revision, int64_t fallback, unsigned sec)
{
	struct timeval left = {.tv_sec = sec};

	trial->revision = revision;
	trial->fallback = fallback;
	trial->ends_ms = clock_now_ms() + (uint64_t)sec * 1000;
	log_info("config", "revision %lld is on trial for %u s", (long long)revision, sec);
	if (event_add(trial->timer, &left) != 0) // nobody would go back
		trial->calls->over(trial->ctx);
}

int trial_probe(struct trial *trial, unsigned probes, const char *name, struct error *err)
{
	return probes_begin(trial->probes, probes, name, err);
}

void trial_end_probes(struct trial *trial)
{
	probes_end(trial->probes);
}

void trial_end(struct trial *trial)
{
	event_del(trial->timer);
	probes_end(trial->probes);
	trial->revision = 0;
}

void trial_ask_again(struct trial *trial, unsigned sec)
{
	struct timeval left = {.tv_sec = sec};

	event_add(trial->timer, &left);
}

int64_t trial_revision(const struct trial *trial)
{
	return trial->revision;
}

int64_t trial_fallback(const struct trial *trial)
{
	return trial->fallback;
}

unsigned trial_left_sec(const struct trial *trial)
{
	uint64_t now_ms = clock_now_ms();

	return trial->ends_ms > now_ms ? (unsigned)((trial->ends_ms - now_ms + 999) / 1000) : 0;
}

void trial_tell(const struct trial *trial, char *to, size_t bytes)
{
	char failed[160];

	probation_tell(probes_state(trial->probes), failed, sizeof(failed));
	snprintf(to, bytes, "%s revision %lld%s%s%s: back to revision %lld",
		failed[0] != '\0' ? "probes failed," : "nobody confirmed",
		(long long)trial->revision, failed[0] != '\0' ? " goes (" : "", failed,
		failed[0] != '\0' ? ")" : "", (long long)trial->fallback);
}
