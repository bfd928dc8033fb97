// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ways.h"

// A lookup may have met the FIB in the middle of a change: what is not there is asked for again.
static uint16_t settled4(const struct worker *w, uint64_t code, uint32_t addr)
{
	return likely(code != NEXTHOP_NONE) ? (uint16_t)code
					    : fib_lookup4(w->fib, rte_cpu_to_be_32(addr));
}

static uint16_t settled6(const struct worker *w, uint64_t code, const uint8_t addr[16])
{
	return likely(code != NEXTHOP_NONE) ? (uint16_t)code : fib_lookup6(w->fib, addr);
}

static void find_ways4(const struct worker *w, struct packet *const *list, unsigned n)
{
	uint32_t addrs[2 * BURST];
	uint64_t codes[2 * BURST];

	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = packet_ip4(list[i]->m);

		addrs[2 * i] = rte_be_to_cpu_32(ip->dst_addr);
		addrs[2 * i + 1] = rte_be_to_cpu_32(ip->src_addr);
	}
	rte_fib_lookup_bulk(w->fib->v4, addrs, codes, (int)(2 * n));
	for (unsigned i = 0; i < n; i++) {
		list[i]->way = settled4(w, codes[2 * i], addrs[2 * i]);
		list[i]->way_back = settled4(w, codes[2 * i + 1], addrs[2 * i + 1]);
	}
}

static void find_ways6(const struct worker *w, struct packet *const *list, unsigned n)
{
	uint8_t addrs[2 * BURST][RTE_FIB6_IPV6_ADDR_SIZE];
	uint64_t codes[2 * BURST];

	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv6_hdr *ip = packet_ip6(list[i]->m);

		memcpy(addrs[2 * i], ip->dst_addr, sizeof(addrs[0]));
		memcpy(addrs[2 * i + 1], ip->src_addr, sizeof(addrs[0]));
	}
	rte_fib6_lookup_bulk(w->fib->v6, addrs, codes, (int)(2 * n));
	for (unsigned i = 0; i < n; i++) {
		list[i]->way = settled6(w, codes[2 * i], addrs[2 * i]);
		list[i]->way_back = settled6(w, codes[2 * i + 1], addrs[2 * i + 1]);
	}
}

void ways_find(const struct worker *w, struct packet *const *list, unsigned n, bool is_ip6)
{
	if (is_ip6)
		find_ways6(w, list, n);
	else
		find_ways4(w, list, n);
}
