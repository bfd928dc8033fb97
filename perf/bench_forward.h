// SPDX-License-Identifier: BSD-3-Clause
// The network of the cases that keep no state: one interface that frames come in by, two that they
// leave by, sixteen gateways. The r-th route goes by the (r % 16)-th gateway.
#pragma once

#include "perf/bench_world.h"

// Interfaces and gateways of both families, and a stream of `n_frames`, empty yet. NULL with the
// reason; bench_world_free its target.
struct bench_world *bench_forward_new(
	const struct dataplane_options *options, bool is_ip6, uint32_t n_frames, struct error *err);
// The r-th route, to this prefix.
int bench_forward_add_route(
	struct bench_world *world, const struct ip_prefix *to, uint32_t r, struct error *err);
// The i-th frame, to a host behind the r-th route.
void bench_forward_frame(struct bench_world *world, uint32_t i, uint32_t r,
	const struct ip_addr *dst, uint64_t *seed);
