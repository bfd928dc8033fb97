// SPDX-License-Identifier: BSD-3-Clause
// Of which hosts control was told lately that they speak SIP: a cell for several, so a host may be
// told of once more, and a minute's silence of each cell, so that invented ones are not endless.
// Zeroed it is empty. Its worker's own.
#pragma once

#include <stdint.h>

enum { SIP_TOLD_HOSTS = 256 };

struct sip_told {
	struct {
		uint64_t host;	    // its hash
		uint32_t again_sec; // when it may be told of again
		uint32_t other_sec; // when another may
	} hosts[SIP_TOLD_HOSTS];
};
