// SPDX-License-Identifier: BSD-3-Clause
// Captured packets as pcapng: each with its interface's name, and a drop with its counter and the
// rule. Any number of them at a time. Control thread.
#pragma once

#include <event2/buffer.h>

#include "dataplane/dataplane.h"

struct router;

struct capture_writer {
	const struct router *router;
	struct evbuffer *to; // the caller's
	uint32_t snap_bytes;
	// pcapng's numbers of the workers' interfaces, and as what they were written; the last one
	// is of what has none
	struct {
		char name[16]; // "": not yet
		uint32_t number;
	} interfaces[DP_INTERFACES_MAX + 1];
	uint32_t n_interfaces;
};

// The section's header, and those of `interfaces` (bits 1 << id) that there are. False: no memory.
// `text`, of the section's comment, may be NULL.
bool capture_writer_begin(struct capture_writer *writer, uint64_t interfaces, const char *text);
bool capture_writer_put(struct capture_writer *writer, const struct dp_captured *packet);
