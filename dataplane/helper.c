// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/helper.h"

#include <errno.h>

#include <rte_malloc.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/helper_private.h"

enum { SLOTS = HELPER_SESSIONS, SESSION_NONE = UINT16_MAX, HOST_CELLS = 1024 };

// Found by the flow's index, chained.
struct helper_sessions {
	uint16_t slots[SLOTS];
	uint16_t free_head;
	struct helper_session list[HELPER_SESSIONS];
	uint16_t n_of_hosts[HOST_CELLS]; // by flow_state.host: two may share a cell, and its share
	struct {
		uint32_t flow;
		struct helper_control control;
	} related[HELPER_RELATED]; // by the flow's index; a later one takes its place
};

struct helper_sessions *helper_sessions_new(void)
{
	struct helper_sessions *sessions =
		rte_zmalloc("helpers", sizeof(*sessions), RTE_CACHE_LINE_SIZE);

	if (sessions == NULL)
		return NULL;
	for (unsigned i = 0; i < SLOTS; i++)
		sessions->slots[i] = SESSION_NONE;
	for (unsigned i = 0; i < HELPER_SESSIONS; i++)
		sessions->list[i].next =
			i + 1 < HELPER_SESSIONS ? (uint16_t)(i + 1) : (uint16_t)SESSION_NONE;
	return sessions;
}

void helper_sessions_free(struct helper_sessions *sessions)
{
	rte_free(sessions);
}

uint64_t helper_sessions_bytes(void)
{
	return sizeof(struct helper_sessions);
}

// --- sessions ---

static uint16_t *slot_of(struct worker *w, uint32_t flow)
{
	return &w->helpers->slots[flow % SLOTS];
}

// NULL: it has none.
static struct helper_session *session_of(struct worker *w, const struct flow *flow)
{
	uint32_t index = flow_index(&w->flows, flow);
	uint16_t i = *slot_of(w, index);

	while (i != SESSION_NONE && w->helpers->list[i].flow != index)
		i = w->helpers->list[i].next;
	return i != SESSION_NONE ? &w->helpers->list[i] : NULL;
}

static struct helper_session *session_new(struct worker *w, const struct flow *flow)
{
	uint32_t index = flow_index(&w->flows, flow), host = flow->state.host % HOST_CELLS;
	uint16_t *slot = slot_of(w, index), i = w->helpers->free_head;
	struct helper_session *session;

	if (i == SESSION_NONE || w->helpers->n_of_hosts[host] >= HELPER_SESSIONS_SHARE)
		return NULL;
	session = &w->helpers->list[i];
	w->helpers->free_head = session->next;
	w->helpers->n_of_hosts[host]++;
	*session = (struct helper_session){
		.flow = index,
		.next = *slot,
		.host = (uint16_t)host,
		.expectation = EXPECT_NONE,
	};
	*slot = i;
	return session;
}

static void session_free(struct worker *w, struct helper_session *session)
{
	uint16_t i = (uint16_t)(session - w->helpers->list), *link = slot_of(w, session->flow);

	while (*link != i)
		link = &w->helpers->list[*link].next;
	*link = session->next;
	session->next = w->helpers->free_head;
	w->helpers->free_head = i;
	w->helpers->n_of_hosts[session->host]--;
}

// --- expectations ---

// What is announced in a flow of that index is owned by it. Never 0.
static uint64_t owner_at(const struct worker *w, uint32_t flow)
{
	return (uint64_t)(w->index + 1) << 32 | flow;
}

void helper_forget(struct worker *w, struct helper_session *session)
{
	if (session->expectation != EXPECT_NONE)
		expect_forget(w->dp->expected, session->expectation, owner_at(w, session->flow));
	session->expectation = EXPECT_NONE;
}

static enum dp_helper helper_of(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? DP_HELPER_FTP : DP_HELPER_TFTP;
}

static bool is_from_outside(const struct worker *w, const struct flow *flow)
{
	return w->flows.shares.hosts[flow->state.host].key.kind == FLOW_HOST_OUTSIDE;
}

struct expectation helper_announced(
	const struct worker *w, const struct flow_dir *dir, uint16_t port_be)
{
	const struct flow_dir *opposite = dir->flags & FLOW_IS_REPLY ? dir - 1 : dir + 1;
	struct flow_tuple own = flow_tuple_of(dir), back = flow_tuple_of(opposite);

	return (struct expectation){
		.src = back.src,
		.dst = back.dst,
		.dport_be = port_be,
		.protocol = own.protocol,
		.to = own.src,
		.to_port_be = port_be,
		.owner = owner_at(w, flow_index(&w->flows, flow_of(dir))),
		.control = helper_control_of(flow_of(dir)),
		.epoch = w->epoch,
		.is_from_outside = is_from_outside(w, flow_of(dir)),
	};
}

int helper_expect(struct worker *w, const struct expectation *expected)
{
	int place = expect_add(w->dp->expected, expected, w->now_sec);

	if (place >= 0)
		worker_count(w, COUNTER_HELPER_EXPECTED);
	else if (place != -EEXIST)
		worker_count(w, COUNTER_HELPER_FULL);
	return place;
}

int helper_announce(
	struct worker *w, struct helper_session *session, const struct expectation *expected)
{
	int place;

	helper_forget(w, session);
	place = helper_expect(w, expected);
	if (place < 0)
		return place;
	session->expectation = (uint16_t)place;
	return 0;
}

bool helper_expects(struct worker *w, const struct flow_tuple *packet, struct nat_destination *to)
{
	struct expectation expected;

	if (!w->snap->policy->has_helpers || !protocol_has_ports(packet->protocol) ||
		w->snap->policy->helpers[helper_of(packet->protocol)].n == 0 ||
		!expect_find(w->dp->expected, packet, w->now_sec, &expected) ||
		(expected.epoch != w->epoch && !helper_control_stands(w, &expected.control)))
		return false;
	*to = (struct nat_destination){.dst = expected.to, .dport_be = expected.to_port_be};
	return true;
}

bool helper_relate(struct worker *w, struct flow *flow)
{
	struct flow_tuple packet = flow_tuple_of(&flow->dir[0]);
	uint32_t index = flow_index(&w->flows, flow);
	struct expectation expected;

	if (!expect_take(w->dp->expected, &packet, w->now_sec, &expected))
		return false;
	w->helpers->related[index % HELPER_RELATED].flow = index;
	w->helpers->related[index % HELPER_RELATED].control = expected.control;
	flow->dir[0].flags |= FLOW_IS_RELATED;
	worker_count(w, COUNTER_HELPER_RELATED);
	return true;
}

bool helper_expected(struct worker *w, const struct worker *owner, const struct flow *flow,
	uint32_t index, struct nat_destination *to)
{
	const struct helper_sessions *known = owner->helpers;
	struct flow_tuple now;

	if (!(flow->dir[0].flags & FLOW_IS_RELATED) ||
		w->snap->policy->helpers[helper_of(flow->state.protocol)].n == 0 ||
		known->related[index % HELPER_RELATED].flow != index ||
		!helper_control_stands(w, &known->related[index % HELPER_RELATED].control))
		return false;
	now = flow_tuple_translated(&flow->dir[0]);
	*to = (struct nat_destination){.dst = now.dst, .dport_be = now.dport_be};
	return true;
}

// --- flows ---

static bool has_port(const struct dp_helper_ports *ports, uint16_t port_be)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->ports[i] == rte_be_to_cpu_16(port_be))
			return true;
	return false;
}

void helper_flow_begun(const struct worker *w, struct flow *flow, const struct flow_tuple *seen)
{
	const struct compiled_policy *policy = w->snap->policy;
	struct flow_tuple sent;
	enum dp_helper helper;

	if (!policy->has_helpers || !protocol_has_ports(seen->protocol) ||
		(flow->state.flags & FLOW_WAS_PICKED_UP))
		return;
	helper = helper_of(seen->protocol);
	sent = flow_tuple_of(&flow->dir[0]);
	if (!has_port(&policy->helpers[helper], seen->dport_be) &&
		!has_port(&policy->helpers[helper], sent.dport_be))
		return;
	flow->dir[0].flags |= FLOW_HAS_HELPER;
	if (helper == DP_HELPER_FTP)
		flow->dir[1].flags |= FLOW_HAS_HELPER;
}

void helper_flow_ending(struct worker *w, struct flow *flow)
{
	struct helper_session *session;

	if (!(flow->dir[1].flags & FLOW_HAS_HELPER))
		return;
	session = session_of(w, flow);
	if (session == NULL)
		return;
	helper_forget(w, session);
	session_free(w, session);
}

uint32_t helper_sent_seq_be(struct worker *w, const struct flow_dir *dir, uint32_t seq_be)
{
	const struct helper_session *session = session_of(w, flow_of(dir));
	unsigned d = dir->flags & FLOW_IS_REPLY ? 1 : 0;

	if (session == NULL)
		return seq_be;
	return rte_cpu_to_be_32(
		tcp_edit_back(&session->sides[d].edit, rte_be_to_cpu_32(seq_be), false));
}

uint32_t helper_ack_be(struct worker *w, const struct flow_dir *dir, uint32_t ack_be)
{
	return helper_sent_seq_be(w, dir->flags & FLOW_IS_REPLY ? dir - 1 : dir + 1, ack_be);
}

// What it is of can no longer be helped: it goes the straight way.
static void let_alone(struct flow *flow)
{
	flow->dir[0].flags &= (uint16_t)~FLOW_HAS_HELPER;
	flow->dir[1].flags &= (uint16_t)~FLOW_HAS_HELPER;
}

// With the acknowledgement that ends the handshake, which tells where both ends' data begins. NULL:
// it is not there yet, or never will be.
static struct helper_session *session_begin(
	struct worker *w, const struct packet *p, struct flow_dir *dir)
{
	struct flow *flow = flow_of(dir);
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	uint32_t seq = rte_be_to_cpu_32(tcp->sent_seq);
	struct helper_session *session;

	if (p->tcp_end != seq) { // data, which ought to have been read
		let_alone(flow);
		return NULL;
	}
	if (flow->state.state != FLOW_TCP_ESTABLISHED || (dir->flags & FLOW_IS_REPLY) ||
		(p->tcp_flags & RTE_TCP_SYN_FLAG))
		return NULL;
	session = session_new(w, flow);
	if (session == NULL) {
		worker_count(w, COUNTER_HELPER_FULL);
		let_alone(flow);
		return NULL;
	}
	helper_ftp_begin(session, seq, rte_be_to_cpu_32(tcp->recv_ack));
	return session;
}

bool helper_pass(struct worker *w, struct packet *p, struct flow_dir *dir, uint16_t mtu)
{
	struct helper_session *session;

	if (p->protocol == IPPROTO_UDP) {
		helper_tftp_pass(w, p, dir);
		return true;
	}
	session = session_of(w, flow_of(dir));
	if (session == NULL)
		session = session_begin(w, p, dir);
	return session == NULL || helper_ftp_pass(w, p, dir, session, mtu);
}
