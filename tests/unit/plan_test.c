// SPDX-License-Identifier: BSD-3-Clause
// What a running router has to do to be what another config says.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/apply/plan.h"

#define PORTS                                                                                      \
	"ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}, idle: {mtu: 1400, match: "    \
	"{name: eth3}}}\n"
#define INTERFACES                                                                                 \
	"interfaces: {wan: {port: p, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64]}, "           \
	"lan: {port: q, addresses: 198.18.0.1/24}}\n"
#define ROUTER PORTS INTERFACES

static struct config *before, *after;
static struct plan *plan;

static struct config *parse(const char *text)
{
	struct cfg_errors errors = {0};
	struct config *config = config_parse("test.yaml", text, strlen(text), &errors);

	if (config == NULL)
		fail_msg("%s: %s", errors.list[0].text, text);
	cfg_errors_free(&errors);
	return config;
}

static int forget(void **state)
{
	plan_free(plan);
	config_free(before);
	config_free(after);
	plan = NULL;
	before = after = NULL;
	return 0;
}

static void make(const char *text_before, const char *text_after)
{
	forget(NULL);
	before = parse(text_before);
	after = parse(text_after);
	plan = plan_new(before, after);
	assert_non_null(plan);
}

static void what_is_for_life_needs_a_restart(void **state)
{
	static const struct {
		const char *before, *after, *path;
	} rows[] = {
		{ROUTER, ROUTER "workers: {idle: busy}\n", "workers.idle"},
		{ROUTER, ROUTER "memory: {hugepages: never}\n", "memory.hugepages"},
		{ROUTER, ROUTER "flows: {capacity: 4096}\n", "flows.capacity"},
		{ROUTER, ROUTER "state: {file: /tmp/other.db}\n", "state.file"},
		{ROUTER "sets: {s: {addresses: [], timeout: 1h}}\n",
			ROUTER "sets: {s: {addresses: [], timeout: 1h, capacity: 9}}\n",
			"sets.s.capacity"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(rows[i].before, rows[i].after);
		assert_int_equal(plan->n_restarts, 1);
		assert_string_equal(plan->restarts[0], rows[i].path);
		make(rows[i].after, rows[i].after);
		assert_int_equal(plan->n_restarts, 0);
	}
}

// Two workers run on two cores, and the router may use these.
static int look_at_cores(const char *text_before, const char *text_after)
{
	struct cores now = {.workers = {0, 1}, .n_cores = 2, .n_workers = 2};
	struct error err = {0};
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	CPU_SET(0, &allowed);
	CPU_SET(1, &allowed);
	make(text_before, text_after);
	return plan_cores(plan, before, after, &now, &allowed, &err);
}

static void workers_move_among_as_many_cores_as_there_are_workers(void **state)
{
	static const struct {
		const char *before, *after;
		bool move, needs_restart;
		unsigned n;
		int first;
	} rows[] = {
		{"", "", false, false, 0, 0},
		{"", "workers: {cores: [0]}\n", true, false, 1, 0},
		{"workers: {cores: [0, 1]}\n", "workers: {cores: [1]}\n", true, false, 1, 1},
		{"workers: {cores: [0, 1]}\n", "workers: {cores: [1, 0]}\n", true, false, 2, 1},
		{"workers: {cores: [0, 1]}\n", "workers: {count: 2, cores: [0, 1]}\n", false, false,
			2, 0},
		{"workers: {cores: [0, 1]}\n", "", true, false, 1, 1}, // all but the first
		{"workers: {cores: [0, 1]}\n", "workers: {count: 2, cores: 0}\n", true, false, 1,
			0},
		{"", "workers: {cores: [0, 1, 0]}\n", true, true, 3, 0},
		{"", "workers: {count: 1, cores: 0}\n", true, true, 1, 0},
		{"", "workers: {count: 3, cores: [0, 1]}\n", false, true, 2, 0},
	};

	if (sysconf(_SC_NPROCESSORS_CONF) < 2)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char texts[2][512];

		snprintf(texts[0], sizeof(texts[0]), ROUTER "%s", rows[i].before);
		snprintf(texts[1], sizeof(texts[1]), ROUTER "%s", rows[i].after);
		assert_int_equal(look_at_cores(texts[0], texts[1]), 0);
		assert_int_equal(plan->workers.move, rows[i].move);
		assert_int_equal(plan->n_restarts, rows[i].needs_restart);
		assert_int_equal(plan->workers.after.n_cores, rows[i].n);
		assert_int_equal(plan->workers.after.workers[0], rows[i].first);
	}
}

static void cores_that_are_not_there_are_named(void **state)
{
	assert_int_equal(look_at_cores(ROUTER, ROUTER "workers: {cores: 1023}\n"), -1);
}

static void what_no_interface_is_on_may_be_anything(void **state)
{
	make(ROUTER, "ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}, idle: {driver: "
		     "tap}}\n" INTERFACES);
	assert_int_equal(plan->n_restarts + plan->n_mtus, 0);
	make(ROUTER, "ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}}\n" INTERFACES);
	assert_int_equal(plan->n_restarts + plan->n_mtus, 0);
}

static void an_mtu_that_is_said_is_no_reason_for_a_restart(void **state)
{
	make(ROUTER, "ports: {p: {mtu: 1400, match: {name: eth1}}, q: {match: {name: "
		     "eth2}}}\n" INTERFACES);
	assert_int_equal(plan->n_restarts, 0);
	assert_int_equal(plan->n_mtus, 1);
	assert_string_equal(plan->mtus[0].interface, "wan");
	assert_int_equal(plan->mtus[0].after, 1400);
}

// A letter for each interface of the plan: comes, goes, is made anew; capital: it goes first.
static const char *exchanged(void)
{
	static char text[16];
	unsigned n = 0;

	for (; n < plan->n_interfaces; n++) {
		const struct plan_interface *one = &plan->interfaces[n];
		char letter = one->before == NULL ? 'c' : one->after == NULL ? 'g' : 'a';

		text[n] = one->goes_first ? (char)(letter - 32) : letter;
	}
	text[n] = '\0';
	return text;
}

#define LAN	"lan: {port: q, addresses: 198.18.0.1/24}"
#define P(keys) "ports: {p: {" keys "}, q: {match: {name: eth2}}}\n" INTERFACES

static void interfaces_come_go_and_are_made_anew(void **state)
{
	static const struct {
		const char *before, *after, *plan;
	} rows[] = {
		{ROUTER, ROUTER, ""},
		{ROUTER, PORTS "interfaces: {" LAN "}\n", "g"},
		{PORTS "interfaces: {" LAN "}\n", ROUTER, "c"},
		{ROUTER, P("match: {name: eth9}"), "A"},
		{ROUTER, P("match: {mac: '02:00:00:00:00:01'}"), "A"},
		{ROUTER, P("driver: af_packet, match: {name: eth1}"), "A"},
		{ROUTER, P("mac: '02:00:00:00:00:01', match: {name: eth1}"), "A"},
		{ROUTER, P("queues: 1, match: {name: eth1}"), "A"},
		{ROUTER, P("allow-no-iommu: true, match: {name: eth1}"), "A"},
		{P("driver: tap, tap-name: a"), P("driver: tap, tap-name: b"), "A"},
		// what MTU the card had, nobody has noted
		{P("mtu: 1400, match: {name: eth1}"), ROUTER, "A"},
		{ROUTER, P("mtu: 1400, match: {name: eth1}"), ""},
		{ROUTER,
			PORTS "interfaces: {wan: {port: idle, addresses: [203.0.113.2/24, "
			      "2001:db8:0:1::2/64]}, " LAN "}\n",
			"A"},
		// to the internet, now
		{ROUTER, ROUTER "nat: [{masquerade: wan}]\n", "A"},
		{ROUTER "nat: [{masquerade: wan}]\n", ROUTER, "A"},
		// one goes and another comes: by another card, by the same, by what may be the same
		{ROUTER, PORTS "interfaces: {other: {port: idle}, " LAN "}\n", "gc"},
		{ROUTER, PORTS "interfaces: {other: {port: p}, " LAN "}\n", "Gc"},
		{ROUTER,
			"ports: {r: {match: {mac: '02:00:00:00:00:01'}}, q: {match: {name: "
			"eth2}}}\n"
			"interfaces: {other: {port: r}, " LAN "}\n",
			"Gc"},
		{ROUTER,
			"ports: {r: {driver: tap}, q: {match: {name: eth2}}}\n"
			"interfaces: {other: {port: r}, " LAN "}\n",
			"Gc"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(rows[i].before, rows[i].after);
		assert_string_equal(exchanged(), rows[i].plan);
		assert_int_equal(plan->n_restarts, 0);
	}
}

#define WITH(interfaces) PORTS "interfaces: {" LAN interfaces "}\n"
#define GUESTS		 ", guests: {port: q, vlan: 20}"

// The port stays for those that stay on it.
static void vlans_come_and_go_beside_each_other(void **state)
{
	static const struct {
		const char *before, *after, *plan;
	} rows[] = {
		{WITH(""), WITH(GUESTS), "c"},
		{WITH(GUESTS), WITH(""), "g"},
		{WITH(GUESTS), WITH(GUESTS), ""},
		{WITH(GUESTS), WITH(", guests: {port: q, vlan: 21}"), "A"},
		{WITH(GUESTS), WITH(", guests: {port: q, vlan: 20, priority: 1}"), "A"},
		{WITH(GUESTS), WITH(", guests: {port: p, vlan: 20}"), "A"},
		// another VLAN is nobody's place, the same one is
		{WITH(GUESTS), WITH(", things: {port: q, vlan: 30}"), "gc"},
		{WITH(GUESTS), WITH(", things: {port: q, vlan: 20}"), "Gc"},
		{WITH(GUESTS), PORTS "interfaces: {home: {port: q}" GUESTS "}\n", "Gc"},
		{PORTS "interfaces: {lan: {port: q, vlan: 0}}\n",
			PORTS "interfaces: {lan: {port: q}}\n", "A"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(rows[i].before, rows[i].after);
		assert_string_equal(exchanged(), rows[i].plan);
	}
}

static void a_port_that_is_changed_takes_all_on_it_along(void **state)
{
	make(WITH(GUESTS),
		"ports: {q: {queues: 1, match: {name: eth2}}}\ninterfaces: {" LAN GUESTS "}\n");
	assert_string_equal(exchanged(), "AA");
	make(WITH(GUESTS),
		"ports: {q: {mtu: 1400, match: {name: eth2}}}\ninterfaces: {" LAN GUESTS "}\n");
	assert_string_equal(exchanged(), "");
	assert_int_equal(plan->n_mtus, 2);
	assert_string_equal(plan->mtus[0].interface, "lan");
	assert_string_equal(plan->mtus[1].interface, "guests");
}

// As many as there may be, and one of them under another name: there is no room for one more.
static void where_there_is_no_room_all_that_go_make_it(void **state)
{
	char text[2][8192];

	for (int k = 0; k < 2; k++) {
		size_t at = (size_t)snprintf(text[k], sizeof(text[k]), "ports: {");

		for (int i = 0; i <= CFG_INTERFACES_MAX; i++)
			if (i != CFG_INTERFACES_MAX - k)
				at += (size_t)snprintf(text[k] + at, sizeof(text[k]) - at,
					"p%d: {match: {name: a%d}},", i, i);
		at += (size_t)snprintf(text[k] + at, sizeof(text[k]) - at, "}\ninterfaces: {");
		for (int i = 0; i <= CFG_INTERFACES_MAX; i++)
			if (i != CFG_INTERFACES_MAX - k)
				at += (size_t)snprintf(text[k] + at, sizeof(text[k]) - at,
					"i%d: {port: p%d},", i, i);
		snprintf(text[k] + at, sizeof(text[k]) - at, "}\n");
	}
	make(text[0], text[1]);
	assert_string_equal(exchanged(), "Gc");
}

static void what_comes_brings_its_addresses_and_what_goes_takes_them(void **state)
{
	make(ROUTER, PORTS "interfaces: {new: {port: idle, addresses: 198.19.0.1/24}, " LAN "}\n");
	assert_int_equal(plan->n_added, 1);
	assert_string_equal(plan->added[0].interface, "new");
	assert_int_equal(plan->n_removed, 0);
	make(ROUTER, P("match: {name: eth9}"));
	assert_int_equal(plan->n_added, 2);
	assert_int_equal(plan->n_removed, 0);
}

static void addresses_come_and_go_one_by_one(void **state)
{
	make(ROUTER, PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.2/25, "
			   "2001:db8:0:1::2/64]}, lan: {port: q, addresses: [198.18.0.1/24, "
			   "198.18.1.1/24]}}\n");
	assert_int_equal(plan->n_restarts, 0);
	assert_int_equal(plan->n_added, 2);
	assert_int_equal(plan->n_removed, 1);
	assert_string_equal(plan->removed[0].interface, "wan");
	assert_int_equal(plan->removed[0].prefix.len, 24);
}

static void routes_come_go_and_change(void **state)
{
	static const struct {
		const char *before, *after;
		const char
			*plan; // a letter each: added, removed, changed, in the order of prefixes
	} rows[] = {
		{"[]", "[{to: 192.0.2.0/24, via: 203.0.113.1}]", "a"},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}]", "[]", "r"},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}]", "[{to: 192.0.2.0/24, via: 203.0.113.9}]",
			"c"},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}]", "[{to: 192.0.2.0/24, via: 203.0.113.1}]",
			""},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}]", "[{to: 192.0.2.0/24, type: blackhole}]",
			"c"},
		// the kernel knows IPv6's routes without a metric by 1024
		{"[{to: '2001:db8:9::/48', via: '2001:db8:0:1::1'}]",
			"[{to: '2001:db8:9::/48', via: '2001:db8:0:1::1', metric: 1024}]", ""},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}]",
			"[{to: 192.0.2.0/24, via: 203.0.113.1, metric: 1024}]", "ra"},
		{"[{to: 192.0.2.0/24, via: 203.0.113.1}, {to: 192.0.2.0/25, type: blackhole}]",
			"[{to: 192.0.2.0/25, type: blackhole}, {to: 10.0.0.0/8, type: blackhole}]",
			"ar"},
		{"[{to: 0.0.0.0/0, via: [203.0.113.1, 203.0.113.9]}]",
			"[{to: 0.0.0.0/0, via: [203.0.113.1]}]", "c"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char one[512], other[512], got[8] = "";

		snprintf(one, sizeof(one), "%sroutes: %s\nnat: [{masquerade: wan}]\n", ROUTER,
			rows[i].before);
		snprintf(other, sizeof(other), "%sroutes: %s\nnat: [{masquerade: wan}]\n", ROUTER,
			rows[i].after);
		make(one, other);
		for (unsigned k = 0; k < plan->n_routes; k++)
			got[k] = plan->routes[k].before == NULL	 ? 'a'
				 : plan->routes[k].after == NULL ? 'r'
								 : 'c';
		assert_string_equal(got, rows[i].plan);
	}
}

// The same words, and another way: the subnet that the gateway is in has moved.
static void a_route_follows_its_gateway_to_another_interface(void **state)
{
	make(PORTS "interfaces: {wan: {port: p, addresses: 203.0.113.2/24}, lan: {port: q, "
		   "addresses: 198.18.0.1/24}}\nroutes: [{to: 192.0.2.0/24, via: 198.18.0.9}]\n",
		PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.2/24, 198.18.0.2/24]}, "
		      "lan: {port: q}}\nroutes: [{to: 192.0.2.0/24, via: 198.18.0.9}]\n");
	assert_int_equal(plan->n_routes, 1);
	assert_non_null(plan->routes[0].before);
	assert_non_null(plan->routes[0].after);
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_for_life_needs_a_restart),
		TEST(workers_move_among_as_many_cores_as_there_are_workers),
		TEST(cores_that_are_not_there_are_named),
		TEST(what_no_interface_is_on_may_be_anything),
		TEST(an_mtu_that_is_said_is_no_reason_for_a_restart),
		TEST(interfaces_come_go_and_are_made_anew),
		TEST(vlans_come_and_go_beside_each_other),
		TEST(a_port_that_is_changed_takes_all_on_it_along),
		TEST(where_there_is_no_room_all_that_go_make_it),
		TEST(what_comes_brings_its_addresses_and_what_goes_takes_them),
		TEST(addresses_come_and_go_one_by_one),
		TEST(routes_come_go_and_change),
		TEST(a_route_follows_its_gateway_to_another_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
