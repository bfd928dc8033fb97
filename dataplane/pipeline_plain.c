// SPDX-License-Identifier: BSD-3-Clause
// Plain forwarding: no flow, the FIB says it all.
#include "dataplane/pipeline_private.h"

#include "dataplane/dataplane_internal.h"
#include "dataplane/host.h"
#include "dataplane/pipeline_forward.h"
#include "dataplane/pipeline_mark.h"
#include "dataplane/ways.h"

// Codes that are no adjacency yet, TTLs that end here, packets that do not fit: everything that
// the straight way left over.
void pipeline_plain_slow(struct worker *w, struct packet *p, uint16_t code)
{
	bool is_ip6 = p->kind == PACKET_IP6;
	struct ip_addr dst = {.family = is_ip6 ? IP_V6 : IP_V4};
	uint16_t i;

	if (code == NEXTHOP_NONE) // a bulk lookup may have met the FIB in the middle of a change
		code = pipeline_way(w, p);
	if (code == NEXTHOP_LOCAL && packet_is_from_afar(p)) {
		worker_drop(w, p->m, COUNTER_DROP_ND_HOP_LIMIT);
		return;
	}
	if (code == NEXTHOP_LOCAL) {
		host_punt(w, (uint8_t)p->iface, p->m, packet_host_reason(p, false));
		return;
	}
	if (code == NEXTHOP_MULTICAST) {
		worker_drop(w, p->m, COUNTER_DROP_MULTICAST);
		return;
	}
	// what was translated was looked at before, and may have our address by now
	ways_find_one(w, p);
	if ((!(p->flags & PACKET_IS_TRANSLATED) && pipeline_source_is_bad(w, p)) ||
		(!is_ip6 && packet_source_is_link_local(p))) {
		worker_drop(w, p->m, is_ip6 ? COUNTER_DROP_IP6_SOURCE : COUNTER_DROP_IP4_SOURCE);
		return;
	}
	if (packet_source_is_link_local(p)) {
		pipeline_answer(w, p, ICMP_ERROR_SCOPE, 0, COUNTER_DROP_IP6_SCOPE);
		return;
	}
	if (is_ip6)
		memcpy(dst.v6, packet_ip6(p->m)->dst_addr, 16);
	else
		memcpy(dst.v4, &packet_ip4(p->m)->dst_addr, 4);
	i = pipeline_neighbour(w, p, code, &dst);
	if (i == ADJACENCY_NONE)
		return;
	worker_use_adjacency(w, i);
	pipeline_transmit(w, p, i);
}

// Twins by a constant: the compiler makes one function of each.
static __rte_always_inline void forward_burst(
	struct worker *w, struct packet **list, unsigned n, const bool is_ip6)
{
	uint32_t dst4[BURST];
	uint8_t dst6[BURST][RTE_FIB6_IPV6_ADDR_SIZE];
	uint64_t codes[BURST];

	if (is_ip6) {
		for (unsigned i = 0; i < n; i++)
			memcpy(dst6[i], packet_ip6(list[i]->m)->dst_addr, 16);
		rte_fib6_lookup_bulk(w->fib->v6, dst6, codes, (int)n);
	} else {
		for (unsigned i = 0; i < n; i++)
			dst4[i] = rte_be_to_cpu_32(packet_ip4(list[i]->m)->dst_addr);
		rte_fib_lookup_bulk(w->fib->v4, dst4, codes, (int)n);
	}
	pipeline_mark(PIPELINE_ROUTE);

	for (unsigned i = 0; i < n; i++) {
		struct packet *p = list[i];
		uint16_t code = (uint16_t)codes[i];
		const struct adjacency *adj;
		struct rte_ether_hdr *eth;

		if (unlikely(nexthop_is_group(code)))
			code = nexthop_resolve(w->fib, code, pipeline_path_hash(p));
		adj = &w->adjacencies[(uint16_t)(code - NEXTHOP_ADJACENCY_BASE) % ADJACENCIES_MAX];
		if (unlikely(!nexthop_is_adjacency(code) || p->ip_len > adj->mtu ||
			     !worker_knows(w, adj) || !forward_is_plain(w->snap, p, is_ip6))) {
			pipeline_plain_slow(w, p, code);
			continue;
		}
		eth = packet_eth(p->m);
		worker_use_adjacency(w, code - NEXTHOP_ADJACENCY_BASE);
		if (is_ip6)
			((struct rte_ipv6_hdr *)(eth + 1))->hop_limits--;
		else
			ip4_decrement_ttl((struct rte_ipv4_hdr *)(eth + 1));
		adjacency_write_eth(adj, eth);
		worker_send(w, adj->iface, p->m);
	}
	pipeline_mark(PIPELINE_FORWARD);
}

void pipeline_plain4(struct worker *w, struct packet **list, unsigned n)
{
	forward_burst(w, list, n, false);
}

void pipeline_plain6(struct worker *w, struct packet **list, unsigned n)
{
	forward_burst(w, list, n, true);
}
