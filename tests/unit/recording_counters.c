// SPDX-License-Identifier: BSD-3-Clause
// A file of its own: tests of what counters do have their own.
#include "tests/unit/recording_dataplane.h"

bool dataplane_counter(const struct dataplane *dp, unsigned i, struct dp_counter *out)
{
	if (i >= RECORDED_COUNTERS)
		return false;
	*out = (struct dp_counter){"drop_some", "for some reason", recording.counters[i]};
	return true;
}
