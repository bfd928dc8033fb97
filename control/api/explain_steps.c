// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>

#include "cfg/base/endpoint.h"
#include "control/api/explain_text.h"

enum { TEXT_BYTES = 512 };

// --- a step ---

static json_t *last_of(struct explain_steps *steps)
{
	return json_array_get(steps->list, json_array_size(steps->list) - 1);
}

static void put(json_t *to, const char *key, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void put(json_t *to, const char *key, const char *fmt, va_list ap)
{
	char text[TEXT_BYTES];

	vsnprintf(text, sizeof(text), fmt, ap);
	show_put_text(to, key, text);
}

void step_begin(struct explain_steps *steps, const char *step, const char *fmt, ...)
{
	json_t *to = json_object();
	va_list ap;

	show_put_text(to, "step", step);
	va_start(ap, fmt);
	put(to, "decision", fmt, ap);
	va_end(ap);
	json_array_append_new(steps->list, to);
}

void step_because(struct explain_steps *steps, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(last_of(steps), "because", fmt, ap);
	va_end(ap);
}

static json_t *place_json(const struct router *router, struct cfg_place place)
{
	return json_pack(
		"{s:s, s:i}", "file", config_file_of(router->config, place), "line", place.line);
}

void step_place(struct explain_steps *steps, struct cfg_place place)
{
	json_object_set_new(last_of(steps), "place", place_json(steps->router, place));
}

void step_passed_over(struct explain_steps *steps, const struct cfg_place *place, const char *field,
	const char *fmt, ...)
{
	json_t *list = json_object_get(last_of(steps), "passed_over"), *to = json_object();
	va_list ap;

	if (list == NULL) {
		list = json_array();
		json_object_set_new(last_of(steps), "passed_over", list);
	}
	va_start(ap, fmt);
	put(to, "what", fmt, ap);
	va_end(ap);
	show_put_text(to, "no", field);
	if (place != NULL)
		json_object_set_new(to, "place", place_json(steps->router, *place));
	json_array_append_new(list, to);
}

const char *explain_interface_name(const struct router *router, int id)
{
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&router->interfaces, id);

	return interface == NULL ? "router" : interface->config->name;
}

enum { VLAN_TEXT_BYTES = 64 };

// Behind the name of an interface that has one.
static const char *vlan_text(const struct router *router, int id, char out[VLAN_TEXT_BYTES])
{
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&router->interfaces, id);
	const struct cfg_interface *config = interface == NULL ? NULL : interface->config;

	out[0] = '\0';
	if (config != NULL && config->vlan != 0)
		snprintf(out, VLAN_TEXT_BYTES, " (VLAN %u of port %s, priority %u)", config->vlan,
			config->port, config->priority);
	else if (config != NULL && config->has_vlan)
		snprintf(out, VLAN_TEXT_BYTES, " (port %s, priority %u)", config->port,
			config->priority);
	return out;
}

// --- the way in ---

static void step_arrival(struct explain_steps *steps, const struct dp_explain *packet)
{
	const struct dp_explanation *why = steps->why;
	const char *name = explain_interface_name(steps->router, packet->interface);
	char vlan[VLAN_TEXT_BYTES];

	if (packet->is_from_router)
		step_begin(steps, "arrival", "from the router itself, towards %s", name);
	else
		step_begin(steps, "arrival", "in by %s%s", name,
			vlan_text(steps->router, packet->interface, vlan));
	if (!why->is_ip)
		step_because(steps, "it is no sound IP packet to the router's MAC");
}

static void step_worker(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;

	if (!why->is_ip)
		return;
	if (why->worker < 0) {
		step_begin(steps, "worker", "whichever receives it");
		step_because(steps, "nothing keeps state, so no worker owns flows");
		return;
	}
	step_begin(steps, "worker", "%d", why->worker);
	if (why->worker != why->usual_worker)
		step_because(
			steps, "its flow is there; its port would lead to %d", why->usual_worker);
	else if (why->bucket >= 0)
		step_because(steps, "its port is of bucket %d", why->bucket);
	else
		step_because(steps, "by its addresses: no port of its own decides");
}

static void endpoint_text(const struct ip_addr *addr, uint16_t port, char text[ADDR_STR_BYTES])
{
	struct ip_endpoint endpoint = {.addr = *addr, .port = port, .has_port = port != 0};

	ip_endpoint_str(&endpoint, text);
}

static void step_flow(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	char src[ADDR_STR_BYTES], dst[ADDR_STR_BYTES];

	if (!why->is_ip || !why->tracks)
		return;
	if (!why->has_flow) {
		step_begin(steps, "flow", "none: it is asked about as a first packet");
		return;
	}
	endpoint_text(&why->flow.src, why->flow.sport, src);
	endpoint_text(&why->flow.dst, why->flow.dport, dst);
	step_begin(steps, "flow", "%s -> %s, %s", src, dst, why->flow.state);
	if (why->is_cut)
		step_because(steps, "what decided it has changed (epoch %u, now %u): it is cut",
			why->flow_epoch, why->epoch);
	else if (why->is_reviewed)
		step_because(steps,
			"decided at epoch %u, now %u: it is judged again, as below, and goes on",
			why->flow_epoch, why->epoch);
	else
		step_because(steps, "decided at epoch %u, which is still the one", why->epoch);
}

static const char *way_text(enum dp_explained_way way)
{
	switch (way) {
	case DP_WAY_NONE:
		return "no route";
	case DP_WAY_BLACKHOLE:
		return "a blackhole";
	case DP_WAY_UNREACHABLE:
		return "an unreachable route";
	case DP_WAY_PROHIBIT:
		return "a prohibited route";
	case DP_WAY_LOCAL:
		return "the router itself";
	case DP_WAY_MULTICAST:
		return "a group";
	case DP_WAY_CONNECTED:
	case DP_WAY_GATEWAY:
		break;
	}
	return NULL;
}

static void step_hygiene(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	const char *way = way_text(why->way_back);

	if (!why->is_hygienic)
		return;
	step_begin(steps, "hygiene", "%s", why->unsound == NULL ? "sound" : why->unsound);
	step_because(steps, "the way back to its source is %s%s", way == NULL ? "by " : "",
		way == NULL ? explain_interface_name(steps->router, why->way_back_interface) : way);
}

// --- the way out ---

static void step_neighbour(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	const struct neighbour *known;
	char addr[ADDR_STR_BYTES], mac[ADDR_STR_BYTES];

	if (!why->has_neighbour)
		return;
	ip_addr_str(&why->neighbour, addr);
	known = neighbour_table_find(
		steps->router->neighbours.table, why->out_interface, &why->neighbour);
	if (!why->is_neighbour_known) {
		step_begin(steps, "neighbour", "%s on %s: not known, it waits and is asked for",
			addr, explain_interface_name(steps->router, why->out_interface));
		step_because(steps, "%s",
			known != NULL && known->state == NEIGHBOUR_FAILED
				? "it did not answer lately"
				: "nobody has heard of it yet");
		return;
	}
	step_begin(steps, "neighbour", "%s is %s", addr, mac_addr_str(&why->neighbour_mac, mac));
	if (known != NULL)
		step_because(steps, "%s",
			known->state == NEIGHBOUR_STALE ? "stale: used, and asked again"
							: "reachable");
}

static void step_mtu(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;

	if (why->mtu == 0)
		return;
	if (why->n_pieces > 1)
		step_begin(steps, "mtu", "%u: it leaves in %u pieces", why->mtu, why->n_pieces);
	else
		step_begin(steps, "mtu", "%u: it fits", why->mtu);
}

static void step_end(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	char vlan[VLAN_TEXT_BYTES];

	switch (why->fate) {
	case DP_FATE_SENT:
		step_begin(steps, "end", "sent by %s%s, queue %d",
			explain_interface_name(steps->router, why->out_interface),
			vlan_text(steps->router, why->out_interface, vlan), why->queue);
		return;
	case DP_FATE_TO_ROUTER:
		step_begin(steps, "end", "to the router itself (%s)", why->reason);
		break;
	case DP_FATE_DROPPED:
		step_begin(steps, "end", "dropped: %s", why->reason);
		break;
	case DP_FATE_HELD_NEIGHBOUR:
		step_begin(steps, "end", "waits for its neighbour, three seconds at most");
		return;
	case DP_FATE_HELD_FRAGMENTS:
		step_begin(steps, "end", "waits for its other fragments, two seconds at most");
		return;
	}
	if (why->answer == NULL)
		step_because(steps, "%s", why->help);
	else if (strcmp(why->answer, "icmp") == 0)
		step_because(steps, "%s; its sender is told by ICMP type %u code %u", why->help,
			why->answer_type, why->answer_code);
	else
		step_because(steps, "%s; its sender is told by a %s", why->help, why->answer);
}

json_t *explain_steps(const struct router *router, const struct dp_explain *packet,
	const struct dp_explanation *why)
{
	struct explain_steps steps = {.router = router, .why = why, .list = json_array()};

	step_arrival(&steps, packet);
	step_worker(&steps);
	step_flow(&steps);
	step_hygiene(&steps);
	if (why->is_decided) {
		step_nat(&steps, false);
		step_route(&steps);
		step_uplink(&steps);
		step_sets(&steps);
	}
	step_rules(&steps);
	if (why->is_decided && why->fate == DP_FATE_SENT)
		step_nat(&steps, true);
	step_neighbour(&steps);
	step_mtu(&steps);
	step_end(&steps);
	return steps.list;
}
