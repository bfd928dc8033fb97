// SPDX-License-Identifier: BSD-3-Clause
// A TCP connection that is tracked, without anything around it: segments go in, verdicts and the
// phase come out. Frames are as long as their headers; their data is only counted.
#pragma once

#include <string.h>

#include "dataplane/parse.h"
#include "dataplane/tcp_track.h"
#include "tests/unit/tcp_flags.h"

// Where the numbers of the two ends begin, of which 0 opens, and the verdicts' short names.
enum {
	ISN_0 = 0x10000,
	ISN_1 = 0x50000000,
	OK = COUNTER_COUNT,
	NO_WINDOW = COUNTER_DROP_TCP_WINDOW,
	NO_STATE = COUNTER_DROP_TCP_STATE,
	NO_RESET = COUNTER_DROP_TCP_RESET,
};

struct segment {
	uint8_t from; // direction: 0 opened the flow
	uint8_t flags;
	uint32_t seq, ack, bytes;
	uint16_t window;
	uint8_t scale; // one more than what the option says; 0: no option
};

struct tcp_world {
	struct flow flow;
	struct rte_mbuf m;
	uint8_t frame[128];
	bool picks_up;
	unsigned n_slow, n_renewed;
};

static inline void tcp_world_renew(struct tcp_world *world)
{
	memset(&world->flow, 0, sizeof(world->flow));
	world->flow.dir[0].flags = FLOW_WATCH;
	world->flow.dir[1].flags = FLOW_IS_REPLY | FLOW_WATCH;
	world->flow.state.protocol = IPPROTO_TCP;
	world->flow.state.state = FLOW_UNREPLIED;
}

static inline void tcp_world_init(struct tcp_world *world, bool picks_up)
{
	memset(world, 0, sizeof(*world));
	world->picks_up = picks_up;
	tcp_world_renew(world);
}

static inline struct packet tcp_world_packet(struct tcp_world *world, const struct segment *s)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(world->frame + L3_OFFSET);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
	uint8_t *options = (uint8_t *)(tcp + 1);
	uint32_t header_bytes = sizeof(*tcp) + (s->scale != 0 ? 8 : 0);
	struct packet p = {
		.m = &world->m,
		.kind = PACKET_IP4,
		.protocol = IPPROTO_TCP,
		.ip_len = (uint16_t)(sizeof(*ip) + header_bytes + s->bytes),
		.l4_offset = L3_OFFSET + sizeof(*ip),
	};

	memset(world->frame, 0, sizeof(world->frame));
	world->m.buf_addr = world->frame;
	*tcp = (struct rte_tcp_hdr){
		.sent_seq = rte_cpu_to_be_32(s->seq),
		.recv_ack = rte_cpu_to_be_32(s->ack),
		.rx_win = rte_cpu_to_be_16(s->window),
		.tcp_flags = s->flags,
		.data_off = (uint8_t)(header_bytes / 4 << 4),
	};
	if (s->scale != 0) // behind a maximum segment size and a NOP, as everybody sends it
		memcpy(options, (uint8_t[]){2, 4, 5, 0xb4, 1, 3, 3, (uint8_t)(s->scale - 1)}, 8);
	if (!packet_key4(&p))
		p.kind = PACKET_DROP;
	return p;
}

// As pipeline.c and conntrack.c do it.
static inline enum counter tcp_world_send(struct tcp_world *world, const struct segment *s)
{
	struct packet p = tcp_world_packet(world, s);
	struct flow_dir *dir = &world->flow.dir[s->from];
	enum flow_phase phase;
	enum counter refused;

	if (p.kind == PACKET_DROP)
		return COUNTER_DROP_TCP_HEADER;
	if (tcp_track_follow(&p, dir))
		return COUNTER_COUNT;
	world->n_slow++;
	if (tcp_track_reopens(&p, &world->flow.state)) {
		tcp_world_renew(world);
		world->n_renewed++;
		dir = &world->flow.dir[0];
	}
	refused = tcp_track_slow(&p, dir, world->picks_up, &phase);
	world->flow.state.state = (uint8_t)phase;
	return refused;
}

static inline enum flow_phase tcp_world_phase(const struct tcp_world *world)
{
	return (enum flow_phase)world->flow.state.state;
}
