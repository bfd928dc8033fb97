// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/events.h"
#include "control/api/show_parts.h"

void events_drops(const struct router *router)
{
	enum { COUNTERS_MAX = 512 };
	static uint64_t before[COUNTERS_MAX];
	static bool has_before;
	struct dp_counter counter;
	json_t *moved;

	if (!events_are_heard(router, STREAM_DROPS)) {
		has_before = false;
		return;
	}
	moved = json_object();
	for (unsigned i = 0; i < COUNTERS_MAX && dataplane_counter(router->dp, i, &counter); i++) {
		if (has_before && counter.packets > before[i])
			show_put_number(moved, counter.name, counter.packets - before[i]);
		before[i] = counter.packets;
	}
	has_before = true;
	if (json_object_size(moved) > 0)
		events_publish(router, STREAM_DROPS, json_pack("{s:o}", "counters", moved));
	else
		json_decref(moved);
}
