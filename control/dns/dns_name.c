// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/hash.h"

enum {
	POINTER = 0xc0, // RFC 1035, section 4.1.4: both bits; one alone is reserved
	NIBBLES_IP6 = 32,
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

// Adds one label; false when the name would be too long with the root behind it.
static bool add_label(struct dns_name *name, const uint8_t *label, size_t len)
{
	if (name->len + 1 + len + 1 > DNS_NAME_BYTES_MAX)
		return false;
	name->bytes[name->len] = (uint8_t)len;
	memcpy(name->bytes + name->len + 1, label, len);
	name->len = (uint8_t)(name->len + 1 + len);
	name->n_labels++;
	return true;
}

static void end_name(struct dns_name *name)
{
	name->bytes[name->len++] = 0;
}

// --- on the wire ---

enum { NO_NAME = -1 };

// The labels up to the root, then 0, or up to a pointer, then what it leads to, or NO_NAME.
static int read_labels(struct cursor *at, struct dns_name *out)
{
	for (;;) {
		uint8_t len = cursor_u8(at);
		const uint8_t *label;

		if ((len & POINTER) == POINTER) {
			int target = (len & ~POINTER & UINT8_MAX) << 8 | cursor_u8(at);

			// 0 is the header, where no name is
			return at->is_short || target == 0 ? NO_NAME : target;
		}
		if (at->is_short || len > DNS_LABEL_BYTES_MAX)
			return NO_NAME;
		if (len == 0)
			return 0;
		label = cursor_bytes(at, len);
		if (label == NULL || !add_label(out, label, len))
			return NO_NAME;
	}
}

void dns_name_read(struct cursor *at, const uint8_t *message, struct dns_name *out)
{
	const uint8_t *end = at->at + at->left;
	int bound = (int)(at->at - message); // pointers lead in front of it
	int target;

	out->len = out->n_labels = 0;
	target = read_labels(at, out);
	while (target > 0 && target < bound) {
		struct cursor there =
			cursor_of(message + target, (size_t)(end - message) - (size_t)target);

		bound = target;
		target = read_labels(&there, out);
	}
	if (target == 0) {
		end_name(out);
		return;
	}
	out->len = out->n_labels = 0;
	at->is_short = true;
	at->left = 0;
}

void dns_name_skip(struct cursor *at)
{
	for (;;) {
		uint8_t len = cursor_u8(at);

		if (at->is_short || len == 0)
			return;
		if ((len & POINTER) == POINTER) {
			cursor_u8(at);
			return;
		}
		// one of the two bits alone is reserved: more than any message has
		cursor_bytes(at, len <= DNS_LABEL_BYTES_MAX ? len : SIZE_MAX);
	}
}

void dns_name_write(struct cursor_out *out, const struct dns_name *name)
{
	cursor_put(out, name->bytes, name->len);
}

// --- text ---

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// One byte of a label from `*text`, which is moved on. Negative: there is none.
static int take_byte(const char **text)
{
	const char *c = *text;

	if (c[0] != '\\') {
		*text += 1;
		return (uint8_t)c[0];
	}
	if (is_digit(c[1]) && is_digit(c[2]) && is_digit(c[3])) {
		int value = (c[1] - '0') * 100 + (c[2] - '0') * 10 + (c[3] - '0');

		*text += 4;
		return value <= UINT8_MAX ? value : -1;
	}
	if (c[1] == '\0' || is_digit(c[1]))
		return -1;
	*text += 2;
	return (uint8_t)c[1];
}

int dns_name_parse(const char *text, struct dns_name *out)
{
	uint8_t label[DNS_LABEL_BYTES_MAX];

	out->len = out->n_labels = 0;
	if (text[0] == '\0')
		return -EINVAL;
	if (strcmp(text, ".") == 0)
		text++;
	while (*text != '\0') {
		size_t len = 0;

		while (*text != '\0' && *text != '.') {
			int byte = take_byte(&text);

			if (byte < 0 || len == sizeof(label))
				return -EINVAL;
			label[len++] = (uint8_t)byte;
		}
		if (len == 0 || !add_label(out, label, len))
			return -EINVAL;
		if (*text == '.')
			text++;
	}
	end_name(out);
	return 0;
}

static size_t write_byte(char *out, uint8_t c)
{
	if (c == '.' || c == '\\' || c == '"') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c > ' ' && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

const char *dns_name_str(const struct dns_name *name, char out[DNS_NAME_STR_BYTES])
{
	size_t len = 0;

	for (unsigned at = 0; at + 1 < name->len; at += name->bytes[at] + 1u) {
		if (at > 0)
			out[len++] = '.';
		for (unsigned i = 1; i <= name->bytes[at]; i++)
			len += write_byte(out + len, name->bytes[at + i]);
	}
	if (name->len == 1)
		out[len++] = '.';
	out[len] = '\0';
	return out;
}

// --- comparing ---

// The bytes of lengths are below 64 and so no letters: whole names are compared in one go.
static bool is_same(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && is_same(a->bytes, b->bytes, a->len);
}

static unsigned offset_of_label(const struct dns_name *name, unsigned n)
{
	unsigned at = 0;

	while (n-- > 0 && at + 1 < name->len)
		at += name->bytes[at] + 1u;
	return at;
}

bool dns_name_is_within(const struct dns_name *name, const struct dns_name *zone)
{
	unsigned at;

	if (zone->len == 0 || zone->n_labels > name->n_labels)
		return false;
	at = offset_of_label(name, name->n_labels - zone->n_labels);
	return name->len - at == zone->len && is_same(name->bytes + at, zone->bytes, zone->len);
}

void dns_name_lower(struct dns_name *name)
{
	for (unsigned i = 0; i < name->len; i++)
		name->bytes[i] = lower(name->bytes[i]);
}

uint64_t dns_name_hash(const struct dns_name *name, uint64_t seed)
{
	uint8_t bytes[DNS_NAME_BYTES_MAX];

	for (unsigned i = 0; i < name->len; i++)
		bytes[i] = lower(name->bytes[i]);
	return hash_bytes(seed, bytes, name->len);
}

// --- parts ---

struct dns_name dns_name_without(const struct dns_name *name, unsigned n)
{
	struct dns_name out = {.len = 0};
	unsigned at = offset_of_label(name, n);

	out.len = (uint8_t)(name->len - at);
	out.n_labels = (uint8_t)(name->n_labels > n ? name->n_labels - n : 0);
	memcpy(out.bytes, name->bytes + at, out.len);
	return out;
}

int dns_name_join(const struct dns_name *name, const struct dns_name *zone, struct dns_name *out)
{
	size_t front = name->len > 0 ? name->len - 1u : 0;

	if (front + zone->len > DNS_NAME_BYTES_MAX)
		return -EINVAL;
	memcpy(out->bytes, name->bytes, front);
	memcpy(out->bytes + front, zone->bytes, zone->len);
	out->len = (uint8_t)(front + zone->len);
	out->n_labels = (uint8_t)(name->n_labels + zone->n_labels);
	return 0;
}

int dns_name_prepend(
	const uint8_t *label, size_t len, const struct dns_name *name, struct dns_name *out)
{
	struct dns_name front = {.len = 0};

	if (len == 0 || len > DNS_LABEL_BYTES_MAX || !add_label(&front, label, len))
		return -EINVAL;
	end_name(&front);
	return dns_name_join(&front, name, out);
}

// --- the reverse tree ---

void dns_name_of_address(const struct ip_addr *addr, struct dns_name *out)
{
	char text[DNS_NAME_STR_BYTES];
	size_t len = 0;

	if (addr->family == IP_V4) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", addr->v4[3], addr->v4[2],
			addr->v4[1], addr->v4[0]);
	} else {
		for (int i = NIBBLES_IP6 - 1; i >= 0; i--) {
			unsigned nibble = i % 2 == 1 ? addr->v6[i / 2] & 15u : addr->v6[i / 2] >> 4;

			text[len++] = "0123456789abcdef"[nibble];
			text[len++] = '.';
		}
		snprintf(text + len, sizeof(text) - len, "ip6.arpa");
	}
	dns_name_parse(text, out);
}

// Decimal without leading zeroes, 0 to 255. Negative: it is none.
static int octet_of(const uint8_t *label)
{
	int value = 0;

	if (label[0] == 0 || label[0] > 3 || (label[0] > 1 && label[1] == '0'))
		return -1;
	for (unsigned i = 1; i <= label[0]; i++) {
		if (!is_digit((char)label[i]))
			return -1;
		value = value * 10 + (label[i] - '0');
	}
	return value <= UINT8_MAX ? value : -1;
}

static int nibble_of(const uint8_t *label)
{
	uint8_t c = label[0] == 1 ? lower(label[1]) : 0;

	if (is_digit((char)c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_in_tree(const struct dns_name *name, unsigned n_labels, const char *tree)
{
	struct dns_name zone;

	return name->n_labels == n_labels && dns_name_parse(tree, &zone) == 0 &&
	       dns_name_is_within(name, &zone);
}

bool dns_name_to_address(const struct dns_name *name, struct ip_addr *out)
{
	const uint8_t *label = name->bytes;
	bool is_ip4 = is_in_tree(name, 4 + 2, "in-addr.arpa");

	*out = (struct ip_addr){.family = is_ip4 ? IP_V4 : IP_V6};
	if (!is_ip4 && !is_in_tree(name, NIBBLES_IP6 + 2, "ip6.arpa"))
		return false;
	for (int i = is_ip4 ? 3 : NIBBLES_IP6 - 1; i >= 0; i--, label += label[0] + 1) {
		int value = is_ip4 ? octet_of(label) : nibble_of(label);

		if (value < 0)
			return false;
		if (is_ip4)
			out->v4[i] = (uint8_t)value;
		else
			out->v6[i / 2] |= (uint8_t)(i % 2 == 1 ? value : value << 4);
	}
	return true;
}
