// SPDX-License-Identifier: BSD-3-Clause
// NPTv6 (RFC 6296): one IPv6 prefix for another of the same length, by an algorithm both ways, and
// such that no checksum of any layer changes. Any thread.
#pragma once

#include <stdbool.h>

#include "cfg/base/addr.h"

// Both are IPv6 prefixes of one length, of at most 112 bits: one word is left to be adjusted.
bool nat_prefix_fits(const struct ip_prefix *inside, const struct ip_prefix *outside);

// `addr` is within `from`; gives the same host within `to`. False: it has no counterpart (RFC 6296
// 3.5: no word of its interface identifier can be adjusted).
bool nat_prefix_map(const struct ip_prefix *from, const struct ip_prefix *to,
	const struct ip_addr *addr, struct ip_addr *out);
