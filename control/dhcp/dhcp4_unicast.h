// SPDX-License-Identifier: BSD-3-Clause
// The UDP socket beside the packet socket of a DHCPv4 client that has an address: it sends what
// goes to the server alone (RFC 2131 section 4.4.4). It takes nothing, but that it is there keeps
// the kernel from calling port 68 unreachable. Control thread.
#pragma once

#include "control/dhcp/dhcp4_client.h"

// Bound to the address on that interface. The file descriptor, the caller's to close, or -errno.
int dhcp4_unicast_open(const char *interface, const struct ip_addr *addr);
// 0 or -errno: -ENOTCONN where `fd` is negative.
int dhcp4_unicast_send(int fd, const struct dhcp4_outgoing *message);
