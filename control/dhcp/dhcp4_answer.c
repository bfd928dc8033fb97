// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_answer.h"

#include <string.h>

enum { BROADCAST = 0xffffffff };

struct maker {
	const struct dhcp4_question *question;
	struct dhcp4_message *message; // that is made
	uint32_t address;
	uint8_t wanted[256];
	bool wants_all; // it has no list of what it wants
};

// --- options ---

static void read_wanted(struct maker *maker)
{
	size_t len;
	const uint8_t *list = dhcp4_get(maker->question->message, DHCP4_OPTION_PARAMETERS, &len);

	maker->wants_all = list == NULL;
	for (size_t i = 0; i < len; i++)
		maker->wanted[list[i]] = 1;
}

static bool is_wanted(const struct maker *maker, uint16_t number)
{
	// boot roms forget to ask
	if (number == DHCP4_OPTION_BOOT_FILE || number == DHCP4_OPTION_TFTP_SERVER)
		return true;
	// RFC 8925 section 3.3: only to who asks
	if (number == DHCP4_OPTION_IPV6_ONLY)
		return maker->wanted[number];
	return maker->wants_all || maker->wanted[number];
}

static void put_address(struct maker *maker, uint8_t code, uint32_t address)
{
	if (is_wanted(maker, code) && !dhcp4_has(maker->message, code))
		dhcp4_put_u32(maker->message, code, address);
}

static void put_configured(void *ctx, uint16_t number)
{
	struct maker *maker = ctx;
	const struct dhcp4_question *q = maker->question;
	const struct cfg_dhcp_option *option =
		dhcp4_scope_option(q->scope, q->asker, maker->address, number);

	if (option == NULL)
		return;
	if (number == DHCP4_OPTION_NEXT_SERVER) {
		maker->message->siaddr = (uint32_t)option->bytes[0] << 24 |
					 (uint32_t)option->bytes[1] << 16 |
					 (uint32_t)option->bytes[2] << 8 | option->bytes[3];
		return;
	}
	if (number == DHCP4_OPTION_BOOT_FILE && option->n_bytes < DHCP4_FILE_BYTES)
		memcpy(maker->message->file, option->bytes, option->n_bytes);
	if (number == DHCP4_OPTION_TFTP_SERVER && option->n_bytes < DHCP4_SNAME_BYTES)
		memcpy(maker->message->sname, option->bytes, option->n_bytes);
	if (number == DHCP4_OPTION_ROUTES && maker->wanted[DHCP4_OPTION_VENDOR_ROUTES])
		dhcp4_put(
			maker->message, DHCP4_OPTION_VENDOR_ROUTES, option->bytes, option->n_bytes);
	if (is_wanted(maker, number) && !dhcp4_has(maker->message, (uint8_t)number))
		dhcp4_put(maker->message, (uint8_t)number, option->bytes, option->n_bytes);
}

static void put_times(struct maker *maker)
{
	const struct cfg_dhcp_subnet *config = maker->question->scope->config;

	dhcp4_put_u32(maker->message, DHCP4_OPTION_LEASE_TIME, config->lease_sec);
	dhcp4_put_u32(maker->message, DHCP4_OPTION_RENEWAL_TIME, config->renew_sec);
	dhcp4_put_u32(maker->message, DHCP4_OPTION_REBINDING_TIME, config->rebind_sec);
}

// The most needed first: what is last is left out where there is no room.
static void put_options(struct maker *maker)
{
	const struct dhcp4_question *q = maker->question;
	const struct dhcp4_scope *scope = q->scope;

	if (maker->address != 0)
		put_times(maker);
	dhcp4_put_u32(maker->message, DHCP4_OPTION_NETMASK, scope->mask);
	dhcp4_scope_each_option(scope, q->asker, maker->address, put_configured, maker);
	if (!scope->config->is_relayed) { // there, only its operator knows
		put_address(maker, DHCP4_OPTION_ROUTERS, scope->router);
		put_address(maker, DHCP4_OPTION_DNS, scope->router);
		put_address(maker, DHCP4_OPTION_BROADCAST, scope->network | ~scope->mask);
	}
	if (q->asker->reservation != NULL && is_wanted(maker, DHCP4_OPTION_HOST_NAME))
		dhcp4_put(maker->message, DHCP4_OPTION_HOST_NAME, q->asker->reservation->name,
			strlen(q->asker->reservation->name));
}

// --- whom to ---

static struct mac_addr mac_of(const struct dhcp4_message *message)
{
	struct mac_addr mac;

	memcpy(mac.bytes, message->chaddr, sizeof(mac.bytes));
	return mac;
}

// RFC 2131 section 4.1. Whoever sent the frame is the way back: a relay, a router, the client.
static void address_reply(const struct dhcp4_question *q, enum dhcp4_type type, uint32_t address,
	struct dhcp4_reply *reply)
{
	static const struct mac_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	const struct dhcp4_message *message = q->message;
	bool is_ethernet =
		message->htype == DHCP4_HTYPE_ETHERNET && message->hlen == sizeof(reply->mac.bytes);

	reply->interface = q->scope->config->interface;
	reply->source = q->scope->router;
	reply->destination_port = DHCP4_CLIENT_PORT;
	reply->mac = q->rx->source_mac;
	if (message->giaddr != 0) {
		reply->destination = message->giaddr;
		reply->destination_port = DHCP4_SERVER_PORT;
	} else if (type != DHCP4_NAK && message->ciaddr != 0) {
		reply->destination = message->ciaddr;
	} else if (type == DHCP4_NAK || (message->flags & DHCP4_FLAG_BROADCAST) != 0 ||
		   !is_ethernet || address == 0) {
		reply->destination = BROADCAST;
		reply->mac = everybody;
	} else {
		reply->destination = address;
		reply->mac = mac_of(message);
	}
}

// --- all of it ---

static size_t room_for(const struct dhcp4_message *question)
{
	uint16_t max;

	// RFC 2132 section 9.10: with the headers of IP and UDP, 576 at least
	if (!dhcp4_get_u16(question, DHCP4_OPTION_MAX_SIZE, &max) ||
		max < DHCP4_BYTES_LEAST_MAX + 28)
		return DHCP4_BYTES_LEAST_MAX;
	return max > DHCP4_BYTES_MAX ? DHCP4_BYTES_MAX - 28 : max - 28u;
}

void dhcp4_answer_make(const struct dhcp4_question *q, enum dhcp4_type type, uint32_t address,
	const char *why, struct dhcp4_reply *reply)
{
	struct dhcp4_message message;
	struct maker maker = {.question = q, .message = &message, .address = address};
	size_t len;
	const uint8_t *relay = dhcp4_get(q->message, DHCP4_OPTION_RELAY_AGENT, &len);
	const uint8_t *id;

	memset(&message, 0, sizeof(message));
	message.op = DHCP4_OP_REPLY;
	message.htype = q->message->htype;
	message.hlen = q->message->hlen;
	message.xid = q->message->xid;
	message.flags = q->message->flags;
	message.giaddr = q->message->giaddr;
	memcpy(message.chaddr, q->message->chaddr, sizeof(message.chaddr));
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, (uint8_t)type);
	dhcp4_put_u32(&message, DHCP4_OPTION_SERVER_ID, q->server_id);
	if (type == DHCP4_ACK && dhcp4_type_of(q->message) == DHCP4_DISCOVER)
		dhcp4_put(&message, DHCP4_OPTION_RAPID_COMMIT, NULL, 0); // RFC 4039 section 3.1
	if (relay != NULL) // RFC 3046 section 2.2: as it came, whatever is in it
		dhcp4_put(&message, DHCP4_OPTION_RELAY_AGENT, relay, len);
	if (type == DHCP4_NAK) {
		// RFC 2131 section 4.3.2: a relay is to broadcast it
		if (message.giaddr != 0)
			message.flags |= DHCP4_FLAG_BROADCAST;
		dhcp4_put(&message, DHCP4_OPTION_MESSAGE, why, strlen(why));
	} else {
		message.yiaddr = address;
		if (type == DHCP4_ACK)
			message.ciaddr = q->message->ciaddr;
		read_wanted(&maker);
		put_options(&maker);
	}
	// RFC 6842 section 3: it may share its hardware address with others
	id = dhcp4_get(q->message, DHCP4_OPTION_CLIENT_ID, &len);
	if (id != NULL)
		dhcp4_put(&message, DHCP4_OPTION_CLIENT_ID, id, len);
	address_reply(q, type, address, reply);
	reply->n = dhcp4_write(&message, reply->bytes, room_for(q->message), NULL);
}
