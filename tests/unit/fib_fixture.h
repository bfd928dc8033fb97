// SPDX-License-Identifier: BSD-3-Clause
// One forwarding table under test, file-wide so that a test that fails half-way leaves none behind.
// Include it in one file of a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/fib.h"
#include "tests/unit/eal.h"
#include "tests/unit/text_addr.h"

static struct fib fib;

static inline struct ip_prefix prefix4(uint32_t ip, uint8_t len)
{
	struct ip_prefix p = {.addr.family = IP_V4, .len = len};
	uint32_t be = rte_cpu_to_be_32(ip);

	memcpy(p.addr.v4, &be, sizeof(be));
	return p;
}

static inline struct ip_prefix prefix6(const uint8_t ip[16], uint8_t len)
{
	struct ip_prefix p = {.addr.family = IP_V6, .len = len};

	memcpy(p.addr.v6, ip, 16);
	return p;
}

static inline uint16_t look(const struct fib *table, const struct ip_addr *addr)
{
	uint32_t be;

	if (addr->family == IP_V6)
		return fib_lookup6(table, addr->v6);
	memcpy(&be, addr->v4, sizeof(be));
	return fib_lookup4(table, be);
}

static inline int fini(void **state)
{
	fib_fini(&fib);
	return 0;
}
