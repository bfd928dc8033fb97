// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a DHCP server's config, and what the checks complete.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

#define DNS "dns: {listen: lan}\n"

static void mistakes_are_named(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "dhcp-server:\n  lam: {pool: 198.18.0.9}\n", 4, 3,
			"there is no interface `lam`"},
		{ROUTER "dhcp-server: {lan: {pool: 198.18.1.9}}\n", 3, 27,
			"dhcp-server lan: the range is not of hosts of its subnet 198.18.0.0/24"},
		{ROUTER "dhcp-server: {lan: {pool: [198.18.0.9, 198.18.0.200-198.18.0.255]}}\n", 3,
			40, "not of hosts"},
		{ROUTER "dhcp-server: {lan: {pool: 198.18.0.0/28}}\n", 3, 27, "not of hosts"},
		{ROUTER "dhcp-server: {lan: {pool: 2001:db8::1}}\n", 3, 27, "not of hosts"},
		{ROUTER "dhcp-server: {lan: {options: {dsn: 198.18.0.1}}}\n", 3, 31,
			"there is no option `dsn`"},
		{ROUTER "dhcp-server: {lan: {options: {mtu: large}}}\n", 3, 31,
			"option `mtu`: expected a number up to 65535, got `large`"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {address: 198.18.0.9}}}}\n", 3, 36,
			"reservation a: whose?"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {mac: \"02:00:00:00:00:01\"}}}}\n",
			3, 36, "`address` is missing"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {client-id: x, address: "
			"198.18.1.9}}}}\n",
			3, 63, "not an address of a host of its subnet"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {client-id: x, address: "
			"198.18.0.1}}}}\n",
			3, 63, "the router's own"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {client-id: 0x0, address: "
			"198.18.0.9}}}}\n",
			3, 51, "pairs of hexadecimal digits"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {client-id: x, address: 198.18.0.9}"
			",\n b: {client-id: y, address: 198.18.0.9}}}}\n",
			4, 29, "the address is `a`'s already"},
		{ROUTER "dhcp-server: {lan: {reservations: {a: {client-id: x, address: 198.18.0.9}"
			",\n b: {client-id: x, address: 198.18.0.8}}}}\n",
			4, 2, "the host has the reservation `a` already"},
		{ROUTER "dhcp-server: {lan: {pools: {p: {range: 198.18.0.9, class: x}}}}\n", 3, 59,
			"there is no class `x`"},
		{ROUTER "dhcp-server: {lan: {lease-time: 1h, rebind: 1h}}\n", 3, 45,
			"`rebind` comes before the end of `lease-time`"},
		{ROUTER "dhcp-server: {lan: {lease-time: 1h, renew: 59m}}\n", 3, 44,
			"`renew` comes before `rebind`"},
		{ROUTER "dhcp-server: {far: {interface: lan, relayed: true}}\n", 3, 15,
			"`subnet` is missing: hosts behind a relay"},
		{PORTS "interfaces: {lan: {port: p}}\ndhcp-server: {lan: {}}\n", 3, 15,
			"`subnet` is missing: its interface has no address of IPv4"},
		{ROUTER "dhcp-server: {lan: {subnet: 198.51.100.0/24}}\n", 3, 29,
			"interface lan has no address in this subnet"},
		{ROUTER "dhcp-server: {lan: {subnet: 198.18.0.0/31}}\n", 3, 29,
			"a length from 8 to 30"},
		{ROUTER "dhcp-server: {lan: {hook: hook.sh}}\n", 3, 27,
			"dhcp-server lan: `hook`: expected an absolute path"},
		{PORTS "interfaces: {wan: {port: p, dhcp4: {hook: hook.sh}}}\n", 2, 43,
			"interface wan: `hook`: expected an absolute path"},
		{ROUTER "dhcp-server:\n  lan: {}\n  far: {interface: lan, relayed: true, subnet: "
			"198.18.0.128/25}\n",
			5, 3, "its subnet and that of `lan` meet"},
	};

	expect_faults(rows, COUNT(rows));
}

static void what_the_file_leaves_out_is_completed(void **state)
{
	struct config *config = parse_good(ROUTER
		"dhcp-server:\n  lan: {pool: 198.18.0.9, lease-time: 80m, options: {dns: "
		"198.18.0.2}, reservations: {a: {client-id: 0x0aff, address: 198.18.0.7}}}\n");
	const struct cfg_dhcp_subnet *lan = &config->dhcp.subnets[0];

	assert_string_equal(lan->interface, "lan");
	assert_int_equal(lan->subnet.len, 24);
	assert_int_equal(lan->subnet.addr.v4[3], 0);
	assert_int_equal(lan->router.v4[3], 1);
	assert_int_equal(lan->renew_sec, 40 * 60);
	assert_int_equal(lan->rebind_sec, 70 * 60);
	assert_true(lan->is_authoritative);
	assert_true(lan->checks_conflicts);
	assert_int_equal(lan->options.list[0].number, 6);
	assert_memory_equal(lan->options.list[0].bytes, "\xc6\x12\0\2", 4);
	assert_int_equal(lan->reservations[0].client_id.n_bytes, 2);
	assert_memory_equal(lan->reservations[0].client_id.bytes, "\x0a\xff", 2);
	config_free(config);
}

static void what_is_hardly_meant_is_doubted(void **state)
{
	static const struct fault rows[] = {
		{ROUTER "dhcp-server: {lan: {pool: [198.18.0.9-198.18.0.20, 198.18.0.15]}}\n" DNS,
			3, 15, "two ranges meet, at 198.18.0.15 [dhcp-ranges-meet]"},
		{ROUTER "dhcp-server: {lan: {}}\n", 3, 15,
			"no addresses to give [dhcp-nothing-to-give]"},
		{ROUTER "dhcp-server: {lan: {pool: 198.18.0.9, hook: /etc/passwd}}\n" DNS, 3, 15,
			"dhcp-server lan: the hook /etc/passwd will not run: it may not be "
			"executed (chmod 755) [dhcp-hook-unusable]"},
		{PORTS "interfaces: {wan: {port: p, dhcp4: {hook: /absent}}}\n", 2, 14,
			"interface wan: the hook /absent will not run: No such file or directory "
			"[dhcp-hook-unusable]"},
		{ROUTER "nat: [{masquerade: wan}]\n"
			"zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"
			"firewall: {input: [{from: lan, port: 53, protocol: [tcp, udp], action: "
			"accept}]}\n"
			"dhcp-server: {lan: {pool: 198.18.0.9}}\n" DNS,
			6, 15, "the firewall does not let its hosts ask [lan-without-dhcp]"},
		{ROUTER "dhcp-server: {lan: {pool: 198.18.0.9}}\ndns: {listen: wan}\n", 3, 15,
			"nobody listens [dhcp-without-dns]"},
	};

	expect_warnings(rows, COUNT(rows));
	expect_no_warnings(ROUTER "nat: [{masquerade: wan}]\n"
				  "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"
				  "firewall: {input: [{from: lan, action: accept}]}\n"
				  "dhcp-server: {lan: {pool: 198.18.0.9}}\n" DNS);
	expect_no_warnings(ROUTER "dhcp-server: {lan: {pool: 198.18.0.9, options: {dns: "
				  "203.0.113.53}}}\n");
	expect_no_warnings(ROUTER "dhcp-server: {lan: {pool: [198.18.0.9, 198.18.0.10]}}\n" DNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(what_the_file_leaves_out_is_completed),
		cmocka_unit_test(what_is_hardly_meant_is_doubted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
