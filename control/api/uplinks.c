// SPDX-License-Identifier: BSD-3-Clause
// The uplinks: what is known of each (show.uplinks), and a few probes of one at once
// (uplink.ping).
#include "control/uplink/uplinks.h"

#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/api/show_parts.h"
#include "control/uplink/uplink_probe.h"

enum {
	PING_COUNT = 5,
	PING_COUNT_MAX = 100,
	PING_INTERVAL_MS = 200,
	PING_WAIT_MS = 1000, // behind the last question
};

// --- show.uplinks ---

static const struct interface *interface_of(
	const struct router *router, const struct uplink_view *uplink)
{
	return interfaces_by_name(&router->interfaces, uplink->interface);
}

// Its address of that family that is not the link's alone, or IP_NONE.
static struct ip_addr address_of(const struct interface *interface, uint8_t family)
{
	static const struct ip_addr none;

	for (unsigned i = 0; interface != NULL && i < interface->n_addresses; i++) {
		const struct ip_addr *addr = &interface->addresses[i].prefix.addr;

		if (addr->family == family && !ip_addr_is_link_local(addr))
			return *addr;
	}
	return none;
}

static json_t *family_json(
	const struct router *router, const struct uplink_view *uplink, unsigned f)
{
	const struct interface *interface = interface_of(router, uplink);
	struct ip_addr address = address_of(interface, f == 0 ? IP_V4 : IP_V6);
	json_t *to = json_object();

	show_put_addr(to, "address", &address);
	show_put_addr(to, "gateway", &uplink->via[f]);
	show_put_bool(to, "has_way", uplink->has_way[f]);
	show_put_number(to, "share_percent",
		uplink->all_shares[f] == 0 ? 0 : 100 * uplink->shares[f] / uplink->all_shares[f]);
	json_object_set_new(to, "why_not",
		uplink->why_not[f] == NULL ? json_null() : json_string(uplink->why_not[f]));
	return to;
}

static json_t *target_json(const struct uplink_view *uplink, unsigned i)
{
	const struct uplink_target *target = &uplink->health->targets[i];
	json_t *to = json_object();

	show_put_addr(to, "target", &uplink->targets[i]);
	show_put_text(to, "by", uplink->asks_neighbours ? "neighbour" : "echo");
	show_put_number(to, "lost_in_a_row", target->n_lost);
	json_object_set_new(to, "loss_percent",
		target->n_history == 0 ? json_null()
				       : json_integer(100 * __builtin_popcount(target->history) /
						      (json_int_t)target->n_history));
	json_object_set_new(
		to, "rtt_us", target->rtt_us == 0 ? json_null() : json_integer(target->rtt_us));
	return to;
}

static json_t *uplink_json(const struct router *router, const struct uplink_view *uplink)
{
	const struct uplink_health *health = uplink->health;
	json_t *to = json_object(), *targets = json_array();
	uint64_t now_ms = clock_now_ms();
	unsigned loss;

	for (unsigned i = 0; i < health->n_targets; i++)
		json_array_append_new(targets, target_json(uplink, i));
	show_put_text(to, "name", uplink->name);
	show_put_text(to, "interface", uplink->interface);
	show_put_bool(to, "is_there", interface_of(router, uplink) != NULL);
	show_put_text(to, "state", uplink_state_name(health->state));
	show_put_number(to, "since_sec", (now_ms - health->since_ms) / 1000);
	show_put_bool(to, "is_used", uplink->shares[0] + uplink->shares[1] > 0);
	show_put_number(to, "priority", uplink->config->priority);
	show_put_number(to, "weight", uplink->config->weight);
	json_object_set_new(to, "loss_percent",
		uplink_health_loss(health, &loss) ? json_integer(loss) : json_null());
	json_object_set_new(to, "rtt_us",
		uplink_health_rtt_us(health) == 0 ? json_null()
						  : json_integer(uplink_health_rtt_us(health)));
	json_object_set_new(to, "held_sec",
		health->state != UPLINK_RECOVERING || health->hold_until_ms < now_ms
			? json_null()
			: json_integer((json_int_t)(health->hold_until_ms - now_ms) / 1000));
	show_put_number(to, "changes", health->n_changes);
	show_put_number(to, "probes_sent", health->n_asked);
	show_put_number(to, "probes_answered", health->n_answered);
	json_object_set_new(to, "ipv4", family_json(router, uplink, 0));
	json_object_set_new(to, "ipv6", family_json(router, uplink, 1));
	json_object_set_new(to, "targets", targets);
	return to;
}

json_t *show_uplinks(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	struct uplink_view uplink;
	json_t *list;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; uplinks_view(router->ways_out, i, &uplink); i++)
		json_array_append_new(list, uplink_json(router, &uplink));
	return json_pack("{s:o, s:I}", "uplinks", list, "flows_ended",
		(json_int_t)uplinks_flows_ended(router->ways_out));
}

// --- uplink.ping ---

struct ping {
	struct uplink_probe probe;
	bool is_open;
	struct ip_addr target;
	json_t *about; // what the answer says beside the probes
	unsigned n, n_asked, n_answered;
	uint64_t next_ms, end_ms;
	int64_t asked_us[PING_COUNT_MAX], rtt_us[PING_COUNT_MAX]; // < 0: no answer
};

static void free_ping(void *task)
{
	struct ping *ping = task;

	if (ping->is_open)
		uplink_probe_close(&ping->probe);
	json_decref(ping->about);
	free(ping);
}

static bool find_uplink(const struct router *router, const json_t *params,
	struct uplink_view *uplink, struct rpc_failure *failure)
{
	const char *name = json_string_value(json_object_get(params, "uplink"));

	for (unsigned i = 0; name != NULL && uplinks_view(router->ways_out, i, uplink); i++)
		if (strcmp(uplink->name, name) == 0)
			return true;
	if (name == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS, "'uplink' is missing");
	else
		rpc_fail(failure, RPC_INVALID_PARAMS, "there is no uplink '%.64s'", name);
	return false;
}

// What is asked for, else its first probe, else its next router.
static bool choose_target(struct ping *ping, const json_t *params, const struct uplink_view *uplink,
	struct rpc_failure *failure)
{
	const json_t *target = json_object_get(params, "target");

	if (target != NULL) {
		if (json_is_string(target) &&
			ip_addr_parse(json_string_value(target), &ping->target) == 0 &&
			!ip_addr_is_multicast(&ping->target))
			return true;
		rpc_fail(failure, RPC_INVALID_PARAMS, "'target' must be the address of a host");
		return false;
	}
	if (uplink->health->n_targets > 0)
		ping->target = uplink->targets[0];
	if (ping->target.family != IP_NONE)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS,
		"uplink %s has neither a probe nor a next router at present: say whom to ask",
		uplink->name);
	return false;
}

static bool read_count(struct ping *ping, const json_t *params, struct rpc_failure *failure)
{
	const json_t *count = json_object_get(params, "count");

	ping->n = PING_COUNT;
	if (count == NULL)
		return true;
	if (json_is_integer(count) && json_integer_value(count) >= 1 &&
		json_integer_value(count) <= PING_COUNT_MAX) {
		ping->n = (unsigned)json_integer_value(count);
		return true;
	}
	rpc_fail(failure, RPC_INVALID_PARAMS, "'count' must be a number from 1 to %d",
		PING_COUNT_MAX);
	return false;
}

static bool open_ping(struct ping *ping, const struct router *router,
	const struct uplink_view *uplink, struct rpc_failure *failure)
{
	const struct interface *interface = interface_of(router, uplink);
	unsigned f = ping->target.family == IP_V6;
	struct ip_addr source = address_of(interface, ping->target.family);
	int rc;

	if (interface == NULL) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "the interface %s of uplink %s is absent",
			uplink->interface, uplink->name);
		return false;
	}
	rc = uplink_probe_open(&ping->probe, uplink->interface);
	ping->is_open = rc == 0;
	if (rc != 0) {
		rpc_fail(failure, RPC_INTERNAL_ERROR, "cannot send there: %s", strerror(-rc));
		return false;
	}
	ping->about = json_object();
	show_put_text(ping->about, "uplink", uplink->name);
	show_put_text(ping->about, "interface", uplink->interface);
	show_put_text(ping->about, "state", uplink_state_name(uplink->health->state));
	show_put_addr(ping->about, "target", &ping->target);
	show_put_addr(ping->about, "source", &source);
	show_put_addr(ping->about, "gateway", &uplink->via[f]);
	return true;
}

static void *begin_ping(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"uplink", "target", "count", NULL};
	const struct router *router = session->rpc->ctx;
	struct uplink_view uplink;
	struct ping *ping = calloc(1, sizeof(*ping));

	if (ping == NULL)
		return NULL;
	if (show_check_names(params, keys, failure) &&
		find_uplink(router, params, &uplink, failure) &&
		read_count(ping, params, failure) &&
		choose_target(ping, params, &uplink, failure) &&
		open_ping(ping, router, &uplink, failure))
		return ping;
	free_ping(ping);
	return NULL;
}

static void hear(struct ping *ping)
{
	struct uplink_probe_answer answer;

	while (uplink_probe_hear(&ping->probe, ping->target.family, &answer) == 1) {
		unsigned at = answer.sequence;

		if (at >= ping->n_asked || ping->rtt_us[at] >= 0 ||
			!ip_addr_equal(&answer.from, &ping->target))
			continue;
		ping->rtt_us[at] = answer.time_us - ping->asked_us[at];
		ping->rtt_us[at] = ping->rtt_us[at] < 0 ? 0 : ping->rtt_us[at];
		ping->n_answered++;
	}
}

static json_t *ping_answer(struct ping *ping)
{
	json_t *probes = json_array();

	for (unsigned i = 0; i < ping->n; i++)
		json_array_append_new(
			probes, ping->rtt_us[i] < 0 ? json_null() : json_integer(ping->rtt_us[i]));
	json_object_set_new(ping->about, "rtts_us", probes);
	show_put_number(ping->about, "sent", ping->n);
	show_put_number(ping->about, "answered", ping->n_answered);
	return json_incref(ping->about);
}

static enum rpc_task_state go_on(void *task, json_t **result, struct rpc_failure *failure)
{
	struct ping *ping = task;
	uint64_t now_ms = clock_now_ms();

	hear(ping);
	if (ping->n_asked < ping->n && now_ms >= ping->next_ms) {
		ping->asked_us[ping->n_asked] = uplink_probe_now_us();
		ping->rtt_us[ping->n_asked] = -1;
		// what cannot be sent is not answered
		uplink_probe_ask(&ping->probe, &ping->target, (uint16_t)ping->n_asked++);
		ping->next_ms = now_ms + PING_INTERVAL_MS;
		ping->end_ms = now_ms + PING_WAIT_MS;
	}
	if (ping->n_answered < ping->n && (ping->n_asked < ping->n || now_ms < ping->end_ms))
		return RPC_TASK_WAITS;
	*result = ping_answer(ping);
	return RPC_TASK_DONE;
}

const struct rpc_task uplink_ping = {begin_ping, go_on, NULL, free_ping};
