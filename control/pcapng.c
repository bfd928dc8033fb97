// SPDX-License-Identifier: BSD-3-Clause
#include "control/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_TYPE_ETHERNET = 1,

	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_SECTION_APPLICATION = 4,
	OPTION_INTERFACE_NAME = 2,
	OPTION_INTERFACE_TSRESOL = 9,
	OPTION_PACKET_FLAGS = 2,
	TSRESOL_NANOSECONDS = 9,
	OPTION_MAX = 65535,
};

struct option {
	uint16_t code, bytes;
	const void *value;
};

static size_t padded(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

static struct option text_option(uint16_t code, const char *text)
{
	size_t bytes = text == NULL ? 0 : strlen(text);

	return (struct option){code, (uint16_t)(bytes > OPTION_MAX ? OPTION_MAX : bytes), text};
}

static void put_padded(struct evbuffer *out, const void *bytes, size_t n)
{
	static const uint8_t zeroes[3];

	evbuffer_add(out, bytes, n);
	evbuffer_add(out, zeroes, padded(n) - n);
}

// A block of a fixed part, data and options; those without a value are left out.
static int put_block(struct evbuffer *out, uint32_t type, const void *fixed, size_t fixed_bytes,
	const void *data, size_t data_bytes, const struct option *options, unsigned n_options)
{
	size_t options_bytes = 4; // its end
	uint32_t total, end = OPTION_END;

	for (unsigned i = 0; i < n_options; i++)
		if (options[i].value != NULL)
			options_bytes += 4 + padded(options[i].bytes);
	total = (uint32_t)(12 + fixed_bytes + padded(data_bytes) + options_bytes);
	if (evbuffer_expand(out, total) != 0) // then nothing below can fail
		return -ENOMEM;
	evbuffer_add(out, &type, sizeof(type));
	evbuffer_add(out, &total, sizeof(total));
	evbuffer_add(out, fixed, fixed_bytes);
	put_padded(out, data, data_bytes);
	for (unsigned i = 0; i < n_options; i++) {
		if (options[i].value == NULL)
			continue;
		evbuffer_add(out, &options[i].code, sizeof(options[i].code));
		evbuffer_add(out, &options[i].bytes, sizeof(options[i].bytes));
		put_padded(out, options[i].value, options[i].bytes);
	}
	evbuffer_add(out, &end, sizeof(end));
	evbuffer_add(out, &total, sizeof(total));
	return 0;
}

int pcapng_section(struct evbuffer *out, const char *application, const char *comment)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		int32_t length_low, length_high; // -1: not told
	} fixed = {BYTE_ORDER_MAGIC, 1, 0, -1, -1};
	const struct option options[] = {
		text_option(OPTION_COMMENT, comment),
		text_option(OPTION_SECTION_APPLICATION, application),
	};

	return put_block(out, BLOCK_SECTION, &fixed, sizeof(fixed), NULL, 0, options, 2);
}

int pcapng_interface(struct evbuffer *out, const char *name, uint32_t snap_bytes)
{
	static const uint8_t resolution = TSRESOL_NANOSECONDS;
	const struct {
		uint16_t link_type, reserved;
		uint32_t snap_bytes;
	} fixed = {LINK_TYPE_ETHERNET, 0, snap_bytes};
	const struct option options[] = {
		text_option(OPTION_INTERFACE_NAME, name),
		{OPTION_INTERFACE_TSRESOL, sizeof(resolution), &resolution},
	};

	return put_block(out, BLOCK_INTERFACE, &fixed, sizeof(fixed), NULL, 0, options, 2);
}

int pcapng_packet(struct evbuffer *out, const struct pcapng_packet *packet)
{
	const struct {
		uint32_t interface, time_high, time_low, captured_bytes, bytes;
	} fixed = {packet->interface, (uint32_t)(packet->time_ns >> 32), (uint32_t)packet->time_ns,
		packet->captured_bytes, packet->bytes};
	const uint32_t flags = packet->direction;
	const struct option options[] = {
		text_option(OPTION_COMMENT, packet->comment),
		{OPTION_PACKET_FLAGS, sizeof(flags), &flags},
	};

	return put_block(out, BLOCK_PACKET, &fixed, sizeof(fixed), packet->data,
		packet->captured_bytes, options, 2);
}
