// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/stateful_world.h"

#include <stdlib.h>

#include "dataplane/conntrack.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"

enum {
	TIMED_CAPACITY = 8,
	START_MS = 1000000,
	MTU = 1500,
	MTU_SMALL = 1300,
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	must(ip_prefix_parse(text, &p) == 0);
	return p;
}

void world_set_policy(struct world *world, unsigned policy)
{
	static const bool hides4[WORLD_POLICIES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
	static const bool hides6[WORLD_POLICIES] = {0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1};
	struct error err;

	world->policy = policy % WORLD_POLICIES;
	world->hides4 = hides4[world->policy];
	world->hides6 = hides6[world->policy];
	must(dataplane_policy_set(world->fixture.dp, world_policy(world->policy), &err) == 0);
}

// --- changes ---

static void set_addresses(struct world *world, const char *own4, const char *own6)
{
	struct ip_prefix addresses[3];
	unsigned n = 0;

	if (own4 != NULL)
		addresses[n++] = prefix(own4);
	if (own6 != NULL)
		addresses[n++] = prefix(own6);
	addresses[n++] = prefix("203.0.113.10/24");
	must(dataplane_interface_set_addresses(world->fixture.dp, FIXTURE_WAN, addresses, n) == 0);
	dataplane_routes_commit(world->fixture.dp);
}

static void set_wan_mtu(struct world *world, uint16_t mtu)
{
	world->mtu[FIXTURE_WAN] = mtu;
	must(dataplane_interface_set_mtu(world->fixture.dp, FIXTURE_WAN, mtu) == 0);
}

static void set_neighbour(struct world *world, bool is_there)
{
	const struct mac_addr mac = {{2, 1, 0, 0, FIXTURE_WAN, 1}};
	struct ip_addr gateway = prefix("203.0.113.1/32").addr;

	if (is_there)
		must(dataplane_neighbour_set(world->fixture.dp, FIXTURE_WAN, &gateway, &mac) == 0);
	else
		dataplane_neighbour_delete(world->fixture.dp, FIXTURE_WAN, &gateway);
}

static void set_route(struct world *world, enum dp_route_kind kind)
{
	struct dp_route route = {.to = prefix("198.51.100.0/24"), .kind = kind};

	if (kind == DP_ROUTE_UNICAST)
		dataplane_route_delete(world->fixture.dp, &route.to);
	else
		must(dataplane_route_set(world->fixture.dp, &route) == 0);
	dataplane_routes_commit(world->fixture.dp);
}

static void ban(struct world *world, const char *who)
{
	const struct dp_timed_entry entry = {.prefix = prefix(who), .left_sec = DP_FOREVER};

	must(dataplane_timed_add(world->fixture.dp, WORLD_BANS, &entry, false) == 0);
}

static void unban(struct world *world, const char *who)
{
	const struct ip_prefix old = prefix(who);

	dataplane_timed_delete(world->fixture.dp, WORLD_BANS, &old);
}

void world_change(struct world *world, uint8_t what)
{
	world->changed |= 1u << what % 16;
	switch (what % 16) {
	case 0:
		set_addresses(world, "203.0.113.2/24", "2001:db8:f::2/64");
		return;
	case 1:
		set_addresses(world, "203.0.113.3/24", "2001:db8:f::3/64");
		return;
	case 2:
		set_addresses(world, NULL, NULL);
		return;
	case 3:
		set_wan_mtu(world, MTU);
		return;
	case 4:
		set_wan_mtu(world, MTU_SMALL);
		return;
	case 5:
	case 6:
		set_neighbour(world, what % 16 == 5);
		return;
	case 7:
		ban(world, "198.51.100.10/32");
		return;
	case 8:
		ban(world, "2001:db8:9::10/128");
		return;
	case 9:
		unban(world, "198.51.100.10/32");
		return;
	case 10:
	case 11:
		dataplane_schedules_set(world->fixture.dp, what % 16 == 10 ? 1 << 3 : 0);
		return;
	case 12:
		set_route(world, DP_ROUTE_UNICAST);
		return;
	default:
		set_route(world, (enum dp_route_kind)(what % 16 - 11)); // blackhole and after
		return;
	}
}

void world_pass_time(struct world *world, uint32_t ms)
{
	struct worker *w = world->fixture.w;

	w->now_ms += ms;
	w->now_sec = (uint32_t)(w->now_ms / 1000);
	hold_tick(w);
	reassembly_tick(w);
	while (w->flows.wheel_sec != w->now_sec)
		conntrack_expire(w, 64);
}

// --- beginning ---

void world_open(struct world *world)
{
	fixture_start_drivers();
	fixture_open(&world->fixture, 1, true);
	for (uint8_t i = 0; i < WORLD_INTERFACES; i++)
		world->mtu[i] = MTU;
	must(dataplane_timed_open(world->fixture.dp, WORLD_BANS, TIMED_CAPACITY) == 0);
	for (unsigned i = 0; i < 2; i++) { // the other address that the WAN may have
		const struct dp_route local = {
			.to = prefix(i == 0 ? "203.0.113.3/32" : "2001:db8:f::3/128"),
			.kind = DP_ROUTE_LOCAL,
		};

		must(dataplane_route_set(world->fixture.dp, &local) == 0);
	}
	world_change(world, 0);
	world_set_policy(world, 0);
}

static void fill_budgets(struct worker *w)
{
	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++)
		for (unsigned k = 0; k < PUNT_REASON_COUNT; k++)
			w->punt_budget[i][k].tokens = 1000;
	w->icmp_budget.tokens = w->icmp_mtu_budget.tokens = 1000;
	w->reset_budget.tokens = w->ask_budget.tokens = 1000;
}

// As the fixture has it, where that was changed.
static void restore(struct world *world)
{
	if (world->changed & 7)
		world_change(world, 0);
	if (world->changed & 1 << 4)
		world_change(world, 3);
	if (world->changed & 1 << 6)
		world_change(world, 5);
	if (world->changed & (1 << 7 | 1 << 8))
		world_change(world, 9);
	if (world->changed & 1 << 10)
		world_change(world, 11);
	if (world->changed >> 13 != 0)
		world_change(world, 12);
	world->changed = 0;
}

void world_begin(struct world *world, uint8_t choice)
{
	static const uint64_t seeds[2] = {0x1234567890abcdefu, 0xfedcba0987654321u};
	struct worker *w = world->fixture.w;
	unsigned policy = choice % WORLD_POLICIES;
	uint32_t capacity = policy == 9 || choice >= 128 ? WORLD_SMALL_TABLE : WORLD_TABLE;

	flow_table_fini(&w->flows);
	must(flow_table_init(&w->flows, capacity, seeds) == 0);
	w->now_ms = START_MS;
	w->now_sec = w->flows.wheel_sec = START_MS / 1000;
	w->random = 0x9e3779b97f4a7c15;
	memset(&w->nat, 0, sizeof(w->nat));
	w->full_again_ms = w->limit_again_ms = 0;
	memset(w->counters, 0, sizeof(w->counters));
	fill_budgets(w);
	restore(world);
	if (policy != world->policy)
		world_set_policy(world, policy);
	dataplane_worker(world->fixture.dp, 0);
}
