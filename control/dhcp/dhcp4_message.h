// SPDX-License-Identifier: BSD-3-Clause
// DHCPv4 messages (RFC 2131, RFC 2132): bytes in and out, nothing decided. Options are kept by
// their number, known or not; those that came in several pieces are one (RFC 3396), and those in
// `sname` and `file` (option 52) stand among the others. Addresses are numbers of host order, times
// are seconds. Plain values, nothing owned. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg/dhcp4_option.h"

enum {
	DHCP4_SERVER_PORT = 67, // RFC 2131 section 4.1
	DHCP4_CLIENT_PORT = 68,
	DHCP4_BYTES_MAX = 1500, // of a message, taken or made
	DHCP4_BYTES_LEAST_MAX =
		576 - 28,      // what everybody takes, but for IP and UDP: RFC 2131 section 2
	DHCP4_BYTES_MIN = 300, // RFC 1542 section 2.1: shorter ones are padded
	DHCP4_HTYPE_ETHERNET = 1,
	DHCP4_CHADDR_BYTES = 16,
	DHCP4_SNAME_BYTES = 64,
	DHCP4_FILE_BYTES = 128,
	DHCP4_FLAG_BROADCAST = 0x8000, // RFC 2131 section 2
};

enum dhcp4_op {
	DHCP4_OP_REQUEST = 1,
	DHCP4_OP_REPLY = 2,
};

// Option 53: RFC 2132 section 9.6.
enum dhcp4_type {
	DHCP4_NONE = 0, // BOOTP
	DHCP4_DISCOVER,
	DHCP4_OFFER,
	DHCP4_REQUEST,
	DHCP4_DECLINE,
	DHCP4_ACK,
	DHCP4_NAK,
	DHCP4_RELEASE,
	DHCP4_INFORM,
};

struct dhcp4_message {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[DHCP4_CHADDR_BYTES];
	// Texts as they are on the wire, perhaps without an end; empty where options were in them.
	uint8_t sname[DHCP4_SNAME_BYTES], file[DHCP4_FILE_BYTES];
	// By their number: where they are in `data`, and whether they are there at all.
	struct dhcp4_slot {
		uint16_t at, len;
		bool is_there;
	} slots[256];
	uint8_t order[256]; // their numbers, as they came or were put
	unsigned n_options;
	uint8_t data[DHCP4_BYTES_MAX];
	size_t n_data;
};

// False when it is no whole message: too short, no magic cookie, an option beyond its field's end,
// or a hardware address longer than its field. `type` is dhcp4_type_of's then.
bool dhcp4_parse(struct dhcp4_message *message, const void *bytes, size_t n);

// Writes the message into at most `room` bytes: never more than DHCP4_BYTES_MAX of it are used.
// What does not fit into the options goes to `file` and `sname` where they are empty; what fits
// nowhere is left out, the last that was put first. Returns how many bytes it has; 0: no room even
// for the header. `n_left_out`, where it is not NULL, tells how many options were left out.
size_t dhcp4_write(
	const struct dhcp4_message *message, void *bytes, size_t room, unsigned *n_left_out);

// --- options ---

// The bytes of an option and how many, NULL when it is not there. An option of no bytes is there
// with a length of 0.
const uint8_t *dhcp4_get(const struct dhcp4_message *message, uint8_t code, size_t *len);
bool dhcp4_has(const struct dhcp4_message *message, uint8_t code);
// False when it is not there or does not have that length.
bool dhcp4_get_u8(const struct dhcp4_message *message, uint8_t code, uint8_t *out);
bool dhcp4_get_u16(const struct dhcp4_message *message, uint8_t code, uint16_t *out);
bool dhcp4_get_u32(const struct dhcp4_message *message, uint8_t code, uint32_t *out);
// Copies at most `room` - 1 bytes up to the first NUL, and ends them; characters that are no
// printable ASCII become '?'. Returns the length, 0 when it is not there.
size_t dhcp4_get_text(const struct dhcp4_message *message, uint8_t code, char *out, size_t room);

// Sets an option, in place of what was there. False when there is no room for it in a message.
bool dhcp4_put(struct dhcp4_message *message, uint8_t code, const void *bytes, size_t len);
bool dhcp4_put_u8(struct dhcp4_message *message, uint8_t code, uint8_t value);
bool dhcp4_put_u16(struct dhcp4_message *message, uint8_t code, uint16_t value);
bool dhcp4_put_u32(struct dhcp4_message *message, uint8_t code, uint32_t value);

// DHCP4_NONE when option 53 is not there, or is none of them.
enum dhcp4_type dhcp4_type_of(const struct dhcp4_message *message);
const char *dhcp4_type_name(enum dhcp4_type type); // "DISCOVER"
