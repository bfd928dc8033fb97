// SPDX-License-Identifier: BSD-3-Clause
// A router with helpers, and an FTP control connection through it whose two ends are the test's:
// each counts by its own sequence numbers. Include it in one file of a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/tcp_flags.h"

enum {
	CLIENT_PORT = 40000,
	FTP_SERVER_PORT = 21,
	FTP_DATA_PORT = 20,
	TFTP_SERVER_PORT = 69,
	CLIENT_SEQ = 1000,
	SERVER_SEQ = 5000,
};

static inline void name_helpers(struct dp_policy *policy)
{
	policy->helpers[DP_HELPER_FTP] = (struct dp_helper_ports){{FTP_SERVER_PORT}, 1};
	policy->helpers[DP_HELPER_TFTP] = (struct dp_helper_ports){{TFTP_SERVER_PORT}, 1};
}

static inline void set_helpers(struct fixture *f, struct dp_policy *policy)
{
	struct error err;

	name_helpers(policy);
	assert_int_equal(dataplane_policy_set(f->dp, policy, &err), 0);
}

static inline void open_helpers_beside(struct fixture *f, const struct dp_nat *nats, unsigned n)
{
	struct dp_policy policy = fixture_policy(nats, n);

	set_helpers(f, &policy);
}

// The usual masquerade, `forward` (or none) and helpers.
static inline void open_helpers(struct fixture *f, const struct dp_nat *forward)
{
	struct dp_nat nats[2] = {fixture_masquerade(FIXTURE_WAN)};

	if (forward != NULL)
		nats[1] = *forward;
	open_helpers_beside(f, nats, forward != NULL ? 2 : 1);
}

static inline struct frame from_client(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return (struct frame){
		.iface = FIXTURE_LAN,
		.src = FIXTURE_PC,
		.dst = FIXTURE_SERVER,
		.sport = CLIENT_PORT,
		.dport = FTP_SERVER_PORT,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.tcp_seq = CLIENT_SEQ + seq,
		.tcp_ack = SERVER_SEQ + ack,
	};
}

static inline struct frame from_server(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return (struct frame){
		.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = FTP_SERVER_PORT,
		.dport = CLIENT_PORT,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.tcp_seq = SERVER_SEQ + seq,
		.tcp_ack = CLIENT_SEQ + ack,
	};
}

// The frame with `text` for its data.
static inline struct rte_mbuf *frame_saying(
	struct fixture *f, const struct frame *frame, const char *text)
{
	struct frame with = *frame;
	bool is_ip6 = frame->src6 != NULL;
	struct rte_mbuf *m;
	uint8_t *l4;

	with.payload_bytes = (uint16_t)strlen(text);
	m = frame_build(f, &with);
	l4 = rte_pktmbuf_mtod_offset(m, uint8_t *, L3_OFFSET + (is_ip6 ? 40 : 20));
	if (frame->protocol == IPPROTO_TCP) {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;

		memcpy(tcp + 1, text, with.payload_bytes);
		tcp->cksum = 0;
		tcp->cksum = is_ip6 ? rte_ipv6_udptcp_cksum(packet_ip6(m), tcp)
				    : rte_ipv4_udptcp_cksum(packet_ip4(m), tcp);
	} else {
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

		memcpy(udp + 1, text, with.payload_bytes);
		udp->dgram_cksum = 0;
		udp->dgram_cksum = rte_ipv4_udptcp_cksum(packet_ip4(m), udp);
	}
	return m;
}

// What leaves by the other interface for it, or NULL. The caller frees it.
static inline struct rte_mbuf *say(struct fixture *f, const struct frame *frame, const char *text)
{
	fixture_rx(f, frame_saying(f, frame, text), frame->iface);
	return fixture_sent(f, frame->iface == FIXTURE_WAN ? FIXTURE_LAN : FIXTURE_WAN);
}

// Up to the server's greeting, which is numbered so that it ends where SERVER_SEQ + 1 is.
static const char greeting[] = "220 hi\r\n";

enum { GREETED = sizeof(greeting) - 1 };

static inline void control_open_at(struct fixture *f, uint16_t port)
{
	struct frame syn = from_client(SYN, 0, 0), syn_ack = from_server(SYN | ACK, 0, 1);
	struct frame ack = from_client(ACK, 1, 1), greet = from_server(ACK, 1, 1);

	syn.sport = syn_ack.dport = ack.sport = greet.dport = port;
	syn.tcp_ack = 0;
	syn_ack.tcp_seq -= GREETED;
	ack.tcp_ack -= GREETED;
	greet.tcp_seq -= GREETED;
	assert_true(fixture_passes(f, &syn, FIXTURE_WAN));
	assert_true(fixture_passes(f, &syn_ack, FIXTURE_LAN));
	assert_true(fixture_passes(f, &ack, FIXTURE_WAN));
	rte_pktmbuf_free(say(f, &greet, greeting));
}

static inline void control_open(struct fixture *f)
{
	control_open_at(f, CLIENT_PORT);
}

// Of a server inside, that a forward leads to, by a client at `port` outside; what both say next.
static inline void control_open_inward(
	struct fixture *f, uint16_t port, struct frame *ask, struct frame *answer)
{
	struct frame greet;

	*ask = from_server(SYN, 0, 0);
	*answer = from_client(SYN | ACK, 0, 1);
	ask->sport = answer->dport = port;
	ask->dport = answer->sport = FTP_SERVER_PORT;
	ask->tcp_ack = 0;
	answer->tcp_seq -= GREETED;
	assert_true(fixture_passes(f, ask, FIXTURE_LAN));
	assert_true(fixture_passes(f, answer, FIXTURE_WAN));
	ask->tcp_flags = answer->tcp_flags = ACK;
	ask->tcp_seq++;
	ask->tcp_ack = CLIENT_SEQ + 1 - GREETED;
	assert_true(fixture_passes(f, ask, FIXTURE_LAN));
	greet = *answer;
	greet.tcp_seq++;
	rte_pktmbuf_free(say(f, &greet, greeting));
	ask->tcp_ack = answer->tcp_seq = CLIENT_SEQ + 1;
}

static inline struct dp_nat forward_to_pc(void)
{
	struct dp_nat forward = fixture_masquerade(FIXTURE_WAN);

	forward.kind = DP_NAT_FORWARD;
	forward.inside = (struct ip_prefix){{.family = IP_V4, .v4 = {198, 18, 0, 7}}, 32};
	forward.first_port = forward.last_port = FTP_SERVER_PORT;
	return forward;
}

static inline struct rte_tcp_hdr *tcp_of(struct rte_mbuf *m)
{
	return (struct rte_tcp_hdr *)(packet_ip4(m) + 1);
}

// Its data is `text`, and it is sound.
static inline void assert_says(struct rte_mbuf *m, const char *text)
{
	uint32_t bytes = rte_be_to_cpu_16(packet_ip4(m)->total_length) - 20u -
			 (uint32_t)(tcp_of(m)->data_off >> 4) * 4;

	assert_true(frame_is_sound(m));
	assert_int_equal(bytes, strlen(text));
	assert_memory_equal(
		(uint8_t *)tcp_of(m) + (size_t)(tcp_of(m)->data_off >> 4) * 4, text, bytes);
}

// Does `frame` with `text` leave as `wanted`, its number as the other end counts?
static inline void assert_becomes(struct fixture *f, const struct frame *frame, const char *text,
	const char *wanted, uint32_t seq)
{
	struct rte_mbuf *m = say(f, frame, text);

	assert_non_null(m);
	assert_says(m, wanted);
	assert_int_equal(rte_be_to_cpu_32(tcp_of(m)->sent_seq), seq);
	rte_pktmbuf_free(m);
}

// The data connection's first segment, from the server to `port` of the router.
static inline struct frame data_syn(uint16_t port)
{
	struct frame frame = from_server(SYN, 0, 0);

	frame.sport = FTP_DATA_PORT;
	frame.dport = port;
	frame.tcp_ack = 0;
	return frame;
}

// Does it come to a host inside? Else to the router itself, which is no matter here.
static inline bool is_let_in(struct fixture *f, const struct frame *frame)
{
	bool passes = fixture_passes(f, frame, FIXTURE_LAN);

	rte_pktmbuf_free(fixture_punted(f));
	return passes;
}

// Where it comes to inside; 0: it does not.
static inline uint16_t data_port(struct fixture *f, uint16_t port)
{
	struct frame syn = data_syn(port);
	struct rte_mbuf *m = fixture_send(f, &syn, FIXTURE_LAN);
	uint16_t inside;

	if (m == NULL) {
		rte_pktmbuf_free(fixture_punted(f));
		return 0;
	}
	assert_true(frame_is_sound(m));
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	inside = frame_dport(m);
	rte_pktmbuf_free(m);
	return inside;
}
