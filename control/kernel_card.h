// SPDX-License-Identifier: BSD-3-Clause
// Asks the kernel which card has a neighbour's address, and waits for what it says: some
// microseconds. For who has just come and asks before the loop has heard of it. Any thread.
#pragma once

#include "control/dns/hosts.h"

enum dns_hosts_card kernel_card(const struct ip_addr *addr, struct mac_addr *out);
