// SPDX-License-Identifier: BSD-3-Clause
// TCP connections as seen from between their ends (RFC 9293, 5961, 7323, 5382): which segments an
// end may have sent, and what state the connection is in. Sequence numbers in host order. Worker
// threads. An established segment is followed in its direction's cache line alone; whatever is odd
// about one is judged by tcp_track_slow.
#pragma once

#include "dataplane/flow_table.h"
#include "dataplane/packet.h"

enum {
	TCP_REACH_MIN = 16, // 64 KiB: what an end may send before we know of any window
	TCP_REACH_ALL = 31, // no check
	TCP_STEP = 16,	    // log2: how far ahead a segment may end without a second look
};

static_assert(((int)TCP_REACH_MIN & (int)TCP_REACH_ALL & RTE_TCP_ACK_FLAG) != 0,
	"every reach of TCP has the bit of its ACK");

// Are two sequence numbers less than 2^reach apart? (From -2^reach to 2^reach - 1.)
static inline bool tcp_track_is_near(uint32_t a, uint32_t b, unsigned reach)
{
	uint32_t apart = a - b, is_behind = 0 - (apart >> 31); // a mask

	return (apart ^ is_behind) >> reach == 0;
}

// Takes note of a segment of which nothing has to be asked: no flag that moves the state, an end in
// reach behind those before it or a step ahead, a window of no bit that is new. False:
// tcp_track_slow decides, nothing is noted. No branch tells other protocols apart: they stand at 0
// and stay there, and lack no bit; nor ACK, which a segment must have wherever tcp_reach has it.
static inline bool tcp_track_follow(const struct packet *p, struct flow_dir *dir)
{
	uint32_t ahead = p->tcp_end - dir->tcp_end;
	uint32_t is_behind = 0 - (ahead >> 31); // a mask
	unsigned reach = ((dir->tcp_reach ^ TCP_STEP) & is_behind) ^ TCP_STEP;

	if (unlikely(((p->tcp_flags ^ (dir->tcp_reach & RTE_TCP_ACK_FLAG)) &
			     (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG |
				     RTE_TCP_ACK_FLAG)) |
		     (dir->flags & (FLOW_WATCH | FLOW_HAS_HELPER)) | (ahead ^ is_behind) >> reach |
		     (p->tcp_window & dir->tcp_unseen)))
		return false;
	dir->tcp_end += ahead & ~is_behind;
	return true;
}

// A SYN for the ports of a connection that is over, or of one that was never seen to begin: it is a
// new one. The flow has to be ended, and the packet to begin another.
static inline bool tcp_track_reopens(const struct packet *p, const struct flow_state *state)
{
	uint8_t opening = p->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG);

	return opening == RTE_TCP_SYN_FLAG &&
	       (state->state == FLOW_TCP_TIME_WAIT || state->state == FLOW_TCP_CLOSED ||
		       (state->state == FLOW_UNREPLIED && (state->flags & FLOW_WAS_PICKED_UP)));
}

// The SYN that begins a connection, and nothing but that.
static inline bool tcp_track_begins(const struct packet *p)
{
	const uint8_t moving =
		RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return (p->tcp_flags & moving) == RTE_TCP_SYN_FLAG;
}

// Of such a one, which begins the flow: notes what tcp_track_slow would.
void tcp_track_begin(const struct packet *p, struct flow *flow);

// A segment that tcp_track_follow left alone. Gives COUNTER_COUNT when it may pass, else the reason
// why not. `phase`: the flow's phase from now on, to be set by the caller. `picks_up`: connections
// are taken that began before they were seen, or of which one direction goes another way.
enum counter tcp_track_slow(
	const struct packet *p, struct flow_dir *dir, bool picks_up, enum flow_phase *phase);

// RFC 5927 4.1: may a segment that began at `seq` have been sent in this direction lately?
bool tcp_track_quote_is_fine(const struct flow_dir *dir, uint32_t seq);
