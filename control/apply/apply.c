// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/apply/probes.h"
#include "control/apply/steps.h"
#include "control/wall_clock.h"

enum { RETRY_SEC = 10 };

static const struct timeval retry = {.tv_sec = RETRY_SEC};

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
};

// --- one config takes the place of another ---

struct wish {
	const struct apply_who *who;
	unsigned confirm_sec;
	bool is_lenient;
};

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

// Before it takes effect, on trial. Without a history it goes on where nothing is promised.
static int note(struct apply *apply, const struct source *source, const struct wish *wish,
	struct apply_outcome *outcome)
{
	struct revision revision = {
		.at = wall_clock_now(),
		.state = REVISION_TRIAL,
		.uid = wish->who->uid,
		.who = wish->who->program,
		.why = wish->who->why,
		.file = source->config->file,
		.file_hash = strcmp(source->config->file, apply->origin) == 0
				     ? source->hash
				     : source_hash_file(apply->origin),
	};

	if (apply->history == NULL)
		error_set(&outcome->unkept, "there is no state file");
	else if (history_add(apply->history, &revision, source->text, source->bytes,
			 &outcome->revision, &outcome->unkept) == 0)
		return 0;
	if (wish->confirm_sec == 0)
		return 0;
	return error_set(&outcome->err,
		"it could not be taken back after a power cut, so it is not put on trial: %s",
		outcome->unkept.text);
}

static void publish(const struct apply *apply, const char *what, int64_t revision, const char *why)
{
	if (events_are_heard(apply->router, STREAM_CONFIG))
		events_publish(apply->router, STREAM_CONFIG,
			json_pack("{s:s, s:I, s:s}", "what", what, "revision", (json_int_t)revision,
				"message", why));
}

static void tell_news(
	const struct apply *apply, const struct apply_outcome *outcome, const struct wish *wish)
{
	char number[32] = "not kept";

	if (outcome->revision != 0)
		snprintf(number, sizeof(number), "revision %lld", (long long)outcome->revision);
	log_info("config", "%s: %s%s%s", number, outcome->file,
		wish->who->why[0] != '\0' ? ": " : "", wish->who->why);
	publish(apply, wish->confirm_sec > 0 ? "on trial" : "in force", outcome->revision,
		wish->who->why);
}

// Takes the config out of the source when it is in force.
static int exchange(struct apply *apply, struct source *source, const struct wish *wish,
	struct apply_outcome *outcome)
{
	struct steps_ctx ctx = {
		.router = apply->router,
		.before = apply->router->config,
		.after = source->config,
		.plan = outcome->plan,
		.is_lenient = wish->is_lenient,
		.now = wall_clock_now(),
		.revision = outcome->revision,
	};
	int rc;

	if (outcome->revision != 0 && wish->confirm_sec == 0)
		ctx.history = apply->history;
	rc = transaction_run(steps, STEPS, &ctx, &outcome->failed_step, &outcome->err);
	if (rc == 0) {
		apply->present = outcome->revision;
		apply->present_hash = source->hash;
		steps_finish(&ctx, source->config);
		plan_free(outcome->plan); // it speaks of a config that has ended
		outcome->plan = NULL;
		source->config = NULL;
	}
	steps_fini(&ctx);
	return rc;
}

// How it would come about.
static int look(
	const struct apply *apply, const struct source *source, struct apply_outcome *outcome)
{
	outcome->is_unchanged = source->hash == apply->present_hash;
	outcome->plan = plan_new(apply->router->config, source->config);
	return outcome->plan != NULL ? 0 : error_set(&outcome->err, "no memory for the plan");
}

static int take(struct apply *apply, struct source *source, const struct wish *wish,
	struct apply_outcome *outcome)
{
	struct error err = {0};

	if (look(apply, source, outcome) != 0)
		return -1;
	if (outcome->is_unchanged)
		return 0;
	if (refuse_restarts(outcome) != 0 || note(apply, source, wish, outcome) != 0)
		return -1;
	if (exchange(apply, source, wish, outcome) == 0) {
		tell_news(apply, outcome, wish);
		return 0;
	}
	if (outcome->revision != 0 && history_forget(apply->history, outcome->revision, &err) != 0)
		log_error("config", "%s", err.text);
	outcome->revision = 0;
	return -1;
}

// Places in the outcome's errors are of a file whose name the config owns.
static void leave(struct source *source, struct apply_outcome *outcome)
{
	outcome->config = source->config;
	source->config = NULL;
	source_fini(source);
}

// --- on trial ---

static void end_trial(struct apply *apply, enum revision_state state)
{
	struct error err = {0};

	event_del(apply->timer);
	probes_end(apply->probes);
	if (apply->trial != 0 && state != REVISION_GOOD &&
		history_settle(apply->history, apply->trial, state, &err) != 0)
		log_error("config", "%s", err.text);
	apply->trial = 0;
}

int apply_load(const struct apply *apply, int64_t number, const char *name, struct source *source,
	struct cfg_errors *errors, struct error *err)
{
	size_t bytes;
	char *text;
	int rc;

	if (apply->history == NULL)
		return error_set(err, "there is no state file, so there is no history");
	text = history_text(apply->history, number, &bytes, err);
	if (text == NULL)
		return -1;
	rc = source_parse(source, name, text, bytes, errors);
	free(text);
	return rc;
}

static int go_back(
	struct apply *apply, int64_t number, const struct wish *wish, struct apply_outcome *outcome)
{
	struct source source = {0};
	int rc;

	snprintf(outcome->file, sizeof(outcome->file), "revision %lld", (long long)number);
	rc = apply_load(apply, number, outcome->file, &source, &outcome->errors, &outcome->err);
	if (rc == 0)
		rc = take(apply, &source, wish, outcome);
	leave(&source, outcome);
	return rc;
}

// What was there before is what the files of its sets held then: reading them now must not be what
// keeps a router from coming back.
static void on_trial_ended(evutil_socket_t fd, short what, void *ctx)
{
	struct apply *apply = ctx;
	char why[HISTORY_WHY_MAX + 1], failed[160];
	struct apply_who who = {-1, "millraced", why};
	struct wish wish = {.who = &who, .is_lenient = true};
	struct apply_outcome outcome = {0};
	char text[1024];

	probation_tell(probes_state(apply->probes), failed, sizeof(failed));
	snprintf(why, sizeof(why), "%s revision %lld%s%s%s: back to revision %lld",
		failed[0] != '\0' ? "probes failed," : "nobody confirmed", (long long)apply->trial,
		failed[0] != '\0' ? " goes (" : "", failed, failed[0] != '\0' ? ")" : "",
		(long long)apply->fallback);
	log_warning("config", "%s", why);
	if (go_back(apply, apply->fallback, &wish, &outcome) == 0) {
		end_trial(apply, REVISION_UNDONE);
	} else {
		log_error("config", "cannot go back, the next try is in %d s: %s", RETRY_SEC,
			error_str(outcome.errors.n > 0 ? &outcome.errors.list[0] : &outcome.err,
				text, sizeof(text)));
		event_add(apply->timer, &retry);
	}
	apply_outcome_fini(&outcome);
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

// --- what is asked for ---

int apply_plan(struct apply *apply, const char *path, struct apply_outcome *outcome)
{
	struct source source = {0};
	int rc;

	snprintf(outcome->file, sizeof(outcome->file), "%s", path);
	rc = source_read(&source, outcome->file, &outcome->errors);
	if (rc == 0)
		rc = firewall_check(source.config, &outcome->err);
	if (rc == 0)
		rc = look(apply, &source, outcome);
	if (rc == 0 && config_diff(apply->router->config, source.config, &outcome->changes) != 0)
		rc = error_set(&outcome->err, "no memory for the plan");
	leave(&source, outcome);
	return rc;
}

int apply_file(struct apply *apply, const char *path, const struct apply_who *who,
	unsigned confirm_sec, struct apply_outcome *outcome)
{
	struct wish wish = {.who = who, .confirm_sec = confirm_sec};
	struct source source = {0};
	int64_t before = apply->present;
	int rc;

	snprintf(outcome->file, sizeof(outcome->file), "%s", path);
	if (apply->trial != 0)
		return error_set(&outcome->err,
			"revision %lld is on trial: confirm it or roll it back first",
			(long long)apply->trial);
	if (confirm_sec > 0 && before == 0)
		return error_set(&outcome->err,
			"what the router has now is not in the history: nothing to go back to");
	rc = source_read(&source, outcome->file, &outcome->errors);
	if (rc == 0)
		rc = take(apply, &source, &wish, outcome);
	leave(&source, outcome);
	if (rc == 0 && confirm_sec > 0 && !outcome->is_unchanged)
		begin_trial(apply, before, confirm_sec);
	return rc;
}

int apply_rollback(struct apply *apply, int64_t number, const struct apply_who *who,
	struct apply_outcome *outcome)
{
	char why[HISTORY_WHY_MAX + 1];
	struct apply_who asks = *who;
	struct wish wish = {.who = &asks};

	if (number == 0 && apply->history != NULL)
		number = apply->trial != 0     ? apply->fallback
			 : apply->present != 0 ? history_before(apply->history, apply->present)
					       : history_newest(apply->history, REVISION_GOOD);
	if (number == 0)
		return error_set(&outcome->err, "there is no revision to go back to");
	if (asks.why[0] == '\0') {
		snprintf(why, sizeof(why), "back to revision %lld", (long long)number);
		asks.why = why;
	}
	if (go_back(apply, number, &wish, outcome) != 0)
		return -1;
	if (apply->trial != 0 && !outcome->is_unchanged)
		end_trial(apply, REVISION_UNDONE);
	return 0;
}

int apply_confirm(struct apply *apply, int64_t *number, struct error *err)
{
	if (apply->trial == 0)
		return error_set(err, "nothing is on trial");
	if (history_settle(apply->history, apply->trial, REVISION_GOOD, err) != 0)
		return -1;
	*number = apply->trial;
	end_trial(apply, REVISION_GOOD);
	log_info("config", "revision %lld is confirmed", (long long)*number);
	publish(apply, "confirmed", *number, "");
	return 0;
}

static void on_passed(void *ctx)
{
	struct apply *apply = ctx;
	struct error err = {0};
	int64_t number;

	log_info("config", "revision %lld has stood its test", (long long)apply->trial);
	if (apply_confirm(apply, &number, &err) != 0) {
		log_error("config", "it cannot be confirmed: %s", err.text);
		probes_end(apply->probes);
	}
}

int apply_confirm_when(struct apply *apply, unsigned probes, const char *name, struct error *err)
{
	if (apply->trial == 0)
		return error_set(err, "nothing is on trial");
	return probes_begin(apply->probes, probes, name, err);
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
	if (apply->origin != NULL && apply->timer != NULL && apply->probes != NULL)
		return apply;
	apply_free(apply);
	return NULL;
}

void apply_free(struct apply *apply)
{
	if (apply == NULL)
		return;
	if (apply->timer != NULL)
		event_free(apply->timer);
	probes_free(apply->probes);
	free(apply->origin);
	free(apply);
}

void apply_outcome_fini(struct apply_outcome *outcome)
{
	cfg_errors_free(&outcome->errors);
	cfg_changes_free(&outcome->changes);
	plan_free(outcome->plan);
	config_free(outcome->config);
	*outcome = (struct apply_outcome){0};
}

struct history *apply_history(const struct apply *apply)
{
	return apply->history;
}

int64_t apply_present(const struct apply *apply)
{
	return apply->present;
}

int64_t apply_trial(const struct apply *apply, unsigned *left_sec)
{
	uint64_t now_ms = clock_now_ms();

	*left_sec = apply->trial_ends_ms > now_ms
			    ? (unsigned)((apply->trial_ends_ms - now_ms + 999) / 1000)
			    : 0;
	return apply->trial;
}
