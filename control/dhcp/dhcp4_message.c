// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_message.h"

#include <string.h>

#include "cfg/base/cursor.h"

enum {
	COOKIE = 0x63825363, // RFC 2131 section 3
	PIECE_MAX = 255,     // bytes of an option on the wire; RFC 3396 section 5 for longer ones
	OVERLOAD_FILE = 1,   // RFC 2132 section 9.3, bits of option 52
	OVERLOAD_SNAME = 2,
	OVERLOAD_BYTES = 3, // of that option
	HEADER_BYTES = 236,
};

// --- reading ---

// One field of options: each is handed to `take`, which sums up lengths or copies. False: one goes
// beyond the field's end. The end option may be missing: RFC 2131 has it, some clients do not.
static bool walk(struct cursor field, struct dhcp4_message *message,
	void (*take)(struct dhcp4_message *, uint8_t code, const uint8_t *bytes, size_t len))
{
	while (field.left > 0) {
		uint8_t code = cursor_u8(&field);
		const uint8_t *bytes;
		uint8_t len;

		if (code == DHCP4_OPTION_PAD)
			continue;
		if (code == DHCP4_OPTION_END)
			break;
		len = cursor_u8(&field);
		bytes = cursor_bytes(&field, len);
		if (field.is_short)
			return false;
		take(message, code, bytes, len);
	}
	return true;
}

static void add_length(
	struct dhcp4_message *message, uint8_t code, const uint8_t *bytes, size_t len)
{
	struct dhcp4_slot *slot = &message->slots[code];

	(void)bytes;
	if (!slot->is_there) {
		slot->is_there = true;
		message->order[message->n_options++] = code;
	}
	slot->len = (uint16_t)(slot->len + len);
}

static void add_bytes(struct dhcp4_message *message, uint8_t code, const uint8_t *bytes, size_t len)
{
	struct dhcp4_slot *slot = &message->slots[code];

	memcpy(message->data + slot->at + slot->len, bytes, len);
	slot->len = (uint16_t)(slot->len + len);
}

// First how long each is, then each at its place in one piece: all of them are parts of a message
// of DHCP4_BYTES_MAX, so they fit.
static bool collect(struct dhcp4_message *message, const struct cursor *fields, unsigned n)
{
	uint16_t at = 0;

	for (unsigned i = 0; i < n; i++)
		if (!walk(fields[i], message, add_length))
			return false;
	for (unsigned i = 0; i < message->n_options; i++) {
		struct dhcp4_slot *slot = &message->slots[message->order[i]];

		slot->at = at;
		at = (uint16_t)(at + slot->len);
		slot->len = 0;
	}
	message->n_data = at;
	for (unsigned i = 0; i < n; i++)
		walk(fields[i], message, add_bytes);
	return true;
}

// Option 52 counts in the field of options alone.
static uint8_t overload_of(struct cursor options)
{
	while (options.left > 0) {
		uint8_t code = cursor_u8(&options), len;
		const uint8_t *bytes;

		if (code == DHCP4_OPTION_PAD)
			continue;
		if (code == DHCP4_OPTION_END)
			break;
		len = cursor_u8(&options);
		bytes = cursor_bytes(&options, len);
		if (code == DHCP4_OPTION_OVERLOAD && len == 1 && bytes != NULL)
			return bytes[0];
	}
	return 0;
}

bool dhcp4_parse(struct dhcp4_message *message, const void *bytes, size_t n)
{
	struct cursor c = cursor_of(bytes, n);
	struct cursor fields[3];
	unsigned n_fields = 1;
	uint8_t overload;

	memset(message, 0, offsetof(struct dhcp4_message, data));
	message->n_data = 0;
	if (n > DHCP4_BYTES_MAX)
		return false;
	message->op = cursor_u8(&c);
	message->htype = cursor_u8(&c);
	message->hlen = cursor_u8(&c);
	message->hops = cursor_u8(&c);
	message->xid = cursor_u32(&c);
	message->secs = cursor_u16(&c);
	message->flags = cursor_u16(&c);
	message->ciaddr = cursor_u32(&c);
	message->yiaddr = cursor_u32(&c);
	message->siaddr = cursor_u32(&c);
	message->giaddr = cursor_u32(&c);
	cursor_copy(&c, message->chaddr, sizeof(message->chaddr));
	cursor_copy(&c, message->sname, sizeof(message->sname));
	cursor_copy(&c, message->file, sizeof(message->file));
	if (cursor_u32(&c) != COOKIE || c.is_short || message->hlen > DHCP4_CHADDR_BYTES)
		return false;
	fields[0] = c;
	overload = overload_of(c);
	// RFC 3396 section 5: options, then file, then sname
	if (overload & OVERLOAD_FILE)
		fields[n_fields++] = cursor_of(
			(const uint8_t *)bytes + HEADER_BYTES - DHCP4_FILE_BYTES, DHCP4_FILE_BYTES);
	if (overload & OVERLOAD_SNAME)
		fields[n_fields++] = cursor_of((const uint8_t *)bytes + HEADER_BYTES -
						       DHCP4_FILE_BYTES - DHCP4_SNAME_BYTES,
			DHCP4_SNAME_BYTES);
	if (overload & OVERLOAD_FILE)
		memset(message->file, 0, sizeof(message->file));
	if (overload & OVERLOAD_SNAME)
		memset(message->sname, 0, sizeof(message->sname));
	return collect(message, fields, n_fields);
}

// --- writing ---

static size_t wire_bytes(size_t len)
{
	size_t pieces = len == 0 ? 1 : (len + PIECE_MAX - 1) / PIECE_MAX;

	return len + 2 * pieces;
}

static void write_option(struct cursor_out *c, uint8_t code, const uint8_t *bytes, size_t len)
{
	do {
		size_t piece = len < PIECE_MAX ? len : PIECE_MAX;

		cursor_put_u8(c, code);
		cursor_put_u8(c, (uint8_t)piece);
		cursor_put(c, bytes, piece);
		bytes += piece;
		len -= piece;
	} while (len > 0);
}

// The end option must fit behind it.
static bool fits(const struct cursor_out *c, size_t len)
{
	return c->n + wire_bytes(len) + 1 <= c->room;
}

static bool is_empty(const uint8_t *field, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (field[i] != 0)
			return false;
	return true;
}

static size_t all_bytes(const struct dhcp4_message *message)
{
	size_t n = 0;

	for (unsigned i = 0; i < message->n_options; i++)
		n += wire_bytes(message->slots[message->order[i]].len);
	return n;
}

// Each option whole into the first field with room for it. Returns how many had none.
static unsigned distribute(
	const struct dhcp4_message *message, struct cursor_out *fields, unsigned n_fields)
{
	unsigned n_left_out = 0;

	for (unsigned i = 0; i < message->n_options; i++) {
		uint8_t code = message->order[i];
		const struct dhcp4_slot *slot = &message->slots[code];
		unsigned k = 0;

		if (code == DHCP4_OPTION_OVERLOAD)
			continue; // ours, below
		while (k < n_fields && !fits(&fields[k], slot->len))
			k++;
		if (k == n_fields)
			n_left_out++;
		else
			write_option(&fields[k], code, message->data + slot->at, slot->len);
	}
	return n_left_out;
}

static void write_header(struct cursor_out *c, const struct dhcp4_message *message)
{
	cursor_put_u8(c, message->op);
	cursor_put_u8(c, message->htype);
	cursor_put_u8(c, message->hlen);
	cursor_put_u8(c, message->hops);
	cursor_put_u32(c, message->xid);
	cursor_put_u16(c, message->secs);
	cursor_put_u16(c, message->flags);
	cursor_put_u32(c, message->ciaddr);
	cursor_put_u32(c, message->yiaddr);
	cursor_put_u32(c, message->siaddr);
	cursor_put_u32(c, message->giaddr);
	cursor_put(c, message->chaddr, sizeof(message->chaddr));
}

size_t dhcp4_write(
	const struct dhcp4_message *message, void *bytes, size_t room, unsigned *n_left_out)
{
	uint8_t file[DHCP4_FILE_BYTES], sname[DHCP4_SNAME_BYTES];
	uint8_t options[DHCP4_BYTES_MAX];
	size_t limit = room < DHCP4_BYTES_MAX ? room : DHCP4_BYTES_MAX;
	struct cursor_out c = cursor_out_of(bytes, limit), fields[3];
	unsigned n_fields = 1, left_out;
	uint8_t overload = 0;

	if (limit < HEADER_BYTES + 4 + OVERLOAD_BYTES + 1)
		return 0;
	memcpy(file, message->file, sizeof(file));
	memcpy(sname, message->sname, sizeof(sname));
	fields[0] = cursor_out_of(options, limit - HEADER_BYTES - 4);
	if (all_bytes(message) + 1 > fields[0].room) {
		if (is_empty(file, sizeof(file))) {
			fields[n_fields++] = cursor_out_of(file, sizeof(file));
			overload |= OVERLOAD_FILE;
		}
		if (is_empty(sname, sizeof(sname))) {
			fields[n_fields++] = cursor_out_of(sname, sizeof(sname));
			overload |= OVERLOAD_SNAME;
		}
	}
	if (overload != 0)
		write_option(&fields[0], DHCP4_OPTION_OVERLOAD, &overload, 1);
	left_out = distribute(message, fields, n_fields);
	if (n_left_out != NULL)
		*n_left_out = left_out;
	for (unsigned i = 0; i < n_fields; i++)
		cursor_put_u8(&fields[i], DHCP4_OPTION_END);

	write_header(&c, message);
	cursor_put(&c, sname, sizeof(sname));
	cursor_put(&c, file, sizeof(file));
	cursor_put_u32(&c, COOKIE);
	cursor_put(&c, options, fields[0].n);
	if (c.n < DHCP4_BYTES_MIN && limit >= DHCP4_BYTES_MIN)
		cursor_put_zeroes(&c, DHCP4_BYTES_MIN - c.n);
	return c.is_full ? 0 : c.n;
}

// --- options ---

const uint8_t *dhcp4_get(const struct dhcp4_message *message, uint8_t code, size_t *len)
{
	const struct dhcp4_slot *slot = &message->slots[code];

	*len = slot->is_there ? slot->len : 0;
	return slot->is_there ? message->data + slot->at : NULL;
}

bool dhcp4_has(const struct dhcp4_message *message, uint8_t code)
{
	return message->slots[code].is_there;
}

// The cursor is at the option's bytes, short when it does not have that many.
static struct cursor number_at(const struct dhcp4_message *message, uint8_t code, size_t bytes)
{
	size_t len;
	const uint8_t *at = dhcp4_get(message, code, &len);
	struct cursor c = cursor_of(at, len);

	c.is_short = at == NULL || len != bytes;
	return c;
}

bool dhcp4_get_u8(const struct dhcp4_message *message, uint8_t code, uint8_t *out)
{
	struct cursor c = number_at(message, code, sizeof(*out));

	*out = cursor_u8(&c);
	return !c.is_short;
}

bool dhcp4_get_u16(const struct dhcp4_message *message, uint8_t code, uint16_t *out)
{
	struct cursor c = number_at(message, code, sizeof(*out));

	*out = cursor_u16(&c);
	return !c.is_short;
}

bool dhcp4_get_u32(const struct dhcp4_message *message, uint8_t code, uint32_t *out)
{
	struct cursor c = number_at(message, code, sizeof(*out));

	*out = cursor_u32(&c);
	return !c.is_short;
}

size_t dhcp4_get_text(const struct dhcp4_message *message, uint8_t code, char *out, size_t room)
{
	size_t len, n = 0;
	const uint8_t *at = dhcp4_get(message, code, &len);

	for (; n < len && n + 1 < room && at[n] != 0; n++)
		out[n] = at[n] >= ' ' && at[n] < 0x7f ? (char)at[n] : '?';
	if (room > 0)
		out[n] = '\0';
	return n;
}

bool dhcp4_put(struct dhcp4_message *message, uint8_t code, const void *bytes, size_t len)
{
	struct dhcp4_slot *slot = &message->slots[code];

	if (code == DHCP4_OPTION_PAD || code == DHCP4_OPTION_END)
		return false;
	if (!slot->is_there || len > slot->len) {
		if (len > sizeof(message->data) - message->n_data)
			return false;
		slot->at = (uint16_t)message->n_data;
		message->n_data += len;
	}
	if (!slot->is_there)
		message->order[message->n_options++] = code;
	slot->is_there = true;
	slot->len = (uint16_t)len;
	if (len > 0)
		memcpy(message->data + slot->at, bytes, len);
	return true;
}

bool dhcp4_put_u8(struct dhcp4_message *message, uint8_t code, uint8_t value)
{
	return dhcp4_put(message, code, &value, sizeof(value));
}

bool dhcp4_put_u16(struct dhcp4_message *message, uint8_t code, uint16_t value)
{
	uint8_t bytes[sizeof(value)];
	struct cursor_out c = cursor_out_of(bytes, sizeof(bytes));

	cursor_put_u16(&c, value);
	return dhcp4_put(message, code, bytes, sizeof(bytes));
}

bool dhcp4_put_u32(struct dhcp4_message *message, uint8_t code, uint32_t value)
{
	uint8_t bytes[sizeof(value)];
	struct cursor_out c = cursor_out_of(bytes, sizeof(bytes));

	cursor_put_u32(&c, value);
	return dhcp4_put(message, code, bytes, sizeof(bytes));
}

enum dhcp4_type dhcp4_type_of(const struct dhcp4_message *message)
{
	uint8_t type;

	if (!dhcp4_get_u8(message, DHCP4_OPTION_MESSAGE_TYPE, &type) || type > DHCP4_INFORM)
		return DHCP4_NONE;
	return (enum dhcp4_type)type;
}

const char *dhcp4_type_name(enum dhcp4_type type)
{
	static const char *const names[] = {"BOOTP", "DISCOVER", "OFFER", "REQUEST", "DECLINE",
		"ACK", "NAK", "RELEASE", "INFORM"};

	return names[type];
}
