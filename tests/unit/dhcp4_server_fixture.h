// SPDX-License-Identifier: BSD-3-Clause
// A DHCP server on a clock of its own, what it sends, stores and tells, and clients that speak to
// it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/dhcp/dhcp4_server.h"
#include "tests/unit/config_fixture.h"

#define ROUTER_FILE                                                                                \
	"ports: {p: {match: {name: eth1}}}\n"                                                      \
	"interfaces: {lan: {port: p, addresses: 198.18.0.1/24}}\n"                                 \
	"dhcp-server:\n"

enum {
	ROUTER_ADDRESS = 0xc6120001,
	FIRST = 0xc6120064, // .100
	LAST = 0xc6120066,  // .102
};

#define LAN ROUTER_FILE "  lan: {pool: 198.18.0.100-198.18.0.102"

struct world {
	struct config *config;
	struct dhcp4_server *server;
	struct dhcp4_now now;
	struct dhcp4_reply reply; // the last one
	struct dhcp4_message message;
	unsigned n_replies, n_stored, n_probes, n_events[DHCP4_POOL_FULL + 1];
	struct dhcp4_lease stored;
	uint32_t probed;
};

static inline void take_reply(struct world *w, const struct dhcp4_reply *reply)
{
	w->reply = *reply;
	w->n_replies++;
	assert_true(dhcp4_parse(&w->message, reply->bytes, reply->n));
	assert_string_equal(reply->interface, "lan");
}

static inline void on_send(void *ctx, const struct dhcp4_reply *reply)
{
	take_reply(ctx, reply);
}

static inline void on_store(
	void *ctx, const struct dhcp4_lease *lease, const struct dhcp4_reply *reply)
{
	struct world *w = ctx;

	w->n_stored++;
	w->stored = *lease;
	if (reply != NULL)
		take_reply(w, reply);
}

static inline bool on_probe(void *ctx, const char *interface, uint32_t address)
{
	struct world *w = ctx;

	w->n_probes++;
	w->probed = address;
	return true;
}

static inline void on_tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	struct world *w = ctx;

	w->n_events[event]++;
}

static const struct dhcp4_server_ops ops = {on_send, on_store, on_probe, on_tell};

static inline void begin(struct world *w, const char *text)
{
	struct cfg_errors errors = {0};

	memset(w, 0, sizeof(*w));
	w->config = config_parse("test.yaml", text, strlen(text), &errors);
	if (w->config == NULL)
		fail_msg("%s", errors.list[0].text);
	cfg_errors_free(&errors);
	w->now = (struct dhcp4_now){.ms = 1000000, .wall = 1700000000};
	w->server = dhcp4_server_new(&ops, w, 64);
	assert_non_null(w->server);
	assert_int_equal(dhcp4_server_configure(w->server, &w->config->dhcp), 0);
}

static inline void end(struct world *w)
{
	dhcp4_server_free(w->server);
	config_free(w->config);
}

static inline struct dhcp4_message from(unsigned client, enum dhcp4_type type)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REQUEST,
		.htype = DHCP4_HTYPE_ETHERNET,
		.hlen = 6,
		.xid = client,
		.chaddr = {2, 0, 0x5e, 0, 0x53, (uint8_t)client}};

	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, (uint8_t)type);
	return message;
}

// Sends it by the card `card`. Whether there was an answer.
static inline bool say_by(struct world *w, const struct dhcp4_message *message, unsigned card)
{
	unsigned before = w->n_replies;
	uint8_t bytes[DHCP4_BYTES_MAX];
	struct dhcp4_rx rx = {.interface = "lan",
		.source_mac = {{2, 0, 0x5e, 0, 0x53, (uint8_t)card}},
		.bytes = bytes};

	rx.n = dhcp4_write(message, bytes, sizeof(bytes), NULL);
	dhcp4_server_rx(w->server, &rx, &w->now);
	return w->n_replies > before;
}

static inline bool say(struct world *w, const struct dhcp4_message *message)
{
	return say_by(w, message, message->chaddr[5]);
}

static inline void pass_ms(struct world *w, uint64_t ms)
{
	w->now.ms += ms;
	w->now.wall += (int64_t)(ms / 1000);
	dhcp4_server_tick(w->server, &w->now);
}

static inline bool discover(struct world *w, unsigned client)
{
	struct dhcp4_message message = from(client, DHCP4_DISCOVER);

	return say(w, &message);
}

static inline bool request(struct world *w, unsigned client, uint32_t address, uint32_t server)
{
	struct dhcp4_message message = from(client, DHCP4_REQUEST);

	dhcp4_put_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, address);
	if (server != 0)
		dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, server);
	return say(w, &message);
}

static inline enum dhcp4_type said(const struct world *w)
{
	return dhcp4_type_of(&w->message);
}

// All four messages, when nothing is asked by ARP. The address.
static inline uint32_t lease(struct world *w, unsigned client)
{
	uint32_t address;

	assert_true(discover(w, client));
	assert_int_equal(said(w), DHCP4_OFFER);
	address = w->message.yiaddr;
	assert_true(request(w, client, address, ROUTER_ADDRESS));
	assert_int_equal(said(w), DHCP4_ACK);
	assert_int_equal(w->message.yiaddr, address);
	return address;
}

#define QUICK LAN ", conflict-check: false"
