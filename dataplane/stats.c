// SPDX-License-Identifier: BSD-3-Clause
// What control reads of the workers: sums of counters that only their worker writes, and live
// flows as they are at a glance. Control thread.
#include <errno.h>
#include <string.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/flow_tuple.h"

enum { FLOW_LOOKS_MAX = 512 }; // in one call, each a line or two that may come from memory

static const struct {
	const char *name, *help;
} counter_texts[COUNTER_COUNT] = {
#define COUNTER_TEXT(id, name, help) [COUNTER_##id] = {name, help},
	COUNTERS(COUNTER_TEXT)
#undef COUNTER_TEXT
};

void stats_describe(enum counter counter, struct dp_counter *out)
{
	*out = (struct dp_counter){
		.name = counter_texts[counter].name, .help = counter_texts[counter].help};
}

bool dataplane_counter(const struct dataplane *dp, unsigned i, struct dp_counter *out)
{
	if (i >= COUNTER_COUNT)
		return false;
	stats_describe((enum counter)i, out);
	out->packets = dp->host.counters[i];
	for (unsigned k = 0; k < dp->options.n_workers; k++)
		out->packets += dp->workers[k].counters[i];
	return true;
}

struct dp_interface_stats stats_of_interface(const struct dataplane *dp, int id)
{
	struct dp_interface_stats sum = {0};

	for (unsigned k = 0; k < dp->options.n_workers; k++) {
		const struct interface_counters *c = &dp->workers[k].interface_counters[id];

		sum.rx_packets += c->rx_packets;
		sum.rx_bytes += c->rx_bytes;
		sum.tx_packets += c->tx_packets;
		sum.tx_bytes += c->tx_bytes;
		sum.tx_dropped += c->tx_dropped;
	}
	return sum;
}

int dataplane_interface_stats(const struct dataplane *dp, int id, struct dp_interface_stats *out)
{
	const struct dp_interface_stats *before;

	memset(out, 0, sizeof(*out));
	if (id < 0 || id >= DP_INTERFACES_MAX || !dp->snapshot->interfaces[id].is_used)
		return -ENOENT;
	before = &dp->stats_before[id];
	*out = stats_of_interface(dp, id);
	out->rx_packets -= before->rx_packets;
	out->rx_bytes -= before->rx_bytes;
	out->tx_packets -= before->tx_packets;
	out->tx_bytes -= before->tx_bytes;
	out->tx_dropped -= before->tx_dropped;
	return 0;
}

int dataplane_worker_stats(const struct dataplane *dp, unsigned worker, struct dp_worker_stats *out)
{
	const struct worker *w;

	memset(out, 0, sizeof(*out));
	if (worker >= dp->options.n_workers)
		return -ENOENT;
	w = &dp->workers[worker];
	*out = (struct dp_worker_stats){
		.core = atomic_load(&w->core),
		.turns = w->turns,
		.idle_turns = w->idle_turns,
		.sleeps = w->sleeps,
		.rx_packets = w->rx_packets,
		.handed_over = w->handed_over,
		.flows = w->flows.n_used,
		.flow_capacity = w->flows.capacity,
	};
	return 0;
}

void stats_flow(const struct worker *w, const struct flow *flow, struct dp_flow *out)
{
	const struct flow_dir *there = &flow->dir[0], *back = &flow->dir[1];
	struct flow_tuple original = flow_tuple_of(there), leaves_as = flow_tuple_translated(there);
	uint32_t seen = there->last_seen_sec;

	if ((int32_t)(back->last_seen_sec - seen) > 0)
		seen = back->last_seen_sec;
	*out = (struct dp_flow){
		.worker = w->index,
		.protocol = flow->state.protocol,
		.mark = flow->state.mark,
		.src = original.src,
		.dst = original.dst,
		.sport = rte_be_to_cpu_16(original.sport_be),
		.dport = rte_be_to_cpu_16(original.dport_be),
		.nat_src = leaves_as.src,
		.nat_dst = leaves_as.dst,
		.nat_sport = rte_be_to_cpu_16(leaves_as.sport_be),
		.nat_dport = rte_be_to_cpu_16(leaves_as.dport_be),
		.in_interface = flow->state.in_iface == FLOW_IFACE_HOST ? -1 : flow->state.in_iface,
		.out_interface =
			flow->state.out_iface == FLOW_IFACE_HOST ? -1 : flow->state.out_iface,
		.idle_sec = w->now_sec - seen,
		.timeout_sec =
			conntrack_timeout_sec(&w->dp->snapshot->policy->timeouts, &flow->state),
		.state = conntrack_phase_name(&flow->state),
		.place = flow_index(&w->flows, flow),
		.kind = original.kind,
	};
	for (unsigned d = 0; d < 2; d++) {
		out->packets[d] =
			(uint64_t)flow->state.packets_high[d] << 32 | flow->dir[d].packets;
		out->bytes[d] = (uint64_t)flow->state.bytes_high[d] << 32 | flow->dir[d].bytes;
	}
}

// The cursor is the worker in the upper half, the next flow to look at in the lower one.
bool dataplane_flows(const struct dataplane *dp, uint64_t *cursor, struct dp_flow *out,
	unsigned max, unsigned *n)
{
	unsigned worker = (unsigned)(*cursor >> 32), looks = 0;
	uint32_t i = (uint32_t)*cursor;

	*n = 0;
	while (worker < dp->options.n_workers) {
		const struct worker *w = &dp->workers[worker];

		if (i >= w->flows.n_touched) {
			worker++;
			i = 0;
			continue;
		}
		if (*n == max || looks++ == FLOW_LOOKS_MAX)
			break;
		if (w->flows.flows[i].state.state != FLOW_FREE)
			stats_flow(w, &w->flows.flows[i], &out[(*n)++]);
		i++;
	}
	*cursor = (uint64_t)worker << 32 | i;
	return worker < dp->options.n_workers;
}
