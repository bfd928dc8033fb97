// SPDX-License-Identifier: BSD-3-Clause
#include "perf/bench_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "dataplane/memory.h"
#include "dataplane/pipeline.h"

enum { ROUTES_MAX = 4096, MTU = 1500 };

struct mac_addr bench_mac_of_interface(unsigned iface)
{
	return (struct mac_addr){{0x02, 0, 0, 0, 0, (uint8_t)(iface + 1)}};
}

struct mac_addr bench_mac_of_host(unsigned host)
{
	return (struct mac_addr){{0x02, 0, 0, 1, (uint8_t)(host >> 8), (uint8_t)host}};
}

struct ip_addr bench_ip4(uint32_t addr)
{
	struct ip_addr ip = {.family = IP_V4};
	uint32_t be = rte_cpu_to_be_32(addr);

	memcpy(ip.v4, &be, sizeof(be));
	return ip;
}

int bench_world_init(struct bench_world *world, uint32_t n_flows, int core, struct error *err)
{
	const struct dataplane_options options = {
		.cores = {core},
		.n_workers = 1,
		.is_busy = true,
		.flow_capacity = n_flows + n_flows / 16 + 1024,
		.routes4_max = ROUTES_MAX,
		.routes6_max = ROUTES_MAX,
	};

	return bench_world_init_with(world, &options, err);
}

int bench_world_init_with(
	struct bench_world *world, const struct dataplane_options *options, struct error *err)
{
	memset(world, 0, sizeof(*world));
	world->dp = dataplane_new(options, err);
	if (world->dp == NULL)
		return -1;
	world->worker = dataplane_worker(world->dp, 0);
	world->start_ms = clock_now_ms();
	return 0;
}

void bench_world_fini(struct bench_world *world)
{
	for (unsigned i = 0; i < BENCH_STREAMS; i++) {
		const struct bench_stream *s = &world->target.streams[i];

		memory_unmap(s->frames, s->n * sizeof(*s->frames));
		memory_unmap(world->owner_of[i], world->owner_bytes[i]);
	}
	dataplane_free(world->dp);
}

void bench_world_free(struct bench_target *t)
{
	bench_world_fini((struct bench_world *)t);
	free(t);
}

static int interface_add(struct bench_world *world, const char *name, bool is_outside,
	const struct ip_prefix *address, struct port *port, struct error *err)
{
	struct dp_interface iface = {
		.port = port, .tap_fd = -1, .mtu = MTU, .is_outside = is_outside};
	int id;

	snprintf(iface.name, sizeof(iface.name), "%s", name);
	iface.mac = bench_mac_of_interface(world->n_interfaces++);
	id = dataplane_interface_add(world->dp, &iface);
	if (id < 0)
		return error_set(err, "interface %s: %s", name, strerror(-id));
	if (dataplane_interface_set_addresses(world->dp, id, address, 1) != 0 ||
		dataplane_interface_set_link(world->dp, id, true) != 0)
		return error_set(err, "interface %s takes no address or no link", name);
	return id;
}

int bench_world_add_interface(struct bench_world *world, const char *name,
	const struct ip_prefix *address, struct port *port, struct error *err)
{
	return interface_add(world, name, false, address, port, err);
}

int bench_world_add_uplink(struct bench_world *world, const char *name,
	const struct ip_prefix *address, struct port *port, struct error *err)
{
	return interface_add(world, name, true, address, port, err);
}

int bench_world_add_neighbour(struct bench_world *world, int iface, const struct ip_addr *addr,
	const struct mac_addr *mac, struct error *err)
{
	int rc = dataplane_neighbour_set(world->dp, iface, addr, mac);

	return rc == 0 ? 0 : error_set(err, "neighbour: %s", strerror(-rc));
}

int bench_world_add_route(struct bench_world *world, const struct ip_prefix *to, int iface,
	const struct ip_addr *via, struct error *err)
{
	struct dp_route route = {
		.to = *to,
		.kind = DP_ROUTE_UNICAST,
		.nexthops = {{.interface = iface, .via = *via}},
		.n_nexthops = 1,
	};
	int rc = dataplane_route_set(world->dp, &route);

	return rc == 0 ? 0 : error_set(err, "route: %s", strerror(-rc));
}

int bench_world_add_local(struct bench_world *world, const struct ip_addr *addr, struct error *err)
{
	struct dp_route route = {
		.to = {*addr, addr->family == IP_V6 ? 128 : 32},
		.kind = DP_ROUTE_LOCAL,
	};
	int rc = dataplane_route_set(world->dp, &route);

	return rc == 0 ? 0 : error_set(err, "local route: %s", strerror(-rc));
}

int bench_world_add_stream(struct bench_world *world, uint8_t iface, uint16_t frame_bytes,
	uint32_t n, struct error *err)
{
	unsigned i = world->target.n_streams++;
	struct bench_stream *s = &world->target.streams[i];

	*s = (struct bench_stream){.n = n, .frame_bytes = frame_bytes, .iface = iface};
	// Huge pages: millions of frames are read beside what is measured.
	s->frames = memory_map(n * sizeof(*s->frames));
	world->owner_bytes[i] = n * sizeof(uint32_t);
	world->owner_of[i] = memory_map(world->owner_bytes[i]);
	if (s->frames == NULL || world->owner_of[i] == NULL)
		return error_set(err, "no memory for %u frames", n);
	return 0;
}

void bench_world_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	pipeline_rx(((struct bench_world *)t)->worker, iface, pkts, n);
}

unsigned bench_take_tx(struct tx_buffer *tx_of_ifaces, uint64_t *pending, struct bench_sent *out)
{
	unsigned n = 0;

	for (; *pending != 0; *pending &= *pending - 1) {
		unsigned iface = (unsigned)__builtin_ctzll(*pending);
		struct tx_buffer *tx = &tx_of_ifaces[iface];

		if (out != NULL && n + tx->n <= RTE_DIM(out->pkts)) {
			memcpy(&out->pkts[n], tx->pkts, tx->n * sizeof(tx->pkts[0]));
			memset(&out->ifaces[n], (int)iface, tx->n);
		}
		n += tx->n;
		tx->n = 0;
	}
	return n;
}

unsigned bench_world_take_sent(struct bench_target *t, struct bench_sent *out)
{
	struct worker *w = ((struct bench_world *)t)->worker;

	return bench_take_tx(w->tx, &w->tx_pending, out);
}

// What worker.c does at the start of each turn.
void bench_world_turn(struct bench_target *t)
{
	struct bench_world *world = (struct bench_world *)t;
	struct worker *w = world->worker;

	worker_refresh(w);
	w->now_ms = clock_now_ms() - world->start_ms;
	w->now_sec = (uint32_t)(w->now_ms / 1000);
}

bool bench_world_note(struct bench_target *t, char *text, unsigned text_bytes)
{
	const struct bench_world *world = (const struct bench_world *)t;

	snprintf(text, text_bytes, "%s", world->note);
	return world->is_note_over;
}

void bench_world_describe_drops(const struct bench_target *t, char *text, unsigned text_bytes)
{
	const struct bench_world *world = (const struct bench_world *)t;
	struct dp_counter counter;
	unsigned used = 0;

	text[0] = '\0';
	for (unsigned i = 0; dataplane_counter(world->dp, i, &counter); i++) {
		if (counter.packets == 0 || strncmp(counter.name, "flow_", 5) == 0)
			continue;
		used += (unsigned)snprintf(text + used, text_bytes - used, "%s %llu ", counter.name,
			(unsigned long long)counter.packets);
		if (used >= text_bytes)
			return;
	}
}
