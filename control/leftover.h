// SPDX-License-Identifier: BSD-3-Clause
// What the recorder of a router kept that ended without a word: killed, or by a fault of its own.
// Its rings lie in memory that is not the process's alone, a file of /dev/shm with the socket's
// path in its name; the next router of that socket finds it, and has it written like what an event
// writes. Control thread.
#pragma once

#include "cfg/config.h"
#include "dataplane/dataplane.h"

enum { LEFTOVER_PATH_BYTES = 256 };

struct leftover {
	char path[LEFTOVER_PATH_BYTES]; // where this router's own are to be
	struct dp_recording *recording; // of the one before; NULL: it left none
	struct dp_recording_origin origin;
};

// "/dev/shm/millrace-recorder.run.millrace.control.sock"
void leftover_path(const char *socket, char out[LEFTOVER_PATH_BYTES]);
// After drivers_start, before dataplane_new. What cannot be read is logged.
void leftover_find(struct leftover *leftover, const struct config *config, const char *socket);
void leftover_fini(struct leftover *leftover); // safe twice
