// SPDX-License-Identifier: BSD-3-Clause
// What the history is told of a job, and when: on trial before it takes effect, good or gone once
// the loop knows what became of it. All of it waits for the disk: another thread's than the loop's,
// while the job is under way.
#pragma once

#include "control/apply/job.h"

// Without a history it goes on where nothing is promised. 0, or -1 with the reason in the outcome.
int record_note(struct apply_job *job);
// What became of it. What is in force and not found good at the next start is the outcome's
// `unkept`.
void record_end(struct apply_job *job);
// What is on trial stays: the whole of a job that confirms it. 0, or -1 as above.
int record_confirm(struct apply_job *job);
