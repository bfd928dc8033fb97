// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/talk.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

enum {
	SERVERS = 200,
	PORT_FIRST = 1024,
	PORTS = 60000,
	LAN = 0xc6120000,      // 198.18.0.0
	LAN2 = 0xc6120100,     // 198.18.1.0
	INTERNET = 0xc6336400, // 198.51.100.0
};

struct frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	struct talk_packet packet;
} __attribute__((packed, aligned(2)));

static uint32_t scatter(uint32_t id)
{
	return (id * 2654435761u) >> 8;
}

void talk_ends(uint32_t id, struct talk_end *from, struct talk_end *to, struct talk_end *hears)
{
	const struct talk_end server = {INTERNET + 1 + id % SERVERS,
		(uint16_t)(PORT_FIRST + id / SERVERS % PORTS), TALK_WAN};
	const struct talk_end host = {LAN + TALK_HOST_FIRST + scatter(id) % TALK_HOSTS,
		(uint16_t)(PORT_FIRST + id % PORTS), TALK_LAN};
	uint16_t forward = (uint16_t)(scatter(id) % TALK_FORWARDS);

	*from = host;
	switch ((enum talk_kind)(id % TALK_KINDS)) {
	case TALK_ACROSS:
		*to = (struct talk_end){LAN2 + TALK_HOST_FIRST + id / 7 % TALK_HOSTS,
			(uint16_t)(PORT_FIRST + scatter(id) % PORTS), TALK_LAN2};
		*hears = *to;
		return;
	case TALK_FORWARD:
		*from = server;
		*to = (struct talk_end){
			TALK_WAN_ADDRESS, (uint16_t)(TALK_FORWARDED + forward), TALK_WAN};
		*hears = (struct talk_end){
			LAN2 + TALK_HOST_FIRST, (uint16_t)(TALK_INSIDE + forward), TALK_LAN2};
		return;
	case TALK_OUT:
	case TALK_KINDS:
		break;
	}
	*to = *hears = server;
}

struct rte_mbuf *talk_frame(struct rte_mempool *pool, const struct talk_end *from,
	const struct talk_end *to, const struct talk_packet *packet)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct frame *f;

	if (m == NULL)
		return NULL;
	f = (struct frame *)rte_pktmbuf_append(m, sizeof(*f));
	memset(f, 0, sizeof(*f));
	f->eth.dst_addr = (struct rte_ether_addr){{2, 0, 0, 0, 0, from->iface}};
	f->eth.src_addr = (struct rte_ether_addr){{2, 1, 0, 0, from->iface, (uint8_t)from->addr}};
	f->eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	f->ip.version_ihl = RTE_IPV4_VHL_DEF;
	f->ip.total_length = rte_cpu_to_be_16(sizeof(*f) - sizeof(f->eth));
	f->ip.time_to_live = 64;
	f->ip.next_proto_id = IPPROTO_UDP;
	f->ip.src_addr = rte_cpu_to_be_32(from->addr);
	f->ip.dst_addr = rte_cpu_to_be_32(to->addr);
	f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	f->udp.src_port = rte_cpu_to_be_16(from->port);
	f->udp.dst_port = rte_cpu_to_be_16(to->port);
	f->udp.dgram_len = rte_cpu_to_be_16(sizeof(f->udp) + sizeof(f->packet));
	f->packet = *packet;
	f->udp.dgram_cksum = rte_ipv4_udptcp_cksum(&f->ip, &f->udp);
	return m;
}

static bool end_is(const struct talk_end *a, const struct talk_end *b)
{
	return a->addr == b->addr && a->port == b->port && a->iface == b->iface;
}

// Whoever asks for a port of the outside address that nobody holds any more asks for the forward.
static bool is_taken_for_a_call(uint32_t id, const struct talk_end *receiver)
{
	return id % TALK_KINDS == TALK_OUT && receiver->iface == TALK_LAN2 &&
	       receiver->addr == LAN2 + TALK_HOST_FIRST && receiver->port >= TALK_INSIDE &&
	       receiver->port < TALK_INSIDE + TALK_FORWARDS;
}

static void must_be(
	const struct talk_end *is, const struct talk_end *should, const struct talk_packet *packet)
{
	if (end_is(is, should))
		return;
	fprintf(stderr, "stress: %s %u of conversation %u: %08x:%u on %u should be %08x:%u on %u\n",
		packet->is_answer ? "answer" : "packet", packet->seq, packet->id, is->addr,
		is->port, is->iface, should->addr, should->port, should->iface);
	abort();
}

bool talk_read(struct rte_mbuf *m, uint8_t iface, struct talk_packet *packet,
	struct talk_end *sender, struct talk_end *receiver)
{
	const struct frame *f = rte_pktmbuf_mtod(m, const struct frame *);
	struct talk_end from, to, hears;

	if (f->ip.next_proto_id != IPPROTO_UDP)
		return false;
	assert(m->pkt_len == sizeof(*f) && f->ip.time_to_live == 63);
	assert(rte_raw_cksum(&f->ip, sizeof(f->ip)) == 0xffff);
	assert(rte_ipv4_udptcp_cksum_verify(&f->ip, &f->udp) == 0);
	*packet = f->packet;
	*sender = (struct talk_end){
		rte_be_to_cpu_32(f->ip.src_addr), rte_be_to_cpu_16(f->udp.src_port), iface};
	*receiver = (struct talk_end){
		rte_be_to_cpu_32(f->ip.dst_addr), rte_be_to_cpu_16(f->udp.dst_port), iface};
	assert(f->eth.dst_addr.addr_bytes[4] == iface);
	assert(iface == TALK_WAN || f->eth.dst_addr.addr_bytes[5] == (uint8_t)receiver->addr);
	talk_ends(packet->id, &from, &to, &hears);
	if (packet->is_answer) {
		if (is_taken_for_a_call(packet->id, receiver))
			return false;
		to.iface = from.iface; // as its answers are seen
		must_be(receiver, &from, packet);
		must_be(sender, &to, packet);
		return true;
	}
	must_be(receiver, &hears, packet);
	if (packet->id % TALK_KINDS == TALK_OUT) { // by which port is the router's to choose
		from.addr = TALK_WAN_ADDRESS;
		from.port = sender->port;
	}
	from.iface = iface;
	must_be(sender, &from, packet);
	return true;
}
