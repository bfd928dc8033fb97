// SPDX-License-Identifier: BSD-3-Clause
// A sequence of frames through the whole pipeline of a router that masquerades: parser, flow
// table, translation, ICMP errors, fragments, hold queue; a trunk of two VLANs and none. Each frame
// of the input is one byte of interface and flags, two of length, and the frame; its MAC and IPv4
// header checksum are mended on request, so that the search gets past them. Whatever leaves must be
// sound, and nothing may leak.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#include "dataplane/conntrack.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"
#include "dataplane/vlan.h"
#include "drivers/port_private.h"
#include "tests/unit/dataplane_fixture.h"

enum {
	TRUNK = 3, // in place of an interface; also the first that is on it
	TRUNK_INTERFACES = 3,
	MEND_MAC = 1 << 4,
	MEND_CHECKSUM = 1 << 5,
	FROM_HOST = 1 << 6,
	PASS_TIME = 1 << 7,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fixture fixture;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void add_trunk(void)
{
	static struct port trunk = {.info = {.dpdk_port = UINT16_MAX}};
	struct dp_interface iface = {.name = "trunk",
		.port = &trunk,
		.tap_fd = -1,
		.mac = {{2, 0, 0, 0, 0, 3}},
		.mtu = 1500};

	for (int i = 0; i < TRUNK_INTERFACES; i++) {
		must(dataplane_interface_add(fixture.dp, &iface) == TRUNK + i);
		iface.is_tagged = true;
		iface.vlan = (uint16_t)(20 + 10 * i);
	}
	dataplane_worker(fixture.dp, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fixture_start_drivers();
	fixture_open(&fixture, 1, true);
	add_trunk();
	return 0;
}

// The packet and nothing behind it, but for Ethernet's padding.
static bool frame_bytes_are(const struct rte_mbuf *m, uint32_t ip_bytes)
{
	uint32_t bytes = RTE_ETHER_HDR_LEN + ip_bytes;

	return m->pkt_len >= bytes && m->pkt_len <= RTE_MAX(bytes, 60u);
}

// What a router sends is a whole frame with a sound IP header, never a source nobody may have.
static void check_sent(struct rte_mbuf *m, bool from_host)
{
	struct rte_ether_hdr *eth = packet_eth(m);

	rte_mbuf_sanity_check(m, 1);
	if (from_host)
		return; // the kernel's own words
	must(m->pkt_len >= sizeof(*eth) + 20);
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		struct rte_ipv4_hdr *ip = packet_ip4(m);

		must(rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) == 0xffff);
		must(frame_bytes_are(m, rte_be_to_cpu_16(ip->total_length)));
		must(ip->time_to_live > 0);
	} else {
		must(eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6));
		must(frame_bytes_are(m, sizeof(struct rte_ipv6_hdr) +
						rte_be_to_cpu_16(packet_ip6(m)->payload_len)));
		must(packet_ip6(m)->hop_limits > 0);
	}
}

static void take_out_all(bool from_host)
{
	struct rte_mbuf *m;

	for (uint8_t i = 0; i < TRUNK + TRUNK_INTERFACES; i++)
		while ((m = fixture_sent(&fixture, i)) != NULL) {
			check_sent(m, from_host);
			rte_pktmbuf_free(m);
		}
	while ((m = fixture_punted(&fixture)) != NULL)
		rte_pktmbuf_free(m);
}

static void feed(uint8_t how, const uint8_t *frame, uint16_t bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
	uint8_t iface = how & 3;
	uint8_t *to;

	must(m != NULL); // a leak would end here
	to = (uint8_t *)rte_pktmbuf_append(m, bytes);
	must(to != NULL);
	memcpy(to, frame, bytes);
	if ((how & MEND_MAC) && bytes >= 6)
		memcpy(to, &fixture.dp->snapshot->interfaces[iface].mac, 6);
	if ((how & MEND_CHECKSUM) && bytes >= 34) {
		struct rte_ipv4_hdr *ip = packet_ip4(m);
		uint16_t header_bytes = rte_ipv4_hdr_len(ip);

		if (header_bytes >= 20 && 14u + header_bytes <= bytes) {
			ip->hdr_checksum = 0;
			ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, header_bytes);
		}
	}
	if (how & FROM_HOST)
		fixture_host(&fixture, m, iface);
	else if (iface == TRUNK)
		vlan_rx(fixture.w, 1, &m, 1);
	else
		fixture_rx(&fixture, m, iface);
	take_out_all(how & FROM_HOST);
}

// A packet put together from fragments waits in the worker's own inbox.
static void drain_inbox(void)
{
	struct worker *w = fixture.w;
	void *m;

	while (rte_ring_dequeue(w->inbox, &m) == 0) {
		pipeline_whole(w, (uint8_t)((struct rte_mbuf *)m)->port, m);
		take_out_all(false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker *w = fixture.w;

	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
		for (unsigned k = 0; k < PUNT_REASON_COUNT; k++)
			w->punt_budget[i][k].tokens = 1000;
	w->icmp_budget.tokens = w->icmp_mtu_budget.tokens = w->ask_budget.tokens = 1000;
	while (size >= 3) {
		uint8_t how = data[0];
		uint16_t bytes = (uint16_t)((data[1] & 7) << 8 | data[2]);
		struct dp_event event;

		data += 3;
		size -= 3;
		if (bytes > size)
			bytes = (uint16_t)size;
		if (bytes < RTE_ETHER_HDR_LEN)
			break;
		feed(how, data, bytes);
		drain_inbox();
		data += bytes;
		size -= bytes;
		if (how & PASS_TIME) {
			w->now_ms += 1000;
			w->now_sec = (uint32_t)(w->now_ms / 1000);
			hold_tick(w);
			reassembly_tick(w);
			conntrack_expire(w, 64);
			take_out_all(false);
		}
		while (dataplane_event_next(fixture.dp, &event))
			must(event.interface < TRUNK + TRUNK_INTERFACES);
	}
	return 0;
}
