// SPDX-License-Identifier: BSD-3-Clause
// An address with or without a port, as people write it: 198.18.0.7, 198.18.0.7:5000, 2001:db8::7,
// [2001:db8::7]:5000 (RFC 3986 3.2.2). Any thread.
#pragma once

#include "cfg/base/addr.h"

struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port; // host order
	bool has_port;
};

int ip_endpoint_parse(const char *text, struct ip_endpoint *out); // 0 or -EINVAL
// Writes at most ADDR_STR_BYTES to `out` and returns it.
const char *ip_endpoint_str(const struct ip_endpoint *endpoint, char *out);
