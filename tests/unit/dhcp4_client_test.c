// SPDX-License-Identifier: BSD-3-Clause
// The way to a lease, and who may say what on it.
#include "tests/unit/dhcp4_client_fixture.h"

static void four_messages_and_three_probes_make_a_lease(void **state)
{
	make(&plain, NULL);
	assert_int_equal(dhcp4_client_deadline(&client), DHCP4_NEVER);
	up();
	assert_true(dhcp4_client_deadline(&client) <= now_ms + 1000);
	pass();
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_REQUESTED_ADDRESS));
	assert_int_equal(said.ciaddr, 0);
	hear(offer);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_REQUEST);
	assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED);
	assert_int_equal(option(DHCP4_OPTION_SERVER_ID), SERVER);
	assert_int_equal(said.ciaddr, 0);
	assert_int_equal(said_to.v4[0], 255);
	hear(ack);
	assert_int_equal(client.state, DHCP4_CLIENT_CHECKING);
	assert_int_equal(n_binds, 0);
	pass_until(DHCP4_CLIENT_BOUND);
	assert_int_equal(n_probes, 3);
	assert_int_equal(n_binds, 1);
	assert_false(had_before);
	assert_int_equal(bound.addr.len, 24);
	assert_int_equal(bound.t1_sec, 1800);
	assert_int_equal(bound.t2_sec, 3150);
}

// RFC 2131 4.1: 4, 8, 16, 32, 64, 64, ... seconds, each with up to one second more or less.
static void discover_backs_off_to_64_s(void **state)
{
	static const uint64_t expected_ms[] = {4000, 8000, 16000, 32000, 64000, 64000, 64000};
	bool varies = false;

	reach(DHCP4_CLIENT_SELECTING);
	for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
		uint64_t wait_ms = dhcp4_client_deadline(&client) - now_ms;

		assert_in_range(wait_ms, expected_ms[i] - 1000, expected_ms[i] + 1000);
		varies |= wait_ms % 1000 != 0;
		pass();
		assert_int_equal(n_said, i + 2);
		assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
		assert_int_equal(said.flags, i % 2 == 0 ? DHCP4_FLAG_BROADCAST : 0);
	}
	assert_true(varies);
	assert_true(said.secs > 180);
}

// RFC 2131 3.1.3 and 3.1.5.
static void a_request_without_answer_is_said_four_times_with_the_discovers_secs(void **state)
{
	uint16_t secs;
	uint32_t xid;

	reach(DHCP4_CLIENT_SELECTING);
	pass();
	pass();
	secs = said.secs;
	xid = said.xid;
	assert_true(secs > 0);
	hear(offer);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(client.state, DHCP4_CLIENT_REQUESTING);
		assert_int_equal(said.secs, secs);
		assert_int_equal(said.xid, xid);
		pass();
	}
	assert_int_equal(n_said, 3 + 4);
	assert_int_equal(client.state, DHCP4_CLIENT_INIT);
	pass();
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
	assert_int_not_equal(said.xid, xid);
}

static void each_state_makes_of_a_message_what_rfc_2131_says(void **state)
{
	enum {
		IN = DHCP4_CLIENT_INIT,
		SE = DHCP4_CLIENT_SELECTING,
		RQ = DHCP4_CLIENT_REQUESTING,
		RB = DHCP4_CLIENT_REBOOTING,
		CH = DHCP4_CLIENT_CHECKING,
		BO = DHCP4_CLIENT_BOUND,
		RN = DHCP4_CLIENT_RENEWING,
		RE = DHCP4_CLIENT_REBINDING
	};
	// a NAK is followed at once by the next DISCOVER
	static const struct {
		uint8_t from, offer, ack, ack_other_address, nak;
	} table[] = {
		{IN, IN, IN, IN, IN},
		{SE, RQ, SE, SE, SE},
		{RQ, RQ, CH, CH, SE},
		{RB, RB, CH, CH, SE},
		{CH, CH, CH, CH, CH},
		{BO, BO, BO, BO, BO},
		{RN, RN, BO, CH, SE},
		{RE, RE, BO, CH, SE},
	};
	static const struct answer other = {DHCP4_ACK, ANOTHER, SERVER, 3600};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		reach((enum dhcp4_client_state)table[i].from);
		assert_int_equal(client.state, table[i].from);
		hear(offer);
		assert_int_equal(client.state, table[i].offer);
		reach((enum dhcp4_client_state)table[i].from);
		hear(ack);
		assert_int_equal(client.state, table[i].ack);
		reach((enum dhcp4_client_state)table[i].from);
		hear(other);
		assert_int_equal(client.state, table[i].ack_other_address);
		reach((enum dhcp4_client_state)table[i].from);
		hear(nak);
		assert_int_equal(client.state, table[i].nak);
		assert_int_equal(n_unbinds, table[i].nak == SE && table[i].from >= BO ? 1 : 0);
	}
}

static void what_it_had_is_asked_for_again(void **state)
{
	reach(DHCP4_CLIENT_REBOOTING);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_REQUEST);
	assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_SERVER_ID)); // 4.3.2: MUST NOT
	assert_int_equal(said.ciaddr, 0);			// MUST be zero
	hear(ack);
	pass_until(DHCP4_CLIENT_BOUND);
	assert_int_equal(n_said, 1);
}

static void a_server_that_does_not_remember_is_asked_for_any(void **state)
{
	uint64_t began_ms;

	reach(DHCP4_CLIENT_REBOOTING);
	began_ms = now_ms;
	pass_until(DHCP4_CLIENT_SELECTING);
	assert_in_range(now_ms - began_ms, 10000, 14000);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
	assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED); // a hint
}

static void a_conflict_is_declined_and_waited_for(void **state)
{
	uint64_t before_ms;

	reach(DHCP4_CLIENT_CHECKING);
	dhcp4_client_conflict(&client, now_ms);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DECLINE);
	assert_int_equal(option(DHCP4_OPTION_REQUESTED_ADDRESS), OFFERED);
	assert_int_equal(option(DHCP4_OPTION_SERVER_ID), SERVER);
	assert_int_equal(said.ciaddr, 0);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_PARAMETERS)); // table 5: MUST NOT
	assert_false(dhcp4_has(&said, DHCP4_OPTION_MAX_SIZE));
	assert_int_equal(n_binds, 0);
	before_ms = now_ms;
	pass();
	assert_true(now_ms - before_ms >= 10000);
	assert_int_equal(dhcp4_type_of(&said), DHCP4_DISCOVER);
	assert_false(dhcp4_has(&said, DHCP4_OPTION_REQUESTED_ADDRESS));
}

static void conflicts_without_end_slow_down(void **state)
{
	uint64_t before_ms = 0;

	reach(DHCP4_CLIENT_CHECKING);
	for (unsigned i = 0; i < 10; i++) {
		dhcp4_client_conflict(&client, now_ms);
		before_ms = now_ms;
		pass_until(DHCP4_CLIENT_SELECTING);
		if (i < 9) {
			hear(offer);
			hear(ack);
		}
	}
	assert_true(now_ms - before_ms >= 60000);
	dhcp4_client_conflict(&client, now_ms); // not while nothing is checked
	assert_int_equal(client.state, DHCP4_CLIENT_SELECTING);
}

static void naks_without_end_slow_down(void **state)
{
	uint64_t began_ms;

	reach(DHCP4_CLIENT_REQUESTING);
	began_ms = now_ms;
	for (unsigned i = 0; i < 8; i++) {
		hear(nak);
		pass_until(DHCP4_CLIENT_SELECTING);
		hear(offer);
	}
	assert_in_range(now_ms - began_ms, 127000, 128000); // 0 1 2 4 8 16 32 64
}

static void strangers_are_not_heard(void **state)
{
	static const struct answer strange_offer = {DHCP4_OFFER, OFFERED, SERVER, 3600, 0, 0, 1};
	static const struct answer rogue_ack = {DHCP4_ACK, ANOTHER, OTHER, 3600};
	static const struct answer rogue_nak = {DHCP4_NAK, 0, OTHER, 0};
	struct dhcp4_message message;

	reach(DHCP4_CLIENT_SELECTING);
	hear(strange_offer); // another xid
	message = answer_of(offer);
	message.chaddr[5] ^= 1;
	hear_message(&message);
	message = answer_of(offer);
	message.op = DHCP4_OP_REQUEST;
	hear_message(&message);
	assert_int_equal(client.state, DHCP4_CLIENT_SELECTING);
	assert_int_equal(client.counts.not_for_us, 2);
	assert_int_equal(client.counts.malformed, 1);

	reach(DHCP4_CLIENT_REQUESTING);
	hear(rogue_ack);
	hear(rogue_nak);
	assert_int_equal(client.state, DHCP4_CLIENT_REQUESTING);
	reach(DHCP4_CLIENT_RENEWING);
	hear(rogue_ack);
	hear(rogue_nak);
	assert_int_equal(client.state, DHCP4_CLIENT_RENEWING);
	assert_int_equal(n_unbinds, 0);
}

static void what_cannot_be_used_is_not_taken(void **state)
{
	static const struct {
		uint32_t addr, mask, sec, server;
	} table[] = {
		{0, 0xffffff00, 3600, SERVER}, {0x7f000002, 0xffffff00, 3600, SERVER},
		{0xe0000001, 0xffffff00, 3600, SERVER},
		{0xcb007100, 0xffffff00, 3600, SERVER},	 // the network
		{0xcb0071ff, 0xffffff00, 3600, SERVER},	 // its broadcast address
		{OFFERED, 0xff00ff00, 3600, SERVER},	 // a mask with holes
		{OFFERED, 0x80000000, 3600, SERVER},	 // half the internet
		{OFFERED, 0xffffff00, 3, SERVER},	 // ends at once
		{OFFERED, 0xffffff00, 3600, 0},		 // from nobody
		{OFFERED, 0xffffff00, 3600, 0xe0000001}, // from a group
	};
	struct dhcp4_message message;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		reach(DHCP4_CLIENT_SELECTING);
		message = answer_of(
			(struct answer){DHCP4_OFFER, table[i].addr, table[i].server, table[i].sec});
		dhcp4_put_u32(&message, DHCP4_OPTION_NETMASK, table[i].mask);
		hear_message(&message);
		assert_int_equal(client.state, DHCP4_CLIENT_SELECTING);
		assert_int_equal(client.counts.unusable + client.counts.malformed, 1);
	}
	reach(DHCP4_CLIENT_SELECTING);
	refusal = "the house has that network";
	hear(offer);
	assert_int_equal(client.state, DHCP4_CLIENT_SELECTING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_messages_and_three_probes_make_a_lease),
		cmocka_unit_test(discover_backs_off_to_64_s),
		cmocka_unit_test(
			a_request_without_answer_is_said_four_times_with_the_discovers_secs),
		cmocka_unit_test(each_state_makes_of_a_message_what_rfc_2131_says),
		cmocka_unit_test(what_it_had_is_asked_for_again),
		cmocka_unit_test(a_server_that_does_not_remember_is_asked_for_any),
		cmocka_unit_test(a_conflict_is_declined_and_waited_for),
		cmocka_unit_test(conflicts_without_end_slow_down),
		cmocka_unit_test(naks_without_end_slow_down),
		cmocka_unit_test(strangers_are_not_heard),
		cmocka_unit_test(what_cannot_be_used_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
