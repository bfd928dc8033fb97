// SPDX-License-Identifier: BSD-3-Clause
// A lease that is there: renewed, moved, given back, over.
#include "tests/unit/dhcp4_client_fixture.h"

static void renewing_is_unicast_from_the_address_and_rebinding_is_broadcast(void **state)
{
	uint64_t from_ms;

	reach(DHCP4_CLIENT_BOUND);
	from_ms = client.sent_ms;
	pass();
	assert_int_equal(client.state, DHCP4_CLIENT_RENEWING);
	assert_in_range(now_ms - from_ms, 1800000 - 1800000 / 32, 1800000); // T1 with its fuzz
	assert_int_equal(said.ciaddr, OFFERED);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_REQUESTED_ADDRESS)); // 4.3.2: MUST NOT, both
	assert_false(dhcp4_has(&said, DHCP4_OPTION_SERVER_ID));
	assert_int_equal(said_to.v4[3], SERVER & 255);
	assert_int_equal(said_from.v4[3], OFFERED & 255);
	pass_until(DHCP4_CLIENT_REBINDING);
	assert_in_range(now_ms - from_ms, 3150000 - 3150000 / 32, 3150000);
	assert_int_equal(said_to.v4[3], 255);
	assert_int_equal(said.ciaddr, OFFERED);
	hear((struct answer){DHCP4_ACK, OFFERED, OTHER, 3600});
	assert_int_equal(client.state, DHCP4_CLIENT_BOUND);
	assert_int_equal(client.lease.server.v4[3], OTHER & 255);
	assert_int_equal(n_unbinds, 0);
}

// RFC 2131 4.4.5: half of what is left, 60 s at least.
static void renewals_are_repeated_at_half_of_what_is_left(void **state)
{
	uint64_t left_ms;

	reach(DHCP4_CLIENT_RENEWING);
	while (client.t2_ms - now_ms > 130000) {
		left_ms = client.t2_ms - now_ms;
		assert_int_equal(dhcp4_client_deadline(&client) - now_ms, left_ms / 2);
		pass();
		assert_int_equal(client.state, DHCP4_CLIENT_RENEWING);
	}
	assert_true(dhcp4_client_deadline(&client) - now_ms >= 60000);
}

static void nobody_answers_until_the_lease_ends(void **state)
{
	reach(DHCP4_CLIENT_REBINDING);
	while (n_unbinds == 0)
		pass();
	assert_int_equal(now_ms - client.sent_ms < 3600000, true);
	assert_int_equal(client.is_bound, false);
	assert_int_equal(client.state, DHCP4_CLIENT_SELECTING);
	assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED);
}

static void a_lease_without_end_is_never_renewed(void **state)
{
	reach(DHCP4_CLIENT_SELECTING);
	hear(offer);
	hear((struct answer){DHCP4_ACK, OFFERED, SERVER, DHCP4_FOREVER});
	pass_until(DHCP4_CLIENT_BOUND);
	assert_int_equal(dhcp4_client_deadline(&client), DHCP4_NEVER);
	dhcp4_client_renew(&client, now_ms);
	assert_int_equal(client.state, DHCP4_CLIENT_RENEWING);
	hear(ack);
	assert_true(dhcp4_client_deadline(&client) < now_ms + 1800000);
}

static void times_that_are_out_of_order_are_halves_and_eighths(void **state)
{
	static const struct {
		uint32_t sec, t1, t2, expected_t1, expected_t2;
	} table[] = {
		{800, 0, 0, 400, 700},
		{800, 100, 200, 100, 200},
		{800, 300, 200, 100, 200},
		{800, 900, 950, 400, 700},
		{800, 0, 300, 150, 300},
		{10, 0, 0, 5, 8},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		reach(DHCP4_CLIENT_SELECTING);
		hear(offer);
		hear((struct answer){
			DHCP4_ACK, OFFERED, SERVER, table[i].sec, table[i].t1, table[i].t2});
		pass_until(DHCP4_CLIENT_BOUND);
		assert_int_equal(bound.t1_sec, table[i].expected_t1);
		assert_int_equal(bound.t2_sec, table[i].expected_t2);
	}
}

static void another_address_is_probed_and_comes_with_the_one_before(void **state)
{
	reach(DHCP4_CLIENT_RENEWING);
	hear((struct answer){DHCP4_ACK, ANOTHER, SERVER, 3600});
	assert_int_equal(client.state, DHCP4_CLIENT_CHECKING);
	assert_int_equal(n_binds, 1);
	pass_until(DHCP4_CLIENT_BOUND);
	assert_int_equal(n_probes, 6);
	assert_int_equal(n_binds, 2);
	assert_int_equal(n_unbinds, 0);
	assert_int_equal(bound.addr.addr.v4[3], ANOTHER & 255);
	assert_int_equal(bound_before.addr.addr.v4[3], OFFERED & 255);
}

static void a_link_that_comes_back_keeps_the_address_and_asks_at_once(void **state)
{
	unsigned n;

	reach(DHCP4_CLIENT_BOUND);
	dhcp4_client_link(&client, false, now_ms);
	now_ms += 5000;
	n = n_said;
	up();
	assert_int_equal(client.state, DHCP4_CLIENT_REBOOTING);
	assert_int_equal(n_said, n + 1);
	assert_int_equal(n_unbinds, 0);
	hear(ack);
	assert_int_equal(client.state, DHCP4_CLIENT_BOUND); // it is on the interface: no probe
	assert_int_equal(n_probes, 3);
	assert_int_equal(n_binds, 2);
	assert_true(had_before);
}

static void an_address_ends_while_the_link_is_down(void **state)
{
	reach(DHCP4_CLIENT_BOUND);
	dhcp4_client_link(&client, false, now_ms);
	pass();
	assert_int_equal(n_unbinds, 1);
	assert_int_equal(client.state, DHCP4_CLIENT_DOWN);
	assert_int_equal(dhcp4_client_deadline(&client), DHCP4_NEVER);
	up();
	assert_int_equal(client.state, DHCP4_CLIENT_REBOOTING);
}

static void release_gives_it_back_and_stays_so(void **state)
{
	unsigned n;

	reach(DHCP4_CLIENT_BOUND);
	dhcp4_client_release(&client, now_ms);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_RELEASE);
	assert_int_equal(said.ciaddr, OFFERED);
	assert_int_equal(option(DHCP4_OPTION_SERVER_ID), SERVER);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_REQUESTED_ADDRESS)); // table 5: MUST NOT
	assert_false(dhcp4_has(&said, DHCP4_OPTION_PARAMETERS));
	assert_int_equal(said_to.v4[3], SERVER & 255);
	assert_int_equal(n_unbinds, 1);
	n = n_said;
	dhcp4_client_link(&client, false, now_ms);
	up();
	assert_int_equal(client.state, DHCP4_CLIENT_RELEASED);
	assert_int_equal(dhcp4_client_deadline(&client), DHCP4_NEVER);
	dhcp4_client_renew(&client, now_ms);
	assert_int_equal(n_said, n + 1);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
}

static void renewing_by_hand_in_any_state_does_no_harm(void **state)
{
	for (int s = DHCP4_CLIENT_INIT; s <= DHCP4_CLIENT_REBINDING; s++) {
		reach((enum dhcp4_client_state)s);
		dhcp4_client_renew(&client, now_ms);
		dhcp4_client_tick(&client, now_ms);
		assert_int_equal(n_unbinds, 0);
		assert_true(dhcp4_client_deadline(&client) > now_ms);
	}
	make(&plain, NULL);
	dhcp4_client_release(&client, now_ms);
	dhcp4_client_renew(&client, now_ms); // without a link
	assert_int_equal(client.state, DHCP4_CLIENT_DOWN);
	up();
	assert_int_equal(client.state, DHCP4_CLIENT_INIT);
}

// --- somebody else uses it, RFC 5227 2.4 ---

static void the_address_is_defended_once_in_ten_seconds(void **state)
{
	reach(DHCP4_CLIENT_BOUND);
	for (unsigned i = 1; i <= 3; i++) {
		dhcp4_client_contested(&client, now_ms);
		assert_int_equal(n_announced, i);
		assert_int_equal(client.state, DHCP4_CLIENT_BOUND);
		now_ms += 10000;
	}
	assert_int_equal(n_unbinds, 0);
	assert_int_equal(client.counts.defended, 3);
}

static void who_insists_has_it_and_the_server_hears_of_it(void **state)
{
	static const enum dhcp4_client_state states[] = {
		DHCP4_CLIENT_BOUND, DHCP4_CLIENT_RENEWING, DHCP4_CLIENT_REBINDING};
	uint64_t before_ms;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		reach(states[i]);
		dhcp4_client_contested(&client, now_ms);
		now_ms += 9999;
		dhcp4_client_contested(&client, now_ms);
		assert_int_equal(n_announced, 1);
		assert_int_equal(n_unbinds, 1);
		assert_int_equal(dhcp4_type_of(&said), DHCP4_DECLINE);
		assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED);
		assert_int_equal(option(DHCP4_OPTION_SERVER_ID), SERVER);
		before_ms = now_ms;
		pass();
		assert_true(now_ms - before_ms >= 10000);
		assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
		assert_false(dhcp4_has(&said, DHCP4_OPTION_REQUESTED_ADDRESS));
	}
	// another address is another matter
	hear((struct answer){DHCP4_OFFER, ANOTHER, SERVER, 3600});
	hear((struct answer){DHCP4_ACK, ANOTHER, SERVER, 3600});
	pass_until(DHCP4_CLIENT_BOUND);
	dhcp4_client_contested(&client, now_ms);
	assert_int_equal(n_announced, 2);
	assert_int_equal(client.state, DHCP4_CLIENT_BOUND);
}

static void what_is_not_ours_is_not_defended(void **state)
{
	for (int s = DHCP4_CLIENT_INIT; s <= DHCP4_CLIENT_CHECKING; s++) {
		reach((enum dhcp4_client_state)s);
		dhcp4_client_contested(&client, now_ms);
		dhcp4_client_contested(&client, now_ms);
		assert_int_equal(n_announced, 0);
		assert_int_equal(client.state, s);
	}
	reach(DHCP4_CLIENT_BOUND); // while it is asked whether it still is
	dhcp4_client_link(&client, false, now_ms);
	up();
	for (unsigned i = 0; i < 2; i++)
		dhcp4_client_contested(&client, now_ms);
	assert_int_equal(client.state, DHCP4_CLIENT_REBOOTING);
	assert_int_equal(n_unbinds, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewing_is_unicast_from_the_address_and_rebinding_is_broadcast),
		cmocka_unit_test(renewals_are_repeated_at_half_of_what_is_left),
		cmocka_unit_test(nobody_answers_until_the_lease_ends),
		cmocka_unit_test(a_lease_without_end_is_never_renewed),
		cmocka_unit_test(times_that_are_out_of_order_are_halves_and_eighths),
		cmocka_unit_test(another_address_is_probed_and_comes_with_the_one_before),
		cmocka_unit_test(a_link_that_comes_back_keeps_the_address_and_asks_at_once),
		cmocka_unit_test(an_address_ends_while_the_link_is_down),
		cmocka_unit_test(release_gives_it_back_and_stays_so),
		cmocka_unit_test(renewing_by_hand_in_any_state_does_no_harm),
		cmocka_unit_test(the_address_is_defended_once_in_ten_seconds),
		cmocka_unit_test(who_insists_has_it_and_the_server_hears_of_it),
		cmocka_unit_test(what_is_not_ours_is_not_defended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
