// SPDX-License-Identifier: BSD-3-Clause
// The scalars that are addresses: MACs, addresses of hosts and routers, networks. Called by
// cfg/value.c. Any thread.
#pragma once

#include "cfg/base/error.h"
#include "cfg/model.h"

// As value_read.
int value_addr_read(const struct model_key *key, const char *text, void *out, struct error *err);

int value_addr_read_mac(const char *text, struct mac_addr *out, struct error *err);

// -1 when there are host bits in what should be a network; `text` is how it was written.
int value_addr_check_network(const char *text, const struct ip_prefix *prefix, struct error *err);

// Why the address cannot be a host's in its own subnet, "the network's broadcast address"; or NULL.
const char *value_addr_why_not_in_subnet(const struct ip_prefix *host);
