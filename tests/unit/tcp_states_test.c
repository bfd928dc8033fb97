// SPDX-License-Identifier: BSD-3-Clause
// TCP from one state to the next: conversations step by step, then every state with every flag.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tcp_world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_followed_from_one_state_to_the_next),
		cmocka_unit_test(every_state_takes_every_flag_from_each_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
