// SPDX-License-Identifier: BSD-3-Clause
// Whose the packet would be, what that worker has of it, and then the walk. A rehearsal's table is
// empty: what the real one has of this packet's names is lent to it, and where a walk has taken a
// port that somebody holds, the holder is lent too and the packet walks once more.
#include "dataplane/explain.h"

#include <errno.h>
#include <string.h>

#include "dataplane/explain_private.h"
#include "dataplane/nat.h"
#include "dataplane/nat_icmp.h"
#include "dataplane/nat_port.h"
#include "dataplane/owner.h"
#include "dataplane/parse.h"
#include "drivers/steering.h"

enum { WALKS_MAX = 16 };

// --- the packet ---

static bool parse(struct explaining *e)
{
	struct packet *p = &e->p;
	uint8_t kind;

	p->iface = (uint16_t)e->ask->interface;
	p->flags = PACKET_IS_OWNED | PACKET_IS_HOME |
		   (e->ask->is_from_router ? PACKET_FROM_HOST
					   : (uint16_t)(p->iface << FLOW_IFACE_SHIFT));
	if (e->ask->is_from_router)
		return packet_parse_from_host(p);
	kind = packet_parse(p, e->r->snap.interfaces[p->iface].mac_word);
	if (kind == PACKET_IP4)
		return packet_key4(p);
	return kind == PACKET_IP6 && packet_key6(p);
}

static bool has_bucket(const struct packet *p, const struct flow_tuple *tuple)
{
	return !(p->flags & (PACKET_IS_FRAGMENT | PACKET_IS_ICMP_ERROR)) && nat_has_port(tuple);
}

static unsigned explain_owner(struct explaining *e)
{
	const struct interface *iface = &e->r->snap.interfaces[e->ask->interface];
	bool from_router = e->ask->is_from_router;
	uint16_t n = (uint16_t)e->r->dp->options.n_workers, owner;
	uint16_t port_be =
		iface->is_outside == from_router ? e->original.sport_be : e->original.dport_be;

	owner = owner_of(&e->p, iface->is_outside, from_router, n);
	if (has_bucket(&e->p, &e->original))
		e->out->bucket = steering_bucket(rte_be_to_cpu_16(port_be));
	e->out->usual_worker = owner;
	return owner;
}

// --- what is known of it ---

static const struct worker *real(const struct explaining *e)
{
	return &e->r->dp->workers[e->r->w->index];
}

// At its owner's, or at another's: packets go there. NULL: it would begin one.
static const struct flow *find_flow(
	const struct explaining *e, const struct flow_tuple *tuple, unsigned owner, unsigned *at)
{
	unsigned n = e->r->dp->options.n_workers;

	for (unsigned i = 0; i < n; i++) {
		const struct flow_dir *dir;

		*at = (owner + i) % n;
		dir = flow_find(&e->r->dp->workers[*at].flows, tuple);
		if (dir != NULL)
			return flow_of(dir);
	}
	*at = owner;
	return NULL;
}

static void lend_endpoint(
	struct explaining *e, const struct flow_endpoint *endpoint, enum flow_name name)
{
	rehearsal_lend(e->r, flow_find_endpoint(&real(e)->flows, endpoint, name));
}

// Its endpoint's mapping, and who has the outside endpoint that it would like.
static void lend_mapping(struct explaining *e, const struct decision *d)
{
	const struct flow_endpoint inside = {
		.addr = d->seen->src,
		.port_be = d->seen->sport_be,
		.protocol = d->seen->protocol,
	};
	struct flow_endpoint usual = inside;

	if (d->source.n_addresses == 0 || !nat_has_port(d->seen))
		return;
	usual.addr = nat_port_address(&d->source, &inside.addr, 0);
	lend_endpoint(e, &usual, FLOW_NAME_EXTERNAL);
	lend_endpoint(e, &inside, FLOW_NAME_INTERNAL);
}

// The flow that an ICMP error is about, found as the walk will find it.
static const struct flow *find_quoted(struct explaining *e, unsigned owner, unsigned *at)
{
	unsigned n = e->r->dp->options.n_workers;

	for (unsigned i = 0; i < n; i++) {
		struct packet copy = e->p;
		struct flow_dir *dir = NULL;
		int found;

		*at = (owner + i) % n;
		copy.m = rehearsal_packet(e->ask->frame, e->ask->bytes);
		if (copy.m == NULL)
			break;
		found = nat_icmp_error(&e->r->dp->workers[*at], &copy, &dir);
		rte_pktmbuf_free(copy.m);
		if (found > 0)
			return flow_of(dir);
	}
	*at = owner;
	return NULL;
}

// --- the walk ---

static bool walk_once(struct explaining *e)
{
	struct rte_mbuf *m = rehearsal_packet(e->ask->frame, e->ask->bytes);

	if (m == NULL)
		return false;
	rehearsal_walk(e->r, (uint8_t)e->ask->interface, m, e->ask->is_from_router);
	return true;
}

// Of what the walk has begun: who has its names already? True: he has been lent.
static bool lend_rivals(struct explaining *e)
{
	struct flow_dir *begun = flow_find(&e->r->w->flows, &e->original);
	const struct flow_dir *rival;
	struct flow_tuple reply;
	struct flow_endpoint outside;
	const struct flow *holder;
	uint32_t n_lent = e->r->w->flows.n_used;

	if (begun == NULL)
		return false;
	reply = flow_tuple_of(&flow_of(begun)->dir[1]);
	outside = flow_endpoint_of(flow_of(begun), FLOW_NAME_EXTERNAL);
	rival = flow_find(&real(e)->flows, &reply);
	holder = flow_find_endpoint(&real(e)->flows, &outside, FLOW_NAME_EXTERNAL);
	if (rival != NULL)
		rehearsal_lend(e->r, flow_of(rival));
	rehearsal_lend(e->r, holder);
	return e->r->w->flows.n_used > n_lent;
}

// What the last walk has left, but for what was lent.
static void walk_back(struct explaining *e)
{
	struct flow_dir *begun = flow_find(&e->r->w->flows, &e->original);

	rehearsal_undo(e->r, begun == NULL ? NULL : flow_of(begun));
}

static bool walk(struct explaining *e, bool may_begin)
{
	for (unsigned i = 0; i < WALKS_MAX; i++) {
		if (i > 0)
			walk_back(e);
		if (!walk_once(e))
			return false;
		if (!may_begin || !lend_rivals(e))
			break;
	}
	return true;
}

// --- all of it ---

static void explain_known(struct explaining *e, const struct flow *flow)
{
	struct dp_explanation *out = e->out;
	const struct flow_dir *dir;

	rehearsal_lend(e->r, flow);
	dir = flow_find(&e->r->w->flows, &e->original);
	if (dir == NULL) // it has ended meanwhile
		return;
	out->has_flow = true;
	out->flow_epoch = dir->epoch;
	out->is_reviewed = dir->epoch != e->r->w->epoch;
	stats_flow(e->r->w, flow_of(dir), &out->flow);
	out->flow.worker = e->r->w->index;
	explain_flow(e, flow_of(dir));
	if ((flow_of(dir)->state.flags & FLOW_IS_RATED) && !(dir->flags & FLOW_IS_REPLY) &&
		dir->packets > 0 && e->r->policy.has_firewall)
		explain_rated(e, dir);
}

// Whose it is, and what is known of it. False: no worker could be rehearsed.
static bool explain_tracked(struct explaining *e, bool *may_begin)
{
	unsigned owner = explain_owner(e), at = owner;
	bool is_error = e->p.flags & PACKET_IS_ICMP_ERROR;
	const struct flow *flow = NULL;
	struct decision d;

	if (is_error)
		flow = find_quoted(e, owner, &at);
	else if (!(e->p.flags & PACKET_IS_FRAGMENT))
		flow = find_flow(e, &e->original, owner, &at);
	if (at != e->r->w->index && !rehearsal_begin(e->r, (uint16_t)at, NULL))
		return false;
	e->out->worker = (int)at;
	if (is_error) {
		rehearsal_lend(e->r, flow);
	} else if (flow != NULL) {
		explain_known(e, flow);
	} else if (!(e->p.flags & PACKET_IS_FRAGMENT)) {
		*may_begin = true;
		rehearsal_lend_called(e->r, &e->original);
		if (explain_first(e, &d))
			lend_mapping(e, &d);
	}
	return true;
}

static bool explain(struct explaining *e)
{
	struct dp_explanation *out = e->out;
	const struct flow_dir *begun;
	bool may_begin = false;

	out->is_ip = parse(e);
	out->tracks = e->r->snap.tracks;
	out->epoch = e->r->w->epoch;
	if (out->is_ip) {
		e->original = flow_tuple_of_packet(&e->p);
		if (out->tracks && !explain_tracked(e, &may_begin))
			return false;
	} else if (out->tracks && e->p.kind == PACKET_HOST && !e->ask->is_from_router &&
		   packet_is_ip_for_host(&e->p) && packet_parse_for_host(&e->p)) {
		explain_group(e);
	}
	// what was asked so far has counted, too
	memset(e->r->w->counters, 0, sizeof(e->r->w->counters));
	if (!walk(e, may_begin))
		return false;
	explain_fate(e);
	begun = may_begin ? flow_find(&e->r->w->flows, &e->original) : NULL;
	if (begun != NULL)
		explain_room(e, flow_of(begun));
	return true;
}

int dataplane_explain(struct dataplane *dp, const struct dp_explain *packet,
	struct dp_explanation *out, struct error *err)
{
	const struct snapshot *snap = atomic_load(&dp->snapshot);
	struct explaining e = {.r = rehearsal_of(dp), .ask = packet, .out = out};
	bool is_done;

	*out = (struct dp_explanation){.bucket = -1,
		.worker = -1,
		.usual_worker = -1,
		.out_interface = -1,
		.way_back_interface = -1};
	out->destination_nat.nat = out->source_nat.nat = -1;
	out->rules.rule = RULE_DEFAULT;
	if (packet->interface < 0 || packet->interface >= DP_INTERFACES_MAX ||
		!snap->interfaces[packet->interface].is_used) {
		error_set(err, "there is no such interface");
		return -EINVAL;
	}
	if (e.r == NULL || !rehearsal_begin(e.r, 0, NULL)) {
		error_set(err, "no memory to rehearse with");
		return -ENOMEM;
	}
	e.p.m = rehearsal_packet(packet->frame, packet->bytes);
	is_done = e.p.m != NULL && explain(&e);
	rte_pktmbuf_free(e.p.m);
	rehearsal_clear(e.r);
	if (is_done)
		return 0;
	error_set(err, "no packet buffer for %u bytes", packet->bytes);
	return -ENOMEM;
}
