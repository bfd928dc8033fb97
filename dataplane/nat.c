// SPDX-License-Identifier: BSD-3-Clause
// There is no object for a mapping. The flows of one inside endpoint that leave as one outside
// endpoint form a ring, and one of them, its head, is entered in the table under the outside
// endpoint (FLOW_NAME_EXTERNAL): as long as it is there nobody else takes that. Whoever begins
// another flow finds it by its own port at its host's address outside. Where that is not what it
// got, the head is entered under the inside endpoint as well (FLOW_NAME_INTERNAL). When the head
// ends the next of the ring takes its names over; with the last flow the mapping is gone.
//
// A ring that had to share another's outside endpoint has the inside name alone.
#include "dataplane/nat.h"

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/nat_port.h"
#include "dataplane/pipeline_forward.h"
#include "drivers/steering.h"

// --- endpoints ---

static struct flow_endpoint inside_of(const struct flow_tuple *packet)
{
	return (struct flow_endpoint){
		.addr = packet->src,
		.port_be = packet->sport_be,
		.protocol = packet->protocol,
	};
}

static struct flow_endpoint called_by(const struct flow_tuple *packet)
{
	return (struct flow_endpoint){
		.addr = packet->dst,
		.port_be = packet->dport_be,
		.protocol = packet->protocol,
	};
}

static bool endpoint_equal(const struct flow_endpoint *a, const struct flow_endpoint *b)
{
	return a->port_be == b->port_be && a->protocol == b->protocol &&
	       ip_addr_equal(&a->addr, &b->addr);
}

static bool leaves_within_pool(const struct flow *flow, const void *ctx)
{
	struct flow_endpoint outside = flow_endpoint_of(flow, FLOW_NAME_EXTERNAL);

	return nat_port_pool_has(ctx, &outside.addr);
}

static bool leaves_as(const struct flow *flow, const void *ctx)
{
	return flow_endpoint_is(flow, FLOW_NAME_EXTERNAL, ctx);
}

// Few endpoints are entered as they are inside: mostly there is none of that port.
static struct flow *find_by_inside(const struct worker *w, const struct flow_endpoint *inside,
	flow_accepts_fn accepts, const void *ctx)
{
	return nat_n_inside(&w->nat, inside->port_be) == 0
		       ? NULL
		       : flow_find_endpoint_if(&w->flows, inside, FLOW_NAME_INTERNAL, accepts, ctx);
}

// --- choosing ---

// The outside endpoint that an inside one is expected to have.
static struct flow_endpoint expected(
	const struct nat_source *source, const struct flow_endpoint *inside)
{
	return (struct flow_endpoint){
		.addr = nat_port_address(source, &inside->addr, 0),
		.port_be = inside->port_be,
		.protocol = inside->protocol,
	};
}

// Without a port, all that can tell two hosts apart towards one remote is the pool.
static bool choose_address(struct worker *w, const struct flow_tuple *packet,
	const struct nat_source *source, struct nat_reply *reply)
{
	enum { ADDRESSES_TRIED = 64 };
	uint32_t n = RTE_MIN(source->n_addresses, (uint32_t)ADDRESSES_TRIED);

	for (uint32_t i = 0; i < n; i++) {
		reply->key.dst = nat_port_address(source, &packet->src, i);
		if (nat_reply_is_free(w, reply))
			return true;
	}
	return false;
}

bool nat_choose(struct worker *w, const struct flow_tuple *packet, const struct nat_source *source,
	struct nat_choice *out)
{
	struct flow_endpoint inside = inside_of(packet), outside;
	struct nat_reply *reply = &out->reply;
	struct flow *holder, *head;
	enum nat_port found;

	out->head = NULL;
	out->is_own = false;
	out->n_ended = w->flows.n_ended;
	// by its parts: the whole would be stored in pieces, and copied in others
	reply->key.src = packet->dst;
	reply->key.dst = source->first;
	reply->key.sport_be = packet->dport_be;
	reply->key.dport_be = packet->sport_be;
	reply->key.protocol = packet->protocol;
	reply->key.kind = flow_key_kind_reply(packet->kind);
	if (source->n_addresses == 0)
		return false;
	if (source->is_none)
		return nat_reply_is_free(w, reply);
	if (!nat_has_port(packet))
		return choose_address(w, packet, source, reply);
	out->usual = expected(source, &inside);
	out->usual_hash = flow_endpoint_hash(&w->flows, &out->usual, FLOW_NAME_EXTERNAL);
	if (source->keeps_port)
		return nat_reply_is_free(w, reply);
	holder = flow_find_endpoint_by(&w->flows, &out->usual, FLOW_NAME_EXTERNAL, out->usual_hash);
	head = holder;
	if (head == NULL || !flow_endpoint_is(head, FLOW_NAME_INTERNAL, &inside))
		head = find_by_inside(w, &inside, leaves_within_pool, source);
	if (head != NULL) {
		outside = flow_endpoint_of(head, FLOW_NAME_EXTERNAL);
		reply->key.dst = outside.addr;
		nat_reply_set_port(&reply->key, outside.port_be);
		if (nat_reply_is_free(w, reply)) {
			out->head = head;
			return true;
		}
	}
	found = nat_port_search(w, packet, source, holder != NULL, reply);
	if (found == NAT_PORT_SHARED || (found == NAT_PORT_OWN && head != NULL))
		worker_count(w, COUNTER_NAT_OVERLOADED);
	out->is_own = found == NAT_PORT_OWN;
	return found != NAT_PORT_NONE;
}

// --- rings ---

static struct flow *at(const struct worker *w, uint32_t index)
{
	return &w->flows.flows[index];
}

static void ring_start(struct worker *w, struct flow *flow)
{
	flow->state.endpoint_next = flow->state.endpoint_prev = flow_index(&w->flows, flow);
	flow->state.flags |= FLOW_IS_MAPPED;
}

static void ring_join(struct worker *w, struct flow *flow, struct flow *head)
{
	uint32_t index = flow_index(&w->flows, flow);

	flow->state.endpoint_prev = flow_index(&w->flows, head);
	flow->state.endpoint_next = head->state.endpoint_next;
	at(w, head->state.endpoint_next)->state.endpoint_prev = index;
	head->state.endpoint_next = index;
	flow->state.flags |= FLOW_IS_MAPPED;
}

static void ring_leave(struct worker *w, struct flow *flow)
{
	at(w, flow->state.endpoint_prev)->state.endpoint_next = flow->state.endpoint_next;
	at(w, flow->state.endpoint_next)->state.endpoint_prev = flow->state.endpoint_prev;
	flow->state.flags &= (uint8_t)~FLOW_IS_MAPPED;
}

static void count_inside(struct worker *w, const struct flow *flow, int n)
{
	nat_count_inside(&w->nat, flow_endpoint_of(flow, FLOW_NAME_INTERNAL).port_be, n);
}

// In a table without room its mapping is not known: its packets are translated all the same.
static void name_enter(struct worker *w, struct flow *flow, enum flow_name name, uint8_t flag)
{
	if (!flow_enter(&w->flows, flow, name))
		return;
	flow->state.flags |= flag;
	if (name == FLOW_NAME_INTERNAL)
		count_inside(w, flow, 1);
}

static void name_leave(struct worker *w, struct flow *flow, enum flow_name name, uint8_t flag)
{
	if (!(flow->state.flags & flag))
		return;
	flow_leave(&w->flows, flow, name);
	flow->state.flags &= (uint8_t)~flag;
	if (name == FLOW_NAME_INTERNAL)
		count_inside(w, flow, -1);
}

// The same endpoint has the same two buckets, and one of them has just got room.
static void name_inherit(
	struct worker *w, struct flow *flow, struct flow *heir, enum flow_name name, uint8_t flag)
{
	if (!(flow->state.flags & flag))
		return;
	name_leave(w, flow, name, flag);
	name_enter(w, heir, name, flag);
}

// Whoever is inside and another worker's may call it too, or no longer. Of the router itself there
// is nothing to call: its own sockets are behind no filter of translation, its input rules judge.
static void tell_cone(struct worker *w, const struct flow *flow, bool is_there)
{
	struct flow_endpoint inside, outside;

	if (w->n_workers == 1 || !(flow->state.flags & FLOW_IS_FULL_CONE))
		return;
	inside = flow_endpoint_of(flow, FLOW_NAME_INTERNAL);
	outside = flow_endpoint_of(flow, FLOW_NAME_EXTERNAL);
	if (!protocol_has_ports(outside.protocol) || ip_addr_equal(&inside.addr, &outside.addr))
		return;
	if (is_there)
		flow_cones_add(&w->flows.cones, &outside, &inside);
	else
		flow_cones_remove(&w->flows.cones, &outside);
}

// `hash`: of the outside endpoint.
static void hold_outside(struct worker *w, struct flow *flow, const struct flow_endpoint *inside,
	const struct flow_endpoint *outside, uint64_t hash)
{
	if (!flow_enter_by(&w->flows, flow, FLOW_NAME_EXTERNAL, hash))
		return; // a table without room, as in name_enter
	flow->state.flags |= FLOW_HAS_EXTERNAL;
	nat_port_hold(w, inside, outside, true);
	tell_cone(w, flow, true);
}

// Who holds the outside endpoint, and whose mapping it is: one that shared may have no holder any
// more, and a head that does not hold.
static struct flow *find_mapping(const struct worker *w, const struct flow_endpoint *inside,
	const struct flow_endpoint *outside, struct flow **holder)
{
	*holder = flow_find_endpoint(&w->flows, outside, FLOW_NAME_EXTERNAL);
	if (*holder != NULL && flow_endpoint_is(*holder, FLOW_NAME_INTERNAL, inside))
		return *holder;
	return find_by_inside(w, inside, leaves_as, outside);
}

// Its own flow begins: it joins its mapping, or is the first of one.
static void enter_own(struct worker *w, struct flow *flow, const struct nat_source *source,
	const struct nat_choice *choice)
{
	struct flow_endpoint inside = flow_endpoint_of(flow, FLOW_NAME_INTERNAL),
			     outside = flow_endpoint_of(flow, FLOW_NAME_EXTERNAL);
	struct flow *holder = choice->head, *head = choice->head;
	bool is_usual;
	bool is_known =
		choice->n_ended == w->flows.n_ended &&
		(choice->is_own || (head != NULL && (head->state.flags & FLOW_HAS_EXTERNAL)));

	if (source->is_full_cone)
		flow->state.flags |= FLOW_IS_FULL_CONE;
	if (!is_known)
		head = find_mapping(w, &inside, &outside, &holder);
	is_usual = endpoint_equal(&outside, &choice->usual);
	if (head != NULL) {
		ring_join(w, flow, head);
	} else {
		head = flow;
		ring_start(w, flow);
		if (holder != NULL || !is_usual)
			name_enter(w, flow, FLOW_NAME_INTERNAL, FLOW_HAS_INTERNAL);
	}
	if (holder == NULL)
		hold_outside(w, head, &inside, &outside,
			is_usual ? choice->usual_hash
				 : flow_endpoint_hash(&w->flows, &outside, FLOW_NAME_EXTERNAL));
}

// Somebody outside called: as long as they talk the mapping that let them in stays.
static void enter_called(struct worker *w, struct flow *flow)
{
	struct flow_tuple called = flow_tuple_of(&flow->dir[0]);
	struct flow_tuple answers = flow_tuple_of(&flow->dir[1]);
	struct flow_endpoint inside = inside_of(&answers), its_inside;
	struct flow *head = nat_find_mapping(w, &called, &its_inside);

	if (head == NULL || !endpoint_equal(&inside, &its_inside))
		return;
	flow->state.flags |= FLOW_IS_CALLED | FLOW_IS_FULL_CONE;
	ring_join(w, flow, head);
}

void nat_flow_entered(struct worker *w, struct flow *flow, const struct nat_source *source,
	const struct nat_choice *choice)
{
	const struct flow_dir *dir = &flow->dir[0];
	uint8_t kind = dir->flags & FLOW_IS_IP6 ? dir->key6.kind : dir->key4.kind;

	if (!protocol_has_ports(flow->state.protocol) && kind == FLOW_KEY_PLAIN)
		return;
	if (!source->is_none)
		enter_own(w, flow, source, choice);
	else if (dir->flags & FLOW_TRANSLATES)
		enter_called(w, flow);
}

void nat_flow_lent(struct worker *w, struct flow *flow, uint8_t names)
{
	struct flow_endpoint inside = flow_endpoint_of(flow, FLOW_NAME_INTERNAL),
			     outside = flow_endpoint_of(flow, FLOW_NAME_EXTERNAL);

	ring_start(w, flow);
	if (names & FLOW_HAS_EXTERNAL) {
		name_enter(w, flow, FLOW_NAME_EXTERNAL, FLOW_HAS_EXTERNAL);
		nat_port_hold(w, &inside, &outside, true);
	}
	if (names & FLOW_HAS_INTERNAL)
		name_enter(w, flow, FLOW_NAME_INTERNAL, FLOW_HAS_INTERNAL);
}

void nat_flow_ending(struct worker *w, struct flow *flow)
{
	struct flow *heir;

	if (!(flow->state.flags & FLOW_IS_MAPPED))
		return;
	heir = at(w, flow->state.endpoint_next);
	ring_leave(w, flow);
	if (heir != flow) {
		bool was_cone = flow->state.flags & FLOW_IS_FULL_CONE;
		bool is_head = flow->state.flags & FLOW_HAS_EXTERNAL;

		name_inherit(w, flow, heir, FLOW_NAME_EXTERNAL, FLOW_HAS_EXTERNAL);
		name_inherit(w, flow, heir, FLOW_NAME_INTERNAL, FLOW_HAS_INTERNAL);
		// what stays a cone is not missed for a moment
		if (is_head && !(heir->state.flags & FLOW_IS_FULL_CONE))
			tell_cone(w, flow, false);
		else if (is_head && !was_cone)
			tell_cone(w, heir, true);
		return;
	}
	if (flow->state.flags & FLOW_HAS_EXTERNAL) {
		struct flow_endpoint inside = flow_endpoint_of(flow, FLOW_NAME_INTERNAL),
				     outside = flow_endpoint_of(flow, FLOW_NAME_EXTERNAL);

		nat_port_hold(w, &inside, &outside, false);
		tell_cone(w, flow, false);
	}
	name_leave(w, flow, FLOW_NAME_EXTERNAL, FLOW_HAS_EXTERNAL);
	name_leave(w, flow, FLOW_NAME_INTERNAL, FLOW_HAS_INTERNAL);
}

struct flow *nat_find_mapping(
	const struct worker *w, const struct flow_tuple *packet, struct flow_endpoint *inside)
{
	struct flow_endpoint outside = called_by(packet);
	struct flow *head;

	if (!protocol_has_ports(packet->protocol))
		return NULL;
	head = flow_find_endpoint(&w->flows, &outside, FLOW_NAME_EXTERNAL);
	if (head == NULL || !(head->state.flags & FLOW_IS_FULL_CONE))
		return NULL;
	*inside = flow_endpoint_of(head, FLOW_NAME_INTERNAL);
	// The router's own sockets are behind no filter of translation: its input rules judge.
	if (ip_addr_equal(&inside->addr, &outside.addr))
		return NULL;
	return head;
}

bool nat_find_called(
	const struct worker *w, const struct flow_tuple *packet, struct flow_endpoint *inside)
{
	struct flow_endpoint outside;
	uint16_t holder;

	if (likely(!w->snap->policy->has_full_cones))
		return false;
	outside = called_by(packet);
	if (nat_find_mapping(w, packet, inside) != NULL)
		return true;
	holder = steering_worker(steering_bucket(rte_be_to_cpu_16(outside.port_be)), w->n_workers);
	return holder != w->index && protocol_has_ports(packet->protocol) &&
	       flow_cones_find(&w->dp->workers[holder].flows.cones, &outside, inside);
}

// --- packets ---

// IPv6 flows are seldom translated, and their line has no room for what they become: it is the
// opposite direction's key, and the difference is summed each time.
static void translate6(const struct packet *p, const struct flow_dir *dir)
{
	const struct flow_dir *opposite = dir->flags & FLOW_IS_REPLY ? dir - 1 : dir + 1;
	const struct flow_key6 *from = &dir->key6, *to = &opposite->key6;
	struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	uint32_t difference = checksum_difference_bytes(from->src, to->dst, 16) +
			      checksum_difference_bytes(from->dst, to->src, 16);

	memcpy(ip->src_addr, to->dst, 16);
	memcpy(ip->dst_addr, to->src, 16);
	if (p->protocol == IPPROTO_ICMPV6 && from->kind == FLOW_KEY_PLAIN) {
		// RFC 4443 2.3: the addresses count, there is no identifier
		struct rte_icmp_hdr *icmp = packet_l4(p);

		icmp->icmp_cksum = checksum_adjust(icmp->icmp_cksum, difference);
		return;
	}
	difference += checksum_difference16(from->sport_be, to->dport_be);
	if (from->kind == FLOW_KEY_PLAIN)
		difference += checksum_difference16(from->dport_be, to->sport_be);
	rewrite_l4(p, from->kind, to->dport_be | (uint32_t)to->sport_be << 16,
		checksum_fold(difference));
}

void nat_translate(const struct packet *p, const struct flow_dir *dir)
{
	struct rte_ipv4_hdr *ip = packet_ip4(p->m);

	if (!(dir->flags & FLOW_TRANSLATES))
		return;
	if (dir->flags & FLOW_IS_IP6) {
		translate6(p, dir);
		return;
	}
	ip->hdr_checksum = checksum_adjust(ip->hdr_checksum, dir->l3_diff);
	flow_rewrite_l4(p, dir);
	ip->src_addr = dir->new_src_be;
	ip->dst_addr = dir->new_dst_be;
}
