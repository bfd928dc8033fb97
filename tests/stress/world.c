// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/stress/rules.h"

enum {
	FLOWS = 1600, // fewer than there are conversations: in a flood the oldest give way
	TIMED_MAX = 256,
	POLICY_EVERY = 7,
	CORES_EVERY = 5,
	FLOWS_AT_ONCE = 16,
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "stress: %s\n", what);
	exit(1);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	must(ip_prefix_parse(text, &p) == 0, text);
	return p;
}

// --- control ---

// A host of the LAN by its addresses of either family in turn.
static struct ip_prefix host_of(unsigned i)
{
	struct ip_prefix host = prefix(i % 2 == 0 ? "198.18.0.0/32" : "2001:db8:1::/128");

	host.addr.bytes[i % 2 == 0 ? 3 : 15] = (uint8_t)(TALK_HOST_FIRST + i / 2 % TALK_HOSTS);
	return host;
}

static void ban(struct world *world, unsigned i)
{
	struct dp_timed_entry entry = {.prefix = host_of(i), .left_sec = 1 + i % 2};
	struct ip_prefix old = host_of(i + TALK_HOSTS);

	dataplane_timed_add(world->dp, RULES_BANS, &entry, true);
	dataplane_timed_delete(world->dp, RULES_BANS, &old);
	dataplane_timed_sweep(world->dp);
}

static void hear_event(struct world *world, const struct dp_event *event)
{
	struct dp_timed_entry entry = {.prefix = {event->addr, event->add.len}};

	if (event->kind != DP_EVENT_SET_ADD)
		return;
	entry.left_sec = event->add.sec;
	dataplane_timed_add(world->dp, event->add.timed, &entry, false);
}

static void neighbour_used(void *ctx, int interface, const struct ip_addr *addr)
{
}

static void read_all(struct world *world)
{
	static struct dp_flow flows[FLOWS_AT_ONCE];
	uint64_t cursor = 0;
	unsigned n;
	struct dp_counter counter;
	struct dp_event event;
	struct dp_count count;
	struct dp_worker_stats worker;
	struct dp_interface_stats interface;

	for (unsigned i = 0; dataplane_counter(world->dp, i, &counter); i++)
		;
	for (unsigned i = 0; dataplane_worker_stats(world->dp, i, &worker) == 0; i++)
		;
	dataplane_interface_stats(world->dp, TALK_WAN, &interface);
	dataplane_rule_count(world->dp, 0, &count);
	while (dataplane_flows(world->dp, &cursor, flows, FLOWS_AT_ONCE, &n))
		;
	while (dataplane_event_next(world->dp, &event))
		hear_event(world, &event);
}

// Onto fewer cores, and onto as many as there were.
static void move_workers(struct world *world, unsigned i)
{
	unsigned n_online = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = 1 + i / CORES_EVERY % world->n_workers;
	int cores[DP_WORKERS_MAX];
	struct error err;

	for (unsigned k = 0; k < n; k++)
		cores[k] = (int)((i / CORES_EVERY / world->n_workers + k) % n_online);
	must(dataplane_cores_set(world->dp, cores, n, &err) == 0, "cores");
	world->n_moves++;
}

void world_control(struct world *world, unsigned i)
{
	struct dp_route route = {.to = prefix("203.0.113.128/25"), .kind = DP_ROUTE_BLACKHOLE};

	read_all(world);
	if (atomic_load(&world->is_calm))
		return;
	ban(world, i);
	if (i % CORES_EVERY == 0)
		move_workers(world, i);
	if (i % POLICY_EVERY == 0) {
		rules_set(world->dp, world->n_policies % RULES_VARIANTS);
		world->n_policies++;
	}
	if (i % 3 == 0)
		must(dataplane_route_set(world->dp, &route) == 0, "route");
	else
		dataplane_route_delete(world->dp, &route.to);
	dataplane_routes_commit(world->dp);
	dataplane_schedules_set(world->dp, i);
	if (i % 50 == 0)
		dataplane_neighbours_used(world->dp, neighbour_used, NULL);
}

// --- the network ---

static void add_neighbour(struct world *world, uint8_t iface, const char *base, uint8_t last)
{
	struct ip_addr addr = prefix(base).addr;
	struct mac_addr mac = {{2, 1, 0, 0, iface, last}};

	addr.bytes[addr.family == IP_V6 ? 15 : 3] = last;
	must(dataplane_neighbour_set(world->dp, iface, &addr, &mac) == 0, "neighbour");
}

static void add_local(struct world *world, const struct ip_addr *addr)
{
	struct dp_route local = {.kind = DP_ROUTE_LOCAL, .to = {*addr, 0}};

	local.to.len = (uint8_t)ip_family_bits(addr->family);
	must(dataplane_route_set(world->dp, &local) == 0, "local route");
}

static void add_interface(
	struct world *world, uint8_t i, const char *name, const char *const own[2])
{
	struct dp_interface iface = {
		.port = &world->wires[i].port,
		.tap_fd = -1,
		.mac = {{2, 0, 0, 0, 0, i}},
		.mtu = 1500,
		.is_outside = i == TALK_WAN,
	};
	struct ip_prefix addresses[2] = {prefix(own[0]), prefix(own[1])};

	snprintf(iface.name, sizeof(iface.name), "%s", name);
	must(dataplane_interface_add(world->dp, &iface) == i, "interface");
	must(dataplane_interface_set_addresses(world->dp, i, addresses, 2) == 0, "address");
	for (unsigned k = 0; k < 2; k++) {
		struct dp_route connected = {.to = addresses[k], .n_nexthops = 1};

		connected.nexthops[0].interface = i;
		must(dataplane_route_set(world->dp, &connected) == 0, "connected route");
		add_local(world, &addresses[k].addr);
	}
}

static void add_default_route(struct world *world, const char *all, const char *gateway)
{
	struct dp_route out = {.to = prefix(all), .n_nexthops = 1};

	out.nexthops[0].interface = TALK_WAN;
	out.nexthops[0].via = prefix(gateway).addr;
	must(dataplane_route_set(world->dp, &out) == 0, "default route");
	add_neighbour(world, TALK_WAN, gateway, 1);
}

static void make_network(struct world *world)
{
	static const char *const names[] = {"wan", "lan", "lan2"};
	static const char *const own[][2] = {
		{TALK_WAN_ADDRESS "/24", "2001:db8::2/64"},
		{"198.18.0.1/24", "2001:db8:1::1/64"},
		{"198.18.1.1/24", "2001:db8:2::1/64"},
	};
	struct ip_prefix cones = prefix(TALK_CONE_ADDRESS "/32");
	char name[24];

	for (uint8_t i = 0; i < TALK_INTERFACES; i++) {
		snprintf(name, sizeof(name), "%s%u", names[i], world->n_workers);
		wire_open(&world->wires[i], name, (uint16_t)world->n_workers);
		add_interface(world, i, names[i], own[i]);
	}
	for (uint8_t h = 0; h < TALK_HOSTS; h++) {
		add_neighbour(world, TALK_LAN, "198.18.0.0/32", TALK_HOST_FIRST + h);
		add_neighbour(world, TALK_LAN, "198.18.0.0/32", TALK_CONE_FIRST + h);
		add_neighbour(world, TALK_LAN2, "198.18.1.0/32", TALK_HOST_FIRST + h);
		add_neighbour(world, TALK_LAN, "2001:db8:1::/128", TALK_HOST_FIRST + h);
		add_neighbour(world, TALK_LAN2, "2001:db8:2::/128", TALK_HOST_FIRST + h);
	}
	add_local(world, &cones.addr);
	add_default_route(world, "0.0.0.0/0", "203.0.113.1/32");
	add_default_route(world, "::/0", "2001:db8::1/128");
}

void world_start(void)
{
	const struct drivers_options options = {
		.n_mbufs = 16383,
		.mtu_max = 1500,
		.reserve_bytes = UINT64_C(320) << 20,
		.main_core = -1,
	};
	struct error err;

	must(drivers_start(&options, &err) == 0, err.text);
	wire_tell_sanitizer(drivers_pool());
}

void world_open(struct world *world, unsigned n_workers)
{
	struct dataplane_options options = {
		.n_workers = n_workers,
		.flow_capacity = FLOWS,
		.routes4_max = 1024,
		.routes6_max = 1024,
	};
	struct error err;

	memset(world, 0, sizeof(*world));
	world->n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++)
		options.cores[i] = (int)(i % (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	world->dp = dataplane_new(&options, &err);
	must(world->dp != NULL, err.text);
	make_network(world);
	must(dataplane_timed_open(world->dp, RULES_BANS, TIMED_MAX) == 0, "timed set");
	must(dataplane_timed_open(world->dp, RULES_SEEN, TIMED_MAX) == 0, "timed set");
	rules_set(world->dp, 0);
	must(dataplane_start(world->dp, &err) == 0, err.text);
}

void world_close(struct world *world)
{
	dataplane_free(world->dp);
	for (unsigned i = 0; i < TALK_INTERFACES; i++)
		wire_close(&world->wires[i]);
}
