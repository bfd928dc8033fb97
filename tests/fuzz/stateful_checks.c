// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/stateful_checks.h"

#include <assert.h>
#include <string.h>

#include "dataplane/flow_timer.h"
#include "dataplane/flow_tuple.h"
#include "tests/fuzz/ip_view.h"

enum { HOSTS_MAX = 8192, TTL_MADE_HERE = 64 };

// --- packets ---

bool is_inside(const uint8_t *addr, bool is_ip6)
{
	static const uint8_t lan[7] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0},
			     lan2[7] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, 0};

	if (is_ip6)
		return memcmp(addr, lan, sizeof(lan)) == 0 || memcmp(addr, lan2, sizeof(lan2)) == 0;
	return addr[0] == 198 && addr[1] == 18;
}

// False: it is none, or quotes nothing that can be read.
static bool quote_of(const struct ip_view *v, struct ip_view *quote)
{
	static const uint8_t kinds4[] = {3, 4, 5, 11, 12}, kinds6[] = {1, 2, 3, 4};
	bool is_error = false;

	if (v->is_fragment || v->l4_bytes < 8 ||
		v->protocol != (v->is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return false;
	if (v->is_ip6)
		is_error = memchr(kinds6, v->l4[0], sizeof(kinds6)) != NULL;
	else
		is_error = memchr(kinds4, v->l4[0], sizeof(kinds4)) != NULL;
	return is_error && ip_view(v->l4 + 8, v->l4_bytes - 8u, true, quote) &&
	       quote->is_ip6 == v->is_ip6;
}

static void check_sums(const struct ip_view *v, struct doubts doubts)
{
	struct ip_view quote;

	if (!doubts.sums)
		assert(ip_view_is_sound(v));
	if (!doubts.sums && !doubts.quotes && quote_of(v, &quote))
		assert(ip_view_is_sound(&quote));
}

// Nothing but padding is behind the packet.
static void check_length(const struct wire_frame *frame, const struct ip_view *v)
{
	unsigned bytes = RTE_ETHER_HDR_LEN + (unsigned)(v->l4 - v->l3) + v->l4_bytes;

	assert(frame->bytes >= bytes && frame->bytes <= RTE_MAX(bytes, 60u));
}

static void check_hidden(const struct world *world, const struct ip_view *v)
{
	struct ip_view quote;

	if (!(v->is_ip6 ? world->hides6 : world->hides4))
		return;
	assert(!is_inside(v->src, v->is_ip6));
	if (quote_of(v, &quote))
		assert(!is_inside(quote.dst, quote.is_ip6));
}

void check_sent(const struct world *world, const struct wire_frame *frame, struct doubts doubts)
{
	const uint8_t *l3 = frame->data + RTE_ETHER_HDR_LEN;
	bool is_forwarded;
	struct ip_view v;

	assert(frame->bytes > RTE_ETHER_HDR_LEN);
	// The kernel may send what it likes, but what it sent sound leaves sound.
	if (doubts.from_host) {
		if (ip_view(l3, frame->bytes - RTE_ETHER_HDR_LEN, false, &v))
			check_sums(&v, doubts);
		return;
	}
	assert(ip_view(l3, frame->bytes - RTE_ETHER_HDR_LEN, false, &v));
	assert(get16(frame->data + 12) == (v.is_ip6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4));
	check_length(frame, &v);
	check_sums(&v, doubts);
	is_forwarded = v.hops == FRAME_TTL - 1 || v.hops == FRAME_TTL_LINK - 1;
	assert(is_forwarded || v.hops == TTL_MADE_HERE || v.hops == UINT8_MAX);
	assert((v.l4 - l3) + v.l4_bytes <= world->mtu[frame->iface]);
	if (frame->iface == FIXTURE_WAN && is_forwarded && !doubts.forged)
		check_hidden(world, &v);
}

void check_punted(const struct wire_frame *frame, struct doubts doubts)
{
	const uint8_t *l3 = frame->data + RTE_ETHER_HDR_LEN;
	struct ip_view v;

	if (frame->bytes <= RTE_ETHER_HDR_LEN ||
		!ip_view(l3, frame->bytes - RTE_ETHER_HDR_LEN, false, &v))
		return; // another protocol, or for the kernel to judge
	check_sums(&v, doubts);
	assert(doubts.from_host || v.hops == FRAME_TTL || v.hops == FRAME_TTL_LINK || v.hops == 1);
}

// --- flows ---

static bool is_the_one(const struct flow *flow, const void *ctx)
{
	return flow == ctx;
}

static void check_names(const struct flow_table *table, const struct flow *flow)
{
	struct flow_tuple original = flow_tuple_of(&flow->dir[0]);
	struct flow_tuple reply = flow_tuple_of(&flow->dir[1]);
	unsigned sent = flow_sent_by_endpoint(flow);
	const struct flow_tuple *there = sent == 0 ? &original : &reply;
	const struct flow_tuple *back = sent == 0 ? &reply : &original;
	struct flow_endpoint outside = {back->dst, back->dport_be, back->protocol};
	struct flow_endpoint inside = {there->src, there->sport_be, there->protocol};

	// No two share one: the search would find but one of them. Who speaks to itself by way of
	// us is its own answer, and found as either.
	if (flow_tuple_equal(&original, &reply)) {
		assert(flow_of(flow_find(table, &original)) == flow);
	} else {
		assert(flow_find(table, &original) == &flow->dir[0]);
		assert(flow_find(table, &reply) == &flow->dir[1]);
	}
	if (flow->state.flags & FLOW_HAS_EXTERNAL)
		assert(flow_find_endpoint(table, &outside, FLOW_NAME_EXTERNAL) == flow);
	if (flow->state.flags & FLOW_HAS_INTERNAL)
		assert(flow_find_endpoint_if(
			       table, &inside, FLOW_NAME_INTERNAL, is_the_one, flow) == flow);
}

// A caller's flows are the interface's too.
static void count_for_interface(
	const struct flow_table *table, uint32_t caller, uint32_t *all, uint32_t *callers)
{
	struct flow_host_key outside = {
		.kind = FLOW_HOST_OUTSIDE,
		.iface = table->shares.hosts[caller].key.iface,
	};

	all[flow_host_find(table, &outside)]++;
	callers[flow_host_find(table, &outside)]++;
}

void check_table(const struct flow_table *table)
{
	static uint32_t all[HOSTS_MAX], spare[HOSTS_MAX], callers[HOSTS_MAX];
	uint32_t n_hosts = table->shares.n_hosts_touched, n_live = 0, n_spare = 0;

	assert(n_hosts <= HOSTS_MAX);
	memset(all, 0, n_hosts * sizeof(all[0]));
	memset(spare, 0, n_hosts * sizeof(spare[0]));
	memset(callers, 0, n_hosts * sizeof(callers[0]));
	for (uint32_t i = 0; i < table->n_touched; i++) {
		const struct flow *flow = &table->flows[i];

		if (flow->state.state == FLOW_FREE)
			continue;
		n_live++;
		assert(flow->state.host < n_hosts);
		assert(flow->state.timer_slot != FLOW_TIMER_OFF);
		all[flow->state.host]++;
		if (table->shares.hosts[flow->state.host].key.kind == FLOW_HOST_CALLER)
			count_for_interface(table, flow->state.host, all, callers);
		spare[flow->state.host] += flow_phase_is_spare((enum flow_phase)flow->state.state);
		check_names(table, flow);
	}
	assert(n_live == table->n_used);
	for (uint32_t i = 0; i < n_hosts; i++) {
		const struct flow_host *host = &table->shares.hosts[i];

		assert(host->n[FLOW_RANK_ALL] == all[i] && host->n[FLOW_RANK_SPARE] == spare[i]);
		assert(host->n_of_callers == callers[i]);
		if (host->key.kind != FLOW_HOST_ROUTER)
			n_spare += spare[i];
	}
	assert(n_spare == table->shares.n_spare);
}
