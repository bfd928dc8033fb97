// SPDX-License-Identifier: BSD-3-Clause
// Frames from the fuzzer's bytes: hosts and ports from small alphabets, so that packets meet the
// flows of earlier ones, answers to what has left, and ICMP errors that quote it. Every one has
// right checksums, whatever else is wrong with it, unless asked otherwise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_MAX = 2000,
	FRAME_TTL_LINK = 255, // of what a neighbour says, as neighbour discovery must
	FRAME_TTL = 33,	      // of what comes in by a wire, or one that ends here
	FRAME_TTL_HOST = 65,
	FRAMES_KEPT = 16,
};

// The fuzzer's bytes; zeros behind their end.
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t input_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

struct wire_frame {
	uint8_t iface;
	bool from_host;
	bool is_spoilt; // a checksum may be wrong
	uint16_t bytes;
	uint8_t data[FRAME_MAX];
};

// What has gone one way lately, to be answered and quoted.
struct kept_frames {
	struct wire_frame frames[FRAMES_KEPT];
	unsigned n;
};

// By others what has left, by the host stack what that got.
enum { KEPT_SENT = 0, KEPT_PUNTED, KEPT_WAYS };

void kept_add(struct kept_frames *kept, const struct wire_frame *frame);

void frame_fresh(struct input *in, struct wire_frame *out);
// False: nothing has left yet.
bool frame_reply(
	struct input *in, const struct kept_frames kept[KEPT_WAYS], struct wire_frame *out);
bool frame_icmp_error(
	struct input *in, const struct kept_frames kept[KEPT_WAYS], struct wire_frame *out);
// Writes some of the fuzzer's bytes over it, then mends length-independent fields, or not.
void frame_mutate(struct input *in, struct wire_frame *frame);
// Another one of many like it: from its sender's next port, or its neighbour's same one. False:
// there is nothing to be changed.
bool frame_next(struct wire_frame *frame, bool is_neighbour);
// One of two fragments. False: it is one already, or too short.
bool frame_cut(const struct wire_frame *whole, bool is_second, struct wire_frame *out);
