// SPDX-License-Identifier: BSD-3-Clause
// A DHCPv4 client on a clock of its own, what it says, and a server to answer it.
#pragma once

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
static unsigned n_said, n_probes, n_announced, n_binds, n_unbinds;
static struct dhcp4_grant bound, bound_before;
static bool had_before;
static const char *refusal;
static uint64_t now_ms;
static uint32_t random_next;

static inline void op_send(void *ctx, const struct dhcp4_outgoing *message)
{
	assert_true(dhcp4_parse(&said, message->bytes, message->n_bytes));
	assert_int_equal(message->is_last, dhcp4_type_of(&said) == DHCP4_RELEASE);
	said_to = message->dst;
	said_from = message->src;
	n_said++;
}

static inline void op_probe(void *ctx, const struct ip_addr *addr)
{
	n_probes++;
}

static inline void op_announce(void *ctx, const struct ip_addr *addr)
{
	n_announced++;
}

static inline void op_bind(
	void *ctx, const struct dhcp4_grant *lease, const struct dhcp4_grant *before)
{
	n_binds++;
	bound = *lease;
	had_before = before != NULL;
	if (before != NULL)
		bound_before = *before;
}

static inline void op_unbind(void *ctx, const struct dhcp4_grant *lease, const char *why)
{
	n_unbinds++;
}

static const char *op_why_not(void *ctx, const struct dhcp4_grant *lease)
{
	return refusal;
}

static inline uint32_t op_random(void *ctx)
{
	return random_next += 0x9e3779b9;
}

static const struct dhcp4_client_ops ops = {.send = op_send,
	.probe = op_probe,
	.announce = op_announce,
	.bind = op_bind,
	.unbind = op_unbind,
	.why_not = op_why_not,
	.random = op_random};

static const struct cfg_dhcp4 plain = {.client_id = "mac", .uses_routes = true, .uses_dns = true};

static inline void make(const struct cfg_dhcp4 *config, const char *wish)
{
	struct mac_addr mac = {{0x02, 0, 0x5e, 0, 0x53, 1}};
	struct ip_addr addr = wish == NULL ? (struct ip_addr){0} : address(wish);
	struct dhcp4_identity identity;

	n_said = n_probes = n_announced = n_binds = n_unbinds = 0;
	refusal = NULL;
	now_ms = 1000000;
	random_next = 7;
	dhcp4_identity_make(&identity, config, &mac);
	dhcp4_client_init(&client, &ops, NULL, "interface wan", &identity, &addr);
}

// Turns the clock to the next deadline and does what is due.
static inline void pass(void)
{
	uint64_t deadline = dhcp4_client_deadline(&client);

	assert_true(deadline != DHCP4_NEVER);
	if (deadline > now_ms)
		now_ms = deadline;
	dhcp4_client_tick(&client, now_ms);
}

static inline void pass_until(enum dhcp4_client_state state)
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

static inline void hear_message(const struct dhcp4_message *message)
{
	uint8_t bytes[DHCP4_BYTES_MAX];
	size_t n = dhcp4_write(message, bytes, sizeof(bytes), NULL);

	assert_true(n > 0);
	dhcp4_client_rx(&client, bytes, n, now_ms);
	dhcp4_client_tick(&client, now_ms);
}

static inline struct dhcp4_message answer_of(struct answer answer)
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

static inline void hear(struct answer answer)
{
	struct dhcp4_message message = answer_of(answer);

	hear_message(&message);
}

static const struct answer offer = {DHCP4_OFFER, OFFERED, SERVER, 3600};
static const struct answer ack = {DHCP4_ACK, OFFERED, SERVER, 3600};
static const struct answer nak = {DHCP4_NAK, 0, SERVER, 0};

static inline void up(void)
{
	dhcp4_client_link(&client, true, now_ms);
}

static inline void reach(enum dhcp4_client_state state)
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

static inline uint32_t option(uint8_t code)
{
	uint32_t value = 0;

	dhcp4_get_u32(&said, code, &value);
	return value;
}
