// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/record.h"

#include <string.h>

#include "cfg/base/log.h"
#include "control/wall_clock.h"

// Of what the file that the daemon starts from holds.
static uint64_t hash_origin(const struct apply_job *job)
{
	const char *origin = apply_origin(job->apply);

	return strcmp(job->source.config->file, origin) == 0 ? job->source.hash
							     : source_hash_file(origin);
}

int record_note(struct apply_job *job)
{
	struct history *history = apply_history(job->apply);
	struct apply_outcome *outcome = &job->outcome;
	struct revision revision = {
		.at = wall_clock_now(),
		.state = REVISION_TRIAL,
		.uid = job->uid,
		.who = job->program,
		.why = job->why,
		.file = job->source.config->file,
	};

	if (history == NULL) {
		error_set(&outcome->unkept, "there is no state file");
	} else {
		revision.file_hash = hash_origin(job);
		if (history_add(history, &revision, job->source.text, job->source.bytes,
			    &job->noted, &outcome->unkept) == 0)
			return 0;
	}
	if (job->confirm_sec == 0)
		return 0;
	return error_set(&outcome->err,
		"it could not be taken back after a power cut, so it is not put on trial: %s",
		outcome->unkept.text);
}

static void settle(struct history *history, int64_t number, enum revision_state state)
{
	struct error err = {0};

	if (history_settle(history, number, state, &err) != 0)
		log_error("config", "%s", err.text);
}

void record_end(struct apply_job *job)
{
	struct history *history = apply_history(job->apply);
	struct error err = {0};

	if (job->undone != 0)
		settle(history, job->undone, REVISION_UNDONE);
	if (job->noted == 0)
		return;
	if (job->rc < 0 && history_forget(history, job->noted, &err) != 0)
		log_error("config", "%s", err.text);
	if (job->rc < 0 || job->confirm_sec > 0 ||
		history_settle(history, job->noted, REVISION_GOOD, &err) == 0)
		return;
	log_error("config", "revision %lld is in force, and the next start goes back from it: %s",
		(long long)job->noted, err.text);
	job->outcome.unkept = err;
}

// Who waited may have come too late. Only jobs change what is on trial.
int record_confirm(struct apply_job *job)
{
	unsigned left_sec;

	if (apply_trial(job->apply, &left_sec) != job->number)
		return error_set(&job->outcome.err, "nothing is on trial any more");
	return history_settle(
		apply_history(job->apply), job->number, REVISION_GOOD, &job->outcome.err);
}
