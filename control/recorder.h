// SPDX-License-Identifier: BSD-3-Clause
// What the flight recorder's rings are for: when something goes wrong, what the workers have kept
// of the last seconds is written to a file, by itself. One file at a time, a part of it each turn
// of the loop; an event soon after another is in that one's story and writes none. Who asks gets
// the same by a capture session (capture.h). Control thread.
#pragma once

#include "control/interfaces.h"
#include "control/recorder_files.h"

struct recorder; // of struct router
struct router;

// NULL: the config has none, or there is no memory, which is logged. Links are as they are now.
struct recorder *recorder_start(struct router *router);
void recorder_stop(struct recorder *recorder); // half a file goes; NULL is fine, as for the others

// What happened:
void recorder_link(struct recorder *recorder, const struct interface *interface);
// Each second, with how often a worker has stalled so far.
void recorder_turn(struct recorder *recorder, unsigned n_stalls);

struct recorder_state {
	bool is_writing;
	uint64_t n_written, n_passed_over; // files; events that had none of their own
	char last[128];			   // event that had one; "": none yet
};
void recorder_state(const struct recorder *recorder, struct recorder_state *out);
// As the config in force says.
struct recorder_files recorder_files_of(const struct router *router);
// A file is being written: its copy of the rings is the only one that there is memory for.
bool recorder_is_writing(const struct recorder *recorder);
