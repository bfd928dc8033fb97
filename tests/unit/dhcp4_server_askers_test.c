// SPDX-License-Identifier: BSD-3-Clause
// Who asks, and what they may have and are told: reservations, classes, relays, options.
#include "tests/unit/dhcp4_server_fixture.h"

static void reservations_are_for_whom_they_say(void **state)
{
	struct world w;
	struct dhcp4_message by_id = from(9, DHCP4_DISCOVER);

	begin(&w, QUICK ", reservations: {\n"
			"    a: {mac: \"02:00:5e:00:53:01\", address: 198.18.0.100},\n"
			"    b: {client-id: abc, address: 198.18.0.9, options: {mtu: 1300}}}}\n");
	assert_int_equal(lease(&w, 1), FIRST);
	assert_int_not_equal(lease(&w, 2), FIRST);
	assert_int_not_equal(lease(&w, 3), FIRST);
	assert_false(discover(&w, 4)); // what is reserved is given to nobody else
	dhcp4_put(&by_id, DHCP4_OPTION_CLIENT_ID, "\0abc", 4);
	assert_true(say(&w, &by_id));
	assert_int_equal(w.message.yiaddr, 0xc6120009);
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_MTU));
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_CLIENT_ID)); // RFC 6842
	end(&w);
}

static void who_is_not_to_be_served_is_not(void **state)
{
	static const struct {
		const char *text;
		bool is_1, is_2;
	} rows[] = {
		{QUICK ", deny: \"02:00:5e:00:53:01\"}\n", false, true},
		{QUICK ", allow: \"02:00:5e:00:53:01\"}\n", true, false},
		{QUICK ", only-reserved: true, reservations: {a: {mac: \"02:00:5e:00:53:02\", "
		       "address: 198.18.0.9}}}\n",
			false, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		begin(&w, rows[i].text);
		assert_int_equal(discover(&w, 1), rows[i].is_1);
		assert_int_equal(discover(&w, 2), rows[i].is_2);
		end(&w);
	}
}

static void one_card_does_not_take_all(void **state)
{
	struct world w;
	struct dhcp4_message message;

	begin(&w, QUICK ", per-host: 2}\n");
	for (unsigned client = 10; client < 20; client++) {
		message = from(client, DHCP4_DISCOVER);
		assert_int_equal(say_by(&w, &message, 7), client < 12);
	}
	message = from(1, DHCP4_DISCOVER);
	assert_true(say_by(&w, &message, 1));
	assert_int_equal(dhcp4_server_counters(w.server)->over_limit, 8);
	end(&w);
}

static void clients_are_told_what_they_ask_for(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_DISCOVER);
	static const uint8_t asks[] = {DHCP4_OPTION_DOMAIN, DHCP4_OPTION_IPV6_ONLY};

	begin(&w, QUICK ", options: {domain: home.example, ntp: 198.18.0.5, ipv6-only: 300}}\n");
	assert_true(discover(&w, 1)); // without a list: all, but for what RFC 8925 wants asked for
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_NTP));
	assert_false(dhcp4_has(&w.message, DHCP4_OPTION_IPV6_ONLY));
	dhcp4_put(&message, DHCP4_OPTION_PARAMETERS, asks, sizeof(asks));
	assert_true(say(&w, &message));
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_DOMAIN));
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_IPV6_ONLY));
	assert_false(dhcp4_has(&w.message, DHCP4_OPTION_NTP));
	assert_false(dhcp4_has(&w.message, DHCP4_OPTION_ROUTERS));
	end(&w);
}

static void boot_roms_get_the_file_of_their_kind(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_DISCOVER);

	begin(&w, QUICK ", options: {boot-file: bios.0}, classes: {\n"
			"    uefi: {vendor: PXEClient, architectures: [7, 9], "
			"options: {next-server: 198.18.0.5, boot-file: boot.efi}}}}\n");
	dhcp4_put(&message, DHCP4_OPTION_VENDOR_CLASS, "PXEClient:Arch:00007", 20);
	assert_true(say(&w, &message));
	assert_string_equal((const char *)w.message.file, "bios.0");
	dhcp4_put_u16(&message, DHCP4_OPTION_ARCHITECTURE, 7);
	assert_true(say(&w, &message));
	assert_string_equal((const char *)w.message.file, "boot.efi");
	assert_int_equal(w.message.siaddr, 0xc6120005);
	end(&w);
}

static void a_pool_may_be_for_a_class_alone(void **state)
{
	struct world w;
	struct dhcp4_message message = from(9, DHCP4_DISCOVER);

	begin(&w, ROUTER_FILE "  lan: {pool: 198.18.0.100, conflict-check: false, classes: {phone: "
			      "{user: tel}},\n"
			      "    pools: {phones: {range: 198.18.0.200, class: phone, options: "
			      "{mtu: 1300}}}}\n");
	assert_int_equal(lease(&w, 1), FIRST);
	assert_false(discover(&w, 2));
	dhcp4_put(&message, DHCP4_OPTION_USER_CLASS, "\3tel", 4);
	assert_true(say(&w, &message));
	assert_int_equal(w.message.yiaddr, 0xc61200c8);
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_MTU));
	end(&w);
}

static void relays_are_answered_with_what_they_said(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_DISCOVER);
	const uint8_t *at;
	size_t len;

	begin(&w, QUICK "}\n  far: {interface: lan, relayed: true, subnet: 198.51.100.0/24, "
			"pool: 198.51.100.50-198.51.100.51,\n"
			"    reservations: {tv: {circuit-id: port7, address: 198.51.100.9}}}\n"
			"  farther: {interface: lan, relayed: true, subnet: 203.0.113.0/24, "
			"pool: 203.0.113.50}\n");
	message.giaddr = 0xc6336401;
	dhcp4_put(&message, DHCP4_OPTION_RELAY_AGENT, "\1\5port1", 7);
	assert_true(say(&w, &message));
	assert_int_equal(w.message.yiaddr & 0xffffff00, 0xc6336400);
	assert_int_equal(w.reply.destination, 0xc6336401);
	assert_int_equal(w.reply.destination_port, DHCP4_SERVER_PORT);
	at = dhcp4_get(&w.message, DHCP4_OPTION_RELAY_AGENT, &len);
	assert_int_equal(len, 7);
	assert_memory_equal(at, "\1\5port1", 7);
	assert_false(dhcp4_has(&w.message, DHCP4_OPTION_ROUTERS)); // ours is none of theirs
	assert_int_equal(w.n_probes, 0);
	dhcp4_put(&message, DHCP4_OPTION_RELAY_AGENT, "\1\5port7", 7);
	message.chaddr[5] = 2;
	assert_true(say(&w, &message));
	assert_int_equal(w.message.yiaddr, 0xc6336409);
	// RFC 3527: the link is another than the relay's address says
	dhcp4_put(&message, DHCP4_OPTION_RELAY_AGENT, "\5\4\xcb\0\x71\0", 6);
	assert_true(say(&w, &message));
	assert_int_equal(w.message.yiaddr, 0xcb007132);
	message.giaddr = 0xc0a80001; // of nobody
	message.slots[DHCP4_OPTION_RELAY_AGENT].is_there = false;
	message.n_options--;
	assert_false(say(&w, &message));
	assert_int_equal(dhcp4_server_counters(w.server)->not_ours, 1);
	end(&w);
}

static void hosts_may_say_their_names_in_three_ways(void **state)
{
	static const struct {
		uint8_t code;
		const char *bytes;
		size_t n;
		const char *name;
	} rows[] = {
		{DHCP4_OPTION_HOST_NAME, "laptop", 6, "laptop"},
		{DHCP4_OPTION_FQDN, "\0\0\0tv.example", 13, "tv.example"},
		{DHCP4_OPTION_FQDN, "\4\0\0\2pc\7example", 14, "pc"},
		{DHCP4_OPTION_FQDN, "\4\0\0\77pc", 6, ""},
		{DHCP4_OPTION_FQDN, "\4", 1, ""},
		{DHCP4_OPTION_HOST_NAME, "a\033b", 3, "a?b"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct dhcp4_message message = from(1, DHCP4_REQUEST);

		begin(&w, QUICK "}\n");
		dhcp4_put_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, FIRST);
		dhcp4_put(&message, rows[i].code, rows[i].bytes, rows[i].n);
		assert_true(say(&w, &message));
		assert_string_equal(w.stored.host_name, rows[i].name);
		end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reservations_are_for_whom_they_say),
		cmocka_unit_test(who_is_not_to_be_served_is_not),
		cmocka_unit_test(one_card_does_not_take_all),
		cmocka_unit_test(clients_are_told_what_they_ask_for),
		cmocka_unit_test(boot_roms_get_the_file_of_their_kind),
		cmocka_unit_test(a_pool_may_be_for_a_class_alone),
		cmocka_unit_test(relays_are_answered_with_what_they_said),
		cmocka_unit_test(hosts_may_say_their_names_in_three_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
