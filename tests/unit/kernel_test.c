// SPDX-License-Identifier: BSD-3-Clause
// What a real kernel tells and is told: devices, addresses, routes.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/instances.h"
#include "control/static_routes.h"
#include "tests/unit/kernel_fixture.h"
#include "tests/unit/recording_dataplane.h"

enum { SKIPPED = 77, LAN = 0, WAN = 1 };

static const char config_text[] =
	"ports:\n"
	"  lan: {driver: 'null'}\n"
	"  wan: {driver: 'null'}\n"
	"interfaces:\n"
	"  lan: {port: lan, addresses: [198.18.0.1/24, 2001:db8:0:2::1/64]}\n"
	"  wan: {port: wan, addresses: [203.0.113.2/24, 2001:db8:0:1::2/64]}\n"
	"routes:\n"
	"  - {to: 0.0.0.0/0, via: 203.0.113.1}\n"
	"  - {to: '::/0', via: '2001:db8:0:1::1'}\n"
	"  - {to: 198.51.100.0/24, type: blackhole}\n"
	"  - {to: 2001:db8:66::/48, type: unreachable}\n";

static int setup(void **state)
{
	struct error err = {0};

	if (kernel_fixture_start(config_text, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	kernel_fixture_stop();
	return 0;
}

// What the condition functions below look for.
static const char *wanted_prefix;
static const char *wanted_via; // of the first nexthop
static unsigned wanted_nexthops;

static bool route_is_there(void)
{
	const struct dp_route *route = recorded_route(wanted_prefix);
	char text[ADDR_STR_BYTES];

	if (route == NULL || route->n_nexthops != wanted_nexthops)
		return false;
	return wanted_via == NULL ||
	       strcmp(ip_addr_str(&route->nexthops[0].via, text), wanted_via) == 0;
}

static bool route_is_absent(void)
{
	return recorded_route(wanted_prefix) == NULL;
}

static void assert_route(const char *prefix, const char *via, unsigned n_nexthops)
{
	wanted_prefix = prefix;
	wanted_via = via;
	wanted_nexthops = n_nexthops;
	if (!kernel_fixture_wait(route_is_there, 2000))
		fail_msg("no route to %s with %u nexthops as expected", prefix, n_nexthops);
}

static void assert_local(const char *prefix)
{
	assert_route(prefix, NULL, 0);
	assert_int_equal(recorded_route(prefix)->kind, DP_ROUTE_LOCAL);
}

static void assert_no_route(const char *prefix)
{
	wanted_prefix = prefix;
	if (!kernel_fixture_wait(route_is_absent, 2000))
		fail_msg("there is still a route to %s", prefix);
}

static bool has_address(int interface, const char *text)
{
	const struct recorded_interface *on = &recording.interfaces[interface];
	char out[ADDR_STR_BYTES];

	for (unsigned i = 0; i < on->n_addresses; i++)
		if (strcmp(ip_prefix_str(&on->addresses[i], out), text) == 0)
			return true;
	return false;
}

static const char *const router_groups[] = {"ff01::2", "ff02::2", "ff05::2"}; // RFC 4291 2.7.1

static void the_device_has_the_ports_mac_and_mtu_and_is_up(void **state)
{
	const char *link = shell("ip -o link show lan");

	assert_non_null(strstr(link, "02:00:00:00:aa:01"));
	assert_non_null(strstr(link, "mtu 1500"));
	assert_non_null(strstr(link, ",UP,LOWER_UP"));
	assert_true(recording.interfaces[LAN].is_up);
	assert_string_equal(shell("cat /proc/sys/net/ipv6/conf/lan/forwarding"), "1\n");
	assert_string_equal(shell("cat /proc/sys/net/ipv6/conf/lan/accept_ra"), "0\n");
	assert_string_equal(shell("cat /proc/sys/net/ipv6/conf/all/forwarding"), "0\n");
	assert_string_equal(shell("cat /proc/sys/net/ipv6/conf/default/forwarding"), "0\n");
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(strstr(shell("ip maddr show dev lan"), router_groups[i]));
	assert_string_equal(shell("cat /proc/sys/net/ipv4/ip_forward"), "0\n");
}

static void a_device_of_that_name_is_not_taken_over(void **state)
{
	struct error err = {0};
	struct tap tap;

	assert_int_equal(tap_open(&tap, "lan", &err), -1);
	assert_non_null(strstr(err.text, "'lan' is there already"));
	shell("ip tuntap add dev mine mode tap");
	assert_int_equal(tap_open(&tap, "mine", &err), -1);
	shell("ip link del mine");
}

static void devices_and_routes_without_device_go_with_the_router(void **state)
{
	struct error err = {0};

	assert_non_null(strstr(shell("ip route"), "blackhole 198.51.100.0/24"));
	kernel_fixture_stop();
	assert_null(strstr(shell("ip -o link"), "lan"));
	assert_string_equal(shell("ip route"), "");
	assert_null(strstr(shell("ip -6 route"), "2001:db8"));
	assert_int_equal(kernel_fixture_start(config_text, &err), 0); // at once
}

static void the_configs_routes_reach_the_workers_by_the_kernel(void **state)
{
	assert_non_null(strstr(shell("ip route"), "default via 203.0.113.1 dev wan proto 77"));
	assert_route("0.0.0.0/0", "203.0.113.1", 1);
	assert_route("::/0", "2001:db8:0:1::1", 1);
	assert_int_equal(recorded_route("0.0.0.0/0")->nexthops[0].interface, WAN);
	assert_int_equal(recorded_route("198.51.100.0/24")->kind, DP_ROUTE_BLACKHOLE);
	assert_int_equal(recorded_route("2001:db8:66::/48")->kind, DP_ROUTE_UNREACHABLE);
}

static void connected_local_and_broadcast_routes_reach_the_workers(void **state)
{
	assert_route("198.18.0.0/24", "none", 1);
	assert_int_equal(recorded_route("198.18.0.1/32")->kind, DP_ROUTE_LOCAL);
	assert_int_equal(recorded_route("198.18.0.255/32")->kind, DP_ROUTE_LOCAL);
	assert_int_equal(recorded_route("198.18.0.1/32")->nexthops[0].interface, LAN);
	assert_null(recorded_route("127.0.0.0/8"));
	assert_null(recorded_route("ff00::/8"));
	assert_null(recorded_route("fe80::/64")); // it is on every link
	assert_true(recording.n_commits > 0);
}

static void routes_by_hand_are_followed(void **state)
{
	shell("ip route add 198.18.9.0/24 via 198.18.0.2");
	assert_route("198.18.9.0/24", "198.18.0.2", 1);
	shell("ip route replace 198.18.9.0/24 via 203.0.113.9");
	assert_route("198.18.9.0/24", "203.0.113.9", 1);
	shell("ip route replace 198.18.9.0/24 nexthop via 198.18.0.2 nexthop via 203.0.113.9");
	assert_route("198.18.9.0/24", "198.18.0.2", 2);
	shell("ip route add 198.18.9.0/24 via 198.18.0.7 metric 5");
	shell("ip route del 198.18.9.0/24 metric 0");
	assert_route("198.18.9.0/24", "198.18.0.7", 1);
	shell("ip route del 198.18.9.0/24");
	assert_no_route("198.18.9.0/24");
}

static void ipv6_nexthops_come_and_go_one_by_one(void **state)
{
	shell("ip -6 route add 2001:db8:9::/48 via 2001:db8:0:2::2");
	assert_route("2001:db8:9::/48", "2001:db8:0:2::2", 1);
	shell("ip -6 route append 2001:db8:9::/48 via 2001:db8:0:2::3");
	assert_route("2001:db8:9::/48", NULL, 2);
	shell("ip -6 route del 2001:db8:9::/48 via 2001:db8:0:2::2");
	assert_route("2001:db8:9::/48", "2001:db8:0:2::3", 1);
	shell("ip -6 route replace 2001:db8:9::/48 nexthop via 2001:db8:0:2::4 "
	      "nexthop via 2001:db8:0:2::5");
	assert_route("2001:db8:9::/48", NULL, 2);
	shell("ip -6 route del 2001:db8:9::/48");
	assert_no_route("2001:db8:9::/48");
}

static void routes_that_are_not_for_us_stay_behind(void **state)
{
	shell("ip route add 198.18.30.0/24 via 198.18.0.2 table 100");
	shell("ip route add 198.18.31.0/24 via 198.18.0.2 tos 0x10");
	shell("ip route add 198.18.33.0/24 via 198.18.0.2");
	assert_route("198.18.33.0/24", "198.18.0.2", 1);
	assert_null(recorded_route("198.18.30.0/24"));
	assert_null(recorded_route("198.18.31.0/24"));
}

static void add_other_device(void)
{
	shell("ip link add other type veth peer name far && ip link set far up && ip addr add "
	      "198.18.200.1/24 dev other && "
	      "ip addr add 2001:db8:0:200::1/64 dev other nodad && ip link set other up");
}

static void what_leads_over_another_device_and_its_addresses_are_the_kernels(void **state)
{
	add_other_device();
	shell("ip route add 198.18.32.0/24 via 198.18.200.2 && "
	      "ip route add 198.18.33.0/24 via 198.18.0.2 && "
	      "ip -6 route add 2001:db8:32::/48 via 2001:db8:0:200::2");
	assert_local("198.18.32.0/24");
	assert_local("198.18.200.0/24");
	assert_local("198.18.200.1/32");
	assert_local("2001:db8:32::/48");
	assert_local("2001:db8:0:200::/64");
	assert_local("2001:db8:0:200::1/128");
	shell("ip route replace 198.18.33.0/24 via 198.18.200.2"); // ours is replaced
	assert_local("198.18.33.0/24");
	shell("ip route replace default via 198.18.200.2 metric 5 && "
	      "ip route add 198.18.34.0/24 via 198.18.0.2");
	assert_route("198.18.34.0/24", "198.18.0.2", 1);
	assert_route("0.0.0.0/0", "203.0.113.1", 1);
	assert_null(recorded_route("fe80::/64"));
	assert_null(recorded_route("ff00::/8"));
	for (unsigned i = 0; i < recording.n_routes; i++)
		assert_true(recording.routes[i].kind != DP_ROUTE_LOCAL ||
			    recording.routes[i].n_nexthops == 1 ||
			    !ip_addr_is_link_local(&recording.routes[i].to.addr));
	shell("ip link set other down"); // of which it tells half
	assert_no_route("198.18.32.0/24");
	assert_no_route("198.18.33.0/24");
	shell("ip link set other up && ip route add 198.18.32.0/24 dev other");
	assert_local("198.18.32.0/24");
	shell("ip link del other");
	assert_no_route("198.18.32.0/24");
	assert_no_route("198.18.200.1/32");
}

static void the_link_to_us_goes_before_the_same_one_elsewhere(void **state)
{
	shell("ip link add other type veth peer name far && ip link set far up && ip link set "
	      "other up && "
	      "ip addr add 198.18.0.7/24 dev other");
	assert_local("198.18.0.7/32");
	assert_route("198.18.0.0/24", "none", 1);
	shell("ip link del other");
}

static void the_addresses_of_a_loopback_are_ours(void **state)
{
	shell("ip addr add 203.0.113.200/32 dev lo");
	assert_local("203.0.113.200/32");
	assert_null(recorded_route("127.0.0.1/32"));
	assert_null(recorded_route("::1/128"));
	shell("ip addr del 203.0.113.200/32 dev lo");
	assert_no_route("203.0.113.200/32");
}

static bool has_secondary(void)
{
	return has_address(LAN, "198.18.0.9/24");
}

static bool has_no_secondary(void)
{
	return !has_address(LAN, "198.18.0.9/24");
}

static void addresses_by_hand_are_followed_the_primary_first(void **state)
{
	char text[ADDR_STR_BYTES];

	shell("ip addr add 198.18.0.9/24 dev lan");
	assert_true(kernel_fixture_wait(has_secondary, 2000));
	assert_string_equal(
		ip_prefix_str(&recording.interfaces[LAN].addresses[0], text), "198.18.0.1/24");
	shell("ip addr del 198.18.0.9/24 dev lan");
	assert_true(kernel_fixture_wait(has_no_secondary, 2000));
}

static bool has_both_ipv6(void)
{
	return has_address(LAN, "2001:db8:0:2::1/64") && has_address(LAN, "fe80::ff:fe00:aa01/64");
}

// RFC 4862 5.4: until then nothing may use it, and the start did not wait for that.
static void an_ipv6_address_is_used_once_it_is_known_to_be_unique(void **state)
{
	assert_non_null(strstr(shell("ip -6 addr show dev lan"), "tentative"));
	assert_false(has_address(LAN, "2001:db8:0:2::1/64"));
	assert_true(kernel_fixture_wait(has_both_ipv6, 5000));
	assert_null(strstr(shell("ip -6 addr show dev lan"), "tentative"));
	for (unsigned i = 0; i < recording.interfaces[LAN].n_addresses; i++)
		if (recording.interfaces[LAN].addresses[i].addr.family == IP_V6) {
			// a global one before the link-local
			assert_int_equal(recording.interfaces[LAN].addresses[i].addr.v6[0], 0x20);
			break;
		}
}

// The kernel drops IPv4 routes in silence when their source address goes.
static void routes_with_the_source_of_a_removed_address_go(void **state)
{
	shell("ip addr add 198.18.5.1/32 dev lan");
	shell("ip route add 198.18.40.0/24 via 198.18.0.2 src 198.18.5.1");
	assert_route("198.18.40.0/24", "198.18.0.2", 1);
	shell("ip addr del 198.18.5.1/32 dev lan");
	assert_no_route("198.18.40.0/24");
}

static bool lan_is_up(void)
{
	return recording.interfaces[LAN].is_up;
}

static bool lan_is_down(void)
{
	return !recording.interfaces[LAN].is_up;
}

static void a_device_set_down_by_hand_comes_back_whole(void **state)
{
	shell("ip route add 198.18.41.0/24 via 203.0.113.9");
	assert_route("198.18.41.0/24", "203.0.113.9", 1);
	shell("ip link set wan down");
	assert_no_route("0.0.0.0/0"); // of which the kernel says nothing either
	assert_no_route("198.18.41.0/24");
	assert_false(recording.interfaces[WAN].is_up);
	shell("ip link set wan up");
	assert_route("0.0.0.0/0", "203.0.113.1", 1);
	assert_route("::/0", "2001:db8:0:1::1", 1);
	assert_true(recording.interfaces[WAN].is_up);
	assert_non_null(strstr(shell("ip -6 addr show dev wan"), "2001:db8:0:1::2/64"));
}

static void the_carrier_follows_the_ports_link(void **state)
{
	recording.link.is_up = false;
	interfaces_poll_links(&kernel_router.interfaces);
	assert_true(lan_is_down());
	assert_non_null(strstr(shell("ip -o link show lan"), "NO-CARRIER"));
	kernel_fixture_run(100);
	assert_route("0.0.0.0/0", "203.0.113.1", 1); // the only one stays
	recording.link.is_up = true;
	interfaces_poll_links(&kernel_router.interfaces);
	assert_true(lan_is_up());
	assert_non_null(strstr(shell("ip -o link show lan"), "LOWER_UP"));
}

static bool lan_mtu_is_1400(void)
{
	return recording.interfaces[LAN].told.mtu == 1400;
}

static bool lan_mtu_is_2000(void)
{
	return recording.interfaces[LAN].told.mtu == 2000;
}

static void the_mtu_of_the_device_is_followed_as_far_as_the_port_can(void **state)
{
	recording.port_mtu_max = 2000;
	shell("ip link set lan mtu 1400");
	assert_true(kernel_fixture_wait(lan_mtu_is_1400, 2000));
	assert_int_equal(recording.port_mtu_set, 1500); // may go on receiving more
	shell("ip link set lan mtu 2000");
	assert_true(kernel_fixture_wait(lan_mtu_is_2000, 2000));
	assert_int_equal(recording.port_mtu_set, 2000);
	shell("ip link set lan mtu 9000");
	kernel_fixture_run(200);
	assert_int_equal(recording.interfaces[LAN].told.mtu, 2000);
	assert_non_null(strstr(shell("ip -o link show lan"), "mtu 2000"));
}

static void a_device_that_somebody_removes_is_down_for_good(void **state)
{
	shell("ip link del lan");
	assert_true(kernel_fixture_wait(lan_is_down, 2000));
	assert_no_route("198.18.0.0/24");
	assert_route("0.0.0.0/0", "203.0.113.1", 1);
	interfaces_poll_links(&kernel_router.interfaces);
	assert_true(lan_is_down());
}

// The socket that listens is the one with groups.
static int events_socket(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_nl addr;
		socklen_t len = sizeof(addr);

		if (getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
			addr.nl_family == AF_NETLINK && addr.nl_groups != 0)
			return fd;
	}
	return -1;
}

static void lost_news_are_made_up_for(void **state)
{
	int small = 4096;
	char text[32];

	assert_int_equal(
		setsockopt(events_socket(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	shell("ip route add 198.18.50.0/24 via 198.18.0.2");
	assert_route("198.18.50.0/24", "198.18.0.2", 1);
	shell("ip route del 198.18.50.0/24 && for i in $(seq 60 120); do "
	      "echo route add 198.18.$i.0/24 via 198.18.0.2; done | ip -batch -");
	for (unsigned i = 60; i <= 120; i++) {
		snprintf(text, sizeof(text), "198.18.%u.0/24", i);
		assert_route(text, "198.18.0.2", 1);
	}
	assert_no_route("198.18.50.0/24");
}

static void leftovers_are_removed_and_nothing_else(void **state)
{

	shell("ip route add blackhole 198.51.100.128/25 proto 77");
	shell("ip -6 route add unreachable 2001:db8:77::/48 proto 77");
	shell("ip route add blackhole 198.51.100.0/25 proto static");
	assert_false(instances_has_other(-1));
	static_routes_remove_leftovers(kernel_router.netlink);
	assert_null(strstr(shell("ip route"), "198.51.100.128/25"));
	assert_null(strstr(shell("ip -6 route"), "2001:db8:77::/48"));
	assert_non_null(strstr(shell("ip route"), "198.51.100.0/25")); // not ours
	shell("ip route del blackhole 198.51.100.0/25");
}

static void instances_of_one_namespace_see_each_other(void **state)
{
	int first = instances_claim(), second;

	assert_true(first >= 0);
	assert_false(instances_has_other(first));
	assert_true(instances_has_other(-1));
	second = instances_claim();
	assert_true(second >= 0);
	assert_true(instances_has_other(first));
	assert_true(instances_has_other(second));
	close(first);
	assert_false(instances_has_other(second));
	close(second);
	assert_false(instances_has_other(-1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_has_the_ports_mac_and_mtu_and_is_up),
		TEST(a_device_of_that_name_is_not_taken_over),
		TEST(devices_and_routes_without_device_go_with_the_router),
		TEST(the_configs_routes_reach_the_workers_by_the_kernel),
		TEST(connected_local_and_broadcast_routes_reach_the_workers),
		TEST(routes_by_hand_are_followed),
		TEST(ipv6_nexthops_come_and_go_one_by_one),
		TEST(routes_that_are_not_for_us_stay_behind),
		TEST(what_leads_over_another_device_and_its_addresses_are_the_kernels),
		TEST(the_link_to_us_goes_before_the_same_one_elsewhere),
		TEST(the_addresses_of_a_loopback_are_ours),
		TEST(addresses_by_hand_are_followed_the_primary_first),
		TEST(an_ipv6_address_is_used_once_it_is_known_to_be_unique),
		TEST(routes_with_the_source_of_a_removed_address_go),
		TEST(a_device_set_down_by_hand_comes_back_whole),
		TEST(the_carrier_follows_the_ports_link),
		TEST(the_mtu_of_the_device_is_followed_as_far_as_the_port_can),
		TEST(a_device_that_somebody_removes_is_down_for_good),
		TEST(lost_news_are_made_up_for),
		TEST(leftovers_are_removed_and_nothing_else),
		TEST(instances_of_one_namespace_see_each_other),
	};

	if (!kernel_fixture_enter_namespace())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
