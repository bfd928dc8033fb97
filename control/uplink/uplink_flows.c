// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_flows.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "cfg/base/clock.h"
#include "control/router.h"

enum {
	ROWS = 64,
	TURN_NS = 500000, // of the loop's time, then the others have their turn
	PAUSE_US = 1000,  // while the workers have enough to do
	PASSES_MAX = 3,	  // what was open while the walk went by is found by another
};

struct uplink_flows {
	struct router *router;
	struct event *timer;
	uint64_t gone[2];
	unsigned passes_left;
	uint64_t cursor;
	bool is_walked;
	struct dp_flow rows[ROWS];
	unsigned n, at;
	uint64_t n_ended;
};

static bool is_of_uplink(const struct uplink_flows *flows, const struct dp_flow *flow)
{
	bool is_ip6 = flow->src.family == IP_V6;
	bool is_translated =
		flow->nat_src.family != IP_NONE && !ip_addr_equal(&flow->nat_src, &flow->src);

	// the probes go on
	if (flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6)
		return false;
	return flow->out_interface >= 0 && (flows->gone[is_ip6] >> flow->out_interface & 1) != 0 &&
	       (is_translated || flow->in_interface < 0);
}

// 0, or -EAGAIN: the workers have enough to do.
static int end_those_at_hand(struct uplink_flows *flows)
{
	for (; flows->at < flows->n; flows->at++) {
		int rc;

		if (!is_of_uplink(flows, &flows->rows[flows->at]))
			continue;
		rc = dataplane_flow_end(flows->router->dp, &flows->rows[flows->at], true);
		if (rc == -EAGAIN)
			return rc;
		flows->n_ended += rc == 0;
	}
	return 0;
}

static void wake_workers(struct uplink_flows *flows)
{
	uint64_t n;

	dataplane_flows_ended(flows->router->dp, &n);
}

static void go_on_in(struct uplink_flows *flows, suseconds_t us)
{
	struct timeval wait = {.tv_usec = us};

	event_add(flows->timer, &wait);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct uplink_flows *flows = ctx;
	uint64_t end_ns = clock_now_ns() + TURN_NS;

	while (clock_now_ns() < end_ns) {
		if (end_those_at_hand(flows) != 0) {
			wake_workers(flows);
			go_on_in(flows, PAUSE_US);
			return;
		}
		if (flows->is_walked && --flows->passes_left == 0) {
			wake_workers(flows);
			flows->gone[0] = flows->gone[1] = 0;
			return;
		}
		if (flows->is_walked) {
			flows->cursor = 0;
			flows->is_walked = false;
			wake_workers(flows);
			go_on_in(flows, PAUSE_US);
			return;
		}
		flows->at = 0;
		flows->is_walked = !dataplane_flows(
			flows->router->dp, &flows->cursor, flows->rows, ROWS, &flows->n);
	}
	wake_workers(flows);
	go_on_in(flows, 0);
}

void uplink_flows_end(struct uplink_flows *flows, const uint64_t gone[2])
{
	if ((gone[0] | gone[1]) == 0)
		return;
	flows->gone[0] |= gone[0];
	flows->gone[1] |= gone[1];
	flows->passes_left = PASSES_MAX;
	flows->cursor = 0;
	flows->is_walked = false;
	flows->n = flows->at = 0;
	go_on_in(flows, 0);
}

uint64_t uplink_flows_ended(const struct uplink_flows *flows)
{
	return flows->n_ended;
}

struct uplink_flows *uplink_flows_new(struct router *router)
{
	struct uplink_flows *flows = calloc(1, sizeof(*flows));

	if (flows == NULL)
		return NULL;
	flows->router = router;
	flows->timer = event_new(router->base, -1, 0, on_turn, flows);
	if (flows->timer != NULL)
		return flows;
	free(flows);
	return NULL;
}

void uplink_flows_free(struct uplink_flows *flows)
{
	if (flows == NULL)
		return;
	event_free(flows->timer);
	free(flows);
}
