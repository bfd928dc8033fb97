// SPDX-License-Identifier: BSD-3-Clause
// What is said of a flow table that fills up: DP_EVENT_FLOWS_FULL and DP_EVENT_HOST_LIMIT as log
// lines. Control thread.
#pragma once

#include "control/interfaces.h"

enum { FLOW_ALARM_BYTES = 192 };

// Writes at most FLOW_ALARM_BYTES to `out` and returns it.
const char *flow_alarm_str(
	const struct interfaces *interfaces, const struct dp_event *event, char *out);
void flow_alarms_log(const struct interfaces *interfaces, const struct dp_event *event);
