// SPDX-License-Identifier: BSD-3-Clause
// What the server makes of each message, and of time.
#include "tests/unit/dhcp4_server_fixture.h"

static void a_client_gets_an_address_and_what_belongs_to_it(void **state)
{
	struct world w;
	uint32_t value, address;

	begin(&w, QUICK ", lease-time: 4h, renew: 1h, rebind: 2h}\n");
	address = lease(&w, 1);
	assert_in_range(address, FIRST, LAST);
	assert_int_equal(w.stored.address, address);
	assert_int_equal(w.stored.state, DHCP4_LEASE_BOUND);
	assert_int_equal(w.n_stored, 1); // an offer is not kept
	assert_int_equal(w.n_events[DHCP4_GIVEN], 1);
	assert_int_equal(w.reply.source, ROUTER_ADDRESS);
	assert_int_equal(w.reply.destination, address); // RFC 2131 section 4.1
	assert_int_equal(w.reply.mac.bytes[5], 1);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_SERVER_ID, &value));
	assert_int_equal(value, ROUTER_ADDRESS);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_LEASE_TIME, &value));
	assert_int_equal(value, 4 * 3600);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_RENEWAL_TIME, &value));
	assert_int_equal(value, 3600);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_REBINDING_TIME, &value));
	assert_int_equal(value, 7200);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_NETMASK, &value));
	assert_int_equal(value, 0xffffff00);
	assert_true(dhcp4_get_u32(&w.message, DHCP4_OPTION_ROUTERS, &value));
	assert_int_equal(value, ROUTER_ADDRESS);
	end(&w);
}

static void no_address_has_two_clients(void **state)
{
	struct world w;
	uint32_t a, b, c;

	begin(&w, QUICK "}\n");
	a = lease(&w, 1);
	b = lease(&w, 2);
	c = lease(&w, 3);
	assert_int_not_equal(a, b);
	assert_int_not_equal(b, c);
	assert_int_not_equal(a, c);
	assert_false(discover(&w, 4));
	assert_int_equal(w.n_events[DHCP4_POOL_FULL], 1);
	assert_true(request(&w, 4, a, ROUTER_ADDRESS));
	assert_int_equal(said(&w), DHCP4_NAK);
	assert_int_equal(w.reply.destination, 0xffffffff);
	assert_int_equal(lease(&w, 1), a); // who has one keeps it
	// an offer is nobody else's either, for a while
	pass_ms(&w, 13 * 3600 * UINT64_C(1000));
	pass_ms(&w, 1000);
	assert_int_equal(w.n_events[DHCP4_EXPIRED], 3);
	assert_true(discover(&w, 4));
	a = w.message.yiaddr;
	assert_true(discover(&w, 5));
	assert_int_not_equal(w.message.yiaddr, a);
	assert_true(request(&w, 5, a, ROUTER_ADDRESS));
	assert_int_equal(said(&w), DHCP4_NAK);
	end(&w);
}

static void who_comes_back_gets_the_same_and_the_oldest_goes_first(void **state)
{
	struct world w;
	uint32_t a, b;

	begin(&w, QUICK ", lease-time: 1h}\n");
	a = lease(&w, 1);
	pass_ms(&w, 60000);
	b = lease(&w, 2);
	pass_ms(&w, 60000);
	lease(&w, 3);
	pass_ms(&w, 2 * 3600 * UINT64_C(1000));
	assert_int_equal(w.n_events[DHCP4_EXPIRED], 3);
	assert_int_equal(w.stored.state, DHCP4_LEASE_FREE); // told once, also after a restart
	assert_int_equal(lease(&w, 2), b);		    // remembered, though its time was over
	assert_int_equal(lease(&w, 4), a);		    // of those that are over, the first one
	end(&w);
}

static void offers_that_nobody_takes_are_free_again(void **state)
{
	struct world w;
	struct dhcp4_message other = from(1, DHCP4_REQUEST);

	begin(&w, QUICK "}\n");
	for (unsigned i = 1; i <= 3; i++)
		assert_true(discover(&w, i));
	assert_false(discover(&w, 4));
	// RFC 2131 section 4.3.2: it has chosen another server
	dhcp4_put_u32(&other, DHCP4_OPTION_SERVER_ID, 0xc61200fe);
	dhcp4_put_u32(&other, DHCP4_OPTION_REQUESTED_ADDRESS, 0xc61200fd);
	assert_false(say(&w, &other));
	pass_ms(&w, 1000); // what was full is looked at again
	assert_true(discover(&w, 4));
	assert_false(discover(&w, 5));
	pass_ms(&w, (DHCP4_OFFER_SEC + 1) * UINT64_C(1000));
	assert_true(discover(&w, 5));
	end(&w);
}

static void renewing_makes_it_longer_and_goes_to_the_client(void **state)
{
	struct world w;
	struct dhcp4_message renew = from(1, DHCP4_REQUEST);

	begin(&w, QUICK ", lease-time: 1h}\n");
	renew.ciaddr = lease(&w, 1);
	pass_ms(&w, 1800 * 1000);
	assert_true(say(&w, &renew));
	assert_int_equal(said(&w), DHCP4_ACK);
	assert_int_equal(w.reply.destination, renew.ciaddr);
	assert_int_equal(w.stored.ends_ms, w.now.ms + 3600 * 1000);
	assert_int_equal(w.n_events[DHCP4_RENEWED], 1);
	renew.ciaddr = 0xc6120065 == renew.ciaddr ? 0xc6120066 : 0xc6120065;
	assert_true(say(&w, &renew)); // not the one that it has
	assert_int_equal(said(&w), DHCP4_NAK);
	end(&w);
}

static void who_comes_from_elsewhere_is_told_at_once(void **state)
{
	struct world w;

	begin(&w, QUICK "}\n");
	assert_true(request(&w, 1, 0xc0a80005, 0)); // INIT-REBOOT, RFC 2131 section 4.3.2
	assert_int_equal(said(&w), DHCP4_NAK);
	assert_true(request(&w, 1, 0xc6120005, 0)); // of no pool
	assert_int_equal(said(&w), DHCP4_NAK);
	assert_true(request(&w, 1, FIRST, 0)); // what it had, when its server lost its memory
	assert_int_equal(said(&w), DHCP4_ACK);
	end(&w);
	begin(&w, QUICK ", authoritative: false}\n");
	assert_false(request(&w, 1, 0xc0a80005, 0));
	assert_false(request(&w, 1, FIRST, 0));
	end(&w);
}

static void a_new_client_waits_until_nobody_answers(void **state)
{
	struct world w;
	const struct mac_addr somebody = {{2, 0, 0x5e, 0, 0x53, 0x77}};
	uint32_t taken;

	begin(&w, LAN "}\n");
	assert_false(discover(&w, 1));
	assert_int_equal(w.n_probes, 1);
	assert_false(discover(&w, 1)); // again, meanwhile: one question is enough
	assert_int_equal(w.n_probes, 1);
	taken = w.probed;
	dhcp4_server_heard(w.server, taken, &somebody, &w.now);
	assert_int_equal(w.n_events[DHCP4_WAS_DECLINED], 1);
	assert_int_equal(w.n_probes, 2); // it goes on with another
	assert_int_not_equal(w.probed, taken);
	pass_ms(&w, DHCP4_PROBE_MS - 1);
	assert_int_equal(w.n_replies, 0);
	pass_ms(&w, 1);
	assert_int_equal(w.n_replies, 1);
	assert_int_equal(said(&w), DHCP4_OFFER);
	assert_int_equal(w.message.yiaddr, w.probed);
	assert_true(request(&w, 1, w.probed, ROUTER_ADDRESS));
	assert_true(discover(&w, 1)); // it is known now
	assert_int_equal(w.n_probes, 2);
	end(&w);
}

static void a_client_that_had_the_address_already_is_no_conflict(void **state)
{
	struct world w;
	const struct mac_addr itself = {{2, 0, 0x5e, 0, 0x53, 1}};

	begin(&w, LAN "}\n");
	assert_false(discover(&w, 1));
	dhcp4_server_heard(w.server, w.probed, &itself, &w.now);
	assert_int_equal(w.n_replies, 1);
	assert_int_equal(w.message.yiaddr, w.probed);
	end(&w);
}

static void a_declined_address_is_nobodys_for_an_hour(void **state)
{
	struct world w;
	struct dhcp4_message decline = from(1, DHCP4_DECLINE);
	uint32_t address;

	begin(&w, QUICK "}\n");
	address = lease(&w, 1);
	dhcp4_put_u32(&decline, DHCP4_OPTION_REQUESTED_ADDRESS, address);
	assert_false(say_by(&w, &(struct dhcp4_message){0}, 1));
	decline.chaddr[5] = 2; // it is not that one's to decline
	assert_false(say(&w, &decline));
	assert_int_equal(w.n_events[DHCP4_WAS_DECLINED], 0);
	decline.chaddr[5] = 1;
	assert_false(say(&w, &decline));
	assert_int_equal(w.n_events[DHCP4_WAS_DECLINED], 1);
	assert_int_equal(w.stored.state, DHCP4_LEASE_DECLINED);
	for (unsigned i = 1; i <= 2; i++)
		assert_int_not_equal(lease(&w, i), address);
	assert_false(discover(&w, 3));
	pass_ms(&w, (DHCP4_DECLINED_SEC + 1) * UINT64_C(1000));
	pass_ms(&w, 1000);
	assert_int_equal(lease(&w, 3), address);
	end(&w);
}

static void released_addresses_are_remembered(void **state)
{
	struct world w;
	struct dhcp4_message release = from(2, DHCP4_RELEASE);
	uint32_t address;

	begin(&w, QUICK "}\n");
	address = release.ciaddr = lease(&w, 1);
	assert_false(say(&w, &release)); // somebody else's
	assert_int_equal(w.n_events[DHCP4_RELEASED], 0);
	release.chaddr[5] = 1;
	assert_false(say(&w, &release));
	assert_int_equal(w.n_events[DHCP4_RELEASED], 1);
	assert_int_equal(w.stored.state, DHCP4_LEASE_FREE);
	assert_int_equal(lease(&w, 1), address);
	end(&w);
}

static void two_messages_are_enough_for_who_asks_so(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_DISCOVER);

	dhcp4_put(&message, DHCP4_OPTION_RAPID_COMMIT, NULL, 0);
	begin(&w, QUICK ", rapid-commit: true}\n");
	assert_true(say(&w, &message));
	assert_int_equal(said(&w), DHCP4_ACK);
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_RAPID_COMMIT));
	assert_int_equal(w.n_stored, 1);
	assert_true(discover(&w, 2));
	assert_int_equal(said(&w), DHCP4_OFFER);
	end(&w);
	begin(&w, QUICK "}\n");
	assert_true(say(&w, &message));
	assert_int_equal(said(&w), DHCP4_OFFER);
	end(&w);
}

static void inform_gets_options_and_no_address(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_INFORM);

	begin(&w, QUICK ", options: {domain: home.example}}\n");
	message.ciaddr = 0xc61200c8;
	assert_true(say(&w, &message));
	assert_int_equal(said(&w), DHCP4_ACK);
	assert_int_equal(w.message.yiaddr, 0);
	assert_int_equal(w.reply.destination, 0xc61200c8);
	assert_true(dhcp4_has(&w.message, DHCP4_OPTION_DOMAIN));
	assert_false(dhcp4_has(&w.message, DHCP4_OPTION_LEASE_TIME)); // RFC 2131 section 4.3.5
	assert_int_equal(w.n_stored, 0);
	end(&w);
}

static void leases_outlive_a_config(void **state)
{
	struct world w;
	struct cfg_errors errors = {0};
	struct config *other;
	const char *text = ROUTER_FILE "  lan: {pool: 198.18.0.90-198.18.0.102}\n";
	uint32_t address;

	begin(&w, QUICK "}\n");
	address = lease(&w, 1);
	other = config_parse("test.yaml", text, strlen(text), &errors);
	cfg_errors_free(&errors);
	assert_non_null(other);
	assert_int_equal(dhcp4_server_configure(w.server, &other->dhcp), 0);
	config_free(w.config);
	w.config = other;
	assert_true(discover(&w, 1));
	assert_int_equal(w.message.yiaddr, address);
	assert_true(request(&w, 2, address, ROUTER_ADDRESS));
	assert_int_equal(said(&w), DHCP4_NAK);
	end(&w);
}

static void what_was_on_the_disk_is_known(void **state)
{
	struct world w;
	struct dhcp4_lease kept;
	uint32_t address;

	begin(&w, QUICK "}\n");
	address = lease(&w, 1);
	kept = w.stored;
	end(&w);
	begin(&w, QUICK "}\n");
	kept.ends_ms = w.now.ms + 1000000;
	assert_true(dhcp4_server_restore(w.server, &kept));
	assert_true(request(&w, 2, address, ROUTER_ADDRESS));
	assert_int_equal(said(&w), DHCP4_NAK);
	for (unsigned i = 2; i <= 3; i++)
		assert_int_not_equal(lease(&w, i), address);
	assert_int_equal(lease(&w, 1), address);
	end(&w);
}

static void what_is_broken_is_counted(void **state)
{
	struct world w;
	struct dhcp4_message message = from(1, DHCP4_OFFER);
	const struct dhcp4_counters *counters;

	begin(&w, QUICK "}\n");
	counters = dhcp4_server_counters(w.server);
	assert_false(say(&w, &message));
	message.op = DHCP4_OP_REPLY;
	assert_false(say(&w, &message));
	message = from(1, DHCP4_REQUEST); // without an address
	assert_false(say(&w, &message));
	assert_int_equal(counters->broken, 3);
	assert_int_equal(counters->received, 3);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_gets_an_address_and_what_belongs_to_it),
		cmocka_unit_test(no_address_has_two_clients),
		cmocka_unit_test(who_comes_back_gets_the_same_and_the_oldest_goes_first),
		cmocka_unit_test(offers_that_nobody_takes_are_free_again),
		cmocka_unit_test(renewing_makes_it_longer_and_goes_to_the_client),
		cmocka_unit_test(who_comes_from_elsewhere_is_told_at_once),
		cmocka_unit_test(a_new_client_waits_until_nobody_answers),
		cmocka_unit_test(a_client_that_had_the_address_already_is_no_conflict),
		cmocka_unit_test(a_declined_address_is_nobodys_for_an_hour),
		cmocka_unit_test(released_addresses_are_remembered),
		cmocka_unit_test(two_messages_are_enough_for_who_asks_so),
		cmocka_unit_test(inform_gets_options_and_no_address),
		cmocka_unit_test(leases_outlive_a_config),
		cmocka_unit_test(what_was_on_the_disk_is_known),
		cmocka_unit_test(what_is_broken_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
