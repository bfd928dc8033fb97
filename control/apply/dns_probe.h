// SPDX-License-Identifier: BSD-3-Clause
// One question to a resolver, only to see whether it answers (RFC 1035 4.1): nothing of the answer
// is used but its header. Bytes in, bytes out. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum { DNS_PROBE_BYTES_MAX = 12 + 255 + 4, DNS_PROBE_NAME_MAX = 253, DNS_PROBE_SERVERS_MAX = 3 };

// The question: for addresses of the name, of "." for its name servers. Its length; 0: that is no
// name.
size_t dns_probe_ask(uint8_t out[DNS_PROBE_BYTES_MAX], uint16_t id, const char *name);
// Whether it is an answer to that question that has something in it; else `*why` says why not,
// NULL where it is about something else.
bool dns_probe_is_answered(const uint8_t *bytes, size_t n, uint16_t id, const char **why);

// The first servers that resolv.conf(5) names, from its text: how many.
unsigned dns_probe_servers(const char *text, struct ip_addr out[DNS_PROBE_SERVERS_MAX]);
