// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reverse_path.h"

#include "tests/unit/worker_fixture.h"

// Two uplinks, two inside interfaces and a tunnel. The default route goes by the first uplink.
enum { NET1 = 0, NET2 = 1, LAN = 2, LAN2 = 3, TUNNEL = 4 };

// Gateways: a neighbour on each.
enum {
	VIA_NET1 = NEXTHOP_ADJACENCY_BASE + 10,
	VIA_NET2,
	VIA_LAN,
	VIA_LAN2,
	VIA_TUNNEL,
	BOTH_LANS = NEXTHOP_GROUP_BASE + 3,
	BOTH_NETS,
	LAN_AND_NET2,
	LAN_OR_LAN2, // the better, and the worse
	NET1_OR_LAN,
};

static void set_route(const char *to, uint16_t code)
{
	struct ip_prefix p = prefix(to);

	assert_int_equal(fib_set(&fib, &p, code), 0);
}

static uint16_t look_up(const struct ip_addr *addr)
{
	uint32_t be;

	if (addr->family == IP_V6)
		return fib_lookup6(&fib, addr->v6);
	memcpy(&be, addr->v4, sizeof(be));
	return fib_lookup4(&fib, be);
}

static void add_interface(unsigned id, bool is_outside, const char *v4, const char *v6)
{
	struct interface *iface = &snapshot.interfaces[id];

	iface->is_used = true;
	iface->is_outside = is_outside;
	iface->addresses[0] = prefix(v4);
	iface->addresses[1] = prefix(v6);
	iface->n_addresses = 2;
	set_route(v4, (uint16_t)(NEXTHOP_CONNECTED_BASE + id));
	set_route(v6, (uint16_t)(NEXTHOP_CONNECTED_BASE + id));
	adjacencies[VIA_NET1 - NEXTHOP_ADJACENCY_BASE + id].iface = (uint8_t)id;
}

static int world_start(void **state)
{
	if (fixture_start() != 0 || worker_setup(state) != 0)
		return -1;
	add_interface(NET1, true, "203.0.113.2/25", "2001:db8:1::2/64");
	add_interface(NET2, true, "203.0.113.130/25", "2001:db8:2::2/64");
	add_interface(LAN, false, "198.18.1.1/24", "2001:db8:11::1/64");
	add_interface(LAN2, false, "198.18.2.1/24", "2001:db8:12::1/64");
	add_interface(TUNNEL, false, "198.18.3.1/30", "2001:db8:13::1/64");
	fib.groups[BOTH_LANS - NEXTHOP_GROUP_BASE] =
		(struct nexthop_group){.n = 2, .codes = {VIA_LAN, VIA_LAN2}};
	fib.groups[BOTH_NETS - NEXTHOP_GROUP_BASE] =
		(struct nexthop_group){.n = 2, .codes = {VIA_NET1, NEXTHOP_CONNECTED_BASE + NET2}};
	fib.groups[LAN_AND_NET2 - NEXTHOP_GROUP_BASE] =
		(struct nexthop_group){.n = 2, .codes = {VIA_LAN, VIA_NET2}};

	fib.groups[LAN_OR_LAN2 - NEXTHOP_GROUP_BASE] =
		(struct nexthop_group){.n = 1, .codes = {VIA_LAN}, .alternatives = 1 << LAN2};
	fib.groups[NET1_OR_LAN - NEXTHOP_GROUP_BASE] =
		(struct nexthop_group){.n = 1, .codes = {VIA_NET1}, .alternatives = 1 << LAN};
	set_route("0.0.0.0/0", VIA_NET1);
	set_route("2000::/3", VIA_NET1);
	set_route("198.18.20.0/24", VIA_LAN);
	set_route("198.18.21.0/24", BOTH_LANS);
	set_route("198.18.22.0/24", VIA_TUNNEL);
	set_route("198.18.23.0/24", BOTH_NETS);
	set_route("198.18.24.0/24", LAN_AND_NET2);
	set_route("198.18.1.1/32", NEXTHOP_LOCAL);
	set_route("198.18.25.0/24", LAN_OR_LAN2);
	set_route("198.18.26.0/24", NET1_OR_LAN);
	set_route("198.18.30.0/24", NEXTHOP_LOCAL); // behind a device that is no port
	set_route("198.18.40.0/24", NEXTHOP_BLACKHOLE);
	set_route("198.18.41.0/24", NEXTHOP_UNREACHABLE);
	set_route("198.18.42.0/24", NEXTHOP_PROHIBIT);
	set_route("198.18.2.128/25", VIA_LAN); // of LAN2's own subnet, but the better way is LAN
	set_route("2001:db8:20::/48", VIA_LAN);
	set_route("2001:db8:21::/48", BOTH_LANS);
	set_route("2001:db8:22::/48", VIA_TUNNEL);
	set_route("2001:db8:11::1/128", NEXTHOP_LOCAL);
	set_route("2001:db8:40::/48", NEXTHOP_BLACKHOLE);
	return 0;
}

static void each_source_is_judged_by_the_way_back_to_it(void **state)
{
	static const struct {
		const char *src;
		uint8_t iface;
		bool strict, feasible, loose;
	} rows[] = {
		// on-link
		{"203.0.113.1", NET1, true, true, true},
		{"203.0.113.1", NET2, false, true, true},
		{"203.0.113.1", LAN, false, false, true},
		{"198.18.1.7", LAN, true, true, true},
		{"198.18.1.7", LAN2, false, false, true},
		{"198.18.1.7", NET1, false, false, true},
		{"198.18.3.2", TUNNEL, true, true, true},
		{"198.18.2.200", LAN, true, true, true},
		{"198.18.2.200", LAN2, false, true, true}, // a better way elsewhere
		// behind a router
		{"198.18.20.7", LAN, true, true, true},
		{"198.18.20.7", LAN2, false, false, true}, // no route there
		{"198.18.20.7", NET1, false, false, true},
		{"198.18.22.7", TUNNEL, true, true, true},
		{"198.18.22.7", NET1, false, false, true}, // past the tunnel
		// a worse route elsewhere
		{"198.18.25.7", LAN, true, true, true},
		{"198.18.25.7", LAN2, false, true, true},
		{"198.18.25.7", TUNNEL, false, false, true},
		{"198.18.25.7", NET1, false, false, true},
		{"198.18.26.7", NET1, true, true, true},
		{"198.18.26.7", LAN, false, true, true},
		{"198.18.26.7", NET2, false, true, true},
		{"198.18.26.7", LAN2, false, false, true},
		// the internet: one of two uplinks is the better one
		{"198.51.100.7", NET1, true, true, true},
		{"198.51.100.7", NET2, false, true, true},
		{"198.51.100.7", LAN, false, false, true},
		{"198.51.100.7", TUNNEL, false, false, true},
		// ECMP
		{"198.18.21.7", LAN, true, true, true},
		{"198.18.21.7", LAN2, true, true, true},
		{"198.18.21.7", TUNNEL, false, false, true},
		{"198.18.21.7", NET1, false, false, true},
		{"198.18.23.7", NET1, true, true, true},
		{"198.18.23.7", NET2, true, true, true},
		{"198.18.23.7", LAN, false, false, true},
		{"198.18.24.7", NET2, true, true, true},
		{"198.18.24.7", NET1, false, true, true}, // the other uplink is one of two ways
		{"198.18.24.7", LAN2, false, false, true},
		// ours, and what lies behind the machine's other devices
		{"198.18.1.1", LAN, false, false, true},
		{"198.18.1.1", NET1, false, false, true},
		{"198.18.30.7", LAN, false, false, true},
		// no way back
		{"198.18.40.7", NET1, false, false, false},
		{"198.18.41.7", LAN, false, false, false},
		{"198.18.42.7", NET1, false, false, false},
		{"127.0.0.1", LAN, false, false, false},
		{"240.0.0.1", NET1, false, false, false},
		{"224.0.0.9", LAN, false, false, false},
		{"255.255.255.255", LAN, false, false, false},
		// the same in IPv6; beyond 2000::/3 there is no route
		{"2001:db8:1::1", NET1, true, true, true},
		{"2001:db8:1::1", NET2, false, true, true},
		{"2001:db8:11::7", LAN, true, true, true},
		{"2001:db8:11::7", NET2, false, false, true},
		{"2001:db8:20::7", LAN, true, true, true},
		{"2001:db8:20::7", LAN2, false, false, true},
		{"2001:db8:21::7", LAN2, true, true, true},
		{"2001:db8:22::7", TUNNEL, true, true, true},
		{"2001:db8:22::7", NET1, false, false, true},
		{"2001:db8:ffff::7", NET1, true, true, true},
		{"2001:db8:ffff::7", NET2, false, true, true},
		{"2001:db8:ffff::7", LAN, false, false, true},
		{"2001:db8:11::1", LAN, false, false, true},
		{"2001:db8:40::7", NET1, false, false, false},
		{"fd00::7", NET1, false, false, false},
		{"fd00::7", LAN, false, false, false},
		{"::1", LAN, false, false, false},
		{"ff02::1", LAN, false, false, false},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct ip_addr src = address(rows[i].src);
		uint16_t way = look_up(&src);
		bool strict = reverse_path_accepts(
			&worker, REVERSE_PATH_STRICT, rows[i].iface, &src, way);
		bool feasible = reverse_path_accepts(
			&worker, REVERSE_PATH_FEASIBLE, rows[i].iface, &src, way);
		bool loose =
			reverse_path_accepts(&worker, REVERSE_PATH_LOOSE, rows[i].iface, &src, way);

		if (strict != rows[i].strict || feasible != rows[i].feasible ||
			loose != rows[i].loose)
			fail_msg("%s on interface %u: strict %d feasible %d loose %d", rows[i].src,
				rows[i].iface, strict, feasible, loose);
	}
}

static void a_policy_route_back_counts_as_the_tables_does(void **state)
{
	struct ip_addr src = address("198.51.100.7"); // by the table it is on NET1

	assert_true(reverse_path_accepts(&worker, REVERSE_PATH_STRICT, NET2, &src, VIA_NET2));
	assert_true(reverse_path_accepts(&worker, REVERSE_PATH_STRICT, TUNNEL, &src, VIA_TUNNEL));
	assert_false(reverse_path_accepts(&worker, REVERSE_PATH_STRICT, NET1, &src, VIA_TUNNEL));
	assert_false(reverse_path_accepts(&worker, REVERSE_PATH_FEASIBLE, NET1, &src, VIA_TUNNEL));
}

static void a_code_leads_out_by_the_interfaces_it_names(void **state)
{
	static const struct {
		uint16_t code;
		uint64_t interfaces;
	} rows[] = {
		{VIA_NET1, 1 << NET1},
		{VIA_TUNNEL, 1 << TUNNEL},
		{NEXTHOP_CONNECTED_BASE + LAN2, 1 << LAN2},
		{NEXTHOP_CONNECTED_BASE + 63, UINT64_C(1) << 63},
		{BOTH_NETS, 1 << NET1 | 1 << NET2},
		{LAN_AND_NET2, 1 << LAN | 1 << NET2},
		{LAN_OR_LAN2, 1 << LAN}, // nothing leaves by the worse one
		{NEXTHOP_LOCAL, 0},
		{NEXTHOP_NONE, 0},
		{NEXTHOP_MULTICAST, 0},
		{NEXTHOP_BLACKHOLE, 0},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		for (uint8_t id = 0; id < DP_INTERFACES_MAX; id++)
			assert_int_equal(reverse_path_leaves_by(&worker, rows[i].code, id),
				rows[i].interfaces >> id & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_source_is_judged_by_the_way_back_to_it),
		cmocka_unit_test(a_policy_route_back_counts_as_the_tables_does),
		cmocka_unit_test(a_code_leads_out_by_the_interfaces_it_names),
	};

	return cmocka_run_group_tests(tests, world_start, NULL);
}
