// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/observers.h"

#include <errno.h>

#include "dataplane/capture_ring.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/recorder.h"

// The set that is not published has been no worker's since the last time that it was replaced.
void observers_publish(struct dataplane *dp)
{
	const struct observers *before = atomic_load_explicit(&dp->observers, memory_order_relaxed);
	struct observers *next = &dp->observer_sets[before == &dp->observer_sets[0]];

	*next = (struct observers){.recorder = dp->recorder};
	for (unsigned i = 0; i < DP_CAPTURES_MAX; i++)
		if (dp->captures[i] != NULL && dp->captures[i]->is_running)
			next->captures[next->n_captures++] = dp->captures[i];
	if (next->recorder == NULL && next->n_captures == 0)
		next = NULL;
	atomic_store_explicit(&dp->observers, next, memory_order_release);
	dataplane_synchronize(dp);
}

int observers_init(struct dataplane *dp)
{
	if (dp->options.recorder.ring_bytes == 0)
		return 0;
	dp->recorder = recorder_new(&dp->options.recorder, dp->options.n_workers);
	if (dp->recorder == NULL)
		return -ENOMEM;
	observers_publish(dp);
	return 0;
}

void observers_free(struct dataplane *dp)
{
	struct recorder *recorder = dp->recorder;

	for (int i = 0; i < DP_CAPTURES_MAX; i++)
		dataplane_capture_free(dp, i);
	dp->recorder = NULL;
	if (recorder != NULL)
		observers_publish(dp);
	recorder_free(recorder);
}
