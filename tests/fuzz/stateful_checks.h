// SPDX-License-Identifier: BSD-3-Clause
// What must hold of every packet that leaves and of the flow table between two packets. Each ends
// the program when it does not.
#pragma once

#include "tests/fuzz/stateful_frames.h"
#include "tests/fuzz/stateful_world.h"

// What the frames of this input allow to be asked.
struct doubts {
	bool sums;	// somebody sent wrong checksums
	bool quotes;	// or quoted what never left
	bool forged;	// an inner address came from outside, and may be told to others there
	bool from_host; // the kernel's words are its own
};

bool is_inside(const uint8_t *addr, bool is_ip6);

void check_sent(const struct world *world, const struct wire_frame *frame, struct doubts doubts);
void check_punted(const struct wire_frame *frame, struct doubts doubts);
void check_table(const struct flow_table *table);
