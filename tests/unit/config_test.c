// SPDX-License-Identifier: BSD-3-Clause
// What is refused in each section of the file, and at which place.
#include "cfg/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/config_fixture.h"

static void what_is_no_yaml_is_refused_at_its_place(void **state)
{
	static const struct fault faults[] = {
		{"", 1, 1, "the file says nothing"},
		{"# only a comment\n\n", 1, 1, "the file says nothing"},
		{"---\n", 1, 1, "the file says nothing"},
		{"{}", 1, 1, "the file says nothing"},
		{"a word", 1, 1, "expected a mapping of keys to values such as `workers: ...`"},
		{"- a\n", 1, 1, "got a list"},
		{"ports:\n\twan: {}\n", 2, 1, "a tab cannot indent"},
		{"ports: {wan: {mtu: 1\n", 2, 1, "from line 1"},
		{"ports: a: b\n", 1, 9, "mapping values are not allowed"},
		{"ports:\n  wan: \"abc\n", 3, 1, "unexpected end of stream"},
		{"routes:\n  - {to: ::/0}\n", 2, 10, "put IPv6 addresses that begin or end"},
		{"routes:\n  - {via: 2001:db8::}\n", 2, 20, "put IPv6 addresses that begin or end"},
		{"ports:\n  wan: @x\n", 2, 8, "the name of a set needs no `@`"},
		{"ports:\n  wan: %x\n", 2, 8, "in quotes"},
		{"ports:\n  # \xc3\xa4 \xff\n", 2, 7, "not a text in UTF-8"},
		{"\xff\xfep", 1, 1, "not a text in UTF-8"},
		{"ports: \xc3", 1, 8, "not a text in UTF-8"},
		{"ports: {}\n\x01\n", 2, 1, "control characters are not allowed"},
		{"ports: {}\n---\nports: {}\n", 2, 1, "a second document"},
	};

	expect_faults(faults, COUNT(faults));
}

static void the_clever_parts_of_yaml_are_refused(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "flows: &f {capacity: 4096}\n", 3, 8, "remove `&f`"},
		{ROUTER "flows: {capacity: &f 4096}\n", 3, 19, "anchors are not supported"},
		{ROUTER "flows: *f\n", 3, 8, "write the value of `*f` here"},
		{ROUTER "nat: [{masquerade: *f}]\n", 3, 20, "aliases are not supported"},
		{ROUTER "*f : 1\n", 3, 1, "aliases are not supported"},
		{ROUTER "flows: {<<: {capacity: 4096}}\n", 3, 9,
			"merge keys (`<<`) are not supported"},
		{ROUTER "flows: !!map {capacity: 4096}\n", 3, 8, "remove `!!map`"},
		{ROUTER "flows: {capacity: !!int 4096}\n", 3, 19, "remove `!!int`"},
		{ROUTER "nat: !mine []\n", 3, 6, "remove `!mine`"},
		{ROUTER "nat: [{masquerade: wan, from: !mine }]\n", 3, 31, "or write `not ...`"},
		{ROUTER "? [a, b]\n: 1\n", 3, 3, "a key must be a word"},
		{ROUTER "? {a: b}\n: 1\n", 3, 3, "a key must be a word"},
		{ROUTER "\"\": 1\n", 3, 1, "a key is missing"},
		{ROUTER "memory: {hugepages: \"au\\0to\"}\n", 3, 21, "a NUL character"},
	};

	expect_faults(faults, COUNT(faults));
}

static void keys_are_known_and_there_once(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "colour: red\n", 3, 1,
			"unknown key `colour`, expected one of workers, memory"},
		{ROUTER "flow: {capacity: 4096}\n", 3, 1, "did you mean `flows`?"},
		{ROUTER "flows: {capcity: 4096}\n", 3, 9,
			"flows: unknown key `capcity`, did you mean"},
		{ROUTER "nat: [{masqurade: wan}]\n", 3, 8, "did you mean `masquerade`?"},
		{ROUTER "nat: [{masqeurade: wan}]\n", 3, 8, "did you mean `masquerade`?"},
		{ROUTER "nat: [{\"\\e[31m\": 1, masquerade: wan}]\n", 3, 8, "unknown key `?[31m`"},
		{ROUTER "flows: {capacity: 4096, capacity: 4097}\n", 3, 25,
			"`capacity` is here a second time, the first is on line 3"},
		{ROUTER "ports: {}\n", 3, 1,
			"`ports` is here a second time, the first is on line 1"},
		{"ports:\n  p: {match: {name: a}}\n  q: {match: {name: b}}\n  p: {match: {name: "
		 "c}}\n",
			4, 3, "`p` is here a second time, the first is on line 2"},
	};

	expect_faults(faults, COUNT(faults));
}

// What is under a misspelled key is read all the same.
static void a_misspelled_section_hides_no_errors_and_makes_none(void **state)
{
	static const char text[] = "prots: {p: {match: {name: eth1}, mtu: big}}\n"
				   "interfaces: {wan: {port: p}}\n";
	struct cfg_errors errors;

	assert_null(parse(text, &errors));
	assert_int_equal(errors.n, 2);
	assert_non_null(strstr(errors.list[0].text, "did you mean `ports`?"));
	assert_non_null(strstr(errors.list[1].text, "port p: `mtu`"));
	cfg_errors_free(&errors);
}

static void settings_of_the_process_have_ranges(void **state)
{
	static const struct fault faults[] = {
		{"flows: {capacity: 1023}", 1, 19,
			"a whole number from 1024 to 100000000, got `1023`"},
		{"flows: {capacity: 100000001}", 1, 19, "got `100000001`"},
		{"flows: {capacity: 18446744073709551616}", 1, 19, "got `18446744073709551616`"},
		{"flows: {capacity: 04096}", 1, 19, "got `04096`"},
		{"flows: {capacity: 0x1000}", 1, 19, "got `0x1000`"},
		{"flows: {capacity: 1_000_000}", 1, 19, "got `1_000_000`"},
		{"flows: {capacity: 1e6}", 1, 19, "got `1e6`"},
		{"flows: {capacity: +4096}", 1, 19, "got `+4096`"},
		{"flows: {capacity: -4096}", 1, 19, "got `-4096`"},
		{"flows: {capacity: \" 4096\"}", 1, 19, "got ` 4096`"},
		{"flows: {capacity: }", 1, 19, "got nothing"},
		{"flows: {capacity: ''}", 1, 19, "got ``"},
		{"flows: {capacity: [4096]}", 1, 19, "got a list"},
		{"flows: {capacity: {a: b}}", 1, 19, "got a mapping"},
		{"flows: 4096", 1, 8,
			"flows: expected a mapping of keys to values such as `capacity: ...`"},
		{"flows: [4096]", 1, 8, "got a list"},
		{"memory: {hugepages: yes}", 1, 21, "expected auto or never, got `yes`"},
		{"workers: {idle: bussy}", 1, 17,
			"adaptive or busy, got `bussy`, did you mean `busy`?"},
		{"flows: {helpers: {fpt: 21}}", 1, 19, "unknown key `fpt`, did you mean `ftp`?"},
		{"flows: {helper: {ftp: 21}}", 1, 9,
			"unknown key `helper`, did you mean `helpers`?"},
		{"flows: {helpers: {ftp: 0}}", 1, 24, "from 1 to 65535"},
		{"flows: {helpers: {ftp: true}}", 1, 24, "got `true`"},
		{"flows: {helpers: {tftp: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}", 1, 50, "more than 8"},
		{"workers: {cores: [0, 1024]}", 1, 22, "from 0 to 1023"},
		{"workers: {cores: [x, 0]}", 1, 19, "got `x`"},
		{"workers: {cores: []}", 1, 18, "an empty list says nothing"},
		{"workers: {cores: }", 1, 18, "or a list of them, got nothing"},
		{"workers: {cores: {a: 1}}", 1, 18, "or a list of them, got a mapping"},
		{"workers: {cores: [[1]]}", 1, 19, "got a list"},
		{"workers: {count: 0}", 1, 18, "from 1 to 64"},
	};

	expect_faults(faults, COUNT(faults));
}

static void ports_are_checked(void **state)
{
	static const struct fault faults[] = {
		{"ports: {p: {match: {name: eth1}, mtu: big}}", 1, 39,
			"port p: `mtu`: expected a whole number from 68 to 9600, got `big`"},
		{"ports: {p: {match: {name: eth1}, mtu: 67}}", 1, 39, "68 to 9600"},
		{"ports: {p: {match: {name: eth1}, mtu: 9601}}", 1, 39, "68 to 9600"},
		{"ports: {p: {match: {name: eth1}, queues: 0}}", 1, 42, "from 1 to 64"},
		{"ports: {p: {match: {name: eth1}, queues: 65}}", 1, 42, "from 1 to 64"},
		{"ports: {p: {match: {name: eth1}, allow-no-iommu: yes}}", 1, 50,
			"true or false, got `yes`"},
		{"ports: {p: {match: {name: eth1}, mac: 03:00:00:00:00:01}}", 1, 39,
			"the least significant bit of its first octet (03), the group bit, must be "
			"0"},
		{"ports: {p: {match: {name: eth1}, mac: ff:ff:ff:ff:ff:ff}}", 1, 39,
			"group address"},
		{"ports: {p: {match: {name: eth1}, mac: 00:00:00:00:00:00}}", 1, 39,
			"is no address"},
		{"ports: {p: {match: {name: eth1}, mac: 02-00-00-00-00-01}}", 1, 39,
			"expected a MAC address"},
		{"ports: {p: {match: {name: eth1}, driver: af-packet}}", 1, 42,
			"did you mean `af_packet`?"},
		{"ports: {p: }", 1, 9, "port p: `match` is missing, driver auto needs it"},
		{"ports: {p: {driver: af_xdp}}", 1, 9,
			"`match` is missing, driver af_xdp needs it"},
		{"ports: {p: {match: {}}}", 1, 13,
			"match: expected exactly one of name, mac, pci, got 0"},
		{"ports: {p: {match: eth1}}", 1, 20, "such as `name: ...`, got a single value"},
		{"ports: {p: {match: {name: eth1, pci: 0000:03:00.0}}}", 1, 13,
			"exactly one of name, mac, pci, got 2"},
		{"ports: {p: {match: {name: eth1}, driver: \"null\"}}", 1, 13,
			"`match` is for driver auto, pci, af_xdp and af_packet, not for null"},
		{"ports: {p: {driver: tap, match: {name: eth1}}}", 1, 26, "not for tap"},
		{"ports: {p: {match: {name: eth1/2}}}", 1, 27,
			"the name of a Linux network device"},
		{"ports: {p: {match: {name: a-much-too-long-name}}}", 1, 27, "1 to 15 characters"},
		{"ports: {p: {match: {name: \"a,iface=b\"}}}", 1, 27,
			"the name of a Linux network device"},
		{"ports: {p: {match: {name: ..}}}", 1, 27, "the name of a Linux network device"},
		{"ports: {p: {match: {pci: \"03:00.0\"}}}", 1, 26,
			"with its domain such as 0000:03:00.0"},
		{"ports: {p: {match: {pci: \"0000:03:20.0\"}}}", 1, 26, "a PCI address"},
		{"ports: {p: {match: {pci: \"0000:03:00.8\"}}}", 1, 26, "a PCI address"},
		{"ports: {p: {match: {pci: \"0000:03:00,0\"}}}", 1, 26, "a PCI address"},
		{"ports: {p: {driver: memif}}", 1, 9, "`socket` is missing, driver memif needs it"},
		{"ports: {p: {driver: memif, socket: /run/x, role: master}}", 1, 50,
			"client or server, got `master`"},
		{"ports: {p: {driver: memif, socket: \"/run/x,id=4\"}}", 1, 36, "without commas"},
		{"ports: {p: {driver: tap, socket: /run/x}}", 1, 26,
			"`socket` is for driver memif, not for tap"},
		{"ports: {p: {driver: tap, allow-no-iommu: true}}", 1, 26,
			"for driver auto and pci, not for tap"},
		{"ports: {p: {driver: pcap}}", 1, 9, "needs `rx-file`, `tx-file` or both"},
		{"ports: {p: {driver: pcap, tx-file: x, repeat: true}}", 1, 47,
			"`repeat` needs an `rx-file`"},
		{"ports: {9p: {driver: \"null\"}}", 1, 9, "port name: expected a name of 1 to 15"},
		{"ports: {a-much-too-long-name: {driver: \"null\"}}", 1, 9,
			"port name: expected a name of 1 to 15"},
		{"ports: {a b: {driver: \"null\"}}", 1, 9, "port name: expected a name of 1 to 15"},
		{"ports: [p]", 1, 8,
			"expected a mapping, each key the name of one port, got a list"},
		{"ports: {p: {match: {name: a}}, q: {match: {name: a}}}", 1, 43,
			"port q: the same `match` as port p on line 1"},
		{"ports: {p: {match: {mac: \"02:00:00:00:00:0a\"}}, q: {match: {mac: "
		 "\"02:00:00:00:00:0A\"}}}",
			1, 60, "the same `match`"},
		{"ports: {p: {match: {pci: \"0000:0a:00.0\"}}, q: {match: {pci: "
		 "\"0000:0A:00.0\"}}}",
			1, 55, "the same `match`"},
		{"ports: {p: {driver: tap}, q: {driver: tap, tap-name: p}}", 1, 54,
			"the same `tap-name`"},
		{"ports: {p: {driver: memif, socket: /s}, q: {driver: memif, socket: /s}}", 1, 68,
			"the same `socket`"},
	};

	expect_faults(faults, COUNT(faults));
}

static void interfaces_are_checked(void **state)
{
	static const struct fault faults[] = {
		{PORTS "interfaces: {wan: {}}", 2, 14, "interface wan: `port` is missing"},
		{PORTS "interfaces: {wan: {port: }}", 2, 26, "got nothing"},
		{PORTS "interfaces: {wan: {port: pp}}", 2, 26, "there is no port `pp`"},
		{PORTS "interfaces: {wan: {port: zzz}}", 2, 26, "there is no port `zzz`"},
		{PORTS "interfaces: {lo: {port: p}}", 2, 14, "`lo` is taken"},
		{PORTS "interfaces: {all: {port: p}}", 2, 14, "`all` is taken"},
		{PORTS "interfaces: {default: {port: p}}", 2, 14, "`default` is taken"},
		{PORTS "interfaces: {\"a/b\": {port: p}}", 2, 14,
			"interface name: expected a name"},
		{PORTS "interfaces: {wan: {port: p}, lan: {port: p}}", 2, 42,
			"what comes in by port p without a VLAN is interface wan's already"},
		{PORTS "interfaces: {wan: {port: p}, lan: {port: p, vlan: 0}}", 2, 42,
			"give one of them a `vlan`"},
		{PORTS "interfaces: {wan: {port: p, vlan: 7}, lan: {port: p, vlan: 7}}", 2, 60,
			"interface lan: VLAN 7 of port p is interface wan's already"},
		{PORTS "interfaces: {wan: {port: p, vlan: 4095}}", 2, 35,
			"expected a whole number from 0 to 4094, got `4095`"},
		{PORTS "interfaces: {wan: {port: p, vlan: 7, priority: 8}}", 2, 48, "from 0 to 7"},
		{PORTS "interfaces: {wan: {port: p, priority: 1}}", 2, 39,
			"`priority` is in the tag of a VLAN, so it needs `vlan`"},
		{PORTS "interfaces: {wan: {port: p, addresses: 203.0.113.2}}", 2, 40,
			"its prefix length is missing"},
		{PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.2/33]}}", 2, 41,
			"expected an address"},
		{PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.0/24]}}", 2, 41,
			"the network itself"},
		{PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.255/24]}}", 2, 41,
			"broadcast"},
		{PORTS "interfaces: {wan: {port: p, addresses: [203.0.113.3/30]}}", 2, 41,
			"broadcast"},
		{PORTS "interfaces: {wan: {port: p, addresses: [\"2001:db8::/64\"]}}", 2, 41,
			"the network itself"},
		{PORTS "interfaces: {wan: {port: p, addresses: [127.0.0.2/8]}}", 2, 41, "loopback"},
		{PORTS "interfaces: {wan: {port: p, addresses: [\"::1/128\"]}}", 2, 41, "loopback"},
		{PORTS "interfaces: {wan: {port: p, addresses: [\"::/128\"]}}", 2, 41,
			"unspecified"},
		{PORTS "interfaces: {wan: {port: p, addresses: [0.0.0.0/32]}}", 2, 41,
			"unspecified"},
		{PORTS "interfaces: {wan: {port: p, addresses: [224.0.0.5/24]}}", 2, 41,
			"multicast"},
		{PORTS "interfaces: {wan: {port: p, addresses: [\"ff02::5/64\"]}}", 2, 41,
			"multicast"},
		{PORTS "interfaces: {wan: {port: p, addresses: [255.255.255.255/32]}}", 2, 41,
			"broadcast"},
		{PORTS "interfaces: {wan: {port: p, addresses: [\"::ffff:198.18.0.1/120\"]}}", 2,
			41, "mapped"},
		{PORTS "interfaces: {wan: {port: p, addresses: [198.18.0.1/0]}}", 2, 41,
			"a prefix length of 0"},
		{PORTS "interfaces: {wan: {port: p, addresses: [198.18.0.1/24, 198.18.0.1/25]}}", 2,
			56, "198.18.0.1 is in this list already"},
		{PORTS "interfaces: {wan: {port: p, addresses: 198.18.0.1/24}, lan: {port: q, "
		       "addresses: 198.18.0.1/24}}",
			2, 82, "interface lan: 198.18.0.1 is on interface wan already"},
		{PORTS "interfaces: {wan: {port: p, addresses: 198.18.0.1/24}, lan: {port: q, "
		       "addresses: 198.18.1.1/16}}",
			2, 82,
			"the subnet of 198.18.1.1/16 overlaps with that of 198.18.0.1/24 on "
			"interface wan"},
		{PORTS "interfaces: {wan: {port: p, addresses: 2001:db8::1/32}, lan: {port: q, "
		       "addresses: 2001:db8:1::1/64}}",
			2, 83, "overlaps"},
		{PORTS "interfaces: {wan: {port: p, addresses: }}", 2, 40, "got nothing"},
		{PORTS "interfaces: {wan: {port: p, addresses: []}}", 2, 40, "an empty list"},
		{PORTS "interfaces: {wan: {port: p, address: 198.18.0.1/24}}", 2, 29,
			"did you mean `addresses`?"},
		{PORTS "interfaces: wan", 2, 13, "each key the name of one interface"},
		{"ports: {p: {match: {name: a}, mtu: 1279}}\ninterfaces: {wan: {port: p, "
		 "addresses: 2001:db8::1/64}}",
			2, 26,
			"IPv6 needs an MTU of 1280 at least (RFC 8200 section 5), port p has 1279"},
		{"ports: {p: {driver: tap}}\ninterfaces: {p: {port: p}}", 2, 24,
			"set its `tap-name`"},
	};

	expect_faults(faults, COUNT(faults));
}

static void a_port_of_a_similar_name_is_suggested(void **state)
{
	static const struct fault fault = {
		"ports: {uplink: {match: {name: eth1}}}\ninterfaces: {wan: {port: uplnik}}", 2, 26,
		"interface wan: there is no port `uplnik`, did you mean `uplink`?"};

	expect_fault(&fault, strlen(fault.text));
}

static void routes_are_checked(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "routes: [{via: 203.0.113.1}]", 3, 10, "route: `to` is missing"},
		{ROUTER "routes: [{to: default, via: 203.0.113.1}]", 3, 15,
			"write 0.0.0.0/0 (IPv4) or ::/0 (IPv6) instead of `default`"},
		{ROUTER "routes: [{to: 198.51.100.7, via: 203.0.113.1}]", 3, 15,
			"for one host write 198.51.100.7/32"},
		{ROUTER "routes: [{to: 198.51.100.7/24, via: 203.0.113.1}]", 3, 15,
			"the network is 198.51.100.0/24, the host 198.51.100.7/32"},
		{ROUTER "routes: [{to: 198.51.100.0/24}]", 3, 10,
			"expected `via`, `interface` or both"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: }]", 3, 37, "got nothing"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: []}]", 3, 37, "an empty list"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: wan}]", 3, 37,
			"expected an address such as"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.1/24}]", 3, 37,
			"without a prefix length"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 224.0.0.1}]", 3, 37, "multicast"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 127.0.0.1}]", 3, 37, "loopback"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 2001:db8:0:1::1}]", 3, 37,
			"is IPv6, but the route is to 198.51.100.0/24, IPv4"},
		{ROUTER "routes: [{to: \"::/0\", via: 203.0.113.1}]", 3, 28,
			"is IPv4, but the route is to ::/0, IPv6"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 198.19.0.1}]", 3, 37,
			"in the subnet of no interface"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 198.19.0.1, interface: wan}]", 3, 37,
			"in the subnet of no interface"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 198.18.0.9, interface: wan}]", 3, 37,
			"198.18.0.9 is not in a subnet of interface wan but of lan"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.2}]", 3, 37,
			"the router's own address"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.255}]", 3, 37,
			"the network's broadcast address"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.0}]", 3, 37,
			"the network itself"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: [203.0.113.1, 203.0.113.1]}]", 3, 51,
			"203.0.113.1 is here twice"},
		{ROUTER "routes: [{to: \"::/0\", via: fe80::1}]", 3, 28,
			"say on which link with `interface`"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.1, interface: wam}]", 3, 61,
			"there is no interface `wam`, did you mean `wan`?"},
		{ROUTER "routes: [{to: 198.51.100.0/24, interface: none}]", 3, 43,
			"there is no interface `none`"},
		{ROUTER "routes: [{to: 198.51.100.0/24, type: blackhole, via: 203.0.113.1}]", 3, 49,
			"so `via` cannot be there"},
		{ROUTER "routes: [{to: 198.51.100.0/24, type: prohibit, interface: wan}]", 3, 48,
			"so `interface` cannot be there"},
		{ROUTER "routes: [{to: 198.51.100.0/24, type: drop}]", 3, 38,
			"unicast, blackhole, unreachable or prohibit"},
		{ROUTER "routes: [{to: 224.0.0.0/4, via: 203.0.113.1}]", 3, 15, "multicast"},
		{ROUTER "routes: [{to: 198.51.100.0/24, via: 203.0.113.1, metric: 4294967296}]", 3,
			58, "from 0 to 4294967295"},
		{ROUTER "routes:\n  - {to: 198.51.100.0/24, via: 203.0.113.1}\n  - {to: "
			"198.51.100.0/25, via: 203.0.113.1}\n"
			"  - {to: 198.51.100.0/24, type: blackhole}\n",
			6, 5, "to 198.51.100.0/24 with metric 0 is on line 4 already"},
		{ROUTER "routes: {to: 198.51.100.0/24}", 3, 9,
			"expected a list, each item one route after a `-`, got a mapping"},
		{ROUTER "routes: [198.51.100.0/24]", 3, 10,
			"such as `to: ...`, got a single value"},
		// the fault is the address: no second error about the next hop that it explains
		{PORTS "interfaces: {wan: {port: p, addresses: 203.0.113.2}}\nroutes: [{to: "
		       "0.0.0.0/0, via: 203.0.113.1}]",
			2, 40, "its prefix length is missing"},
		{PORTS "interfaces: [wan]\nroutes: [{to: 0.0.0.0/0, interface: wan}]", 2, 13,
			"got a list"},
	};

	expect_faults(faults, COUNT(faults));
}

static void nat_rules_are_checked(void **state)
{
	static const struct fault faults[] = {
		{ROUTER "nat: [{from: 198.18.0.0/24}]", 3, 7,
			"expected one of masquerade, source, one-to-one"},
		{ROUTER "nat: [{masquerade: wam}]", 3, 20,
			"there is no interface `wam`, did you mean `wan`?"},
		{ROUTER "nat: [{masquerade: {wan: 1}}]", 3, 20, "got a mapping"},
		{ROUTER "nat: [{masquerade: wan, from: 198.18.0.1/24}]", 3, 31,
			"has bits set after its prefix"},
		{ROUTER "nat: [{masquerade: wan, from: [198.18.0.0/24, \"2001:db8::/32\"]}]", 3, 47,
			"2001:db8::/32 is IPv6, but the rule is for IPv4, unless it says"},
		{ROUTER "nat: [{masquerade: wan, from: default}]", 3, 31,
			"`default` is not an address, a network or a range"},
		{ROUTER "nat: [{masquerade: wan, from: []}]", 3, 31, "an empty list"},
		{ROUTER "nat: {masquerade: wan}", 3, 6, "expected a list"},
	};

	expect_faults(faults, COUNT(faults));
}

static void freeing_nothing_is_fine(void **state)
{
	struct cfg_errors errors = {0};

	config_free(NULL);
	cfg_errors_free(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_yaml_is_refused_at_its_place),
		cmocka_unit_test(the_clever_parts_of_yaml_are_refused),
		cmocka_unit_test(keys_are_known_and_there_once),
		cmocka_unit_test(a_misspelled_section_hides_no_errors_and_makes_none),
		cmocka_unit_test(settings_of_the_process_have_ranges),
		cmocka_unit_test(ports_are_checked),
		cmocka_unit_test(interfaces_are_checked),
		cmocka_unit_test(a_port_of_a_similar_name_is_suggested),
		cmocka_unit_test(routes_are_checked),
		cmocka_unit_test(nat_rules_are_checked),
		cmocka_unit_test(freeing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
