// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/apply/foresight.h"
#include "control/apply/job.h"
#include "control/apply/reading.h"
#include "control/apply/record.h"
#include "control/apply/trial.h"
#include "control/errand.h"
#include "control/wall_clock.h"

enum { RETRY_SEC = 10, SOON_SEC = 1 };

struct apply {
	struct router *router;
	struct history *history;
	char *origin;
	int64_t present;
	uint64_t present_hash; // of its text
	struct trial *trial;
	uint64_t n_changes;
	struct errand *errand;
	struct readings *readings;
	struct event *turn;	      // of the job
	struct apply_job *job;	      // under way; NULL: none
	struct apply_job *next;	      // waits for one that changes no config any more; NULL: none
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

// --- jobs ---

static const struct apply_who daemon_itself = {-1, "millraced", ""};

// One may wait while files of sets are read, which nobody has asked for, or while the one before
// it, done, is tidied up.
static int is_busy(const struct apply *apply, struct apply_outcome *outcome)
{
	const struct apply_job *job = apply->job;

	if (job == NULL || (apply->next == NULL && (job->kind == APPLY_FILES || job->is_done)))
		return 0;
	return error_set(&outcome->err,
		"another config is under way: %s; ask again when that is done",
		job_phase_name(job));
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
	if (job->kind == APPLY_FILE && trial_revision(apply->trial) != 0)
		return error_set(&outcome->err,
			"revision %lld is on trial: confirm it or roll it back first",
			(long long)trial_revision(apply->trial));
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
		number = trial_revision(apply->trial) != 0 ? trial_fallback(apply->trial)
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

	if (trial_revision(apply->trial) == 0)
		return error_set(&job->outcome.err, "nothing is on trial");
	if (apply->confirming != NULL || (apply->job != NULL && apply->job->kind == APPLY_CONFIRM))
		return error_set(&job->outcome.err, "it is being confirmed");
	job->number = trial_revision(apply->trial);
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
	trial_ask_again(apply->trial, RETRY_SEC);
}

// Back while the loop goes on. What was there before is what the files of its sets held then:
// reading them now must not be what keeps a router from coming back.
static void on_trial_over(void *ctx)
{
	struct apply *apply = ctx;
	struct apply_job *job;

	if (apply->job != NULL) {
		trial_ask_again(apply->trial, SOON_SEC);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		trial_ask_again(apply->trial, RETRY_SEC);
		return;
	}
	describe(job, apply, APPLY_BACK, &daemon_itself);
	job->is_lenient = true;
	job->done = on_back;
	job->done_ctx = apply;
	trial_tell(apply->trial, job->why, sizeof(job->why));
	log_warning("config", "%s", job->why);
	apply_job_leave(begin_aimed(apply, job, aim_back(job, trial_fallback(apply->trial))));
}

static void settle_trial(struct apply *apply, struct apply_job *job)
{
	if (job->rc < 0)
		return;
	job->outcome.revision = job->number;
	trial_end(apply->trial);
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
	if (job->kind == APPLY_BACK && trial_revision(apply->trial) != 0 &&
		(!outcome->is_unchanged || job->is_lenient)) { // by itself it always ends
		job->undone = trial_revision(apply->trial);
		trial_end(apply->trial);
	}
	if (job->confirm_sec > 0 && !outcome->is_unchanged)
		trial_begin(apply->trial, apply->present, job->before, job->confirm_sec);
	if (job->probes != 0 && !outcome->is_unchanged && trial_revision(apply->trial) != 0)
		trial_probe(apply->trial, job->probes, job->confirm_name, &outcome->unkept);
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
	trial_end_probes(apply->trial);
}

static void on_trial_passed(void *ctx)
{
	struct apply *apply = ctx;

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
	static const struct trial_calls calls = {on_trial_over, on_trial_passed};
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
	apply->trial = trial_new(router, &calls, apply);
	apply->turn = event_new(router->base, -1, 0, on_turn, apply);
	apply->errand = errand_new(router->base);
	apply->readings = readings_new(router->base, &router->config);
	if (apply->origin != NULL && apply->trial != NULL && apply->turn != NULL &&
		apply->errand != NULL && apply->readings != NULL)
		return apply;
	apply_free(apply);
	return NULL;
}

// Nothing of it comes into force any more, and the history does not have it as if it had been.
static void forget(struct apply_job *job)
{
	bool is_left = job->is_left;

	if (!job->is_done) {
		job->rc = -1;
		record_end(job);
	}
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
	trial_free(apply->trial);
	if (apply->turn != NULL)
		event_free(apply->turn);
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
	*left_sec = trial_left_sec(apply->trial);
	return trial_revision(apply->trial);
}
