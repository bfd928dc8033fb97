// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/apply/foresight.h"
#include "control/apply/job.h"
#include "control/apply/probes.h"
#include "control/apply/reading.h"
#include "control/errand.h"
#include "control/wall_clock.h"

enum { RETRY_SEC = 10 };

static const struct timeval retry = {.tv_sec = RETRY_SEC}, soon = {.tv_sec = 1};

struct apply {
	struct router *router;
	struct history *history;
	char *origin;
	int64_t present;
	uint64_t present_hash;	 // of its text
	int64_t trial, fallback; // 0: nothing is on trial
	uint64_t trial_ends_ms;
	struct event *timer;
	struct probes *probes;
	uint64_t n_changes;
	struct errand *errand;
	struct readings *readings;
	struct event *turn;	      // of the job
	struct apply_job *job;	      // under way; NULL: none
	struct apply_job *next;	      // waits for one that changes no config; NULL: none
	struct apply_job *confirming; // waits for any; NULL: none
};

// --- what a job asks of it ---

struct errand *apply_errand(struct apply *apply)
{
	return apply->errand;
}

struct router *apply_router(const struct apply *apply)
{
	return apply->router;
}

// By the clock: what is made active in a turn is run in the same one.
bool apply_wants_turn(struct apply *apply)
{
	static const struct timeval now = {0};

	return event_add(apply->turn, &now) == 0;
}

bool apply_has(const struct apply *apply, uint64_t hash)
{
	return hash == apply->present_hash;
}

const char *apply_origin(const struct apply *apply)
{
	return apply->origin;
}

static void publish(const struct apply *apply, const char *what, int64_t revision, const char *why)
{
	if (events_are_heard(apply->router, STREAM_CONFIG))
		events_publish(apply->router, STREAM_CONFIG,
			json_pack("{s:s, s:I, s:s}", "what", what, "revision", (json_int_t)revision,
				"message", why));
}

static void tell_news(const struct apply *apply, const struct apply_job *job)
{
	const struct apply_outcome *outcome = &job->outcome;
	char number[32] = "not kept";

	if (outcome->revision != 0)
		snprintf(number, sizeof(number), "revision %lld", (long long)outcome->revision);
	log_info("config", "%s: %s%s%s", number, outcome->file, job->why[0] != '\0' ? ": " : "",
		job->why);
	publish(apply, job->confirm_sec > 0 ? "on trial" : "in force", outcome->revision, job->why);
}

// --- on trial ---

static void end_trial(struct apply *apply)
{
	event_del(apply->timer);
	probes_end(apply->probes);
	apply->trial = 0;
}

// --- jobs ---

static const struct apply_who daemon_itself = {-1, "millraced", ""};

// One may wait while files of sets are read: nobody has asked for that.
static int is_busy(const struct apply *apply, struct apply_outcome *outcome)
{
	if (apply->job == NULL || (apply->job->kind == APPLY_FILES && apply->next == NULL))
		return 0;
	return error_set(&outcome->err,
		"another config is under way: %s; ask again when that is done",
		job_phase_name(apply->job));
}

static void describe(struct apply_job *job, struct apply *apply, enum apply_job_kind kind,
	const struct apply_who *who)
{
	job->apply = apply;
	job->kind = kind;
	job->uid = who->uid;
	job->before = apply->present;
	snprintf(job->program, sizeof(job->program), "%s", who->program);
	snprintf(job->why, sizeof(job->why), "%s", who->why);
}

static int aim_at_file(struct apply_job *job, const char *path, unsigned confirm_sec)
{
	const struct apply *apply = job->apply;
	struct apply_outcome *outcome = &job->outcome;

	snprintf(outcome->file, sizeof(outcome->file), "%s", path);
	job->confirm_sec = confirm_sec;
	if (is_busy(apply, outcome) != 0)
		return -1;
	if (job->kind == APPLY_FILE && apply->trial != 0)
		return error_set(&outcome->err,
			"revision %lld is on trial: confirm it or roll it back first",
			(long long)apply->trial);
	if (confirm_sec > 0 && apply->present == 0)
		return error_set(&outcome->err,
			"what the router has now is not in the history: nothing to go back to");
	return 0;
}

// 0: to the one before, or what is on trial ends.
static int aim_back(struct apply_job *job, int64_t number)
{
	struct apply *apply = job->apply;
	struct apply_outcome *outcome = &job->outcome;

	if (is_busy(apply, outcome) != 0)
		return -1;
	if (number == 0 && apply->history != NULL)
		number = apply->trial != 0     ? apply->fallback
			 : apply->present != 0 ? history_before(apply->history, apply->present)
					       : history_newest(apply->history, REVISION_GOOD);
	if (number == 0)
		return error_set(&outcome->err, "there is no revision to go back to");
	if (job->why[0] == '\0')
		snprintf(job->why, sizeof(job->why), "back to revision %lld", (long long)number);
	job->number = number;
	snprintf(outcome->file, sizeof(outcome->file), "revision %lld", (long long)number);
	if (apply->history == NULL)
		return error_set(&outcome->err, "there is no state file, so there is no history");
	return 0;
}

static int aim_at_trial(struct apply_job *job)
{
	const struct apply *apply = job->apply;

	if (apply->trial == 0)
		return error_set(&job->outcome.err, "nothing is on trial");
	if (apply->confirming != NULL || (apply->job != NULL && apply->job->kind == APPLY_CONFIRM))
		return error_set(&job->outcome.err, "it is being confirmed");
	job->number = apply->trial;
	return 0;
}

static int aim_at_set(struct apply_job *job, const char *set)
{
	const struct apply *apply = job->apply;

	if (set != NULL)
		snprintf(job->set, sizeof(job->set), "%s", set);
	return apply->job == NULL
		       ? 0
		       : error_set(&job->outcome.err,
				 "another config is being applied: ask again in a moment");
}

void apply_job_over(struct apply *apply, struct apply_job *job)
{
	struct apply_job **waiting;

	apply->job = NULL;
	job->is_over = true;
	if (job->done != NULL)
		job->done(job->done_ctx, &job->outcome, job->rc);
	if (job->is_left) {
		job_fini(job);
		free(job);
	}
	if (apply->job != NULL)
		return;
	waiting = apply->confirming != NULL ? &apply->confirming : &apply->next;
	apply->job = *waiting;
	*waiting = NULL;
	if (apply->job != NULL)
		job_begin(apply->job);
}

static struct apply_job *begin_aimed(struct apply *apply, struct apply_job *job, int is_aimed)
{
	if (is_aimed == 0 && apply->job != NULL) {
		*(job->kind == APPLY_CONFIRM ? &apply->confirming : &apply->next) = job;
		return job;
	}
	if (is_aimed == 0) {
		apply->job = job;
		job_begin(job);
		return job;
	}
	job->rc = -1;
	job->is_done = job->is_over = true;
	if (job->done != NULL)
		job->done(job->done_ctx, &job->outcome, job->rc);
	return job;
}

// Nobody but the timer tries again.
static void on_back(void *ctx, const struct apply_outcome *outcome, int rc)
{
	struct apply *apply = ctx;
	char text[1024];

	if (rc == 0)
		return;
	log_error("config", "cannot go back, the next try is in %d s: %s", RETRY_SEC,
		error_str(outcome->errors.n > 0 ? &outcome->errors.list[0] : &outcome->err, text,
			sizeof(text)));
	event_add(apply->timer, &retry);
}

// Back while the loop goes on. What was there before is what the files of its sets held then:
// reading them now must not be what keeps a router from coming back.
static void on_trial_ended(evutil_socket_t fd, short what, void *ctx)
{
	struct apply *apply = ctx;
	struct apply_job *job;
	char failed[160];

	if (apply->job != NULL) {
		event_add(apply->timer, &soon);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		event_add(apply->timer, &retry);
		return;
	}
	describe(job, apply, APPLY_BACK, &daemon_itself);
	job->is_lenient = true;
	job->done = on_back;
	job->done_ctx = apply;
	probation_tell(probes_state(apply->probes), failed, sizeof(failed));
	snprintf(job->why, sizeof(job->why), "%s revision %lld%s%s%s: back to revision %lld",
		failed[0] != '\0' ? "probes failed," : "nobody confirmed", (long long)apply->trial,
		failed[0] != '\0' ? " goes (" : "", failed, failed[0] != '\0' ? ")" : "",
		(long long)apply->fallback);
	log_warning("config", "%s", job->why);
	apply_job_leave(begin_aimed(apply, job, aim_back(job, apply->fallback)));
}

static void begin_trial(struct apply *apply, int64_t fallback, unsigned sec)
{
	struct timeval left = {.tv_sec = sec};

	apply->trial = apply->present;
	apply->fallback = fallback;
	apply->trial_ends_ms = clock_now_ms() + (uint64_t)sec * 1000;
	log_info("config", "revision %lld is on trial for %u s", (long long)apply->trial, sec);
	if (event_add(apply->timer, &left) != 0) // nobody would go back
		on_trial_ended(-1, EV_TIMEOUT, apply);
}

static void settle_trial(struct apply *apply, struct apply_job *job)
{
	if (job->rc < 0)
		return;
	job->outcome.revision = job->number;
	end_trial(apply);
	log_info("config", "revision %lld is confirmed", (long long)job->number);
	publish(apply, "confirmed", job->number, "");
}

void apply_settle(struct apply *apply, struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;

	if (job->kind == APPLY_CONFIRM)
		settle_trial(apply, job);
	if ((job->kind != APPLY_FILE && job->kind != APPLY_BACK) || job->rc < 0)
		return;
	outcome->revision = job->noted;
	if (!outcome->is_unchanged) {
		apply->present = outcome->revision;
		apply->present_hash = job->source.hash;
		apply->n_changes++;
		tell_news(apply, job);
	}
	if (job->kind == APPLY_BACK && apply->trial != 0 &&
		(!outcome->is_unchanged || job->is_lenient)) { // by itself it always ends
		job->undone = apply->trial;
		end_trial(apply);
	}
	if (job->confirm_sec > 0 && !outcome->is_unchanged)
		begin_trial(apply, job->before, job->confirm_sec);
	if (job->probes != 0 && !outcome->is_unchanged && apply->trial != 0)
		probes_begin(apply->probes, job->probes, job->confirm_name, &outcome->unkept);
}

// --- what is asked for ---

struct apply_job *apply_begin(struct apply *apply, const struct apply_request *request)
{
	static const enum apply_job_kind kinds[] = {[APPLY_ASKS_PLAN] = APPLY_PLAN,
		[APPLY_ASKS_FILE] = APPLY_FILE,
		[APPLY_ASKS_BACK] = APPLY_BACK,
		[APPLY_ASKS_FILES] = APPLY_FILES,
		[APPLY_ASKS_CONFIRM] = APPLY_CONFIRM};
	struct apply_job *job = calloc(1, sizeof(*job));
	int rc;

	if (job == NULL)
		return NULL;
	describe(job, apply, kinds[request->what], &request->who);
	job->done = request->done;
	job->done_ctx = request->ctx;
	job->probes = request->probes;
	job->flows_max = request->flows_max;
	if (request->confirm_name != NULL)
		snprintf(job->confirm_name, sizeof(job->confirm_name), "%s", request->confirm_name);
	if (request->what == APPLY_ASKS_BACK)
		rc = aim_back(job, request->revision);
	else if (request->what == APPLY_ASKS_FILES)
		rc = aim_at_set(job, request->set);
	else if (request->what == APPLY_ASKS_CONFIRM)
		rc = aim_at_trial(job);
	else
		rc = aim_at_file(job, request->file, request->confirm_sec);
	return begin_aimed(apply, job, rc);
}

const struct apply_outcome *apply_job_outcome(const struct apply_job *job, int *rc)
{
	if (!job->is_done || !job->is_over)
		return NULL; // its thread may be writing what comes of it
	*rc = job->rc;
	return &job->outcome;
}

const char *apply_job_doing(const struct apply_job *job)
{
	return job_phase_name(job);
}

void apply_job_told(struct apply *apply, struct apply_job *job)
{
	readings_discard(apply->readings, job->outcome.config);
	job->outcome.config = NULL;
}

void apply_job_leave(struct apply_job *job)
{
	if (job == NULL)
		return;
	job->is_left = true;
	if (!job->is_over)
		return;
	job_fini(job);
	free(job);
}

bool apply_is_busy(const struct apply *apply)
{
	return apply->job != NULL;
}

// Where it cannot be, it goes when its time is over.
static void on_confirmed(void *ctx, const struct apply_outcome *outcome, int rc)
{
	struct apply *apply = ctx;

	if (rc == 0)
		return;
	log_error("config", "it cannot be confirmed: %s", outcome->err.text);
	probes_end(apply->probes);
}

static void on_passed(void *ctx)
{
	struct apply *apply = ctx;

	log_info("config", "revision %lld has stood its test", (long long)apply->trial);
	apply_job_leave(apply_begin(apply, &(struct apply_request){.what = APPLY_ASKS_CONFIRM,
						   .who = daemon_itself,
						   .done = on_confirmed,
						   .ctx = apply}));
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct apply *apply = ctx;

	if (apply->job != NULL)
		job_turn(apply->job);
}

// --- making and ending ---

struct apply *apply_new(struct router *router, struct history *history, const char *origin,
	int64_t present, uint64_t present_hash)
{
	struct apply *apply = calloc(1, sizeof(*apply));

	if (apply == NULL)
		return NULL;
	*apply = (struct apply){
		.router = router,
		.history = history,
		.origin = strdup(origin),
		.present = present,
		.present_hash = present_hash,
	};
	apply->timer = event_new(router->base, -1, 0, on_trial_ended, apply);
	apply->probes = probes_new(router, on_passed, apply);
	apply->turn = event_new(router->base, -1, 0, on_turn, apply);
	apply->errand = errand_new(router->base);
	apply->readings = readings_new(router->base, &router->config);
	if (apply->origin != NULL && apply->timer != NULL && apply->turn != NULL &&
		apply->probes != NULL && apply->errand != NULL && apply->readings != NULL)
		return apply;
	apply_free(apply);
	return NULL;
}

// Nothing of it comes into force any more.
static void forget(struct apply_job *job)
{
	bool is_left = job->is_left;

	job_fini(job);
	job->apply = NULL;
	job->rc = -1;
	job->is_over = true;
	if (is_left)
		free(job);
}

void apply_free(struct apply *apply)
{
	if (apply == NULL)
		return;
	errand_free(apply->errand); // waits for what it does
	readings_free(apply->readings);
	if (apply->job != NULL)
		forget(apply->job);
	if (apply->next != NULL)
		forget(apply->next);
	if (apply->confirming != NULL)
		forget(apply->confirming);
	if (apply->timer != NULL)
		event_free(apply->timer);
	if (apply->turn != NULL)
		event_free(apply->turn);
	probes_free(apply->probes);
	free(apply->origin);
	free(apply);
}

void apply_outcome_fini(struct apply_outcome *outcome)
{
	cfg_errors_free(&outcome->errors);
	cfg_changes_free(&outcome->changes);
	plan_free(outcome->plan);
	foresight_free(outcome->foresight);
	config_free(outcome->config);
	*outcome = (struct apply_outcome){0};
}

struct history *apply_history(const struct apply *apply)
{
	return apply->history;
}

struct readings *apply_readings(const struct apply *apply)
{
	return apply->readings;
}

int64_t apply_present(const struct apply *apply)
{
	return apply->present;
}

uint64_t apply_changes(const struct apply *apply)
{
	return apply->n_changes;
}

int64_t apply_trial(const struct apply *apply, unsigned *left_sec)
{
	uint64_t now_ms = clock_now_ms();

	*left_sec = apply->trial_ends_ms > now_ms
			    ? (unsigned)((apply->trial_ends_ms - now_ms + 999) / 1000)
			    : 0;
	return apply->trial;
}
