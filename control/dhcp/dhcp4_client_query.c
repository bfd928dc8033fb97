// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_client_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/cursor.h"
#include "cfg/hex_text.h"

enum {
	OPTION_STATIC_ROUTES = 33, // RFC 2132 5.8
	OPTION_VENDOR_INFO = 125,  // RFC 3925 4
	CLIENT_ID_TEXT = 0,	   // RFC 2132 9.14: not a hardware address
	CLIENT_ID_DUID = 255,	   // RFC 4361 6.1
	DUID_LL = 3,		   // RFC 8415 11.4
	HARDWARE_ETHERNET = 1,
};

// RFC 3442: "MUST request both the Router option and the Classless Static Routes option", this one
// before that one.
static const uint8_t usual_requests[] = {DHCP4_OPTION_NETMASK, DHCP4_OPTION_ROUTES,
	DHCP4_OPTION_ROUTERS, OPTION_STATIC_ROUTES, DHCP4_OPTION_DNS, DHCP4_OPTION_DOMAIN,
	DHCP4_OPTION_SEARCH, DHCP4_OPTION_MTU, DHCP4_OPTION_LEASE_TIME, DHCP4_OPTION_SERVER_ID,
	DHCP4_OPTION_RENEWAL_TIME, DHCP4_OPTION_REBINDING_TIME};

// --- who we are ---

// RFC 4361 6.1: 255, the interface's IAID, the machine's DUID. Both are of the MAC, so that they
// are the same whatever becomes of the disk.
static size_t write_duid(uint8_t *out, size_t room, const struct mac_addr *mac)
{
	struct cursor_out c = cursor_out_of(out, room);

	cursor_put_u8(&c, CLIENT_ID_DUID);
	cursor_put(&c, mac->bytes + 2, 4);
	cursor_put_u16(&c, DUID_LL);
	cursor_put_u16(&c, HARDWARE_ETHERNET);
	cursor_put(&c, mac->bytes, sizeof(mac->bytes));
	return c.n;
}

static size_t write_client_id(
	uint8_t *out, size_t room, const char *text, const struct mac_addr *mac)
{
	struct cursor_out c = cursor_out_of(out, room);

	if (strcmp(text, "none") == 0)
		return 0;
	if (strcmp(text, "duid") == 0)
		return write_duid(out, room, mac);
	if (strncmp(text, "hex:", 4) == 0) {
		int n = hex_text_read(text + 4, out, room);

		return n < 0 ? 0 : (size_t)n; // the checks have seen it
	}
	if (strcmp(text, "mac") == 0) {
		cursor_put_u8(&c, HARDWARE_ETHERNET);
		cursor_put(&c, mac->bytes, sizeof(mac->bytes));
	} else {
		cursor_put_u8(&c, CLIENT_ID_TEXT);
		cursor_put(&c, text, strlen(text));
	}
	return c.is_full ? 0 : c.n;
}

// RFC 3925 4: enterprise number, length, data; written "3561:0a0b".
static size_t write_vendor_info(uint8_t *out, size_t room, const char *text)
{
	struct cursor_out c = cursor_out_of(out, room);
	uint8_t data[DHCP4_CLASS_MAX];
	char *end;
	unsigned long enterprise = strtoul(text, &end, 10);
	int n = *end == ':' ? hex_text_read(end + 1, data, sizeof(data)) : -1;

	if (n < 0)
		return 0; // the checks have seen it
	cursor_put_u32(&c, (uint32_t)enterprise);
	cursor_put_u8(&c, (uint8_t)n);
	cursor_put(&c, data, (size_t)n);
	return c.is_full ? 0 : c.n;
}

static void copy_text(char *out, const char *text)
{
	snprintf(out, DHCP4_CLASS_MAX + 1, "%s", text == NULL ? "" : text);
}

static void add_request(struct dhcp4_identity *identity, uint8_t code)
{
	if (identity->n_request < DHCP4_REQUEST_MAX &&
		memchr(identity->request, code, identity->n_request) == NULL)
		identity->request[identity->n_request++] = code;
}

void dhcp4_identity_make(
	struct dhcp4_identity *identity, const struct cfg_dhcp4 *config, const struct mac_addr *mac)
{
	memset(identity, 0, sizeof(*identity)); // padding too: they are compared as bytes
	identity->mac = *mac;
	identity->n_client_id = (unsigned)write_client_id(
		identity->client_id, sizeof(identity->client_id), config->client_id, mac);
	copy_text(identity->hostname, config->hostname);
	copy_text(identity->vendor_class, config->vendor_class);
	copy_text(identity->user_class, config->user_class);
	if (config->vendor_info != NULL)
		identity->n_vendor_info = (unsigned)write_vendor_info(
			identity->vendor_info, sizeof(identity->vendor_info), config->vendor_info);
	for (size_t i = 0; i < sizeof(usual_requests); i++)
		add_request(identity, usual_requests[i]);
	for (unsigned i = 0; i < config->n_request; i++)
		add_request(identity, config->request[i]);
}

// --- what we say ---

static void put_addr(struct dhcp4_message *message, uint8_t code, const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		dhcp4_put_u32(message, code, ip4_number(addr));
}

static void put_text(struct dhcp4_message *message, uint8_t code, const char *text)
{
	if (text != NULL && text[0] != '\0')
		dhcp4_put(message, code, text, strlen(text));
}

// RFC 3004 4: a list of classes, each after its length; here of one.
static void put_user_class(struct dhcp4_message *message, const char *text)
{
	uint8_t bytes[DHCP4_CLASS_MAX + 1];
	size_t n = strlen(text);

	if (n == 0 || n >= DHCP4_CLASS_MAX)
		return;
	bytes[0] = (uint8_t)n;
	memcpy(bytes + 1, text, n);
	dhcp4_put(message, DHCP4_OPTION_USER_CLASS, bytes, n + 1);
}

// What table 5 has for DISCOVER and REQUEST, and forbids for DECLINE and RELEASE.
static void put_wishes(struct dhcp4_message *message, const struct dhcp4_identity *identity)
{
	dhcp4_put_u16(message, DHCP4_OPTION_MAX_SIZE, DHCP4_BYTES_MAX);
	dhcp4_put(message, DHCP4_OPTION_PARAMETERS, identity->request, identity->n_request);
	put_text(message, DHCP4_OPTION_HOST_NAME, identity->hostname);
	put_text(message, DHCP4_OPTION_VENDOR_CLASS, identity->vendor_class);
	put_user_class(message, identity->user_class);
	if (identity->n_vendor_info > 0)
		dhcp4_put(message, OPTION_VENDOR_INFO, identity->vendor_info,
			identity->n_vendor_info);
}

size_t dhcp4_client_query_write(const struct dhcp4_client_query *query,
	const struct dhcp4_identity *identity, uint8_t *out, size_t size)
{
	struct dhcp4_message message = {
		.op = DHCP4_OP_REQUEST,
		.htype = DHCP4_HTYPE_ETHERNET,
		.hlen = sizeof(identity->mac.bytes),
		.xid = query->xid,
		.secs = query->secs,
		.flags = query->wants_broadcast ? DHCP4_FLAG_BROADCAST : 0,
	};
	unsigned n_left_out = 0;
	size_t n;

	if (query->ciaddr.family == IP_V4)
		message.ciaddr = ip4_number(&query->ciaddr);
	memcpy(message.chaddr, identity->mac.bytes, sizeof(identity->mac.bytes));
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, (uint8_t)query->type);
	if (identity->n_client_id > 0)
		dhcp4_put(&message, DHCP4_OPTION_CLIENT_ID, identity->client_id,
			identity->n_client_id);
	put_addr(&message, DHCP4_OPTION_REQUESTED_ADDRESS, &query->requested);
	put_addr(&message, DHCP4_OPTION_SERVER_ID, &query->server);
	put_text(&message, DHCP4_OPTION_MESSAGE, query->message);
	if (query->type == DHCP4_DISCOVER || query->type == DHCP4_REQUEST)
		put_wishes(&message, identity);
	n = dhcp4_write(&message, out, size, &n_left_out);
	return n_left_out > 0 ? 0 : n;
}
