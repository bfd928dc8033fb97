// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder, as the section `recorder` of a config says it. Plain data.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum cfg_recorder_kind { // bits, as the workers' are
	CFG_RECORDER_RX = 1 << 0,
	CFG_RECORDER_TX = 1 << 1,
	CFG_RECORDER_DROP = 1 << 2,
};

enum cfg_recorder_cause { // bits: upon what a file is written
	CFG_RECORDER_LINK_DOWN = 1 << 0,
	CFG_RECORDER_LINK_UP = 1 << 1,
	CFG_RECORDER_DROPS = 1 << 2,
	CFG_RECORDER_STALL = 1 << 3,
	CFG_RECORDER_NOTHING = 1 << 7,
	CFG_RECORDER_CAUSES_DEFAULT =
		CFG_RECORDER_LINK_DOWN | CFG_RECORDER_DROPS | CFG_RECORDER_STALL,
};

enum {
	CFG_RECORDER_BYTES_MIN = 40, // as the workers', of each packet
	CFG_RECORDER_BYTES_MAX = 232,
};

struct cfg_recorder {
	bool is_there;	     // else the rest is of no use
	uint32_t memory_mib; // of each worker
	uint16_t packet_bytes;
	uint8_t kinds;	// 0: all
	uint8_t causes; // 0: the default
	uint32_t drops_per_sec;
	uint32_t last_sec; // that a file has
	const char *directory;
	uint16_t files;
	uint32_t space_mib; // of all files
	uint64_t said;
};
