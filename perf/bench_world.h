// SPDX-License-Identifier: BSD-3-Clause
// A real dataplane with one worker whose thread is never started: the benchmark is the worker.
// Interfaces have no port, so what is sent stays in the send buffers until it is looked at.
#pragma once

#include "dataplane/dataplane_internal.h"
#include "perf/bench_frame.h"

struct bench_world {
	struct bench_target target;
	struct dataplane *dp;
	struct worker *worker;
	unsigned n_interfaces;
	uint64_t start_ms;		   // the worker's clock begins at zero
	uint32_t *owner_of[BENCH_STREAMS]; // of each frame: its route, its flow
	uint64_t owner_bytes[BENCH_STREAMS];
	char note[160]; // for bench_world_note
	bool is_note_over;
};

struct mac_addr bench_mac_of_interface(unsigned iface);
struct mac_addr bench_mac_of_host(unsigned host);
struct ip_addr bench_ip4(uint32_t addr);

// Zeroed but for the dataplane. `core` is for the worker, should it be started.
int bench_world_init(struct bench_world *world, uint32_t n_flows, int core, struct error *err);
// The same with more than one worker, or more routes. The bench is the first.
int bench_world_init_with(
	struct bench_world *world, const struct dataplane_options *options, struct error *err);
void bench_world_fini(struct bench_world *world);
void bench_world_free(struct bench_target *t); // of one that malloc gave

// Adds the next interface, with this address and link up. Its id is their count so far. `port`
// may be NULL.
int bench_world_add_interface(struct bench_world *world, const char *name,
	const struct ip_prefix *address, struct port *port, struct error *err);
// The same, leading to the internet.
int bench_world_add_uplink(struct bench_world *world, const char *name,
	const struct ip_prefix *address, struct port *port, struct error *err);
int bench_world_add_neighbour(struct bench_world *world, int iface, const struct ip_addr *addr,
	const struct mac_addr *mac, struct error *err);
// `via` may be IP_NONE: the destination is on the link.
int bench_world_add_route(struct bench_world *world, const struct ip_prefix *to, int iface,
	const struct ip_addr *via, struct error *err);
// The router's own address: up to the host stack.
int bench_world_add_local(struct bench_world *world, const struct ip_addr *addr, struct error *err);
int bench_world_add_stream(struct bench_world *world, uint8_t iface, uint16_t frame_bytes,
	uint32_t n, struct error *err);

// Empties send buffers, `pending` has a bit for each that holds something. See take_sent.
unsigned bench_take_tx(struct tx_buffer *tx_of_ifaces, uint64_t *pending, struct bench_sent *out);

// For struct bench_target_ops.
void bench_world_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n);
unsigned bench_world_take_sent(struct bench_target *t, struct bench_sent *out);
void bench_world_turn(struct bench_target *t);
bool bench_world_note(struct bench_target *t, char *text, unsigned text_bytes);
void bench_world_describe_drops(const struct bench_target *t, char *text, unsigned text_bytes);
