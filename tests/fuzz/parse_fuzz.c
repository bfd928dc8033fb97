// SPDX-License-Identifier: BSD-3-Clause
// One frame through the parser, in a buffer of exactly its size, so that a read past the end is
// seen. What the parser calls sound is then held against the frame.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/hygiene.h"
#include "dataplane/nat_icmp.h"
#include "dataplane/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

// Options as anybody may write them, in a header whose length was checked.
static void look_at_tcp(const struct packet *p)
{
	const uint16_t checks = DP_HYGIENE_TCP_FLAGS | DP_HYGIENE_TCP_MSS;
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	enum counter options;
	bool is_syn;

	if ((p->flags & PACKET_IS_FRAGMENT) || p->protocol != IPPROTO_TCP)
		return;
	must(p->l4_offset + 20u <= L3_OFFSET + (uint32_t)p->ip_len);
	is_syn = tcp->tcp_flags & RTE_TCP_SYN_FLAG;
	options = hygiene_tcp(p, DP_HYGIENE_TCP_MSS);
	must(options == COUNTER_COUNT ||
		(is_syn && tcp->data_off >> 4 > 5 &&
			(options == COUNTER_DROP_TCP_MSS || options == COUNTER_DROP_TCP_OPTIONS)));
	if (hygiene_tcp_flags_are_odd(tcp->tcp_flags))
		must(hygiene_tcp(p, checks) == hygiene_tcp_flags(tcp->tcp_flags));
	else
		must(hygiene_tcp(p, checks) == options);
}

static void look_deeper(struct packet *p)
{
	bool is_ip6 = p->kind == PACKET_IP6;
	uint32_t header_bytes = is_ip6 ? 40 : 20;

	must((uint32_t)L3_OFFSET + p->ip_len <= p->m->pkt_len);
	if (is_ip6 ? !packet_key6(p) : !packet_key4(p)) {
		must(p->kind == PACKET_DROP && p->reason < COUNTER_COUNT);
		return;
	}
	must(p->l4_offset >= L3_OFFSET + header_bytes && p->l4_offset <= L3_OFFSET + p->ip_len);
	if (p->flags & PACKET_IS_ICMP_ERROR) {
		nat_icmp_error_port(p, true);
		nat_icmp_error_port(p, false);
	}
	look_at_tcp(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t own[8] = {2, 0, 0, 0, 0, 1};
	uint64_t own_mac_word;
	uint8_t *frame;
	struct rte_mbuf m;
	struct packet p;

	if (size == 0 || size > 2048)
		return 0;
	frame = malloc(size);
	must(frame != NULL);
	memcpy(frame, data, size);
	memcpy(&own_mac_word, own, sizeof(own));
	own_mac_word <<= 16;
	memset(&m, 0, sizeof(m));
	memset(&p, 0, sizeof(p));
	m.buf_addr = frame;
	m.buf_len = m.data_len = (uint16_t)size;
	m.pkt_len = (uint32_t)size;
	m.nb_segs = 1;
	p.m = &m;
	switch ((enum packet_kind)packet_parse(&p, own_mac_word)) {
	case PACKET_DROP:
	case PACKET_HOST:
		must(p.reason < COUNTER_COUNT);
		break;
	case PACKET_IP4:
	case PACKET_IP6:
		look_deeper(&p);
		break;
	}
	free(frame);
	return 0;
}
