// SPDX-License-Identifier: BSD-3-Clause
#include "control/leftover.h"

#include <stdio.h>

#include "cfg/base/log.h"

#define BEGINNING "/dev/shm/millrace-recorder"

void leftover_path(const char *socket, char out[LEFTOVER_PATH_BYTES])
{
	snprintf(out, LEFTOVER_PATH_BYTES, BEGINNING "%s%s", socket[0] == '/' ? "" : ".", socket);
	for (char *c = out + sizeof(BEGINNING) - 1; *c != '\0'; c++)
		if (*c == '/')
			*c = '.';
}

void leftover_find(struct leftover *leftover, const struct config *config, const char *socket)
{
	struct error err = {0};

	leftover_path(socket, leftover->path);
	leftover->recording = dataplane_recording_left(
		leftover->path, config->recorder.last_sec, &leftover->origin, &err);
	if (leftover->recording != NULL && !config->recorder.is_there) {
		log_warning("control",
			"the router before this one, process %u, ended without a word; what it "
			"recorded is not written, for there is no `recorder` any more",
			leftover->origin.pid);
		leftover_fini(leftover);
	} else if (leftover->recording == NULL && err.text[0] != '\0') {
		log_warning("control", "what a router before this one recorded is not read: %s",
			err.text);
	}
}

void leftover_fini(struct leftover *leftover)
{
	dataplane_recording_free(leftover->recording);
	leftover->recording = NULL;
}
