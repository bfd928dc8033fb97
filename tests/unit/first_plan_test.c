// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "cfg/config.h"
#include "control/doctor/first_plan.h"
#include "tests/unit/config_fixture.h"
#include "tests/unit/machine_fixture.h"

static struct machine machine;
static struct first_plan plan;
static char *text;
static const char *ssh; // in the environment, or NULL

static int setup(void **state)
{
	machine.live = (struct live){.sees_xdp = true, .has_xdp = true};
	plan = (struct first_plan){0};
	ssh = NULL;
	return 0;
}

static int teardown(void **state)
{
	free(text);
	text = NULL;
	machine_close(&machine);
	return 0;
}

// What comes to be written is taken without a warning, whatever the machine.
static void make_file(const char *name, const char *lan_address)
{
	struct ip_prefix wanted = {0};
	struct error err = {0};

	machine_open(&machine, name);
	if (ssh != NULL)
		machine_set(&machine, "proc/self/environ", ssh);
	if (lan_address != NULL)
		assert_int_equal(ip_prefix_parse(lan_address, &wanted), 0);
	if (first_plan_choose(&machine.cards, &plan, &err) != 0 ||
		first_plan_complete(
			&plan, &machine.tree, &machine.live, &machine.cards, &wanted, &err) != 0)
		fail_msg("%s", err.text);
	text = first_file_text(&plan, &machine.cards.session);
	assert_non_null(text);
	expect_no_warnings(text);
}

static void expect_text(const char *piece)
{
	if (strstr(text, piece) == NULL)
		fail_msg("the file has no\n%s\nbut is\n%s", piece, text);
}

static void the_wan_has_the_default_route_and_the_lan_a_link(void **state)
{
	live_add_address(&machine.live, "enp1s0", "192.168.10.77/24", false);
	make_file("apu-igb", NULL);
	assert_string_equal(plan.wan.card->name, "enp1s0");
	assert_string_equal(plan.lan.card->name, "enp3s0"); // enp2s0 has no link
	expect_text("  wan: { match: { mac: 00:0d:b9:40:00:00 } }\n");
	expect_text("  lan: { match: { mac: 00:0d:b9:40:00:02 } }\n");
	// what DHCP gave for a time comes from there again, with the way out
	expect_text("    dhcp4: yes ");
	assert_null(strstr(text, "192.168.10.77"));
	expect_text("dns:                            # answers the house's questions for names\n"
		    "  listen: lan\n  upstreams: learned ");
	assert_null(strstr(text, "routes:"));
}

static void the_lan_is_the_first_private_network_that_nobody_has(void **state)
{
	live_add_address(&machine.live, "enp1s0", "192.168.10.77/24", true);
	live_add_address(&machine.live, "wg0", "192.168.11.9/23", true); // .10 and .11
	live_add_address(&machine.live, "wg1", "192.168.12.0/30", true);
	make_file("apu-igb", NULL);
	expect_text("    addresses: [192.168.13.1/24]");
	expect_text("    addresses: [192.168.10.77/24]");
	expect_text("    via: 192.168.10.1\n");
	assert_null(strstr(text, "dhcp4"));
	assert_null(strstr(text, "learned"));
	expect_text("  lan: { pool: 192.168.13.100-192.168.13.199 }\n");
	assert_null(strstr(text, "for a time"));
}

static void the_lan_card_keeps_what_it_has(void **state)
{
	live_add_address(&machine.live, "enp1s0", "192.168.10.77/24", true);
	live_add_address(&machine.live, "enp3s0", "198.18.7.1/24", true);
	plan.lan.card = NULL;
	make_file("apu-igb", NULL);
	// a card that carries an address is not free: the other one is taken, with or without a
	// link
	assert_string_equal(plan.lan.card->name, "enp2s0");
	teardown(NULL);
	machine_open(&machine, "apu-igb");
	plan = (struct first_plan){.lan.card = card_of(&machine, "enp3s0")};
	assert_int_equal(first_plan_choose(&machine.cards, &plan, NULL), 0);
	assert_int_equal(first_plan_complete(&plan, &machine.tree, &machine.live, &machine.cards,
				 &(struct ip_prefix){0}, NULL),
		0);
	text = first_file_text(&plan, &machine.cards.session);
	expect_no_warnings(text);
	expect_text("    addresses: [198.18.7.1/24]");
}

static void a_wanted_lan_must_not_meet_another_network(void **state)
{
	struct ip_prefix wanted;
	struct error err = {0};

	live_add_address(&machine.live, "enp1s0", "192.168.10.77/24", true);
	make_file("apu-igb", "198.18.0.1/24");
	expect_text("    addresses: [198.18.0.1/24]");
	assert_int_equal(ip_prefix_parse("192.168.10.130/25", &wanted), 0);
	assert_int_equal(first_plan_complete(&plan, &machine.tree, &machine.live, &machine.cards,
				 &wanted, &err),
		-1);
	assert_string_equal(
		err.text, "192.168.10.130/25 is in a network that this machine has elsewhere");
}

// A single address, as some providers give it, with a gateway that is in no network of it.
static void a_gateway_that_the_router_cannot_use_is_named(void **state)
{
	live_add_address(&machine.live, "enp1s0", "203.0.113.2/32", true);
	make_file("apu-igb", NULL);
	expect_text("# The gateway until now, 192.168.10.1, is in no network");
	expect_text("\n# routes:");
}

// The MAC is the host's invention, and the machine has a device `wan` already.
static void cards_are_known_by_their_slot_where_macs_are_made_up(void **state)
{
	live_add_address(&machine.live, "wan", "2001:db8:0:1::2/64", true);
	live_add_address(&machine.live, "wan", "2001:db8:0:1::777/64", false);
	make_file("virtio-vm", NULL);
	assert_string_equal(plan.wan.card->name, "wan");
	expect_text("  wan2: { match: { pci: 0000:00:03.0 } }\n");
	expect_text("  lan: { match: { pci: 0000:00:04.0 } }\n");
	expect_text("    addresses: [2001:db8:0:1::2/64]    # what wan had\n");
	expect_text("  - to: ::/0\n    via: fe80::1\n    interface: wan2\n");
	expect_text("  - { masquerade: wan2 }");
}

// Two cards on USB with one MAC: only their names tell them apart.
static void a_mac_that_two_cards_have_is_no_match(void **state)
{
	make_file("laptop-nm", NULL);
	assert_string_equal(plan.wan.card->name, "enx00e04c000001");
	expect_text("  wan: { match: { name: enx00e04c000001 } }\n");
	expect_text("  lan: { match: { mac: 54:e1:ad:00:00:01 } }\n");
	expect_text("    dhcp4: yes ");
}

static void who_came_by_ssh_over_the_wan_is_let_in_again(void **state)
{
	live_add_address(&machine.live, "eno1", "198.18.0.2/24", true);
	ssh = "SSH_CONNECTION=198.51.100.7 50022 198.18.0.2 22";
	make_file("server-ixgbe", NULL);
	assert_string_equal(plan.wan.card->name, "eno1");
	assert_string_equal(plan.lan.card->name, "enp3s0f0");
	expect_text("    - { from: internet, source: 198.51.100.7, protocol: tcp, port: ssh, "
		    "action: accept }\n");
}

static void who_came_by_ssh_over_another_card_keeps_it(void **state)
{
	live_add_address(&machine.live, "enp3s0f0", "198.18.5.2/24", true);
	ssh = "SSH_CONNECTION=198.18.5.9 50022 198.18.5.2 22";
	make_file("server-ixgbe", NULL);
	assert_string_equal(plan.lan.card->name, "enp3s0f1");
	assert_null(strstr(text, "ssh"));
}

static void one_card_makes_no_router(void **state)
{
	struct error err = {0};

	machine_open(&machine, "cloud-vm");
	assert_int_equal(first_plan_choose(&machine.cards, &plan, &err), -1);
	assert_non_null(strstr(err.text, "wants two network cards, and there is one here"));
	teardown(NULL);
	machine_open(&machine, "empty");
	assert_int_equal(first_plan_choose(&machine.cards, &plan, &err), -1);
	assert_non_null(strstr(err.text, "there is none here"));
}

static void cards_are_found_by_name_and_by_slot(void **state)
{
	machine_open(&machine, "server-ixgbe");
	assert_ptr_equal(
		first_plan_find(&machine.cards, "0000:03:00.1"), card_of(&machine, "enp3s0f1"));
	assert_null(first_plan_find(&machine.cards, ""));
	assert_null(first_plan_find(&machine.cards, "enp3s0"));
	plan.wan.card = plan.lan.card = card_of(&machine, "enp3s0f1");
	assert_int_equal(first_plan_complete(&plan, &machine.tree, &machine.live, &machine.cards,
				 &(struct ip_prefix){0}, NULL),
		-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_wan_has_the_default_route_and_the_lan_a_link),
		TEST(the_lan_is_the_first_private_network_that_nobody_has),
		TEST(the_lan_card_keeps_what_it_has),
		TEST(a_wanted_lan_must_not_meet_another_network),
		TEST(a_gateway_that_the_router_cannot_use_is_named),
		TEST(cards_are_known_by_their_slot_where_macs_are_made_up),
		TEST(a_mac_that_two_cards_have_is_no_match),
		TEST(who_came_by_ssh_over_the_wan_is_let_in_again),
		TEST(who_came_by_ssh_over_another_card_keeps_it),
		TEST(one_card_makes_no_router),
		TEST(cards_are_found_by_name_and_by_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
