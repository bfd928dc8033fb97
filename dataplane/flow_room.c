// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_room.h"

#include <string.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"

enum { TELL_AGAIN_MS = 60000 };

static void tell(struct worker *w, enum dp_event_kind kind, uint32_t host)
{
	const struct flow_host *of = &w->flows.shares.hosts[host];
	struct dp_event event = {
		.kind = kind,
		.interface = of->key.kind == FLOW_HOST_ROUTER ? -1 : of->key.iface,
		.addr = {.family = of->key.family},
		.flows = of->n[FLOW_RANK_ALL],
	};

	memcpy(event.addr.bytes, &of->key.network, sizeof(of->key.network));
	dataplane_raise(w, &event);
}

// Once when it fills up, with the name of who has most; again only after it has emptied a little.
static void tell_fill(struct worker *w)
{
	uint64_t used = w->flows.n_used, capacity = w->flows.capacity;

	if (used * 10 < capacity * 8)
		w->is_full_told = false;
	if (used * 10 < capacity * 9 || w->is_full_told || w->now_ms < w->full_again_ms)
		return;
	w->is_full_told = true;
	w->full_again_ms = w->now_ms + TELL_AGAIN_MS;
	tell(w, DP_EVENT_FLOWS_FULL, flow_greediest(&w->flows));
}

static void evict(struct worker *w, struct flow *flow)
{
	conntrack_end(w, flow);
	worker_count(w, COUNTER_FLOW_EVICTED);
}

// Each worker has its part of a host's flows, as of the table.
static bool is_at_limit(const struct worker *w, uint32_t host)
{
	uint32_t max = w->snap->policy->host_flows_max;

	return max != 0 && host != FLOW_HOST_UNKNOWN &&
	       w->flows.shares.hosts[host].key.kind == FLOW_HOST_INSIDE &&
	       w->flows.shares.hosts[host].n[FLOW_RANK_ALL] >=
		       (max + w->n_workers - 1) / w->n_workers;
}

static struct flow_host_key key_of(
	const struct worker *w, const struct ip_addr *src, uint8_t iface, bool from_host)
{
	if (from_host)
		return (struct flow_host_key){.kind = FLOW_HOST_ROUTER};
	return flow_host_key_of(src, iface, w->snap->interfaces[iface].is_outside);
}

enum counter flow_room_refuses(
	const struct worker *w, const struct ip_addr *src, uint8_t iface, bool from_host)
{
	struct flow_host_key key = key_of(w, src, iface, from_host);
	uint32_t host = flow_host_find(&w->flows, &key);

	if (is_at_limit(w, host))
		return flow_oldest_spare(&w->flows, host) == NULL ? COUNTER_DROP_HOST_LIMIT
								  : COUNTER_COUNT;
	if (flow_table_is_full(&w->flows) && flow_has_no_victim(&w->flows, host))
		return COUNTER_DROP_FLOW_SHARE;
	return COUNTER_COUNT;
}

struct flow *flow_room_take(struct worker *w, const struct ip_addr *src, uint8_t iface,
	bool from_host, enum counter *refused)
{
	struct flow_host_key key = key_of(w, src, iface, from_host);
	struct flow *flow, *victim;
	uint32_t host;

	host = flow_host_find(&w->flows, &key);
	if (unlikely(is_at_limit(w, host))) {
		if (w->now_ms >= w->limit_again_ms) {
			w->limit_again_ms = w->now_ms + TELL_AGAIN_MS;
			tell(w, DP_EVENT_HOST_LIMIT, host);
		}
		victim = flow_oldest_spare(&w->flows, host);
		if (victim == NULL) {
			*refused = COUNTER_DROP_HOST_LIMIT;
			return NULL;
		}
		evict(w, victim);
		host = FLOW_HOST_UNKNOWN; // it may have been its last one
	}
	flow = flow_alloc(&w->flows);
	if (unlikely(flow == NULL)) {
		victim = flow_victim(&w->flows, host);
		if (victim == NULL) {
			*refused = COUNTER_DROP_FLOW_SHARE;
			return NULL;
		}
		evict(w, victim);
		host = FLOW_HOST_UNKNOWN;
		flow = flow_alloc(&w->flows);
	}
	flow->state.host =
		likely(host != FLOW_HOST_UNKNOWN) ? host : flow_host_open(&w->flows, &key);
	tell_fill(w);
	return flow;
}
