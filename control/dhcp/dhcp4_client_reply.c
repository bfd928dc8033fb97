// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_client_reply.h"

#include <errno.h>
#include <string.h>

#include "cfg/base/cursor.h"

enum {
	OPTION_STATIC_ROUTES = 33, // RFC 2132 5.8
	NAME_STEPS_MAX = 64,	   // labels and pointers of one name
	LABEL_MAX = 63,		   // RFC 1035 2.3.4
	POINTER = 0xc0,		   // RFC 1035 4.1.4
};

static struct ip_addr addr_of(uint32_t value)
{
	return (struct ip_addr){.family = IP_V4,
		.v4 = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			(uint8_t)value}};
}

// Of a host somewhere: neither 0.0.0.0, nor a loop, nor of a group.
static bool is_host(uint32_t value)
{
	return value >> 24 != 0 && value >> 24 != 127 && value >> 24 < 224;
}

static struct cursor option_of(const struct dhcp4_message *message, uint8_t code)
{
	size_t len;
	const uint8_t *at = dhcp4_get(message, code, &len);

	return cursor_of(at, len);
}

static uint32_t number_of(const struct dhcp4_message *message, uint8_t code)
{
	uint32_t value;

	return dhcp4_get_u32(message, code, &value) ? value : 0;
}

// -1: it has holes.
static int mask_len(uint32_t mask)
{
	unsigned len = mask == 0 ? 0 : 32 - (unsigned)__builtin_ctz(mask);

	return mask == (len == 0 ? 0 : UINT32_MAX << (32 - len)) ? (int)len : -1;
}

// Where a server says no mask, the address has the one that its class had (RFC 950 2.1).
static int class_len(uint32_t addr)
{
	if (addr >> 31 == 0)
		return 8;
	return addr >> 30 == 2 ? 16 : 24;
}

// --- routes ---

static void add_route(
	struct dhcp4_grant *grant, uint32_t to, unsigned len, uint32_t via, unsigned preference)
{
	struct dhcp4_grant_route *route = &grant->routes[grant->n_routes];
	bool is_on_link = via == 0;

	if (grant->n_routes == DHCP4_GRANT_ROUTES_MAX || (!is_on_link && !is_host(via))) {
		grant->n_left_out++;
		return;
	}
	*route = (struct dhcp4_grant_route){
		.to = {.addr = addr_of(to), .len = (uint8_t)len}, .preference = preference};
	route->to = ip_prefix_network(&route->to);
	if (!is_on_link)
		route->via = addr_of(via);
	for (unsigned i = 0; i < grant->n_routes; i++)
		if (grant->routes[i].to.len == route->to.len &&
			ip_addr_equal(&grant->routes[i].to.addr, &route->to.addr) &&
			grant->routes[i].preference == preference) {
			grant->n_left_out++; // the first one counts
			return;
		}
	grant->n_routes++;
}

// RFC 3442: width of the prefix, its significant octets, the router.
static void read_classless(struct dhcp4_grant *grant, struct cursor c)
{
	while (c.left > 0) {
		unsigned len = cursor_u8(&c), octets = (len + 7) / 8;
		uint32_t to = 0, via;

		for (unsigned i = 0; i < octets; i++)
			to = to << 8 | cursor_u8(&c);
		to = octets == 0 || octets > 4 ? 0 : to << (32 - 8 * octets);
		via = cursor_u32(&c);
		if (len > 32 || c.is_short) {
			grant->n_left_out++;
			return;
		}
		add_route(grant, to, len, via, 0);
	}
}

// RFC 2132 5.8: pairs of a destination and a router; a default route it may not be. The destination
// is a host or, as its zeroes say, a network of its class.
static void read_static(struct dhcp4_grant *grant, struct cursor c)
{
	while (c.left > 0) {
		uint32_t to = cursor_u32(&c), via = cursor_u32(&c);
		unsigned len = (unsigned)class_len(to);

		if (c.is_short || to == 0 || via == 0) {
			grant->n_left_out++;
			continue;
		}
		add_route(grant, to, to << len == 0 ? len : 32, via, 0);
	}
}

static void read_gateways(struct dhcp4_grant *grant, struct cursor c)
{
	for (unsigned i = 0; i < DHCP4_GRANT_GATEWAYS_MAX && c.left >= 4; i++) {
		uint32_t via = cursor_u32(&c);

		if (is_host(via))
			add_route(grant, 0, 0, via, i);
		else
			grant->n_left_out++;
	}
}

// RFC 3442: "If the DHCP server returns both a Classless Static Routes option and a Router option,
// the DHCP client MUST ignore the Router option. Similarly ... Static Routes."
static void read_routes(struct dhcp4_grant *grant, const struct dhcp4_message *message)
{
	uint8_t classless = dhcp4_has(message, DHCP4_OPTION_ROUTES) ? DHCP4_OPTION_ROUTES
								    : DHCP4_OPTION_VENDOR_ROUTES;

	if (dhcp4_has(message, classless)) {
		read_classless(grant, option_of(message, classless));
		if (grant->n_routes > 0)
			return;
	}
	read_gateways(grant, option_of(message, DHCP4_OPTION_ROUTERS));
	read_static(grant, option_of(message, OPTION_STATIC_ROUTES));
}

// --- names ---

static bool is_name_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

// Resolvers and log lines get it: whatever is no host name's character makes it none.
static void add_domain(struct dhcp4_grant *grant, const char *name)
{
	if (name[0] == '\0' || grant->n_domains == DHCP4_GRANT_DOMAINS_MAX)
		return;
	for (unsigned i = 0; i < grant->n_domains; i++)
		if (strcmp(grant->domains[i], name) == 0)
			return;
	memcpy(grant->domains[grant->n_domains++], name, strlen(name) + 1);
}

static void read_domain(struct dhcp4_grant *grant, const struct dhcp4_message *message)
{
	struct cursor c = option_of(message, DHCP4_OPTION_DOMAIN);
	char name[DHCP4_GRANT_DOMAIN_BYTES];
	size_t n = 0;

	while (c.left > 0 && n + 1 < sizeof(name)) {
		uint8_t byte = cursor_u8(&c);

		if (byte == '\0')
			break; // some servers end it
		if (!is_name_byte(byte) && (byte != '.' || n == 0 || name[n - 1] == '.'))
			return;
		name[n++] = (char)byte;
	}
	if (c.left > 0 && n + 1 == sizeof(name))
		return;
	if (n > 0 && name[n - 1] == '.')
		n--;
	name[n] = '\0';
	add_domain(grant, name);
}

// One name of RFC 1035 4.1.4, with pointers into the same option (RFC 3397 2). `c` is left behind
// it. False: malformed.
static bool read_name(struct cursor *c, struct cursor whole, char *name)
{
	struct cursor at = *c;
	bool has_jumped = false;
	size_t n = 0;

	for (unsigned i = 0; i < NAME_STEPS_MAX; i++) {
		uint8_t len = cursor_u8(&at);

		if (at.is_short)
			return false;
		if ((len & POINTER) == POINTER) {
			size_t to = (size_t)(len & ~POINTER) << 8 | cursor_u8(&at);

			if (!has_jumped)
				*c = at;
			has_jumped = true;
			at = whole;
			cursor_bytes(&at, to);
			continue;
		}
		if (len == 0) {
			if (!has_jumped)
				*c = at;
			name[n] = '\0';
			return true;
		}
		if (len > LABEL_MAX || n + len + 2 > DHCP4_GRANT_DOMAIN_BYTES)
			return false;
		if (n > 0)
			name[n++] = '.';
		for (unsigned k = 0; k < len; k++, n++) {
			uint8_t byte = cursor_u8(&at);

			if (at.is_short || !is_name_byte(byte))
				return false;
			name[n] = (char)byte;
		}
	}
	return false;
}

static void read_search(struct dhcp4_grant *grant, const struct dhcp4_message *message)
{
	struct cursor whole = option_of(message, DHCP4_OPTION_SEARCH), c = whole;
	char name[DHCP4_GRANT_DOMAIN_BYTES];

	while (c.left > 0 && read_name(&c, whole, name))
		add_domain(grant, name);
}

static void read_dns(struct dhcp4_grant *grant, const struct dhcp4_message *message)
{
	struct cursor c = option_of(message, DHCP4_OPTION_DNS);

	while (c.left >= 4 && grant->n_dns < DHCP4_GRANT_DNS_MAX) {
		uint32_t server = cursor_u32(&c);

		if (is_host(server))
			grant->dns[grant->n_dns++] = addr_of(server);
	}
}

// --- the message ---

static int read_grant(struct dhcp4_grant *grant, const struct dhcp4_message *message)
{
	uint32_t mask;
	int len;

	len = dhcp4_get_u32(message, DHCP4_OPTION_NETMASK, &mask) ? mask_len(mask)
								  : class_len(message->yiaddr);
	if (len < 0)
		return -EBADMSG;
	grant->addr = (struct ip_prefix){.addr = addr_of(message->yiaddr), .len = (uint8_t)len};
	grant->sec = number_of(message, DHCP4_OPTION_LEASE_TIME);
	grant->t1_sec = number_of(message, DHCP4_OPTION_RENEWAL_TIME);
	grant->t2_sec = number_of(message, DHCP4_OPTION_REBINDING_TIME);
	if (!dhcp4_get_u16(message, DHCP4_OPTION_MTU, &grant->mtu))
		grant->mtu = 0;
	read_routes(grant, message);
	read_dns(grant, message);
	read_domain(grant, message);
	read_search(grant, message);
	return 0;
}

int dhcp4_client_reply_read(struct dhcp4_client_reply *reply, const uint8_t *bytes, size_t n)
{
	struct dhcp4_message message;
	uint32_t server;

	memset(reply, 0, sizeof(*reply));
	if (!dhcp4_parse(&message, bytes, n) || message.op != DHCP4_OP_REPLY ||
		message.htype != DHCP4_HTYPE_ETHERNET || message.hlen != sizeof(reply->chaddr))
		return -EBADMSG;
	reply->type = dhcp4_type_of(&message);
	reply->xid = message.xid;
	memcpy(&reply->chaddr, message.chaddr, sizeof(reply->chaddr));
	if (!dhcp4_get_u32(&message, DHCP4_OPTION_SERVER_ID, &server) || !is_host(server))
		return -EBADMSG; // RFC 2131 table 3: a MUST of all three
	reply->grant.server = addr_of(server);
	dhcp4_get_text(&message, DHCP4_OPTION_MESSAGE, reply->text, sizeof(reply->text));
	if (reply->type == DHCP4_NAK)
		return 0;
	if (reply->type != DHCP4_OFFER && reply->type != DHCP4_ACK)
		return -EBADMSG;
	return read_grant(&reply->grant, &message);
}
