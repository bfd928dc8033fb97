// SPDX-License-Identifier: BSD-3-Clause
// Workers that nobody captures from and that keep nothing: for tests of other things.
#include <errno.h>

#include "dataplane/dataplane.h"

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	return -EBUSY;
}

bool dataplane_capture_next(struct dataplane *dp, int number, struct dp_captured *out)
{
	return false;
}

void dataplane_capture_counts(const struct dataplane *dp, int number, struct dp_capture_counts *out)
{
	*out = (struct dp_capture_counts){0};
}

void dataplane_capture_stop(struct dataplane *dp, int number)
{
}

void dataplane_capture_free(struct dataplane *dp, int number)
{
}

struct dp_recording *dataplane_recording_new(
	const struct dataplane *dp, uint64_t since_ns, struct error *err)
{
	error_set(err, "nothing is recorded");
	return NULL;
}

bool dataplane_recording_next(struct dp_recording *recording, struct dp_captured *out)
{
	return false;
}

void dataplane_recording_free(struct dp_recording *recording)
{
}

bool dataplane_recorder_state(
	const struct dataplane *dp, unsigned worker, struct dp_recorder_state *out)
{
	return false;
}

bool dataplane_recorder_outlives(const struct dataplane *dp, struct error *err)
{
	return true;
}
