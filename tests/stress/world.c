// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/policy_fixture.h"

enum {
	FLOWS = 6000, // fewer than there are conversations in a while: the oldest give way
	BANS = 0,     // the timed set
	BANS_MAX = 128,
	POLICIES = 4,
	POLICY_EVERY = 7,
	FLOWS_AT_ONCE = 16,
};

static struct policy_fixture build;
static struct dp_nat nats[2];

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

// --- policies ---

static struct dp_nat translation(enum dp_nat_kind kind)
{
	return (struct dp_nat){
		.kind = kind,
		.family = IP_V4,
		.interface = TALK_WAN,
		.source = anything(),
		.destination = anything(),
		.protocol = anything(),
	};
}

// Only who begins in the conversations may begin: an answer never opens a flow of its own.
static void add_rules(unsigned variant)
{
	uint16_t lan = fixture_set(&build, DP_SET_INTERFACES), bans, others;
	struct dp_rule *rule;

	build.ranges[lan][0] = (struct dp_range){TALK_LAN, TALK_LAN};
	build.sets[lan].n_ranges = 1;
	bans = fixture_set(&build, DP_SET_ADDRESSES);
	build.sets[bans].timed = BANS;
	others = fixture_set(&build, DP_SET_ADDRESSES);
	build.prefixes[others][0] = prefix("198.51.100.0/28");
	build.sets[others].n_prefixes = 1;
	build.logs[0] = (struct dp_log){.prefix = "stress", .rate = 0};
	build.policy.n_logs = 1;
	build.rates[0] = (struct dp_rate){.packets = 10, .per_sec = 1, .burst = 10};
	build.policy.n_rates = 1;

	rule = fixture_rule(&build, DP_DROP);
	rule->source = in_set(bans);
	rule->log = 0;
	if (variant == 1)
		fixture_rule(&build, DP_REJECT)->destination = in_set(others);
	fixture_rule(&build, DP_ACCEPT)->in_interface = in_set(lan);
	fixture_rule(&build, DP_ACCEPT)->is_dnat = 1;
	build.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&build, 0);
}

static void set_policy(struct world *world, unsigned variant)
{
	struct error err;

	fixture_begin(&build);
	memset(build.policy.zones, DP_ZONE_NONE, sizeof(build.policy.zones));
	for (unsigned i = 0; i < TALK_INTERFACES; i++)
		build.policy.zones[i] = (uint8_t)(2 + i);
	add_rules(variant);
	nats[0] = translation(DP_NAT_SOURCE);
	nats[1] = translation(DP_NAT_FORWARD);
	nats[1].inside = prefix("198.18.1.10/32");
	nats[1].first_port = TALK_FORWARDED;
	nats[1].last_port = TALK_FORWARDED + TALK_FORWARDS - 1;
	nats[1].inside_port = TALK_INSIDE;
	build.policy.nats = nats;
	build.policy.n_nats = variant == 2 ? 1 : 2; // without the forwards for a while
	must(dataplane_policy_set(world->dp, &build.policy, &err) == 0, "policy");
}

// --- control ---

static void ban(struct world *world, unsigned i)
{
	struct dp_timed_entry entry = {.prefix = prefix("198.18.0.0/32"), .left_sec = 1 + i % 2};

	entry.prefix.addr.v4[3] = (uint8_t)(TALK_HOST_FIRST + i % TALK_HOSTS);
	dataplane_timed_add(world->dp, BANS, &entry, true);
	entry.prefix.addr.v4[3] = (uint8_t)(TALK_HOST_FIRST + (i + TALK_HOSTS / 2) % TALK_HOSTS);
	dataplane_timed_delete(world->dp, BANS, &entry.prefix);
	if (i % 16 == 0)
		dataplane_timed_flush(world->dp, BANS);
	dataplane_timed_sweep(world->dp);
}

static void neighbour_used(void *ctx, int interface, const struct ip_addr *addr)
{
}

static void read_all(struct world *world)
{
	static struct dp_flow flows[FLOWS_AT_ONCE];
	uint64_t cursor = 0;
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
	dataplane_flows(world->dp, &cursor, flows, FLOWS_AT_ONCE);
	while (dataplane_event_next(world->dp, &event))
		;
}

void world_control(struct world *world, unsigned i)
{
	struct dp_route route = {.to = prefix("203.0.113.128/25"), .kind = DP_ROUTE_BLACKHOLE};

	ban(world, i);
	read_all(world);
	if (i % POLICY_EVERY == 0) {
		set_policy(world, world->n_policies % POLICIES);
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

	addr.v4[3] = last;
	must(dataplane_neighbour_set(world->dp, iface, &addr, &mac) == 0, "neighbour");
}

static void add_interface(struct world *world, uint8_t i, const char *name, const char *own)
{
	struct dp_interface iface = {
		.port = &world->wires[i].port,
		.tap_fd = -1,
		.mac = {{2, 0, 0, 0, 0, i}},
		.mtu = 1500,
		.is_outside = i == TALK_WAN,
	};
	struct ip_prefix address = prefix(own);
	struct dp_route local = {.kind = DP_ROUTE_LOCAL, .to = address};
	struct dp_route connected = {.to = address, .n_nexthops = 1};

	local.to.len = 32;
	connected.nexthops[0].interface = i;
	snprintf(iface.name, sizeof(iface.name), "%s", name);
	must(dataplane_interface_add(world->dp, &iface) == i, "interface");
	must(dataplane_interface_set_addresses(world->dp, i, &address, 1) == 0, "address");
	must(dataplane_route_set(world->dp, &local) == 0, "local route");
	must(dataplane_route_set(world->dp, &connected) == 0, "connected route");
}

static void make_network(struct world *world)
{
	static const char *const names[] = {"wan", "lan", "lan2"};
	static const char *const own[] = {"203.0.113.2/24", "198.18.0.1/24", "198.18.1.1/24"};
	struct dp_route out = {.to = prefix("0.0.0.0/0"), .n_nexthops = 1};
	char name[24];

	for (uint8_t i = 0; i < TALK_INTERFACES; i++) {
		snprintf(name, sizeof(name), "%s%u", names[i], world->n_workers);
		wire_open(&world->wires[i], name, (uint16_t)world->n_workers);
		add_interface(world, i, names[i], own[i]);
	}
	for (uint8_t h = 0; h < TALK_HOSTS; h++) {
		add_neighbour(world, TALK_LAN, "198.18.0.0/32", TALK_HOST_FIRST + h);
		add_neighbour(world, TALK_LAN2, "198.18.1.0/32", TALK_HOST_FIRST + h);
	}
	add_neighbour(world, TALK_WAN, "203.0.113.0/32", 1);
	out.nexthops[0].interface = TALK_WAN;
	out.nexthops[0].via = prefix("203.0.113.1/32").addr;
	must(dataplane_route_set(world->dp, &out) == 0, "default route");
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
	must(dataplane_timed_open(world->dp, BANS, BANS_MAX) == 0, "timed set");
	set_policy(world, 0);
	must(dataplane_start(world->dp, &err) == 0, err.text);
}

void world_close(struct world *world)
{
	dataplane_free(world->dp);
	for (unsigned i = 0; i < TALK_INTERFACES; i++)
		wire_close(&world->wires[i]);
}
