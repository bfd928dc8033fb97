// SPDX-License-Identifier: BSD-3-Clause
// What happens in the daemon, told to clients that have subscribed. Each costs a look at a bit when
// nobody has. Control thread.
#pragma once

#include "control/api/stream.h"
#include "control/dhcp/dhcp4_server.h"
#include "control/router.h"

bool events_are_heard(const struct router *router, enum stream_topic topic);
// For parts that have no function here: takes `event`, an object; NULL is fine.
void events_publish(const struct router *router, enum stream_topic topic, json_t *event);

void events_link(const struct router *router, const struct interface *interface);
void events_neighbour(const struct router *router, int interface, const struct ip_addr *addr,
	const struct mac_addr *mac); // NULL: gone
// `by`: "rule" or "command".
void events_set_add(const struct router *router, uint16_t timed, const struct ip_prefix *prefix,
	uint32_t for_sec, const char *by);
void events_set_remove(const struct router *router, uint16_t timed, const struct ip_prefix *prefix);
void events_lease(const struct router *router, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease); // NULL: of all
void events_alarm(const struct router *router, const struct dp_event *event);

// Every second: which counters have moved since the last time.
void events_drops(const struct router *router);
