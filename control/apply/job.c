// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/apply/foresight.h"
#include "control/apply/reading.h"
#include "control/apply/record.h"
#include "control/errand.h"
#include "control/wall_clock.h"

enum { GOES_ON = 0, IS_DONE = 1, AGAIN = 2 }; // what phases give beside -1

// --- the phases ---

static int look(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;
	const struct router *router = apply_router(job->apply);
	const struct config *before = router->config;

	outcome->is_unchanged = apply_has(job->apply, job->source.hash);
	outcome->plan = plan_new(before, job->source.config);
	if (outcome->plan == NULL)
		return error_set(&outcome->err, "no memory for the plan");
	if (plan_cores(outcome->plan, before, job->source.config, &router->cores, &router->allowed,
		    &outcome->err) != 0)
		return -1;
	if (job->kind == APPLY_PLAN &&
		config_diff(before, job->source.config, &outcome->changes) != 0)
		return error_set(&outcome->err, "no memory for the plan");
	return GOES_ON;
}

static bool changes_config(const struct apply_job *job)
{
	return job->kind == APPLY_FILE || job->kind == APPLY_BACK;
}

static int refuse_restarts(struct apply_outcome *outcome)
{
	const struct plan *plan = outcome->plan;
	size_t at = 0;
	char list[400] = "";

	if (plan->n_restarts == 0)
		return 0;
	for (unsigned i = 0; i < plan->n_restarts && at < sizeof(list); i++)
		at += (size_t)snprintf(
			list + at, sizeof(list) - at, "%s%s", i > 0 ? ", " : "", plan->restarts[i]);
	return error_set(&outcome->err, "needs a restart of millraced: %s%s", list,
		plan->n_more_restarts > 0 ? " and more" : "");
}

static int read_back(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;
	size_t bytes;
	char *text = history_text(apply_history(job->apply), job->number, &bytes, &outcome->err);
	int rc;

	if (text == NULL)
		return -1;
	rc = source_parse(&job->source, outcome->file, text, bytes, &outcome->errors);
	free(text);
	return rc;
}

// Long. The router's config is looked at: only jobs change that.
static int read_source(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;
	int rc;

	if (job->kind == APPLY_FILES)
		return GOES_ON;
	if (job->kind == APPLY_CONFIRM)
		return record_confirm(job) == 0 ? IS_DONE : -1;
	rc = job->kind == APPLY_BACK ? read_back(job)
				     : source_read(&job->source, outcome->file, &outcome->errors);
	if (rc == 0 && job->kind == APPLY_PLAN)
		rc = firewall_check(job->source.config, &outcome->err);
	if (rc != 0 || look(job) != 0)
		return -1;
	if (!changes_config(job) || outcome->is_unchanged)
		return GOES_ON;
	return refuse_restarts(outcome) == 0 ? record_note(job) : -1;
}

static void describe_steps(struct apply_job *job)
{
	const struct apply_outcome *outcome = &job->outcome;
	struct router *router = apply_router(job->apply);
	bool is_one = job->set[0] != '\0';

	job->steps = (struct steps_ctx){
		.router = router,
		.before = router->config,
		.after = job->source.config,
		.plan = outcome->plan,
		.now = wall_clock_now(),
	};
	job->steps.wish = (struct set_files_wish){
		.how = job->kind == APPLY_FILES ? SET_FILES_ANEW
		       : job->is_lenient	? SET_FILES_LENIENT
						: SET_FILES_STRICT,
		.now = (time_t)job->steps.now,
		.set = is_one ? job->set : NULL,
	};
}

// Sets with a timeout that are new are not made: nobody is in them.
static int begin_plan(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;

	if (outcome->plan->n_restarts > 0)
		return IS_DONE;
	describe_steps(job);
	return firewall_next_init(&job->steps.router->firewall, job->source.config,
		&job->steps.firewall, &outcome->err);
}

// Only the policy is made anew.
static int begin_files(struct apply_job *job)
{
	describe_steps(job);
	return firewall_next_init(&job->steps.router->firewall, job->steps.before,
		&job->steps.firewall, &job->outcome.err);
}

static int begin_steps(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;

	if (job->kind == APPLY_FILES)
		return begin_files(job);
	if (outcome->is_unchanged)
		return IS_DONE;
	if (job->kind == APPLY_PLAN)
		return begin_plan(job);
	describe_steps(job);
	if (transaction_go_on(
		    steps, 0, STEPS_LONG, &job->steps, &outcome->failed_step, &outcome->err) != 0)
		return -1;
	if (steps_begin_dns(&job->steps, &outcome->err) == 0)
		return GOES_ON;
	transaction_undo(steps, STEPS_LONG, &job->steps);
	return -1;
}

// Long. What is to be undone then is the loop's.
static int run_long_step(struct apply_job *job)
{
	if (steps[STEPS_LONG].run(&job->steps, &job->outcome.err) == 0)
		return GOES_ON;
	job->outcome.failed_step = steps[STEPS_LONG].name;
	return -1;
}

// All that a plan does with it.
static int judge_flows(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;

	if (job->kind != APPLY_PLAN)
		return GOES_ON;
	if (outcome->foresight == NULL)
		outcome->foresight = foresight_new(&job->steps.router->firewall,
			&job->steps.firewall, outcome->plan, job->flows_max, job->steps.now);
	if (outcome->foresight == NULL)
		return error_set(&outcome->err, "no memory to judge flows with");
	return foresight_go_on(outcome->foresight) ? AGAIN : IS_DONE;
}

// Long.
static int prepare_dns(struct apply_job *job)
{
	if (!changes_config(job) || steps_prepare_dns(&job->steps, &job->outcome.err) == 0)
		return GOES_ON;
	job->outcome.failed_step = "DNS";
	return -1;
}

static int end_steps(struct apply_job *job)
{
	struct apply_outcome *outcome = &job->outcome;

	job->steps.now = wall_clock_now();
	if (job->kind == APPLY_FILES)
		return firewall_exchange(&job->steps.router->firewall, &job->steps.firewall,
			job->steps.now, &outcome->err);
	return transaction_go_on(
		steps, STEPS_LONG + 1, STEPS, &job->steps, &outcome->failed_step, &outcome->err);
}

static const struct phase {
	const char *name;
	bool is_long;
	int (*run)(struct apply_job *job);
} phases[] = {
	{"reading", true, read_source},
	{"checking", false, begin_steps},
	{"compiling the policy", true, run_long_step},
	{"judging the flows that live", false, judge_flows},
	{"making the DNS forwarder ready", true, prepare_dns},
	{"putting it in force", false, end_steps},
};

enum { PHASES = sizeof(phases) / sizeof(phases[0]), PHASE_LONG_STEP = 2, PHASE_DNS = 4 };

const char *job_phase_name(const struct apply_job *job)
{
	return job->phase < PHASES ? phases[job->phase].name : "tidying up";
}

// --- from one to the next ---

// Places in the outcome's errors are of a file whose name the config owns.
static void leave(struct apply_job *job)
{
	job->outcome.config = job->source.config;
	job->source.config = NULL;
	source_fini(&job->source);
}

static void conclude(struct apply_job *job)
{
	bool is_in_force = job->rc == GOES_ON; // all phases are through

	foresight_end(job->outcome.foresight);
	if (job->rc < 0 && (job->phase == PHASE_LONG_STEP || job->phase == PHASE_DNS) &&
		changes_config(job))
		transaction_undo(steps, STEPS_LONG, &job->steps);
	if (is_in_force && changes_config(job)) {
		steps_finish(&job->steps, job->source.config);
		job->steps.old = readings_release(apply_readings(job->apply), job->steps.old);
		plan_free(job->outcome.plan); // it speaks of a config that is about to end
		job->outcome.plan = NULL;
		job->source.config = NULL;
	}
	apply_settle(job->apply, job);
	leave(job);
	job->rc = job->rc < 0 ? -1 : 0;
	job->is_done = true;
}

// Long.
static void tidy(void *ctx)
{
	struct apply_job *job = ctx;

	record_end(job);
	if (job->steps.router != NULL)
		steps_fini(&job->steps);
}

static void end(void *ctx)
{
	struct apply_job *job = ctx;

	if (job->steps.router != NULL)
		steps_over(&job->steps);
	apply_job_over(job->apply, job);
}

static void go_on(struct apply_job *job);

static void run_phase(void *ctx)
{
	struct apply_job *job = ctx;

	job->rc = phases[job->phase].run(job);
}

static void phase_done(void *ctx)
{
	struct apply_job *job = ctx;

	if (job->rc == GOES_ON)
		job->phase++;
	go_on(job);
}

// Without a thread, here and now.
static void go_out(struct apply_job *job, void (*run)(void *ctx), void (*done)(void *ctx))
{
	if (errand_begin(apply_errand(job->apply), run, done, job) == 0)
		return;
	run(job);
	done(job);
}

static void go_on(struct apply_job *job)
{
	while (job->rc == GOES_ON && job->phase < PHASES && !phases[job->phase].is_long) {
		run_phase(job);
		if (job->rc == AGAIN) {
			job->rc = GOES_ON;
			if (apply_wants_turn(job->apply))
				return;
			continue;
		}
		if (job->rc == GOES_ON)
			job->phase++;
	}
	if (job->rc == GOES_ON && job->phase < PHASES) {
		go_out(job, run_phase, phase_done);
		return;
	}
	conclude(job);
	go_out(job, tidy, end);
}

void job_begin(struct apply_job *job)
{
	go_on(job);
}

void job_turn(struct apply_job *job)
{
	go_on(job);
}

void job_fini(struct apply_job *job)
{
	foresight_end(job->outcome.foresight);
	if (job->steps.router != NULL)
		steps_fini(&job->steps);
	source_fini(&job->source);
	apply_outcome_fini(&job->outcome);
}
