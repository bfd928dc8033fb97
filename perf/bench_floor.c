// SPDX-License-Identifier: BSD-3-Clause
// The floor: the least that any IPv4 router does to a frame. What it was sent must be there
// (version, header length, total length), a route is looked up, the TTL goes down and the checksum
// with it, both MAC addresses are written, the packet goes to its port's send buffer, and what
// arrived is counted by the burst. It runs on the same tables, routes and frames as forward4, so
// the two differ by nothing but the work. It does not verify the header's checksum, which a card
// may have done, nor anything else that a router is free to leave out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/bench_world.h"

struct floor_target {
	struct bench_target target; // first
	struct bench_target *world; // whose tables and frames are used
	struct tx_buffer tx[DP_INTERFACES_MAX];
	uint64_t rx_packets, rx_bytes, n_refused;
};

static __rte_noinline void floor_refuse(struct floor_target *f, struct rte_mbuf *m)
{
	f->n_refused++;
	rte_pktmbuf_free(m);
}

// What is not the plain header of nearly every packet.
static __rte_noinline bool floor_options_fit(const struct rte_ipv4_hdr *ip)
{
	uint32_t header_bytes = (uint32_t)(ip->version_ihl & 15) * 4;

	return ip->version_ihl >> 4 == 4 && header_bytes >= sizeof(*ip) &&
	       rte_be_to_cpu_16(ip->total_length) >= header_bytes;
}

static inline bool floor_is_sound(const struct rte_mbuf *m, const struct rte_ether_hdr *eth)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	uint32_t bytes = m->data_len;
	uint32_t total;

	if (unlikely(bytes < sizeof(*eth) + sizeof(*ip) ||
		     eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4)))
		return false;
	bytes -= sizeof(*eth);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total < sizeof(*ip) || total > bytes || ip->time_to_live <= 1))
		return false;
	return likely(ip->version_ihl == RTE_IPV4_VHL_DEF) || floor_options_fit(ip);
}

static void floor_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct floor_target *f = (struct floor_target *)t;
	const struct worker *w = ((struct bench_world *)f->world)->worker;
	const struct adjacency *adjacencies = w->adjacencies - NEXTHOP_ADJACENCY_BASE;
	struct rte_mbuf *kept[BURST];
	uint32_t dst[BURST];
	uint64_t codes[BURST];
	uint64_t bytes = 0;
	unsigned n_kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		const struct rte_ether_hdr *eth = packet_eth(m);

		bytes += m->data_len;
		if (unlikely(!floor_is_sound(m, eth))) {
			floor_refuse(f, m);
			continue;
		}
		dst[n_kept] = rte_be_to_cpu_32(((const struct rte_ipv4_hdr *)(eth + 1))->dst_addr);
		kept[n_kept++] = m;
	}
	rte_fib_lookup_bulk(w->fib->v4, dst, codes, (int)n_kept);
	for (unsigned i = 0; i < n_kept; i++) {
		struct rte_mbuf *m = kept[i]; // cppcheck-suppress uninitvar
		const struct adjacency *adj = &adjacencies[codes[i]];
		struct rte_ether_hdr *eth = packet_eth(m);
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
		struct tx_buffer *tx;
		uint32_t sum;

		if (unlikely(codes[i] < NEXTHOP_ADJACENCY_BASE ||
			     m->data_len - sizeof(*eth) > adj->mtu)) {
			floor_refuse(f, m);
			continue;
		}
		ip->time_to_live--;
		sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);
		ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
		tx = &f->tx[adj->iface];
		adjacency_write_eth(adj, eth);
		tx->pkts[tx->n++] = m; // a burst fits: emptied after each
	}
	f->rx_packets += n;
	f->rx_bytes += bytes;
}

static unsigned floor_take_sent(struct bench_target *t, struct bench_sent *out)
{
	struct floor_target *f = (struct floor_target *)t;
	uint64_t pending = 0;

	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
		pending |= (uint64_t)(f->tx[i].n > 0) << i;
	return bench_take_tx(f->tx, &pending, out);
}

static void floor_turn(struct bench_target *t)
{
	struct floor_target *f = (struct floor_target *)t;

	f->world->ops->turn(f->world);
}

static void floor_expect(
	const struct bench_target *t, unsigned stream, uint32_t frame, struct bench_expected *out)
{
	const struct floor_target *f = (const struct floor_target *)t;

	f->world->ops->expect(f->world, stream, frame, out);
}

static void floor_describe_drops(const struct bench_target *t, char *text, unsigned text_bytes)
{
	snprintf(text, text_bytes, "refused %llu",
		(unsigned long long)((const struct floor_target *)t)->n_refused);
}

static void floor_free(struct bench_target *t)
{
	struct floor_target *f = (struct floor_target *)t;

	f->world->ops->free(f->world);
	free(f);
}

static const struct bench_target_ops floor_ops = {
	.rx = floor_rx,
	.take_sent = floor_take_sent,
	.turn = floor_turn,
	.expect = floor_expect,
	.describe_drops = floor_describe_drops,
	.free = floor_free,
};

struct bench_target *bench_floor_make(const struct bench_case *c, struct error *err)
{
	struct floor_target *f =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*f), RTE_CACHE_LINE_SIZE));

	if (f == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	memset(f, 0, sizeof(*f));
	f->world = bench_forward4_make(c, err);
	if (f->world == NULL) {
		free(f);
		return NULL;
	}
	f->target.ops = &floor_ops;
	f->target.n_streams = f->world->n_streams;
	memcpy(f->target.streams, f->world->streams, sizeof(f->target.streams));
	return &f->target;
}
