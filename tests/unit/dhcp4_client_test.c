// SPDX-License-Identifier: BSD-3-Clause
// The DHCPv4 client's state machine, on messages that a server would send and a clock of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/dhcp/dhcp4_client.h"
#include "control/dhcp/dhcp4_message.h"
#include "tests/unit/text_addr.h"

enum { SERVER = 0xcb007101, OTHER = 0xcb007102, OFFERED = 0xcb007164, ANOTHER = 0xcb007165 };

static struct dhcp4_uplink_client client;
static struct dhcp4_message said; // the last one, as the server reads it
static struct ip_addr said_to, said_from;
static unsigned n_said, n_probes, n_binds, n_unbinds;
static struct dhcp4_grant bound, bound_before;
static bool had_before;
static const char *refusal;
static uint64_t now_ms;
static uint32_t random_next;

static void op_send(void *ctx, const struct dhcp4_outgoing *message)
{
	assert_true(dhcp4_parse(&said, message->bytes, message->n_bytes));
	said_to = message->dst;
	said_from = message->src;
	n_said++;
}

static void op_probe(void *ctx, const struct ip_addr *addr)
{
	n_probes++;
}

static void op_bind(void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before)
{
	n_binds++;
	bound = *lease;
	had_before = before != NULL;
	if (before != NULL)
		bound_before = *before;
}

static void op_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why)
{
	n_unbinds++;
}

static const char *op_why_not(void *ctx, const struct dhcp4_grant *lease)
{
	return refusal;
}

static uint32_t op_random(void *ctx)
{
	return random_next += 0x9e3779b9;
}

static const struct dhcp4_client_ops ops = {.send = op_send,
	.probe = op_probe,
	.bind = op_bind,
	.unbind = op_unbind,
	.why_not = op_why_not,
	.random = op_random};

static const struct cfg_dhcp4 plain = {.client_id = "mac", .uses_routes = true, .uses_dns = true};

static void make(const struct cfg_dhcp4 *config, const char *wish)
{
	struct mac_addr mac = {{0x02, 0, 0x5e, 0, 0x53, 1}};
	struct ip_addr addr = wish == NULL ? (struct ip_addr){0} : address(wish);
	struct dhcp4_identity identity;

	n_said = n_probes = n_binds = n_unbinds = 0;
	refusal = NULL;
	now_ms = 1000000;
	random_next = 7;
	dhcp4_identity_make(&identity, config, &mac);
	dhcp4_client_init(&client, &ops, NULL, "interface wan", &identity, &addr);
}

// Turns the clock to the next deadline and does what is due.
static void pass(void)
{
	uint64_t deadline = dhcp4_client_deadline(&client);

	assert_true(deadline != DHCP4_NEVER);
	if (deadline > now_ms)
		now_ms = deadline;
	dhcp4_client_tick(&client, now_ms);
}

static void pass_until(enum dhcp4_client_state state)
{
	for (unsigned i = 0; client.state != state; i++) {
		assert_true(i < 64);
		pass();
	}
}

struct answer {
	enum dhcp4_type type;
	uint32_t addr, server, sec, t1, t2, xid_off;
};

static void hear_message(const struct dhcp4_message *message)
{
	uint8_t bytes[DHCP4_BYTES_MAX];
	size_t n = dhcp4_write(message, bytes, sizeof(bytes), NULL);

	assert_true(n > 0);
	dhcp4_client_rx(&client, bytes, n, now_ms);
	dhcp4_client_tick(&client, now_ms);
}

static struct dhcp4_message answer_of(struct answer answer)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REPLY,
		.htype = DHCP4_HTYPE_ETHERNET,
		.hlen = 6,
		.xid = said.xid + answer.xid_off,
		.yiaddr = answer.addr};

	memcpy(message.chaddr, said.chaddr, sizeof(message.chaddr));
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, (uint8_t)answer.type);
	if (answer.server != 0)
		dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, answer.server);
	if (answer.type == DHCP4_NAK)
		return message;
	dhcp4_put_u32(&message, DHCP4_OPTION_NETMASK, 0xffffff00);
	dhcp4_put_u32(&message, DHCP4_OPTION_LEASE_TIME, answer.sec);
	if (answer.t1 != 0)
		dhcp4_put_u32(&message, DHCP4_OPTION_RENEWAL_TIME, answer.t1);
	if (answer.t2 != 0)
		dhcp4_put_u32(&message, DHCP4_OPTION_REBINDING_TIME, answer.t2);
	return message;
}

static void hear(struct answer answer)
{
	struct dhcp4_message message = answer_of(answer);

	hear_message(&message);
}

static const struct answer offer = {DHCP4_OFFER, OFFERED, SERVER, 3600};
static const struct answer ack = {DHCP4_ACK, OFFERED, SERVER, 3600};
static const struct answer nak = {DHCP4_NAK, 0, SERVER, 0};

static void up(void)
{
	dhcp4_client_link(&client, true, now_ms);
}

static void reach(enum dhcp4_client_state state)
{
	make(&plain, state == DHCP4_CLIENT_REBOOTING ? "203.0.113.100" : NULL);
	up();
	if (state == DHCP4_CLIENT_REBOOTING || state == DHCP4_CLIENT_INIT)
		return;
	pass();
	if (state == DHCP4_CLIENT_SELECTING)
		return;
	hear(offer);
	if (state == DHCP4_CLIENT_REQUESTING)
		return;
	hear(ack);
	if (state == DHCP4_CLIENT_CHECKING)
		return;
	pass_until(DHCP4_CLIENT_BOUND);
	if (state != DHCP4_CLIENT_BOUND)
		pass_until(state);
}

static uint32_t option(uint8_t code)
{
	uint32_t value = 0;

	dhcp4_get_u32(&said, code, &value);
	return value;
}

// --- the way to a lease ---

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

// --- the table: what each state makes of each message ---

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

// --- INIT-REBOOT ---

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

// --- renewing ---

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

// --- another address ---

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

// --- somebody else has it ---

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

// --- by hand ---

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

// --- who may say what ---

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

// --- who we are ---

static void identity_is_as_the_config_says(void **state)
{
	static const struct cfg_dhcp4 rich = {.client_id = "duid",
		.hostname = "house",
		.vendor_class = "sagem",
		.user_class = "+FSVDSL",
		.vendor_info = "3561:0102",
		.request = {90, 3},
		.n_request = 2};
	static const struct {
		const char *text;
		size_t n;
		uint8_t bytes[16];
	} ids[] = {
		{"mac", 7, {1, 2, 0, 0x5e, 0, 0x53, 1}},
		{"none", 0, {0}},
		{"hex:ff:00:0a", 3, {0xff, 0, 10}},
		{"me", 3, {0, 'm', 'e'}},
		{"duid", 15, {255, 0x5e, 0, 0x53, 1, 0, 3, 0, 1, 2, 0, 0x5e, 0, 0x53, 1}},
	};
	const uint8_t *at;
	size_t n;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		make(&(struct cfg_dhcp4){.client_id = ids[i].text}, NULL);
		up();
		pass();
		at = dhcp4_get(&said, DHCP4_OPTION_CLIENT_ID, &n);
		assert_int_equal(n, ids[i].n);
		if (n > 0)
			assert_memory_equal(at, ids[i].bytes, n);
	}
	make(&rich, NULL);
	up();
	pass();
	at = dhcp4_get(&said, DHCP4_OPTION_HOST_NAME, &n);
	assert_memory_equal(at, "house", n);
	at = dhcp4_get(&said, DHCP4_OPTION_VENDOR_CLASS, &n);
	assert_memory_equal(at, "sagem", n);
	at = dhcp4_get(&said, DHCP4_OPTION_USER_CLASS, &n);
	assert_int_equal(n, 8);
	assert_memory_equal(at, "\7+FSVDSL", n);
	at = dhcp4_get(&said, 125, &n);
	assert_int_equal(n, 7);
	assert_memory_equal(at, "\0\0\x0d\xe9\2\1\2", n);
	at = dhcp4_get(&said, DHCP4_OPTION_PARAMETERS, &n);
	assert_int_equal(at[n - 1], 90); // and 3 not twice
	assert_ptr_equal(memrchr(at, 3, n), memchr(at, 3, n));
	assert_true((const uint8_t *)memchr(at, 121, n) < (const uint8_t *)memchr(at, 3, n));
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
		cmocka_unit_test(a_link_that_comes_back_keeps_the_address_and_asks_at_once),
		cmocka_unit_test(an_address_ends_while_the_link_is_down),
		cmocka_unit_test(renewing_is_unicast_from_the_address_and_rebinding_is_broadcast),
		cmocka_unit_test(renewals_are_repeated_at_half_of_what_is_left),
		cmocka_unit_test(nobody_answers_until_the_lease_ends),
		cmocka_unit_test(a_lease_without_end_is_never_renewed),
		cmocka_unit_test(times_that_are_out_of_order_are_halves_and_eighths),
		cmocka_unit_test(another_address_is_probed_and_comes_with_the_one_before),
		cmocka_unit_test(a_conflict_is_declined_and_waited_for),
		cmocka_unit_test(conflicts_without_end_slow_down),
		cmocka_unit_test(naks_without_end_slow_down),
		cmocka_unit_test(release_gives_it_back_and_stays_so),
		cmocka_unit_test(renewing_by_hand_in_any_state_does_no_harm),
		cmocka_unit_test(strangers_are_not_heard),
		cmocka_unit_test(what_cannot_be_used_is_not_taken),
		cmocka_unit_test(identity_is_as_the_config_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
