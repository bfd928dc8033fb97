// SPDX-License-Identifier: BSD-3-Clause
// What came out must be what went in but for addresses, ports, hops and checksums: it is made once
// more from what its mark and its addresses say, and compared.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "tests/stress/frame_private.h"

enum { HOPS_LEFT = 63 };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "stress: a packet came out with a wrong %s\n", what);
	abort();
}

// Addresses, and the place among fragments: 0 when it is none, 1 of the first, 2 of a later one.
static unsigned ip_read(struct frame *f, struct talk_end *sender, struct talk_end *receiver)
{
	const uint8_t *fragment;

	f->is_ip6 = f->bytes[L3_AT] >> 4 == 6;
	sender->addr = receiver->addr = (struct ip_addr){.family = f->is_ip6 ? IP_V6 : IP_V4};
	if (!f->is_ip6) {
		uint16_t place = frame_ip4(f)->fragment_offset;

		f->protocol = frame_ip4(f)->next_proto_id;
		f->l4_at = L3_AT + sizeof(struct rte_ipv4_hdr);
		memcpy(sender->addr.v4, &frame_ip4(f)->src_addr, 4);
		memcpy(receiver->addr.v4, &frame_ip4(f)->dst_addr, 4);
		if (place & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
			return 2;
		return place & RTE_BE16(RTE_IPV4_HDR_MF_FLAG) ? 1 : 0;
	}
	f->protocol = frame_ip6(f)->proto;
	f->l4_at = L3_AT + sizeof(struct rte_ipv6_hdr);
	memcpy(sender->addr.v6, frame_ip6(f)->src_addr, 16);
	memcpy(receiver->addr.v6, frame_ip6(f)->dst_addr, 16);
	if (f->protocol != IPPROTO_FRAGMENT)
		return 0;
	fragment = f->bytes + f->l4_at;
	f->protocol = fragment[0];
	f->l4_at += FRAGMENT6_BYTES;
	return fragment[2] != 0 || fragment[3] > 1 ? 2 : 1;
}

static void ports_read(const struct frame *f, struct talk_end *sender, struct talk_end *receiver)
{
	uint16_t ports[2];

	memcpy(ports, f->bytes + f->l4_at, sizeof(ports));
	sender->port = rte_be_to_cpu_16(ports[0]);
	receiver->port = rte_be_to_cpu_16(ports[1]);
}

// The quoted packet, as it was sent.
static void error_read(struct frame *f, struct talk_heard *heard)
{
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(f->bytes + f->l4_at);
	uint16_t quote_at = (uint16_t)(f->l4_at + sizeof(*icmp));
	struct talk_end from = heard->sender, to = heard->receiver;
	struct frame quote = {.n_bytes = (uint16_t)(L3_AT + f->n_bytes - quote_at)};
	unsigned place;

	must(f->is_ip6 ? frame_sums_up(f) : rte_raw_cksum(icmp, f->n_bytes - f->l4_at) == 0xffff,
		"ICMP checksum");
	must(icmp->icmp_type == (f->is_ip6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE), "ICMP type");
	memcpy(quote.bytes + L3_AT, f->bytes + quote_at, (size_t)(f->n_bytes - quote_at));
	place = ip_read(&quote, &heard->sender, &heard->receiver);
	must(place != 2, "quote");
	must(ip_addr_equal(&heard->sender.addr, &to.addr), "receiver of an ICMP error");
	ports_read(&quote, &heard->sender, &heard->receiver);
	heard->receiver.iface = from.iface;
	must(frame_mark_read(quote.bytes + quote.l4_at +
				     (quote.protocol == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr)
								    : sizeof(struct rte_udp_hdr)),
		     &heard->packet),
		"quote's mark");
	heard->is_error = true;
}

static void compare(struct frame *f, struct talk_heard *heard, unsigned place)
{
	struct frame should =
		frame_whole(&heard->sender, &heard->receiver, &heard->packet, HOPS_LEFT);

	must(should.protocol == f->protocol && should.is_ip6 == f->is_ip6, "protocol");
	if (place != 2) { // the router adjusts it; one that adds up is right
		memcpy(frame_checksum_place(&should), frame_checksum_place(f), 2);
		must(frame_sums_up(&should), "checksum");
	}
	if (place != 0)
		should = frame_piece(&should, &heard->packet, place - 1);
	must(should.n_bytes == f->n_bytes, "length");
	must(memcmp(should.bytes + L3_AT, f->bytes + L3_AT, f->n_bytes - L3_AT) == 0, "byte");
}

bool frame_read(const struct rte_mbuf *m, uint8_t iface, struct talk_heard *heard)
{
	struct frame f = {.n_bytes = (uint16_t)m->pkt_len};
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)f.bytes;
	struct talk_end *to = &heard->receiver;
	unsigned place, header_bytes;

	must(m->nb_segs == 1 && m->pkt_len <= FRAME_MAX, "size");
	memcpy(f.bytes, rte_pktmbuf_mtod(m, const void *), m->pkt_len);
	*heard =
		(struct talk_heard){.iface = iface, .sender.iface = iface, .receiver.iface = iface};
	place = ip_read(&f, &heard->sender, to);
	must(eth->dst_addr.addr_bytes[4] == iface, "interface");
	must(iface == TALK_WAN || eth->dst_addr.addr_bytes[5] == to->addr.bytes[f.is_ip6 ? 15 : 3],
		"neighbour");
	if (f.protocol == IPPROTO_ICMP || f.protocol == IPPROTO_ICMPV6) {
		error_read(&f, heard);
		return true;
	}
	if (place == 2) {
		heard->is_later_piece = true;
		must(frame_mark_read(f.bytes + f.l4_at, &heard->packet), "mark");
		compare(&f, heard, place);
		return true;
	}
	ports_read(&f, &heard->sender, to);
	header_bytes = sizeof(struct rte_udp_hdr);
	if (f.protocol == IPPROTO_TCP) {
		header_bytes = sizeof(struct rte_tcp_hdr);
		if (f.bytes[f.l4_at + 12] >> 4 ==
			header_bytes / 4) { // none of ours is without mark
			must(f.bytes[f.l4_at + 13] & RTE_TCP_RST_FLAG, "flag");
			return false;
		}
	}
	must(frame_mark_read(f.bytes + f.l4_at + header_bytes, &heard->packet), "mark");
	compare(&f, heard, place);
	return true;
}
