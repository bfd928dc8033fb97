// SPDX-License-Identifier: BSD-3-Clause
// A real dataplane without cards or threads for unit tests: two interfaces (0 `wan`, 1 `lan`), a
// default route by a known gateway, known hosts on the LAN, and packets built and read back by
// hand. Ends the test by itself when the set-up fails.
#pragma once

#include "dataplane/dataplane_internal.h"

enum { FIXTURE_WAN = 0, FIXTURE_LAN = 1, FIXTURE_LAN2 = 2 };

struct fixture {
	struct dataplane *dp;
	struct worker *w; // the first one
};

// A frame to be built: addresses in host order, as 0xc6120007 for 198.18.0.7.
struct frame {
	uint8_t iface;
	uint32_t src, dst;
	const char *src6, *dst6; // IPv6 instead
	uint16_t sport, dport;	 // ICMP echo: identifier in sport
	uint8_t protocol;
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint8_t icmp_type, icmp_code;
	uint8_t ttl; // 0: 64
	uint16_t payload_bytes;
	struct rte_mbuf *quotes; // its packet is the payload, from its IP header on
	uint16_t fragment;	 // the header's word, host order
	bool no_udp_checksum;
};

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

// The world's addresses, and a datagram from its first host to the internet.
#define FIXTURE_PC	 IP(198, 18, 0, 7)
#define FIXTURE_PC2	 IP(198, 18, 0, 8)
#define FIXTURE_FAR_LAN	 IP(198, 18, 1, 9)
#define FIXTURE_SERVER	 IP(198, 51, 100, 10)
#define FIXTURE_GATEWAY	 IP(203, 0, 113, 1)
#define FIXTURE_OWN_LAN	 IP(198, 18, 0, 1)
#define FIXTURE_OWN_WAN	 IP(203, 0, 113, 2)
#define FIXTURE_GATEWAY6 "2001:db8:f::1"
#define FIXTURE_OWN_WAN6 "2001:db8:f::2"
#define FIXTURE_PC6	 "2001:db8:1::7"
#define FIXTURE_FAR_LAN6 "2001:db8:2::9"
#define FIXTURE_SERVER6	 "2001:db8:9::10"
extern const struct frame fixture_udp_out;

void fixture_open(struct fixture *f, unsigned n_workers, bool masquerade);
void fixture_close(struct fixture *f);
// IPv4 that leaves by the interface takes its address; a policy of such and no firewall.
struct dp_nat fixture_masquerade(int interface);
struct dp_policy fixture_policy(const struct dp_nat *nats, unsigned n);
// Puts such a policy in force.
void fixture_translate(struct fixture *f, const struct dp_nat *nats, unsigned n);
// For cmocka: one worker, with and without NAT; two with. The closing one fails a test that has
// kept a buffer.
int fixture_setup_nat(void **state);
int fixture_setup_nat_of_two(void **state);
int fixture_setup_plain(void **state);
int fixture_teardown(void **state);
// Once for the process, in main().
void fixture_start_drivers(void);

struct rte_mbuf *frame_build(const struct fixture *f, const struct frame *frame);
// Through pipeline_rx (or pipeline_host) as a burst (of one), with the newest snapshot.
void fixture_rx_burst(struct fixture *f, struct rte_mbuf **list, unsigned n, uint8_t iface);
void fixture_rx(struct fixture *f, struct rte_mbuf *m, uint8_t iface);
void fixture_host(struct fixture *f, struct rte_mbuf *m, uint8_t iface);
// What left by the interface, oldest first; NULL when nothing did. The caller frees it.
struct rte_mbuf *fixture_sent(struct fixture *f, uint8_t iface);
// Sends a frame and gives what left by that interface.
struct rte_mbuf *fixture_send(struct fixture *f, const struct frame *frame, uint8_t out);
bool fixture_passes(struct fixture *f, const struct frame *frame, uint8_t out);
// A frame from the LAN to outside, and its answer back. False: the frame did not pass.
bool fixture_exchange(struct fixture *f, const struct frame *frame, struct frame *answer);
// Datagrams that nobody answers, each to another address, until the flow table is full.
void fixture_fill(struct fixture *f);
// Does it go up to the host stack? Does what the host stack sends leave by its interface?
bool fixture_reaches_host(struct fixture *f, const struct frame *frame);
bool fixture_host_passes(struct fixture *f, const struct frame *frame);
// The interface leads outside from now on, without addresses.
void fixture_make_uplink(struct fixture *f, uint8_t iface);
// What went up to the host stack.
struct rte_mbuf *fixture_punted(struct fixture *f);
uint64_t fixture_counter(const struct fixture *f, enum counter counter);

// The far end's answer to what was sent as `sent` and left as `m`, coming in by `iface`; a SYN is
// acknowledged by another one.
enum { FIXTURE_SERVER_SEQ = 9000 };
struct frame frame_answer(struct rte_mbuf *m, const struct frame *sent, uint8_t iface);
// What the sender of a SYN says to that: the connection is established.
struct frame frame_answer_again(const struct frame *sent);
// Port unreachable about `m`, which arrived and is quoted with its header and eight bytes: for who
// sent that, by `src`, coming in by `iface`. `m` has to live until the frame is built.
struct frame frame_refusal(struct rte_mbuf *m, uint32_t src, uint8_t iface);

// A handshake from the LAN to outside by `frame`, which becomes what ends it; `answer` becomes what
// the far end says next.
void fixture_connect(struct fixture *f, struct frame *frame, struct frame *answer);

// Are the IP header and what it carries sound to the last checksum?
bool frame_is_sound(struct rte_mbuf *m);
uint32_t frame_src(struct rte_mbuf *m);
uint32_t frame_dst(struct rte_mbuf *m);
uint16_t frame_sport(struct rte_mbuf *m);
uint16_t frame_dport(struct rte_mbuf *m);
uint16_t frame_icmp_id(struct rte_mbuf *m);
