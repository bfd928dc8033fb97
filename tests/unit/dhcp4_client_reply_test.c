// SPDX-License-Identifier: BSD-3-Clause
// What a client reads of a server's message: routes, gateways, names; and what it does not believe.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/dhcp/arp_probe.h"
#include "control/dhcp/dhcp4_client_reply.h"
#include "tests/unit/text_addr.h"

static struct dhcp4_client_reply reply;

// An ACK of 203.0.113.100/24 with one more option, or several as they would be on the wire.
static int read_with(const void *options, size_t n)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REPLY,
		.htype = DHCP4_HTYPE_ETHERNET,
		.hlen = 6,
		.yiaddr = 0xcb007164};
	const uint8_t *at = options;
	uint8_t bytes[DHCP4_BYTES_MAX];
	size_t bytes_n;

	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, DHCP4_ACK);
	dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, 0xcb007101);
	dhcp4_put_u32(&message, DHCP4_OPTION_LEASE_TIME, 3600);
	while (n >= 2 && at < (const uint8_t *)options + n) {
		assert_true(dhcp4_put(&message, at[0], at + 2, at[1]));
		at += 2 + at[1];
	}
	bytes_n = dhcp4_write(&message, bytes, sizeof(bytes), NULL);
	return dhcp4_client_reply_read(&reply, bytes, bytes_n);
}

#define READ(text) assert_int_equal(read_with(text, sizeof(text) - 1), 0)

static void must_route(unsigned i, const char *to, const char *via, unsigned preference)
{
	char text[ADDR_STR_BYTES];

	assert_true(i < reply.grant.n_routes);
	assert_string_equal(ip_prefix_str(&reply.grant.routes[i].to, text), to);
	if (via == NULL)
		assert_int_equal(reply.grant.routes[i].via.family, IP_NONE);
	else
		assert_string_equal(ip_addr_str(&reply.grant.routes[i].via, text), via);
	assert_int_equal(reply.grant.routes[i].preference, preference);
}

static void several_gateways_are_in_their_order(void **state)
{
	READ("\3\x0c\xcb\0\x71\1\xcb\0\x71\2\xcb\0\x71\3");
	assert_int_equal(reply.grant.n_routes, 3);
	must_route(0, "0.0.0.0/0", "203.0.113.1", 0);
	must_route(1, "0.0.0.0/0", "203.0.113.2", 1);
	must_route(2, "0.0.0.0/0", "203.0.113.3", 2);
	READ("\3\x08\xe0\0\0\1\xcb\0\x71\2"); // a group is no gateway
	assert_int_equal(reply.grant.n_routes, 1);
	assert_int_equal(reply.grant.n_left_out, 1);
}

// RFC 3442, with its own examples of widths.
static void classless_routes_are_read_and_put_the_others_aside(void **state)
{
	READ("\x03\x04\xcb\0\x71\x09"		    // a router
	     "\x21\x08\xc6\x33\x64\0\xcb\0\x71\x08" // and a static route: ignored
	     "\x79\x1e"
	     "\x00\xcb\0\x71\1"		      // the default route
	     "\x18\xc6\x33\x64\xcb\0\x71\2"   // 198.51.100.0/24
	     "\x10\xc6\x12\xcb\0\x71\3"	      // 198.18.0.0/16
	     "\x20\xcb\0\x71\xfe\0\0\0\0\0"); // a host on the link, and a piece of nothing
	assert_int_equal(reply.grant.n_routes, 4);
	must_route(0, "0.0.0.0/0", "203.0.113.1", 0);
	must_route(1, "198.51.100.0/24", "203.0.113.2", 0);
	must_route(2, "198.18.0.0/16", "203.0.113.3", 0);
	must_route(3, "203.0.113.254/32", NULL, 0);
	assert_int_equal(reply.grant.n_left_out, 1);
	READ("\x79\x05\x18\xc6\x33\x64\xcb\x03\x04\xcb\0\x71\1"); // cut: as if it were not there
	assert_int_equal(reply.grant.n_routes, 1);
	must_route(0, "0.0.0.0/0", "203.0.113.1", 0);
	READ("\x79\x05\x21\xcb\0\x71\1"); // wider than an address
	assert_int_equal(reply.grant.n_routes, 0);
}

static void old_static_routes_are_of_their_class(void **state)
{
	READ("\x21\x18\xc6\x33\x64\0\xcb\0\x71\1\xc6\x33\x64\7\xcb\0\x71\1\0\0\0\0\xcb\0\x71\1");
	assert_int_equal(reply.grant.n_routes, 2);
	must_route(0, "198.51.100.0/24", "203.0.113.1", 0);
	must_route(1, "198.51.100.7/32", "203.0.113.1", 0);
	assert_int_equal(reply.grant.n_left_out, 1); // RFC 2132 5.8: no default route
}

static void more_routes_than_there_is_room_for_are_counted(void **state)
{
	uint8_t option[2 + 40 * 6] = {0x79, 40 * 6};

	for (unsigned i = 0; i < 40; i++)
		memcpy(option + 2 + i * 6, (uint8_t[]){8, (uint8_t)(20 + i), 203, 0, 113, 1}, 6);
	assert_int_equal(read_with(option, sizeof(option)), 0);
	assert_int_equal(reply.grant.n_routes, DHCP4_GRANT_ROUTES_MAX);
	assert_int_equal(reply.grant.n_left_out, 40 - DHCP4_GRANT_ROUTES_MAX);
}

static void resolvers_and_domains_are_read(void **state)
{
	READ("\6\x0c\xc6\x33\x64\x35\0\0\0\0\xc6\x33\x64\x36"
	     "\x0f\x0chome.example"
	     "\x77\x12\4home\7example\0\1a\xc0\5"); // a.example by a pointer
	assert_int_equal(reply.grant.n_dns, 2);
	assert_int_equal(reply.grant.dns[1].v4[3], 0x36);
	assert_int_equal(reply.grant.n_domains, 2);
	assert_string_equal(reply.grant.domains[0], "home.example");
	assert_string_equal(reply.grant.domains[1], "a.example");
}

// A resolver's file, a shell or a log would be next.
static void names_that_are_none_are_left_out(void **state)
{
	READ("\x0f\x0bhome;reboot");
	assert_int_equal(reply.grant.n_domains, 0);
	READ("\x0f\x09ho\nme.exa");
	assert_int_equal(reply.grant.n_domains, 0);
	READ("\x0f\x06.a..b.");
	assert_int_equal(reply.grant.n_domains, 0);
	READ("\x77\x02\xc0\0"); // a pointer to itself
	assert_int_equal(reply.grant.n_domains, 0);
	READ("\x77\x03\x05"
	     "ab"); // cut
	assert_int_equal(reply.grant.n_domains, 0);
	READ("\x77\x06\4a\n'b\0");
	assert_int_equal(reply.grant.n_domains, 0);
}

static void a_mask_that_is_not_said_is_of_the_class(void **state)
{
	assert_int_equal(read_with(NULL, 0), 0);
	assert_int_equal(reply.grant.addr.len, 24);
	READ("\1\4\xff\xff\xff\xff");
	assert_int_equal(reply.grant.addr.len, 32);
	READ("\1\2\xff\xff"); // malformed: as if it were not there
	assert_int_equal(reply.grant.addr.len, 24);
}

// --- who has an address on the link ---

static void arp_tells_who_has_an_address_or_wants_it(void **state)
{
	enum { OURS = 0xcb007164, GATEWAY = 0xcb007101 };
	static const struct {
		uint8_t op, sender[4], target[4];
		uint32_t of; // 0: of nobody
	} table[] = {
		{2, {203, 0, 113, 100}, {203, 0, 113, 1}, OURS},    // an answer
		{1, {203, 0, 113, 100}, {203, 0, 113, 1}, OURS},    // a question from there
		{1, {0}, {203, 0, 113, 100}, OURS},		    // probes it as we do
		{1, {203, 0, 113, 1}, {203, 0, 113, 100}, GATEWAY}, // asks for it
		{2, {203, 0, 113, 1}, {203, 0, 113, 100}, GATEWAY},
		{3, {203, 0, 113, 100}, {203, 0, 113, 1}, 0}, // RARP
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t packet[28] = {0, 1, 8, 0, 6, 4, 0, table[i].op, 2, 0, 0x5e, 0, 0x53, 9};
		struct mac_addr mac;
		uint32_t of;

		memcpy(packet + 14, table[i].sender, 4);
		memcpy(packet + 24, table[i].target, 4);
		assert_int_equal(
			arp_probe_read(packet, sizeof(packet), &of, &mac), table[i].of != 0);
		if (table[i].of != 0)
			assert_int_equal(of, table[i].of);
		assert_int_equal(mac.bytes[5], 9);
		assert_false(arp_probe_read(packet, sizeof(packet) - 1, &of, &mac));
		packet[0] = 1; // another hardware
		assert_false(arp_probe_read(packet, sizeof(packet), &of, &mac));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_gateways_are_in_their_order),
		cmocka_unit_test(classless_routes_are_read_and_put_the_others_aside),
		cmocka_unit_test(old_static_routes_are_of_their_class),
		cmocka_unit_test(more_routes_than_there_is_room_for_are_counted),
		cmocka_unit_test(resolvers_and_domains_are_read),
		cmocka_unit_test(names_that_are_none_are_left_out),
		cmocka_unit_test(a_mask_that_is_not_said_is_of_the_class),
		cmocka_unit_test(arp_tells_who_has_an_address_or_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
