// SPDX-License-Identifier: BSD-3-Clause
// TCP between its ends: every state with every flag, windows and resets row by row, and the same
// through the pipeline.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/tcp_world.h"

// Two ends: 0 opens. Sequence numbers of the tables count from each end's SYN.
enum {
	ISN_0 = 0x10000,
	ISN_1 = 0x50000000,
	OK = COUNTER_COUNT,
	NO_WINDOW = COUNTER_DROP_TCP_WINDOW,
	NO_STATE = COUNTER_DROP_TCP_STATE,
	NO_RESET = COUNTER_DROP_TCP_RESET,
};

// A segment, numbers relative, and what becomes of it.
struct step {
	uint8_t from, flags;
	uint32_t seq, ack, bytes;
	unsigned verdict;
	enum flow_phase phase; // after it
};

enum { STEPS = 10 };

struct script {
	const char *name;
	bool picks_up;
	struct step steps[STEPS]; // ends with flags of 0 and no bytes
};

static struct segment absolute(const struct step *step)
{
	return (struct segment){
		.from = step->from,
		.flags = step->flags,
		.seq = step->seq + (step->from == 0 ? ISN_0 : ISN_1),
		.ack = step->flags & ACK ? step->ack + (step->from == 0 ? ISN_1 : ISN_0) : 0,
		.bytes = step->bytes,
		.window = 1000,
	};
}

static void play(struct tcp_world *world, const struct script *script)
{
	tcp_world_init(world, script->picks_up);
	for (unsigned i = 0; i < STEPS && script->steps[i].phase != FLOW_FREE; i++) {
		const struct step *step = &script->steps[i];
		struct segment s = absolute(step);
		unsigned verdict = tcp_world_send(world, &s);

		if (verdict != step->verdict || tcp_world_phase(world) != step->phase)
			fail_msg("%s, step %u: verdict %u, phase %u", script->name, i, verdict,
				tcp_world_phase(world));
	}
}

// clang-format off
#define SHAKE_HANDS                                                                                \
	{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},                                                     \
	{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},                                        \
	{0, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED}

static const struct script scripts[] = {
	{"opened, closed by the opener", false, {
		SHAKE_HANDS,
		{0, ACK | PSH, 1, 1, 100, OK, FLOW_TCP_ESTABLISHED},
		{0, FIN | ACK, 101, 1, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, ACK, 1, 101, 500, OK, FLOW_TCP_FIN_WAIT}, // not of the FIN
		{1, ACK, 501, 102, 500, OK, FLOW_TCP_CLOSE_WAIT},
		{1, FIN | ACK, 1001, 102, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 102, 1001, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 102, 1002, 0, OK, FLOW_TCP_TIME_WAIT},
	}},
	{"closed by the answerer, FIN and its ACK in one", false, {
		SHAKE_HANDS,
		{1, FIN | ACK, 1, 1, 50, OK, FLOW_TCP_FIN_WAIT},
		{0, FIN | ACK, 1, 52, 0, OK, FLOW_TCP_LAST_ACK},
		{0, FIN | ACK, 1, 52, 0, OK, FLOW_TCP_LAST_ACK}, // again
		{1, ACK, 52, 2, 0, OK, FLOW_TCP_TIME_WAIT},
		{1, ACK, 52, 2, 0, OK, FLOW_TCP_TIME_WAIT},
	}},
	{"closed by both at once", false, {
		SHAKE_HANDS,
		{0, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_LAST_ACK},
		{1, ACK, 2, 2, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 2, 2, 0, OK, FLOW_TCP_TIME_WAIT},
	}},
	{"opened by both at once (RFC 5382 REQ-2)", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN, 0, 0, 0, OK, FLOW_TCP_SYN_SENT2},
		{1, SYN, 0, 0, 0, OK, FLOW_TCP_SYN_SENT2},
		{0, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"opened by both at once, plain acknowledgements", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN, 0, 0, 0, OK, FLOW_TCP_SYN_SENT2},
		{1, ACK, 1, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"refused", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, RST | ACK, 0, 2, 0, NO_RESET, FLOW_UNREPLIED},
		{1, RST, 0, 0, 0, NO_RESET, FLOW_UNREPLIED},
		{1, RST | ACK, 0, 1, 0, OK, FLOW_TCP_CLOSED},
	}},
	{"an answer to what was never sent", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 2, 0, NO_STATE, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 0, 0, NO_STATE, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{1, SYN | ACK, 0, 0x10000000, 0, NO_STATE, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_ESTABLISHED}, // the ACK was lost
		{1, SYN | ACK, 0, 0x10000000, 0, NO_STATE, FLOW_TCP_ESTABLISHED},
	}},
	{"an acknowledgement that is guessed opens nothing", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{0, ACK, 1, 1, 0, NO_STATE, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 0, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 2, 700, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a SYN that comes again with another number", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{0, SYN, 70000, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, NO_STATE, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 70001, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, SYN, 90000, 0, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 70001, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a server whose second cookie is another one, and whose first was taken", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{1, SYN | ACK, 0x20000000, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 100, OK, FLOW_TCP_SYN_RECEIVED},
		{1, ACK, 1, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 100, OK, FLOW_TCP_ESTABLISHED},
		{1, ACK, 1, 101, 3000, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a SYN meets an old connection (RFC 9293 3.5.1)", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, ACK, 7777, 0x40000000, 0, OK, FLOW_UNREPLIED},
		{0, RST, 0x40000000, 0, 0, OK, FLOW_UNREPLIED},
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
	}},
	{"data with the SYN, taken (RFC 7413)", false, {
		{0, SYN, 0, 0, 500, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 501, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{1, ACK, 1, 501, 1400, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 501, 1, 0, OK, FLOW_TCP_ESTABLISHED},
		{0, ACK, 501, 1401, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"data with the SYN, refused, and asked again without", false, {
		{0, SYN, 0, 0, 500, OK, FLOW_UNREPLIED},
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 500, OK, FLOW_TCP_ESTABLISHED},
		{1, ACK, 1, 501, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a new connection with the ports of a closed one", false, {
		SHAKE_HANDS,
		{1, RST, 1, 0, 0, OK, FLOW_TCP_CLOSED},
		{0, ACK, 1, 1, 100, OK, FLOW_TCP_CLOSED}, // was on its way
		{0, SYN, 0x30000000, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0x30000000, 0x30000001, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 0x30000001, 0x30000001, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a reset that is exact", false, {
		SHAKE_HANDS,
		{0, ACK, 1, 1, 1000, OK, FLOW_TCP_ESTABLISHED},
		{0, RST | ACK, 1001, 1, 0, OK, FLOW_TCP_CLOSED},
	}},
	{"a reset in the window, refuted by its sender alone", false, {
		SHAKE_HANDS,
		{0, RST, 200, 0, 0, OK, FLOW_TCP_CHALLENGED},
		{1, ACK, 1, 1, 0, OK, FLOW_TCP_CHALLENGED},
		{0, RST, 300, 0, 0, OK, FLOW_TCP_CHALLENGED},
		{0, ACK, 1, 1, 10, OK, FLOW_TCP_ESTABLISHED},
		{1, ACK, 1, 11, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"a reset in the window, confirmed", false, {
		SHAKE_HANDS,
		{0, ACK, 1, 1, 1000, OK, FLOW_TCP_ESTABLISHED},
		{0, RST, 501, 0, 0, OK, FLOW_TCP_CHALLENGED},
		{1, ACK, 1, 1001, 0, OK, FLOW_TCP_CHALLENGED},
		{0, RST, 1001, 0, 0, OK, FLOW_TCP_CLOSED},
	}},
	{"resets out of the window", false, {
		SHAKE_HANDS,
		{0, RST, 0x10001, 0, 0, NO_RESET, FLOW_TCP_ESTABLISHED},
		{0, RST, 0xffff0000, 0, 0, NO_RESET, FLOW_TCP_ESTABLISHED},
		{1, RST | ACK, 0x20000000, 1, 0, NO_RESET, FLOW_TCP_ESTABLISHED},
	}},
	{"a SYN within a connection is its ends' business (RFC 5961 4)", false, {
		SHAKE_HANDS,
		{0, SYN, 0x33333333, 0, 0, OK, FLOW_TCP_ESTABLISHED},
		{1, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
		{0, RST, 1, 0, 0, OK, FLOW_TCP_CLOSED}, // it was meant: the end had forgotten
		{0, SYN, 0x33333333, 0, 0, OK, FLOW_UNREPLIED},
	}},
	{"picked up, answered, closed", true, {
		{0, ACK, 5000, 6000, 100, OK, FLOW_UNREPLIED},
		{0, ACK, 5100, 6000, 100, OK, FLOW_UNREPLIED},
		{1, ACK, 0x40006000, 5100, 0, OK, FLOW_TCP_ESTABLISHED},
		{0, RST, 0x77777777, 0, 0, OK, FLOW_TCP_CHALLENGED},
		{0, ACK, 5200, 6000, 100, OK, FLOW_TCP_ESTABLISHED},
		{0, FIN | ACK, 5300, 6000, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, FIN | ACK, 0x40006000, 5301, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 5301, 0x40006001, 0, OK, FLOW_TCP_TIME_WAIT},
	}},
	{"picked up at its end", true, {
		{0, FIN | ACK, 5000, 6000, 0, OK, FLOW_UNREPLIED},
		{1, FIN | ACK, 6000, 5001, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 5001, 6001, 0, OK, FLOW_TCP_TIME_WAIT},
	}},
	{"picked up at the answer to a SYN", true, {
		{0, SYN | ACK, 0, 1, 0, OK, FLOW_UNREPLIED},
		{0, SYN | ACK, 0, 1, 0, OK, FLOW_UNREPLIED},
		{1, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"picked up at its reset", true, {
		{0, RST, 0, 0, 0, OK, FLOW_TCP_CLOSED},
	}},
	{"a forgotten end that is reset", true, {
		{0, ACK, 5000, 6000, 100, OK, FLOW_UNREPLIED},
		{1, RST, 6000, 0, 0, OK, FLOW_TCP_CLOSED},
	}},
	{"what was picked up begins anew with a SYN", true, {
		{0, FIN | ACK, 5000, 6000, 0, OK, FLOW_UNREPLIED},
		{1, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
	}},
	{"one direction goes another way", true, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{0, ACK, 1, 0x12345678, 0, OK, FLOW_UNREPLIED},
		{0, ACK, 1, 0x12345678, 60000, OK, FLOW_UNREPLIED},
		{0, ACK, 0x70000000, 0x12345678, 60000, OK, FLOW_UNREPLIED},
	}},
	{"a guess does not open what is picked up either", true, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{0, ACK, 1, 0x22222222, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 0x22222222, 0, OK, FLOW_TCP_SYN_RECEIVED},
		{0, ACK, 1, 1, 0, OK, FLOW_TCP_ESTABLISHED},
	}},
	{"nothing is picked up: data", false, {{0, ACK, 1, 1, 100, NO_STATE, FLOW_UNREPLIED}}},
	{"nothing is picked up: FIN", false, {{0, FIN | ACK, 1, 1, 0, NO_STATE, FLOW_UNREPLIED}}},
	{"nothing is picked up: SYN+ACK", false, {{0, SYN | ACK, 1, 1, 0, NO_STATE, FLOW_UNREPLIED}}},
	{"nothing is picked up: RST", false, {{0, RST, 1, 0, 0, NO_STATE, FLOW_UNREPLIED}}},
};
// clang-format on

static void connections_are_followed_from_one_state_to_the_next(void **state)
{
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(scripts); i++)
		play(&world, &scripts[i]);
}

// --- every state, each side, all flags ---

// How to come into a state, and what each side's next segment of SYN, ACK, FIN and RST, in all
// combinations counted in that order from bit 0, makes of it: a letter of `letters`; N: a new
// flow; -: refused.
static const char letters[] = ".UA2RECFWLTX";
static const struct {
	struct script way;
	const char *next[2];
} states[] = {
	// clang-format off
	{{"SYN sent", false, {{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED}}},
		{"-U---U--XXXXXXXX", "U2URU2UR--XX--XX"}},
	{{"SYNs crossed", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN, 0, 0, 0, OK, FLOW_TCP_SYN_SENT2}}},
		{"22RR22RRXXXXXXXX", "22RR22RRXXXXXXXX"}},
	{{"SYN received", false, {
		{0, SYN, 0, 0, 0, OK, FLOW_UNREPLIED},
		{1, SYN | ACK, 0, 1, 0, OK, FLOW_TCP_SYN_RECEIVED}}},
		{"RREERRFEXXXXXXXX", "RRRRRRRRXXXXXXXX"}},
	{{"established", false, {SHAKE_HANDS}},
		{"-EEE-EFEXXXXXXXX", "-EEE-EFEXXXXXXXX"}},
	{{"challenged", false, {
		SHAKE_HANDS,
		{0, RST, 500, 0, 0, OK, FLOW_TCP_CHALLENGED}}},
		{"-CEC-CFCXXXXXXXX", "-CCC-CFCXXXXXXXX"}},
	{{"fin wait", false, {
		SHAKE_HANDS,
		{0, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_FIN_WAIT}}},
		{"-FFF-FFFXXXXXXXX", "-FWF-FLFXXXXXXXX"}},
	{{"close wait", false, {
		SHAKE_HANDS,
		{0, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, ACK, 1, 2, 0, OK, FLOW_TCP_CLOSE_WAIT}}},
		{"-WWW-WWWXXXXXXXX", "-WWW-WLWXXXXXXXX"}},
	{{"last ack", false, {
		SHAKE_HANDS,
		{0, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, FIN | ACK, 1, 2, 0, OK, FLOW_TCP_LAST_ACK}}},
		{"-LTL-LTLXXXXXXXX", "-LLL-LLLXXXXXXXX"}},
	{{"time wait", false, {
		SHAKE_HANDS,
		{0, FIN | ACK, 1, 1, 0, OK, FLOW_TCP_FIN_WAIT},
		{1, FIN | ACK, 1, 2, 0, OK, FLOW_TCP_LAST_ACK},
		{0, ACK, 2, 2, 0, OK, FLOW_TCP_TIME_WAIT}}},
		{"-NTT-NTTTTTTTTTT", "-NTT-NTTTTTTTTTT"}},
	{{"closed", false, {
		SHAKE_HANDS,
		{0, RST, 1, 0, 0, OK, FLOW_TCP_CLOSED}}},
		{"-NXX-NXXXXXXXXXX", "-NXX-NXXXXXXXXXX"}},
	{{"picked up", true, {{0, ACK, 1, 1, 0, OK, FLOW_UNREPLIED}}},
		{"UNUUUNUUXXXXXXXX", "ENERFNFRXXXXXXXX"}},
	// clang-format on
};

static void every_state_takes_every_flag_from_each_side(void **state)
{
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(states); i++)
		for (unsigned from = 0; from < 2; from++) {
			char got[17] = {0};

			for (unsigned n = 0; n < 16; n++) {
				struct segment s = {.from = (uint8_t)from, .window = 1000};
				unsigned verdict;

				play(&world, &states[i].way);
				s.flags = (uint8_t)((n & 1 ? SYN : 0) | (n & 2 ? ACK : 0) |
						    (n & 4 ? FIN : 0) | (n & 8 ? RST : 0));
				s.seq = world.flow.dir[from].tcp_end;
				s.window = 0; // of no bit that is new
				s.ack = n & 2 ? world.flow.dir[1 - from].tcp_end : 0;
				verdict = tcp_world_send(&world, &s);
				if (verdict != OK)
					got[n] = '-';
				else if (world.n_renewed > 0)
					got[n] = 'N';
				else
					got[n] = letters[tcp_world_phase(&world)];
			}
			if (strcmp(got, states[i].next[from]) != 0)
				fail_msg("%s, from %u: %s, not %s", states[i].way.name, from, got,
					states[i].next[from]);
		}
}

// --- windows ---

// An established connection: both sides' scales (one more; 0: none) and the windows that they have
// announced since; each has sent nothing yet.
static void establish(struct tcp_world *world, const uint8_t scales[2], const uint16_t windows[2])
{
	const struct segment handshake[] = {
		{0, SYN, ISN_0, 0, 0, 64240, scales[0]},
		{1, SYN | ACK, ISN_1, ISN_0 + 1, 0, 65160, scales[1]},
		{0, ACK, ISN_0 + 1, ISN_1 + 1, 0, windows[0], 0},
		{1, ACK, ISN_1 + 1, ISN_0 + 1, 0, windows[1], 0},
	};

	tcp_world_init(world, false);
	for (unsigned i = 0; i < RTE_DIM(handshake); i++)
		assert_int_equal(tcp_world_send(world, &handshake[i]), OK);
	assert_int_equal(tcp_world_phase(world), FLOW_TCP_ESTABLISHED);
}

enum { WRONG_ACK = 0x60000000 };

// What the opener sends next, from the number behind its SYN on. `is_plain`: without a second look.
static const struct window_row {
	const char *name;
	uint8_t scales[2];
	uint16_t windows[2];
	uint32_t seq, bytes, ack;
	unsigned verdict;
	bool is_plain;
} window_rows[] = {
	{"the next segment", {8, 8}, {502, 509}, 0, 1448, 0, OK, true},
	{"a pure acknowledgement", {8, 8}, {502, 509}, 0, 0, 0, OK, true},
	{"a segment of GRO, 64 KiB", {8, 8}, {502, 1024}, 0, 65483, 0, OK, true},
	{"a keep-alive: one byte back, empty", {8, 8}, {502, 509}, UINT32_MAX, 0, 0, OK, true},
	{"a keep-alive: one byte back, with a byte", {8, 8}, {502, 509}, UINT32_MAX, 1, 0, OK,
		true},
	{"all before it was lost, one window", {8, 8}, {502, 4096}, 4096 * 128 - 1448, 1448, 0, OK,
		false},
	{"sent again, one window back", {8, 8}, {502, 4096}, -4096 * 128u, 1448, 0, OK, false},
	{"the same without scaling", {0, 0}, {502, 65535}, 65535 - 1448, 1448, 0, OK, true},
	{"a probe of a window that is full", {0, 0}, {502, 65535}, 65535, 1, 0, OK, false},
	{"a window ahead and more, by one who knows it all", {8, 8}, {502, 512}, (1 << 20) - 1, 0,
		0, OK, false},
	{"a window ahead and more, by one who does not", {8, 8}, {502, 512}, (1 << 17) + 1, 0, -1u,
		NO_WINDOW, false},
	{"scaling that only one side wants", {15, 0}, {502, 1024}, 65536 * 8, 1, 0, NO_WINDOW,
		false},
	{"scale 14, a window of 1 GiB", {15, 15}, {502, 65535}, 65535u << 14, 0, 0, OK, false},
	{"scale 15 and more means 14", {15, 200}, {502, 65535}, 65535u << 14, 0, 0, OK, false},
	{"beyond every window", {8, 8}, {502, 512}, 1 << 20, 0, 0, NO_WINDOW, false},
	{"long before every window", {8, 8}, {502, 512}, -(1u << 20) - 1, 0, 0, NO_WINDOW, false},
	{"more than a step ahead, by one who knows the other side", {8, 8}, {502, 512}, 1 << 16, 0,
		0, OK, false},
	{"more than a step ahead, by one who does not", {8, 8}, {502, 512}, 1 << 16, 0, WRONG_ACK,
		NO_WINDOW, false},
	{"far behind, by one who knows the other side", {8, 8}, {502, 512}, -(1u << 20), 0, 0, OK,
		false},
	{"far behind, by one who does not", {8, 8}, {502, 512}, -(1u << 20), 0, WRONG_ACK,
		NO_WINDOW, false},
	{"the middle of nowhere", {8, 8}, {502, 512}, 0x80000000, 100, 0, NO_WINDOW, false},
};

static void only_what_fits_a_window_passes(void **state)
{
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(window_rows); i++) {
		const struct window_row *row = &window_rows[i];
		struct segment s = {0, ACK, ISN_0 + 1 + row->seq, ISN_1 + 1 + row->ack, row->bytes,
			row->windows[0], 0};
		unsigned verdict, n_slow;

		establish(&world, row->scales, row->windows);
		n_slow = world.n_slow;
		verdict = tcp_world_send(&world, &s);
		if (verdict != row->verdict || (world.n_slow == n_slow) != row->is_plain)
			fail_msg("%s: verdict %u, %s", row->name, verdict,
				world.n_slow == n_slow ? "plain" : "not plain");
	}
}

static void a_connection_is_followed_past_the_end_of_numbers(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {8, 8};
	const uint16_t windows[2] = {502, 502};
	struct segment data = {0, ACK, ISN_0 + 1, ISN_1 + 1, 60000, 502, 0};
	struct segment ack = {1, ACK, ISN_1 + 1, 0, 0, 502, 0};
	unsigned n_slow;

	(void)state;
	establish(&world, scales, windows);
	n_slow = world.n_slow;
	for (unsigned i = 0; i < 200000; i++) { // 12 GB
		assert_int_equal(tcp_world_send(&world, &data), OK);
		data.seq += data.bytes;
		ack.ack = data.seq;
		assert_int_equal(tcp_world_send(&world, &ack), OK);
	}
	assert_int_equal(world.n_slow, n_slow);
	assert_int_equal(world.flow.dir[0].tcp_end, data.seq);
}

static void a_window_that_grows_reaches_as_far_at_once(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {1, 9};
	const uint16_t windows[2] = {502, 100};
	struct segment ack = {1, ACK, ISN_1 + 1, ISN_0 + 1, 0, 100, 0};

	(void)state;
	establish(&world, scales, windows);
	for (uint32_t window = 200; window <= 65535; window += 200) {
		// the last of a whole window; the others were lost on their way to the router
		struct segment s = {0, ACK, ack.ack + (window << 8) - 100, ISN_1 + 1, 100, 502, 0};

		ack.window = (uint16_t)window;
		assert_int_equal(tcp_world_send(&world, &ack), OK);
		assert_int_equal(tcp_world_send(&world, &s), OK);
		s.seq = ack.ack; // and the first, sent again
		assert_int_equal(tcp_world_send(&world, &s), OK);
		ack.ack += window << 8;
	}
}

static void options_that_lie_about_their_length_are_no_options(void **state)
{
	static const uint8_t rows[][8] = {
		{3, 2, 7, 0, 0, 0, 0, 0},   // too short for what it is
		{3, 4, 7, 0, 0, 0, 0, 0},   // too long
		{2, 0, 3, 3, 7, 0, 0, 0},   // a length of nothing
		{2, 200, 3, 3, 7, 0, 0, 0}, // past the header
		{1, 1, 1, 1, 1, 1, 1, 3},   // cut off
		{0, 3, 3, 7, 0, 0, 0, 0},   // behind the end
		{8, 7, 0, 0, 0, 0, 0, 3},   // its length is the next header
	};
	static struct tcp_world world;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct segment s = {0, SYN, ISN_0, 0, 0, 100, 1};
		enum flow_phase phase;
		struct packet p;

		tcp_world_init(&world, false);
		p = tcp_world_packet(&world, &s);
		memcpy((uint8_t *)packet_l4(&p) + sizeof(struct rte_tcp_hdr), rows[i], 8);
		assert_int_equal(tcp_track_slow(&p, &world.flow.dir[0], false, &phase), OK);
		assert_int_equal(world.flow.state.tcp_scales, 0);
	}
}

static void a_quote_is_of_what_was_sent_lately(void **state)
{
	static struct tcp_world world;
	const uint8_t scales[2] = {8, 8};
	const uint16_t windows[2] = {502, 502};
	struct segment data = {0, ACK, ISN_0 + 1, ISN_1 + 1, 50000, 502, 0};

	(void)state;
	tcp_world_init(&world, false);
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], 0)); // before anything was sent
	establish(&world, scales, windows);
	assert_int_equal(tcp_world_send(&world, &data), OK);
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 1));
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 40000));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 + 0x40000));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[0], ISN_0 - 0x40000));
	assert_true(tcp_track_quote_is_fine(&world.flow.dir[1], ISN_1 + 1));
	assert_false(tcp_track_quote_is_fine(&world.flow.dir[1], ISN_0 + 1));
}

// --- through the pipeline ---

static struct frame opened(struct fixture *f, struct frame *answer)
{
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	frame.protocol = IPPROTO_TCP;
	frame.payload_bytes = 0;
	frame.tcp_seq = ISN_0;
	frame.tcp_flags = SYN;
	m = fixture_send(f, &frame, FIXTURE_WAN);
	assert_non_null(m);
	*answer = frame_answer(m, &frame, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	answer->tcp_flags = SYN | ACK;
	answer->tcp_seq = ISN_1;
	assert_true(fixture_passes(f, answer, FIXTURE_LAN));
	frame.tcp_flags = ACK;
	frame.tcp_seq = ISN_0 + 1;
	frame.tcp_ack = ISN_1 + 1;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	answer->tcp_flags = ACK;
	answer->tcp_seq = ISN_1 + 1;
	return frame;
}

static void what_no_end_sent_is_dropped_by_its_name(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t seq, ack;
		enum counter counter;
	} rows[] = {
		{ACK, 0x40000000, 0, COUNTER_DROP_TCP_WINDOW},
		{FIN | ACK, 0, 0x40000000, COUNTER_DROP_TCP_WINDOW},
		{RST, 0x40000000, 0, COUNTER_DROP_TCP_RESET},
		{SYN | ACK, 0, 0x40000000, COUNTER_DROP_TCP_STATE},
		{FIN, 0, 0, COUNTER_DROP_TCP_STATE},
	};
	struct fixture *f = *state;
	struct frame answer, frame = opened(f, &answer), bad;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t before = fixture_counter(f, rows[i].counter);

		bad = answer;
		bad.tcp_flags = rows[i].flags;
		bad.tcp_seq += rows[i].seq;
		bad.tcp_ack += rows[i].ack;
		assert_false(fixture_passes(f, &bad, FIXTURE_LAN));
		assert_int_equal(fixture_counter(f, rows[i].counter), before + 1);
	}
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_int_equal(f->w->flows.n_used, 1);
}

static void a_reset_connection_may_be_opened_again_at_once(void **state)
{
	struct fixture *f = *state;
	struct frame answer, frame = opened(f, &answer);

	frame.tcp_flags = RST;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	opened(f, &answer);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 2);
	assert_int_equal(f->w->flows.n_used, 1);
}

// Past a translation, a SYN from outside for a closed connection is a new one: to the router.
static void a_closed_connection_is_no_way_in(void **state)
{
	struct fixture *f = *state;
	struct frame answer, frame = opened(f, &answer);
	struct rte_mbuf *m;

	frame.tcp_flags = RST;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	answer.tcp_flags = SYN;
	assert_false(fixture_passes(f, &answer, FIXTURE_LAN));
	m = fixture_punted(f);
	assert_non_null(m);
	assert_int_equal(frame_dst(m), FIXTURE_OWN_WAN);
	rte_pktmbuf_free(m);
}

static void half_open_connections_give_way_in_a_full_table(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	uint32_t capacity = f->w->flows.capacity;

	frame.protocol = IPPROTO_TCP;
	frame.payload_bytes = 0;
	frame.tcp_flags = SYN;
	for (uint32_t i = 0; i < capacity + 100; i++) {
		struct frame answer;
		struct rte_mbuf *m;

		frame.dst = FIXTURE_SERVER + 1 + i;
		m = fixture_send(f, &frame, FIXTURE_WAN);
		assert_non_null(m);
		answer = frame_answer(m, &frame, FIXTURE_WAN);
		rte_pktmbuf_free(m);
		answer.tcp_flags = SYN | ACK;
		assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 100);
}

static void an_error_about_a_segment_nobody_sent_ends_here(void **state)
{
	enum { QUOTE_BYTES = 28 };
	struct fixture *f = *state;
	struct frame answer, frame = opened(f, &answer);
	struct frame error = {.iface = FIXTURE_WAN,
		.src = FIXTURE_GATEWAY,
		.dst = FIXTURE_OWN_WAN,
		.protocol = IPPROTO_ICMP,
		.payload_bytes = QUOTE_BYTES};

	for (unsigned is_forged = 0; is_forged < 2; is_forged++) {
		struct rte_mbuf *about = fixture_send(f, &frame, FIXTURE_WAN), *m;
		struct rte_icmp_hdr *icmp;

		assert_non_null(about);
		if (is_forged)
			((struct rte_tcp_hdr *)(packet_ip4(about) + 1))->sent_seq ^= 0xff;
		m = frame_build(f, &error);
		icmp = (struct rte_icmp_hdr *)(packet_ip4(m) + 1);
		memcpy(icmp + 1, packet_ip4(about), QUOTE_BYTES);
		rte_pktmbuf_free(about);
		icmp->icmp_type = 3;
		icmp->icmp_code = 1;
		icmp->icmp_cksum = 0;
		icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, sizeof(*icmp) + QUOTE_BYTES);
		fixture_rx(f, m, FIXTURE_WAN);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_int_equal(m != NULL, !is_forged);
		rte_pktmbuf_free(m);
		assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_SEQUENCE), is_forged);
	}
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_followed_from_one_state_to_the_next),
		cmocka_unit_test(every_state_takes_every_flag_from_each_side),
		cmocka_unit_test(only_what_fits_a_window_passes),
		cmocka_unit_test(a_connection_is_followed_past_the_end_of_numbers),
		cmocka_unit_test(a_window_that_grows_reaches_as_far_at_once),
		cmocka_unit_test(options_that_lie_about_their_length_are_no_options),
		cmocka_unit_test(a_quote_is_of_what_was_sent_lately),
		NAT(what_no_end_sent_is_dropped_by_its_name),
		NAT(a_reset_connection_may_be_opened_again_at_once),
		NAT(a_closed_connection_is_no_way_in),
		NAT(half_open_connections_give_way_in_a_full_table),
		NAT(an_error_about_a_segment_nobody_sent_ends_here),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
