// SPDX-License-Identifier: BSD-3-Clause
// What the DHCP server decides, message by message, on a clock of its own.
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

static void take_reply(struct world *w, const struct dhcp4_reply *reply)
{
	w->reply = *reply;
	w->n_replies++;
	assert_true(dhcp4_parse(&w->message, reply->bytes, reply->n));
	assert_string_equal(reply->interface, "lan");
}

static void on_send(void *ctx, const struct dhcp4_reply *reply)
{
	take_reply(ctx, reply);
}

static void on_store(void *ctx, const struct dhcp4_lease *lease, const struct dhcp4_reply *reply)
{
	struct world *w = ctx;

	w->n_stored++;
	w->stored = *lease;
	if (reply != NULL)
		take_reply(w, reply);
}

static bool on_probe(void *ctx, const char *interface, uint32_t address)
{
	struct world *w = ctx;

	w->n_probes++;
	w->probed = address;
	return true;
}

static void on_tell(void *ctx, enum dhcp4_event event, const struct dhcp4_scope *scope,
	const struct dhcp4_lease *lease)
{
	struct world *w = ctx;

	w->n_events[event]++;
}

static const struct dhcp4_server_ops ops = {on_send, on_store, on_probe, on_tell};

static void begin(struct world *w, const char *text)
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

static void end(struct world *w)
{
	dhcp4_server_free(w->server);
	config_free(w->config);
}

static struct dhcp4_message from(unsigned client, enum dhcp4_type type)
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
static bool say_by(struct world *w, const struct dhcp4_message *message, unsigned card)
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

static bool say(struct world *w, const struct dhcp4_message *message)
{
	return say_by(w, message, message->chaddr[5]);
}

static void pass_ms(struct world *w, uint64_t ms)
{
	w->now.ms += ms;
	w->now.wall += (int64_t)(ms / 1000);
	dhcp4_server_tick(w->server, &w->now);
}

static bool discover(struct world *w, unsigned client)
{
	struct dhcp4_message message = from(client, DHCP4_DISCOVER);

	return say(w, &message);
}

static bool request(struct world *w, unsigned client, uint32_t address, uint32_t server)
{
	struct dhcp4_message message = from(client, DHCP4_REQUEST);

	dhcp4_put_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, address);
	if (server != 0)
		dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, server);
	return say(w, &message);
}

static enum dhcp4_type said(const struct world *w)
{
	return dhcp4_type_of(&w->message);
}

// All four messages, when nothing is asked by ARP. The address.
static uint32_t lease(struct world *w, unsigned client)
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
	assert_int_equal(lease(&w, 2), b); // remembered, though its time was over
	assert_int_equal(lease(&w, 4), a); // of those that are over, the first one
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
		cmocka_unit_test(reservations_are_for_whom_they_say),
		cmocka_unit_test(who_is_not_to_be_served_is_not),
		cmocka_unit_test(one_card_does_not_take_all),
		cmocka_unit_test(two_messages_are_enough_for_who_asks_so),
		cmocka_unit_test(inform_gets_options_and_no_address),
		cmocka_unit_test(clients_are_told_what_they_ask_for),
		cmocka_unit_test(boot_roms_get_the_file_of_their_kind),
		cmocka_unit_test(a_pool_may_be_for_a_class_alone),
		cmocka_unit_test(relays_are_answered_with_what_they_said),
		cmocka_unit_test(leases_outlive_a_config),
		cmocka_unit_test(what_was_on_the_disk_is_known),
		cmocka_unit_test(hosts_may_say_their_names_in_three_ways),
		cmocka_unit_test(what_is_broken_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
