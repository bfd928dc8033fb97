// SPDX-License-Identifier: BSD-3-Clause
// What tags cost: nat44-10k with both interfaces on one trunk, each in a VLAN of its own. A frame
// comes with its tag, finds its interface by that, and leaves with the other's, as worker_flush
// puts it on.
#include "dataplane/dataplane_internal.h"
#include "dataplane/vlan.h"
#include "perf/bench_nat.h"

static const uint16_t vlans[] = {[LAN] = 20, [WAN] = 7};

// Not timed: frames are made without.
static void prepare(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	vlan_put_on_all(pkts, n, vlan_tag_be(vlans[iface], 0));
}

static void rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct worker *w = ((struct bench_world *)t)->worker;

	vlan_rx(w, 0, pkts, n);
	for (uint64_t left = w->tx_pending; left != 0; left &= left - 1) {
		uint8_t out = (uint8_t)__builtin_ctzll(left);

		vlan_put_on_all(w->tx[out].pkts, w->tx[out].n, w->snap->interfaces[out].tag_be);
	}
}

// One without the right tag is counted for nothing, so that it is missed.
static unsigned take_sent(struct bench_target *t, struct bench_sent *out)
{
	struct bench_sent own = {0}, *sent = out != NULL ? out : &own;
	unsigned n = bench_world_take_sent(t, sent), n_right = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = sent->pkts[i];

		if (!vlan_is_tagged(m) || vlan_control(m) != vlans[sent->ifaces[i]])
			continue;
		vlan_take_off(m);
		n_right++;
	}
	return n_right;
}

static const struct bench_target_ops vlan_ops = {
	.prepare = prepare,
	.rx = rx,
	.take_sent = take_sent,
	.turn = bench_world_turn,
	.expect = nat_expect,
	.describe_drops = bench_world_describe_drops,
	.free = nat_world_free,
};

struct bench_target *bench_vlan_make(const struct bench_case *c, struct error *err)
{
	struct bench_target *t = bench_nat_make(c, err);
	struct snapshot *snap;

	if (t == NULL)
		return NULL;
	snap = snapshot_copy(((struct bench_world *)t)->dp);
	if (snap == NULL) {
		error_set(err, "no memory");
		nat_world_free(t);
		return NULL;
	}
	for (unsigned i = LAN; i <= WAN; i++) {
		snap->interfaces[i].is_tagged = true;
		snap->interfaces[i].vlan = vlans[i];
		snap->interfaces[i].tag_be = vlan_tag_be(vlans[i], 0);
	}
	snapshot_publish(((struct bench_world *)t)->dp, snap);
	t->ops = &vlan_ops;
	return t;
}
