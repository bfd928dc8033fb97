// SPDX-License-Identifier: BSD-3-Clause
// Two ends of TCP connections talk past the tracker, over wires that lose, repeat and reorder, with
// windows and scales of all sizes: nothing that they send may be refused. Then somebody who is not
// on the way guesses at a connection: hardly anything of his may pass, and none of it do harm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"
#include "tests/unit/tcp_world.h"

static bool chance(uint32_t percent)
{
	return random_below(100) < percent;
}

// --- an end: positions are bytes of its stream, the SYN is byte 0 ---

enum { PIECES = 64 };

struct end {
	uint8_t me;
	uint32_t isn;
	uint8_t scale; // one more than what it offers; 0: none
	bool is_scaling;
	uint32_t window_max;
	uint32_t segment_max;	  // large ones: offloads
	uint64_t una, next, sent; // acknowledged, to be sent next, sent at most
	uint64_t last;		  // the FIN's position
	uint64_t edge;		  // of the other side's window
	uint64_t received;	  // up to here without a gap
	uint64_t own_edge;	  // what it announced: never taken back
	bool is_heard;		  // the other side's SYN has come
	struct {
		uint64_t from, to;
	} pieces[PIECES]; // of what came after a gap
};

static void end_init(struct end *end, uint8_t me)
{
	static const uint32_t windows[] = {500, 4000, 65535, 300000, 6000000, 1u << 30};
	static const uint32_t segments[] = {1, 536, 1448, 8948, 65000};

	memset(end, 0, sizeof(*end));
	end->me = me;
	end->isn = chance(50) ? random32() : (uint32_t)-random_below(100000);
	end->scale = chance(70) ? (uint8_t)(1 + random_below(15)) : 0;
	end->window_max = windows[random_below(6)];
	end->segment_max = segments[random_below(5)];
	end->last = 1 + (uint64_t)random_below(3) *
				random_below(end->segment_max * (chance(80) ? 5 : 300));
	end->edge = 1;
}

static bool end_is_done(const struct end *end, const struct end *other)
{
	return end->una == end->last + 1 && end->received == other->last + 1;
}

static uint16_t end_window(struct end *end, bool is_syn)
{
	unsigned scale = end->is_scaling && !is_syn ? end->scale - 1u : 0;
	uint64_t edge = end->received + random_below(end->window_max + 1);
	uint64_t field;

	if (edge < end->own_edge)
		edge = end->own_edge;
	if (edge < end->received)
		edge = end->received;
	field = (edge - end->received) >> scale;
	field = field < 65535 ? field : 65535;
	if (end->received + (field << scale) > end->own_edge)
		end->own_edge = end->received + (field << scale);
	return (uint16_t)field;
}

// The bytes from `at` on as a segment, no more than `bytes`.
static struct segment end_segment(
	struct end *end, const struct end *other, uint64_t at, uint64_t bytes)
{
	struct segment s = {.from = end->me, .seq = end->isn + (uint32_t)at};
	uint64_t to = at + bytes;

	if (to > end->last + 1)
		to = end->last + 1;
	if (at == 0) {
		s.flags = SYN;
		s.scale = end->scale != 0 && (!end->is_heard || end->is_scaling) ? end->scale : 0;
		to = 1;
	} else if (to > at && to == end->last + 1) {
		s.flags = FIN;
		s.bytes = (uint32_t)(to - at - 1);
	} else {
		s.bytes = (uint32_t)(to - at);
	}
	if (end->is_heard) {
		s.flags |= ACK;
		s.ack = other->isn + (uint32_t)end->received;
	}
	s.window = end_window(end, at == 0);
	if (to > end->sent)
		end->sent = to;
	return s;
}

// What it sends when it may. False: nothing.
static bool end_send(struct end *end, const struct end *other, struct segment *s)
{
	uint64_t at = end->next, room;

	if (end->una == 0) { // the SYN, again and again
		if (end->me == 1 && !end->is_heard)
			return false;
		*s = end_segment(end, other, 0, 1);
		end->next = 1;
		return true;
	}
	if (chance(3) && end->next > end->una)
		end->next = end->una;		 // timed out: all of it again
	if (chance(5) && end->sent > end->una) { // or one hole, as SACK does
		at = end->una +
		     (((uint64_t)random32() << 32 | random32()) % (end->sent - end->una));
		if (at == 0)
			at = 1;
		*s = end_segment(
			end, other, at, RTE_MIN(end->sent - at, (uint64_t)end->segment_max));
		return true;
	}
	if (chance(2) && end->una > 1) { // keep-alive
		*s = end_segment(end, other, end->una - 1, chance(50) ? 1 : 0);
		return true;
	}
	room = end->edge > at ? end->edge - at : 0;
	if (room == 0 && at <= end->last && at == end->una)
		room = chance(20) ? 1 : 0; // a probe of a closed window
	room = RTE_MIN(room, (uint64_t)end->segment_max);
	*s = end_segment(
		end, other, at, room > 0 ? 1 + (room > 1 ? random_below((uint32_t)room) : 0) : 0);
	end->next = at + s->bytes + ((s->flags & FIN) != 0);
	return true;
}

static void end_take(struct end *end, uint64_t from, uint64_t to)
{
	bool again = true;

	if (from > end->received) {
		for (unsigned i = 0; i < PIECES; i++)
			if (end->pieces[i].to <= end->received) {
				end->pieces[i].from = from;
				end->pieces[i].to = to;
				return;
			}
		return; // no room: as if lost
	}
	if (to > end->received)
		end->received = to;
	while (again) {
		again = false;
		for (unsigned i = 0; i < PIECES; i++)
			if (end->pieces[i].from <= end->received &&
				end->pieces[i].to > end->received) {
				end->received = end->pieces[i].to;
				again = true;
			}
	}
}

static void end_receive(struct end *end, const struct end *other, const struct segment *s)
{
	// as a position of a stream of more than 4 GB: the one that is nearest
	uint64_t from = end->received +
			(uint64_t)(int64_t)(int32_t)(s->seq - other->isn - (uint32_t)end->received);
	uint64_t to = from + s->bytes + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0);

	if (s->flags & SYN) {
		if (!end->is_heard)
			end->is_scaling = end->scale != 0 && s->scale != 0;
		end->is_heard = true;
	} else if (!end->is_heard) {
		return;
	}
	if (to > from && to <= RTE_MAX(end->own_edge, UINT64_C(1)))
		end_take(end, from, to);
	if (s->flags & ACK) {
		unsigned scale = end->is_scaling && !(s->flags & SYN) ? other->scale - 1u : 0;
		uint64_t una = end->una + (uint32_t)(s->ack - end->isn - (uint32_t)end->una);

		if (una > end->sent) // an old one
			return;
		end->una = una;
		if (end->next < una)
			end->next = una;
		if (una + ((uint64_t)s->window << scale) > end->edge)
			end->edge = una + ((uint64_t)s->window << scale);
	}
}

// --- wires: a few segments under way, that may overtake each other ---

enum { WIRE = 12 };

struct wire {
	struct segment s[WIRE];
	unsigned n;
};

static void wire_put(struct wire *wire, const struct segment *s, uint32_t loss)
{
	for (unsigned copies = chance(2) ? 2 : 1; copies > 0; copies--)
		if (wire->n < WIRE && !chance(loss))
			wire->s[wire->n++] = *s;
}

static bool wire_take(struct wire *wire, struct segment *s)
{
	unsigned i;

	if (wire->n == 0)
		return false;
	i = chance(80) ? 0 : random_below(wire->n);
	*s = wire->s[i];
	memmove(&wire->s[i], &wire->s[i + 1], sizeof(wire->s[0]) * (--wire->n - i));
	return true;
}

struct talk {
	struct tcp_world world;
	struct end ends[2];
	struct wire to_router[2], from_router[2]; // by who sent
	uint64_t n_segments;
};

static void talk_route(struct talk *talk, unsigned from, uint32_t loss)
{
	struct segment s;

	if (!wire_take(&talk->to_router[from], &s))
		return;
	talk->n_segments++;
	if (tcp_world_send(&talk->world, &s) != COUNTER_COUNT)
		fail_msg(
			"segment %llu refused: from %u flags %u seq +%u ack +%u bytes %u, phase %u",
			(unsigned long long)talk->n_segments, from, s.flags,
			s.seq - talk->ends[from].isn, s.ack - talk->ends[1 - from].isn, s.bytes,
			tcp_world_phase(&talk->world));
	wire_put(&talk->from_router[from], &s, loss);
}

static void talk_turn(struct talk *talk, uint32_t loss)
{
	unsigned from = random_below(2);
	struct segment s;

	switch (random_below(3)) {
	case 0:
		if (end_send(&talk->ends[from], &talk->ends[1 - from], &s))
			wire_put(&talk->to_router[from], &s, loss);
		break;
	case 1:
		talk_route(talk, from, loss);
		break;
	default:
		if (wire_take(&talk->from_router[from], &s))
			end_receive(&talk->ends[1 - from], &talk->ends[from], &s);
		break;
	}
}

static bool talk_is_done(const struct talk *talk)
{
	return end_is_done(&talk->ends[0], &talk->ends[1]) &&
	       end_is_done(&talk->ends[1], &talk->ends[0]);
}

// A million segments; no connection is left before it is over, and each ends where it should.
static void nothing_that_an_end_sends_is_refused(void **state)
{
	static struct talk talk;
	unsigned n_closed = 0;

	(void)state;
	tcp_world_init(&talk.world, false);
	while (talk.n_segments < 1000000) {
		uint32_t loss = random_below(4) * 5;
		uint64_t turns = 0;

		end_init(&talk.ends[0], 0);
		end_init(&talk.ends[1], 1);
		memset(talk.to_router, 0, sizeof(talk.to_router));
		memset(talk.from_router, 0, sizeof(talk.from_router));
		tcp_world_renew(&talk.world);
		while (!talk_is_done(&talk) && ++turns < 60000)
			talk_turn(&talk, turns < 50000 ? loss : 0);
		if (talk_is_done(&talk)) {
			n_closed++;
			assert_int_equal(tcp_world_phase(&talk.world), FLOW_TCP_TIME_WAIT);
		}
	}
	assert_true(n_closed > 100);
}

// --- somebody who guesses ---

static void opened(struct tcp_world *world, uint8_t scale, uint16_t window)
{
	const struct segment handshake[] = {
		{0, SYN, 0x1000, 0, 0, 60000, (uint8_t)(scale + 1)},
		{1, SYN | ACK, 0x2000, 0x1001, 0, 60000, (uint8_t)(scale + 1)},
		{0, ACK, 0x1001, 0x2001, 0, window, 0},
		{1, ACK, 0x2001, 0x1001, 0, window, 0},
	};

	tcp_world_init(world, false);
	for (unsigned i = 0; i < RTE_DIM(handshake); i++)
		assert_int_equal(tcp_world_send(world, &handshake[i]), COUNTER_COUNT);
}

enum { GUESSES = 1000000 };

// Of all guesses at one number, or at two.
static double share_of(uint8_t flags, unsigned reach)
{
	const double all = 4294967296.0, window = (double)(UINT64_C(1) << reach);
	// a window ahead, eight behind; of what it acknowledges eight to either side
	double known = window * 9 / all * (16 * window / all);

	if (flags & RST)
		return 2 * window / all;
	return flags & FIN ? known : (window + 65536) / all + known;
}

// The share that passes is that of the numbers in reach; what it does to the connection does not
// keep its ends from talking on, nor ends it.
static void guesses_pass_no_more_often_than_chance_allows(void **state)
{
	static const struct {
		uint8_t flags, scale;
		uint16_t window;
		unsigned reach; // log2 of the window, rounded up
	} rows[] = {
		{ACK, 7, 500, 16},
		{ACK, 7, 65535, 23},
		{ACK, 9, 65535, 25},
		{RST, 7, 500, 16},
		{RST, 9, 65535, 25},
		{FIN | ACK, 9, 65535, 25},
	};
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		double expected = GUESSES * share_of(rows[i].flags, rows[i].reach);
		uint32_t seq = 0x2001, n_passed = 0;

		opened(&world, rows[i].scale, rows[i].window);
		for (unsigned n = 0; n < GUESSES; n++) {
			struct segment guess = {1, rows[i].flags, random32(), random32(),
				random_below(1400), rows[i].window, 0};
			struct segment data = {1, ACK, seq, 0x1001, 1000, rows[i].window, 0};
			struct segment again = data;
			struct segment ack = {0, ACK, 0x1001, seq + 1000, 0, rows[i].window, 0};

			n_passed += tcp_world_send(&world, &guess) == COUNTER_COUNT;
			if (n % 1000 != 0)
				continue;
			again.seq -= 1000; // lost behind the router
			assert_int_equal(tcp_world_send(&world, &again), COUNTER_COUNT);
			assert_int_equal(tcp_world_send(&world, &data), COUNTER_COUNT);
			assert_int_equal(tcp_world_send(&world, &ack), COUNTER_COUNT);
			assert_int_not_equal(tcp_world_phase(&world), FLOW_TCP_CLOSED);
			if (!(rows[i].flags & FIN))
				assert_int_equal(tcp_world_phase(&world), FLOW_TCP_ESTABLISHED);
			seq += 1000;
		}
		if (n_passed > expected * 1.3 + 10 || n_passed < expected * 0.7 - 10)
			fail_msg("row %u: %u of %u, expected %.0f", i, n_passed, GUESSES, expected);
	}
}

// Spoofed SYNs to a server that answers them: what they open is a matter of guessing its number.
static void a_flood_of_spoofed_handshakes_opens_nothing(void **state)
{
	static struct tcp_world world;

	(void)state;
	for (unsigned n = 0; n < 300000; n++) {
		const struct segment segments[] = {
			{0, SYN, 77, 0, n % 2 * 100, 60000, 8},
			{1, SYN | ACK, random32(), 78, 0, 60000, 8},
			{0, ACK, 78, random32(), 0, 60000, 0},
		};

		tcp_world_init(&world, n % 4 >= 2);
		for (unsigned i = 0; i < RTE_DIM(segments); i++)
			tcp_world_send(&world, &segments[i]);
		assert_int_equal(tcp_world_phase(&world), FLOW_TCP_SYN_RECEIVED);
		assert_true(flow_phase_is_spare(tcp_world_phase(&world)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_an_end_sends_is_refused),
		cmocka_unit_test(guesses_pass_no_more_often_than_chance_allows),
		cmocka_unit_test(a_flood_of_spoofed_handshakes_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
