// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_alarms.h"

#include <stdio.h>

#include "cfg/base/log.h"

enum { HOST_BYTES = ADDR_STR_BYTES + 48 };

// Who the flows belong to: "198.18.0.7 on lan", "2001:db8::/64 on lan", ...
static void host_str(const struct interfaces *interfaces, const struct dp_event *event, char *out)
{
	const struct interface *interface = interfaces_by_id(interfaces, event->interface);
	const char *name = interface != NULL ? interface->config->name : "an interface now gone";
	char addr[ADDR_STR_BYTES];

	if (event->interface < 0)
		snprintf(out, HOST_BYTES, "the router itself");
	else if (event->addr.family == IP_NONE)
		snprintf(out, HOST_BYTES, "unnamed hosts on %s", name);
	else
		snprintf(out, HOST_BYTES, "%s%s on %s", ip_addr_str(&event->addr, addr),
			event->addr.family == IP_V6 ? "/64" : "", name);
}

const char *flow_alarm_str(
	const struct interfaces *interfaces, const struct dp_event *event, char *out)
{
	char host[HOST_BYTES];

	host_str(interfaces, event, host);
	if (event->kind == DP_EVENT_FLOWS_FULL)
		snprintf(out, FLOW_ALARM_BYTES,
			"a worker's flow table is nine tenths full; %u of its flows are of %s",
			event->flows, host);
	else
		snprintf(out, FLOW_ALARM_BYTES,
			"%s has reached its limit with %u flows on one worker", host, event->flows);
	return out;
}

void flow_alarms_log(const struct interfaces *interfaces, const struct dp_event *event)
{
	char text[FLOW_ALARM_BYTES];

	log_warning("flows", "%s", flow_alarm_str(interfaces, event, text));
}
