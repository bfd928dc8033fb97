// SPDX-License-Identifier: BSD-3-Clause
// What an `apply` takes where its caller says nothing, as the section `apply` of a config says it.
// Plain data.
#pragma once

#include <stdint.h>

enum cfg_probe { // bits
	CFG_PROBE_DNS = 1 << 0,
	CFG_PROBE_UPLINK = 1 << 1,
	CFG_PROBE_MANAGEMENT = 1 << 2,
};

enum { CFG_CONFIRM_SEC_MAX = 86400 };

struct cfg_apply {
	uint32_t confirm_sec;	  // 0: nothing is put on trial
	uint8_t probes;		  // that confirm it; 0: somebody has to
	const char *confirm_name; // that a resolver is asked for; NULL: the root
	uint64_t said;
};
