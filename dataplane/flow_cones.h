// SPDX-License-Identifier: BSD-3-Clause
// The outside endpoints that anybody may call (full cones, RFC 4787 REQ-8), and whom inside they
// stand for. A worker writes down those that it holds; the others, whose hosts call them from
// inside (hairpin), read: no flow of another worker is ever looked at, and nobody waits. Zeroed it
// is inert.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

// One of our side's addresses and ports, whoever the remote is.
struct flow_endpoint {
	struct ip_addr addr;
	uint16_t port_be;
	uint8_t protocol;
};

struct flow_cone;

struct flow_cones {
	struct flow_cone *cones;
	uint64_t bytes;
	uint64_t seed;
	uint32_t n_sets;
};

// For as many as `capacity`: where they crowd, the newest are known. 0 or -ENOMEM.
int flow_cones_init(struct flow_cones *cones, uint32_t capacity, uint64_t seed);
void flow_cones_fini(struct flow_cones *cones);
uint64_t flow_cones_bytes(uint32_t capacity);

// The owning worker. What is not there is gone already.
void flow_cones_add(struct flow_cones *cones, const struct flow_endpoint *outside,
	const struct flow_endpoint *inside);
void flow_cones_remove(struct flow_cones *cones, const struct flow_endpoint *outside);
// Any worker, at any time. False: nobody's, or it is being changed right now.
bool flow_cones_find(const struct flow_cones *cones, const struct flow_endpoint *outside,
	struct flow_endpoint *inside);
