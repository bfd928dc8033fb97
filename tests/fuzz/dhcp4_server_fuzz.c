// SPDX-License-Identifier: BSD-3-Clause
// Clients that say anything, in any order, while time passes and neighbours speak up: an address
// that the server has acknowledged is no other client's before its time is over or it was given
// back, and nobody is offered or given what is of no pool.
#include <stdlib.h>
#include <string.h>

#include "cfg/base/cursor.h"
#include "cfg/config.h"
#include "control/dhcp/dhcp4_server.h"

enum { NETWORK = 0xc6120000, ADDRESSES = 256, CLIENTS = 16, LEASE_SEC = 600 };

static const char text[] =
	"ports: {p: {match: {name: eth1}}}\n"
	"interfaces: {lan: {port: p, addresses: 198.18.0.1/24}}\n"
	"dhcp-server: {lan: {pool: 198.18.0.100-198.18.0.106, lease-time: 10m, rapid-commit: true, "
	"per-host: 5, classes: {c: {vendor: a}}, pools: {more: {range: 198.18.0.110, class: c}}, "
	"options: {domain: home.example, boot-file: x}, reservations: {r: {mac: "
	"\"02:00:00:00:00:03\", address: 198.18.0.103}}}}\n";

struct world {
	struct dhcp4_server *server;
	struct dhcp4_now now;
	struct {
		uint8_t client;
		uint64_t ends_ms;
	} owners[ADDRESSES];
};

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void look(struct world *w, const struct dhcp4_reply *reply)
{
	struct dhcp4_message message;
	uint32_t address;

	check(dhcp4_parse(&message, reply->bytes, reply->n) && message.op == DHCP4_OP_REPLY);
	address = message.yiaddr;
	if (dhcp4_type_of(&message) == DHCP4_NAK || address == 0)
		return;
	check((address & 0xffffff00) == NETWORK);
	address -= NETWORK;
	check((address >= 100 && address <= 106) || address == 110);
	check(w->owners[address].ends_ms <= w->now.ms ||
		w->owners[address].client == message.chaddr[5]);
	if (dhcp4_type_of(&message) != DHCP4_ACK)
		return;
	w->owners[address].client = message.chaddr[5];
	w->owners[address].ends_ms = w->now.ms + LEASE_SEC * 1000;
}

static void on_send(void *ctx, const struct dhcp4_reply *reply)
{
	look(ctx, reply);
}

static void on_store(void *ctx, const struct dhcp4_lease *lease, const struct dhcp4_reply *reply)
{
	struct world *w = ctx;

	check((lease->address & 0xffffff00) == NETWORK);
	if (reply != NULL)
		look(w, reply);
	else // given back, taken away, or declined
		w->owners[lease->address - NETWORK].ends_ms = 0;
}

static bool on_probe(void *ctx, const char *interface, uint32_t address)
{
	return (address & 1) != 0;
}

static void on_tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	check(scope != NULL && (lease != NULL) == (event != DHCP4_POOL_FULL));
}

static void speak(struct world *w, struct cursor *in)
{
	struct dhcp4_message message = {
		.op = DHCP4_OP_REQUEST, .htype = DHCP4_HTYPE_ETHERNET, .hlen = 6, .chaddr = {2}};
	struct dhcp4_rx rx = {.interface = "lan"};
	uint8_t bytes[DHCP4_BYTES_MAX], options = cursor_u8(in), n, code;

	message.chaddr[5] = rx.source_mac.bytes[5] = cursor_u8(in) % CLIENTS;
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, cursor_u8(in) % (DHCP4_INFORM + 2));
	if (options & 1)
		dhcp4_put_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, NETWORK + cursor_u8(in));
	if (options & 2)
		dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, NETWORK + cursor_u8(in) % 3);
	if (options & 4)
		message.ciaddr = NETWORK + cursor_u8(in);
	if (options & 8)
		dhcp4_put(&message, DHCP4_OPTION_RAPID_COMMIT, NULL, 0);
	if (options & 16)
		dhcp4_put(&message, DHCP4_OPTION_VENDOR_CLASS, "ab", 2);
	if (options & 32) {
		n = cursor_u8(in);
		code = cursor_u8(in);
		// one name a card, or the owners above would not tell whose it is
		if (code != DHCP4_OPTION_CLIENT_ID)
			dhcp4_put(&message, code, in->at, n <= in->left ? n : in->left);
	}
	if (options & 64)
		rx.source_mac.bytes[5] = 0xff;
	rx.bytes = bytes;
	rx.n = dhcp4_write(&message, bytes, sizeof(bytes), NULL);
	dhcp4_server_rx(w->server, &rx, &w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dhcp4_server_ops ops = {on_send, on_store, on_probe, on_tell};
	static struct config *config;
	struct cursor in = cursor_of(data, size);
	struct world w = {.now = {.ms = 1000, .wall = 1700000000}};
	struct cfg_errors errors = {0};

	if (config == NULL)
		config = config_parse("fuzz.yaml", text, sizeof(text) - 1, &errors);
	check(config != NULL);
	w.server = dhcp4_server_new(&ops, &w, 12);
	check(w.server != NULL && dhcp4_server_configure(w.server, &config->dhcp) == 0);
	while (in.left > 0) {
		uint8_t what = cursor_u8(&in);
		struct mac_addr mac = {{2}};

		if (what < 160) {
			speak(&w, &in);
		} else if (what < 200) {
			mac.bytes[5] = cursor_u8(&in) % CLIENTS;
			dhcp4_server_heard(w.server, NETWORK + cursor_u8(&in), &mac, &w.now);
		} else if (what < 250) {
			w.now.ms += cursor_u8(&in) * UINT64_C(1) << (what & 15);
			check(dhcp4_server_tick(w.server, &w.now) > w.now.ms);
		} else {
			struct dhcp4_rx rx = {.interface = "lan", .bytes = in.at, .n = in.left};

			// a message that is not ours to make; whoever it is from has no owner's
			// mark
			dhcp4_server_free(w.server);
			memset(w.owners, 0, sizeof(w.owners));
			w.server = dhcp4_server_new(&ops, &w, 12);
			check(w.server != NULL &&
				dhcp4_server_configure(w.server, &config->dhcp) == 0);
			dhcp4_server_rx(w.server, &rx, &w.now);
			break;
		}
	}
	dhcp4_server_free(w.server);
	cfg_errors_free(&errors);
	return 0;
}
