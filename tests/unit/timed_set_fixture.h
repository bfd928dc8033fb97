// SPDX-License-Identifier: BSD-3-Clause
// Timed sets under test, asked by an address of either family.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/timed_set.h"
#include "tests/unit/text_addr.h"

static inline bool has(const struct timed_set *set, const struct ip_addr *addr, uint32_t now_sec)
{
	uint32_t addr_be;

	if (addr->family == IP_V6)
		return timed_set_has6(set, addr->v6, now_sec);
	memcpy(&addr_be, addr->v4, sizeof(addr_be));
	return timed_set_has4(set, addr_be, now_sec);
}
