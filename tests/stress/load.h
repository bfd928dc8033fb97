// SPDX-License-Identifier: BSD-3-Clause
// The far end of all wires: begins conversations, hears what comes out, answers, calls cones and
// sends ICMP errors. What it hears must belong where it came out, and in its conversation's order.
#pragma once

#include "tests/stress/world.h"

enum {
	LOAD_ALIVE = 2048, // conversations at a time
	LOAD_FEW = 256,	   // of them speak when it is quiet
};

struct load_talk {
	uint32_t id;
	uint32_t sent[TALK_WAYS], heard[TALK_WAYS]; // sequence numbers
	uint64_t since_ms;			    // when its last packet was sent
	uint16_t seen_port;			    // as the far end knows its caller
	bool is_renamed; // that has changed: answers to either name come by different workers
};

struct load {
	struct world *world;
	struct load_talk talks[LOAD_ALIVE];
	uint64_t now_ms;
	bool is_blocked;	 // a wire was full
	uint64_t n_given, n_out; // frames
	uint64_t n_heard[TALK_KINDS][TALK_WAYS], n_errors[TALK_KINDS];
	uint64_t n_ended[TALK_KINDS];		// conversations that were heard to the end
	uint64_t n_given_up;			// that waited in vain
	uint64_t n_calls_from[TALK_INTERFACES]; // that cones heard
};

void load_speak(struct load *load, uint32_t slot);
unsigned load_hear_all(struct load *load); // how many frames
