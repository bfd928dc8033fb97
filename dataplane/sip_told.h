// SPDX-License-Identifier: BSD-3-Clause
// Of which hosts control was told lately that they speak SIP: a cell for several, so a host may be
// told of once more, and a minute's silence for all. Zeroed it is empty. Its worker's own.
#pragma once

#include <stdint.h>

enum { SIP_TOLD_HOSTS = 64 };

struct sip_told {
	struct {
		uint64_t host; // its hash
		uint32_t until_sec;
	} hosts[SIP_TOLD_HOSTS];
	uint32_t quiet_until_sec;
};
