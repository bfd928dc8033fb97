// SPDX-License-Identifier: BSD-3-Clause
// Names that nobody outside can answer, so that nobody outside is asked: special-use names (RFC
// 6761 and the registry that it began) and the reverse tree of addresses that are not the
// internet's (RFC 6303, RFC 7793). Pure data. Any thread.
#pragma once

#include "control/dns/zone.h"

// Adds them all as zones that are empty but for localhost. What is there already stays. 0, or -1
// without memory.
int dns_special_add(struct dns_zones *zones);

// Firefox asks for it, and keeps to the network's resolver when it has no address.
#define DNS_SPECIAL_CANARY "use-application-dns.net"
int dns_special_add_canary(struct dns_zones *zones);

// Those that hosts on the links are asked for (RFC 6762 section 3 and 4); before dns_special_add.
int dns_special_add_link(struct dns_zones *zones);

// Whether an answer from outside that has this address is a trap for who believes it: loopback,
// private, link-local and the like (RFC 6890), also where IPv6 has an IPv4 address in it. A
// constant that says which, or NULL.
const char *dns_special_address(const struct ip_addr *addr);
