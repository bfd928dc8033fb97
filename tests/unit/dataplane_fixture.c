// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dataplane_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#include "cfg/base/addr.h"
#include "dataplane/owner.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"

const struct frame fixture_udp_out = {
	.iface = FIXTURE_LAN,
	.src = FIXTURE_PC,
	.dst = FIXTURE_SERVER,
	.sport = 5000,
	.dport = 53,
	.protocol = IPPROTO_UDP,
	.payload_bytes = 30,
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fixture: %s\n", what);
	exit(1);
}

void fixture_start_drivers(void)
{
	struct drivers_options options = {
		.n_mbufs = 8191,
		.mtu_max = 1500,
		.reserve_bytes = UINT64_C(320) << 20,
		.main_core = -1,
	};
	struct error err;

	if (drivers_start(&options, &err) != 0) {
		fprintf(stderr, "fixture: %s\n", err.text);
		exit(1);
	}
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	must(ip_prefix_parse(text, &p) == 0, text);
	return p;
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	must(ip_addr_parse(text, &a) == 0, text);
	return a;
}

static void add_routes(struct dataplane *dp, uint8_t n, const struct ip_prefix *own)
{
	struct dp_route local = {.kind = DP_ROUTE_LOCAL, .to = *own};
	struct dp_route connected = {.to = *own, .n_nexthops = 1};

	local.to.len = (uint8_t)ip_family_bits(own->addr.family);
	connected.nexthops[0].interface = n;
	must(dataplane_route_set(dp, &local) == 0, "local route");
	must(dataplane_route_set(dp, &connected) == 0, "connected route");
}

static void add_interface(
	struct dataplane *dp, const char *name, uint8_t n, const char *own4, const char *own6)
{
	struct dp_interface iface = {
		.tap_fd = -1,
		.mac = {{2, 0, 0, 0, 0, n}},
		.mtu = 1500,
		.is_outside = n == FIXTURE_WAN,
	};
	struct ip_prefix addresses[2] = {prefix(own4), prefix(own6)};

	snprintf(iface.name, sizeof(iface.name), "%s", name);
	must(dataplane_interface_add(dp, &iface) == n, "interface");
	must(dataplane_interface_set_addresses(dp, n, addresses, 2) == 0, "addresses");
	add_routes(dp, n, &addresses[0]);
	add_routes(dp, n, &addresses[1]);
}

static void add_default(struct dataplane *dp, const char *to, const char *via)
{
	struct dp_route route = {.to = prefix(to), .n_nexthops = 1};

	route.nexthops[0].interface = FIXTURE_WAN;
	route.nexthops[0].via = address(via);
	must(dataplane_route_set(dp, &route) == 0, "default route");
}

static void add_neighbour(struct dataplane *dp, uint8_t iface, const char *text, uint8_t last)
{
	struct ip_addr addr = address(text);
	struct mac_addr mac = {{2, 1, 0, 0, iface, last}};

	must(dataplane_neighbour_set(dp, iface, &addr, &mac) == 0, "neighbour");
}

struct dp_nat fixture_masquerade(int interface)
{
	struct dp_nat nat = dp_nat_any(DP_NAT_SOURCE);

	nat.family = IP_V4;
	nat.interface = interface;
	return nat;
}

struct dp_policy fixture_policy(const struct dp_nat *nats, unsigned n)
{
	struct dp_policy policy = dp_policy_open();

	policy.nats = nats;
	policy.n_nats = n;
	policy.picks_up = true;
	return policy;
}

void fixture_translate(struct fixture *f, const struct dp_nat *nats, unsigned n)
{
	struct dp_policy policy = fixture_policy(nats, n);
	struct error err;

	must(dataplane_policy_set(f->dp, &policy, &err) == 0, "policy");
}

void fixture_open(struct fixture *f, unsigned n_workers, bool masquerade)
{
	struct dataplane_options options = {
		.n_workers = n_workers,
		.flow_capacity = 65536,
		.routes4_max = 1024,
		.routes6_max = 1024,
	};
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct error err;

	f->dp = dataplane_new(&options, &err);
	must(f->dp != NULL, "dataplane_new");
	add_interface(f->dp, "wan", FIXTURE_WAN, "203.0.113.2/24", "2001:db8:f::2/64");
	add_interface(f->dp, "lan", FIXTURE_LAN, "198.18.0.1/24", "2001:db8:1::1/64");
	add_interface(f->dp, "lan2", FIXTURE_LAN2, "198.18.1.1/24", "2001:db8:2::1/64");
	add_neighbour(f->dp, FIXTURE_WAN, "203.0.113.1", 1);
	add_neighbour(f->dp, FIXTURE_LAN, "198.18.0.7", 7);
	add_neighbour(f->dp, FIXTURE_LAN, "198.18.0.8", 8);
	add_neighbour(f->dp, FIXTURE_LAN2, "198.18.1.9", 9);
	add_neighbour(f->dp, FIXTURE_WAN, FIXTURE_GATEWAY6, 1);
	add_neighbour(f->dp, FIXTURE_LAN, FIXTURE_PC6, 7);
	add_neighbour(f->dp, FIXTURE_LAN2, FIXTURE_FAR_LAN6, 9);
	add_default(f->dp, "0.0.0.0/0", "203.0.113.1");
	add_default(f->dp, "::/0", FIXTURE_GATEWAY6);
	fixture_translate(f, &nat, masquerade ? 1 : 0);
	f->w = dataplane_worker(f->dp, 0);
}

void fixture_close(struct fixture *f)
{
	dataplane_free(f->dp);
	f->dp = NULL;
}

static int setup(void **state, unsigned n_workers, bool masquerade)
{
	static struct fixture f;

	fixture_open(&f, n_workers, masquerade);
	*state = &f;
	return 0;
}

int fixture_setup_nat(void **state)
{
	return setup(state, 1, true);
}

int fixture_setup_nat_of_two(void **state)
{
	return setup(state, 2, true);
}

int fixture_setup_plain(void **state)
{
	return setup(state, 1, false);
}

int fixture_teardown(void **state)
{
	fixture_close(*state);
	return rte_mempool_in_use_count(drivers_pool()) == 0 ? 0 : -1;
}

static void fill_tcp(void *l4, const struct frame *frame)
{
	struct rte_tcp_hdr *tcp = l4;

	tcp->src_port = rte_cpu_to_be_16(frame->sport);
	tcp->dst_port = rte_cpu_to_be_16(frame->dport);
	tcp->sent_seq = rte_cpu_to_be_32(frame->tcp_seq);
	tcp->recv_ack = rte_cpu_to_be_32(frame->tcp_ack);
	tcp->rx_win = RTE_BE16(0xffff);
	tcp->data_off = 5 << 4;
	tcp->tcp_flags = frame->tcp_flags;
}

static void fill_udp(void *l4, const struct frame *frame, uint16_t bytes)
{
	struct rte_udp_hdr *udp = l4;

	udp->src_port = rte_cpu_to_be_16(frame->sport);
	udp->dst_port = rte_cpu_to_be_16(frame->dport);
	udp->dgram_len = rte_cpu_to_be_16(bytes);
}

static void fill_icmp(void *l4, const struct frame *frame)
{
	struct rte_icmp_hdr *icmp = l4;

	icmp->icmp_type = frame->icmp_type;
	icmp->icmp_code = frame->icmp_code;
	icmp->icmp_ident = rte_cpu_to_be_16(frame->sport);
}

static void put_checksum(void *l4, const struct frame *frame, uint16_t sum)
{
	switch (frame->protocol) {
	case IPPROTO_TCP:
		((struct rte_tcp_hdr *)l4)->cksum = sum;
		return;
	case IPPROTO_UDP:
		if (!frame->no_udp_checksum)
			((struct rte_udp_hdr *)l4)->dgram_cksum = sum;
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		((struct rte_icmp_hdr *)l4)->icmp_cksum = sum;
		return;
	default:
		return;
	}
}

static void fill_ip4(struct rte_ipv4_hdr *ip, const struct frame *frame, uint16_t bytes)
{
	void *l4 = ip + 1;

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + bytes));
	ip->packet_id = RTE_BE16(0x1234);
	ip->fragment_offset = rte_cpu_to_be_16(frame->fragment);
	ip->time_to_live = frame->ttl != 0 ? frame->ttl : 64;
	ip->next_proto_id = frame->protocol;
	ip->src_addr = rte_cpu_to_be_32(frame->src);
	ip->dst_addr = rte_cpu_to_be_32(frame->dst);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	put_checksum(l4, frame,
		frame->protocol == IPPROTO_ICMP ? (uint16_t)~rte_raw_cksum(l4, bytes)
						: rte_ipv4_udptcp_cksum(ip, l4));
}

static void fill_ip6(struct rte_ipv6_hdr *ip, const struct frame *frame, uint16_t bytes)
{
	struct ip_addr src = address(frame->src6), dst = address(frame->dst6);

	ip->vtc_flow = RTE_BE32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16(bytes);
	ip->proto = frame->protocol;
	ip->hop_limits = frame->ttl != 0 ? frame->ttl : 64;
	memcpy(ip->src_addr, src.v6, 16);
	memcpy(ip->dst_addr, dst.v6, 16);
	put_checksum(ip + 1, frame, rte_ipv6_udptcp_cksum(ip, ip + 1)); // ICMPv6's is the same
}

struct rte_mbuf *frame_build(const struct fixture *f, const struct frame *frame)
{
	bool is_ip6 = frame->src6 != NULL;
	struct rte_mbuf *m = rte_pktmbuf_alloc(drivers_pool());
	uint16_t l3_bytes = is_ip6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	uint16_t l4_bytes =
		(uint16_t)((frame->protocol == IPPROTO_TCP ? 20 : 8) + frame->payload_bytes);
	uint16_t bytes = (uint16_t)(sizeof(struct rte_ether_hdr) + l3_bytes + l4_bytes);
	struct rte_ether_hdr *eth;
	uint8_t *l4;

	must(m != NULL, "mbuf");
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, bytes);
	must(eth != NULL, "frame too long");
	memset(eth, 0, bytes);
	eth->dst_addr = f->dp->snapshot->interfaces[frame->iface].mac;
	eth->src_addr = (struct rte_ether_addr){{2, 1, 0, 0, frame->iface, 7}};
	eth->ether_type = is_ip6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	l4 = (uint8_t *)(eth + 1) + l3_bytes;
	for (uint16_t i = 0; i < frame->payload_bytes; i++)
		l4[l4_bytes - frame->payload_bytes + i] = (uint8_t)(i * 7);
	if (frame->quotes != NULL) {
		must(frame->payload_bytes <= frame->quotes->data_len - L3_OFFSET, "quote too long");
		memcpy(l4 + l4_bytes - frame->payload_bytes, packet_ip4(frame->quotes),
			frame->payload_bytes);
	}
	if (frame->protocol == IPPROTO_TCP)
		fill_tcp(l4, frame);
	else if (frame->protocol == IPPROTO_UDP)
		fill_udp(l4, frame, l4_bytes);
	else if (frame->protocol == IPPROTO_ICMP || frame->protocol == IPPROTO_ICMPV6)
		fill_icmp(l4, frame);
	if (is_ip6)
		fill_ip6(packet_ip6(m), frame, l4_bytes);
	else
		fill_ip4(packet_ip4(m), frame, l4_bytes);
	return m;
}

void fixture_rx_burst(struct fixture *f, struct rte_mbuf **list, unsigned n, uint8_t iface)
{
	dataplane_worker(f->dp, 0);
	pipeline_rx(f->w, iface, list, n);
	owner_flush(f->w);
}

void fixture_rx(struct fixture *f, struct rte_mbuf *m, uint8_t iface)
{
	fixture_rx_burst(f, &m, 1, iface);
}

void fixture_host(struct fixture *f, struct rte_mbuf *m, uint8_t iface)
{
	dataplane_worker(f->dp, 0);
	pipeline_host(f->w, iface, &m, 1, false);
	owner_flush(f->w);
}

struct rte_mbuf *fixture_sent(struct fixture *f, uint8_t iface)
{
	struct tx_buffer *tx = &f->w->tx[iface];
	struct rte_mbuf *m;

	if (tx->n == 0)
		return NULL;
	m = tx->pkts[0];
	memmove(tx->pkts, tx->pkts + 1, sizeof(tx->pkts[0]) * --tx->n);
	return m;
}

struct rte_mbuf *fixture_send(struct fixture *f, const struct frame *frame, uint8_t out)
{
	fixture_rx(f, frame_build(f, frame), frame->iface);
	return fixture_sent(f, out);
}

bool fixture_passes(struct fixture *f, const struct frame *frame, uint8_t out)
{
	struct rte_mbuf *m = fixture_send(f, frame, out);

	rte_pktmbuf_free(m);
	return m != NULL;
}

struct rte_mbuf *fixture_punted(struct fixture *f)
{
	void *m = NULL;

	if (rte_ring_dequeue(f->w->to_host_urgent, &m) != 0 &&
		rte_ring_dequeue(f->w->to_host_flows, &m) != 0)
		rte_ring_dequeue(f->w->to_host, &m);
	return m;
}

bool fixture_exchange(struct fixture *f, const struct frame *frame, struct frame *answer)
{
	struct rte_mbuf *m = fixture_send(f, frame, FIXTURE_WAN);

	if (m == NULL)
		return false;
	*answer = frame_answer(m, frame, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	must(fixture_passes(f, answer, FIXTURE_LAN), "answer");
	return true;
}

void fixture_fill(struct fixture *f)
{
	struct frame scan = fixture_udp_out;

	for (uint32_t i = 0; f->w->flows.n_used < f->w->flows.capacity; i++) {
		scan.dst = FIXTURE_SERVER + 1 + i;
		must(fixture_passes(f, &scan, FIXTURE_WAN), "scan");
	}
}

bool fixture_reaches_host(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m;

	fixture_rx(f, frame_build(f, frame), frame->iface);
	m = fixture_punted(f);
	rte_pktmbuf_free(m);
	return m != NULL;
}

bool fixture_host_passes(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m;

	fixture_host(f, frame_build(f, frame), frame->iface);
	m = fixture_sent(f, frame->iface);
	rte_pktmbuf_free(m);
	return m != NULL;
}

void fixture_make_uplink(struct fixture *f, uint8_t iface)
{
	const struct dp_interface uplink = {
		.name = "wan2", .tap_fd = -1, .mtu = 1500, .is_outside = true};

	must(dataplane_interface_remove(f->dp, iface) == 0, "interface");
	must(dataplane_interface_add(f->dp, &uplink) == iface, "uplink");
}

uint64_t fixture_counter(const struct fixture *f, enum counter counter)
{
	return f->w->counters[counter];
}

bool frame_is_sound(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint16_t bytes = (uint16_t)(rte_be_to_cpu_16(ip->total_length) - rte_ipv4_hdr_len(ip));
	void *l4 = (uint8_t *)ip + rte_ipv4_hdr_len(ip);

	if (packet_eth(m)->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return rte_ipv6_udptcp_cksum_verify(packet_ip6(m), packet_ip6(m) + 1) == 0;
	if (rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) != 0xffff)
		return false;
	if (ip->next_proto_id == IPPROTO_ICMP)
		return rte_raw_cksum(l4, bytes) == 0xffff;
	if (ip->next_proto_id == IPPROTO_UDP && ((struct rte_udp_hdr *)l4)->dgram_cksum == 0)
		return true;
	return rte_ipv4_udptcp_cksum_verify(ip, l4) == 0;
}

uint32_t frame_src(struct rte_mbuf *m)
{
	return rte_be_to_cpu_32(packet_ip4(m)->src_addr);
}

uint32_t frame_dst(struct rte_mbuf *m)
{
	return rte_be_to_cpu_32(packet_ip4(m)->dst_addr);
}

static uint16_t word_at(struct rte_mbuf *m, unsigned at)
{
	uint16_t be;

	memcpy(&be, rte_pktmbuf_mtod_offset(m, uint8_t *, at), sizeof(be));
	return rte_be_to_cpu_16(be);
}

uint16_t frame_sport(struct rte_mbuf *m)
{
	return word_at(m, 34);
}

uint16_t frame_dport(struct rte_mbuf *m)
{
	return word_at(m, 36);
}

uint16_t frame_icmp_id(struct rte_mbuf *m)
{
	return word_at(m, 38);
}

struct frame frame_answer(struct rte_mbuf *m, const struct frame *sent, uint8_t iface)
{
	struct frame frame = *sent;

	frame.iface = iface;
	frame.src = frame_dst(m);
	frame.dst = frame_src(m);
	frame.sport = frame_dport(m);
	frame.dport = frame_sport(m);
	if (sent->tcp_flags & RTE_TCP_SYN_FLAG) {
		frame.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
		frame.tcp_seq = FIXTURE_SERVER_SEQ;
		frame.tcp_ack = sent->tcp_seq + 1;
	}
	return frame;
}

struct frame frame_answer_again(const struct frame *sent)
{
	struct frame frame = *sent;

	frame.tcp_flags = RTE_TCP_ACK_FLAG;
	frame.tcp_seq = sent->tcp_seq + 1;
	frame.tcp_ack = FIXTURE_SERVER_SEQ + 1;
	return frame;
}

struct frame frame_refusal(struct rte_mbuf *m, uint32_t src, uint8_t iface)
{
	return (struct frame){
		.iface = iface,
		.src = src,
		.dst = frame_src(m),
		.protocol = IPPROTO_ICMP,
		.icmp_type = 3,
		.icmp_code = 3,
		.payload_bytes = sizeof(struct rte_ipv4_hdr) + 8,
		.quotes = m,
	};
}

void fixture_connect(struct fixture *f, struct frame *frame, struct frame *answer)
{
	frame->protocol = IPPROTO_TCP;
	frame->tcp_flags = RTE_TCP_SYN_FLAG;
	frame->payload_bytes = 0;
	must(fixture_exchange(f, frame, answer), "SYN");
	*frame = frame_answer_again(frame);
	must(fixture_passes(f, frame, FIXTURE_WAN), "ACK");
	answer->tcp_flags = RTE_TCP_ACK_FLAG;
	answer->tcp_seq++;
}
