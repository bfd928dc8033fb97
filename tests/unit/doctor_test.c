// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/machine_fixture.h"

static struct machine machine;

static int setup(void **state)
{
	machine.live = (struct live){.may_run = true,
		.is_root = true,
		.sees_tables = true,
		.sees_clock = true,
		.is_clock_set = true,
		.sees_xdp = true,
		.has_xdp = true};
	return 0;
}

static int teardown(void **state)
{
	machine_close(&machine);
	return 0;
}

static void come_by_ssh(const char *own)
{
	char text[100];

	snprintf(text, sizeof(text), "SSH_CONNECTION=198.51.100.7 50022 %s 22", own);
	machine_set(&machine, "proc/self/environ", text);
}

// --- a virtual machine at a provider ---

static void a_vm_whose_one_card_it_uses_itself_cannot_run_it(void **state)
{
	live_add_address(&machine.live, "eth0", "203.0.113.2/24", true);
	machine_open(&machine, "cloud-vm");
	come_by_ssh("203.0.113.2");
	assert_int_equal(machine.cards.n, 1);
	expect_finding(&machine, VERDICT_PROBLEM, "no-free-cards", "cards", "uses every card");
	expect_finding(&machine, VERDICT_WARNING, "card-refused", "eth0", "203.0.113.2");
	expect_finding(&machine, VERDICT_WARNING, "card-session", "eth0", "SSH session");
	expect_finding(&machine, VERDICT_FINE, "iommu-virtual", "iommu", "no IOMMU");
	expect_finding(&machine, VERDICT_FINE, "cpu-flags", "cpu", "AVX-512");
	expect_finding(&machine, VERDICT_FINE, "cpu", "cpu", "AMD EPYC, 2 cores.");
	expect_finding(&machine, VERDICT_FINE, "hugepages-transparent", "memory", "transparent");
	expect_finding(&machine, VERDICT_FINE, "memory", "memory", "3933 MiB");
	expect_finding(&machine, VERDICT_FINE, "clock-source", "clock", "kvm-clock");
	expect_finding(&machine, VERDICT_FINE, "ports-free", "ports", "Nobody");
	expect_no_finding(&machine, "smt");
	expect_no_finding(&machine, "runs-already");
}

// sudo takes the session out of the environment, not out of its parents'.
static void a_session_is_found_behind_sudo(void **state)
{
	live_add_address(&machine.live, "eth0", "203.0.113.2/24", true);
	machine_open(&machine, "cloud-vm");
	machine_set(&machine, "proc/self/stat", "100 (a name) S 1 (b) S 90 100");
	machine_set(&machine, "proc/90/stat", "90 (sudo) S 80 90");
	machine_set(&machine, "proc/90/environ", "SSH_CONNECTION=nonsense");
	machine_set(&machine, "proc/80/stat", "80 (bash) S 70 80");
	assert_int_equal(machine.cards.session.own.family, IP_NONE);
	machine_set(
		&machine, "proc/80/environ", "SSH_CONNECTION=198.51.100.7 50022 203.0.113.2 22");
	assert_true(card_of(&machine, "eth0")->carries_session);
	machine_set(&machine, "proc/90/stat", "90 (sudo) S 1 90"); // nobody's child any more
	assert_false(card_of(&machine, "eth0")->carries_session);
	machine_set(&machine, "proc/90/stat", "90 (sudo) S 90 90"); // its own parent: it ends
	assert_false(card_of(&machine, "eth0")->carries_session);
}

// The same machine without the address: nothing keeps the router from it.
static void a_card_without_addresses_opens_by_what_the_drivers_would_take(void **state)
{
	machine_open(&machine, "cloud-vm");
	expect_no_finding(&machine, "no-free-cards");
	expect_finding(&machine, VERDICT_FINE, "card", "eth0", "AF_XDP, else AF_PACKET");
	expect_finding(&machine, VERDICT_WARNING, "one-card", "cards", "wants two");
	assert_string_equal(card_of(&machine, "eth0")->pci, "0000:00:03.0");
	assert_string_equal(card_of(&machine, "eth0")->pmd, "net_virtio");
	assert_string_equal(card_of(&machine, "eth0")->opens_by, "af_xdp");
	assert_non_null(strstr(card_of(&machine, "eth0")->not_pci.text, "has no IOMMU"));
	machine.live.has_xdp = false;
	machine_set(&machine, "sys/class/net/eth0/mtu", "1500");
	assert_string_equal(card_of(&machine, "eth0")->opens_by, "af_packet");
	assert_non_null(strstr(card_of(&machine, "eth0")->not_xdp.text, "CONFIG_XDP_SOCKETS"));
}

// --- a server ---

static void a_servers_cards_open_by_their_own_drivers(void **state)
{
	live_add_address(&machine.live, "eno1", "198.18.0.2/24", true);
	machine_open(&machine, "server-ixgbe");
	assert_int_equal(machine.cards.n, 3);
	expect_finding(&machine, VERDICT_FINE, "card", "enp3s0f0", "DPDK's net_ixgbe");
	expect_finding(
		&machine, VERDICT_FINE, "card", "enp3s0f0", "ixgbe, node 1, link at 10 Gbit/s");
	expect_finding(&machine, VERDICT_FINE, "card", "enp3s0f1", "switched off");
	expect_finding(&machine, VERDICT_FINE, "iommu", "iommu", "3 groups");
	expect_finding(&machine, VERDICT_FINE, "vfio-there", "iommu", "vfio-pci");
	expect_finding(&machine, VERDICT_FINE, "hugepages", "memory", "512 of 2 MB (500 free)");
	expect_finding(&machine, VERDICT_FINE, "isolated", "cpu", "2,3, without a timer's tick");
	expect_finding(
		&machine, VERDICT_FINE, "cpu", "cpu", "4 cores of two threads or more, on 2 NUMA");
	expect_finding(&machine, VERDICT_WARNING, "smt", "cpu", "workers: { cores: [1, 2, 3] }");
	expect_finding(&machine, VERDICT_FINE, "port-loopback", "port 53",
		"systemd-resolve (process 612) listens on 127.0.0.53 alone");
	// it has the default route, so it would be the WAN
	expect_finding(&machine, VERDICT_WARNING, "card-refused", "eno1", "ip addr flush dev eno1");
	machine_set(&machine, "proc/net/route", "Iface");
	// else it is its keeper's, and there are two for the router
	expect_finding(
		&machine, VERDICT_FINE, "card-kept", "eno1", "The machine's own: 198.18.0.2/24");
	expect_no_finding(&machine, "card-refused");
}

// eno1 shares its group with a disk controller that the kernel uses.
static void what_keeps_a_card_with_its_kernel_driver_is_told(void **state)
{
	machine_open(&machine, "server-ixgbe");
	assert_string_equal(card_of(&machine, "eno1")->opens_by, "af_packet"); // tg3 has no XDP
	assert_non_null(strstr(card_of(&machine, "eno1")->not_pci.text,
		"shares IOMMU group 40 with 0000:06:00.1, which the kernel uses (megaraid_sas)"));
	assert_string_equal(card_of(&machine, "enp3s0f1")->opens_by, "pci");
}

static void a_router_in_another_namespace_is_no_concern(void **state)
{
	machine_open(&machine, "server-ixgbe");
	expect_no_finding(&machine, "runs-already");
	machine_set(&machine, "proc/701/comm", "millraced"); // hides its namespace
	expect_finding(&machine, VERDICT_WARNING, "runs-already", "millraced", "process 701");
}

// Two more ports of the ixgbe card, of which the kernel shows no device here.
static void a_card_without_a_device_here_is_free_if_nobody_has_it(void **state)
{
	machine_open(&machine, "server-ixgbe");
	machine_set(&machine, "sys/bus/pci/devices/0000:04:00.0/class", "0x020000");
	machine_set(&machine, "sys/bus/pci/devices/0000:04:00.0/vendor", "0x8086");
	machine_set(&machine, "sys/bus/pci/devices/0000:04:00.0/device", "0x10fb");
	machine_set(&machine, "sys/bus/pci/devices/0000:04:00.0/iommu/x", "");
	assert_string_equal(card_of(&machine, "0000:04:00.0")->opens_by, "pci");
	machine_link(&machine, "sys/bus/pci/devices/0000:04:00.0/driver", "../../drivers/ixgbe");
	assert_string_equal(card_of(&machine, "0000:04:00.0")->opens_by, "");
	expect_finding(&machine, VERDICT_FINE, "card-elsewhere", "0000:04:00.0",
		"with ixgbe in another network namespace");
}

// --- a small box ---

static void a_small_box_hears_who_sets_its_addresses(void **state)
{
	live_add_address(&machine.live, "enp1s0", "192.168.10.77/24", false);
	machine_open(&machine, "apu-igb");
	expect_finding(&machine, VERDICT_WARNING, "dhcp-client", "enp1s0", "kill 482");
	expect_finding(
		&machine, VERDICT_WARNING, "ifupdown", "enp1s0", "/etc/network/interfaces.d/wan");
	expect_finding(&machine, VERDICT_WARNING, "iommu-off", "iommu", "AMD-Vi");
	expect_finding(&machine, VERDICT_WARNING, "hugepages-none", "memory", "vm.nr_hugepages=");
	expect_finding(&machine, VERDICT_WARNING, "clock-source-slow", "clock", "hpet");
	expect_finding(&machine, VERDICT_WARNING, "tsc-unsteady", "clock", "time stamp counter");
	expect_finding(&machine, VERDICT_FINE, "card", "enp2s0", "no link");
	expect_finding(&machine, VERDICT_FINE, "card", "enp3s0", "link at 2.5 Gbit/s");
	expect_finding(&machine, VERDICT_FINE, "not-isolated", "cpu", "isolcpus=1,2,3");
}

// --- a laptop ---

static void a_laptops_programs_are_named_with_what_stops_them(void **state)
{
	live_add_address(&machine.live, "br0", "198.18.0.2/24", true);
	machine_open(&machine, "laptop-nm");
	come_by_ssh("198.18.0.2");
	expect_finding(&machine, VERDICT_WARNING, "network-manager", "enp0s31f6",
		"nmcli device set enp0s31f6 managed no");
	expect_finding(&machine, VERDICT_WARNING, "ufw", "firewall", "ufw disable");
	expect_finding(&machine, VERDICT_WARNING, "port-taken", "port 53",
		"systemctl disable --now dnsmasq.service");
	expect_finding(&machine, VERDICT_WARNING, "port-taken", "port 67", "A program serves DHCP");
	expect_finding(&machine, VERDICT_FINE, "port-loopback", "port 547", "::1 alone");
	expect_finding(&machine, VERDICT_WARNING, "memory-small", "memory", "390 MiB");
	expect_finding(&machine, VERDICT_WARNING, "few-files", "limits", "ulimit -n");
	expect_finding(&machine, VERDICT_WARNING, "clock-source-slow", "clock", "echo tsc");
	expect_finding(&machine, VERDICT_FINE, "one-core", "cpu", "one core");
}

static void only_what_a_router_could_have_is_a_card(void **state)
{
	live_add_address(&machine.live, "br0", "198.18.0.2/24", true);
	machine_open(&machine, "laptop-nm");
	come_by_ssh("198.18.0.2");
	assert_int_equal(machine.cards.n, 3); // no wireless, no bridge, no VLAN, no TAP
	assert_true(card_of(&machine, "enx00e04c000002")->carries_session);
	assert_false(card_of(&machine, "enx00e04c000001")->carries_session);
	assert_string_equal(card_of(&machine, "enx00e04c000001")->driver, "r8152");
	assert_string_equal(card_of(&machine, "enx00e04c000001")->pci, "");
	expect_finding(&machine, VERDICT_FINE, "card-kept", "enx00e04c000002",
		"it is part of br0, your SSH session");
	expect_no_finding(&machine, "card-session");
	expect_finding(&machine, VERDICT_FINE, "card", "enx00e04c000001", "open it by AF_PACKET");
	assert_non_null(strstr(
		card_of(&machine, "enx00e04c000001")->not_xdp.text, "driver r8152 is not known"));
	// of two cards the router needs both
	machine_set(&machine, "sys/class/net/enp0s31f6/type", "772");
	expect_finding(&machine, VERDICT_WARNING, "card-refused", "enx00e04c000002",
		"ip link set enx00e04c000002 nomaster");
	expect_finding(&machine, VERDICT_WARNING, "card-session", "enx00e04c000002", "nohup");
}

static void a_wire_to_another_namespace_is_a_card_too(void **state)
{
	machine_open(&machine, "cloud-vm");
	machine_set(&machine, "sys/class/net/v0/type", "1");
	assert_int_equal(machine.cards.n, 1); // might be anything
	machine.live.cards[machine.live.n_cards++] =
		(struct live_card){.netdev = "v0", .driver = "veth"};
	machine_set(&machine, "sys/class/net/v0/ifindex", "2");
	assert_int_equal(machine.cards.n, 2);
	assert_true(card_of(&machine, "v0")->is_wire);
	assert_string_equal(card_of(&machine, "v0")->opens_by, "af_xdp");
	// what the kernel says goes before what is known
	machine.live.cards[0].sees_native_xdp = true;
	machine_set(&machine, "sys/class/net/v0/mtu", "1500");
	assert_string_equal(card_of(&machine, "v0")->opens_by, "af_packet");
	assert_non_null(strstr(card_of(&machine, "v0")->not_xdp.text, "XDP by itself"));
}

// Whoever may make devices or services gives them names; they must be no commands of the doctor's.
static void names_that_a_shell_would_obey_are_in_no_fix(void **state)
{
	machine.live.cards[machine.live.n_cards++] =
		(struct live_card){.netdev = "a;reboot", .driver = "veth"};
	live_add_address(&machine.live, "a;reboot", "198.18.0.1/24", true);
	machine_open(&machine, "laptop-nm");
	machine_set(&machine, "sys/class/net/a;reboot/type", "1");
	expect_finding(&machine, VERDICT_UNSEEN, "odd-names", "cards", "1 card was left out");
	assert_int_equal(machine.cards.n, 3);
	machine_set(&machine, "proc/801/cgroup", "0::/system.slice/x;reboot;.service");
	expect_finding(&machine, VERDICT_WARNING, "port-taken", "port 53", "kill 801");
	machine_set(&machine, "proc/801/cgroup", "0::/user.slice/user@1000.service/x.service");
	expect_finding(&machine, VERDICT_WARNING, "port-taken", "port 53", "kill 801");
}

// --- a virtual machine that cannot ---

static void what_dpdk_cannot_start_on_is_a_problem(void **state)
{
	machine_open(&machine, "virtio-vm");
	expect_finding(&machine, VERDICT_PROBLEM, "no-sse42", "cpu", "-cpu host");
	expect_finding(&machine, VERDICT_PROBLEM, "no-tun", "kernel", "modprobe tun");
	expect_finding(&machine, VERDICT_WARNING, "networkd", "enp0s4", "networkctl reload");
	assert_string_equal(card_of(&machine, "enp0s4")->opens_by, "af_packet");
	assert_non_null(strstr(card_of(&machine, "enp0s4")->not_xdp.text, "MTU 9000"));
}

static void what_is_not_seen_is_said(void **state)
{
	machine.live = (struct live){0};
	machine_open(&machine, "cloud-vm");
	expect_finding(&machine, VERDICT_UNSEEN, "no-rights", "rights", "sudo millrace doctor");
	expect_finding(&machine, VERDICT_UNSEEN, "firewall-unseen", "firewall", "not root");
	expect_finding(
		&machine, VERDICT_UNSEEN, "time-unseen", "clock", "whether the clock is set");
}

static void an_unset_clock_and_rules_of_others_are_warned_of(void **state)
{
	machine.live.is_clock_set = false;
	strcpy(machine.live.tables[machine.live.n_tables++], "inet filter");
	machine_open(&machine, "cloud-vm");
	expect_finding(&machine, VERDICT_WARNING, "time-not-kept", "clock", "set-ntp");
	expect_finding(&machine, VERDICT_WARNING, "nftables", "firewall", "(inet filter)");
}

// A machine without a single file: nothing to be read is nothing to fall over.
static void an_empty_machine_is_looked_at_to_the_end(void **state)
{
	machine_open(&machine, "empty");
	expect_finding(&machine, VERDICT_PROBLEM, "no-cards", "cards", "no network card");
	expect_finding(&machine, VERDICT_UNSEEN, "cpu-unseen", "cpu", "/proc/cpuinfo");
	expect_finding(&machine, VERDICT_UNSEEN, "memory-unseen", "memory", "/proc/meminfo");
	expect_finding(&machine, VERDICT_UNSEEN, "limits-unseen", "limits", "/proc/self/limits");
	expect_finding(&machine, VERDICT_UNSEEN, "clock-unseen", "clock", "clock source");
}

static void programs_get_every_card_whole(void **state)
{
	static struct findings findings;
	json_t *json, *card;

	live_add_address(&machine.live, "eth0", "203.0.113.2/24", true);
	machine_open(&machine, "cloud-vm");
	machine_diagnose(&machine, &findings);
	json = machine_json(&machine, &findings);
	card = json_array_get(json_object_get(json, "cards"), 0);
	assert_string_equal(json_string_value(json_object_get(card, "name")), "eth0");
	assert_string_equal(json_string_value(json_object_get(card, "dpdk_driver")), "net_virtio");
	assert_string_equal(json_string_value(json_object_get(card, "mac")), "02:fc:00:00:00:01");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(card, "addresses"), 0)),
		"203.0.113.2/24");
	assert_int_equal(json_integer_value(json_object_get(json, "problems")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "findings")), findings.n);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_vm_whose_one_card_it_uses_itself_cannot_run_it),
		TEST(a_session_is_found_behind_sudo),
		TEST(a_card_without_addresses_opens_by_what_the_drivers_would_take),
		TEST(a_servers_cards_open_by_their_own_drivers),
		TEST(what_keeps_a_card_with_its_kernel_driver_is_told),
		TEST(a_router_in_another_namespace_is_no_concern),
		TEST(a_card_without_a_device_here_is_free_if_nobody_has_it),
		TEST(a_small_box_hears_who_sets_its_addresses),
		TEST(a_laptops_programs_are_named_with_what_stops_them),
		TEST(only_what_a_router_could_have_is_a_card),
		TEST(a_wire_to_another_namespace_is_a_card_too),
		TEST(names_that_a_shell_would_obey_are_in_no_fix),
		TEST(what_dpdk_cannot_start_on_is_a_problem),
		TEST(what_is_not_seen_is_said),
		TEST(an_unset_clock_and_rules_of_others_are_warned_of),
		TEST(an_empty_machine_is_looked_at_to_the_end),
		TEST(programs_get_every_card_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
