// SPDX-License-Identifier: BSD-3-Clause
// Each direction knows `tcp_end`, the highest sequence number that its side sent, and `tcp_reach`:
// no segment of it ends further away than the largest window that the other side ever announced.
// What is sent again lies behind tcp_end, what follows lost segments before it, and both by less
// than a window.
//
// A blind sender may guess a number in reach, and what goes ahead moves tcp_end. So a segment that
// is more than a step ahead must acknowledge what the other side sent lately, as the receiver would
// ask of it (RFC 5961 5.2), and what acknowledges that may lie some windows further behind, where
// the true sender is when somebody else has moved tcp_end. If it acknowledges all of it, to the
// last byte, it is hardly a guess: tcp_end is set by it, and may be by the next, should it have
// been an old copy.
//
// Dropped is only what neither end could want: far outside the window, resets that their receiver
// had to ignore (RFC 5961 3.2), a SYN+ACK for a SYN that nobody sent. All that an end answers with
// a challenge passes, and changes nothing here until the answer has.
#include "dataplane/tcp_track.h"

// What is known of each side: bits of direction 0, those of direction 1 one higher.
enum tcp_seen {
	SEEN_NUMBERS = 1 << 0, // tcp_end is valid
	SEEN_ACKED = 1 << 2,   // its SYN or, after that, its FIN has been acknowledged
	SEEN_FIN = 1 << 4,
	SEEN_EARLY = 1 << 6, // data before its SYN was acknowledged (RFC 7413)
};

enum event {
	EVENT_SYN_CROSSED, // SYN without ACK from the side that was sent one
	EVENT_ACKS_SYN,	   // acknowledges the other side's SYN, by a SYN+ACK or alone
	EVENT_OPEN,	   // both SYNs acknowledged; picked up: both sides heard
	EVENT_FIN,	   // a side has sent FIN
	EVENT_FINS,	   // both sides have
	EVENT_FINS_ACKED,  // every FIN so far has been acknowledged
	EVENT_RESET,	   // its receiver must obey it
	EVENT_DOUBTED,	   // a reset in the window: its receiver will challenge it
	EVENT_ALIVE,	   // the side that seemed to reset goes on
	EVENTS,
};

// RFC 9293 3.3.2, the two ends' states seen as one from between them. What is not here changes
// nothing. A SYN for a closed connection begins another flow: tcp_track_reopens.
static const uint8_t next_phases[FLOW_PHASES][EVENTS] = {
	[FLOW_UNREPLIED] = // SYN-SENT, or picked up and not yet answered
	{
		[EVENT_SYN_CROSSED] = FLOW_TCP_SYN_SENT2,
		[EVENT_ACKS_SYN] = FLOW_TCP_SYN_RECEIVED,
		[EVENT_OPEN] = FLOW_TCP_ESTABLISHED,
		[EVENT_RESET] = FLOW_TCP_CLOSED,
	},
	[FLOW_TCP_SYN_SENT2] = // RFC 5382 REQ-2
	{
		[EVENT_ACKS_SYN] = FLOW_TCP_SYN_RECEIVED,
		[EVENT_OPEN] = FLOW_TCP_ESTABLISHED,
		[EVENT_RESET] = FLOW_TCP_CLOSED,
	},
	[FLOW_TCP_SYN_RECEIVED] =
		{
			[EVENT_OPEN] = FLOW_TCP_ESTABLISHED,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
		},
	[FLOW_TCP_ESTABLISHED] =
		{
			[EVENT_FIN] = FLOW_TCP_FIN_WAIT,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
			[EVENT_DOUBTED] = FLOW_TCP_CHALLENGED,
		},
	[FLOW_TCP_CHALLENGED] =
		{
			[EVENT_ALIVE] = FLOW_TCP_ESTABLISHED,
			[EVENT_FIN] = FLOW_TCP_FIN_WAIT,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
		},
	[FLOW_TCP_FIN_WAIT] =
		{
			[EVENT_FINS] = FLOW_TCP_LAST_ACK,
			[EVENT_FINS_ACKED] = FLOW_TCP_CLOSE_WAIT,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
		},
	[FLOW_TCP_CLOSE_WAIT] =
		{
			[EVENT_FINS] = FLOW_TCP_LAST_ACK,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
		},
	[FLOW_TCP_LAST_ACK] =
		{
			[EVENT_FINS_ACKED] = FLOW_TCP_TIME_WAIT,
			[EVENT_RESET] = FLOW_TCP_CLOSED,
		},
};

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_SCALE = 3, // RFC 7323 2.2
	SCALE_MAX = 14,	  // RFC 7323 2.3: larger ones mean this
};

enum {
	LOST_REACH = 3, // log2: how much further away the true sender may be, see above
};

// A segment on its way through a connection.
struct passage {
	uint32_t seq, end, ack; // `end` counts SYN and FIN
	uint16_t syn_window;
	uint8_t window; // its higher byte
	uint8_t flags;
	uint8_t scale; // of a SYN: one more than it asks for; 0: none
	unsigned d;    // direction
	bool picks_up;
	bool is_doubted; // a reset, see EVENT_DOUBTED
	enum flow_phase phase;
	struct flow *flow;
	struct flow_dir *self, *peer; // of who sent it, of who is to get it
};

// The least n with value < 2^n.
static unsigned log2_above(uint32_t value)
{
	return value != 0 ? 32 - (unsigned)__builtin_clz(value) : 0;
}

// How far from tcp_end a segment of direction `d` may end, by all that the other side has announced
// until now. RFC 7323 2.2: windows are scaled if both SYNs said so.
static unsigned reach_of(const struct flow *flow, unsigned d)
{
	unsigned scales = flow->state.tcp_scales, scale = scales >> 4 * (1 - d) & 15;
	unsigned window = log2_above((uint32_t)(uint8_t)~flow->dir[1 - d].tcp_unseen << 8 | 0xff);

	if ((scales & 0x0f) != 0 && (scales & 0xf0) != 0)
		window += scale - 1;
	return RTE_MAX(window, (unsigned)flow->dir[d].tcp_reach);
}

// --- reading ---

static uint8_t read_scale(const uint8_t *options, uint32_t bytes)
{
	uint32_t at = 0;

	while (at < bytes && options[at] != OPTION_END) {
		uint32_t option_bytes = 1;

		if (options[at] != OPTION_NOP) {
			if (bytes - at < 2 || options[at + 1] < 2 || options[at + 1] > bytes - at)
				return 0;
			option_bytes = options[at + 1];
			if (options[at] == OPTION_SCALE && option_bytes == 3)
				return (uint8_t)(RTE_MIN(options[at + 2], SCALE_MAX) + 1);
		}
		at += option_bytes;
	}
	return 0;
}

static uint8_t scale_of(const struct rte_tcp_hdr *tcp)
{
	return read_scale((const uint8_t *)(tcp + 1),
		(uint32_t)(tcp->data_off >> 4) * 4 - (uint32_t)sizeof(*tcp));
}

static struct passage passage_of(const struct packet *p, struct flow_dir *dir)
{
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	struct passage s = {
		.seq = rte_be_to_cpu_32(tcp->sent_seq),
		.ack = rte_be_to_cpu_32(tcp->recv_ack),
		.syn_window = rte_be_to_cpu_16(tcp->rx_win),
		.window = p->tcp_window,
		.end = p->tcp_end,
		.flags = p->tcp_flags,
		.flow = flow_of(dir),
		.self = dir,
		.d = dir->flags & FLOW_IS_REPLY ? 1 : 0,
	};

	s.peer = &s.flow->dir[1 - s.d];
	s.self->tcp_reach = (uint8_t)reach_of(s.flow, s.d);
	s.peer->tcp_reach = (uint8_t)reach_of(s.flow, 1 - s.d);
	s.phase = (enum flow_phase)s.flow->state.state;
	if (s.flags & RTE_TCP_RST_FLAG) { // what it may carry is for people (RFC 9293 3.5.3)
		s.end = s.seq;
		return s;
	}
	if (s.flags & RTE_TCP_SYN_FLAG)
		s.scale = scale_of(tcp);
	s.end += !!(s.flags & RTE_TCP_SYN_FLAG) + !!(s.flags & RTE_TCP_FIN_FLAG);
	return s;
}

// --- what is known ---

static bool has(const struct passage *s, unsigned d, enum tcp_seen what)
{
	return s->flow->state.tcp_seen & (unsigned)what << d;
}

static void note(struct passage *s, unsigned d, enum tcp_seen what)
{
	s->flow->state.tcp_seen |= (uint8_t)((unsigned)what << d);
}

static bool is_picked_up(const struct passage *s)
{
	return s->flow->state.flags & FLOW_WAS_PICKED_UP;
}

static bool is_opening(enum flow_phase phase)
{
	return phase == FLOW_UNREPLIED || phase == FLOW_TCP_SYN_SENT2 ||
	       phase == FLOW_TCP_SYN_RECEIVED;
}

// Does it acknowledge the other side's SYN? All that was sent, to the last byte, but for early
// data, which may be refused: what lets a flow live for hours must not be guessed.
static bool acks_syn(const struct passage *s)
{
	uint32_t early = has(s, 1 - s->d, SEEN_EARLY) ? UINT16_MAX : 0;

	return (s->flags & RTE_TCP_ACK_FLAG) && has(s, 1 - s->d, SEEN_NUMBERS) &&
	       s->peer->tcp_end - s->ack <= early;
}

static void raise_to(uint8_t *log, unsigned to)
{
	if (*log < to)
		*log = (uint8_t)to;
}

static unsigned wide_reach(const struct flow_dir *dir)
{
	return RTE_MIN(dir->tcp_reach + LOST_REACH, TCP_REACH_ALL);
}

static void learn_syn(struct passage *s)
{
	uint8_t *scales = &s->flow->state.tcp_scales;
	unsigned shift = 4 * s->d;
	bool is_shorter_copy = has(s, s->d, SEEN_EARLY) && s->self->tcp_end - s->end <= UINT16_MAX;

	if (!is_shorter_copy) // it may ask again without the data it had brought
		s->self->tcp_end = s->end;
	if (s->end - s->seq > 1)
		note(s, s->d, SEEN_EARLY);
	if (!has(s, s->d, SEEN_NUMBERS))
		s->self->tcp_unseen = UINT8_MAX;
	note(s, s->d, SEEN_NUMBERS);
	if ((*scales >> shift & 15) < s->scale)
		*scales = (uint8_t)((*scales & ~(15u << shift)) | (unsigned)s->scale << shift);
	raise_to(&s->self->tcp_reach, TCP_REACH_MIN);
	raise_to(&s->peer->tcp_reach, RTE_MAX(log2_above(s->syn_window), (unsigned)TCP_REACH_MIN));
}

static void learn_segment(struct passage *s)
{
	if (!has(s, s->d, SEEN_NUMBERS) || (int32_t)(s->end - s->self->tcp_end) > 0)
		s->self->tcp_end = s->end;
	note(s, s->d, SEEN_NUMBERS);
	s->self->tcp_unseen &= (uint8_t)~s->window;
}

// --- what happens ---

static void happen(struct passage *s, enum event event)
{
	uint8_t next = next_phases[s->phase][event];

	if (next != FLOW_FREE)
		s->phase = (enum flow_phase)next;
}

// It acknowledges the other side's SYN.
static void happen_acks_syn(struct passage *s)
{
	note(s, 1 - s->d, SEEN_ACKED);
	happen(s, has(s, s->d, SEEN_ACKED) ? EVENT_OPEN : EVENT_ACKS_SYN);
}

// Both sides' FINs as they stand after it, and whether they have been acknowledged.
static void happen_fins(struct passage *s)
{
	bool mine = has(s, s->d, SEEN_FIN), other = has(s, 1 - s->d, SEEN_FIN);

	if (mine || other)
		happen(s, EVENT_FIN);
	if (mine && other)
		happen(s, EVENT_FINS);
	if ((!mine || has(s, s->d, SEEN_ACKED)) && (!other || has(s, 1 - s->d, SEEN_ACKED)))
		happen(s, EVENT_FINS_ACKED);
}

// A connection that is not seen from its beginning on.
static bool pick_up(struct passage *s)
{
	if (!s->picks_up)
		return false;
	s->flow->state.flags |= FLOW_WAS_PICKED_UP;
	s->self->tcp_reach = s->peer->tcp_reach = TCP_REACH_ALL;
	return true;
}

static enum counter pass_syn(struct passage *s)
{
	bool has_ack = s->flags & RTE_TCP_ACK_FLAG;

	if (!is_opening(s->phase)) // RFC 5961 4: it is answered by a challenge
		return !has_ack || tcp_track_is_near(s->ack, s->peer->tcp_end, wide_reach(s->peer))
			       ? COUNTER_COUNT
			       : COUNTER_DROP_TCP_STATE;
	// Of a SYN that went by unseen it may be the answer; else it is one to nothing.
	if (has_ack && !acks_syn(s) && (has(s, 1 - s->d, SEEN_NUMBERS) || !pick_up(s)))
		return COUNTER_DROP_TCP_STATE;
	if (!has(s, s->d, SEEN_ACKED)) // or this is a second one: its receiver will tell
		learn_syn(s);
	if (acks_syn(s))
		happen_acks_syn(s);
	else if (s->d == 1)
		happen(s, EVENT_SYN_CROSSED);
	return COUNTER_COUNT;
}

static enum counter pass_reset(struct passage *s)
{
	if (!has(s, s->d, SEEN_NUMBERS) && (s->d == 0 || is_picked_up(s))) {
		if (!pick_up(s))
			return COUNTER_DROP_TCP_STATE;
		learn_segment(s);
	}
	// RFC 5961 3.2: exactly the next one; RFC 9293 3.5.3: or it refuses a SYN
	if ((has(s, s->d, SEEN_NUMBERS) && s->seq == s->self->tcp_end) ||
		(is_opening(s->phase) && acks_syn(s))) {
		happen(s, EVENT_RESET);
		return COUNTER_COUNT;
	}
	// RFC 9293 3.5.1: a SYN met an old connection, whose answer is refused
	if (s->phase == FLOW_UNREPLIED && s->d == 0)
		return COUNTER_COUNT;
	if (!has(s, s->d, SEEN_NUMBERS) ||
		!tcp_track_is_near(s->seq, s->self->tcp_end, s->self->tcp_reach))
		return COUNTER_DROP_TCP_RESET;
	s->is_doubted = true;
	happen(s, EVENT_DOUBTED);
	return COUNTER_COUNT;
}

// Sets tcp_end right where it was lost.
static bool fits_windows(struct passage *s)
{
	uint32_t ahead = s->end - s->self->tcp_end;
	bool acks_all = s->ack == s->peer->tcp_end;

	if (s->self->tcp_reach == TCP_REACH_ALL)
		return true;
	if (!tcp_track_is_near(s->ack, s->peer->tcp_end, wide_reach(s->peer)))
		return false;
	if (ahead <= UINT32_C(1) << s->self->tcp_reach) // a probe of a full window is one more
		return true;
	if (((int32_t)ahead > 0 && !acks_all) ||
		!tcp_track_is_near(s->end, s->self->tcp_end, wide_reach(s->self)))
		return false;
	if (acks_all && !tcp_track_is_near(s->end, s->self->tcp_end, s->self->tcp_reach))
		s->self->tcp_end = s->end;
	return true;
}

static enum counter pass_segment(struct passage *s)
{
	bool begins = !has(s, 0, SEEN_NUMBERS);

	if (s->phase == FLOW_UNREPLIED) {
		// RFC 9293 3.5.1: an old connection answers the SYN, and will be refused
		if (s->d == 1 && !begins && !is_picked_up(s))
			return COUNTER_COUNT;
		if ((begins || !is_picked_up(s)) && !pick_up(s))
			return COUNTER_DROP_TCP_STATE;
		if (s->d == 1)
			happen(s, EVENT_OPEN);
	} else if (is_opening(s->phase)) {
		if (!acks_syn(s)) // the same
			return COUNTER_COUNT;
		if (!has(s, s->d, SEEN_ACKED) && s->end != s->self->tcp_end)
			note(s, s->d, SEEN_EARLY);
		// A server without memory (RFC 4987 3.6) may have sent a SYN+ACK for every SYN.
		if (!tcp_track_is_near(s->end, s->self->tcp_end, s->self->tcp_reach))
			s->self->tcp_end = s->end;
		happen_acks_syn(s);
	} else if (!(s->flags & RTE_TCP_ACK_FLAG)) { // RFC 9293 3.10.7.4: every one has it
		return COUNTER_DROP_TCP_STATE;
	} else if (!fits_windows(s)) {
		return COUNTER_DROP_TCP_WINDOW;
	} else if (s->self->flags & FLOW_WATCH) {
		happen(s, EVENT_ALIVE);
	}
	learn_segment(s);
	if (has(s, 1 - s->d, SEEN_FIN) && s->ack == s->peer->tcp_end)
		note(s, 1 - s->d, SEEN_ACKED);
	// A FIN in the middle of the handshake comes again, or is followed by the other side's.
	if ((s->flags & RTE_TCP_FIN_FLAG) && !has(s, s->d, SEEN_FIN) &&
		(!is_opening(s->phase) || is_picked_up(s))) {
		note(s, s->d, SEEN_FIN);
		s->flow->state.tcp_seen &= (uint8_t) ~((unsigned)SEEN_ACKED << s->d);
	}
	happen_fins(s);
	return COUNTER_COUNT;
}

// Must the next segment of a direction be looked at, plain as it may be?
static bool is_watched(const struct passage *s, unsigned d)
{
	bool is_over = s->phase == FLOW_TCP_TIME_WAIT || s->phase == FLOW_TCP_CLOSED;

	if (s->phase == FLOW_UNREPLIED && is_picked_up(s))
		return d == 1;
	if (s->phase == FLOW_TCP_CHALLENGED)
		return (s->flow->dir[d].flags & FLOW_WATCH) || (s->is_doubted && s->d == d);
	return is_opening(s->phase) ||
	       (!is_over && has(s, 1 - d, SEEN_FIN) && !has(s, 1 - d, SEEN_ACKED));
}

enum counter tcp_track_slow(
	const struct packet *p, struct flow_dir *dir, bool picks_up, enum flow_phase *phase)
{
	struct passage s = passage_of(p, dir);
	enum counter refused;

	s.picks_up = picks_up;
	if (s.flags & RTE_TCP_RST_FLAG)
		refused = pass_reset(&s);
	else if (s.flags & RTE_TCP_SYN_FLAG)
		refused = pass_syn(&s);
	else
		refused = pass_segment(&s);
	for (unsigned d = 0; d < 2; d++) {
		struct flow_dir *line = &s.flow->dir[d];

		line->flags = (uint16_t)((line->flags & ~FLOW_WATCH) |
					 (is_watched(&s, d) ? FLOW_WATCH : 0));
	}
	*phase = s.phase;
	return refused;
}

void tcp_track_begin(const struct packet *p, struct flow *flow)
{
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	bool has_data = p->tcp_end != rte_be_to_cpu_32(tcp->sent_seq);

	flow->dir[0].tcp_end = p->tcp_end + 1;
	flow->dir[0].tcp_unseen = UINT8_MAX;
	flow->dir[0].tcp_reach = flow->dir[1].tcp_reach = TCP_REACH_MIN;
	flow->state.tcp_seen = (uint8_t)(SEEN_NUMBERS | (has_data ? SEEN_EARLY : 0));
	flow->state.tcp_scales = scale_of(tcp);
}

bool tcp_track_quote_is_fine(const struct flow_dir *dir, uint32_t seq)
{
	const struct flow_state *state = &flow_of(dir)->state;
	unsigned d = dir->flags & FLOW_IS_REPLY ? 1 : 0;

	return (state->tcp_seen & (unsigned)SEEN_NUMBERS << d) &&
	       tcp_track_is_near(seq, dir->tcp_end, reach_of(flow_of(dir), d));
}
