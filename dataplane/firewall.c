// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/firewall.h"

#include <string.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/reset.h"

enum {
	DHCP4_SERVER_PORT = 67,
	DHCP4_CLIENT_PORT = 68,
	DHCP6_SERVER_PORT = 547,
	DHCP6_CLIENT_PORT = 546,
};

static uint16_t icmp_of(const struct packet *p)
{
	const uint8_t *l4 = packet_l4(p);

	return (uint16_t)(l4[0] << 8 | l4[1]);
}

static bool is_icmp(const struct packet *p)
{
	return p->protocol == (p->kind == PACKET_IP6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) &&
	       !(p->flags & PACKET_IS_FRAGMENT);
}

static uint8_t dscp_of(const struct packet *p)
{
	if (p->kind == PACKET_IP6)
		return (uint8_t)(rte_be_to_cpu_32(packet_ip6(p->m)->vtc_flow) >> 22 & 63);
	return packet_ip4(p->m)->type_of_service >> 2;
}

// Of a packet of that protocol, from a wire and in one piece. In place of branches: TCP and UDP
// come in no order.
#define NO_FIELDS (FACT_NO_PORTS | FACT_NO_TCP_FLAGS | FACT_NO_ICMP)

static const uint32_t protocol_facts[256] = {
	[0] = FACT_OTHER_PROTOCOL | NO_FIELDS,
	[IPPROTO_ICMP] = FACT_ICMP | NO_FIELDS,
	[IPPROTO_ICMP + 1 ... IPPROTO_TCP - 1] = FACT_OTHER_PROTOCOL | NO_FIELDS,
	[IPPROTO_TCP] = FACT_TCP | FACT_NO_ICMP,
	[IPPROTO_TCP + 1 ... IPPROTO_UDP - 1] = FACT_OTHER_PROTOCOL | NO_FIELDS,
	[IPPROTO_UDP] = FACT_UDP | FACT_NO_TCP_FLAGS | FACT_NO_ICMP,
	[IPPROTO_UDP + 1 ... IPPROTO_ICMPV6 - 1] = FACT_OTHER_PROTOCOL | NO_FIELDS,
	[IPPROTO_ICMPV6] = FACT_ICMP6 | NO_FIELDS,
	[IPPROTO_ICMPV6 + 1 ... 255] = FACT_OTHER_PROTOCOL | NO_FIELDS,
};

static uint32_t packet_facts(const struct packet *p)
{
	uint32_t facts = protocol_facts[p->protocol];

	if (unlikely(p->flags & (PACKET_IS_FRAGMENT | PACKET_FROM_HOST))) {
		facts |= p->flags & PACKET_IS_FRAGMENT ? NO_FIELDS : 0;
		facts |= p->flags & PACKET_FROM_HOST ? FACT_NO_MAC : 0;
	}
	return facts;
}

void firewall_subject_of_packet(
	const struct worker *w, const struct packet *p, struct rule_subject *s)
{
	uint32_t facts = packet_facts(p);

	s->protocol = p->protocol;
	s->tcp_flags = p->tcp_flags;
	s->dscp = dscp_of(p);
	s->state = DP_STATE_NEW;
	s->bytes = p->ip_len;
	s->mark = 0;
	s->icmp = 0;
	s->has_icmp = is_icmp(p);
	if (unlikely(s->has_icmp)) {
		s->icmp = icmp_of(p);
		facts &= ~(uint32_t)FACT_NO_ICMP;
	}
	s->has_mac = !(p->flags & PACKET_FROM_HOST);
	memcpy(s->mac.bytes, packet_eth(p->m)->src_addr.addr_bytes, sizeof(s->mac.bytes));
	s->has_ports = !(facts & FACT_NO_PORTS);
	s->is_dnat = s->is_review = false;
	s->facts = facts;
}

void firewall_subject_of_flow(const struct flow *flow, struct rule_subject *s)
{
	const struct flow_state *state = &flow->state;
	bool is_ip6 = flow->dir[0].flags & FLOW_IS_IP6;

	memset(s, 0, sizeof(*s));
	s->protocol = state->protocol;
	s->dscp = state->dscp;
	s->state = DP_STATE_NEW;
	s->is_review = true;
	s->has_ports = protocol_has_ports(state->protocol);
	if (state->protocol == IPPROTO_TCP && !(state->flags & FLOW_WAS_PICKED_UP))
		s->tcp_flags = RTE_TCP_SYN_FLAG;
	s->has_icmp = state->protocol == (is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (s->has_icmp)
		s->icmp = (uint16_t)(state->icmp_type << 8 | state->icmp_code);
	s->has_mac = state->in_iface != FLOW_IFACE_HOST;
	memcpy(s->mac.bytes, state->src_mac, sizeof(s->mac.bytes));
}

// Path MTU discovery, wherever it leads (RFC 4890 4.3.1; the other errors pass with their flow). To
// and from the router also what a link cannot do without (4.4.1), and what the router itself waits
// for before it has an address.
static bool is_essential(const struct rule_subject *s, enum dp_hook hook)
{
	uint8_t icmp_type = (uint8_t)(s->icmp >> 8);
	bool is_ip6 = s->family == IP_V6, is_transit = hook == DP_HOOK_FORWARD;

	if (s->has_icmp)
		return icmp_tells_mtu(is_ip6, icmp_type, (uint8_t)s->icmp) ||
		       (is_ip6 && !is_transit && icmp6_is_link_talk(icmp_type));
	// the rarest first: whether it is UDP is anybody's guess
	if (is_transit || likely(s->dport != DHCP4_CLIENT_PORT && s->dport != DHCP6_CLIENT_PORT) ||
		s->protocol != IPPROTO_UDP || !s->has_ports)
		return false;
	if (is_ip6)
		return s->sport == DHCP6_SERVER_PORT && s->dport == DHCP6_CLIENT_PORT &&
		       ip6_is_link_local(s->src);
	return s->sport == DHCP4_SERVER_PORT && s->dport == DHCP4_CLIENT_PORT;
}

static uint8_t zone_of(const struct compiled_policy *policy, uint8_t iface)
{
	return iface == FLOW_IFACE_HOST ? DP_ZONE_ROUTER : ruleset_zone(policy->rules, iface);
}

static uint8_t rule_interface(uint8_t iface)
{
	return iface == FLOW_IFACE_HOST ? RULE_INTERFACE_NONE : iface;
}

// What the way adds to what the packet came to.
static uint32_t route_facts(const struct rule_subject *s)
{
	const uint32_t of_packet = FACT_TCP | FACT_UDP | FACT_ICMP | FACT_ICMP6 |
				   FACT_OTHER_PROTOCOL | NO_FIELDS | FACT_NO_MAC;
	uint32_t facts = s->facts & of_packet;

	facts |= s->family == IP_V6 ? FACT_IP6 : FACT_IP4;
	facts |= (uint32_t)s->state << FACT_STATE_SHIFT;
	facts |= s->is_dnat ? FACT_DNAT : FACT_NO_DNAT;
	facts |= s->in_interface == RULE_INTERFACE_NONE ? FACT_NO_IN : 0;
	facts |= s->out_interface == RULE_INTERFACE_NONE ? FACT_NO_OUT : 0;
	if (unlikely(s->is_essential))
		facts |= s->family == IP_V6 ? FACT_ESSENTIAL6 : FACT_ESSENTIAL4;
	return facts;
}

enum dp_hook firewall_subject_route(const struct worker *w, const struct flow_tuple *tuple,
	uint8_t in_iface, uint8_t out_iface, struct rule_subject *s)
{
	const struct compiled_policy *policy = w->snap->policy;
	enum dp_hook hook;

	s->family = tuple->src.family;
	s->src = tuple->src.bytes;
	s->dst = tuple->dst.bytes;
	s->sport = s->has_ports ? rte_be_to_cpu_16(tuple->sport_be) : 0;
	s->dport = s->has_ports ? rte_be_to_cpu_16(tuple->dport_be) : 0;
	s->from = zone_of(policy, in_iface);
	s->to = zone_of(policy, out_iface);
	s->in_interface = rule_interface(in_iface);
	s->out_interface = rule_interface(out_iface);
	if (in_iface == FLOW_IFACE_HOST)
		hook = DP_HOOK_OUTPUT;
	else
		hook = out_iface == FLOW_IFACE_HOST ? DP_HOOK_INPUT : DP_HOOK_FORWARD;
	s->is_essential = is_essential(s, hook);
	s->facts = s->is_review ? rules_facts(s) : route_facts(s);
	return hook;
}

void firewall_look_ahead(
	const struct worker *w, struct packet *const *list, unsigned n, bool is_ip6)
{
	const struct compiled_policy *policy = w->snap->policy;
	const uint8_t *srcs[BURST];

	if (!policy->has_firewall || policy->rules->n_cells_ahead == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		srcs[i] = is_ip6 ? packet_ip6(list[i]->m)->src_addr
				 : (const uint8_t *)&packet_ip4(list[i]->m)->src_addr;
	ruleset_prefetch(policy->rules, is_ip6 ? IP_V6 : IP_V4, srcs, n);
}

static struct ip_addr subject_addr(const struct rule_subject *s, bool is_destination)
{
	struct ip_addr addr = {.family = s->family};

	memcpy(addr.bytes, is_destination ? s->dst : s->src, s->family == IP_V6 ? 16 : 4);
	return addr;
}

static void raise_log(struct worker *w, const struct rule_subject *s,
	const struct rule_verdict *verdict, const struct rule_log *log)
{
	struct dp_event event = {
		.kind = DP_EVENT_LOG,
		.interface = s->in_interface == RULE_INTERFACE_NONE ? -1 : s->in_interface,
		.addr = subject_addr(s, false),
		.log =
			{
				.log = log->log,
				.rule = log->rule,
				.policy = w->snap->policy->serial,
				.action = (enum dp_action)verdict->action,
				.out_interface = s->out_interface == RULE_INTERFACE_NONE
							 ? -1
							 : s->out_interface,
				.dst = subject_addr(s, true),
				.sport = s->sport,
				.dport = s->dport,
				.protocol = s->protocol,
				.icmp = s->icmp,
				.tcp_flags = s->tcp_flags,
				.bytes = (uint16_t)s->bytes,
				.mac = s->mac,
			},
	};

	dataplane_raise_minor(w, &event);
}

// Of a link-local address the network would be everybody on the link.
static struct ip_prefix added_prefix(
	const struct rule_subject *s, const struct rule_addition *addition)
{
	struct ip_prefix prefix = {.addr = subject_addr(s, addition->is_destination)};

	prefix.len = (uint8_t)ip_family_bits(s->family);
	if (s->family == IP_V6 && addition->ip6_len != 0 && !ip_addr_is_link_local(&prefix.addr))
		prefix.len = addition->ip6_len;
	return ip_prefix_network(&prefix);
}

static __rte_noinline void carry_out(
	struct worker *w, const struct rule_subject *s, const struct rule_verdict *verdict)
{
	for (unsigned i = 0; i < verdict->n_logs; i++)
		raise_log(w, s, verdict, &verdict->logs[i]);
	for (unsigned i = 0; i < verdict->n_additions; i++) {
		const struct rule_addition *addition = &verdict->additions[i];
		struct ip_prefix prefix = added_prefix(s, addition);
		struct dp_event event = {
			.kind = DP_EVENT_SET_ADD,
			.addr = prefix.addr,
			.add =
				{
					.timed = addition->timed,
					.len = prefix.len,
					.sec = addition->for_sec,
				},
		};

		dataplane_raise_minor(w, &event);
	}
}

void firewall_judge(struct worker *w, enum dp_hook hook, const struct rule_subject *s,
	struct rule_verdict *verdict)
{
	struct compiled_policy *policy = w->snap->policy;
	struct rules_now now = {
		.now_ms = w->now_ms,
		.now_sec = w->now_sec,
		.schedules = atomic_load_explicit(&policy->schedules, memory_order_relaxed),
	};

	rules_judge(policy->rules, &policy->counts[w->index], hook, s, &now, verdict);
	if (unlikely(verdict->n_logs + verdict->n_additions > 0))
		carry_out(w, s, verdict);
}

bool firewall_resets(const struct packet *p, const struct rule_verdict *verdict)
{
	return verdict->action == DP_REJECT && p->protocol == IPPROTO_TCP &&
	       !(p->flags & PACKET_IS_FRAGMENT) &&
	       (verdict->reject == DP_REJECT_AUTO || verdict->reject == DP_REJECT_RST);
}

// Its sender is told.
static __rte_noinline void reject(
	struct worker *w, struct packet *p, const struct rule_verdict *verdict)
{
	static const enum icmp_error_kind errors[] = {
		[DP_REJECT_AUTO] = ICMP_ERROR_PORT,
		[DP_REJECT_RST] = ICMP_ERROR_PROHIBITED,
		[DP_REJECT_PORT] = ICMP_ERROR_PORT,
		[DP_REJECT_HOST] = ICMP_ERROR_HOST,
		[DP_REJECT_NET] = ICMP_ERROR_NO_ROUTE,
		[DP_REJECT_PROHIBITED] = ICMP_ERROR_PROHIBITED,
	};

	if (firewall_resets(p, verdict))
		reset_answer(w, p, COUNTER_DROP_REJECTED);
	else
		pipeline_answer(w, p, errors[verdict->reject], 0, COUNTER_DROP_REJECTED);
}

void firewall_refuse(struct worker *w, struct packet *p, const struct rule_verdict *verdict)
{
	w->refused_by = verdict->rule; // for those who look
	if (verdict->action == DP_REJECT)
		reject(w, p, verdict);
	else
		worker_refuse(w, p->m, COUNTER_DROP_RULE);
}

bool firewall_admits(struct worker *w, struct packet *p)
{
	struct flow_tuple tuple;
	struct rule_subject s;
	struct rule_verdict verdict;
	enum dp_hook hook;

	if (!w->snap->policy->has_firewall)
		return true;
	tuple = flow_tuple_of_packet(p);
	firewall_subject_of_packet(w, p, &s);
	hook = firewall_subject_route(w, &tuple, (uint8_t)p->iface, FLOW_IFACE_HOST, &s);
	firewall_judge(w, hook, &s, &verdict);
	if (verdict.action == DP_ACCEPT)
		return true;
	firewall_refuse(w, p, &verdict);
	return false;
}
