// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/events.h"

#include <stdlib.h>
#include <time.h>

#include "control/api/server.h"
#include "control/api/show_parts.h"
#include "control/flow_alarms.h"

void events_publish(const struct router *router, enum stream_topic topic, json_t *event)
{
	struct timespec now;
	json_t *message;
	char *text;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(event, "topic", json_string(stream_topic_name(topic)));
	json_object_set_new(
		event, "time", json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	message =
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", "event", "params", event);
	text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
	if (text != NULL)
		api_publish(router->api, topic, text);
	free(text);
	json_decref(message);
}

bool events_are_heard(const struct router *router, enum stream_topic topic)
{
	return api_has_listener(router->api, topic);
}

void events_link(const struct router *router, const struct interface *interface)
{
	json_t *to;

	if (!events_are_heard(router, STREAM_LINKS))
		return;
	to = json_object();
	show_put_text(to, "interface", interface->config->name);
	show_put_bool(to, "is_up", interface_is_up(interface));
	show_put_bool(to, "link_is_up", interface->is_link_up);
	events_publish(router, STREAM_LINKS, to);
}

void events_neighbour(const struct router *router, int interface, const struct ip_addr *addr,
	const struct mac_addr *mac)
{
	json_t *to;

	if (!events_are_heard(router, STREAM_NEIGHBOURS))
		return;
	to = json_object();
	show_put_addr(to, "addr", addr);
	show_put_interface(to, "interface", router, interface);
	if (mac == NULL)
		json_object_set_new(to, "mac", json_null());
	else
		show_put_mac(to, "mac", mac);
	events_publish(router, STREAM_NEIGHBOURS, to);
}

static json_t *set_json(
	const struct router *router, uint16_t timed, const struct ip_prefix *prefix, bool is_in)
{
	json_t *to = json_object();
	char text[ADDR_STR_BYTES];

	show_put_text(to, "set", router->bans.sets.list[timed].name);
	show_put_text(to, "address", ip_prefix_str(prefix, text));
	show_put_bool(to, "is_in", is_in);
	return to;
}

void events_set_add(const struct router *router, uint16_t timed, const struct ip_prefix *prefix,
	uint32_t for_sec, const char *by)
{
	json_t *to;

	if (!events_are_heard(router, STREAM_SETS) || timed >= router->bans.sets.n)
		return;
	to = set_json(router, timed, prefix, true);
	show_put_left(to, "for_sec", for_sec);
	show_put_text(to, "by", by);
	events_publish(router, STREAM_SETS, to);
}

void events_set_remove(const struct router *router, uint16_t timed, const struct ip_prefix *prefix)
{
	if (events_are_heard(router, STREAM_SETS) && timed < router->bans.sets.n)
		events_publish(router, STREAM_SETS, set_json(router, timed, prefix, false));
}

void events_lease(const struct router *router, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease)
{
	json_t *to;

	if (!events_are_heard(router, STREAM_LEASES))
		return;
	to = json_object();
	show_put_text(to, "what", dhcp4_event_name(event));
	show_put_text(to, "subnet", scope->config->name);
	if (lease != NULL) {
		struct ip_addr addr = ip4_addr(lease->address);

		show_put_addr(to, "address", &addr);
		show_put_mac(to, "mac", &lease->mac);
		show_put_text(to, "name", lease->host_name);
		show_put_number(to, "for_sec", lease->time_sec);
	}
	events_publish(router, STREAM_LEASES, to);
}

void events_alarm(const struct router *router, const struct dp_event *event)
{
	char text[FLOW_ALARM_BYTES];
	json_t *to;

	if (!events_are_heard(router, STREAM_ALARMS))
		return;
	to = json_object();
	show_put_text(to, "text", flow_alarm_str(&router->interfaces, event, text));
	events_publish(router, STREAM_ALARMS, to);
}
